"""One training of generators on given images: watched, chosen, resumable."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.files import atomic_file
from srgan_ab.common.initial import Initial
from srgan_ab.common.packs import Pack
from srgan_ab.common.runtime import Network, Runtime
from srgan_ab.common.schema import Srgan
from srgan_ab.common.seeds import seed_for
from srgan_ab.common.weights import load_weights, read_weights
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.judging import (
    accuracy,
    judged_images,
    refuse_far_below_bicubic,
    warn_if_decided,
)
from srgan_ab.srgan.phase import Phase
from srgan_ab.srgan.phases import adversarial, crops_of, pretraining, unopposed
from srgan_ab.srgan.progress import (
    Distance,
    Enlarged,
    Fitted,
    FittedSrgan,
    Measure,
    Progress,
    Rows,
    Watch,
    prefixed,
    shown,
)
from srgan_ab.srgan.task import TaskLoss


def _error(select: str, row: dict) -> float:
    """What `srgan.select` would have small."""
    if select == "last":
        return -float(row["epoch"])
    return -row["val_psnr_rgb"] if select == "psnr" else row["val_lpips"]


@dataclass
class Training:
    """Trains SRResNet and SRGAN, or a generator from SRResNet; one that was stopped goes on.

    Attributes:
        settings: `params.srgan`.
        seed: of the first weights and of every draw.
        val: watched after each epoch.
        measure: image quality of (sr, hr), (N, H, W, 3) uint8, read batch by batch; all processes
            take part.
        perceptual: of (sr, hr); None where its weight is 0.
        runtime: device and precision.
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
    checkpoints: Checkpoints
    curves: Path | None
    progress: Progress = field(default_factory=Progress)

    def fit(
        self, lr: Tensor, hr: Tensor, labels: np.ndarray, initial: Initial | None = None
    ) -> FittedSrgan:
        """Pre-train SRResNet on images, then train SRGAN from it.

        Args:
            lr, hr: as of `Crops`.
            labels: (N,) their classes: the discriminator is judged by as many images of each.
            initial: what the generator starts from; None = random weights.

        Raises:
            Diverged: a loss is not finite.
            UserError: the state that was left cannot be gone on from.
        """
        settings, images, state = self.settings, (lr, hr), self._left()
        progress = self.progress

        generator = self._generator()
        if initial is not None:
            load_weights(generator, initial.state, initial.name)
        seed = seed_for("pretraining", self.seed)
        phase = pretraining(generator, *images, settings, self.runtime, seed)
        if progress.srresnet_state is None:
            self._go_on(phase, state)
            progress.srresnet_state = self._pretrain(phase)
        self._write_history(phase)  # of a training that was done, it may be gone
        srresnet = copy.deepcopy(phase.averaged)
        srresnet.load_state_dict(progress.srresnet_state)

        # the adversarial phase goes on from the averaged weights, the better of the two
        generator.load_state_dict(progress.srresnet_state)
        discriminator = self._discriminator()
        phase = self._adversarial((generator, discriminator), lr, hr, None)
        self._go_on(phase, state)
        if not progress.pictures:
            self._picture("SRResNet", Enlarged(phase.averaged, self.val, self.runtime))
        fitted = self._choose(phase, generator, self._opposed(phase, lr, hr, labels))
        return FittedSrgan(
            **vars(fitted),
            discriminator=discriminator,
            srresnet=srresnet,
            srresnet_history=progress.history("srresnet"),
            pictures=progress.pictures,
        )

    def fit_unopposed(self, srresnet: Path, lr: Tensor, hr: Tensor) -> Fitted:
        """Train a generator from SRResNet as SRGAN is trained, without a discriminator.

        Args:
            srresnet: its weights.
            lr, hr: as of `Crops`.

        Raises:
            Diverged: a loss is not finite.
            UserError: the weights are missing or do not fit, or the state that was left cannot be
                gone on from.
        """
        state, generator = self._left(), self._from(srresnet)
        how = self.settings, self.runtime, seed_for("adversarial", self.seed)
        phase = unopposed(generator, self.perceptual, lr, hr, *how)
        self._go_on(phase, state)
        return self._choose(phase, generator, lambda row, sr: {})

    def fit_task(
        self, srresnet: Path, lr: Tensor, hr: Tensor, labels: np.ndarray, task: TaskLoss
    ) -> Fitted:
        """Train a generator from SRResNet as SRGAN is trained, with one more term of its loss.

        Args:
            srresnet, lr, hr, labels: as of `fit_unopposed` and `fit`.
            task: the term.

        Raises:
            Diverged, UserError: as of `fit_unopposed`.
        """
        state, generator = self._left(), self._from(srresnet)
        phase = self._adversarial((generator, self._discriminator()), lr, hr, task)
        self._go_on(phase, state)
        return self._choose(phase, generator, self._opposed(phase, lr, hr, labels))

    def _generator(self) -> Generator:
        architecture = self.settings.generator.architecture(self.val.scale)
        return self._network("generator", Generator, architecture)

    def _from(self, srresnet: Path) -> Generator:
        generator = self._generator()
        load_weights(generator, read_weights(srresnet)[0], str(srresnet))
        return generator

    def _discriminator(self) -> Discriminator:
        architecture = self.settings.discriminator.model_dump()
        return self._network("discriminator", Discriminator, architecture)

    def _adversarial(
        self, nets: tuple[Generator, Discriminator], lr: Tensor, hr: Tensor, task: TaskLoss | None
    ) -> Phase:
        how = self.settings, self.runtime, seed_for("adversarial", self.seed), task
        return adversarial(*nets, self.perceptual, lr, hr, *how)

    def _network(self, name: str, kind: Callable[..., Network], architecture: dict) -> Network:
        torch.manual_seed(seed_for(name, self.seed))
        network = accelerate(kind(**architecture), self.runtime.device)
        return self.runtime.compiled(network)

    def _left(self) -> dict | None:
        """The state that was left, if any; its progress is this training's now."""
        state = self.checkpoints.load()
        if state is not None:
            self.progress = Progress(**{f.name: state[f.name] for f in fields(Progress)})
        return state

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

    def _write_history(self, phase: Phase) -> None:
        if self.curves is not None:
            with atomic_file(self.curves / f"{phase.name}.csv") as temporary:
                history = pd.DataFrame(self.progress.history(phase.name))
                history.to_csv(temporary, index=False, float_format="%.6g")

    def _pretrain(self, phase: Phase) -> dict[str, Tensor]:
        rows = self.progress.history(phase.name)

        def validate(row: dict) -> None:
            rows.append(self._judged(phase, row, lambda row, sr: {}))
            self._write_history(phase)

        if phase.epochs == 0:  # SRGAN is to start from the first weights, and SRResNet stays there
            validate({"epoch": 0, "loss": None, "gradient_norm": None})
        while phase.epoch < phase.epochs:
            validate(phase.run_epoch(lambda: self._keep_if_due(phase)))
            phase.validated(-rows[-1]["val_psnr_rgb"])
            self._keep(phase)
        if phase.epochs:
            psnr = rows[-1]["val_psnr_rgb"]
            refuse_far_below_bicubic(psnr, self.val, self.measure)
        return copy.deepcopy(phase.averaged.state_dict())

    def _choose(self, phase: Phase, generator: Generator, watch: Watch) -> Fitted:
        """Run a phase to its end, and put its networks where `srgan.select` would have them."""
        progress, select = self.progress, self.settings.select
        rows = progress.history(phase.name)
        phase.run_warm_up(lambda: self._keep_if_due(phase))
        while phase.epoch < phase.epochs:
            row = phase.run_epoch(lambda: self._keep_if_due(phase))
            rows.append(self._judged(phase, row, watch))
            self._write_history(phase)
            errors = [_error(select, row) for row in rows]
            if errors[-1] < min(errors[:-1], default=math.inf):
                progress.chosen = phase.epoch
                progress.chosen_states = copy.deepcopy(
                    {name: network.state_dict() for name, network in phase.kept().items()}
                )
            phase.validated(errors[-1])
            self._keep(phase)
        self._write_history(phase)  # of a training that was done, it may be gone
        for name, network in phase.kept().items():
            network.load_state_dict(progress.chosen_states[name])
        without_ema = copy.deepcopy(generator).eval()  # a copy is not compiled
        return Fitted(phase.averaged, without_ema, rows, progress.chosen)

    def _judged(self, phase: Phase, row: dict, watch: Watch) -> dict:
        """An epoch's row, with what is seen on validation images."""
        sr = Enlarged(phase.averaged, self.val, self.runtime)
        watched = self.runtime.processes.by_first(lambda: watch(row, sr))
        return row | watched | prefixed("val", self.measure(sr, self.val.hr))

    def _picture(self, name: str, sr: Rows) -> None:
        """Keep what the snapshots show of all validation images."""
        self.progress.pictures[name] = torch.from_numpy(sr[shown(self.val)])

    def _opposed(self, phase: Phase, lr: Tensor, hr: Tensor, labels: np.ndarray) -> Watch:
        """How the adversarial phase is watched: by snapshots, and by its discriminator."""
        rows = self.progress.history(phase.name)
        judged = judged_images(lr, hr, labels, self.val, self.runtime)

        def watch(row: dict, sr: Rows) -> dict:
            accuracies = [row["d_accuracy"] for row in (*rows, row)]
            warn_if_decided(accuracies, over=phase.epoch == phase.epochs)
            if phase.epoch in self.settings.snapshots:
                self._picture(f"epoch {phase.epoch}", sr)
            return prefixed("d_accuracy", self._accuracies(phase, judged))

        return watch

    def _accuracies(self, phase: Phase, samples: Mapping) -> dict[str, float]:
        """Of the discriminator, on crops that are the same after every epoch."""
        networks = phase.modules["generator"], phase.modules["discriminator"]
        kind, seed = self.settings.adversarial.loss, seed_for("judged", self.seed)
        alone = self.runtime.alone()

        def crops(images: tuple[Tensor, Tensor]) -> Crops:
            return crops_of(*images, self.settings, alone.generator(seed), alone)

        return {
            name: accuracy(*networks, kind, crops(images), alone)
            for name, images in samples.items()
        }
