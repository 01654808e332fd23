"""One training of SRResNet and SRGAN on given images: both phases, watched, chosen, resumable."""

import copy
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file
from srgan_ab.common.packs import Pack
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.crops import as_float
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.steps import held_out_accuracy
from srgan_ab.srgan.training import Phase, adversarial, pretraining
from srgan_ab.srgan.upscaling import upscale

Quality = dict[str, float | None]
Measure = Callable[[np.ndarray, np.ndarray], Quality]
Distance = Callable[[Tensor, Tensor], Tensor]
SHOWN = 6  # validation images in the snapshots
WON = (0.99, 5)  # discriminator accuracy above this for so many epochs: it has won


@dataclass
class Progress:
    """What a training has come to, apart from the networks; plain values, so that it can be kept.

    Attributes:
        srresnet, srgan: rows of the two histories.
        srresnet_state: the pre-trained generator, once it is.
        pictures: snapshot name to (n, H, W, 3) uint8.
        chosen: epoch of the kept generator, 0 = none yet.
        chosen_state: its weights.
    """

    srresnet: list[dict] = field(default_factory=list)
    srgan: list[dict] = field(default_factory=list)
    srresnet_state: dict | None = None
    pictures: dict[str, torch.Tensor] = field(default_factory=dict)
    chosen: int = 0
    chosen_state: dict | None = None


@dataclass(frozen=True)
class Fitted:
    """What a training has come to.

    Attributes:
        srresnet, srgan: the generators that are kept, averaged and in evaluation mode.
        last: the generator as its last update left it, without the average, in evaluation mode.
        discriminator: as its last update left it.
        progress: histories and pictures.
    """

    srresnet: Generator
    srgan: Generator
    last: Generator
    discriminator: Discriminator
    progress: Progress


def on_device(images: np.ndarray, runtime: Runtime) -> torch.Tensor:
    """uint8 images, on a GPU all of them at once: 25,000 of 128 pixels are 1.2 GB."""
    if runtime.device.type == "cpu":
        return torch.from_numpy(np.asarray(images))
    return torch.from_numpy(np.array(images)).to(runtime.device)


def enlarge(generator: Generator, pack: Pack, runtime: Runtime) -> np.ndarray:
    sr = np.empty_like(pack.hr)
    upscale(generator, pack.lr, sr, runtime)
    return sr


def shown(val: Pack) -> np.ndarray:
    """Rows of the validation images in the snapshots."""
    return np.linspace(0, len(val) - 1, min(SHOWN, len(val))).astype(int)


def _write_history(directory: Path | None, name: str, history: list[dict]) -> None:
    if directory is not None:
        with atomic_file(directory / f"{name}.csv") as temporary:
            pd.DataFrame(history).to_csv(temporary, index=False, float_format="%.6g")


def prefixed(prefix: str, values: dict) -> dict:
    return {f"{prefix}_{key}": value for key, value in values.items()}


def _error(select: str, row: dict) -> float:
    """What `srgan.select` would have small."""
    if select == "last":
        return -float(row["epoch"])
    if select == "psnr":
        return -row["val_psnr_rgb"]
    if row["val_lpips"] is None:
        raise UserError("srgan.select is lpips, which needs pretrained.lpips: set it, or psnr")
    return row["val_lpips"]


def _warn_if_won(history: list[dict]) -> None:
    accuracy, epochs = WON
    recent = [row["d_accuracy"] for row in history[-epochs:]]
    if len(recent) == epochs and min(recent) > accuracy:
        tqdm.write(
            f"the discriminator has been right more than {accuracy:.0%} of the time for {epochs} "
            "epochs: it has won, and its gradient says little; lower its learning rate or raise "
            "srgan.adversarial.label_smoothing"
        )


def _keeper(checkpoints: Checkpoints, phase: Phase, progress: Progress) -> Callable[[], None]:
    def keep() -> None:
        if phase.watched:
            phase.means()  # a state that is not finite must not replace one that is
        checkpoints.save({"name": phase.name, "phase": phase.state_dict()} | asdict(progress))

    return keep


def _go_on(phase: Phase, state: dict | None) -> None:
    """Put a phase where it was left, if it was this one."""
    if state is not None and state["name"] == phase.name:
        phase.load_state_dict(state["phase"])
        if phase.epoch < phase.epochs:
            tqdm.write(f"{phase.name} goes on in epoch {phase.epoch + 1}")


