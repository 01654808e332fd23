"""Weights: what a file holds is said when it is not what was wanted."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from srgan_ab.classifier.backbones import build
from srgan_ab.classifier.prediction import load_classifier
from srgan_ab.common.errors import UserError
from srgan_ab.common.weights import load_network, read_weights, save_weights
from srgan_ab.srgan.generator import Generator, load_generator

CPU = torch.device("cpu")
SIZES = {"blocks": 1, "channels": 8}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "w.safetensors"


@pytest.mark.parametrize(
    ("kind", "architecture"),
    [
        ("discriminator", {"channels": 4, "spectral_norm": False}),
        ("classifier", {"backbone": "small_cnn", "classes": ["cat", "dog"]}),
    ],
)
def test_a_generator_is_wanted(file, kind, architecture):
    save_weights(file, nn.Linear(2, 2), architecture, kind)
    with pytest.raises(UserError, match=f"holds a {kind}, not a generator"):
        load_generator(file, CPU)
    save_weights(file, nn.Linear(2, 2), architecture)  # a file that does not say what it is
    with pytest.raises(UserError, match="does not say how to build a generator"):
        load_generator(file, CPU)


def test_a_classifier_is_wanted(file):
    save_weights(file, Generator(**SIZES), SIZES, "generator")
    with pytest.raises(UserError, match="holds a generator, not a classifier"):
        load_classifier(file, CPU)
    save_weights(file, Generator(**SIZES), {})
    with pytest.raises(UserError, match="does not say how to build a classifier"):
        load_classifier(file, CPU)


def test_the_right_kind_is_loaded_and_so_is_a_file_without_one(file):
    for kind in ("generator", None):
        save_weights(file, Generator(**SIZES), SIZES, kind)
        load_generator(file, CPU)
    save_weights(file, build("small_cnn", None, "none"), {"backbone": "small_cnn"}, "classifier")
    load_classifier(file, CPU)


@pytest.mark.parametrize(
    ("build", "architecture"),
    [
        (Generator, SIZES | {"normalization": "none"}),
        (Generator, SIZES | {"normalization": "batch", "upsampler": "nearest_conv"}),
        (build, {"backbone": "small_cnn", "weights": None, "freeze": "none"}),
        (build, {"backbone": "squeezenet1_1", "weights": None, "freeze": "features"}),
        (build, {"backbone": "regnet_y_400mf", "weights": None, "freeze": "none"}),
        (build, {"backbone": "timm/tf_efficientnet_lite0", "weights": None, "freeze": "none"}),
    ],
)
def test_a_network_is_rebuilt_whole_and_nothing_is_drawn_for_it(file, build, architecture):
    """Buffers that no file holds are there too, and what is frozen stays so."""
    torch.manual_seed(0)
    network = build(**architecture)
    save_weights(file, network, architecture)
    before = torch.get_rng_state()
    loaded = load_network(file, "network", build)
    assert torch.equal(torch.get_rng_state(), before)
    for kind in ("named_parameters", "named_buffers"):
        ours, theirs = dict(getattr(loaded, kind)()), dict(getattr(network, kind)())
        assert list(ours) == list(theirs)
        for name, value in theirs.items():
            assert torch.equal(ours[name], value), name
            assert ours[name].requires_grad == value.requires_grad, name
    assert build(**architecture) and not torch.equal(torch.get_rng_state(), before)  # as ever


def test_files_of_another_precision_or_without_counters_fill_a_network_of_fp32(file):
    network = Generator(**SIZES)
    state = {k: v.bfloat16() for k, v in network.state_dict().items() if v.is_floating_point()}
    save_file(state, file, {"architecture": json.dumps(SIZES)})
    loaded = load_network(file, "generator", Generator).state_dict()
    assert loaded.keys() == network.state_dict().keys()
    for name, value in loaded.items():
        if name in state:
            assert value.dtype == torch.float32
            assert torch.equal(value, state[name].float()), name
        else:
            assert value == 0  # batches seen


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_of_a_failed_training_are_refused(file, value):
    generator = Generator(**SIZES)
    with torch.no_grad():
        next(generator.parameters()).view(-1)[3] = value
    save_weights(file, generator, SIZES, "generator")
    with pytest.raises(UserError, match=r"w\.safetensors holds weights that are infinite or NaN"):
        load_generator(file, CPU)


@pytest.mark.parametrize("note", ["resnet18", "[1]", '"resnet18"', "{"])
def test_files_of_other_origin_may_call_anything_an_architecture(file, note):
    save_file({"w": torch.ones(2)}, file, {"architecture": note})
    state, architecture = read_weights(file)
    assert state["w"].tolist() == [1, 1] and architecture == {}
    with pytest.raises(UserError, match="does not fit Generator"):
        load_generator(file, CPU)


def test_a_folder_is_no_file_of_weights(tmp_path):
    with pytest.raises(UserError, match=r"is a folder: give the \.safetensors file in it"):
        load_generator(tmp_path, CPU)


def test_a_file_cut_off_is_not_called_a_pickle(file):
    save_weights(file, nn.Linear(50, 50), {})
    whole = file.read_bytes()
    for size in (0, 5, 60, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(UserError, match="or a damaged one") as caught:
            read_weights(file)
        assert "pickle" not in str(caught.value)
    file.write_bytes(b"\xff" * 100)
    with pytest.raises(UserError, match="or a damaged one"):
        read_weights(file)


def test_pickles_of_both_kinds_are_called_that(file):
    torch.save({"w": torch.zeros(2)}, file)
    with pytest.raises(UserError, match="pickled weights are refused"):
        read_weights(file)
    file.write_bytes(pickle.dumps({"w": 1}))
    with pytest.raises(UserError, match="pickled weights are refused"):
        read_weights(file)
