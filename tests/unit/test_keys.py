"""What is right in params.yaml is not refused; a key that is misspelt or missing is named."""

import pytest
from changed_params import changed, sentence

from srgan_ab.common.params import parse

PERCEPTUAL = {"srgan.perceptual.weight": 1.0, "pretrained.perceptual": "imagenet"}
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
    "no declared test": {"compare.declared": []},
    "a test of an arm that is left out": {"controls.c_plus": False},
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


def renamed(old: str, new: str) -> dict:
    values = changed({})
    node = values
    *sections, leaf = old.split(".")
    for section in sections:
        node = node[section]
    node[new.split(".")[-1]] = node.pop(leaf)
    return values


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
