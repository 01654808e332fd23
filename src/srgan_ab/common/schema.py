"""`params.yaml`, typed: every key, its type and its range; `rules` holds what joins them.

Upper bounds refuse slips of the finger, which would fill the memory or run for days unsaid.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from srgan_ab.common.rules import Pair, broken

Fraction = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
ImageCount = Annotated[int, Field(ge=1, le=1_000_000)]
BatchSize = Annotated[int, Field(ge=1, le=4096)]
Channels = Annotated[int, Field(ge=1, le=512)]
Processes = Annotated[int, Field(ge=1, le=512)]
Repeats = Annotated[int, Field(ge=1, le=100)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Size = Annotated[int, Field(ge=20, le=4096)]  # SSIM needs more, by the scale


class Section(BaseModel):
    """Unknown keys are errors, and "3" is not 3."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Data(Section):
    """Where the photographs come from, and their classes."""

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
    path: str | None  # folder: a directory; archive: a file, or http(s); or s3://bucket/key
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    classes: list[str]  # [negative, positive]; [] = no classes
    per_class: ImageCount | None  # synthetic: images rendered; others: at most so many (null = all)


class Pretrained(Section):
    """Weights from elsewhere: none (null), `imagenet`, `pip`, or those of a .safetensors file."""

    classifier: str | None
    perceptual: str | None
    lpips: str | None


class Split(Section):
    """How images are dealt to training, validation and test, and what counts as a duplicate."""

    test: Fraction
    validation: Fraction
    hash_distance: Annotated[int, Field(ge=0, le=32)]  # of 64 bits
    correlation: Probability
    flagged: Literal["keep", "drop"]


class Images(Section):
    """What HR and LR images are made of a photograph."""

    hr: Size
    scale: Literal[2, 4, 8]  # one, two or three doublings
    fit: Literal["cover", "squash", "crops"]
    crops_per_image: Annotated[int, Field(ge=1, le=10_000)]


class Augmentation(Section):
    """Limits of the random changes to training images of the classifiers."""

    flip: Probability
    rotation: Annotated[float, Field(ge=0, le=180)]  # degrees, either way
    brightness: Probability
    contrast: Probability
    saturation: Probability
    hue: Annotated[float, Field(ge=0, le=0.5)]


class Classifier(Section):
    """The recipe that all arms share."""

    seed: Seed | None  # null = the seed of everything else
    backbone: str  # small_cnn, one of torchvision's, or timm/NAME
    freeze: Literal["none", "features"]
    epochs: Epochs  # of the HR training set; every arm makes as many updates
    batch_size: BatchSize
    learning_rate: Positive
    weight_decay: NonNegative
    patience: Epochs | None  # epochs without a better validation loss; null = never stop early
    replicates: Repeats
    augmentation: Augmentation


class ArmB(Section):
    """What classifier B is trained on."""

    images: Literal["sr", "hr+sr"]
    per_class: ImageCount | None  # SR images per class; null = all


class Controls(Section):
    """Which control arms are trained and compared; a and b always are."""

    b_plus: bool
    c: bool
    c_plus: bool
    r: bool
    p: bool
    t: bool


class GeneratorParams(Section):
    """What the generator's weights start from, and the arguments of `srgan.generator.Generator`."""

    initial: str  # none, a shipped generator, or a .safetensors file
    blocks: Annotated[int, Field(ge=1, le=256)]
    channels: Channels
    normalization: Literal["batch", "none"]
    activation: Literal["prelu", "leaky_relu"]
    upsampler: Literal["pixel_shuffle", "nearest_conv"]
    skip: Literal["none", "bicubic"]
    output: Literal["linear", "tanh", "sigmoid"]

    def architecture(self, scale: int) -> dict[str, Any]:
        """The arguments, with `images.scale`."""
        return self.model_dump(exclude={"initial"}) | {"scale": scale}


class DiscriminatorParams(Section):
    """Arguments of `srgan.discriminator.Discriminator`."""

    channels: Channels  # of the first layer; the last has eight times as many
    normalization: Literal["batch", "none"]
    spectral_norm: bool


Range = Annotated[list[NonNegative], Field(min_length=2, max_length=2)]
Quality = Annotated[int, Field(ge=1, le=100)]


