"""The trainings of a stage: one on all training images, and with folds one more without each.

With `srgan.folds` above 1, every training image can be enlarged by a generator that never saw it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.common import paths
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.packs import open_packs
from srgan_ab.common.runtime import Runtime, prepare
from srgan_ab.common.schema import Params, Srgan
from srgan_ab.srgan.folds import assign_folds, rows_without
from srgan_ab.srgan.perceptual import PerceptualLoss
from srgan_ab.srgan.phase import Diverged
from srgan_ab.srgan.progress import Distance, Fitted, Measure, Quality, Rows, at_hand
from srgan_ab.srgan.training import Training

AnyFitted = TypeVar("AnyFitted", bound=Fitted)
Images = tuple[Tensor, Tensor, np.ndarray]  # lr, hr and labels, as `Training.fit` takes them
# one training: how, on what, and without which fold
Fit = Callable[[Training, Images, int | None], AnyFitted]


@dataclass(frozen=True)
class Trained(Generic[AnyFitted]):
    """What came of the training on all images, and of those without each fold, if any."""

    whole: AnyFitted
    without: list[AnyFitted]


@dataclass
class Trainings:
    """What all trainings of a stage share.

    Attributes:
        settings: `params.srgan`.
        seed: of every draw.
        runtime: device and precision.
        measure: image quality of (sr, hr), (N, H, W, 3) uint8, read batch by batch; all processes
            take part.
        lpips: for `perceptual.network: lpips`; None where there are no weights.
        checkpoints: where a training that was stopped left its state, and leaves it.

    Raises:
        UserError: weights that the settings ask for are not there, or the images cannot be cut into
            so many folds.
    """

    settings: Srgan
    seed: int
    runtime: Runtime
    measure: Measure
    lpips: Distance | None
    checkpoints: Checkpoints

    def __post_init__(self):
        settings = self.settings
        self.pack, self.val = open_packs("train", "val")
        self.folds: pd.DataFrame | None = None
        if settings.folds > 1:
            self.folds = assign_folds(self.pack, settings.folds, self.seed)
        if settings.select == "lpips" and self.lpips is None:
            raise UserError("srgan.select is lpips, which needs pretrained.lpips: set it, or psnr")
        self.perceptual = _perceptual(settings, self.lpips, self.runtime)

    def run(self, fit: Fit[AnyFitted], curves: Path) -> Trained[AnyFitted]:
        """Train on all images, then without each fold.

        Args:
            fit: one training.
            curves: directory of the histories of the first.

        Raises:
            Diverged: a loss is not finite.
        """
        if isinstance(self.perceptual, nn.Module):
            self.runtime.compiled(self.perceptual)
        # trainings without a fold have a copy of their images beside these
        lr, hr = at_hand(self.pack, self.runtime, copies=1 if self.folds is None else 2)
        labels = self.pack.labels

        def fit_without(folds: pd.DataFrame, fold: int) -> AnyFitted:
            tqdm.write(f"without fold {fold} (of {self.settings.folds}, from 0)")
            rows = rows_without(folds, fold, self.seed)
            training = self._training(self.checkpoints.part(f"without_fold_{fold}"), None)
            # copies of the images; the same first weights and draws: only the images differ
            return fit(training, (lr[rows], hr[rows], labels[rows]), fold)

        try:
            whole = fit(self._training(self.checkpoints, curves), (lr, hr, labels), None)
            each = range(self.settings.folds)
            without = [] if self.folds is None else [fit_without(self.folds, n) for n in each]
        except Diverged:
            self.checkpoints.discard()  # with the same params it would end so again
            raise
        return Trained(whole, without)

    def _training(self, checkpoints: Checkpoints, curves: Path | None) -> Training:
        return Training(
            self.settings,
            self.seed,
            self.val,
            self.measure,
            self.perceptual,
            self.runtime,
            checkpoints,
            curves,
        )


def prepare_trainings(
    params: Params,
    directory: Path,
    load_lpips: Callable[[Path, torch.device], Distance | None],
    measure: Callable[..., Quality],
) -> Trainings:
    """What the params ask for, on the device that they name.

    Args:
        params: of a stage that trains generators.
        directory: where a training that is stopped leaves its state.
        load_lpips, measure: of `quality.image_quality`.

    Raises:
        UserError: as `Trainings`, or the device is not there, or processes cannot share batches.
    """
    seed = params.seed if params.srgan.seed is None else params.srgan.seed
    runtime = prepare(params.runtime, seed, together=True)
    _check_shared(params.srgan, runtime)
    lpips = load_lpips(paths.pretrained("lpips"), runtime.device)

    def measure_shared(sr: Rows, hr: np.ndarray) -> Quality:
        how = lpips, runtime.device, params.images.scale
        return measure(sr, hr, *how, processes=runtime.processes)

    return Trainings(
        params.srgan,
        seed,
        runtime,
        measure=measure_shared,
        lpips=lpips,
        checkpoints=Checkpoints(directory, runtime),
    )


def _check_shared(settings: Srgan, runtime: Runtime) -> None:
    """Refuse what several processes cannot train together."""
    runtime.processes.check(settings.batch_size, "srgan.batch_size")
    normalization = settings.generator.normalization, settings.discriminator.normalization
    if runtime.processes.size > 1 and runtime.compile and "batch" in normalization:
        raise UserError(
            "runtime.compile does not know BatchNorm that several processes share: set it to null, "
            "or srgan.generator.normalization and srgan.discriminator.normalization to none"
        )


def _perceptual(settings: Srgan, lpips: Distance | None, runtime: Runtime) -> Distance | None:
    if settings.perceptual.weight == 0:
        return None
    if settings.perceptual.network == "lpips":
        if lpips is None:
            raise UserError("srgan.perceptual.network is lpips, which needs pretrained.lpips")
        return lpips
    weights = paths.pretrained("perceptual") / "weights.safetensors"
    if not weights.exists():
        raise UserError(
            "srgan.perceptual.weight is above 0, but there are no weights of its network: set "
            "pretrained.perceptual, or the weight to 0"
        )
    loss = PerceptualLoss(settings.perceptual.network, settings.perceptual.layer, weights)
    return accelerate(loss, runtime.device)
