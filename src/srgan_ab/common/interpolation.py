"""Pillow's resizing of many images at once: enlargements that need no training, and LR again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def resize(images: np.ndarray, height: int, width: int, method: str = "bicubic") -> np.ndarray:
    """Resize as Pillow does: kernels widened to shrink, against aliasing; rounded to 8 bits.

    Args:
        images: (N, H, W, 3) uint8 RGB.
        height, width: of the results, in pixels.
        method: of `FILTERS`; `bicubic` is what makes the LR images of this project.

    Returns:
        (N, height, width, 3) uint8.
    """

    def one(image: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(image).resize((width, height), FILTERS[method]))

    with ThreadPoolExecutor() as pool:  # Pillow resizes outside the interpreter's lock
        return np.stack(list(pool.map(one, images)))


@dataclass(frozen=True)
class Interpolated:
    """Images resized when they are read: a slice is an array, the whole is never in memory.

    Attributes:
        images: (N, h, w, 3) uint8 RGB, may be memory-mapped.
        height, width, method: as for `resize`.
    """

    images: np.ndarray
    height: int
    width: int
    method: str

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return resize(self.images[rows], self.height, self.width, self.method)
