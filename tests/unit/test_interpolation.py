"""Interpolation of many images: Pillow's, one by one, and the kernels' own arithmetic."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from srgan_ab.common.interpolation import FILTERS, Interpolated, resize


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize(("height", "width"), [(32, 24), (4, 3), (9, 20)])
def test_each_image_is_resized_as_pillow_resizes_it(images, method, height, width):
    found = resize(images, height, width, method)
    assert found.dtype == np.uint8 and found.shape == (5, height, width, 3)
    for image, resized in zip(images, found, strict=True):
        expected = Image.fromarray(image).resize((width, height), Image.Resampling[method.upper()])
        assert np.array_equal(resized, np.asarray(expected))


@pytest.mark.parametrize(("method", "mode"), [("nearest", "nearest"), ("bilinear", "bilinear")])
def test_enlargements_are_torchs(images, method, mode):
    """Pillow rounds between the axes too: one step of 256 at most."""
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).double()
    options = {} if mode == "nearest" else {"align_corners": False}
    expected = F.interpolate(batch, size=(32, 24), mode=mode, **options).permute(0, 2, 3, 1)
    assert np.abs(resize(images, 32, 24, method) - expected.numpy()).max() <= 1


def test_bicubic_is_torchs_antialiased_one_both_ways(images):
    """Another code of Keys' kernel, a = -0.5, where nothing leaves 0 to 255 between the axes."""
    images = images // 4 + 96
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    for size in ((32, 24), (2, 3)):
        expected = F.interpolate(batch, size, mode="bicubic", antialias=True)
        difference = resize(images, *size) - expected.permute(0, 2, 3, 1).numpy()
        assert np.abs(difference).max() <= 1.5  # rounded between the axes, and at the end


def test_slices_of_interpolated_images_are_those_of_the_whole(images, tmp_path):
    np.save(tmp_path / "lr.npy", images)
    mapped = np.load(tmp_path / "lr.npy", mmap_mode="c")
    whole = resize(images, 32, 24, "lanczos")
    lazy = Interpolated(mapped, 32, 24, "lanczos")
    for rows in (slice(0, 2), slice(4, 9), slice(None)):
        assert np.array_equal(lazy[rows], whole[rows])
    assert np.array_equal(Interpolated(mapped[::2], 32, 24, "lanczos")[1:3], whole[2::2])
