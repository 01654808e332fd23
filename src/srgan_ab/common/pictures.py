"""Contact sheets, rows of images under column titles; PNG out, and JPEG there and back."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from srgan_ab.common.files import atomic_file

GAP = 6  # pixels between images
TEXT = 16  # pixels for one line of text
SMALLEST = 128  # pixels of a cell, so that words fit


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray]],
    columns: Sequence[str] = (),
    captions: Sequence[Sequence[str]] | None = None,
    cell: int | None = None,
) -> Image.Image:
    """Arrange images in a grid, every pixel as it is or as a square of equal ones.

    Args:
        rows: images as (S, S, 3) uint8 RGB; smaller ones are enlarged by whole pixels (nearest
            neighbour), so that an LR image shows as what it is.
        columns: a title above each column.
        captions: a line of text under each image.
        cell: side of a grid cell in pixels, if it is to be larger than the largest image, or, where
            that is below 128, than the least multiple of it that is not.
    """
    side = max(len(image) for row in rows for image in row)
    cell = max(cell or 0, side * -(-SMALLEST // side))
    font = ImageFont.load_default(12)
    top = TEXT + GAP if columns else GAP
    step_y = cell + GAP + (TEXT if captions else 0)
    width = max(len(row) for row in rows) * (cell + GAP) + GAP
    sheet = Image.new("RGB", (width, top + len(rows) * step_y), "white")
    draw = ImageDraw.Draw(sheet)
    for c, title in enumerate(columns):
        draw.text((GAP + c * (cell + GAP), GAP // 2), title, "black", font)
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            corner = (GAP + c * (cell + GAP), top + r * step_y)
            tile = Image.fromarray(np.ascontiguousarray(image))
            tile = tile.resize(
                [length * (cell // tile.width) for length in tile.size], Image.Resampling.NEAREST
            )
            sheet.paste(tile, corner)
            if captions:
                draw.text((corner[0], corner[1] + cell), captions[r][c], "black", font)
    return sheet


def through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """What is left of an image that was saved as JPEG, by Pillow with its default 4:2:0 colours.

    Args:
        image: (H, W, 3) uint8 RGB.
        quality: 1 to 100.
    """
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def save_png(image: Image.Image, path: Path) -> None:
    """Write a PNG whose bytes depend on the picture and the machine's zlib alone.

    Pillow's wheels for Linux compress with the distribution's library: zlib or zlib-ng.
    """
    with atomic_file(path) as temporary:
        image.save(temporary, format="PNG", optimize=True)
