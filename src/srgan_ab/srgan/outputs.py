"""What is kept of the trainings: weights, snapshots, metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import nn

from srgan_ab.common import paths
from srgan_ab.common.balance import LOST, WON
from srgan_ab.common.files import atomic_directory, write_metrics
from srgan_ab.common.initial import read_initial
from srgan_ab.common.packs import Pack
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.schema import Task
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.progress import Enlarged, Fitted, FittedSrgan, Quality, prefixed, shown
from srgan_ab.srgan.rehearsal import rehearse
from srgan_ab.srgan.task import TaskLoss
from srgan_ab.srgan.training import Training
from srgan_ab.srgan.trainings import Fit, Images, Trainings


def train_srgan_and_write(trainings: Trainings) -> None:
    """Train SRResNet and SRGAN; write `models/srgan`, curves, pictures, metrics.

    Raises:
        UserError: SRGAN could not be trained by the settings, or a loss is not finite.
    """
    settings, val = trainings.settings, trainings.val
    initial = read_initial(settings.generator, val.scale)
    rehearse(settings, val.scale, trainings.perceptual, trainings.runtime)

    def fit(training: Training, images: Images, fold: int | None) -> FittedSrgan:
        return training.fit(*images, initial=initial)

    trained = trainings.run(fit, paths.PLOTS)
    whole = trained.whole
    generator = {"architecture": settings.generator.architecture(val.scale), "kind": "generator"}
    discriminator = {"architecture": settings.discriminator.model_dump(), "kind": "discriminator"}
    with atomic_directory(paths.GENERATOR.parent) as directory:
        srgan, srresnet = directory / paths.GENERATOR.name, directory / paths.SRRESNET.name
        save_weights(srgan, whole.generator, **generator)
        save_weights(srresnet, whole.srresnet, **generator)
        save_weights(directory / paths.DISCRIMINATOR.name, whole.discriminator, **discriminator)
        for fold, fitted in enumerate(trained.without):
            save_weights(paths.without_fold(srgan, fold), fitted.generator, **generator)
            save_weights(paths.without_fold(srresnet, fold), fitted.srresnet, **generator)
        if trainings.folds is not None:
            trainings.folds.to_csv(directory / paths.FOLDS.name, index=False)
        if initial is not None:
            write_metrics(directory / paths.INITIAL.name, initial.told())
    _save_snapshots(whole.pictures, val)

    def summary(fitted: FittedSrgan) -> dict:
        srresnet = fitted.srresnet_history[-1]
        return {
            "epoch": fitted.epoch,
            **prefixed("srresnet", {key: srresnet[key] for key in _quality(fitted)}),
            **prefixed("srgan", _quality(fitted)),
        }

    metrics = {
        "generator_parameters": sum(p.numel() for p in whole.srresnet.parameters()),
        "discriminator_parameters": sum(p.numel() for p in whole.discriminator.parameters()),
        **_counts(trainings),
        **summary(whole),
        **prefixed("srgan_without_ema_val", _without_ema(whole, trainings)),
        **{key: value for key, value in whole.chosen.items() if key.startswith("d_")},
        **_balance([row["d_accuracy"] for row in whole.history[: whole.epoch]]),
        **_of_folds(trainings, [summary(fitted) for fitted in trained.without]),
    }
    write_metrics(paths.METRICS / "train_srgan.json", metrics)


def train_perceptual_and_write(trainings: Trainings) -> None:
    """Train generators from SRResNet without a discriminator; write `models/perceptual`, metrics.

    Raises:
        UserError: SRResNet's weights are missing or do not fit, or a loss is not finite.
    """

    def fit(training: Training, images: Images, fold: int | None) -> Fitted:
        lr, hr, _ = images
        return training.fit_unopposed(_srresnet(fold), lr, hr)

    _train_and_write(trainings, fit, paths.PERCEPTUAL, "train_perceptual", "perceptual")


def train_task_and_write(
    trainings: Trainings, classifiers: Sequence[nn.Module], settings: Task
) -> None:
    """Train generators as SRGAN with one more loss, A's features; write `models/task`, metrics.

    Args:
        trainings: what they share.
        classifiers: the networks of A, on the runtime's device.
        settings: `params.task`.

    Raises:
        UserError: as `train_perceptual_and_write`; or the classifiers have no such layer, or cannot
            look at so small a window.
    """
    side = trainings.settings.crop - trainings.val.scale  # of the windows that are judged
    task = TaskLoss(classifiers, settings.layer, settings.weight, side)

    def fit(training: Training, images: Images, fold: int | None) -> Fitted:
        return training.fit_task(_srresnet(fold), *images, task)

    _train_and_write(trainings, fit, paths.TASK, "train_task_sr", "task")


def _srresnet(fold: int | None) -> Path:
    """Weights from which a generator's training without that fold starts."""
    return paths.SRRESNET if fold is None else paths.without_fold(paths.SRRESNET, fold)


