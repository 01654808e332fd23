"""Generated images of earlier updates, shown to the discriminator beside today's."""

import torch
from torch import Tensor, nn


class History(nn.Module):
    """Half of each fake batch comes from the past, so that the discriminator does not forget.

    Shrivastava et al. 2017, arXiv 1612.07828, section 2.3. A module, because what it holds is part
    of a training's state.

    Args:
        size: images kept; at least half a batch.
        shape: (3, H, W) of an image.
    """

    images: Tensor

    def __init__(self, size: int, shape: tuple[int, int, int]):
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *shape))
        self.filled = 0  # no tensor: reading one would wait for the device

    def get_extra_state(self) -> int:
        """How many images it holds: part of `state_dict`."""
        return self.filled

    def set_extra_state(self, state: int) -> None:
        """As `get_extra_state` gave it."""
        self.filled = state

    def mix(self, sr: Tensor, generator: torch.Generator) -> Tensor:
        """Exchange half of a batch for older images, and keep that half.

        Args:
            sr: (N, 3, H, W), detached.
            generator: of the choice, on the images' device.

        Returns:
            (N, 3, H, W); `sr` itself until the buffer is full.
        """
        half, size, filled = len(sr) // 2, len(self.images), self.filled
        if filled < size:
            new = sr[: min(half, size - filled)]
            self.images[filled : filled + len(new)] = new
            self.filled += len(new)
            return sr
        slots = torch.randperm(size, generator=generator, device=sr.device)[:half]
        mixed = torch.cat([self.images[slots], sr[half:]])
        self.images[slots] = sr[:half]
        return mixed
