"""SRResNet's pre-training, the adversarial phase, and the same without its adversarial term."""

import copy
import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Adversarial, Pretraining, Srgan
from srgan_ab.common.seeds import seed_for
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.degradation import Degradation
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.history import History
from srgan_ab.srgan.losses import PIXEL_LOSSES, discriminator_loss_floor
from srgan_ab.srgan.objectives import DiscriminatorLoss, GeneratorLoss
from srgan_ab.srgan.phase import Phase, Schedule, WarmUp
from srgan_ab.srgan.steps import (
    Adversaries,
    adversarial_step,
    pretrain_step,
    unopposed_step,
    warm_up_step,
)
from srgan_ab.srgan.task import TaskLoss

PATIENCE = 5  # epochs without a better validation before `schedule: plateau` halves the rate


def _adam(module: nn.Module, learning_rate: float) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), learning_rate, fused=True)


def _schedule(optimizer: torch.optim.Optimizer, kind: str, epochs: int, updates: int) -> Schedule:
    """Over a whole phase: `constant`, `step` (halved half-way), `cosine` (to 0), `plateau`."""
    if kind == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, epochs * updates)
    if kind == "step":
        return lr_scheduler.StepLR(optimizer, math.ceil(epochs / 2) * updates, gamma=0.5)
    if kind == "plateau":
        # "relative", torch's default, is the wrong way round below 0, where errors by PSNR are
        return lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=PATIENCE, threshold=0.0, threshold_mode="abs"
        )
    return lr_scheduler.ConstantLR(optimizer, factor=1.0)


def crops_of(
    lr: Tensor, hr: Tensor, settings: Srgan, random: torch.Generator, runtime: Runtime
) -> Crops:
    """Batches of images, cut and made rougher as `params.srgan` says."""
    how = (settings.crop, settings.batch_size, settings.flip, settings.turn, random)
    rougher = settings.degradation
    scale = hr.shape[1] // lr.shape[1]
    device, processes = runtime.device, runtime.processes
    degrade = Degradation(rougher, settings.crop, scale, device) if rougher.probability else None
    return Crops(lr, hr, *how, degrade, processes, device)


def loss_weights(settings: Srgan) -> dict[str, float]:
    """Of the generator's terms in the adversarial phase, from `params.srgan`."""
    return {
        "pixel": settings.pixel.weight,
        "perceptual": settings.perceptual.weight,
        "adversarial": settings.adversarial.weight,
        "total_variation": settings.total_variation,
        "lattice": settings.lattice,
    }


def _generator_loss(
    settings: Srgan,
    perceptual: Callable[[Tensor, Tensor], Tensor] | None,
    weights: dict[str, float],
    scale: int,
    task: TaskLoss | None = None,
) -> GeneratorLoss:
    pixel, kind = PIXEL_LOSSES[settings.pixel.loss], settings.adversarial.loss
    return GeneratorLoss(pixel, perceptual, kind, weights, scale, task)


def _unused(weights: dict[str, float]) -> dict[str, float]:
    """What a history says of terms that are not computed."""
    return {f"loss_{name}": 0.0 for name, weight in weights.items() if weight == 0}


def _of_a_generator(
    name: str,
    generator: Generator,
    optimizer: torch.optim.Optimizer,
    phase: Pretraining | Adversarial,
    crops: Crops,
    step: Callable[[Tensor, Tensor], dict[str, Tensor]],
    ema: float,
) -> Phase:
    """A phase that trains a generator by itself."""
    return Phase(
        name=name,
        epochs=phase.epochs,
        crops=crops,
        step=step,
        modules={"generator": generator},
        averaged=copy.deepcopy(generator).eval(),
        ema=ema,
        optimizers=[optimizer],
        schedules=[_schedule(optimizer, phase.schedule, phase.epochs, len(crops))],
    )


def pretraining(
    generator: Generator, lr: Tensor, hr: Tensor, settings: Srgan, runtime: Runtime, seed: int
) -> Phase:
    """SRResNet: the generator on a pixel loss.

    Args:
        generator: trained in place.
        lr, hr: as of `Crops`.
        settings: `params.srgan`.
        runtime: device and precision.
        seed: of the crops.
    """
    phase = settings.pretraining
    crops = crops_of(lr, hr, settings, runtime.generator(seed), runtime)
    optimizer = _adam(generator, phase.learning_rate)
    pixel_loss, clip = PIXEL_LOSSES[phase.loss], settings.gradient_clip

    def step(lr: Tensor, hr: Tensor) -> dict[str, Tensor]:
        return pretrain_step(generator, optimizer, lr, hr, pixel_loss, clip, runtime)

    return _of_a_generator("srresnet", generator, optimizer, phase, crops, step, settings.ema)


