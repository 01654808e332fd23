"""SRResNet pre-training and the adversarial phase, one epoch at a time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.crops import random_crops
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.losses import (
    PIXEL_LOSSES,
    discriminator_loss,
    discriminator_loss_floor,
    generator_adversarial_loss,
    total_variation_loss,
)
from srgan_ab.srgan.perceptual import PerceptualLoss


@dataclass
class Adversaries:
    """The two networks of the adversarial phase and their optimisers."""

    generator: Generator
    discriminator: Discriminator
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer


@dataclass(frozen=True)
class GeneratorLoss:
    """pixel·w_p + perceptual·w_v + adversarial·w_a + tv·w_t; a term of weight 0 is not computed."""

    pixel: Callable[[Tensor, Tensor], Tensor]
    perceptual: PerceptualLoss | None
    weights: dict[str, float]  # pixel, perceptual, adversarial, total_variation

    def terms(self, sr: Tensor, hr: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
        """The unweighted terms in use, by name."""
        terms = {
            "pixel": lambda: self.pixel(sr, hr),
            "perceptual": lambda: self.perceptual(sr, hr).float(),
            "adversarial": lambda: generator_adversarial_loss(fake_logits),
            "total_variation": lambda: total_variation_loss(sr),
        }
        return {name: term() for name, term in terms.items() if self.weights[name] > 0}


def _descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def pretrain_step(
    generator: Generator,
    optimizer: torch.optim.Optimizer,
    lr: Tensor,
    hr: Tensor,
    pixel_loss: Callable[[Tensor, Tensor], Tensor],
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the generator on a pixel loss.

    Args:
        generator, optimizer: moved.
        lr: (N, 3, h, w) in [0, 1].
        hr: (N, 3, 4h, 4w) in [0, 1].
        pixel_loss: of (sr, hr).
        runtime: precision.

    Returns:
        The loss, still on the device.
    """
    with runtime.autocast():
        sr = generator(lr)
    loss = pixel_loss(sr.float(), hr)
    _descend(loss, optimizer)
    return {"loss": loss.detach()}


