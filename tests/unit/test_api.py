"""From Python: the examples in the docstrings hold, and results are those of the command."""

import doctest
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from command_line import run_command, small_generator
from PIL import Image
from repository import ROOT

import srgan_ab
from srgan_ab import load_generator, upscale
from srgan_ab.app import api
from srgan_ab.common.errors import UserError


@pytest.mark.parametrize("module", [api, srgan_ab])
def test_examples_in_docstrings_hold(module):
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


def test_the_command_gives_the_same(monkeypatch, capsysbinary, tmp_path):
    model = small_generator(tmp_path / "g.safetensors")
    values = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    tags = Image.Exif()
    tags[0x0112] = 8
    Image.fromarray(values).save(tmp_path / "a.png", exif=tags)
    generator = load_generator(model, "cpu", "fp32")
    run = partial(run_command, monkeypatch, capsysbinary, "upscale", tmp_path / "a.png")
    run = partial(run, "--model", model, "--device", "cpu", "--precision", "fp32", "-f")
    for scale, wrap in ((4, False), (2.5, True)):
        options = ["--wrap"] if wrap else []
        assert run("-o", tmp_path / "b.png", "--scale", scale, *options).code == 0
        result = upscale(tmp_path / "a.png", generator, scale, wrap=wrap)
        np.testing.assert_array_equal(result, Image.open(tmp_path / "b.png"))
        assert result.height > result.width


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("1", "RGB"), ("P", "RGB"), ("L", "L"), ("CMYK", "RGB"), ("PA", "RGBA"), ("LA", "LA")],
)
def test_pictures_of_every_mode(tmp_path, mode, expected):
    generator = load_generator(small_generator(tmp_path / "g.safetensors"), "cpu", "fp32")
    image = Image.new("RGB", (6, 4)).convert("LA").convert("RGBA")
    image = Image.new(mode, (6, 4)) if mode in ("PA", "LA") else image.convert("RGB").convert(mode)
    result = upscale(image, generator)
    assert (result.mode, result.size) == (expected, (24, 16))


def test_mistakes_are_sentences(tmp_path):
    generator = load_generator(small_generator(tmp_path / "g.safetensors"), "cpu", "fp32")
    with pytest.raises(UserError, match="scale is 9"):
        upscale(Image.new("L", (4, 4)), generator, 9)
    with pytest.raises(UserError, match=r"none\.png is no file"):
        upscale(tmp_path / "none.png", generator)
    with pytest.raises(UserError, match="missing"):
        load_generator(tmp_path / "none.safetensors")
    with pytest.raises(AttributeError, match="no attribute 'enlarge_all'"):
        _ = srgan_ab.enlarge_all


@pytest.mark.slow
def test_torch_stays_as_its_user_has_set_it():
    code = """
import torch
from srgan_ab import load_generator
before = torch.are_deterministic_algorithms_enabled(), torch.initial_seed()
load_generator("small", device="cpu")
assert before == (torch.are_deterministic_algorithms_enabled(), torch.initial_seed())
"""
    environment = {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
