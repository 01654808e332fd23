"""What each network descends: the terms of its loss, and their weights."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    gradient_penalty,
    lattice_loss,
    total_variation_loss,
)
from srgan_ab.srgan.task import TaskLoss


@dataclass(frozen=True)
class GeneratorLoss:
    """The weighted sum of its terms, of which those of weight 0 are not computed."""

    pixel: Callable[[Tensor, Tensor], Tensor]
    perceptual: Callable[[Tensor, Tensor], Tensor] | None
    adversarial: str  # bce, lsgan or relativistic
    weights: dict[str, float]  # pixel, perceptual, adversarial, total_variation, lattice, task
    scale: int  # HR pixels per LR pixel, along each side
    task: TaskLoss | None = None  # without it there is no such term

    def terms(
        self,
        sr: Tensor,
        hr: Tensor,
        discriminator: Discriminator | None,
        processes: Processes = ALONE,
    ) -> dict[str, Tensor]:
        """The unweighted terms in use, by name; their mean over processes is the batch's."""
        terms = {
            "pixel": lambda: self.pixel(sr, hr),
            "perceptual": lambda: self._perceptual(sr, hr),
            "adversarial": lambda: self._adversarial(sr, hr, discriminator, processes),
            "total_variation": lambda: total_variation_loss(sr),
            "lattice": lambda: lattice_loss(sr, hr, self.scale),
        }
        if (task := self.task) is not None:
            terms["task"] = lambda: task(sr, hr)
        return {name: term() for name, term in terms.items() if self.weights[name] > 0}

    def _perceptual(self, sr: Tensor, hr: Tensor) -> Tensor:
        if self.perceptual is None:
            raise ValueError("the perceptual term has a weight and no network")
        return self.perceptual(sr, hr).float().mean()

    def _adversarial(
        self, sr: Tensor, hr: Tensor, discriminator: Discriminator | None, processes: Processes
    ) -> Tensor:
        if discriminator is None:
            raise ValueError("the adversarial term has a weight and no discriminator")
        real = None
        if self.adversarial == "relativistic":
            with torch.no_grad():
                real = processes.gather(discriminator(hr).float())
        fake = processes.gather(discriminator(sr).float())
        return generator_adversarial_loss(self.adversarial, fake, real)


@dataclass(frozen=True)
class DiscriminatorLoss:
    """The discriminator's loss, with smoothed or noisy labels and gradient penalties."""

    kind: str  # bce, lsgan or relativistic
    smoothing: float  # photographs are labelled 1 - smoothing,
    noise: float  # less a uniform draw of at most this, generated images by such a draw
    r1: float  # γ of the penalty on photographs,
    r2: float  # and on generated images

    def terms(
        self,
        discriminator: Discriminator,
        hr: Tensor,
        sr: Tensor,
        random: torch.Generator,
        processes: Processes = ALONE,
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Unweighted `d` and weighted `penalty`; outputs for photographs and generated images.

        The outputs, and `d`, are those of the whole batch that processes share.
        """
        # Two batches: BatchNorm over real and fake together would tell the one by the other.
        real, steep_real = self._judge(discriminator, hr, self.r1)
        fake, steep_fake = self._judge(discriminator, sr, self.r2)
        real, fake = processes.gather(real), processes.gather(fake)
        noise = torch.zeros(2, len(real), device=hr.device)
        if self.noise:
            noise.uniform_(0, self.noise, generator=random)
        terms = {
            "d": discriminator_loss(self.kind, real, fake, 1 - self.smoothing - noise[0], noise[1])
        }
        if self.r1 or self.r2:
            penalty = self.r1 / 2 * steep_real + self.r2 / 2 * steep_fake
            terms["penalty"] = torch.as_tensor(penalty)
        return terms, real, fake

    @staticmethod
    def _judge(
        discriminator: Discriminator, images: Tensor, penalty: float
    ) -> tuple[Tensor, Tensor | float]:
        if not penalty:
            return discriminator(images).float(), 0.0
        with torch.autocast(images.device.type, enabled=False):  # bf16 is too coarse to square
            return gradient_penalty(discriminator, images)
