"""Decodes every image once and packs HR and LR pixels into memory-mapped arrays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from srgan_ab.common.errors import UserError
from srgan_ab.common.packs import new_array
from srgan_ab.common.schema import Images
from srgan_ab.data.decoding import decode
from srgan_ab.data.processes import cores

BICUBIC = Image.Resampling.BICUBIC
CHUNK = 256  # images in flight


def crop_corners(width: int, height: int, side: int, most: int) -> list[tuple[int, int]]:
    """Left upper corners of `side` x `side` crops from a centred grid without overlap.

    Args:
        width: of the image, pixels.
        height: of the image, pixels.
        side: of a crop, pixels.
        most: of the grid's cells, at most so many are chosen, evenly from first to last.
    """
    columns, rows = width // side, height // side
    cells = columns * rows
    count = min(most, cells)
    left, top = (width - columns * side) // 2, (height - rows * side) // 2
    chosen = [(2 * k + 1) * cells // (2 * count) for k in range(count)]
    return [(left + c % columns * side, top + c // columns * side) for c in chosen]


def hr_images(data: bytes, side: int, fit: str, crops_per_image: int) -> list[Image.Image]:
    """Decode an image file to HR squares: one, or several with `fit` crops.

    Args:
        data: the file's bytes.
        side: of the squares, pixels.
        fit: `cover` resizes the shorter side and crops the centre; `squash` ignores the aspect
            ratio; `crops` cuts squares at native resolution.
        crops_per_image: at most so many with `crops`.
    """
    if fit == "crops":
        image = decode(data)
        corners = crop_corners(*image.size, side, crops_per_image)
        return [image.crop((x, y, x + side, y + side)) for x, y in corners]
    image = decode(data, smallest=side)
    if fit == "squash":
        return [image.resize((side, side), BICUBIC)]
    return [ImageOps.fit(image, (side, side), BICUBIC)]


def downscale(image: Image.Image, scale: int) -> Image.Image:
    """Make LR from uint8 HR: Pillow's bicubic, which widens its kernel against aliasing."""
    return image.resize((image.width // scale, image.height // scale), BICUBIC)


def packed_rows(table: pd.DataFrame, side: int, fit: str, crops_per_image: int) -> pd.DataFrame:
    """Rows of a pack: one per HR square, as many as the sizes of the images give.

    Returns:
        The table's rows, those with several crops repeated as `id#0`, `id#1`, ...; the column
        `offset` counts the crops of an image, and images smaller than a crop are left out.
    """
    repeats = np.ones(len(table), np.int64)
    if fit == "crops":  # turning a picture by 90 degrees (EXIF) does not change the count
        cells = (table["width"] // side) * (table["height"] // side)
        repeats = np.minimum(cells.to_numpy(), crops_per_image)
    rows = table.loc[table.index.repeat(repeats)].copy()
    rows["offset"] = rows.groupby(level=0).cumcount()
    several = rows.index.duplicated(keep=False)
    rows.loc[several, "id"] += "#" + rows.loc[several, "offset"].astype(str)
    return rows.reset_index(drop=True)


def write_pack(
    directory: Path,
    table: pd.DataFrame,
    read: Callable[[str], bytes],
    images: Images,
    workers: int | None,
    progress: Callable[[int], object] = lambda done: None,
) -> int:
    """Write one split: `hr.npy lr.npy labels.npy index.csv` into an empty directory.

    Threads suffice: Pillow lets go of the interpreter while it decodes and resizes.

    Args:
        directory: where the files go.
        table: rows of `data/split.csv`.
        read: gives the bytes of the original of a `path`.
        images: the section `images` of the params.
        workers: threads; None for one per core.
        progress: called with the number of images done since the last call.

    Returns:
        Number of images left out because they are smaller than a crop.

    Raises:
        UserError: nothing is left to pack.
    """
    rows = packed_rows(table, images.hr, images.fit, images.crops_per_image)
    if rows.empty:
        raise UserError(
            f"none of the {len(table)} images of a split is as large as images.hr = {images.hr}: "
            "lower it, or set images.fit to cover"
        )
    files = rows["path"].tolist()
    first_rows = np.flatnonzero(rows["offset"] == 0)
    side, lr_side = images.hr, images.hr // images.scale
    with (
        new_array(directory / "hr.npy", (len(rows), side, side, 3)) as hr,
        new_array(directory / "lr.npy", (len(rows), lr_side, lr_side, 3)) as lr,
        ThreadPoolExecutor(workers or cores()) as pool,
    ):

        def pack(row: int) -> None:
            data = read(files[row])
            for n, image in enumerate(hr_images(data, side, images.fit, images.crops_per_image)):
                hr[row + n] = image
                lr[row + n] = downscale(image, images.scale)

        for start in range(0, len(first_rows), CHUNK):
            part = first_rows[start : start + CHUNK]
            list(pool.map(pack, part))
            progress(len(part))

    np.save(directory / "labels.npy", rows["code"].to_numpy(np.int64))
    rows[["id", "label", "group", "flagged"]].to_csv(directory / "index.csv", index=False)
    return len(table) - len(first_rows)
