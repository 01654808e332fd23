"""SRResNet pre-training and the adversarial phase: a phase runs epoch by epoch, and can go on."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler
from tqdm import tqdm

from srgan_ab.accelerate.averaging import average
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Srgan
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.degradation import Degradation
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.history import History
from srgan_ab.srgan.losses import PIXEL_LOSSES, discriminator_loss_floor
from srgan_ab.srgan.steps import (
    GRID,
    Adversaries,
    DiscriminatorLoss,
    GeneratorLoss,
    adversarial_step,
    pretrain_step,
    warm_up_step,
)

PATIENCE = 5  # epochs without a better validation before `schedule: plateau` halves the rate

Schedule = lr_scheduler.LRScheduler


class Diverged(UserError):
    """A value of a training is no longer a finite number."""


@dataclass
class Phase:
    """A training that can stop after any update: its state is all that its future depends on.

    Attributes:
        name: of the progress bar.
        epochs: until it is done.
        crops: the batches.
        step: one update: (lr, hr) to named values on the device.
        modules: by name, `generator` first; all have a state, those with parameters are trained.
        averaged: moving average of the generator, in evaluation mode.
        ema: its decay.
        optimizers, schedules: one of each per trained network.
        constants: values that are the same in every epoch's row.
        prepare: an update before the first epoch, of what is trained ahead of the rest,
        warm_up: and how many of them.
        warmed_up: such updates done.
        epoch: epochs done.
        watched: values of the updates of the epoch under way.
    """

    name: str
    epochs: int
    crops: Crops
    step: Callable[[Tensor, Tensor], dict[str, Tensor]]
    modules: dict[str, nn.Module]
    averaged: Generator
    ema: float
    optimizers: list[torch.optim.Optimizer]
    schedules: list[Schedule]
    constants: dict[str, float] = field(default_factory=dict)
    prepare: Callable[[Tensor, Tensor], object] | None = None
    warm_up: int = 0
    warmed_up: int = 0
    epoch: int = 0
    watched: list[dict[str, Tensor]] = field(default_factory=list)

    def update(self) -> None:
        """One update of all that is trained; nothing in it waits for the device."""
        self.watched.append(self.step(*self.crops.next()))
        first = self.epoch == 0 and len(self.watched) == 1
        average(self.averaged, self.modules["generator"], 0.0 if first else self.ema)
        for schedule in self.schedules:
            if not isinstance(schedule, lr_scheduler.ReduceLROnPlateau):
                schedule.step()

    def run_warm_up(self, after_update: Callable[[], None]) -> None:
        """Run, or finish, the updates before the first epoch; their values are not kept.

        Args:
            after_update: called after each update, when the state is whole.
        """
        if self.prepare is None or self.warmed_up >= self.warm_up:
            return
        for module in self.modules.values():
            module.train()
        label = f"{self.name} warm-up"
        with tqdm(
            total=self.warm_up, initial=self.warmed_up, desc=label, unit="update"
        ) as progress:
            while self.warmed_up < self.warm_up:
                self.prepare(*self.crops.next())
                self.warmed_up += 1
                after_update()
                progress.update()

    def run_epoch(self, after_update: Callable[[], None]) -> dict[str, float]:
        """Run, or finish, one epoch.

        Args:
            after_update: called after each update, when the state is whole.

        Returns:
            The epoch's number, and its mean values.

        Raises:
            Diverged: a value is not a finite number.
        """
        for module in self.modules.values():
            module.train()
        label = f"{self.name} {self.epoch + 1}/{self.epochs}"
        with tqdm(
            total=len(self.crops), initial=len(self.watched), desc=label, unit="update"
        ) as progress:
            while len(self.watched) < len(self.crops):
                self.update()
                after_update()
                progress.update()
        means = self.means()
        self.epoch, self.watched = self.epoch + 1, []
        return {"epoch": self.epoch, **means, **self.constants}

    def means(self) -> dict[str, float]:
        """Mean values of the epoch under way; the one place that waits for the device.

        Raises:
            Diverged: a value is not a finite number.
        """
        values = {k: torch.stack([row[k] for row in self.watched]) for k in self.watched[0]}
        for name, of_updates in values.items():
            broken = (~of_updates.isfinite()).nonzero()
            if len(broken):
                raise Diverged(
                    f"{name} became infinite or NaN at update {int(broken[0]) + 1} of epoch "
                    f"{self.epoch + 1} of {self.name}: lower its learning rate under srgan, or the "
                    "weight of that term, or set srgan.gradient_clip; the training then starts anew"
                )
        return {name: of_updates.mean().item() for name, of_updates in values.items()}

    def validated(self, error: float) -> None:
        """Tell `schedule: plateau` how the epoch went: the less, the better."""
        for schedule in self.schedules:
            if isinstance(schedule, lr_scheduler.ReduceLROnPlateau):
                schedule.step(error)

    def state_dict(self) -> dict:
        """Everything that the next update depends on, and the values of the epoch under way."""
        return {
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "averaged": self.averaged.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "crops": self.crops.state_dict(),
            "warmed_up": self.warmed_up,
            "epoch": self.epoch,
            "watched": self.watched,
        }

    def load_state_dict(self, state: dict) -> None:
        """Stand where `state_dict` was taken."""
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        self.averaged.load_state_dict(state["averaged"])
        for kind in ("optimizers", "schedules"):
            for ours, theirs in zip(getattr(self, kind), state[kind], strict=True):
                ours.load_state_dict(theirs)
        self.crops.load_state_dict(state["crops"])
        device = self.crops.lr.device
        self.warmed_up, self.epoch = state["warmed_up"], state["epoch"]
        self.watched = [{k: v.to(device) for k, v in row.items()} for row in state["watched"]]


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


def crops_of(lr: Tensor, hr: Tensor, settings: Srgan, random: torch.Generator) -> Crops:
    """Batches of images, cut and made rougher as `params.srgan` says."""
    how = (settings.crop, settings.batch_size, settings.flip, settings.turn, random)
    rougher = settings.degradation
    degrade = Degradation(rougher, settings.crop, lr.device) if rougher.probability else None
    return Crops(lr, hr, *how, degrade)


def loss_weights(settings: Srgan) -> dict[str, float]:
    """Of the generator's terms in the adversarial phase, from `params.srgan`."""
    return {
        "pixel": settings.pixel.weight,
        "perceptual": settings.perceptual.weight,
        "adversarial": settings.adversarial.weight,
        "total_variation": settings.total_variation,
    }


