"""MATLAB's `imresize(image, scale, 'bicubic')`, by which super-resolution makes its benchmarks.

Pillow uses the same kernel and also widens it to shrink. The two differ at the edges (MATLAB
reflects the picture, Pillow leaves out what lies beyond) and in rounding (Pillow rounds and clips
between the axes too), which is worth some hundredths of a decibel.
"""

import numpy as np
from scipy.sparse import coo_array, csr_array


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys 1981, doi:10.1109/TASSP.1981.1163711, equation 15: a = -0.5."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def bicubic_weights(before: int, after: int) -> csr_array:
    """How much each sample of a line counts in each sample of the resized line.

    Pixel centres lie at i + 1/2. To shrink, the kernel is stretched by before / after, so that it
    also filters out what the smaller line cannot show. Samples beyond the ends are reflections,
    the last sample repeated.

    Args:
        before: length of the line.
        after: length of the resized line.

    Returns:
        (after, before) float64; each row sums to 1.
    """
    step = before / after
    stretch = max(1.0, step)
    centre = (np.arange(after) + 0.5) * step - 0.5
    first = np.floor(centre - 2 * stretch).astype(int)
    sample = first[:, None] + np.arange(int(np.ceil(4 * stretch)) + 2)  # (after, taps)
    weight = _cubic((sample - centre[:, None]) / stretch)
    weight /= weight.sum(1, keepdims=True)
    sample %= 2 * before
    sample = np.minimum(sample, 2 * before - 1 - sample)
    row = np.repeat(np.arange(after), sample.shape[1])
    # a sample that is met twice, directly and reflected, gets the sum
    return coo_array((weight.ravel(), (row, sample.ravel())), (after, before)).tocsr()


def resize_bicubic(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize as MATLAB does: in float64 along one axis, then the other, rounded once at the end.

    Args:
        images: (..., H, W, 3) uint8.
        height, width: of the results, in pixels.

    Returns:
        (..., height, width, 3) uint8.
    """
    rows = _resize_axis(images.astype(np.float64), -3, height)
    resized = _resize_axis(rows, -2, width)
    return np.floor(resized + 0.5).clip(0, 255).astype(np.uint8)  # MATLAB rounds halves up


def _resize_axis(images: np.ndarray, axis: int, after: int) -> np.ndarray:
    lines = np.moveaxis(images, axis, 0)
    resized = bicubic_weights(len(lines), after) @ lines.reshape(len(lines), -1)
    return np.moveaxis(resized.reshape(after, *lines.shape[1:]), 0, axis)
