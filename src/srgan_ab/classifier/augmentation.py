"""What happens to a batch between the pack and the network."""

import math
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.pictures import contact_sheet
from srgan_ab.common.schema import Augmentation
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD, as_float, as_uint8

# NTSC: luma, and the two axes of the chroma plane, whose rows sum to 0, so that greys stay grey
YIQ_FROM_RGB = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


@cache  # once per device: a transfer in every step would make the host wait for the accelerator
def _constants(device: torch.device) -> tuple[torch.Tensor, ...]:
    """Mean (3, 1, 1), standard deviation (3, 1, 1), YIQ from RGB (3, 3), RGB from YIQ (3, 3)."""
    yiq = torch.tensor(YIQ_FROM_RGB)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    return tuple(t.to(device) for t in (mean, std, yiq, torch.linalg.inv(yiq)))


def normalise(images: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) in [0, 1] -> the same with ImageNet's mean and standard deviation taken out."""
    mean, std, _, _ = _constants(images.device)
    return (images - mean) / std


# In plain tensor operations, because kornia's took as long as the training step of small_cnn
# (92 and 91 ms a batch of 32; its hue alone 61 ms), and these take 17 ms.
def augment(
    images: torch.Tensor,
    settings: Augmentation,
    generator: torch.Generator,
    processes: Processes = ALONE,
) -> torch.Tensor:
    """Flip, rotate and colour-jitter each image by amounts of its own.

    Flip and rotation are one bilinear sampling, with the border reflected: black corners would
    tell rotated images from others. Brightness, contrast (about the mean luma), saturation and hue
    (a turn of the chroma plane) are linear in the pixels, so all four are one 3x3 matrix and one
    offset per image.

    Args:
        images: (N, 3, S, S) RGB in [0, 1].
        settings: the probability of a flip, and the limits of the uniformly drawn amounts:
            degrees; factors 1 +- limit; hue as a fraction of a full turn.
        generator: on the device of the images; the only source of randomness.
        processes: that share the batch, of which `images` is this one's part.

    Returns:
        (N, 3, S, S) RGB in [0, 1].
    """
    count, device = len(images), images.device
    whole = count * processes.size
    _, _, yiq_from_rgb, rgb_from_yiq = _constants(device)

    def drawn(limit: float) -> torch.Tensor:
        draws = processes.share(torch.rand(whole, generator=generator, device=device))
        return (2 * draws - 1) * limit

    flip = torch.where(drawn(1.0) < 2 * settings.flip - 1, -1.0, 1.0)
    angle = drawn(math.radians(settings.rotation))
    cos, sin, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
    affine = torch.stack([flip * cos, -sin, none, flip * sin, cos, none], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(affine, list(images.shape), align_corners=False)
    images = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    brightness = 1 + drawn(settings.brightness)
    contrast = 1 + drawn(settings.contrast)
    saturation = 1 + drawn(settings.saturation)
    hue = drawn(2 * math.pi * settings.hue)
    chroma = torch.zeros(count, 3, 3, device=device)
    chroma[:, 0, 0] = 1
    chroma[:, 1, 1] = chroma[:, 2, 2] = saturation * hue.cos()
    chroma[:, 2, 1] = saturation * hue.sin()
    chroma[:, 1, 2] = -chroma[:, 2, 1]
    colour = rgb_from_yiq @ chroma @ yiq_from_rgb  # (N, 3, 3)
    luma = images.mean(dim=(2, 3)) @ yiq_from_rgb[0]  # (N,)
    offset = brightness * (1 - contrast) * luma
    jittered = torch.baddbmm(
        offset.view(-1, 1, 1), (brightness * contrast).view(-1, 1, 1) * colour, images.flatten(2)
    )
    return jittered.clamp_(0, 1).view_as(images)


def transformed_sheet(
    images: np.ndarray, names: list[str], settings: Augmentation, seed: int
) -> Image.Image:
    """Picture of what the network sees: each image as it is, augmented, and normalised.

    Args:
        images: (N, S, S, 3) uint8 RGB.
        names: the class of each.
        settings: of the augmentation.
        seed: of the augmentation.
    """

    def tiles(batch: torch.Tensor) -> list[np.ndarray]:
        return list(as_uint8(batch).numpy())

    original = as_float(images)
    augmented = augment(original, settings, torch.Generator().manual_seed(seed))
    normalised = normalise(augmented)
    low, high = normalised.amin(dim=(1, 2, 3), keepdim=True), normalised.amax((1, 2, 3), True)
    rows = [tiles(original), tiles(augmented), tiles((normalised - low) / (high - low + 1e-6))]
    captions = [names, *([title] * len(names) for title in ("augmented", "normalised"))]
    return contact_sheet(rows, captions=captions)
