"""Rougher LR images for training: another kernel, blur, noise and JPEG, as photographs have them.

A generator that has seen none but LR images by bicubic down-scaling sharpens the noise and the
blocks of others. This is the classical model of how an image degrades, blur, down-scaling, noise
and compression in this order, with its numbers drawn at random: Wang et al. 2021 (Real-ESRGAN,
arXiv 2107.10833, section 3.1) and, on the choice of kernels, Zhang et al. 2021 (BSRGAN, arXiv
2103.14006). Of Real-ESRGAN's it is one round, with isotropic blur and Gaussian noise.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from srgan_ab.common.pictures import through_jpeg
from srgan_ab.common.schema import DegradationParams
from srgan_ab.common.tensors import as_float, as_uint8

KERNELS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}


def shrinking(kernel: str, side: int, scale: int) -> Tensor:
    """Pillow's down-scaling of a column of pixels as a matrix: what it makes of the unit vectors.

    Args:
        kernel: of `KERNELS`.
        side: of the image, a multiple of the scale.
        scale: HR pixels per LR pixel, along each side.

    Returns:
        (side / scale, side) float32, whose rows sum to 1.
    """
    unit = Image.fromarray(np.eye(side, dtype=np.float32))
    return torch.tensor(np.asarray(unit.resize((side, side // scale), KERNELS[kernel])))


def blurring(sigma: Tensor, side: int) -> Tensor:
    """Gaussian blur of a column of pixels as matrices; at the border of what is inside.

    Args:
        sigma: (B,) standard deviations in pixels; 0 = none.
        side: of the image.

    Returns:
        (B, side, side), whose rows sum to 1.
    """
    steps = torch.arange(side, device=sigma.device)
    distance = (steps[:, None] - steps).float()
    weights = (-((distance / sigma.clamp(min=1e-3)[:, None, None]) ** 2) / 2).exp()
    return weights / weights.sum(2, keepdim=True)


def compressed(images: Tensor, qualities: Tensor, chosen: Tensor) -> Tensor:
    """JPEG, written and read again, one by one.

    Args:
        images: (B, h, w, 3) uint8; copied to the CPU and back, so the device is waited for.
        qualities: (B,) whole numbers from 1 to 100.
        chosen: (B,) bool: the others stay.

    Returns:
        (B, h, w, 3) uint8.
    """
    result = images.cpu().numpy().copy()
    for row, quality in enumerate(torch.where(chosen, qualities, 0).tolist()):
        if quality:
            result[row] = through_jpeg(result[row], quality)
    return torch.from_numpy(result).to(images.device)


class Degradation:
    """Makes batches of LR crops rougher, each crop by draws of its own.

    Args:
        settings: `params.srgan.degradation`.
        side: of the HR crops, a multiple of the scale.
        scale: HR pixels per LR pixel, along each side.
        device: of the crops.
    """

    def __init__(self, settings: DegradationParams, side: int, scale: int, device: torch.device):
        self.settings, self.side, self.scale = settings, side, scale
        kernels = [shrinking(kernel, side, scale) for kernel in settings.kernels]
        self.kernels = torch.stack(kernels).to(device)  # (K, side / scale, side)

    def __call__(self, lr: Tensor, hr: Tensor, random: torch.Generator) -> Tensor:
        """Make LR anew from some of the HR crops.

        An HR crop ends at its border, so there the kernels are cut off, as at an image's border.

        Args:
            lr: (B, 3, side / scale, side / scale) in [0, 1]: what crops that are left alone keep.
            hr: (B, 3, side, side) in [0, 1].
            random: of the draws, as many whatever their values.

        Returns:
            (B, 3, side / scale, side / scale) in [0, 1], in steps of 1/255, channels last.
        """
        settings, n, device = self.settings, len(lr), lr.device

        def draw(limits: list[float]) -> Tensor:
            lowest, highest = limits
            drawn = torch.rand(n, generator=random, device=device)
            return lowest + (highest - lowest) * drawn

        chosen = torch.rand(n, generator=random, device=device) < settings.probability
        kernel = torch.randint(len(self.kernels), (n,), generator=random, device=device)
        blur = blurring(self.scale * draw(settings.blur), self.side)
        small = (self.kernels[kernel] @ blur)[:, None]  # (B, 1, side / scale, side)
        rough = small @ hr @ small.mT
        deviation = draw(settings.noise)[:, None, None, None] / 255
        noise = torch.randn(rough.shape, generator=random, device=device)
        images = as_uint8(rough + deviation * noise)
        if settings.jpeg is not None:
            lowest, highest = settings.jpeg
            qualities = torch.randint(lowest, highest + 1, (n,), generator=random, device=device)
            images = compressed(images, qualities, chosen)
        images = torch.where(chosen[:, None, None, None], as_float(images), lr)
        return images.contiguous(memory_format=torch.channels_last)
