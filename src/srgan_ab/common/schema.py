"""`params.yaml`, typed: every key, its type, its range, and what must hold between keys."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Fraction = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Size = Annotated[int, Field(ge=20, le=4096)]  # SSIM needs 19 pixels


class Section(BaseModel):
    """Unknown keys are errors, and "3" is not 3."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Data(Section):
    source: Literal[
        "synthetic",
        "folder",
        "archive",
        "asirra",
        "kaggle",
        "oxford_pets",
        "mirflickr",
        "coco",
        "div2k",
    ]
    path: str | None  # folder: a directory; archive: a zip or tar file or its http(s) address
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    classes: Annotated[list[str], Field(max_length=2)]  # [negative, positive]; [] = no classes
    per_class: Count | None  # synthetic: images rendered; others: at most so many (null = all)

    @model_validator(mode="after")
    def _path_where_needed(self):
        if self.source in ("folder", "archive") and not self.path:
            raise ValueError(f"source {self.source} needs data.path")
        if self.source == "synthetic" and not self.per_class:
            raise ValueError("source synthetic needs data.per_class")
        if len(set(self.classes)) == 1:
            raise ValueError("classes must be two different names, or [] for none")
        return self


class Pretrained(Section):
    classifier: str | None  # null, imagenet, or a .safetensors file
    perceptual: str | None
    lpips: str | None


class Split(Section):
    test: Fraction
    validation: Fraction
    hash_distance: Annotated[int, Field(ge=0, le=32)]  # of 64 bits
    correlation: Probability
    flagged: Literal["keep", "drop"]

    @model_validator(mode="after")
    def _something_left_to_train_on(self):
        if self.test + self.validation >= 1:
            raise ValueError("split.test + split.validation must be below 1")
        return self


class Images(Section):
    hr: Size
    scale: Literal[4]  # two pixel-shuffle stages
    fit: Literal["cover", "squash", "crops"]
    crops_per_image: Count

    @model_validator(mode="after")
    def _lr_is_whole(self):
        if self.hr % self.scale:
            raise ValueError(f"images.hr must be a multiple of {self.scale}")
        return self


class Augmentation(Section):
    flip: Probability
    rotation: Annotated[float, Field(ge=0, le=180)]  # degrees, either way
    brightness: Probability
    contrast: Probability
    saturation: Probability
    hue: Annotated[float, Field(ge=0, le=0.5)]


class Classifier(Section):
    backbone: str  # small_cnn, or any torchvision classification network
    freeze: Literal["none", "features"]
    epochs: Count  # of the HR training set; every arm makes as many updates
    batch_size: Count
    learning_rate: Positive
    weight_decay: NonNegative
    patience: Count | None  # epochs without a better validation loss; null = never stop early
    replicates: Count
    augmentation: Augmentation


class ArmB(Section):
    images: Literal["sr", "hr+sr"]
    per_class: Count | None  # SR images per class; null = all


class Controls(Section):
    """Which control arms are trained and compared; a and b always are."""

    b_plus: bool
    c: bool
    c_plus: bool
    r: bool


class GeneratorParams(Section):
    blocks: Count
    channels: Count
    normalization: Literal["batch", "none"]
    activation: Literal["prelu", "leaky_relu"]
    upsampler: Literal["pixel_shuffle", "nearest_conv"]
    skip: Literal["none", "bicubic"]
    output: Literal["linear", "tanh", "sigmoid"]

    @model_validator(mode="after")
    def _skip_is_not_squashed(self):
        if self.skip == "bicubic" and self.output != "linear":
            raise ValueError(
                "skip: bicubic adds to a picture, so it needs output: linear; or set skip: none"
            )
        return self


class DiscriminatorParams(Section):
    channels: Count  # of the first layer; the last has eight times as many
    normalization: Literal["batch", "none"]
    spectral_norm: bool


Schedule = Literal["constant", "step", "cosine", "plateau"]


class Pretraining(Section):
    epochs: Annotated[int, Field(ge=0)]  # 0 = off
    loss: Literal["mse", "l1"]
    learning_rate: Positive
    schedule: Schedule


class Pixel(Section):
    loss: Literal["mse", "l1"]
    weight: NonNegative


class Perceptual(Section):
    network: Literal["vgg19", "vgg16", "resnet50", "squeezenet1_1", "mobilenet_v2", "lpips"]
    layer: str  # of VGG before ReLU: conv2_2 ... conv5_4; of others torchvision's name
    weight: NonNegative


