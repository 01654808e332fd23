"""One training of SRResNet and SRGAN on given images: both phases, watched, chosen, resumable."""

import copy
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.common.balance import LAST, state_of
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.files import atomic_file
from srgan_ab.common.initial import Initial
from srgan_ab.common.packs import Pack
from srgan_ab.common.runtime import Network, Runtime
from srgan_ab.common.schema import Srgan
from srgan_ab.common.seeds import seed_for
from srgan_ab.common.weights import load_weights
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.judging import accuracy, even_sample
from srgan_ab.srgan.phases import Phase, adversarial, crops_of, pretraining
from srgan_ab.srgan.upscaling import upscale

Quality = dict[str, float | None]
Measure = Callable[[np.ndarray, np.ndarray], Quality]
Distance = Callable[[Tensor, Tensor], Tensor]
Samples = dict[str, tuple[Tensor, Tensor]]  # split to lr and hr, of which crops are judged
SHOWN = 6  # validation images in the snapshots
REMEDIES = {  # of a discriminator that does not play
    "won": "it has won, and its gradient says little: lower its learning rate or raise "
    "srgan.adversarial.label_smoothing",
    "lost": "it has lost, and its gradient is noise: raise srgan.adversarial.warm_up or "
    "discriminator_learning_rate, lower srgan.adversarial.learning_rate or weight, or set "
    "srgan.discriminator.normalization to none",
}


@dataclass
class Progress:
    """What a training has come to, apart from the networks; plain values, so that it can be kept.

    Attributes:
        srresnet, srgan: rows of the two histories.
        srresnet_state: the pre-trained generator, once it is.
        pictures: snapshot name to (n, H, W, 3) uint8.
        chosen: epoch of the kept networks, 0 = none yet.
        chosen_states: their weights: `averaged`, the generator that is kept, `generator`, from
            which it was averaged, and `discriminator`.
    """

    srresnet: list[dict] = field(default_factory=list)
    srgan: list[dict] = field(default_factory=list)
    srresnet_state: dict | None = None
    pictures: dict[str, torch.Tensor] = field(default_factory=dict)
    chosen: int = 0
    chosen_states: dict[str, dict] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """What a training has come to; all of SRGAN is of the chosen epoch.

    Attributes:
        srresnet, srgan: the generators that are kept, averaged and in evaluation mode.
        without_ema: what `srgan` is the average of, in evaluation mode.
        discriminator: their opponent.
        progress: histories and pictures.
    """

    srresnet: Generator
    srgan: Generator
    without_ema: Generator
    discriminator: Discriminator
    progress: Progress

    @property
    def chosen(self) -> dict:
        """The row of SRGAN's history."""
        return self.progress.srgan[self.progress.chosen - 1]


def on_device(images: np.ndarray | Tensor, runtime: Runtime) -> Tensor:
    """uint8 images, on a GPU all of them at once: 25,000 of 128 pixels are 1.2 GB."""
    return torch.as_tensor(np.asarray(images)).to(runtime.device)


def enlarge(generator: Generator, pack: Pack, runtime: Runtime) -> np.ndarray:
    """All LR images of a pack: (N, H, W, 3) uint8, in memory."""
    sr = np.empty_like(pack.hr)
    upscale(generator, pack.lr, sr, runtime)
    return sr


def shown(val: Pack) -> np.ndarray:
    """Rows of the validation images in the snapshots."""
    return np.linspace(0, len(val) - 1, min(SHOWN, len(val))).astype(int)


def prefixed(prefix: str, values: dict) -> dict:
    """The same values under `<prefix>_<key>`."""
    return {f"{prefix}_{key}": value for key, value in values.items()}


def _error(select: str, row: dict) -> float:
    """What `srgan.select` would have small."""
    if select == "last":
        return -float(row["epoch"])
    return -row["val_psnr_rgb"] if select == "psnr" else row["val_lpips"]


