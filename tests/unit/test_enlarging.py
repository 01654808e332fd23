"""Any scale, and textures that tile: as enlarging the whole at once and resizing that."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from repository import ROOT

from srgan_ab.app.enlarging import enlarge, enlarged_size
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import halo, upscale_image

RUNTIME = Runtime(torch.device("cpu"), "fp32")
LANCZOS = Image.Resampling.LANCZOS
MODES = ("L", "LA", "RGB", "RGBA", "I;16")


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    network = Generator(1, 6, "none", skip="bicubic").eval()
    with torch.no_grad():
        network.tail.weight.normal_(0, 0.1)
    return network


def picture(mode: str, width: int, height: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (height, width), np.uint16))
    return Image.fromarray(rng.integers(0, 256, (height, width, 4), np.uint8)).convert(mode)


def distance(a: Image.Image, b: Image.Image) -> int:
    assert (a.mode, a.size) == (b.mode, b.size)
    return np.abs(np.asarray(a).astype(int) - np.asarray(b)).max()


@pytest.mark.parametrize("mode", MODES)
def test_four_times_is_what_the_pipeline_computes(generator, mode):
    for size in ((1, 1), (40, 9), (23, 50)):
        image = picture(mode, *size)
        assert (
            distance(
                enlarge(generator, image, RUNTIME, tile=16),
                upscale_image(generator, image, RUNTIME, tile=16),
            )
            == 0
        )


@pytest.mark.parametrize("scale", [0.05, 0.3, 1, 1.5, 2, 3, 3.99, 5.3, 8])
@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_another_scale_is_the_whole_resized(generator, mode, scale):
    """Though it is resized band by band; fixed-point weights may round one level apart."""
    image = picture(mode, 37, 70)
    result = enlarge(generator, image, RUNTIME, scale, tile=16)
    whole = upscale_image(generator, image, RUNTIME, tile=16)
    expected = whole.resize(enlarged_size(image.size, scale), LANCZOS)
    assert distance(result, expected) <= (2 if mode == "I;16" else 1)


def test_alpha_is_enlarged_by_bicubic_at_every_scale(generator):
    image = picture("RGBA", 20, 30)
    result = enlarge(generator, image, RUNTIME, 2.5, tile=16)
    expected = image.getchannel("A").resize((50, 75), Image.Resampling.BICUBIC)
    assert distance(result.getchannel("A"), expected) == 0


def test_a_size_is_rounded_and_never_zero():
    assert enlarged_size((3, 10), 0.1) == (1, 1)
    assert enlarged_size((7, 5), 1.5) == (10, 8)


@pytest.mark.parametrize("mode", MODES)
def test_a_wrapped_texture_has_no_edge(generator, mode):
    """Moved by some pixels around the torus, it comes out moved by four times as many."""
    image = picture(mode, 20, 16)
    values = np.asarray(image)
    moved = Image.fromarray(np.roll(values, (5, 7), (0, 1)))
    result = np.asarray(enlarge(generator, image, RUNTIME, tile=16, wrap=True)).astype(int)
    other = np.asarray(enlarge(generator, moved, RUNTIME, tile=16, wrap=True)).astype(int)
    assert result.shape[:2] == (64, 80)
    assert np.abs(np.roll(result, (20, 28), (0, 1)) - other).max() <= 1
    plain = np.asarray(enlarge(generator, moved, RUNTIME, tile=16)).astype(int)
    assert np.abs(plain - other).max() > 3


@pytest.mark.parametrize("scale", [0.5, 2, 3, 4, 6])
def test_opposite_edges_of_a_wrapped_texture_meet(generator, scale):
    """As well as neighbours within it do, where waves that tile are enlarged."""
    y, x = np.mgrid[:24, :32]
    waves = np.sin(2 * np.pi * (x / 32 * 3 + y / 24)) + np.sin(2 * np.pi * (y / 24 * 2) + 1)
    image = Image.fromarray((127 + 60 * waves).astype(np.uint8)).convert("RGB")

    def seam(wrap: bool) -> float:
        values = np.asarray(enlarge(generator, image, RUNTIME, scale, wrap=wrap)).astype(float)
        rows = np.concatenate([values[-2:], values[:2]])  # second differences see a step
        columns = np.concatenate([values[:, -2:], values[:, :2]], 1)
        return np.abs(np.diff(rows, 3, 0)).mean() + np.abs(np.diff(columns, 3, 1)).mean()

    assert seam(wrap=True) < 0.7 * seam(wrap=False)


def test_a_texture_smaller_than_the_receptive_field_wraps_several_times(generator):
    image = picture("RGB", 3, 2)
    assert halo(generator) > 3
    result = enlarge(generator, image, RUNTIME, wrap=True)
    nine = Image.fromarray(np.tile(np.asarray(image), (9, 9, 1)))
    middle = enlarge(generator, nine, RUNTIME).crop((48, 32, 60, 40))
    assert distance(result, middle) <= 1


def test_shares_grow_to_one(generator):
    shares = []
    enlarge(generator, picture("RGB", 40, 33), RUNTIME, 2, 16, on_share=shares.append)
    assert len(shares) == 9 and shares == sorted(shares) and shares[-1] == 1


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 4])
def test_memory_is_that_of_the_result_and_of_a_band(scale):
    """A picture eight times as high takes no more than its result, and a little."""
    code = f"""
import resource, sys
import torch
from PIL import Image
from srgan_ab.app.enlarging import enlarge
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator

torch.set_num_threads(1)
generator = Generator(1, 2, "none").eval()
runtime = Runtime(torch.device("cpu"), "fp32")
peaks = []
for height in (250, 2000):
    image = Image.new("RGB", (500, height))
    assert enlarge(generator, image, runtime, {scale}, tile=64).height == {scale} * height
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
unit = 1024 if sys.platform == "linux" else 1
print((peaks[1] - peaks[0]) * unit)
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    pixels = 500 * 2000
    kept = 4 * scale**2 * pixels + 8 * pixels  # the result; the picture, and a copy of it
    whole = 3 * 16 * pixels  # would be the network's result in an array of its own
    assert int(result.stdout) < kept + whole / 2
