"""What is checked and measured on a GPU: both phases of the SRGAN, and a classifier's `fit`."""

import platform
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import speed
import torch
from torch import Tensor, nn

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.classifier.training import Examples, fit, resident
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Srgan
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.perceptual import PerceptualLoss
from srgan_ab.srgan.phase import Phase
from srgan_ab.srgan.phases import adversarial, pretraining

CPU = torch.device("cpu")
Networks = tuple[dict[str, Any], dict[str, Any], str]
# sizes of generator and discriminator, and the layer of VGG19
PAPER: Networks = ({"blocks": 16, "channels": 64}, {"channels": 64}, "conv5_4")
SMALL: Networks = ({"blocks": 2, "channels": 8}, {"channels": 4}, "conv1_2")
# what a generator may have that the paper's has not
OTHER: dict[str, Any] = {"normalization": "none", "upsampler": "nearest_conv", "skip": "bicubic"}


def facts(device: str) -> dict[str, str]:
    """The card, or the processor, and torch."""
    name = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    return {"device": name, "torch": torch.__version__}


def photos(number: int, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Noise, the same on every device: lr and hr, (N, h, w, 3) uint8."""
    random = torch.Generator().manual_seed(0)
    hr = torch.randint(0, 256, (number, side, side, 3), dtype=torch.uint8, generator=random)
    return hr[:, ::4, ::4].contiguous().to(device), hr.to(device)


def variant(name: str, batch_size: int, side: int) -> Srgan:
    """Settings: those of the `paper`, or of the `other` networks with all that looks back."""
    settings = speed.paper(batch_size).model_copy(update={"crop": side})
    if name == "paper":
        return settings
    adversity = {"loss": "relativistic", "history": batch_size, "label_smoothing": 0.1}
    return settings.model_copy(
        update={
            **{"gradient_clip": 1.0, "total_variation": 1e-2, "lattice": 1e-2},
            "adversarial": settings.adversarial.model_copy(update=adversity),
        }
    )


def phases(
    name: str,
    settings: Srgan,
    runtime: Runtime,
    images: tuple[Tensor, Tensor],
    networks: Networks,
    place: Callable[..., Any] = accelerate,
) -> dict[str, Callable[[], Phase]]:
    """Make either phase from the same first weights.

    Args:
        name: `paper` or `other`.
        settings: `params.srgan`.
        runtime: where.
        images: lr and hr, there.
        networks: sizes of generator and discriminator, and VGG19's layer.
        place: puts a network on the device.
    """
    sizes, judge, layer = networks
    batch = "batch" if name == "paper" else "none"

    def generator() -> Generator:
        torch.manual_seed(1)
        network = Generator(**sizes, **({} if name == "paper" else OTHER))
        nn.init.normal_(network.tail.weight, std=0.02)  # of skip: bicubic, it is 0
        return place(network, runtime.device)

    @cache  # it is not trained
    def perceptual() -> PerceptualLoss:
        with tempfile.TemporaryDirectory() as folder:
            vgg = speed.random_vgg19(Path(folder) / "vgg.safetensors")
            return place(PerceptualLoss("vgg19", layer, vgg), runtime.device)

    def second() -> Phase:
        first = generator()
        torch.manual_seed(2)
        discriminator = place(Discriminator(**judge, normalization=batch), runtime.device)
        return adversarial(first, discriminator, perceptual(), *images, settings, runtime, 0)

    return {
        "srresnet": lambda: pretraining(generator(), *images, settings, runtime, 0),
        "srgan": second,
    }


def real_phases(runtime: Runtime, small: bool) -> dict[str, Callable[[], Phase]]:
    """Of the paper's networks, or for a rehearsal of small ones."""
    networks = SMALL if small else PAPER
    batch, side = (4, 32) if small else (16, 96)
    images = photos(2 * batch, side + 16, runtime.device)
    return {
        f"{phase}, {name}": make
        for name in ("paper", "other")
        for phase, make in phases(
            name, variant(name, batch, side), runtime, images, networks
        ).items()
    }


class Hook(Checkpoints):
    """Calls a function after every update of `fit`; keeps a state only where that says so."""

    def __init__(self, after_update: Callable[[int], bool | None], folder: Path, runtime: Runtime):
        super().__init__(folder, runtime)
        self.after_update, self.updates, self.wanted = after_update, 0, False

    def due(self) -> bool:
        """Whether the state of this update is wanted."""
        self.updates += 1
        self.wanted = bool(self.after_update(self.updates))
        return self.wanted

    def save(self, state: dict[str, Any]) -> None:
        """Keep it, but not that of the end."""
        if self.wanted:
            super().save(state)
        self.wanted = False


def fitted(
    network: nn.Module,
    runtime: Runtime,
    batch_size: int,
    updates: int,
    side: int,
    after_update: Callable[[int], bool | None] = lambda update: None,
    folder: Path = Path("nowhere"),
) -> dict[str, Tensor]:
    """One epoch of `fit` on noise; the network's state after it."""
    settings = load(speed.PARAMS).classifier.model_copy(
        update={"epochs": 1, "batch_size": batch_size, "learning_rate": 1e-4}
    )
    images = photos(2 * batch_size, side, CPU)[1].numpy()
    noise = resident(Examples(images, np.arange(len(images)) % 2), runtime)
    few = Examples(noise.images[:8], noise.labels[:8])
    fit(network, noise, few, settings, updates, runtime, 0, Hook(after_update, folder, runtime))
    return network.state_dict()
