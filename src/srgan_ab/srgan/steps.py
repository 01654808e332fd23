"""One update of each phase: networks and a batch in, losses out; nothing is logged or saved."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.history import History
from srgan_ab.srgan.losses import (
    compared,
    discriminator_loss,
    generator_adversarial_loss,
    gradient_penalty,
    realness,
    total_variation_loss,
)

GRID = 4  # HR pixels per LR pixel


@dataclass
class Adversaries:
    """The two networks of the adversarial phase, their optimisers, and what else is random."""

    generator: Generator
    discriminator: Discriminator
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer
    history: History | None  # None: the discriminator sees only today's images
    random: torch.Generator  # of label noise and of the history's choice


@dataclass(frozen=True)
class GeneratorLoss:
    """pixel·w_p + perceptual·w_v + adversarial·w_a + tv·w_t; a term of weight 0 is not computed."""

    pixel: Callable[[Tensor, Tensor], Tensor]
    perceptual: Callable[[Tensor, Tensor], Tensor] | None
    adversarial: str  # bce, lsgan or relativistic
    weights: dict[str, float]  # pixel, perceptual, adversarial, total_variation

    def terms(self, sr: Tensor, hr: Tensor, discriminator: Discriminator) -> dict[str, Tensor]:
        """The unweighted terms in use, by name."""
        terms = {
            "pixel": lambda: self.pixel(sr, hr),
            "perceptual": lambda: self._perceptual(sr, hr),
            "adversarial": lambda: self._adversarial(sr, hr, discriminator),
            "total_variation": lambda: total_variation_loss(sr),
        }
        return {name: term() for name, term in terms.items() if self.weights[name] > 0}

    def _perceptual(self, sr: Tensor, hr: Tensor) -> Tensor:
        if self.perceptual is None:
            raise ValueError("the perceptual term has a weight and no network")
        return self.perceptual(sr, hr).float().mean()

    def _adversarial(self, sr: Tensor, hr: Tensor, discriminator: Discriminator) -> Tensor:
        real = None
        if self.adversarial == "relativistic":
            with torch.no_grad():
                real = discriminator(hr).float()
        return generator_adversarial_loss(self.adversarial, discriminator(sr).float(), real)


@dataclass(frozen=True)
class DiscriminatorLoss:
    """The discriminator's loss, with smoothed or noisy labels and gradient penalties."""

    kind: str  # bce, lsgan or relativistic
    smoothing: float  # photographs are labelled 1 - smoothing,
    noise: float  # less a uniform draw of at most this, generated images by such a draw
    r1: float  # γ of the penalty on photographs,
    r2: float  # and on generated images

    def terms(
        self, discriminator: Discriminator, hr: Tensor, sr: Tensor, random: torch.Generator
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Unweighted `d` and weighted `penalty`; outputs for photographs and generated images."""
        # Two batches: BatchNorm over real and fake together would tell the one by the other.
        real, steep_real = self._judge(discriminator, hr, self.r1)
        fake, steep_fake = self._judge(discriminator, sr, self.r2)
        noise = torch.zeros(2, len(hr), device=hr.device)
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


def shifted(sr: Tensor, hr: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same window of two batches, at a random place.

    Crops begin at a whole LR pixel, so the pooling and the strides of the networks that judge them
    would always fall on the same HR pixels, and the generator would learn to please that grid.

    Args:
        sr, hr: (N, 3, H, W).
        random: on their device.

    Returns:
        Two batches (N, 3, H - 4, W - 4).
    """
    offset = torch.randint(GRID + 1, (2, 1), generator=random, device=hr.device)
    y, x = (torch.arange(side - GRID, device=hr.device) for side in hr.shape[2:])
    y, x = y + offset[0], x + offset[1]  # no slices: the host does not know the offset
    return sr.index_select(2, y).index_select(3, x), hr.index_select(2, y).index_select(3, x)


def descend(
    loss: Tensor, module: nn.Module, optimizer: torch.optim.Optimizer, clip: float | None
) -> Tensor:
    """One step of the optimiser down a loss.

    Args:
        loss: scalar.
        module: whose parameters move.
        optimizer: of these parameters.
        clip: greatest norm of the whole gradient (Pascanu et al. 2013, arXiv 1211.5063); None =
            unlimited.

    Returns:
        The norm of the gradient before clipping, still on the device.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    parameters = list(module.parameters())
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if clip is not None:
        nn.utils.clip_grads_with_norm_(parameters, clip, norm)
    optimizer.step()
    return norm


def pretrain_step(
    generator: Generator,
    optimizer: torch.optim.Optimizer,
    lr: Tensor,
    hr: Tensor,
    pixel_loss: Callable[[Tensor, Tensor], Tensor],
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the generator on a pixel loss.

    Args:
        generator, optimizer: moved.
        lr: (N, 3, h, w) in [0, 1].
        hr: (N, 3, 4h, 4w) in [0, 1].
        pixel_loss: of (sr, hr).
        clip: as of `descend`.
        runtime: precision.

    Returns:
        The loss and the gradient's norm, still on the device.
    """
    runtime.begin_update()
    with runtime.autocast():
        sr = generator(lr)
    loss = pixel_loss(sr.float(), hr)
    norm = descend(loss, generator, optimizer, clip)
    return {"loss": loss.detach(), "gradient_norm": norm}


def discriminator_step(
    nets: Adversaries,
    sr: Tensor,
    hr: Tensor,
    loss_d: DiscriminatorLoss,
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the discriminator.

    Args:
        nets: of which the discriminator is moved.
        sr, hr: (N, 3, H, W) in [0, 1], the generated images without a gradient.
        loss_d: what it descends.
        clip: as of `descend`.
        runtime: precision.

    Returns:
        Losses, mean probabilities, accuracy and the gradient's norm, still on the device.
    """
    if nets.history is not None:
        sr = nets.history.mix(sr, nets.random)
    nets.discriminator.requires_grad_(True)
    with runtime.autocast():
        terms, real, fake = loss_d.terms(nets.discriminator, hr, sr, nets.random)
    norm = descend(reduce(add, terms.values()), nets.discriminator, nets.optimizer_d, clip)
    nets.discriminator.requires_grad_(False)  # the generator's update wants no gradients here

    real, fake = real.detach(), fake.detach()
    d_real, d_fake = realness(loss_d.kind, real, fake)
    for_real, for_fake = compared(loss_d.kind, real, fake)
    return {
        **{f"loss_{name}": term.detach() for name, term in terms.items()},
        "d_real": d_real.mean(),
        "d_fake": d_fake.mean(),
        "d_accuracy": torch.cat([for_real > 0, for_fake <= 0]).float().mean(),
        "gradient_norm_d": norm,
    }


def warm_up_step(
    nets: Adversaries,
    lr: Tensor,
    hr: Tensor,
    loss_d: DiscriminatorLoss,
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the discriminator on images of a generator that stands still.

    Arguments and result are those of `adversarial_step`, without the generator's part.
    """
    runtime.begin_update()
    with torch.no_grad(), runtime.autocast():
        sr = nets.generator(lr)
    return discriminator_step(nets, *shifted(sr.float(), hr, nets.random), loss_d, clip, runtime)


def adversarial_step(
    nets: Adversaries,
    lr: Tensor,
    hr: Tensor,
    loss_g: GeneratorLoss,
    loss_d: DiscriminatorLoss,
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the discriminator, then one of the generator.

    Args:
        nets: moved.
        lr: (N, 3, h, w) in [0, 1].
        hr: (N, 3, 4h, 4w) in [0, 1].
        loss_g, loss_d: the two sides of the game.
        clip: as of `descend`, for each network.
        runtime: precision.

    Returns:
        Losses, mean probabilities and gradient norms, still on the device: reading them would
        wait for it.
    """
    runtime.begin_update()
    with runtime.autocast():
        sr = nets.generator(lr)
    sr, hr = shifted(sr.float(), hr, nets.random)
    values = discriminator_step(nets, sr.detach(), hr, loss_d, clip, runtime)

    with runtime.autocast():
        terms = loss_g.terms(sr, hr, nets.discriminator)
    weighted = (loss_g.weights[name] * term for name, term in terms.items())
    norm = descend(reduce(add, weighted), nets.generator, nets.optimizer_g, clip)
    return {
        **values,
        **{f"loss_{name}": term.detach() for name, term in terms.items()},
        "gradient_norm_g": norm,
    }
