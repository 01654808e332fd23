"""Training batches: random crops, flips and quarter turns, drawn and cut on the device.

Images that the device has no room for stay where they are, and those of a batch are copied to it.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.tensors import as_float, sent


def _cut(
    images: Tensor, rows: Tensor, top: Tensor, left: Tensor, size: int, turns: Tensor
) -> Tensor:
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


class Crops:
    """Training batches: passes over the images in random order, one random crop of each.

    Its state says where in a pass it stands, so that a training can go on in the middle of one.

    Args:
        lr: (N, h, w, 3) uint8, on the device or on the CPU.
        hr: (N, s·h, s·w, 3) uint8, the same pictures, beside them.
        crop: side of the HR crop in pixels, a multiple of s.
        batch_size: images per batch; the last batch of a pass wraps round to its first images,
            because BatchNorm wants batches of one size.
        flip: mirror half of the crops.
        turn: turn the crops by 0, 90, 180 or 270 degrees.
        generator: of every draw, on the device.
        degrade: makes an LR batch rougher: (lr, hr, generator) to lr; None = it stays.
        processes: that share each batch; all draw for the whole of it.
        device: of the batches; None = that of the images.
    """

    def __init__(
        self,
        lr: Tensor,
        hr: Tensor,
        crop: int,
        batch_size: int,
        flip: bool,
        turn: bool,
        generator: torch.Generator,
        degrade: Callable[[Tensor, Tensor, torch.Generator], Tensor] | None = None,
        processes: Processes = ALONE,
        device: torch.device | None = None,
    ):
        self.lr, self.hr, self.crop = lr, hr, crop
        self.batch_size, self.flip, self.turn, self.generator = batch_size, flip, turn, generator
        self.degrade, self.processes, self.device = degrade, processes, device or lr.device
        self.streamed = lr.device.type != self.device.type
        self.scale = hr.shape[1] // lr.shape[1]
        self.order = torch.empty(0, dtype=torch.int64)
        self.position = 0

    def __len__(self) -> int:
        """Batches in a pass."""
        return math.ceil(len(self.lr) / self.batch_size)

    def _draw(self, high: int) -> Tensor:
        size = (self.batch_size,)
        return torch.randint(high, size, generator=self.generator, device=self.device)

    def _turns(self) -> Tensor:
        vertical, horizontal, transpose = (self._draw(2).bool() for _ in range(3))
        if not self.turn:  # a mirror alone
            vertical, transpose = torch.zeros_like(vertical), torch.zeros_like(transpose)
        elif not self.flip:  # of the eight symmetries, the four that are rotations
            horizontal = vertical ^ transpose
        if not self.flip and not self.turn:
            horizontal = torch.zeros_like(horizontal)
        return torch.stack([vertical, horizontal, transpose], dim=1)

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch; after the last of a pass, the first of a new one.

        Returns:
            (B, 3, crop/s, crop/s) and (B, 3, crop, crop) float32 in [0, 1], where B is this
            process's share of the batch.
        """
        n, height, width = self.lr.shape[:3]
        size = self.crop // self.scale
        if self.position == len(self) or not len(self.order):
            order = torch.randperm(n, generator=self.generator, device=self.device)
            order = order.to(self.lr.device)  # the CPU waits for it once in a pass
            wanted = len(self) * self.batch_size
            self.order, self.position = order.repeat(math.ceil(wanted / n))[:wanted], 0
        rows = self.order[self.position * self.batch_size :][: self.batch_size]
        self.position += 1
        top, left = self._draw(height - size + 1), self._draw(width - size + 1)
        turns, share = self._turns(), self.processes.share
        if self.degrade is None:  # which draws for the whole batch
            rows, top, left, turns = share(rows), share(top), share(left), share(turns)
        (small, rows_small), (large, rows_large) = (
            self._on_device(images, rows) for images in (self.lr, self.hr)
        )
        lr = as_float(_cut(small, rows_small, top, left, size, turns))
        top, left = top * self.scale, left * self.scale
        hr = as_float(_cut(large, rows_large, top, left, self.crop, turns))
        if self.degrade is None:
            return lr, hr
        return share(self.degrade(lr, hr, self.generator)), share(hr)

    def _on_device(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Images to cut, and the rows of the batch among them; streamed ones are just those."""
        if not self.streamed:
            return images, rows
        numbers = torch.arange(len(rows), device=self.device)
        return sent(images[rows], self.device), numbers

    def state_dict(self) -> dict:
        """Where it stands, and what it will draw."""
        return {
            "order": self.order,
            "position": self.position,
            "random": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Stand there again."""
        self.order, self.position = state["order"].to(self.lr.device), state["position"]
        self.generator.set_state(state["random"].cpu())
