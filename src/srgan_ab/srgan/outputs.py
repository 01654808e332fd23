"""Which SRGANs are trained on which images, and what is kept of them.

One is trained on all training images. With `srgan.folds` above 1, as many others follow, each
without one fold of them, so that every training image can be enlarged by one that never saw it.
"""

from functools import partial

import numpy as np
import pandas as pd
from torch import nn
from tqdm import tqdm

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.common import paths
from srgan_ab.common.balance import LOST, WON
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_directory, write_metrics
from srgan_ab.common.initial import Initial, read_initial
from srgan_ab.common.packs import Pack, open_packs
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Srgan
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.folds import assign_folds, rows_without
from srgan_ab.srgan.perceptual import PerceptualLoss
from srgan_ab.srgan.phases import Diverged
from srgan_ab.srgan.rehearsal import rehearse
from srgan_ab.srgan.training import (
    Distance,
    Fitted,
    Measure,
    Progress,
    Training,
    enlarge,
    on_device,
    prefixed,
    shown,
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
            "pretrained.perceptual to imagenet or a .safetensors file, or the weight to 0"
        )
    loss = PerceptualLoss(settings.perceptual.network, settings.perceptual.layer, weights)
    return accelerate(loss, runtime.device)


def train_and_write(
    settings: Srgan,
    seed: int,
    runtime: Runtime,
    measure: Measure,
    lpips: Distance | None,
    checkpoints: Checkpoints,
) -> None:
    """Train on all images, then without each fold; write `models/srgan`, curves, pictures, metrics.

    Args:
        settings: `params.srgan`.
        seed: of every draw.
        runtime: device and precision.
        measure: image quality of (sr, hr), two uint8 arrays (N, H, W, 3).
        lpips: for `perceptual.network: lpips`; None where there are no weights.
        checkpoints: where a training that was stopped left its state, and leaves it.

    Raises:
        UserError: weights that the settings ask for are not there, SRGAN could not be trained by
            them, a loss is not finite, or the images cannot be cut into so many folds.
    """
    initial = read_initial(settings.generator)
    pack, val = open_packs("train", "val")
    folds = assign_folds(pack, settings.folds, seed) if settings.folds > 1 else None
    if settings.select == "lpips" and lpips is None:
        raise UserError("srgan.select is lpips, which needs pretrained.lpips: set it, or psnr")
    perceptual = _perceptual(settings, lpips, runtime)
    rehearse(settings, perceptual, runtime)
    if isinstance(perceptual, nn.Module):
        runtime.compiled(perceptual)
    lr, hr, labels = on_device(pack.lr, runtime), on_device(pack.hr, runtime), pack.labels
    training = partial(Training, settings, seed, val, measure, perceptual, runtime, initial)

    def fit_without(folds: pd.DataFrame, fold: int) -> Fitted:
        tqdm.write(f"without fold {fold} (of {settings.folds}, from 0)")
        rows = rows_without(folds, fold, seed)
        part = checkpoints.part(f"without_fold_{fold}")
        # copies of the images; the same first weights and draws: only the images differ
        return training(part, curves=None).fit(lr[rows], hr[rows], labels[rows])

    try:
        whole = training(checkpoints, curves=paths.PLOTS).fit(lr, hr, labels)
        each = range(settings.folds)
        without = [] if folds is None else [fit_without(folds, fold) for fold in each]
    except Diverged:
        checkpoints.discard()  # with the same params it would end so again
        raise
    _save_networks(whole, without, folds, settings, initial)
    _save_snapshots(whole.progress, val)

    without_ema = measure(enlarge(whole.without_ema, val, runtime), val.hr)
    metrics = {
        "generator_parameters": sum(p.numel() for p in whole.srresnet.parameters()),
        "discriminator_parameters": sum(p.numel() for p in whole.discriminator.parameters()),
        "n_train": len(pack),
        "n_val": len(val),
        **_summary(whole),
        **prefixed("srgan_without_ema_val", without_ema),
        **{key: value for key, value in whole.chosen.items() if key.startswith("d_")},
        **_balance([row["d_accuracy"] for row in whole.progress.srgan]),
    }
    if folds is not None:
        metrics["folds"] = settings.folds
        for fold, fitted in enumerate(without):
            seen = {"n_train": int((folds["fold"] != fold).sum())}
            metrics |= prefixed(f"without_fold_{fold}", seen | _summary(fitted))
    write_metrics(paths.METRICS / "train_srgan.json", metrics)


def _balance(accuracies: list[float]) -> dict[str, int]:
    """In how many epochs the discriminator was at chance, and in how many it had won."""
    return {
        "d_lost_epochs": sum(accuracy < LOST for accuracy in accuracies),
        "d_won_epochs": sum(accuracy > WON for accuracy in accuracies),
    }


def _summary(fitted: Fitted) -> dict[str, float | None]:
    """Epoch and quality of the two generators that are kept."""
    srresnet, srgan = fitted.progress.srresnet[-1], fitted.chosen
    measured = [key for key in srgan if key.startswith("val_")]
    return {
        "epoch": fitted.progress.chosen,
        **prefixed("srresnet", {key: srresnet[key] for key in measured}),
        **prefixed("srgan", {key: srgan[key] for key in measured}),
    }


def _save_networks(
    whole: Fitted,
    without: list[Fitted],
    folds: pd.DataFrame | None,
    settings: Srgan,
    initial: Initial | None,
) -> None:
    """Write `models/srgan`; with folds, their table and the generators trained without each."""
    generator = {"architecture": settings.generator.architecture(), "kind": "generator"}
    discriminator = {"architecture": settings.discriminator.model_dump(), "kind": "discriminator"}
    with atomic_directory(paths.GENERATOR.parent) as directory:
        srgan, srresnet = directory / paths.GENERATOR.name, directory / paths.SRRESNET.name
        save_weights(srgan, whole.srgan, **generator)
        save_weights(srresnet, whole.srresnet, **generator)
        save_weights(directory / paths.DISCRIMINATOR.name, whole.discriminator, **discriminator)
        for fold, fitted in enumerate(without):
            save_weights(paths.without_fold(srgan, fold), fitted.srgan, **generator)
            save_weights(paths.without_fold(srresnet, fold), fitted.srresnet, **generator)
        if folds is not None:
            folds.to_csv(directory / paths.FOLDS.name, index=False)
        if initial is not None:
            write_metrics(directory / paths.INITIAL.name, initial.told())


def _save_snapshots(progress: Progress, val: Pack) -> None:
    """Draw `plots/snapshots.png`: LR, the pictures kept, HR."""
    columns = {"LR": val.lr[shown(val)], **progress.pictures, "HR": val.hr[shown(val)]}
    images = [np.asarray(column) for column in columns.values()]
    rows = [list(row) for row in zip(*images, strict=True)]
    save_png(contact_sheet(rows, list(columns)), paths.PLOTS / "snapshots.png")
