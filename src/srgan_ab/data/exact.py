"""Arithmetic that gives the same bits on every processor.

What decides the data (a pixel that is painted, a picture that counts as a duplicate) must not
depend on where it is computed. IEEE 754 rounds `+ - * /` and the square root exactly, wherever and
however many at a time; comparing, choosing, rounding and integers are exact anyway. The rest is
not:

- exp, sin, cos, powers and `hypot` differ in the last bit between C libraries, between processors
  under one library, and between the SIMD kernels that numpy picks;
- a compiler may fuse `a + b * c` into one rounding on some processors and not on others: so even
  numpy's `uniform` and `normal`, which are C; written in Python, each operation rounds;
- BLAS, FFT and sums in floating point go in an order that depends on the width of SIMD.

So this module makes functions of exactly rounded operations alone, random numbers of numpy's
integers, and sums of integers. Where a table is made by other means, its entries are rounded to a
grid so coarse that no last bit moves one to a neighbour; the tests measure the distance.
"""

from functools import cache
from math import pi
from statistics import NormalDist
from typing import Any, TypeVar, overload

import numpy as np

# polynomials near the minimax ones, interpolated at Chebyshev nodes; lowest power first
EXP2 = (1.0000001, 0.6931472, 0.24022107, 0.05550357, 0.009676032, 0.0013390863)  # |x| <= 1/2
WAVE = (6.2831855, -41.341682, 81.60248, -76.58117, 39.759827)  # sin(2 pi x) / x in x^2, |x| <= 1/4
STEP = 2.0**-16  # of sums

Numbers = TypeVar("Numbers", float, np.ndarray)


def exp(x: Numbers) -> Numbers:
    """Exponential in single precision: relative error below 2e-7 (1 + |x|).

    Args:
        x: array or number, at least -87 (below, the result stays as at -87) and at most 87.

    Returns:
        float32 array, or a Python float for a number.
    """
    twos = np.clip(np.asarray(x, np.float32) * np.float32(1.442695), -126, 126)  # 1 / ln 2
    whole = np.rint(twos)
    power = ((whole.astype(np.int32) + 127) << 23).view(np.float32)  # 2 ** whole, bit by bit
    return _plain(_polynomial(EXP2, twos - whole) * power)


def cos(x: Numbers) -> Numbers:
    """Cosine of radians in single precision: absolute error below 2e-7 (1 + |x|).

    Args:
        x: array or number.

    Returns:
        float32 array, or a Python float for a number.
    """
    return _wave(x, 0.0)


def sin(x: Numbers) -> Numbers:
    """Sine, as `cos`."""
    return _wave(x, 0.25)


def _wave(x: float | np.ndarray, lag: float) -> Any:
    turns = np.asarray(x, np.float32) * np.float32(0.5 / pi)
    turns = turns - np.float32(lag)
    quarter = 0.25 - np.abs(turns - np.rint(turns))  # a cosine is a sine of what lacks to a quarter
    return _plain(quarter * _polynomial(WAVE, quarter * quarter))


def _polynomial(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    *rest, last = (np.float32(c) for c in coefficients)
    result = x * last
    for coefficient in reversed(rest[1:]):
        result += coefficient
        result *= x
    result += rest[0]
    return result


def _plain(result: np.ndarray) -> Any:
    return result if result.ndim else float(result)


class Draws(np.random.Generator):
    """numpy's generator, whose `uniform` and `normal` round alike everywhere too.

    `integers`, `random`, `choice` and `permutation` are numpy's own: integers, one exact product.
    """

    @overload
    def uniform(self, low: float, high: float, size: None = None) -> float: ...
    @overload
    def uniform(self, low: float, high: float, size: int) -> np.ndarray: ...
    def uniform(self, low: float, high: float, size: int | None = None) -> float | np.ndarray:
        """Numbers in [low, high)."""
        return low + (high - low) * self.random(size)

    def normal(self, mean: float, deviation: float) -> float:
        """One number."""
        return mean + deviation * float(self.standard_normal())

    def standard_normal(self, size: tuple[int, ...] | None = None) -> np.ndarray:
        """float32 numbers, each one of 65,536 equally likely quantiles: at most 4.3."""
        return _quantiles().take(self.integers(2**16, size=size, dtype=np.uint16))


def draws(*seed: int) -> Draws:
    """Random numbers that depend on nothing but the numbers of `seed`."""
    return Draws(np.random.PCG64(seed))


@cache
def _quantiles() -> np.ndarray:
    """Middles of 65,536 equal parts of the normal distribution, rounded to 1 / 65,536."""
    inverse = NormalDist().inv_cdf
    lower = np.rint([inverse((k + 0.5) / 2**16) * 2**16 for k in range(2**15)])
    return (np.concatenate([lower, -lower[::-1]]) / 2**16).astype(np.float32)


def standardized(field: np.ndarray) -> np.ndarray:
    """A float32 field less its mean, over its standard deviation, summed in integers."""
    steps = np.rint(field * np.float32(1 / STEP)).astype(np.int64)
    mean = int(steps.sum()) / field.size * STEP
    square = int((steps * steps).sum()) / field.size * STEP * STEP
    return (field - mean) / float(np.sqrt(square - mean * mean))