def _train_and_write(
    trainings: Trainings, fit: Fit[Fitted], weights: Path, stage: str, name: str
) -> None:
    """Write the generators of `fit` beside `weights`, and metrics that begin with `name`."""
    trained = trainings.run(fit, paths.PLOTS)
    whole = trained.whole
    architecture = trainings.settings.generator.architecture(trainings.val.scale)
    with atomic_directory(weights.parent) as directory:
        path = directory / weights.name
        save_weights(path, whole.generator, architecture, "generator")
        for fold, fitted in enumerate(trained.without):
            save_weights(
                paths.without_fold(path, fold), fitted.generator, architecture, "generator"
            )

    def summary(fitted: Fitted) -> dict:
        return {"epoch": fitted.epoch, **prefixed(name, _quality(fitted))}

    metrics = {
        "generator_parameters": sum(p.numel() for p in whole.generator.parameters()),
        **_counts(trainings),
        **summary(whole),
        **prefixed(f"{name}_without_ema_val", _without_ema(whole, trainings)),
        **{key: value for key, value in whole.chosen.items() if key.startswith("d_")},
        **_of_folds(trainings, [summary(fitted) for fitted in trained.without]),
    }
    write_metrics(paths.METRICS / f"{stage}.json", metrics)


def _quality(fitted: Fitted) -> dict[str, float | None]:
    """On validation images, at the chosen epoch."""
    return {key: value for key, value in fitted.chosen.items() if key.startswith("val_")}


def _counts(trainings: Trainings) -> dict[str, int]:
    return {"n_train": len(trainings.pack), "n_val": len(trainings.val)}


def _without_ema(fitted: Fitted, trainings: Trainings) -> Quality:
    val = trainings.val
    return trainings.measure(Enlarged(fitted.without_ema, val, trainings.runtime), val.hr)


def _balance(accuracies: Sequence[float]) -> dict[str, int]:
    """In how many epochs up to that kept it was at chance, and in how many it had won."""
    return {
        "d_lost_epochs": sum(accuracy < LOST for accuracy in accuracies),
        "d_won_epochs": sum(accuracy > WON for accuracy in accuracies),
    }


def _of_folds(trainings: Trainings, summaries: Sequence[dict]) -> dict:
    """How many folds there are, and the summary of the training without each."""
    if trainings.folds is None:
        return {}
    metrics = {"folds": trainings.settings.folds}
    for fold, summary in enumerate(summaries):
        seen = {"n_train": int((trainings.folds["fold"] != fold).sum())}
        metrics |= prefixed(f"without_fold_{fold}", seen | summary)
    return metrics


def _save_snapshots(pictures: Mapping, val: Pack) -> None:
    """Draw `plots/snapshots.png`: LR, the pictures kept, HR."""
    columns = {"LR": val.lr[shown(val)], **pictures, "HR": val.hr[shown(val)]}
    images = [np.asarray(column) for column in columns.values()]
    rows = [list(row) for row in zip(*images, strict=True)]
    save_png(contact_sheet(rows, list(columns)), paths.PLOTS / "snapshots.png")
