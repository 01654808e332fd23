"""Which SRGANs are trained on which images, and what is kept of them.

One is trained on all training images. With `srgan.folds` above 1, as many others follow, each
without one fold of them, so that every training image can be enlarged by one that never saw it.
"""

from functools import partial

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from srgan_ab.common import paths
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_directory, write_metrics
from srgan_ab.common.packs import Pack, open_pack
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.fitting import (
    Distance,
    Fitted,
    Measure,
    Progress,
    enlarge,
    fit,
    on_device,
    prefixed,
    shown,
)
from srgan_ab.srgan.folds import assign_folds, rows_without
from srgan_ab.srgan.perceptual import PerceptualLoss


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


def train(
    settings,
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
        UserError: weights that the settings ask for are not there, a loss is not finite, or the
            images cannot be cut into so many folds.
    """
    pack, val = open_pack("train"), open_pack("val")
    folds = assign_folds(pack, settings.folds, seed) if settings.folds > 1 else None
    lr, hr = on_device(pack.lr, runtime), on_device(pack.hr, runtime)
    fit_to = partial(
        fit,
        val=val,
        settings=settings,
        seed=seed,
        runtime=runtime,
        measure=measure,
        perceptual=_perceptual(settings, lpips, runtime),
    )
    start = torch.get_rng_state()

    def fit_without(fold: int) -> Fitted:
        tqdm.write(f"without fold {fold} (of {settings.folds}, from 0)")
        torch.set_rng_state(start)  # the same first weights: only the images differ
        rows = torch.from_numpy(rows_without(folds, fold, seed)).to(lr.device)
        part = checkpoints.part(f"without_fold_{fold}")
        return fit_to(lr[rows], hr[rows], checkpoints=part, curves=None)  # copies of the images

    whole = fit_to(lr, hr, checkpoints=checkpoints, curves=paths.PLOTS)
    without = [] if folds is None else [fit_without(fold) for fold in range(settings.folds)]
    _save_networks(whole, without, folds, settings)
    _save_snapshots(whole.progress, val)

    last = whole.progress.srgan[-1]
    metrics = {
        "generator_parameters": sum(p.numel() for p in whole.srresnet.parameters()),
        "discriminator_parameters": sum(p.numel() for p in whole.discriminator.parameters()),
        "n_train": len(pack),
        "n_val": len(val),
        **_summary(whole.progress),
        **prefixed("srgan_without_ema_val", measure(enlarge(whole.last, val, runtime), val.hr)),
        **{k: last[k] for k in ("d_real", "d_fake", "d_accuracy", "d_accuracy_val")},
    }
    if folds is not None:
        metrics["folds"] = settings.folds
        for fold, fitted in enumerate(without):
            seen = {"n_train": int((folds["fold"] != fold).sum())}
            metrics |= prefixed(f"without_fold_{fold}", seen | _summary(fitted.progress))
    write_metrics(paths.METRICS / "train_srgan.json", metrics)


def _summary(progress: Progress) -> dict[str, float | None]:
    """Epoch and quality of the two generators that are kept."""
    srresnet, srgan = progress.srresnet[-1], progress.srgan[progress.chosen - 1]
    measured = [key for key in srgan if key.startswith("val_")]
    return {
        "epoch": progress.chosen,
        **prefixed("srresnet", {key: srresnet[key] for key in measured}),
        **prefixed("srgan", {key: srgan[key] for key in measured}),
    }


def _save_networks(
    whole: Fitted, without: list[Fitted], folds: pd.DataFrame | None, settings
) -> None:
    """Write `models/srgan`; with folds, their table and the generators trained without each."""
    generator, discriminator = settings.generator.model_dump(), settings.discriminator.model_dump()
    with atomic_directory(paths.GENERATOR.parent) as directory:
        srgan, srresnet = directory / paths.GENERATOR.name, directory / paths.SRRESNET.name
        save_weights(srgan, whole.srgan, generator)
        save_weights(srresnet, whole.srresnet, generator)
        save_weights(directory / paths.DISCRIMINATOR.name, whole.discriminator, discriminator)
        for fold, fitted in enumerate(without):
            save_weights(paths.without_fold(srgan, fold), fitted.srgan, generator)
            save_weights(paths.without_fold(srresnet, fold), fitted.srresnet, generator)
        if folds is not None:
            folds.to_csv(directory / paths.FOLDS.name, index=False)


def _save_snapshots(progress: Progress, val: Pack) -> None:
    """Draw `plots/snapshots.png`: LR, the pictures kept, HR."""
    columns = {"LR": val.lr[shown(val)], **progress.pictures, "HR": val.hr[shown(val)]}
    images = [np.asarray(column) for column in columns.values()]
    rows = [list(row) for row in zip(*images, strict=True)]
    save_png(contact_sheet(rows, list(columns)), paths.PLOTS / "snapshots.png")
