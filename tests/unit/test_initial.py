"""What a generator's training starts from: read, refused where it does not fit, and told."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
import toy_srgan
from toy_srgan import parts, run, settings

from srgan_ab.common import paths, shipped
from srgan_ab.common.errors import UserError
from srgan_ab.common.initial import read_initial
from srgan_ab.common.shipped import seen_list, write_seen
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.generator import Generator

SEEN = ["a" * 64, "b" * 64]


def written(path, kind="generator", half=False, **changes):
    """Weights of the toy's generator, but for the changes; its layers all do something."""
    architecture = settings().generator.architecture(4) | changes
    torch.manual_seed(7)
    generator = Generator(**architecture)
    torch.nn.init.normal_(generator.tail.weight, std=0.01)
    save_weights(path, generator.half() if half else generator, architecture, kind)
    return generator.float().state_dict()


def start(name):
    return settings(generator__initial=str(name)).generator


def test_none_is_none():
    assert read_initial(settings().generator, 4) is None


def test_a_file_with_and_without_its_list(tmp_path):
    path = tmp_path / "g.safetensors"
    state = written(path)
    found = read_initial(start(path), 4)
    assert found.told() == {"generator": str(path), "seen": None}
    assert all(torch.equal(found.state[key], value) for key, value in state.items())
    write_seen(seen_list(path), SEEN)
    assert read_initial(start(path), 4).seen == SEEN


def test_one_of_the_box(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "DIRECTORY", tmp_path)
    with pytest.raises(UserError, match=r"^srgan\.generator\.initial: the generator rough"):
        read_initial(start("rough"), 4)
    written(tmp_path / "rough.safetensors", half=True)
    write_seen(tmp_path / "rough.seen.txt.xz", SEEN)
    assert read_initial(start("rough"), 4).told() == {"generator": "rough", "seen": SEEN}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": 8}, "has channels 8 where srgan.generator.channels is 4: set"),
        ({"skip": "none"}, "has skip none where srgan.generator.skip is bicubic: set"),
        (
            {"blocks": 3, "normalization": "batch"},
            "has blocks 3 where srgan.generator.blocks is 1 and normalization batch where "
            "srgan.generator.normalization is none: set",
        ),
    ],
)
def test_another_architecture_is_named_with_both_values(tmp_path, changes, words):
    written(tmp_path / "g.safetensors", **changes)
    with pytest.raises(UserError) as caught:
        read_initial(start(tmp_path / "g.safetensors"), 4)
    message = str(caught.value)
    assert message.startswith("srgan.generator.initial ") and words in message
    assert "\n" not in message


def test_what_is_no_generator_is_one_sentence(tmp_path):
    path = tmp_path / "g.safetensors"
    with pytest.raises(UserError, match=r"^srgan\.generator\.initial: .*g\.safetensors is missing"):
        read_initial(start(path), 4)
    written(path, kind="discriminator")
    with pytest.raises(UserError, match="holds a discriminator, not a generator"):
        read_initial(start(path), 4)
    save_weights(path, Generator(blocks=1, channels=4), {})
    with pytest.raises(UserError, match=r"blocks unsaid where srgan\.generator\.blocks is 1"):
        read_initial(start(path), 4)
    written(path)
    seen_list(path).write_text("no list")
    with pytest.raises(
        UserError, match=r"^srgan\.generator\.initial: .*\.seen\.txt\.xz is no list"
    ):
        read_initial(start(path), 4)


@pytest.fixture
def project(tmp_path, monkeypatch):
    return toy_srgan.project(tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True])
def test_without_pretraining_srresnet_is_the_generator_it_starts_from(project, half):
    state = written(Path("g.safetensors"), half=half)
    run(settings(generator__initial="g.safetensors", pretraining__epochs=0))
    for key, value in parts("srresnet").items():
        assert value.dtype == torch.float32 and torch.equal(value, state[key])
    assert any(not torch.equal(value, state[key]) for key, value in parts("generator").items())
    told = json.loads(paths.INITIAL.read_text())
    assert told == {"generator": "g.safetensors", "seen": None}


@pytest.mark.slow
def test_pretraining_goes_on_from_it(project):
    run(settings())
    assert not paths.INITIAL.exists()
    plain = parts("srresnet")
    written(Path("g.safetensors"))
    write_seen(Path("g.seen.txt.xz"), SEEN)
    still = {"pretraining__learning_rate": 1e-12, "ema": 0.0}
    run(settings(generator__initial="g.safetensors", **still))
    near = written(Path("again.safetensors"))
    for key, value in parts("srresnet").items():
        torch.testing.assert_close(value, near[key], atol=1e-6, rtol=0)
    assert any(not torch.equal(value, near[key]) for key, value in plain.items())
    assert json.loads(paths.INITIAL.read_text())["seen"] == SEEN


@pytest.mark.slow
def test_with_folds_every_generator_starts_from_it(project):
    state = written(Path("g.safetensors"))
    run(settings(generator__initial="g.safetensors", pretraining__epochs=0, folds=2, batch_size=2))
    for fold in pd.read_csv(paths.FOLDS)["fold"].unique():
        for key, value in parts(f"without_fold_{fold}/srresnet").items():
            assert torch.equal(value, state[key])


@pytest.mark.slow
def test_what_does_not_fit_is_said_before_the_first_update(project):
    written(Path("g.safetensors"), channels=8)
    with pytest.raises(UserError, match="has channels 8 where"):
        run(settings(generator__initial="g.safetensors"))
    assert not Path("models").exists() and not Path("plots").exists()
