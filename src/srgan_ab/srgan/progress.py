"""What a training of a generator has come to, and how its validation images are handled."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srgan_ab.common.interpolation import Interpolated
from srgan_ab.common.packs import Pack
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import upscale

Quality = dict[str, float | None]
Rows = Any  # gives (n, H, W, 3) uint8 for a slice or an index array, as `Enlarged` does
Measure = Callable[[Rows, np.ndarray], Quality]
Watch = Callable[[dict, Rows], dict]  # an epoch's row and validation images to more columns
Distance = Callable[[Tensor, Tensor], Tensor]
SHOWN = 6  # validation images in the snapshots


@dataclass(frozen=True)
class Enlarged:
    """LR images of a pack, enlarged by a generator when they are read: never all in memory.

    Attributes:
        generator: in evaluation mode, on the runtime's device; what is read is of its weights then.
        pack: whose LR images.
        runtime: where to compute.
    """

    generator: Generator
    pack: Pack
    runtime: Runtime

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """(n, H, W, 3) uint8 RGB."""
        lr = self.pack.lr[rows]
        sr = np.empty((len(lr), *self.pack.hr.shape[1:]), np.uint8)
        upscale(self.generator, lr, sr, self.runtime)
        return sr


@dataclass
class Progress:
    """What a training has come to, apart from the networks; plain values, so that it can be kept.

    Attributes:
        histories: phase to the rows of its history.
        srresnet_state: the pre-trained generator, once it is.
        pictures: snapshot name to (n, H, W, 3) uint8.
        chosen: epoch of the kept networks, 0 = none yet.
        chosen_states: their weights: `averaged`, the generator that is kept, `generator`, from
            which it was averaged, and `discriminator`, if there is one.
    """

    histories: dict[str, list[dict]] = field(default_factory=dict)
    srresnet_state: dict | None = None
    pictures: dict[str, torch.Tensor] = field(default_factory=dict)
    chosen: int = 0
    chosen_states: dict[str, dict] = field(default_factory=dict)

    def history(self, name: str) -> list[dict]:
        """Rows of a phase, to be read and added to."""
        return self.histories.setdefault(name, [])


@dataclass(frozen=True)
class Fitted:
    """What a training has come to; all of it is of the chosen epoch.

    Attributes:
        generator: averaged and in evaluation mode.
        without_ema: what it is the average of, in evaluation mode.
        history: of its phase.
        epoch: that was chosen.
    """

    generator: Generator
    without_ema: Generator
    history: list[dict]
    epoch: int

    @property
    def chosen(self) -> dict:
        """The chosen epoch's row of the history."""
        return self.history[self.epoch - 1]


@dataclass(frozen=True)
class FittedSrgan(Fitted):
    """The SRGAN, and beside it what comes of the same training.

    Attributes:
        discriminator: its opponent.
        srresnet: where it started, averaged and in evaluation mode.
        srresnet_history: of the pre-training.
        pictures: snapshot name to (n, H, W, 3) uint8.
    """

    discriminator: Discriminator
    srresnet: Generator
    srresnet_history: list[dict]
    pictures: dict[str, torch.Tensor]


def on_device(images: np.ndarray | Tensor, runtime: Runtime) -> Tensor:
    """uint8 images, on a GPU all of them at once: 25,000 of 128 pixels are 1.2 GB."""
    return torch.as_tensor(images).to(runtime.device)


def at_hand(pack: Pack, runtime: Runtime, copies: int = 1) -> tuple[Tensor, Tensor]:
    """`lr` and `hr` of a pack on the device, or mapped from their files where it has no room.

    Args:
        pack: whose images.
        runtime: the device.
        copies: of the images for which there must be room.
    """
    lr, hr = (torch.from_numpy(np.asarray(images)) for images in (pack.lr, pack.hr))
    if not runtime.has_room(copies * (lr.nbytes + hr.nbytes)):
        return lr, hr
    return on_device(lr, runtime), on_device(hr, runtime)


def interpolated(pack: Pack) -> Interpolated:
    """LR images of a pack, enlarged by bicubic interpolation when they are read."""
    height, width = pack.hr.shape[1:3]
    return Interpolated(pack.lr, height, width, "bicubic")


def shown(val: Pack) -> np.ndarray:
    """Rows of the validation images in the snapshots."""
    return np.linspace(0, len(val) - 1, min(SHOWN, len(val))).astype(int)


def prefixed(prefix: str, values: dict) -> dict:
    """The same values under `<prefix>_<key>`."""
    return {f"{prefix}_{key}": value for key, value in values.items()}
