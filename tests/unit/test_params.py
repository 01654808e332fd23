"""params.yaml: a wrong key, type or combination is one sentence that names it in full."""

import copy
import subprocess
import sys

import pytest
import yaml
from changed_params import sentence
from hypothesis import given, settings
from hypothesis import strategies as st
from repository import PARAMS, ROOT, committed, default_params

from srgan_ab.common.errors import UserError
from srgan_ab.common.params import Declared, load, parse

DEFAULT = default_params()


def leaves(section: dict, prefix: str = "") -> list[str]:
    return [
        key
        for name, value in section.items()
        for key in (
            leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else [f"{prefix}{name}"]
        )
    ]


def changed(key: str, value: object) -> dict:
    values = copy.deepcopy(DEFAULT)
    *sections, leaf = key.split(".")
    node = values
    for section in sections:
        node = node[section]
    node[leaf] = value
    return values


def test_params_are_read_as_written():
    assert load(PARAMS).model_dump() == DEFAULT


def test_the_committed_params_are_valid_and_have_the_keys_of_these_tests():
    values = yaml.safe_load(committed("params.yaml"))
    assert leaves(values) == leaves(DEFAULT)
    assert parse(values).model_dump() == values


@pytest.mark.parametrize("key", leaves(DEFAULT))
def test_every_key_is_required_and_its_spelling_checked(key):
    *sections, leaf = key.split(".")
    values = copy.deepcopy(DEFAULT)
    node = values
    for section in sections:
        node = node[section]
    node[leaf + "x"] = node.pop(leaf)
    message = sentence(values)
    assert f"{key} is missing: add it" in message or f"{key}x is no known key" in message
    del node[leaf + "x"]
    assert f"{key} is missing: add it" in sentence(values)


@pytest.mark.parametrize("key", leaves(DEFAULT))
def test_no_key_takes_a_mapping(key):
    assert key.split(".")[0] in sentence(changed(key, {"a": 1}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", -1),
        ("seed", 2**31),
        ("seed", "7"),
        ("seed", 7.0),
        ("seed", True),
        ("seed", None),
        ("data.source", "imagenet"),
        ("data.sha256", "abc"),
        ("data.classes", "cat"),
        ("data.per_class", 0),
        ("split.test", 0),
        ("split.test", 1.0),
        ("split.validation", "0.1"),
        ("split.hash_distance", 33),
        ("split.correlation", 1.1),
        ("split.flagged", "maybe"),
        ("images.hr", 4),
        ("images.hr", 128.5),
        ("images.scale", 3),
        ("images.fit", "stretch"),
        ("images.crops_per_image", 0),
        ("classifier.freeze", "some"),
        ("classifier.epochs", 0),
        ("classifier.learning_rate", 0),
        ("classifier.learning_rate", float("inf")),
        ("classifier.learning_rate", float("nan")),
        ("classifier.learning_rate", "3e-4"),
        ("classifier.weight_decay", -0.1),
        ("classifier.patience", 0),
        ("classifier.augmentation.flip", 1.5),
        ("classifier.augmentation.hue", 0.6),
        ("classifier.augmentation.rotation", 200),
        ("b.images", "bicubic"),
        ("srgan.generator.normalization", "instance"),
        ("srgan.generator.upsampler", "transposed"),
        ("srgan.ema", 1),
        ("srgan.pretraining.epochs", -1),
        ("srgan.pixel.loss", "huber"),
        ("srgan.pixel.weight", -1),
        ("srgan.adversarial.label_smoothing", 0.5),
        ("srgan.select", "best"),
        ("benchmarks.paths", "Set5"),
        ("benchmarks.lr", "opencv"),
        ("compare.model", "c"),
        ("compare.bootstrap", 10),
        ("compare.margin", 0.0),
        ("controls.c_plus", "yes"),
        ("runtime.device", "tpu"),
        ("runtime.precision", "fp16"),
        ("runtime.compile", "max-autotune"),
        ("runtime.threads", 0),
    ],
)
def test_an_impossible_value_is_named_with_its_full_key(key, value):
    message = sentence(changed(key, value))
    assert message.startswith(f"{key} is {value!r}: ")


def test_three_classes_are_refused_with_a_way_out():
    message = sentence(changed("data.classes", ["cat", "dog", "fox"]))
    assert message.startswith("data.classes has 3 names: give two, or one class against a folder")


def test_a_missing_section_and_an_unknown_one_are_named():
    assert "srgan is missing" in sentence({k: v for k, v in DEFAULT.items() if k != "srgan"})
    assert "trainer is no known key" in sentence(DEFAULT | {"trainer": {}})


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["", *DEFAULT, *leaves(DEFAULT)]),
)
def test_no_value_anywhere_gives_anything_but_params_or_one_sentence(value, key):
    try:
        parse(changed(key, value) if key else value)
    except UserError as error:
        assert "params.yaml" in str(error)


def test_a_stage_sees_the_keys_it_declares_and_runtime_only():
    params = parse(DEFAULT)
    view = Declared(params, ["seed", "srgan.generator", "data.classes"])
    assert view.seed == 7
    assert view.srgan.generator.blocks == DEFAULT["srgan"]["generator"]["blocks"]
    assert view.data.classes == ["cat", "dog"]
    assert view.runtime.device == "auto"
    for read, key in (
        (lambda: view.images, "images"),
        (lambda: view.srgan.ema, "srgan.ema"),
        (lambda: view.data.source, "data.source"),
    ):
        with pytest.raises(AttributeError, match=f"reads {key}, which dvc.yaml does not declare"):
            read()


def test_checking_needs_neither_torch_nor_torchvision():
    code = (
        "import sys; from pathlib import Path; from srgan_ab.common.params import load;"
        f"load(Path({str(PARAMS)!r}));"
        "sys.exit(bool({'torch', 'torchvision', 'pandas'} & sys.modules.keys()))"
    )
    src = str(ROOT / "src")
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": src}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
