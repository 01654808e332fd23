"""Charts of the report, drawn from what other stages wrote to `plots/`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from srgan_ab.common import paths
from srgan_ab.common.arms import ARM_NAMES, DOMAINS
from srgan_ab.common.balance import LAST, state_of
from srgan_ab.common.files import read_csv
from srgan_ab.reporting import charts
from srgan_ab.reporting.cells import interval, number
from srgan_ab.reporting.charts import GREEN, PURPLE, Curve
from srgan_ab.reporting.figures import BLUE, GREY, VERMILION

ARM_COLOURS = {"a": BLUE, "b": VERMILION}
LOSS_STYLES = (("-", ":"), ("--", "-."))  # of A and B: validation, training
PHASES = {
    "srresnet": (DOMAINS["srresnet"], BLUE, "-"),
    "srgan": (DOMAINS["sr"], VERMILION, "--"),
    # empty where they were left out
    "perceptual": (DOMAINS["perceptual"], GREEN, "-."),
    "task": (DOMAINS["task"], PURPLE, ":"),
}
GENERATOR_LOSSES = {
    "pixel": (BLUE, "-"),
    "perceptual": (VERMILION, "--"),
    "adversarial": (GREEN, "-."),
    "total variation": (PURPLE, ":"),
    "lattice": (GREY, "-"),
}


@dataclass(frozen=True)
class Chart:
    """A drawing with its title, and a note on what n and which interval it has."""

    title: str
    note: str
    svg: str


def _table(name: str, *columns: str, gaps: Sequence[str] = ()) -> pd.DataFrame:
    """Numbers of `plots/<name>.csv`, in columns that it must have; those of `gaps` may be empty."""
    wanted: dict[str, type] = dict.fromkeys((*columns, *gaps), float)
    return read_csv(paths.PLOTS / f"{name}.csv", wanted, gaps=gaps)


def generator_histories() -> dict[str, pd.DataFrame]:
    """Those of `plots/` by phase; `perceptual.csv` and `task.csv` may have no rows.

    Raises:
        UserError: one is missing or damaged.
    """
    quality = ("epoch", "val_psnr_rgb", "val_ssim_y")
    losses = (f"loss_{name.replace(' ', '_')}" for name in GENERATOR_LOSSES)
    judged = ("loss_d", "loss_d_floor", "d_real", "d_fake", "d_accuracy")
    return {
        "srresnet": _table("srresnet", *quality, gaps=["val_lpips"]),
        "perceptual": _table("perceptual", *quality, gaps=["val_lpips"]),
        "task": _table("task", *quality, gaps=["val_lpips"]),
        "srgan": _table("srgan", *quality, *losses, *judged, gaps=["val_lpips"]),
    }


def quality_charts(histories: Mapping[str, pd.DataFrame], images: int) -> list[Chart]:
    """Image quality on validation over epochs; LPIPS only where it was measured."""
    found = []
    for column, y_label in (
        ("val_psnr_rgb", "PSNR, RGB (dB)"),
        ("val_ssim_y", "SSIM, Y"),
        ("val_lpips", "LPIPS (lower is better)"),
    ):
        curves = [
            Curve(name, histories[phase]["epoch"], histories[phase][column], colour, style)
            for phase, (name, colour, style) in PHASES.items()
            if histories[phase][column].notna().any()
        ]
        if curves:
            title = f"{y_label.partition(' (')[0]} on validation images"
            note = f"Mean over n = {images:,} images; no interval."
            svg = charts.lines(title, curves, "epoch of its phase", y_label)
            found.append(Chart(title, note, svg))
    return found


def discriminator_in_words(accuracy: pd.Series) -> str:
    """What the last epochs say of the judge: whether it judges at all.

    Args:
        accuracy: what share of the training crops the discriminator is right about, by epoch.
    """
    last = accuracy.tail(LAST)
    share = f"In the last {len(last)} epochs" if len(last) > 1 else "In the last epoch"
    share += f" it is right about {100 * last.mean():.0f} % of what it is shown in training"
    says = {
        "won": f"{share}: it has won, and its gradient says little.",
        "lost": f"{share}: at chance, so it teaches the generator little.",
        None: f"{share}.",
    }
    return says[state_of(last.tolist())]


def health_charts(history: pd.DataFrame, images: int) -> list[Chart]:
    """Losses of the adversarial phase, and what the discriminator says."""
    epoch = history["epoch"]
    note = f"Mean over an epoch's batches from n = {images:,} training images; no interval."
    losses = [
        Curve(name, epoch, history[column], colour, style)
        for name, (colour, style) in GENERATOR_LOSSES.items()
        if (history[column := f"loss_{name.replace(' ', '_')}"] > 0).any()
    ]
    discriminator = [
        Curve("discriminator", epoch, history["loss_d"], VERMILION),
        Curve("its least value", epoch, history["loss_d_floor"], GREY, "--"),
    ]
    said = [
        Curve("D(x), real", epoch, history["d_real"], BLUE),
        Curve("D(G(z)), generated", epoch, history["d_fake"], VERMILION, "--"),
    ]
    return [
        Chart(
            "Generator losses",
            f"{note} Logarithmic; before they are weighted.",
            charts.lines("Generator losses", losses, "epoch", "loss", logarithmic=True),
        ),
        Chart(
            "Discriminator loss",
            f"{note} Dashed: the floor that smoothed labels allow.",
            charts.lines("Discriminator loss", discriminator, "epoch", "loss"),
        ),
        Chart(
            "What the discriminator says",
            f"{note} Dotted: 0.5, where both lie if it cannot tell them apart. "
            f"{discriminator_in_words(history['d_accuracy'])}",
            charts.lines(
                *("D(x) and D(G(z))", said, "epoch", "probability of being real"),
                level=(0.5, "a guess, 0.5"),
            ),
        ),
    ]


def learning_charts(images: Mapping[str, int], networks: str) -> list[Chart]:
    """Learning curves of A and B."""
    columns = ("epoch", "train_loss", "val_loss", "val_accuracy", "val_f1", "val_auc")
    histories = {arm: _table(f"train_{arm}", *columns) for arm in ARM_COLOURS}
    counts = " and ".join(f"{images[arm]:,} ({ARM_NAMES[arm]})" for arm in histories)
    note = f"Validation images: n = {counts}; {networks}; no interval."
    losses = [
        Curve(
            f"{ARM_NAMES[arm]}, {name}", history["epoch"], history[column], ARM_COLOURS[arm], style
        )
        for (arm, history), styles in zip(histories.items(), LOSS_STYLES, strict=True)
        for (column, name), style in zip(
            (("val_loss", "validation"), ("train_loss", "training")), styles, strict=True
        )
    ]
    found = [
        Chart(
            "Loss",
            f"{note} Training loss is that of augmented images.",
            charts.lines("Loss of A and B", losses, "epoch", "cross-entropy (nats)"),
        )
    ]
    for column, name, unit, factor in (
        ("val_accuracy", "accuracy", " (%)", 100),
        ("val_f1", "F1", " (%)", 100),
        ("val_auc", "ROC-AUC", "", 1),
    ):
        curves = [
            Curve(
                ARM_NAMES[arm], history["epoch"], factor * history[column], ARM_COLOURS[arm], style
            )
            for (arm, history), style in zip(histories.items(), ("-", "--"), strict=True)
        ]
        title = f"{name[0].upper()}{name[1:]} on validation images"
        found.append(Chart(title, note, charts.lines(title, curves, "epoch", name + unit)))
    return found


def curve_charts(
    matrix: Mapping[str, Mapping],
    differences: Mapping[str, Mapping],
    split: Mapping[str, int],
    positive: str,
) -> list[Chart]:
    """ROC, precision-recall and reliability of A and B on real HR test images.

    Args:
        matrix: arm to domain to scores.
        differences: name to what `significance.difference` returns.
        split: images in each split and class, `metrics/split.json`.
        positive: name of the positive class.
    """
    images = matrix["a"]["hr"]["n"]
    share = split[f"test_{positive}"] / images
    found = []
    for name, title, x, y, score in (
        ("roc", "ROC", ("fpr", "false positive rate"), ("tpr", "true positive rate"), "roc_auc"),
        (
            *("pr", "Precision and recall"),
            *(("recall", "recall"), ("precision", "precision"), "average_precision"),
        ),
    ):
        curves = []
        for (arm, colour), style in zip(ARM_COLOURS.items(), ("-", "--"), strict=True):
            points, area = _table(f"{name}_{arm}", x[0], y[0]), matrix[arm]["hr"][score]
            label = f"{ARM_NAMES[arm]}, area {area:.3f}"
            curves.append(Curve(label, points[x[0]], points[y[0]], colour, style))
        change = differences["b_minus_a"][score]
        ends = interval(change["low"], change["high"], 3, "+")
        note = (
            f"n = {images:,} test images; positive: {positive}. Area of B less that of A: "
            f"{number(change['difference'], 3, '+').text} (95 % interval {ends})."
        )
        svg = charts.lines(
            *(title, curves, x[1], y[1]),
            unit_square=True,
            diagonal="chance" if name == "roc" else None,
            level=(share, f"chance, {share:.2f}") if name == "pr" else None,
        )
        found.append(Chart(title, note, svg))
    columns = ("probability", "positive", "low", "high")
    reliability = {ARM_NAMES[arm]: _table(f"reliability_{arm}", *columns) for arm in ARM_COLOURS}
    note = (
        f"n = {images:,} test images in at most 15 bins alike in size; 95 % Wilson intervals; "
        f"positive: {positive}."
    )
    svg = charts.reliability("Reliability", reliability)
    return [*found, Chart("Reliability", note, svg)]
