"""Perceptual hashes: pictures that look alike have hashes that differ in few bits."""

import numpy as np
from PIL import Image

SIDE = 32  # of the picture that is hashed, pixels
# Cosines of the DCT of type 2, lowest frequencies first: whole numbers, whose sums are exact.
# Rounded in floating point, the coefficients of flat or symmetric pictures would be noise about 0.
_ANGLES = np.pi * np.arange(8)[:, None] * (2 * np.arange(SIDE) + 1) / (2 * SIDE)
COSINES = np.rint(2**20 * np.cos(_ANGLES)).astype(np.int64)


def perceptual_hash(grey: Image.Image) -> str:
    """Which of the lowest 8 x 8 coefficients of the DCT are above their median.

    This is what the package ImageHash computes in floating point as `phash` (after Krawetz 2011,
    "Looks Like It"), and the same but for coefficients within rounding of the median.

    Args:
        grey: of mode L, any size.

    Returns:
        64 bits in hexadecimal, the lowest frequency first.
    """
    pixels = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.int64)
    coefficients = (COSINES @ pixels @ COSINES.T).ravel()
    middle = np.sort(coefficients)[31:33].sum()  # twice the median of 64
    return np.packbits(2 * coefficients > middle).tobytes().hex()