class Adversarial(Section):
    epochs: Count
    loss: Literal["bce", "lsgan", "relativistic"]
    learning_rate: Positive
    schedule: Schedule
    weight: NonNegative
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)]
    label_noise: Annotated[float, Field(ge=0, lt=0.5)]
    r1: NonNegative
    r2: NonNegative
    history: Annotated[int, Field(ge=0)]  # generated images; 0 = off


class Srgan(Section):
    seed: Seed | None  # null = the seed of everything else
    generator: GeneratorParams
    discriminator: DiscriminatorParams
    crop: Annotated[int, Field(ge=16)]  # HR pixels
    flip: bool
    turn: bool
    batch_size: Count
    ema: Annotated[float, Field(ge=0, lt=1)]
    gradient_clip: Positive | None
    pretraining: Pretraining
    adversarial: Adversarial
    pixel: Pixel
    perceptual: Perceptual
    total_variation: NonNegative
    folds: Count  # of the training images; 1 = off
    select: Literal["lpips", "psnr", "last"]
    snapshots: list[Count]

    @model_validator(mode="after")
    def _snapshots_happen(self):
        late = [epoch for epoch in self.snapshots if epoch > self.adversarial.epochs]
        if late:
            raise ValueError(
                f"snapshots {late} lie beyond srgan.adversarial.epochs = {self.adversarial.epochs}"
            )
        return self

    @model_validator(mode="after")
    def _parts_fit(self):
        phase = self.adversarial
        if (phase.r1 or phase.r2) and self.discriminator.normalization == "batch":
            raise ValueError(
                "adversarial.r1 and r2 judge each image by itself: set "
                "srgan.discriminator.normalization to none, or them to 0"
            )
        if 0 < phase.history < self.batch_size // 2:
            raise ValueError(
                f"adversarial.history must be 0 or at least half of batch_size = {self.batch_size}"
            )
        if phase.schedule == "plateau" and self.select == "last":
            raise ValueError(
                "adversarial.schedule plateau watches what srgan.select names: set it to lpips or "
                "psnr"
            )
        return self


class Benchmarks(Section):
    paths: list[str]  # folders of HR pictures
    lr: Literal["matlab", "pillow"]

    @model_validator(mode="after")
    def _names_differ(self):
        names = [Path(path).name for path in self.paths]
        if len(set(names)) < len(names):
            raise ValueError(f"benchmarks.paths {self.paths} must end in different names")
        return self


class Compare(Section):
    model: Literal["a", "b"]
    bootstrap: Annotated[int, Field(ge=100)]
    margin: Fraction  # of accuracy


class RuntimeParams(Section):
    portable: bool  # the same bits on every processor
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Literal["auto", "fp32", "bf16"]
    compile: Literal["default", "reduce-overhead"] | None  # "max-autotune" is not repeatable
    threads: Count | None
    workers: Count | None

    @model_validator(mode="after")
    def _portable_is_fp32_on_the_cpu(self):
        if self.portable:
            wanted = {"device": ("auto", "cpu"), "precision": ("auto", "fp32"), "compile": (None,)}
            for key, allowed in wanted.items():
                if getattr(self, key) not in allowed:
                    raise ValueError(
                        f"runtime.portable computes in fp32 on the CPU by kernels that are not "
                        f"compiled anew, and runtime.{key} is {getattr(self, key)}: set "
                        "runtime.portable to false"
                    )
        return self


class Params(Section):
    """The whole of `params.yaml`."""

    seed: Seed
    data: Data
    pretrained: Pretrained
    split: Split
    images: Images
    classifier: Classifier
    b: ArmB
    controls: Controls
    srgan: Srgan
    benchmarks: Benchmarks
    compare: Compare
    runtime: RuntimeParams

    @model_validator(mode="after")
    def _compiled_networks_have_no_second_derivative(self):
        if self.runtime.compile and (self.srgan.adversarial.r1 or self.srgan.adversarial.r2):
            raise ValueError(
                "runtime.compile cannot differentiate twice, as srgan.adversarial.r1 and r2 need: "
                "set it to null, or them to 0"
            )
        return self

    @model_validator(mode="after")
    def _crop_fits(self):
        if self.srgan.crop > self.images.hr or self.srgan.crop % self.images.scale:
            raise ValueError(
                f"srgan.crop must be a multiple of {self.images.scale} and at most "
                f"images.hr = {self.images.hr}"
            )
        return self
