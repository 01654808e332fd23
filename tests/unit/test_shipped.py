"""Generators that come with the project: found by name, whole, small, and in the wheel."""

import lzma
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from repository import ROOT, build_wheel

from srgan_ab.common import shipped
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import write_metrics
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.shipped import DIRECTORY, SHIPPED, read_seen, seen_list, weights_of, write_seen
from srgan_ab.common.weights import read_weights, save_weights
from srgan_ab.srgan.generator import Generator, load_generator
from srgan_ab.srgan.upscaling import upscale

ARCHITECTURE = {"blocks": 2, "channels": 8, "normalization": "batch", "skip": "bicubic"}
PICTURES = {split: [f"{split}{i}".encode().hex().zfill(64) for i in range(3)] for split in "abc"}
RUNTIME = Runtime(torch.device("cpu"), "fp32")


def trained(architecture=ARCHITECTURE):
    """A generator whose layers all do something."""
    torch.manual_seed(0)
    generator = Generator(**architecture)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    generator.train()(torch.rand(4, 3, 8, 8))  # moves BatchNorm's means
    return generator.eval()


@pytest.fixture
def workspace(tmp_path):
    """One with a trained generator and a split of three pictures each."""
    root = tmp_path / "workspace"
    save_weights(root / "models/srgan/generator.safetensors", trained(), ARCHITECTURE, "generator")
    sides = zip(("train", "val", "test"), PICTURES.values(), strict=True)
    rows = [(side, picture) for side, pictures in sides for picture in pictures]
    (root / "data").mkdir()
    table = pd.DataFrame(rows, columns=["split", "pixel_sha256"])
    table.to_csv(root / "data/split.csv", index=False)
    return root


@pytest.fixture
def box(monkeypatch, tmp_path):
    """The tool, told to write to a directory of the test's."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    from box import box

    return lambda name, weights: box(name, weights, tmp_path / "box")


def test_a_trained_generator_is_put_in_the_box(workspace, box, tmp_path):
    weights = workspace / "models/srgan/generator.safetensors"
    path = box("photo", weights)
    assert path == tmp_path / "box/photo.safetensors"
    state, architecture = read_weights(path)
    assert architecture == ARCHITECTURE
    assert {t.dtype for t in state.values() if t.is_floating_point()} == {torch.float16}
    assert path.stat().st_size < 0.6 * weights.stat().st_size
    seen = read_seen(seen_list(path))
    assert seen == sorted(PICTURES["a"] + PICTURES["b"])  # none of the test pictures


def test_in_half_precision_it_enlarges_the_same_to_a_level(workspace, box):
    weights = workspace / "models/srgan/generator.safetensors"
    lr = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), np.uint8)
    found = []
    for path in (weights, box("photo", weights)):
        generator = load_generator(path, RUNTIME.device)
        assert {p.dtype for p in generator.parameters()} == {torch.float32}
        found.append(np.zeros((2, 48, 48, 3), np.uint8))
        upscale(generator, lr, found[-1], RUNTIME)
    assert np.abs(found[0].astype(int) - found[1]).max() <= 1
    assert found[0].std() > 10


@pytest.mark.parametrize("stage", ["srgan", "perceptual"])
def test_what_its_own_start_had_seen_it_has_seen(workspace, box, stage):
    """Also where another stage has trained on from SRResNet."""
    weights = workspace / f"models/{stage}/generator.safetensors"
    save_weights(weights, trained(), ARCHITECTURE, "generator")
    initial = workspace / "models/srgan/initial.json"
    earlier = [*PICTURES["a"][:1], "f" * 64]
    write_metrics(initial, {"generator": "faithful", "seen": earlier})
    assert read_seen(seen_list(box("photo", weights))) == sorted(
        {*PICTURES["a"], *PICTURES["b"], *earlier}
    )
    write_metrics(initial, {"generator": "mine.safetensors", "seen": None})
    with pytest.raises(UserError, match=r"trained from mine\.safetensors, and nothing says which"):
        box("photo", weights)


def test_what_cannot_be_put_in_the_box_leaves_nothing(workspace, box, tmp_path):
    directory = workspace / "models/srgan"
    large = {"blocks": 16, "channels": 128}
    save_weights(directory / "large.safetensors", Generator(**large), large, "generator")
    wide = trained()
    torch.nn.init.constant_(wide.tail.bias, 1e6)
    save_weights(directory / "wide.safetensors", wide, ARCHITECTURE, "generator")
    save_weights(directory / "other.safetensors", torch.nn.Linear(2, 2), {}, "discriminator")
    for name, words in (
        ("large", "bytes in half precision, and the project brings at most 4,000,000"),
        ("wide", "has numbers beyond half precision"),
        ("other", "holds a discriminator, not a generator"),
        ("none", "none.safetensors is missing"),
    ):
        with pytest.raises(UserError, match=words):
            box("photo", directory / f"{name}.safetensors")
    (workspace / "data/split.csv").unlink()
    with pytest.raises(UserError, match=r"split\.csv is missing"):
        box("photo", directory / "generator.safetensors")
    assert not (tmp_path / "box").exists()


def test_a_name_is_that_of_a_file_in_the_box_and_all_else_a_path(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "DIRECTORY", tmp_path)
    assert str(weights_of("models/x.safetensors")) == "models/x.safetensors"
    with pytest.raises(UserError, match=r"photo does not come with this version, and neither does"):
        weights_of("photo")
    (tmp_path / "faithful.safetensors").touch()
    assert weights_of("faithful") == tmp_path / "faithful.safetensors"
    with pytest.raises(UserError, match=r"does not come with this version, which has faithful: "):
        weights_of("photo")


def test_a_list_of_pictures_is_read_as_written_or_called_damaged(tmp_path):
    path = seen_list(tmp_path / "g.safetensors")
    assert path.name == "g.seen.txt.xz" and read_seen(path) is None
    write_seen(path, reversed(PICTURES["a"] * 2))
    assert read_seen(path) == sorted(PICTURES["a"])
    assert lzma.decompress(path.read_bytes()).decode().splitlines() == sorted(PICTURES["a"])
    for content in (path.read_bytes()[:-9], b"", b"text", lzma.compress(b"text\n")):
        path.write_bytes(content)
        with pytest.raises(UserError, match="is no list of the pictures that a generator has seen"):
            read_seen(path)


def test_each_generator_in_the_box_has_its_card_and_its_list():
    files = {file.name for file in DIRECTORY.iterdir()} - {"README.md"}
    there = [name for name in SHIPPED if f"{name}.safetensors" in files]
    assert files == {
        f"{name}.{suffix}" for name in there for suffix in ("safetensors", "md", "seen.txt.xz")
    }
    for name in there:
        assert (DIRECTORY / f"{name}.safetensors").stat().st_size <= 4 * 2**20
        assert read_seen(seen_list(DIRECTORY / f"{name}.safetensors"))
        load_generator(DIRECTORY / f"{name}.safetensors", RUNTIME.device)


def test_a_wheel_brings_them(tmp_path):
    """Of a package of three files, so that it is built in a second."""
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    generators = tmp_path / "src/srgan_ab/generators"
    generators.mkdir(parents=True)
    (tmp_path / "src/srgan_ab/__init__.py").touch()
    names = {"photo.safetensors", "photo.md", "photo.seen.txt.xz"}
    for name in names:
        (generators / name).write_text("x")
    with zipfile.ZipFile(build_wheel(tmp_path)) as archive:
        assert {f"srgan_ab/generators/{name}" for name in names} <= set(archive.namelist())
