"""Both phases of SRGAN on the packs: what is trained, watched, chosen and kept."""

import copy
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from srgan_ab.common import paths
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_directory, atomic_file, write_metrics
from srgan_ab.common.packs import Pack, open_pack
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.crops import as_float
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.perceptual import PerceptualLoss
from srgan_ab.srgan.steps import held_out_accuracy
from srgan_ab.srgan.training import Phase, adversarial, pretraining
from srgan_ab.srgan.upscaling import upscale

Quality = dict[str, float | None]
Measure = Callable[[np.ndarray, np.ndarray], Quality]
Distance = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
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


def _on_device(images: np.ndarray, runtime: Runtime) -> torch.Tensor:
    """uint8 images, on a GPU all of them at once: 25,000 of 128 pixels are 1.2 GB."""
    if runtime.device.type == "cpu":
        return torch.from_numpy(np.asarray(images))
    return torch.from_numpy(np.array(images)).to(runtime.device)


def _enlarge(generator: Generator, pack: Pack, runtime: Runtime) -> np.ndarray:
    sr = np.empty_like(pack.hr)
    upscale(generator, pack.lr, sr, runtime)
    return sr


def _write_history(name: str, history: list[dict]) -> None:
    with atomic_file(paths.PLOTS / f"{name}.csv") as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False, float_format="%.6g")


def _prefixed(prefix: str, values: dict) -> dict:
    return {f"{prefix}_{key}": value for key, value in values.items()}


def _perceptual(settings, lpips: Distance | None, runtime: Runtime) -> Distance | None:
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
            "pretrained.perceptual to imagenet or a .safetensors file, or the weight to 0"
        )
    loss = PerceptualLoss(settings.perceptual.network, settings.perceptual.layer, weights)
    return runtime.compiled(loss.to(runtime.device, memory_format=torch.channels_last))


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
        tqdm.write(f"{phase.name} goes on in epoch {phase.epoch + 1}")


def train(
    settings,
    seed: int,
    runtime: Runtime,
    measure: Measure,
    lpips: Distance | None,
    checkpoints: Checkpoints,
) -> None:
    """Pre-train, train adversarially, and write `models/srgan`, curves, pictures and metrics.

    Args:
        settings: `params.srgan`.
        seed: of every draw.
        runtime: device and precision.
        measure: image quality of (sr, hr), two uint8 arrays (N, H, W, 3).
        lpips: for `perceptual.network: lpips`; None where there are no weights.
        checkpoints: where a training that was stopped left its state, and leaves it.

    Raises:
        UserError: weights that the settings ask for are not there, or a loss is not finite.
    """
    train_pack, val = open_pack("train"), open_pack("val")
    lr, hr = _on_device(train_pack.lr, runtime), _on_device(train_pack.hr, runtime)
    perceptual = _perceptual(settings, lpips, runtime)
    architectures = settings.generator.model_dump(), settings.discriminator.model_dump()
    generator = Generator(**architectures[0])
    runtime.compiled(generator.to(runtime.device, memory_format=torch.channels_last))
    shown = np.linspace(0, len(val) - 1, min(SHOWN, len(val))).astype(int)

    state = checkpoints.load()
    kept = {k: state[k] for k in Progress.__dataclass_fields__} if state else {}
    progress = Progress(**kept)

    phase = pretraining(generator, lr, hr, settings, runtime, seed)
    if progress.srresnet_state is None:
        _go_on(phase, state)
        _pretrain(phase, progress, checkpoints, val, measure, runtime)
    srresnet = copy.deepcopy(phase.best)
    srresnet.load_state_dict(progress.srresnet_state)

    # the adversarial phase goes on from the averaged weights, the better of the two
    generator.load_state_dict(progress.srresnet_state)
    discriminator = Discriminator(**architectures[1])
    runtime.compiled(discriminator.to(runtime.device, memory_format=torch.channels_last))
    phase = adversarial(generator, discriminator, perceptual, lr, hr, settings, runtime, seed + 1)
    _go_on(phase, state)
    _oppose(phase, progress, checkpoints, val, measure, settings, shown, runtime)

    raw = measure(_enlarge(generator.eval(), val, runtime), val.hr)
    chosen = phase.best
    chosen.load_state_dict(progress.chosen_state)
    with atomic_directory(paths.GENERATOR.parent) as directory:
        save_weights(directory / paths.GENERATOR.name, chosen, architectures[0])
        save_weights(directory / paths.SRRESNET.name, srresnet, architectures[0])
        save_weights(directory / paths.DISCRIMINATOR.name, discriminator, architectures[1])

    _write_history("srresnet", progress.srresnet)
    _write_history("srgan", progress.srgan)
    columns = {"LR": val.lr[shown], **progress.pictures, "HR": val.hr[shown]}
    rows = [[np.asarray(images[i]) for images in columns.values()] for i in range(len(shown))]
    save_png(contact_sheet(rows, list(columns)), paths.PLOTS / "snapshots.png")

    first, last = progress.srresnet[-1], progress.srgan[-1]
    best = progress.srgan[progress.chosen - 1]
    measured = [key for key in best if key.startswith("val_")]
    write_metrics(
        paths.METRICS / "train_srgan.json",
        {
            "generator_parameters": sum(p.numel() for p in srresnet.parameters()),
            "discriminator_parameters": sum(p.numel() for p in discriminator.parameters()),
            "n_train": len(train_pack),
            "n_val": len(val),
            "epoch": progress.chosen,
            **_prefixed("srresnet", {key: first[key] for key in measured}),
            **_prefixed("srgan", {key: best[key] for key in measured}),
            **_prefixed("srgan_without_ema_val", raw),
            **{k: last[k] for k in ("d_real", "d_fake", "d_accuracy", "d_accuracy_val")},
        },
    )