def fit(
    lr: Tensor,
    hr: Tensor,
    *,
    val: Pack,
    settings,
    seed: int,
    runtime: Runtime,
    measure: Measure,
    perceptual: Distance | None,
    checkpoints: Checkpoints,
    curves: Path | None,
) -> Fitted:
    """Pre-train SRResNet, then train SRGAN from it; a training that was stopped goes on.

    Args:
        lr: (N, h, w, 3) uint8 on the device.
        hr: (N, 4h, 4w, 3) uint8 on the device.
        val: watched after each epoch.
        settings: `params.srgan`.
        seed: of crops, label noise and history; the first weights come from torch's own.
        runtime: device and precision.
        measure: image quality of (sr, hr), two uint8 arrays (N, H, W, 3).
        perceptual: of (sr, hr); None where its weight is 0.
        checkpoints: where this training left its state, and leaves it.
        curves: directory of the histories, written as they grow; None = nowhere.

    Raises:
        UserError: LPIPS is to select and is not there, or a loss is not finite.
    """
    generator = Generator(**settings.generator.model_dump())
    runtime.compiled(generator.to(runtime.device, memory_format=torch.channels_last))

    state = checkpoints.load()
    kept = {k: state[k] for k in Progress.__dataclass_fields__} if state else {}
    progress = Progress(**kept)

    phase = pretraining(generator, lr, hr, settings, runtime, seed)
    if progress.srresnet_state is None:
        _go_on(phase, state)
        _pretrain(phase, progress, checkpoints, val, measure, runtime, curves)
    srresnet = copy.deepcopy(phase.averaged)
    srresnet.load_state_dict(progress.srresnet_state)

    # the adversarial phase goes on from the averaged weights, the better of the two
    generator.load_state_dict(progress.srresnet_state)
    discriminator = Discriminator(**settings.discriminator.model_dump())
    runtime.compiled(discriminator.to(runtime.device, memory_format=torch.channels_last))
    phase = adversarial(generator, discriminator, perceptual, lr, hr, settings, runtime, seed + 1)
    _go_on(phase, state)
    _oppose(phase, progress, checkpoints, val, measure, settings, runtime, curves)
    phase.averaged.load_state_dict(progress.chosen_state)
    for name in ("srresnet", "srgan"):  # of a training that was done, they may be gone
        _write_history(curves, name, getattr(progress, name))
    last = copy.deepcopy(generator).eval()  # a copy is not compiled
    return Fitted(srresnet, phase.averaged, last, discriminator, progress)


def _pretrain(
    phase: Phase,
    progress: Progress,
    checkpoints: Checkpoints,
    val: Pack,
    measure: Measure,
    runtime: Runtime,
    curves: Path | None,
) -> None:
    keep = _keeper(checkpoints, phase, progress)

    def validate(row: dict) -> None:
        quality = measure(enlarge(phase.averaged, val, runtime), val.hr)
        progress.srresnet.append(row | prefixed("val", quality))
        _write_history(curves, "srresnet", progress.srresnet)

    if phase.epochs == 0:  # SRGAN is to start from random weights, and SRResNet stays there
        validate({"epoch": 0, "loss": None, "gradient_norm": None})
    while phase.epoch < phase.epochs:
        validate(phase.run_epoch(lambda: keep() if checkpoints.due() else None))
        phase.validated(-progress.srresnet[-1]["val_psnr_rgb"])
        keep()
    progress.srresnet_state = copy.deepcopy(phase.averaged.state_dict())


def _oppose(
    phase: Phase,
    progress: Progress,
    checkpoints: Checkpoints,
    val: Pack,
    measure: Measure,
    settings,
    runtime: Runtime,
    curves: Path | None,
) -> None:
    keep = _keeper(checkpoints, phase, progress)
    discriminator = phase.modules["discriminator"]
    held_out = as_float(on_device(val.hr[:256], runtime))

    def picture(name: str, sr: np.ndarray) -> None:
        progress.pictures[name] = torch.from_numpy(sr[shown(val)])

    if phase.epoch == 0 and not progress.pictures:
        picture("SRResNet", enlarge(phase.averaged, val, runtime))
    while phase.epoch < phase.epochs:
        row = phase.run_epoch(lambda: keep() if checkpoints.due() else None)
        sr = enlarge(phase.averaged, val, runtime)
        fooled = as_float(on_device(sr[:256], runtime))
        row["d_accuracy_val"] = held_out_accuracy(
            discriminator, settings.adversarial.loss, held_out, fooled, runtime
        )
        row |= prefixed("val", measure(sr, val.hr))
        progress.srgan.append(row)
        _write_history(curves, "srgan", progress.srgan)
        _warn_if_won(progress.srgan)
        errors = [_error(settings.select, row) for row in progress.srgan]
        if errors[-1] < min(errors[:-1], default=math.inf):
            progress.chosen = row["epoch"]
            progress.chosen_state = copy.deepcopy(phase.averaged.state_dict())
        if row["epoch"] in settings.snapshots:
            picture(f"epoch {row['epoch']}", sr)
        phase.validated(errors[-1])
        keep()
