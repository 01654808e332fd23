"""What is kept of the trainings: weights, snapshots, metrics."""

from collections.abc import Mapping, Sequence

import numpy as np

from srgan_ab.common import paths
from srgan_ab.common.balance import LOST, WON
from srgan_ab.common.files import atomic_directory, atomic_file, write_metrics
from srgan_ab.common.initial import read_initial
from srgan_ab.common.packs import Pack
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.progress import Fitted, FittedSrgan, Quality, enlarge, prefixed, shown
from srgan_ab.srgan.rehearsal import rehearse
from srgan_ab.srgan.training import Training
from srgan_ab.srgan.trainings import Images, Trainings


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
        start = paths.SRRESNET if fold is None else paths.without_fold(paths.SRRESNET, fold)
        lr, hr, _ = images
        return training.fit_unopposed(start, lr, hr)

    trained = trainings.run(fit, paths.PLOTS)
    whole = trained.whole
    architecture = trainings.settings.generator.architecture(trainings.val.scale)
    with atomic_directory(paths.PERCEPTUAL.parent) as directory:
        weights = directory / paths.PERCEPTUAL.name
        save_weights(weights, whole.generator, architecture, "generator")
        for fold, fitted in enumerate(trained.without):
            save_weights(
                paths.without_fold(weights, fold), fitted.generator, architecture, "generator"
            )

    def summary(fitted: Fitted) -> dict:
        return {"epoch": fitted.epoch, **prefixed("perceptual", _quality(fitted))}

    metrics = {
        "generator_parameters": sum(p.numel() for p in whole.generator.parameters()),
        **_counts(trainings),
        **summary(whole),
        **prefixed("perceptual_without_ema_val", _without_ema(whole, trainings)),
        **_of_folds(trainings, [summary(fitted) for fitted in trained.without]),
    }
    write_metrics(paths.METRICS / "train_perceptual.json", metrics)


def leave_perceptual_out() -> None:
    """Write what `train_perceptual_and_write` does, empty: params.yaml does not ask for it."""
    with atomic_directory(paths.PERCEPTUAL.parent):
        pass
    write_metrics(paths.METRICS / "train_perceptual.json", {})
    with atomic_file(paths.PLOTS / "perceptual.csv") as temporary:
        temporary.write_text("epoch,val_psnr_rgb,val_psnr_y,val_ssim_y,val_lpips\n")


def _quality(fitted: Fitted) -> dict[str, float | None]:
    """On validation images, at the chosen epoch."""
    return {key: value for key, value in fitted.chosen.items() if key.startswith("val_")}


def _counts(trainings: Trainings) -> dict[str, int]:
    return {"n_train": len(trainings.pack), "n_val": len(trainings.val)}


def _without_ema(fitted: Fitted, trainings: Trainings) -> Quality:
    val = trainings.val
    return trainings.measure(enlarge(fitted.without_ema, val, trainings.runtime), val.hr)


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
