"""The perceptual hash: ImageHash's, where rounding has no say in that, and exact where it has."""

import random
import zipfile
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps
from test_duplicates import picture

from srgan_ab.data.decoding import Rejected, decode
from srgan_ab.data.hashing import COSINES, SIDE, perceptual_hash
from srgan_ab.data.rendering.synthetic import render

ARCHIVE = Path(__file__).resolve().parents[3] / "shared/data/dogs-vs-cats-24k.zip"


def bits(hexadecimal: str) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes.fromhex(hexadecimal), np.uint8)).astype(bool)


def agree(image: Image.Image) -> bool:
    """Whether every bit is ImageHash's whose coefficient is not within rounding of the median."""
    for view in (image, ImageOps.mirror(image)):
        grey = view.convert("L")
        pixels = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS), float)
        angles = np.pi * np.arange(8)[:, None] * (2 * np.arange(SIDE) + 1) / (2 * SIDE)
        coefficients = (np.cos(angles) @ pixels @ np.cos(angles).T).ravel()
        clear = np.abs(coefficients - np.median(coefficients)) > 0.1  # of up to 261,120
        expected = imagehash.phash(view).hash.ravel()
        if (bits(perceptual_hash(grey)) != expected)[clear].any() or clear.mean() < 0.9:
            return False
    return True


def test_hashes_of_pictures_are_imagehash_s():
    rendered = render(np.arange(30) % 2, np.arange(30), seed=9)
    pictures = [Image.fromarray(pixels) for pixels in rendered]
    pictures += [picture(seed) for seed in range(10)]
    pictures += [picture(seed).resize((70, 33 + 9 * seed)) for seed in range(10)]
    assert all(agree(image) for image in pictures)


def test_hashes_of_photographs_are_imagehash_s():
    if not ARCHIVE.exists():
        pytest.skip(f"{ARCHIVE} is not here")
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        for name in random.Random(0).sample(names, 60):
            try:
                photograph = decode(archive.read(name))
            except Rejected:
                continue
            assert agree(photograph), name


@pytest.mark.parametrize("grey", [1, 77, 128, 254, 255])
def test_a_flat_picture_has_no_frequency_but_the_lowest(grey):
    assert perceptual_hash(Image.new("L", (123, 77), grey)) == "8000000000000000"


def test_a_symmetric_picture_has_no_odd_frequency():
    half = np.asarray(picture(1, 32).convert("L"))
    symmetric = Image.fromarray(np.hstack([half, half[:, ::-1]]))
    coefficients = COSINES @ np.asarray(symmetric.resize((SIDE, SIDE)), np.int64) @ COSINES.T
    assert (coefficients[:, 1::2] == 0).all() and (coefficients[:, ::2] != 0).all()
    assert perceptual_hash(symmetric) == perceptual_hash(ImageOps.mirror(symmetric))


def test_no_last_bit_moves_a_cosine():
    angles = np.pi * np.arange(8)[:, None] * (2 * np.arange(SIDE) + 1) / (2 * SIDE)
    exactly = 2**20 * np.cos(angles)
    assert np.abs(np.abs(exactly) % 1 - 0.5).min() > 0.005
    assert np.abs(COSINES - exactly).max() <= 0.5
    assert 255 * SIDE**2 * 2**40 < 2**63  # the largest sum there can be
