"""MATLAB's bicubic resizing: weights derived by hand, properties, Pillow away from the edges."""

import numpy as np
import pytest
from PIL import Image

from srgan_ab.quality.resizing import bicubic_weights, resize_bicubic


def test_enlarging_by_two_has_keys_weights_and_reflects_the_first_sample():
    weights = bicubic_weights(8, 16).toarray()
    # the kernel at distances 1.75, 0.75, 0.25, 1.25 and, on the other side, mirrored
    assert weights[6, 1:5] * 128 == pytest.approx([-3, 29, 111, -9])
    assert weights[7, 2:6] * 128 == pytest.approx([-9, 111, 29, -3])
    # output 0 lies at -0.25: samples -2, -1, 0, 1 are 1, 0, 0, 1 of the reflected line
    assert weights[0, :3] * 128 == pytest.approx([29 + 111, -3 - 9, 0])


def test_shrinking_by_four_stretches_the_kernel_over_sixteen_samples():
    weights = bicubic_weights(64, 16).toarray()
    x = (np.arange(16) - 7.5) / 4  # centre between samples 7 and 8 of the support
    kernel = np.where(
        abs(x) <= 1,
        1.5 * abs(x) ** 3 - 2.5 * x**2 + 1,
        -0.5 * abs(x) ** 3 + 2.5 * x**2 - 4 * abs(x) + 2,
    )
    row = weights[8]  # centre at 33.5
    assert row[26:42] == pytest.approx(kernel / kernel.sum())
    assert np.count_nonzero(row) == 16


@pytest.mark.parametrize(("before", "after"), [(1, 4), (2, 8), (5, 20), (20, 5), (4, 1), (7, 3)])
def test_every_row_is_an_average_and_the_line_may_be_turned_round(before, after):
    weights = bicubic_weights(before, after).toarray()
    assert weights.shape == (after, before)
    assert weights.sum(1) == pytest.approx(np.ones(after))
    assert weights == pytest.approx(weights[::-1, ::-1])


@pytest.mark.parametrize("size", [(10, 6), (160, 96)])
def test_a_constant_picture_stays_constant(size):
    image = np.full((40, 24, 3), (0, 93, 255), np.uint8)
    assert (resize_bicubic(image, *size) == (0, 93, 255)).all()


def test_a_ramp_stays_a_ramp_away_from_the_edges():
    ramp = np.arange(0, 256, 4, dtype=np.uint8)  # 64 samples
    image = np.broadcast_to(ramp[:, None, None], (64, 8, 3))
    small = resize_bicubic(image, 16, 2).astype(int)
    assert (small[3:-3, 0, 0] == np.arange(3, 13) * 16 + 6).all()  # mean of the 4 samples beneath
    large = resize_bicubic(image, 256, 32).astype(int)
    expected = np.floor((np.arange(256) + 0.5) - 2 + 0.5)
    assert (large[8:-8, 0, 0] == expected[8:-8]).all()


@pytest.mark.parametrize("size", [(12, 17), (192, 272)])
def test_it_is_pillows_bicubic_away_from_the_edges(size):
    # without overshoot beyond 0 and 255, which Pillow clips between the axes
    image = np.random.default_rng(0).integers(80, 176, (48, 68, 3), dtype=np.uint8)
    pillow = Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC)
    difference = resize_bicubic(image, *size).astype(int) - np.asarray(pillow, int)
    edge = 2 if size[0] < 48 else 8
    assert np.abs(difference[edge:-edge, edge:-edge]).max() <= 1
    assert np.abs(difference).max() > 1  # at the edges it is not


def test_the_axes_are_not_mixed_up():
    image = np.random.default_rng(1).integers(0, 256, (20, 36, 3), dtype=np.uint8)
    turned = resize_bicubic(image.swapaxes(0, 1), 9, 5)
    assert np.abs(resize_bicubic(image, 5, 9).astype(int) - turned.swapaxes(0, 1)).max() <= 1
    for channel in range(3):
        alone = resize_bicubic(np.repeat(image[..., channel : channel + 1], 3, 2), 5, 9)
        assert (alone[..., 0] == resize_bicubic(image, 5, 9)[..., channel]).all()


def test_images_of_a_batch_are_resized_one_by_one():
    images = np.random.default_rng(3).integers(0, 256, (2, 3, 8, 12, 3), dtype=np.uint8)
    found = resize_bicubic(images, 5, 24)
    assert found.shape == (2, 3, 5, 24, 3)
    for i, j in np.ndindex(2, 3):
        assert (found[i, j] == resize_bicubic(images[i, j], 5, 24)).all()