def adversarial_step(
    nets: Adversaries,
    lr: Tensor,
    hr: Tensor,
    loss: GeneratorLoss,
    label_smoothing: float,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the discriminator, then one of the generator.

    Args:
        nets: moved.
        lr: (N, 3, h, w) in [0, 1].
        hr: (N, 3, 4h, 4w) in [0, 1].
        loss: the generator's.
        label_smoothing: of the discriminator's real labels.
        runtime: precision.

    Returns:
        Losses and mean probabilities, still on the device: reading them would wait for it.
    """
    with runtime.autocast():
        sr = nets.generator(lr)
    sr = sr.float()

    # Two batches: BatchNorm over real and fake together would tell the one by the other.
    nets.discriminator.requires_grad_(True)
    with runtime.autocast():
        real_logits = nets.discriminator(hr)
        fake_logits = nets.discriminator(sr.detach())
    real_logits, fake_logits = real_logits.float(), fake_logits.float()
    loss_d = discriminator_loss(real_logits, fake_logits, label_smoothing)
    _descend(loss_d, nets.optimizer_d)

    nets.discriminator.requires_grad_(False)  # nobody wants its gradients here
    with runtime.autocast():
        terms = loss.terms(sr, hr, nets.discriminator(sr).float())
    _descend(sum(loss.weights[name] * term for name, term in terms.items()), nets.optimizer_g)

    return {
        "loss_d": loss_d.detach(),
        **{f"loss_{name}": term.detach() for name, term in terms.items()},
        "d_real": real_logits.detach().sigmoid().mean(),
        "d_fake": fake_logits.detach().sigmoid().mean(),
        "d_accuracy": torch.cat([real_logits > 0, fake_logits <= 0]).float().mean(),
    }


def _average(steps: list[dict[str, Tensor]]) -> dict[str, float]:
    """Mean of each quantity over an epoch; the one place that waits for the device.

    Raises:
        UserError: a loss is not a finite number.
    """
    means = {name: torch.stack([step[name] for step in steps]).mean().item() for name in steps[0]}
    broken = [name for name, value in means.items() if not math.isfinite(value)]
    if broken:
        raise UserError(
            f"{', '.join(broken)} became infinite or NaN: lower srgan.pretraining.learning_rate or "
            "srgan.adversarial.learning_rate, or the weight of that term"
        )
    return means


def _adam(module: nn.Module, learning_rate: float) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), learning_rate, fused=True)


def _averaged(generator: Generator, decay: float) -> AveragedModel:
    return AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(decay))


def pretrain(
    generator: Generator, lr: Tensor, hr: Tensor, settings, runtime: Runtime, seed: int
) -> Iterator[tuple[dict[str, float], Generator]]:
    """Train SRResNet on a pixel loss, the rate falling to 0 along a cosine.

    Args:
        generator: trained in place.
        lr: (N, h, w, 3) uint8 on the device.
        hr: (N, 4h, 4w, 3) uint8 on the device.
        settings: `params.srgan`.
        runtime: device and precision.
        seed: of the crops.

    Yields:
        After each epoch its mean losses and the averaged (EMA) generator in evaluation mode,
        the same object each time.
    """
    random = runtime.generator(seed)
    epochs, batch_size = settings.pretraining.epochs, settings.batch_size
    updates = math.ceil(len(lr) / batch_size)
    optimizer = _adam(generator, settings.pretraining.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * updates)
    averaged = _averaged(generator, settings.ema).eval()
    pixel_loss = PIXEL_LOSSES[settings.pretraining.loss]
    with tqdm(total=epochs * updates, desc="srresnet", unit="update") as progress:
        for epoch in range(1, epochs + 1):
            generator.train()
            steps = []
            for lr_batch, hr_batch in random_crops(lr, hr, settings.crop, batch_size, random):
                step = pretrain_step(generator, optimizer, lr_batch, hr_batch, pixel_loss, runtime)
                steps.append(step)
                averaged.update_parameters(generator)
                schedule.step()
                progress.update()
            yield {"epoch": epoch, **_average(steps)}, averaged.module


def train_adversarial(
    generator: Generator,
    discriminator: Discriminator,
    perceptual: PerceptualLoss | None,
    lr: Tensor,
    hr: Tensor,
    settings,
    runtime: Runtime,
    seed: int,
) -> Iterator[tuple[dict[str, float], Generator]]:
    """Train SRGAN from a pre-trained generator; the rate is halved at mid-training.

    Args:
        generator, discriminator: trained in place.
        perceptual: None where its weight is 0.
        lr: (N, h, w, 3) uint8 on the device.
        hr: (N, 4h, 4w, 3) uint8 on the device.
        settings: `params.srgan`.
        runtime: device and precision.
        seed: of the crops.

    Yields:
        After each epoch its mean losses and the averaged (EMA) generator in evaluation mode,
        the same object each time.
    """
    random = runtime.generator(seed)
    phase, batch_size = settings.adversarial, settings.batch_size
    updates = math.ceil(len(lr) / batch_size)
    nets = Adversaries(
        generator,
        discriminator,
        _adam(generator, phase.learning_rate),
        _adam(discriminator, phase.learning_rate),
    )
    schedules = [
        torch.optim.lr_scheduler.StepLR(optimizer, math.ceil(phase.epochs / 2), gamma=0.5)
        for optimizer in (nets.optimizer_g, nets.optimizer_d)
    ]
    loss = GeneratorLoss(
        PIXEL_LOSSES[settings.pixel.loss],
        perceptual,
        {
            "pixel": settings.pixel.weight,
            "perceptual": settings.perceptual.weight,
            "adversarial": phase.weight,
            "total_variation": settings.total_variation,
        },
    )
    averaged = _averaged(generator, settings.ema).eval()
    floor = {"loss_d_floor": discriminator_loss_floor(phase.label_smoothing)}
    absent = {f"loss_{name}": 0.0 for name, weight in loss.weights.items() if weight == 0}
    with tqdm(total=phase.epochs * updates, desc="srgan", unit="update") as progress:
        for epoch in range(1, phase.epochs + 1):
            generator.train()
            discriminator.train()
            steps = []
            for lr_batch, hr_batch in random_crops(lr, hr, settings.crop, batch_size, random):
                steps.append(
                    adversarial_step(nets, lr_batch, hr_batch, loss, phase.label_smoothing, runtime)
                )
                averaged.update_parameters(generator)
                progress.update()
            for schedule in schedules:
                schedule.step()
            yield {"epoch": epoch, **_average(steps), **floor, **absent}, averaged.module


@torch.inference_mode()
def held_out_accuracy(
    discriminator: Discriminator, hr: Tensor, sr: Tensor, runtime: Runtime
) -> float:
    """How often the discriminator is right about images that it was not trained on.

    Args:
        discriminator: put into evaluation mode.
        hr, sr: (N, 3, H, W) in [0, 1] on the device.
        runtime: precision.
    """
    discriminator.eval()
    with runtime.autocast():
        right = torch.cat([discriminator(hr) > 0, discriminator(sr) <= 0])
    return right.float().mean().item()
