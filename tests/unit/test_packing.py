"""Packing: pixels come through unchanged, LR is Pillow's bicubic of the packed HR."""

import io
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from srgan_ab.common.errors import UserError
from srgan_ab.data.packing import crop_corners, hr_images, write_pack


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def pack(tmp_path, images: dict[str, np.ndarray], hr=128, fit="cover", crops=1, workers=2):
    """Write a pack; return hr, lr, labels, index and the number of images left out."""
    archive_path, directory = tmp_path / "raw.zip", tmp_path / ".train.1.part"
    directory.mkdir(exist_ok=True)
    with zipfile.ZipFile(archive_path, "w") as archive:
        for name, pixels in images.items():
            archive.writestr(name, png(pixels))
    table = pd.DataFrame(
        {
            "id": name.removesuffix(".png"),
            "path": name,
            "label": ("cat", "dog")[n % 2],
            "code": n % 2,
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "group": n,
            "flagged": 0,
        }
        for n, (name, pixels) in enumerate(images.items())
    )
    settings = SimpleNamespace(hr=hr, scale=4, fit=fit, crops_per_image=crops)
    with zipfile.ZipFile(archive_path) as archive:
        left_out = write_pack(directory, table, archive.read, settings, workers)
    arrays = [np.load(directory / f"{name}.npy", mmap_mode="r") for name in ("hr", "lr", "labels")]
    return *arrays, pd.read_csv(directory / "index.csv", dtype={"id": str}), left_out


@pytest.mark.parametrize("fit", ["cover", "squash", "crops"])
def test_an_image_of_hr_size_comes_through_bit_by_bit(tmp_path, fit):
    pixels = {f"{n}.png": noise(128, 128, n) for n in range(5)}
    hr, lr, labels, index, left_out = pack(tmp_path, pixels, fit=fit)
    assert hr.dtype == lr.dtype == np.uint8
    np.testing.assert_array_equal(hr, np.stack(list(pixels.values())))
    assert lr.shape == (5, 32, 32, 3)
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1, 0, 1, 0]
    assert index["id"].tolist() == ["0", "1", "2", "3", "4"]
    assert left_out == 0


def test_red_stays_red(tmp_path):
    red = np.zeros((50, 70, 3), np.uint8)
    red[..., 0] = 255
    for fit in ("cover", "squash"):
        hr, lr, *_ = pack(tmp_path, {"red.png": red}, fit=fit)
        for images in (hr, lr):
            assert (images[..., 0] == 255).all()
            assert (images[..., 1:] == 0).all()


def test_lr_is_pillows_bicubic_of_the_packed_hr(tmp_path):
    hr, lr, *_ = pack(tmp_path, {f"{n}.png": noise(200, 150, n) for n in range(3)})
    for big, small in zip(hr, lr, strict=True):
        expected = Image.fromarray(np.asarray(big)).resize((32, 32), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(small, np.asarray(expected))


@pytest.mark.parametrize(
    ("before", "after", "method"),
    [(160, 128, "bicubic"), (128, 32, "bicubic"), (160, 32, "bicubic"), (160, 32, "lanczos")],
)
def test_no_last_bit_moves_a_resized_pixel(before, after, method):
    """Pillow resizes bytes with weights that it rounds to 1 / 2^22 of the whole.

    It computes them in floating point, with the sine of the C library: they must lie far from
    ties. The sizes are those of the default scale: rendered, HR, LR, thumbnail and hash.
    """
    kernel, support = {
        "bicubic": (
            lambda x: np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, ((2.5 - x / 2) * x - 4) * x + 2),
            2,
        ),
        "lanczos": (lambda x: np.sinc(x) * np.sinc(x / 3), 3),
    }[method]
    scale = before / after
    moved = 2**22 / 255
    resampling = Image.Resampling[method.upper()]
    for column in range(after):
        at = np.abs((np.arange(before) + 0.5) / scale - column - 0.5)
        weights = np.where(at < support, kernel(at), 0)
        weights *= 2**22 / weights.sum()
        assert np.abs(np.abs(weights) % 1 - 0.5)[np.abs(weights) > 1e-6].min() > 0.01
        line = np.zeros((1, before), np.uint8)
        line[0, weights.argmax()] = 255
        shown = np.asarray(Image.fromarray(line).resize((after, 1), resampling))[0, column]
        assert abs(shown - weights.max() / moved) <= 0.51  # these are Pillow's weights


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (127, 129), (129, 127), (1500, 400)])
@pytest.mark.parametrize("fit", ["cover", "squash"])
def test_any_size_fits(tmp_path, size, fit):
    hr, lr, *_ = pack(tmp_path, {"one.png": noise(*size)}, fit=fit)
    assert hr.shape == (1, 128, 128, 3)
    assert lr.shape == (1, 32, 32, 3)


