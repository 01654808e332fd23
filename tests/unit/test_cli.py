"""`srgan-ab upscale` enlarges a file, and says in one sentence what is wrong with another."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.generator import Generator


@pytest.fixture
def model(tmp_path):
    architecture = {"blocks": 1, "channels": 4, "normalization": "none", "skip": "bicubic"}
    save_weights(tmp_path / "g.safetensors", Generator(**architecture), architecture)
    return tmp_path / "g.safetensors"


def upscale(*arguments):
    command = "from srgan_ab.app.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", command, "upscale", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": "src"},
    )


def test_a_picture_of_any_size_and_mode(tmp_path, model):
    picture = tmp_path / "grey.png"
    Image.fromarray(np.full((9, 21), 77, np.uint8)).save(picture)
    result = upscale(picture, "--model", model, "--device", "cpu")
    assert result.returncode == 0, result.stderr
    enlarged = np.asarray(Image.open(tmp_path / "grey-x4.png"))
    assert enlarged.shape == (36, 84, 3)
    assert np.abs(enlarged.astype(int) - 77).max() <= 1  # an untrained skip network interpolates


def test_mistakes_are_one_sentence(tmp_path, model):
    (tmp_path / "text.jpg").write_text("no picture")
    for arguments, sentence in [
        ((tmp_path / "none.png", "--model", model), "none.png is no file"),
        ((tmp_path / "text.jpg", "--model", model), "text.jpg cannot be read"),
        ((model, "-o", "x.jpg", "--model", model), "g.safetensors cannot be read"),
    ]:
        result = upscale(*arguments)
        assert result.returncode == 1
        assert sentence in result.stderr and result.stderr.count("\n") == 1
