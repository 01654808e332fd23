"""Any picture: tiles without seams, every mode kept, memory bounded by the tile."""

import numpy as np
import pytest
import torch
from repository import memory_growth

from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import halo, upscale_picture

RUNTIME = Runtime(torch.device("cpu"), "fp32")


def random_generator(skip: str = "none", blocks: int = 1) -> Generator:
    """Every pixel of the receptive field matters; most results lie within 0 and 1."""
    torch.manual_seed(0)
    generator = Generator(blocks, 6, "batch", skip=skip)
    generator.train()(torch.rand(4, 3, 16, 16))  # statistics other than 0 and 1
    with torch.no_grad():
        generator.tail.weight.normal_(0, 0.2)
        generator.tail.bias.fill_(0.0 if skip == "bicubic" else 0.5)
    return generator.eval()


class Nearest(torch.nn.Module):
    """The picture itself, four times as large, however it is tiled."""

    body = ()
    scale = 4

    def forward(self, x):
        return x.repeat_interleave(4, 2).repeat_interleave(4, 3)


def pixels(*shape: int, depth: type = np.uint8, seed: int = 0) -> np.ndarray:
    white = np.iinfo(depth).max
    return np.random.default_rng(seed).integers(0, white + 1, shape, depth)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (23, 50), (37, 37)])
@pytest.mark.parametrize("skip", ["none", "bicubic"])
def test_tiles_leave_no_seam(size, skip):
    generator = random_generator(skip)
    lr = np.random.default_rng(1).random((*size, 3), np.float32) * 0.8 + 0.1
    with torch.no_grad():
        whole = generator(torch.from_numpy(lr).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    assert whole.std() > 0.01
    for tile in (16, 17, 30, 64):
        tiled = upscale_picture(generator, lr, RUNTIME, tile)
        np.testing.assert_allclose(tiled, whole.clamp(0, 1).numpy(), atol=1e-5)


def test_a_smaller_halo_would_leave_a_seam(monkeypatch):
    generator = random_generator()
    lr = np.random.default_rng(1).random((16, 48, 3), np.float32)
    whole = upscale_picture(generator, lr, RUNTIME, 64)
    monkeypatch.setattr("srgan_ab.srgan.upscaling.halo", lambda generator: 5)
    assert np.abs(upscale_picture(generator, lr, RUNTIME, 16) - whole).max() > 1e-4


def test_halo_covers_the_receptive_field():
    """No input pixel farther away than the halo has any influence on an output pixel."""
    generator = Generator(2, 4, "none", "nearest_conv").eval()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.normal_(0, 0.3)
    lr = torch.rand(1, 3, 1, 61, requires_grad=True)
    generator(lr)[..., 4 * 30].sum().backward()
    reached = torch.nonzero(lr.grad.abs().sum((0, 1, 2))).flatten() - 30
    assert reached.abs().max() <= halo(generator)


@pytest.mark.parametrize(
    "values",
    [pixels(5, 7, 3), pixels(5, 7, 1), pixels(5, 7, 1, depth=np.uint16)],
    ids=["rgb", "grey", "16 bits"],
)
def test_values_pass_unchanged_through_a_network_that_changes_nothing(values):
    enlarged = upscale_picture(Nearest(), values, RUNTIME, 16)
    assert enlarged.dtype == values.dtype
    np.testing.assert_array_equal(enlarged, values.repeat(4, 0).repeat(4, 1))


@pytest.mark.slow
def test_memory_is_bounded_by_the_tile():
    """8,000 pixels wide take no more than 1,000 do, but for input and output."""
    code = """
import numpy as np, torch
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import upscale_picture

torch.set_num_threads(1)
generator = Generator(1, 8, "none").eval()
runtime = Runtime(torch.device("cpu"), "fp32")
for width in (1000, 8000):
    lr = np.zeros((16, width, 3), np.uint8)
    assert upscale_picture(generator, lr, runtime, 64).shape == (64, 4 * width, 3)
    peak()
"""
    arrays = 17 * 16 * 8000 * 3
    activations = 16 * 16 * 8000 * 8 * 4  # one layer's, of the whole picture at once
    slack = 8 * 1024**2
    assert activations > 2 * (arrays + slack)
    assert memory_growth(code) < arrays + slack