def test_cover_keeps_the_centre_and_the_aspect_ratio(tmp_path):
    # thirds of red, green, blue from left to right: the centre square is all green
    wide = np.zeros((100, 300, 3), np.uint8)
    for third in range(3):
        wide[:, 100 * third : 100 * (third + 1), third] = 255
    covered = pack(tmp_path, {"wide.png": wide}, hr=64)[0][0]
    assert (covered[4:-4, 4:-4] == [0, 255, 0]).all()
    squashed = pack(tmp_path, {"wide.png": wide}, hr=64, fit="squash")[0][0]
    for third, column in enumerate((8, 32, 56)):
        assert squashed[32, column].argmax() == third


def test_crops_are_the_photographs_own_pixels(tmp_path):
    image = noise(300, 140)
    hr, _, labels, index, left_out = pack(
        tmp_path, {"a.png": image, "small.png": noise(63, 200), "b.png": noise(64, 64)},
        hr=64, fit="crops", crops=100,
    )  # fmt: skip
    expected = [
        image[6 + 64 * r : 6 + 64 * (r + 1), 22 + 64 * c : 22 + 64 * (c + 1)]
        for r in range(2)
        for c in range(4)
    ]
    np.testing.assert_array_equal(hr[:8], expected)
    assert index["id"].tolist() == [f"a#{n}" for n in range(8)] + ["b"]
    assert index["group"].tolist() == [0] * 8 + [2]
    assert labels.tolist() == [0] * 9
    assert left_out == 1


@given(st.integers(8, 400), st.integers(8, 400), st.integers(8, 64), st.integers(1, 20))
def test_crops_lie_inside_and_do_not_overlap(width, height, side, most):
    corners = crop_corners(width, height, side, most)
    assert len(corners) == min(most, (width // side) * (height // side))
    covered = np.zeros((height, width), int)
    for x, y in corners:
        assert 0 <= x <= width - side
        assert 0 <= y <= height - side
        covered[y : y + side, x : x + side] += 1
    assert covered.max() <= 1
    if most == 1 and corners and width // side % 2 and height // side % 2:
        ((x, y),) = corners  # a single crop of an odd grid is its centre
        assert abs(2 * x + side - width) <= 1
        assert abs(2 * y + side - height) <= 1


def test_a_reduced_jpeg_is_near_the_full_one():
    smooth = Image.fromarray(noise(12, 9)).resize((1200, 900), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    smooth.save(stream, "JPEG", quality=95)
    (packed,) = hr_images(stream.getvalue(), 128, "squash", 1)
    full = Image.open(stream).convert("RGB").resize((128, 128), Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(packed, int) - np.asarray(full, int)).mean() < 1


def test_nothing_left_to_pack_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"none of the 1 images .* images.hr = 128"):
        pack(tmp_path, {"small.png": noise(100, 100)}, fit="crops")


def test_the_number_of_workers_does_not_show(tmp_path):
    images = {f"{n}.png": noise(140, 130, n) for n in range(20)}
    one, many = (np.array(pack(tmp_path, images, workers=n)[0]) for n in (1, 8))
    np.testing.assert_array_equal(one, many)
