"""How much of a regular texture a generator draws, which none of the usual measures minds.

A generator that enlarges four times, judged by networks that pool, can fall into repeating every
four pixels. Nature hardly does so: the spectrum of photographs has no peak there.
"""

import numpy as np
import torch

from srgan_ab.common.tensors import as_float
from srgan_ab.quality.image_quality import luma

PERIOD = 4  # HR pixels: one LR pixel
FLOOR = 1e-4  # far below the rounding of uint8: a flat image has no spectrum
NEAR, FAR = 1, 6  # frequency bins: the peak reaches this far, its surroundings that far


def lattice(images: np.ndarray) -> float:
    """The peak at period 4 in the spectrum of Y above its surroundings, vertical and horizontal.

    The level of the windowed spectrum (Hann) in the 3x3 bins around (1/4, 0) and (0, 1/4) cycles
    per pixel less that in the bins 3 to 6 away; levels in dB, so that a spectrum that falls evenly
    has no peak. The mean of both directions and all images.

    Args:
        images: (N, H, W, 3) uint8, of sides that are multiples of 4 and at least 56.

    Returns:
        dB: about 0 where there is no lattice, less where the spectrum has a hole (bicubic: -5).
    """
    _, height, width, _ = images.shape
    window = torch.outer(torch.hann_window(height), torch.hann_window(width))
    steps = torch.arange(-FAR, FAR + 1)
    distance = torch.maximum(steps.abs()[:, None], steps.abs()[None, :])
    peak, around = distance <= NEAR, distance > NEAR + 1
    levels = []
    for block in np.array_split(images, -(-len(images) // 256)):
        y = luma(as_float(torch.from_numpy(np.array(block))))[:, 0]
        y = y - y.mean((1, 2), keepdim=True)
        power = torch.fft.fft2(y * window).abs().square()
        for row, column in ((height // PERIOD, 0), (0, width // PERIOD)):
            rows, columns = (row + steps) % height, (column + steps) % width
            level = 10 * (power[:, rows][:, :, columns] + FLOOR).log10()
            levels.append(level[:, peak].mean(1) - level[:, around].mean(1))
    return torch.cat(levels).mean().item()