def _warn_if_decided(accuracies: list[float], over: bool) -> None:
    """Say that one of the two networks has nothing to learn from the other."""
    state = state_of(accuracies)
    if state and (over or len(accuracies) >= LAST):
        recent = accuracies[-LAST:]
        tqdm.write(
            f"the discriminator has been right {min(recent):.0%} to {max(recent):.0%} of the time "
            f"for {len(recent)} epochs: {REMEDIES[state]}"
        )


def _kept(phase: Phase) -> dict[str, nn.Module]:
    """The networks of the adversarial phase that are kept of its best epoch."""
    names = ("generator", "discriminator")
    return {"averaged": phase.averaged} | {name: phase.modules[name] for name in names}


@dataclass
class Training:
    """Pre-trains SRResNet, then trains SRGAN from it; one that was stopped goes on.

    Attributes:
        settings: `params.srgan`.
        seed: of the first weights and of every draw.
        val: watched after each epoch.
        measure: image quality of (sr, hr), two uint8 arrays (N, H, W, 3).
        perceptual: of (sr, hr); None where its weight is 0.
        runtime: device and precision.
        initial: what the generator starts from; None = random weights.
        checkpoints: where this training left its state, and leaves it.
        curves: directory of the histories, written as they grow; None = nowhere.
        progress: filled as it trains.
    """

    settings: Srgan
    seed: int
    val: Pack
    measure: Measure
    perceptual: Distance | None
    runtime: Runtime
    initial: Initial | None
    checkpoints: Checkpoints
    curves: Path | None
    progress: Progress = field(default_factory=Progress)

    def fit(self, lr: Tensor, hr: Tensor, labels: np.ndarray) -> Fitted:
        """Train on images.

        Args:
            lr: (N, h, w, 3) uint8 on the device.
            hr: (N, 4h, 4w, 3) uint8 on the device.
            labels: (N,) their classes: the discriminator is judged by as many images of each.

        Raises:
            Diverged: a loss is not finite.
            UserError: the state that was left cannot be gone on from.
        """
        settings, images, state = self.settings, (lr, hr), self.checkpoints.load()
        if state is not None:
            self.progress = Progress(**{f.name: state[f.name] for f in fields(Progress)})
        progress = self.progress

        generator = self._network("generator", Generator, settings.generator.architecture())
        if self.initial is not None:
            load_weights(generator, self.initial.state, self.initial.name)
        seed = seed_for("pretraining", self.seed)
        phase = pretraining(generator, *images, settings, self.runtime, seed)
        if progress.srresnet_state is None:
            self._go_on(phase, state)
            progress.srresnet_state = self._pretrain(phase)
        srresnet = copy.deepcopy(phase.averaged)
        srresnet.load_state_dict(progress.srresnet_state)

        # the adversarial phase goes on from the averaged weights, the better of the two
        generator.load_state_dict(progress.srresnet_state)
        discriminator = self._network(
            "discriminator", Discriminator, settings.discriminator.model_dump()
        )
        seed = seed_for("adversarial", self.seed)
        phase = adversarial(
            generator, discriminator, self.perceptual, *images, settings, self.runtime, seed
        )
        self._go_on(phase, state)
        self._oppose(phase, self._samples(lr, hr, labels))

        for name, network in _kept(phase).items():
            network.load_state_dict(progress.chosen_states[name])
        for name in ("srresnet", "srgan"):  # of a training that was done, they may be gone
            self._write_history(name)
        without_ema = copy.deepcopy(generator).eval()  # a copy is not compiled
        return Fitted(srresnet, phase.averaged, without_ema, discriminator, progress)

    def _network(self, name: str, kind: Callable[..., Network], architecture: dict) -> Network:
        torch.manual_seed(seed_for(name, self.seed))
        network = accelerate(kind(**architecture), self.runtime.device)
        return self.runtime.compiled(network)

    def _keep(self, phase: Phase) -> None:
        if phase.watched:
            phase.means()  # a state that is not finite must not replace one that is
        self.checkpoints.save(
            {"name": phase.name, "phase": phase.state_dict()} | asdict(self.progress)
        )

    def _keep_if_due(self, phase: Phase) -> None:
        if self.checkpoints.due():
            self._keep(phase)

    @staticmethod
    def _go_on(phase: Phase, state: dict | None) -> None:
        """Put a phase where it was left, if it was this one."""
        if state is not None and state["name"] == phase.name:
            phase.load_state_dict(state["phase"])
            if phase.epoch < phase.epochs:
                tqdm.write(f"{phase.name} goes on in epoch {phase.epoch + 1}")

    def _write_history(self, name: str) -> None:
        if self.curves is not None:
            with atomic_file(self.curves / f"{name}.csv") as temporary:
                history = pd.DataFrame(getattr(self.progress, name))
                history.to_csv(temporary, index=False, float_format="%.6g")

    def _pretrain(self, phase: Phase) -> dict[str, Tensor]:
        rows = self.progress.srresnet

        def validate(row: dict) -> None:
            quality = self.measure(enlarge(phase.averaged, self.val, self.runtime), self.val.hr)
            rows.append(row | prefixed("val", quality))
            self._write_history("srresnet")

        if phase.epochs == 0:  # SRGAN is to start from the first weights, and SRResNet stays there
            validate({"epoch": 0, "loss": None, "gradient_norm": None})
        while phase.epoch < phase.epochs:
            validate(phase.run_epoch(lambda: self._keep_if_due(phase)))
            phase.validated(-rows[-1]["val_psnr_rgb"])
            self._keep(phase)
        return copy.deepcopy(phase.averaged.state_dict())

    def _oppose(self, phase: Phase, samples: Samples) -> None:
        progress, rows, select = self.progress, self.progress.srgan, self.settings.select

        def picture(name: str, sr: np.ndarray) -> None:
            progress.pictures[name] = torch.from_numpy(sr[shown(self.val)])

        if phase.epoch == 0 and not progress.pictures:
            picture("SRResNet", enlarge(phase.averaged, self.val, self.runtime))
        phase.run_warm_up(lambda: self._keep_if_due(phase))
        while phase.epoch < phase.epochs:
            row = phase.run_epoch(lambda: self._keep_if_due(phase))
            sr = enlarge(phase.averaged, self.val, self.runtime)
            row |= prefixed("d_accuracy", self._accuracies(phase, samples))
            rows.append(row | prefixed("val", self.measure(sr, self.val.hr)))
            self._write_history("srgan")
            over = phase.epoch == phase.epochs
            _warn_if_decided([row["d_accuracy"] for row in rows], over)
            errors = [_error(select, row) for row in rows]
            if errors[-1] < min(errors[:-1], default=math.inf):
                progress.chosen = phase.epoch
                progress.chosen_states = copy.deepcopy(
                    {name: network.state_dict() for name, network in _kept(phase).items()}
                )
            if phase.epoch in self.settings.snapshots:
                picture(f"epoch {phase.epoch}", sr)
            phase.validated(errors[-1])
            self._keep(phase)

    def _samples(self, lr: Tensor, hr: Tensor, labels: np.ndarray) -> Samples:
        """Images of either split, lr and hr, by which the discriminator is judged."""
        train, val = even_sample(labels), even_sample(self.val.labels)
        return {
            "train": (lr[train], hr[train]),
            "val": (
                on_device(self.val.lr[val], self.runtime),
                on_device(self.val.hr[val], self.runtime),
            ),
        }

    def _accuracies(self, phase: Phase, samples: Samples) -> dict[str, float]:
        """Of the discriminator, on crops that are the same after every epoch."""
        networks = phase.modules["generator"], phase.modules["discriminator"]
        kind, seed = self.settings.adversarial.loss, seed_for("judged", self.seed)

        def crops(images: tuple[Tensor, Tensor]) -> Crops:
            return crops_of(*images, self.settings, self.runtime.generator(seed))

        return {
            name: accuracy(*networks, kind, crops(images), self.runtime)
            for name, images in samples.items()
        }