def pretraining(
    generator: Generator, lr: Tensor, hr: Tensor, settings: Srgan, runtime: Runtime, seed: int
) -> Phase:
    """SRResNet: the generator on a pixel loss.

    Args:
        generator: trained in place.
        lr: (N, h, w, 3) uint8 on the device.
        hr: (N, 4h, 4w, 3) uint8 on the device.
        settings: `params.srgan`.
        runtime: device and precision.
        seed: of the crops.
    """
    phase = settings.pretraining
    crops = crops_of(lr, hr, settings, runtime.generator(seed))
    optimizer = _adam(generator, phase.learning_rate)
    pixel_loss, clip = PIXEL_LOSSES[phase.loss], settings.gradient_clip

    def step(lr: Tensor, hr: Tensor) -> dict[str, Tensor]:
        return pretrain_step(generator, optimizer, lr, hr, pixel_loss, clip, runtime)

    return Phase(
        name="srresnet",
        epochs=phase.epochs,
        crops=crops,
        step=step,
        modules={"generator": generator},
        averaged=copy.deepcopy(generator).eval(),
        ema=settings.ema,
        optimizers=[optimizer],
        schedules=[_schedule(optimizer, phase.schedule, phase.epochs, len(crops))],
    )


def adversarial(
    generator: Generator,
    discriminator: Discriminator,
    perceptual: Callable[[Tensor, Tensor], Tensor] | None,
    lr: Tensor,
    hr: Tensor,
    settings: Srgan,
    runtime: Runtime,
    seed: int,
) -> Phase:
    """SRGAN: the generator against the discriminator, from wherever both start.

    Args:
        generator, discriminator: trained in place.
        perceptual: of (sr, hr); None where its weight is 0.
        lr: (N, h, w, 3) uint8 on the device.
        hr: (N, 4h, 4w, 3) uint8 on the device.
        settings: `params.srgan`.
        runtime: device and precision.
        seed: of crops, label noise and history.
    """
    phase, random = settings.adversarial, runtime.generator(seed)
    crops = crops_of(lr, hr, settings, random)
    history = None
    if phase.history:
        side = settings.crop - GRID
        history = History(phase.history, (3, side, side)).to(runtime.device)
    nets = Adversaries(
        generator,
        discriminator,
        _adam(generator, phase.learning_rate),
        _adam(discriminator, phase.discriminator_learning_rate or phase.learning_rate),
        history,
        random,
    )
    weights = loss_weights(settings)
    loss_g = GeneratorLoss(PIXEL_LOSSES[settings.pixel.loss], perceptual, phase.loss, weights)
    loss_d = DiscriminatorLoss(
        phase.loss, phase.label_smoothing, phase.label_noise, phase.r1, phase.r2
    )

    def step(lr: Tensor, hr: Tensor) -> dict[str, Tensor]:
        return adversarial_step(nets, lr, hr, loss_g, loss_d, settings.gradient_clip, runtime)

    def prepare(lr: Tensor, hr: Tensor) -> dict[str, Tensor]:
        return warm_up_step(nets, lr, hr, loss_d, settings.gradient_clip, runtime)

    optimizers = [nets.optimizer_g, nets.optimizer_d]
    modules: dict[str, nn.Module] = {"generator": generator, "discriminator": discriminator}
    if history is not None:
        modules["history"] = history
    floor = discriminator_loss_floor(phase.loss, phase.label_smoothing, phase.label_noise)
    return Phase(
        name="srgan",
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
        constants={
            "loss_d_floor": floor,
            **{f"loss_{name}": 0.0 for name, weight in weights.items() if weight == 0},
        },
        prepare=prepare,
        warm_up=phase.warm_up,
    )