def _pretrain(
    phase: Phase,
    progress: Progress,
    checkpoints: Checkpoints,
    val: Pack,
    measure: Measure,
    runtime: Runtime,
) -> None:
    keep = _keeper(checkpoints, phase, progress)

    def validate(row: dict) -> None:
        quality = measure(_enlarge(phase.best, val, runtime), val.hr)
        progress.srresnet.append(row | _prefixed("val", quality))
        _write_history("srresnet", progress.srresnet)

    if phase.epochs == 0:  # SRGAN is to start from random weights, and SRResNet stays there
        validate({"epoch": 0, "loss": None, "gradient_norm": None})
    while phase.epoch < phase.epochs:
        validate(phase.run_epoch(lambda: keep() if checkpoints.due() else None))
        phase.validated(-progress.srresnet[-1]["val_psnr_rgb"])
        keep()
    progress.srresnet_state = copy.deepcopy(phase.best.state_dict())


def _oppose(
    phase: Phase,
    progress: Progress,
    checkpoints: Checkpoints,
    val: Pack,
    measure: Measure,
    settings,
    shown: np.ndarray,
    runtime: Runtime,
) -> None:
    keep = _keeper(checkpoints, phase, progress)
    discriminator = phase.modules["discriminator"]
    held_out = as_float(_on_device(val.hr[:256], runtime))

    def picture(name: str, sr: np.ndarray) -> None:
        progress.pictures[name] = torch.from_numpy(sr[shown])

    if phase.epoch == 0 and not progress.pictures:
        picture("SRResNet", _enlarge(phase.modules["generator"].eval(), val, runtime))
    while phase.epoch < phase.epochs:
        row = phase.run_epoch(lambda: keep() if checkpoints.due() else None)
        sr = _enlarge(phase.best, val, runtime)
        fooled = as_float(_on_device(sr[:256], runtime))
        row["d_accuracy_val"] = held_out_accuracy(
            discriminator, settings.adversarial.loss, held_out, fooled, runtime
        )
        row |= _prefixed("val", measure(sr, val.hr))
        progress.srgan.append(row)
        _write_history("srgan", progress.srgan)
        _warn_if_won(progress.srgan)
        errors = [_error(settings.select, row) for row in progress.srgan]
        if errors[-1] < min(errors[:-1], default=math.inf):
            progress.chosen = row["epoch"]
            progress.chosen_state = copy.deepcopy(phase.best.state_dict())
        if row["epoch"] in settings.snapshots:
            picture(f"epoch {row['epoch']}", sr)
        phase.validated(errors[-1])
        keep()
