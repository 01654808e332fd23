"""Contact sheets show pixels: enlarged by whole factors, never resampled."""

import numpy as np
import pytest

from srgan_ab.common.pictures import GAP, contact_sheet


def noise(side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


@pytest.mark.parametrize(
    ("side", "cell"), [(32, 128), (96, 192), (100, 200), (128, 128), (160, 160), (256, 256)]
)
def test_hr_and_lr_are_shown_pixel_by_pixel(side, cell):
    hr, lr = noise(side), noise(side // 4, 1)
    sheet = np.asarray(contact_sheet([[lr, hr]]))
    assert sheet.shape == (cell + 2 * GAP, 2 * cell + 3 * GAP, 3)
    for column, image in enumerate((lr, hr)):
        left = GAP + column * (cell + GAP)
        factor = cell // len(image)
        shown = sheet[GAP : GAP + cell, left : left + cell]
        np.testing.assert_array_equal(shown, image.repeat(factor, 0).repeat(factor, 1))


def test_a_larger_cell_shows_larger_pixels_and_a_smaller_one_shrinks_none():
    image = noise(100)
    sheet = np.asarray(contact_sheet([[image]], cell=350))
    np.testing.assert_array_equal(
        sheet[GAP : GAP + 300, GAP : GAP + 300], image.repeat(3, 0).repeat(3, 1)
    )
    assert contact_sheet([[noise(256)]], cell=128).size == (256 + 2 * GAP, 256 + 2 * GAP)
