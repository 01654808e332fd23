"""Training batches: random crops, flips and quarter turns, drawn and cut on the device."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor


def as_float(images: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 in [0, 255] -> (N, 3, H, W) float32 in [0, 1], channels last in memory."""
    return images.permute(0, 3, 1, 2).to(torch.float32).div_(255)


def as_uint8(images: Tensor) -> Tensor:
    """(N, 3, H, W) float, clamped to [0, 1] and rounded -> (N, H, W, 3) uint8 in [0, 255]."""
    rounded = images.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return rounded.permute(0, 2, 3, 1)


def _cut(images: Tensor, rows: Tensor, top: Tensor, left: Tensor, size: int, turns: Tensor):
    """Cut one square per row of a batch, turned by one of the eight symmetries of a square.

    Args:
        images: (N, H, W, 3).
        rows: (B,) which images.
        top, left: (B,) corners.
        size: side of the square.
        turns: (B, 3) bool: flip vertically, flip horizontally, transpose.

    Returns:
        (B, size, size, 3).
    """
    steps = torch.arange(size, device=images.device)
    y = torch.where(turns[:, :1], size - 1 - steps, steps) + top[:, None]  # (B, size)
    x = torch.where(turns[:, 1:2], size - 1 - steps, steps) + left[:, None]
    y, x = y[:, :, None].expand(-1, -1, size), x[:, None, :].expand(-1, size, -1)
    transpose = turns[:, 2, None, None]
    y, x = torch.where(transpose, y.mT, y), torch.where(transpose, x.mT, x)
    return images[rows[:, None, None], y, x]


def random_crops(
    lr: Tensor, hr: Tensor, crop: int, batch_size: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One pass over the images in random order, one crop of each.

    Args:
        lr: (N, h, w, 3) uint8.
        hr: (N, s·h, s·w, 3) uint8, the same pictures.
        crop: side of the HR crop in pixels, a multiple of s.
        batch_size: images per batch; the last batch wraps round to the first images of the pass,
            because BatchNorm wants batches of one size.
        generator: on the images' device.

    Yields:
        (B, 3, crop/s, crop/s) and (B, 3, crop, crop) float32 in [0, 1].
    """
    n, height, width = lr.shape[:3]
    scale = hr.shape[1] // height
    size = crop // scale
    order = torch.randperm(n, generator=generator, device=lr.device)
    batches = math.ceil(n / batch_size)
    order = order.repeat(math.ceil(batches * batch_size / n))[: batches * batch_size]
    for rows in order.view(batches, batch_size):

        def draw(high: int, like: Tensor = rows) -> Tensor:
            return torch.randint(high, like.shape, generator=generator, device=like.device)

        top, left = draw(height - size + 1), draw(width - size + 1)
        turns = torch.stack([draw(2), draw(2), draw(2)], dim=1).bool()
        yield (
            as_float(_cut(lr, rows, top, left, size, turns)),
            as_float(_cut(hr, rows, top * scale, left * scale, crop, turns)),
        )
