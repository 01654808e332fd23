"""Enlarged copies of a split: right pixels, right range, whatever the batch."""

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_ab.common import paths
from srgan_ab.common.packs import open_images
from srgan_ab.common.parts import Parts
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan import generation
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import upscale

RUNTIME = Runtime(torch.device("cpu"), "fp32")


@pytest.fixture
def lr():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def test_copies_follow_the_pack_row_by_row_across_blocks(lr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(generation, "BLOCK", 2)
    directory = paths.pack("val")
    directory.mkdir(parents=True)
    np.save(directory / "hr.npy", np.zeros((5, 32, 32, 3), np.uint8))
    np.save(directory / "lr.npy", lr)
    np.save(directory / "labels.npy", np.zeros(5, np.int64))
    (directory / "index.csv").write_text("id,label,group,flagged\n" + "x,cat,0,0\n" * 5)
    torch.manual_seed(0)
    networks = {d: Generator(1, 8, "none").eval() for d in ("sr", "srresnet", "perceptual")}
    kept = Parts(tmp_path / "kept", RUNTIME)
    generation.generate("val", [generation.Share(np.arange(5), networks)], RUNTIME, kept)

    for domain, generator in networks.items():
        out = np.empty((5, 32, 32, 3), np.uint8)
        upscale(generator, lr, out, RUNTIME)
        assert np.array_equal(open_images("val", domain), out)
    for image, enlarged in zip(lr, open_images("val", "bicubic"), strict=True):
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
