"""Augmentation against torchvision's functions, and by what it must leave alone."""

import math

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from srgan_ab.classifier.augmentation import augment, normalise, transformed_sheet
from srgan_ab.common.schema import Augmentation
from srgan_ab.common.tensors import as_float

NONE = {"flip": 0.0, "rotation": 0.0} | dict.fromkeys(
    ("brightness", "contrast", "saturation", "hue"), 0.0
)
ALL = Augmentation(flip=0.5, rotation=15.0, brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1)
CPU = torch.device("cpu")


def apply(images, seed=0, **changes):
    settings = Augmentation(**(NONE | changes))
    return augment(images, settings, torch.Generator().manual_seed(seed))


@pytest.fixture
def images():
    """Mid-range colours, so that no jitter here leaves [0, 1]."""
    return 0.3 + 0.3 * torch.rand(64, 3, 24, 24, generator=torch.Generator().manual_seed(3))


def test_red_arrives_as_channel_0_and_the_range_is_0_to_1():
    red = np.zeros((2, 8, 8, 3), np.uint8)
    red[..., 0] = 255
    red[:, 2, 5] = (10, 20, 30)
    batch = as_float(red, CPU)
    assert batch.shape == (2, 3, 8, 8)
    assert batch[0, :, 0, 0].tolist() == [1, 0, 0]
    torch.testing.assert_close(batch[1, :, 2, 5], torch.tensor([10.0, 20.0, 30.0]) / 255)


def test_normalisation_is_torchvisions(images):
    expected = reference.normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(normalise(images), expected)


def test_nothing_asked_for_changes_nothing(images):
    torch.testing.assert_close(apply(images), images, atol=1e-5, rtol=0)


def test_flip_is_a_mirror_image_at_its_rate(images):
    torch.testing.assert_close(apply(images, flip=1.0), images.flip(-1), atol=1e-5, rtol=0)
    many = images[:1].expand(2000, -1, -1, -1)
    flipped = (apply(many, flip=0.25) - images[:1].flip(-1)).abs().amax((1, 2, 3)) < 1e-4
    assert 0.2 < flipped.float().mean() < 0.3


def test_rotation_is_a_rotation_within_its_limit():
    size = 33
    ramp = torch.linspace(-0.25, 0.25, size)
    x, y = ramp.expand(size, size), ramp.view(-1, 1).expand(size, size)
    batch = torch.stack([0.5 + x, 0.5 + y, 0.5 + x]).expand(500, -1, -1, -1)
    out = apply(batch, rotation=15.0)[:, :, 12:21, 12:21] - 0.5  # far from the border
    slope = 0.5 / (size - 1)
    d_x = out.diff(dim=-1).mean((-2, -1)) / slope  # (N, 3): (cos, sin, cos)
    d_y = out.diff(dim=-2).mean((-2, -1)) / slope
    torch.testing.assert_close(d_x[:, 0] ** 2 + d_x[:, 1] ** 2, torch.ones(500), atol=1e-3, rtol=0)
    torch.testing.assert_close(d_x[:, 0], d_y[:, 1], atol=1e-3, rtol=0)
    torch.testing.assert_close(d_x[:, 1], -d_y[:, 0], atol=1e-3, rtol=0)
    degrees = torch.atan2(d_x[:, 1], d_x[:, 0]) * 180 / math.pi
    assert degrees.abs().max() <= 15.01
    assert degrees.min() < -13 and degrees.max() > 13


def test_rotation_leaves_no_black_corners():
    torch.testing.assert_close(
        apply(torch.ones(20, 3, 16, 16), rotation=45.0), torch.ones(20, 3, 16, 16)
    )


def test_brightness_is_torchvisions(images):
    out = apply(images, brightness=0.2)
    factors = out.mean((1, 2, 3)) / images.mean((1, 2, 3))
    assert factors.min() < 0.85 and factors.max() > 1.15
    assert factors.min() >= 0.8 - 1e-4 and factors.max() <= 1.2 + 1e-4
    for image, result, factor in zip(images, out, factors.tolist(), strict=True):
        torch.testing.assert_close(
            result, reference.adjust_brightness(image, factor), atol=1e-4, rtol=0
        )


def test_contrast_is_torchvisions(images):
    out = apply(images, contrast=0.2)
    factors = out.std((1, 2, 3)) / images.std((1, 2, 3))
    assert factors.min() < 0.85 and factors.max() > 1.15
    for image, result, factor in zip(images, out, factors.tolist(), strict=True):
        torch.testing.assert_close(
            result, reference.adjust_contrast(image, factor), atol=1e-3, rtol=0
        )


def test_saturation_is_torchvisions(images):
    out = apply(images, saturation=0.2)
    factors = (out[:, 0] - out[:, 1]).std((1, 2)) / (images[:, 0] - images[:, 1]).std((1, 2))
    assert factors.min() < 0.85 and factors.max() > 1.15
    for image, result, factor in zip(images, out, factors.tolist(), strict=True):
        torch.testing.assert_close(
            result, reference.adjust_saturation(image, factor), atol=1e-3, rtol=0
        )


def test_hue_turns_colours_and_keeps_luma_and_greys(images):
    out = apply(images, hue=0.1)
    weights = torch.tensor([0.299, 0.587, 0.114])
    assert (out - images).abs().mean() > 0.005
    torch.testing.assert_close(
        torch.einsum("nchw,c->nhw", out, weights),
        torch.einsum("nchw,c->nhw", images, weights),
        atol=1e-4,
        rtol=0,
    )
    grey = images[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(apply(grey, hue=0.5), grey, atol=1e-4, rtol=0)
    # a third of a turn takes red to the neighbourhood of green or blue
    red = torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1).expand(500, 3, 8, 8)
    turned = apply(red, hue=0.4)[:, :, 4, 4]
    assert set(turned.argmax(1).tolist()) == {0, 1, 2}
    turned = apply(red, hue=0.05)[:, :, 4, 4]
    assert set(turned.argmax(1).tolist()) == {0}


def test_everything_at_once_stays_in_range_and_is_seeded():
    batch = torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    state = torch.get_rng_state()
    first = augment(batch, ALL, torch.Generator().manual_seed(5))
    again = augment(batch, ALL, torch.Generator().manual_seed(5))
    other = augment(batch, ALL, torch.Generator().manual_seed(6))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)  # only its own generator moves
    assert first.min() >= 0 and first.max() <= 1
    assert first.shape == batch.shape


def test_every_image_gets_amounts_of_its_own(images):
    alike = images[:1].expand(8, -1, -1, -1)
    out = augment(alike, ALL, torch.Generator().manual_seed(0))
    assert len({round(float(image.sum()), 3) for image in out}) == 8


def test_the_sheet_shows_the_originals_in_its_first_row():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    sheet = np.asarray(transformed_sheet(pictures, ["cat", "dog", "cat"], ALL, seed=1))
    gap = 6
    for column, picture in enumerate(pictures):
        left = gap + column * (128 + gap)
        np.testing.assert_array_equal(sheet[gap : gap + 128, left : left + 128], picture)