def adversarial(
    generator: Generator,
    discriminator: Discriminator,
    perceptual: Callable[[Tensor, Tensor], Tensor] | None,
    lr: Tensor,
    hr: Tensor,
    settings: Srgan,
    runtime: Runtime,
    seed: int,
    task: TaskLoss | None = None,
) -> Phase:
    """SRGAN: the generator against the discriminator, from wherever both start.

    Args:
        generator, discriminator: trained in place.
        perceptual: of (sr, hr); None where its weight is 0.
        lr, hr: as of `Crops`.
        settings: `params.srgan`.
        runtime: device and precision.
        seed: of crops, label noise and history.
        task: one more term of the generator's loss; None = SRGAN as it is.
    """
    phase, random = settings.adversarial, runtime.generator(seed)
    crops = crops_of(lr, hr, settings, random, runtime)
    history = None
    if phase.history:
        side = settings.crop - generator.scale
        history = History(phase.history, (3, side, side)).to(runtime.device)
    nets = Adversaries(
        generator,
        discriminator,
        _adam(generator, phase.learning_rate),
        _adam(discriminator, phase.discriminator_learning_rate or phase.learning_rate),
        history,
        random,
    )
    weights = loss_weights(settings) | ({} if task is None else {"task": task.weight})
    loss_g = _generator_loss(settings, perceptual, weights, generator.scale, task)
    loss_d = DiscriminatorLoss(
        phase.loss, phase.label_smoothing, phase.label_noise, phase.r1, phase.r2
    )

    def step(lr: Tensor, hr: Tensor) -> dict[str, Tensor]:
        return adversarial_step(nets, lr, hr, loss_g, loss_d, settings.gradient_clip, runtime)

    def warm_up() -> WarmUp:
        apart = replace(nets, random=runtime.generator(seed_for("warm-up", seed)))

        def step(lr: Tensor, hr: Tensor) -> dict[str, Tensor]:
            return warm_up_step(apart, lr, hr, loss_d, settings.gradient_clip, runtime)

        crops = crops_of(lr, hr, settings, apart.random, runtime)
        return WarmUp(phase.warm_up, crops, step)

    optimizers = [nets.optimizer_g, nets.optimizer_d]
    modules: dict[str, nn.Module] = {"generator": generator, "discriminator": discriminator}
    if history is not None:
        modules["history"] = history
    floor = discriminator_loss_floor(phase.loss, phase.label_smoothing, phase.label_noise)
    return Phase(
        name="srgan" if task is None else "task",
        epochs=phase.epochs,
        crops=crops,
        step=step,
        modules=modules,
        averaged=copy.deepcopy(generator).eval(),
        ema=settings.ema,
        optimizers=optimizers,
        schedules=[
            _schedule(optimizer, phase.schedule, phase.epochs, len(crops))
            for optimizer in optimizers
        ],
        constants={"loss_d_floor": floor, **_unused(weights)},
        warm_up=warm_up(),
    )


def unopposed(
    generator: Generator,
    perceptual: Callable[[Tensor, Tensor], Tensor] | None,
    lr: Tensor,
    hr: Tensor,
    settings: Srgan,
    runtime: Runtime,
    seed: int,
) -> Phase:
    """The adversarial phase without its adversarial term: nothing of a discriminator is computed.

    Crops and windows are those of SRGAN, unless label noise or a history draw from the same stream.

    Args:
        generator: trained in place.
        perceptual: of (sr, hr); None where its weight is 0.
        lr, hr: as of `Crops`.
        settings: `params.srgan`.
        runtime: device and precision.
        seed: of crops and windows.
    """
    phase, random = settings.adversarial, runtime.generator(seed)
    crops = crops_of(lr, hr, settings, random, runtime)
    optimizer = _adam(generator, phase.learning_rate)
    weights, clip = loss_weights(settings) | {"adversarial": 0.0}, settings.gradient_clip
    loss_g = _generator_loss(settings, perceptual, weights, generator.scale)

    def step(lr: Tensor, hr: Tensor) -> dict[str, Tensor]:
        return unopposed_step(generator, optimizer, random, lr, hr, loss_g, clip, runtime)

    alone = _of_a_generator("perceptual", generator, optimizer, phase, crops, step, settings.ema)
    return replace(alone, constants=_unused(weights))