class DegradationParams(Section):
    """How LR images of training are made rougher than the bicubic ones; ranges are drawn from."""

    probability: Probability  # of a crop to be made rougher; 0 = off
    kernels: Annotated[list[Literal["bicubic", "bilinear", "area", "lanczos"]], Field(min_length=1)]
    blur: Range  # standard deviation, LR pixels
    noise: Range  # standard deviation, of 255
    jpeg: Annotated[list[Quality], Field(min_length=2, max_length=2)] | None  # null = off


Schedule = Literal["constant", "step", "cosine", "plateau"]


class Pretraining(Section):
    """The phase that trains SRResNet."""

    epochs: Annotated[int, Field(ge=0, le=100_000)]  # 0 = off
    loss: Literal["mse", "l1"]
    learning_rate: Positive
    schedule: Schedule


class Pixel(Section):
    """The pixel loss of SRGAN's generator."""

    loss: Literal["mse", "l1"]
    weight: NonNegative


class Perceptual(Section):
    """The perceptual loss of SRGAN's generator, and whose features it compares."""

    network: Literal[
        "vgg19",
        "vgg16",
        "resnet50",
        "squeezenet1_1",
        "mobilenet_v2",
        "timm/tf_efficientnet_lite0",
        "lpips",
    ]
    layer: str  # of VGG before ReLU: conv2_2 ... conv5_4; of others their library's name
    weight: NonNegative


class Adversarial(Section):
    """The phase that trains SRGAN."""

    epochs: Epochs
    loss: Literal["bce", "lsgan", "relativistic"]
    warm_up: Annotated[int, Field(ge=0, le=1_000_000)]  # updates of the discriminator alone
    learning_rate: Positive  # of the generator,
    discriminator_learning_rate: Positive | None  # and of the discriminator; null = the same
    schedule: Schedule
    weight: NonNegative
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)]
    label_noise: Annotated[float, Field(ge=0, lt=0.5)]
    r1: NonNegative
    r2: NonNegative
    history: Annotated[int, Field(ge=0, le=100_000)]  # generated images; 0 = off


class Srgan(Section):
    """The two super-resolution networks and their training."""

    seed: Seed | None  # null = the seed of everything else
    generator: GeneratorParams
    discriminator: DiscriminatorParams
    crop: Annotated[int, Field(ge=16, le=4096)]  # HR pixels
    flip: bool
    turn: bool
    degradation: DegradationParams
    batch_size: BatchSize
    ema: Annotated[float, Field(ge=0, lt=1)]
    gradient_clip: Positive | None
    pretraining: Pretraining
    adversarial: Adversarial
    pixel: Pixel
    perceptual: Perceptual
    total_variation: NonNegative
    lattice: NonNegative
    folds: Repeats  # of the training images; 1 = off
    select: Literal["lpips", "psnr", "last"]
    snapshots: list[Epochs]


class Task(Section):
    """The loss of classifier A's features, with which the generator of the arm t is trained."""

    weight: Positive
    layer: str | None  # a module of the classifier; null = its last feature map


class Benchmarks(Section):
    """Folders of HR pictures on which enlargers are compared."""

    paths: list[str]  # folders of HR pictures
    lr: Literal["matlab", "pillow"]


class Compare(Section):
    """How A and B are compared."""

    model: Literal["a", "b"]
    bootstrap: Annotated[int, Field(ge=100, le=100_000)]
    margin: Fraction  # of accuracy
    declared: list[Pair]  # the family of tests; [] = none, everything explores


class RuntimeParams(Section):
    """Where and how precisely stages compute; no stage is rerun for it."""

    portable: bool  # the same bits on every processor
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Literal["auto", "fp32", "bf16"]
    compile: Literal["default", "reduce-overhead"] | None  # "max-autotune" is not repeatable
    threads: Processes | None
    workers: Processes | None
    devices: Processes | Literal["auto"]  # of a machine, that share a stage
    nodes: Processes  # machines
    strategy: Literal["auto", "ddp"]  # auto = ddp, if there is more than one process
    streaming: bool | Literal["auto"]  # training images stay in their files


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
    task: Task
    benchmarks: Benchmarks
    compare: Compare
    runtime: RuntimeParams

    @model_validator(mode="after")
    def _keeps_the_rules(self):
        sentences = list(broken(self))
        if sentences:
            more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
            raise ValueError(sentences[0] + more)
        return self
