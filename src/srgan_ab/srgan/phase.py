"""A phase of a training: it runs epoch by epoch, and can go on where it was stopped."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from srgan_ab.accelerate.averaging import average
from srgan_ab.common.bars import bar
from srgan_ab.common.errors import UserError
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.generator import Generator

Schedule = lr_scheduler.LRScheduler


class Diverged(UserError):
    """A value of a training is no longer a finite number."""


@dataclass
class WarmUp:
    """Updates before the first epoch, of what is trained ahead of a generator that stands still.

    It draws from a stream of its own, so that the epochs are as they were without it.

    Attributes:
        updates: until it is done.
        crops: the batches.
        step: one update.
        done: updates done.
    """

    updates: int
    crops: Crops
    step: Callable[[Tensor, Tensor], object]
    done: int = 0

    def run(self, name: str, after_update: Callable[[], None]) -> None:
        """Run, or finish, all updates; their values are not kept.

        Args:
            name: of the progress bar.
            after_update: called after each update, when the state is whole.
        """
        with bar(total=self.updates, initial=self.done, label=name, unit="update") as progress:
            while self.done < self.updates:
                self.step(*self.crops.next())
                self.done += 1
                after_update()
                progress.update()

    def state_dict(self) -> dict:
        """Everything that the next update depends on, beside the networks."""
        return {"crops": self.crops.state_dict(), "done": self.done}

    def load_state_dict(self, state: dict) -> None:
        """Stand where `state_dict` was taken."""
        self.crops.load_state_dict(state["crops"])
        self.done = state["done"]


class Watched:
    """Values of the updates of an epoch, one tensor for each name.

    A tensor for each update would lie between those that updates make and free, so that the C
    library could not take that memory again: 0.7 MB more with every update.

    Args:
        values: of the updates so far, by name.
    """

    def __init__(self, values: dict[str, Tensor] | None = None):
        self._values = values or {}
        self._count = len(next(iter(self._values.values()))) if self._values else 0

    def __len__(self) -> int:
        return self._count

    def add(self, row: dict[str, Tensor]) -> None:
        """Those of one more update."""
        for name, value in row.items():
            kept = self._values.get(name)
            if kept is None or len(kept) == self._count:  # room for as many again
                more = value.new_empty(max(1024, self._count))
                self._values[name] = more if kept is None else torch.cat([kept, more])
            self._values[name][self._count] = value.detach()
        self._count += 1

    def so_far(self) -> dict[str, Tensor]:
        """(updates,) by name."""
        return {name: values[: self._count].clone() for name, values in self._values.items()}


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
        warm_up: what comes before the first epoch, if anything.
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
    warm_up: WarmUp | None = None
    epoch: int = 0
    watched: Watched = field(default_factory=Watched)

    def update(self) -> None:
        """One update of all that is trained; nothing in it waits for the device."""
        self.watched.add(self.step(*self.crops.next()))
        first = self.epoch == 0 and len(self.watched) == 1
        average(self.averaged, self.modules["generator"], 0.0 if first else self.ema)
        for schedule in self.schedules:
            if not isinstance(schedule, lr_scheduler.ReduceLROnPlateau):
                schedule.step()

    def run_warm_up(self, after_update: Callable[[], None]) -> None:
        """Run, or finish, what comes before the first epoch.

        Args:
            after_update: called after each update, when the state is whole.
        """
        if self.warm_up is not None and self.warm_up.done < self.warm_up.updates:
            for name, module in self.modules.items():
                module.train(name != "generator")  # its BatchNorm stands still too
            self.warm_up.run(f"{self.name} warm-up", after_update)

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
        label, updates = f"{self.name}, epoch {self.epoch + 1} of {self.epochs}", len(self.crops)
        done = self.epoch * updates + len(self.watched)
        with bar(total=self.epochs * updates, initial=done, label=label, unit="update") as progress:
            while len(self.watched) < len(self.crops):
                self.update()
                after_update()
                progress.update()
        means = self.means()
        self.epoch, self.watched = self.epoch + 1, Watched()
        return {"epoch": self.epoch, **means, **self.constants}

    def means(self) -> dict[str, float]:
        """Mean values of the epoch under way; the one place that waits for the device.

        Raises:
            Diverged: a value is not a finite number.
        """
        values = self.watched.so_far()
        for name, of_updates in values.items():
            broken = (~of_updates.isfinite()).nonzero()
            if len(broken):
                raise Diverged(
                    f"{name} became infinite or NaN at update {int(broken[0]) + 1} of epoch "
                    f"{self.epoch + 1} of {self.name}: lower its learning rate under srgan, or the "
                    "weight of that term, or set srgan.gradient_clip; the training then starts anew"
                )
        return {name: of_updates.mean().item() for name, of_updates in values.items()}

    def kept(self) -> dict[str, nn.Module]:
        """Its networks that are kept of the best epoch."""
        networks = {name: net for name, net in self.modules.items() if name != "history"}
        return {"averaged": self.averaged} | networks

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
            "warm_up": None if self.warm_up is None else self.warm_up.state_dict(),
            "epoch": self.epoch,
            "watched": self.watched.so_far(),
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
        if self.warm_up is not None:
            self.warm_up.load_state_dict(state["warm_up"])
        device, self.epoch = self.crops.device, state["epoch"]
        self.watched = Watched({name: v.to(device) for name, v in state["watched"].items()})
