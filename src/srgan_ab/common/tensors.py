"""Pictures as tensors: from bytes to numbers and back, and the colours that ImageNet has."""

import numpy as np
import torch
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in [0, 1], the convention of torchvision's weights
IMAGENET_STD = (0.229, 0.224, 0.225)


def as_float(images: np.ndarray | Tensor, device: torch.device | None = None) -> Tensor:
    """(N, H, W, 3) uint8 in [0, 255] -> (N, 3, H, W) float32 in [0, 1], channels last in memory.

    Args:
        images: what is to be converted.
        device: of the result; None = where the images are.
    """
    if isinstance(images, np.ndarray):
        images = torch.tensor(images)  # a copy: the array may be read-only
    return images.to(device=device).permute(0, 3, 1, 2).to(torch.float32).div_(255)


def sent(images: Tensor, device: torch.device) -> Tensor:
    """Images of the CPU's memory on a device; the host does not wait for a GPU's other work."""
    if device.type != "cuda":
        return images.to(device)
    return images.pin_memory().to(device, non_blocking=True)


def as_uint8(images: Tensor) -> Tensor:
    """(N, 3, H, W) float, clamped to [0, 1] and rounded -> (N, H, W, 3) uint8 in [0, 255]."""
    rounded = images.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return rounded.permute(0, 2, 3, 1)
