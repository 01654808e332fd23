"""Enlarged copies of a split: right pixels, right range, whatever the batch."""

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generation import bicubic
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import halo, upscale, upscale_picture

RUNTIME = Runtime(torch.device("cpu"), "fp32")


@pytest.fixture
def lr():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def test_bicubic_is_pillows(lr):
    out = np.empty((5, 32, 32, 3), np.uint8)
    bicubic(lr, out)
    for image, enlarged in zip(lr, out, strict=True):
        expected = Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC)
        assert np.array_equal(enlarged, np.asarray(expected))


def test_upscaled_pixels_do_not_depend_on_the_batch(lr):
    torch.manual_seed(0)
    generator = Generator(1, 8, "batch").eval()
    outs = []
    for batch_size in (1, 2, 5):
        out = np.empty((5, 32, 32, 3), np.uint8)
        upscale(generator, lr, out, RUNTIME, batch_size)
        outs.append(out.astype(int))
    assert max(np.abs(out - outs[0]).max() for out in outs) <= 1


def test_an_identity_generator_keeps_colour_and_range(lr):
    """Values saved are pixels: no normalisation, clipping or channel swap on the way."""

    class Nearest(torch.nn.Module):
        def forward(self, x):
            return x.repeat_interleave(4, 2).repeat_interleave(4, 3)

    out = np.empty((5, 32, 32, 3), np.uint8)
    upscale(Nearest(), lr, out, RUNTIME)
    assert np.array_equal(out, lr.repeat(4, 1).repeat(4, 2))


@pytest.mark.parametrize("size", [(1, 40), (23, 50), (37, 37)])
@pytest.mark.parametrize("skip", ["none", "bicubic"])
def test_tiles_leave_no_seam(size, skip):
    torch.manual_seed(0)
    generator = Generator(1, 6, "batch", skip=skip)
    generator.train()(torch.rand(4, 3, 16, 16))  # statistics other than 0 and 1
    with torch.no_grad():
        generator.tail.weight.normal_(0, 0.05)
    generator.eval()
    lr = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    whole = upscale_picture(generator, lr, RUNTIME, tile=64).astype(int)
    tiled = upscale_picture(generator, lr, RUNTIME, tile=16).astype(int)
    assert whole.shape == (4 * size[0], 4 * size[1], 3)
    assert np.abs(whole - tiled).max() <= 1


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
