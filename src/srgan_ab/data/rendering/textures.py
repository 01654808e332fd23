"""The brushes of the embedded data set: noise, fur, soft shapes and relief, on float32 arrays."""

import numpy as np
from scipy.ndimage import uniform_filter

from srgan_ab.data.exact import Draws, exp, standardized


def lerp(a, b, t):
    """Go from `a` (t = 0) to `b` (t = 1)."""
    return a + (b - a) * t


def inside(distance: np.ndarray, softness: float) -> np.ndarray:
    """Coverage in [0, 1] of where `distance` is negative; its edge is `softness` wide."""
    ramp = np.clip(0.5 - distance / softness, 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def length(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Length of the vectors (x, y)."""
    return np.sqrt(x * x + y * y)


def bump(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A smooth hill of height 1: it falls to 1 / e at the distance 1 from the origin."""
    return exp(-x * x - y * y)


def ellipse(x: np.ndarray, y: np.ndarray, a: float, b: float) -> np.ndarray:
    """Distance to an axis-parallel ellipse about the origin: negative inside, 0 on it."""
    return (np.sqrt(np.square(x / a) + np.square(y / b) + 1e-6) - 1) * min(a, b)


def triangle(x: np.ndarray, y: np.ndarray, corners) -> np.ndarray:
    """Signed distance to a triangle: negative inside.

    Args:
        x: points, any shape.
        y: likewise.
        corners: three pairs (x, y) of numbers or of arrays like `x`, in either order of rotation.
    """
    nearest, inner = np.inf, np.inf
    (ax, ay), (bx, by), (cx, cy) = corners
    turn = np.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
    for (px, py), (qx, qy) in zip(corners, corners[1:] + corners[:1], strict=True):
        ex, ey, wx, wy = qx - px, qy - py, x - px, y - py
        along = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), 0, 1)
        nearest = np.minimum(nearest, np.square(wx - ex * along) + np.square(wy - ey * along))
        inner = np.minimum(inner, turn * (ex * wy - ey * wx))
    return -np.sign(inner) * np.sqrt(nearest)


def _spline_rows(grid: np.ndarray, size: int) -> np.ndarray:
    """Uniform cubic B-splines with the rows of `grid` (K, M) as coefficients: (size, M)."""
    cells = len(grid) - 3
    at = (np.arange(size) + 0.5) * cells / size
    first = at.astype(np.int32)
    t = (at - first).astype(np.float32)[:, None]
    s, t2, t3 = 1 - t, t * t, t * t * t
    a, b, c, d = s * s * s, 3 * t3 - 6 * t2 + 4, 1 + 3 * t + 3 * t2 - 3 * t3, t3
    rows = a / 6 * grid[first] + b / 6 * grid[first + 1] + c / 6 * grid[first + 2]
    return rows + d / 6 * grid[first + 3]


def smooth_noise(rng: Draws, size: int, cells: int) -> np.ndarray:
    """Band-limited noise, mean 0 and standard deviation about 1: (S, S).

    The draw does not depend on `size`: the same field is sampled more or less finely.

    Args:
        rng: makes the coefficients.
        size: S, side of the field in pixels.
        cells: intervals between spline knots across the field: as many waves at most.
    """
    grid = rng.standard_normal((cells + 3, cells + 3))
    # 2.09 undoes the splines' averaging: their squared weights sum to 151 / 315 on average
    return 2.09 * _spline_rows(np.ascontiguousarray(_spline_rows(grid, size).T), size)


def comb(field: np.ndarray, dx: np.ndarray, dy: np.ndarray, length: float) -> np.ndarray:
    """Smear a noise field along a flow, so that it becomes strands (standard deviation 1).

    Line integral convolution (Cabral & Leedom 1993) along straight pieces, by doubling: three
    averages of two samples are a line of eight.

    Args:
        field: (S, S) noise.
        dx: (S, S), x of the unit vector of the flow.
        dy: likewise y.
        length: of a strand in pixels.
    """
    size = field.shape[0]
    row, column = np.indices(field.shape, dtype=np.float32)
    for reach in (length / 16, length / 8, length / 4):
        samples = []
        for step in (-reach, reach):
            y = np.clip(row + step * dy + 0.5, 0, size - 1).astype(np.int32)
            x = np.clip(column + step * dx + 0.5, 0, size - 1).astype(np.int32)
            samples.append(field.take(y * size + x))
        field = (samples[0] + samples[1]) / 2
    return standardized(field)


def blur(field: np.ndarray, width: float) -> np.ndarray:
    """Near-Gaussian blur of the last two axes by two box filters, `width` pixels each.

    scipy's box is a running sum in double precision, without a product: it rounds alike everywhere.
    """
    box = max(1, round(width))
    once = uniform_filter(field, box, mode="nearest", axes=(-2, -1))
    # the second box of an even width leans the other way, so that nothing moves
    return uniform_filter(once, box, mode="nearest", origin=box % 2 - 1, axes=(-2, -1))


def relief(height: np.ndarray, light: np.ndarray, pixel: float) -> tuple[np.ndarray, np.ndarray]:
    """Shade a height field.

    Args:
        height: (S, S), in the unit that `pixel` is measured in.
        light: unit vector (x right, y down, z to the viewer) towards the light.
        pixel: side of a pixel.

    Returns:
        Lambert's cosine in [0, 1], and the slope's steepness in [0, 1] (1 = seen edge-on).
    """
    dy, dx = np.gradient(height, pixel)
    length = np.sqrt(1 + dx * dx + dy * dy)
    cosine = (light[2] - light[0] * dx - light[1] * dy) / length
    return np.clip(cosine, 0, 1), 1 - 1 / length


def paint(picture: np.ndarray, colour, cover: np.ndarray) -> np.ndarray:
    """Lay a colour, (3,) or (3, S, S), over a picture (3, S, S) where `cover` (S, S) says."""
    colour = np.asarray(colour, np.float32)
    if colour.ndim == 1:
        colour = colour[:, None, None]
    return picture + (colour - picture) * cover


def window(distance: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold all of the region where `distance` (S, S) is negative."""
    near = distance < 0
    rows, columns = (np.flatnonzero(near.any(axis))[[0, -1]] + (0, 1) for axis in (1, 0))
    return slice(*rows), slice(*columns)
