"""The whole comparison on one page that needs nothing else: `plots/report.html`.

Every number is read from what other stages wrote to `metrics/` and `plots/`; none is computed from
images or networks here. The page loads nothing, and its bytes depend on those files alone.
"""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2
import pandas as pd
from markdown_it import MarkdownIt
from PIL import Image

from srgan_ab.common import paths
from srgan_ab.evaluation import charts, tables
from srgan_ab.evaluation.charts import GREEN, PURPLE, Curve
from srgan_ab.evaluation.figures import ARM_NAMES, BLUE, GREY, VERMILION
from srgan_ab.evaluation.significance import CONFIRMATORY, pairs_of

ARM_COLOURS = {"a": BLUE, "b": VERMILION}
PHASES = {"srresnet": ("SRResNet", BLUE, "-"), "srgan": ("SRGAN", VERMILION, "--")}
GENERATOR_LOSSES = {
    "pixel": (BLUE, "-"),
    "perceptual": (VERMILION, "--"),
    "adversarial": (GREEN, "-."),
    "total variation": (PURPLE, ":"),
}


@dataclass(frozen=True)
class Chart:
    """A drawing with its title, and a note on what n and which interval it has."""

    title: str
    note: str
    svg: str


@dataclass(frozen=True)
class Picture:
    """An image of `plots/` as a data URI, its size in pixels, and what it shows."""

    name: str
    description: str
    uri: str
    width: int
    height: int


def _metrics(name: str) -> dict:
    return json.loads((paths.METRICS / f"{name}.json").read_text(encoding="utf-8"))


def _table(name: str) -> pd.DataFrame:
    return pd.read_csv(paths.PLOTS / f"{name}.csv")


def _classes_table(name: str) -> pd.DataFrame:
    """A table of class names, which may be "1" or "NA"."""
    return pd.read_csv(paths.PLOTS / f"{name}.csv", dtype=str, keep_default_na=False)


def _picture(name: str, description: str) -> Picture:
    """As JPEG without colour subsampling, a third of the PNG's bytes."""
    with Image.open(paths.PLOTS / f"{name}.png") as image:
        stream = io.BytesIO()
        image.convert("RGB").save(stream, "JPEG", quality=90, subsampling=0, optimize=True)
        data = base64.b64encode(stream.getvalue()).decode("ascii")
        uri = f"data:image/jpeg;base64,{data}"
        return Picture(f"plots/{name}.png", description, uri, *image.size)


def _quality_charts(histories: Mapping[str, pd.DataFrame], images: int) -> list[Chart]:
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


def _health_charts(history: pd.DataFrame, images: int) -> list[Chart]:
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
            f"{note} Both at 0.5: it cannot tell them apart.",
            charts.lines("D(x) and D(G(z))", said, "epoch", "probability of being real"),
        ),
    ]


def _learning_charts(images: Mapping[str, int], networks: str) -> list[Chart]:
    """Learning curves of A and B."""
    histories = {arm: _table(f"train_{arm}") for arm in ARM_COLOURS}
    counts = " and ".join(f"{images[arm]:,} ({ARM_NAMES[arm]})" for arm in histories)
    note = f"Validation images: n = {counts}; {networks}; no interval."
    losses = [
        Curve(f"{ARM_NAMES[arm]}, {name}", table["epoch"], table[column], ARM_COLOURS[arm], style)
        for arm, table in histories.items()
        for column, name, style in (
            ("val_loss", "validation", "-"),
            ("train_loss", "training", ":"),
        )
    ]
    found = [
        Chart(
            "Loss",
            f"{note} Training loss is that of augmented images.",
            charts.lines("Loss of A and B", losses, "epoch", "cross-entropy (nats)"),
        )
    ]
    for column, name in (
        ("val_accuracy", "accuracy"),
        ("val_f1", "F1"),
        ("val_auc", "ROC-AUC"),
    ):
        curves = [
            Curve(ARM_NAMES[arm], table["epoch"], table[column], ARM_COLOURS[arm], style)
            for (arm, table), style in zip(histories.items(), ("-", "--"), strict=True)
        ]
        title = f"{name[0].upper()}{name[1:]} on validation images"
        found.append(Chart(title, note, charts.lines(title, curves, "epoch", name)))
    return found


def _curve_charts(
    matrix: Mapping[str, Mapping], differences: Mapping[str, Mapping], images: int
) -> list[Chart]:
    """ROC, precision-recall and reliability of A and B on real HR test images."""
    found = []
    for name, x, y, score, diagonal in (
        ("roc", ("fpr", "false positive rate"), ("tpr", "true positive rate"), "roc_auc", "chance"),
        ("pr", ("recall", "recall"), ("precision", "precision"), "average_precision", None),
    ):
        curves = []
        for (arm, colour), style in zip(ARM_COLOURS.items(), ("-", "--"), strict=True):
            table, area = _table(f"{name}_{arm}"), matrix[arm]["hr"][score]
            label = f"{ARM_NAMES[arm]}, area {area:.3f}"
            curves.append(Curve(label, table[x[0]], table[y[0]], colour, style))
        change = differences["b_minus_a"][score]
        ends = tables.interval(change["low"], change["high"], 3, "+")
        title = {"roc": "ROC", "pr": "Precision and recall"}[name]
        note = (
            f"n = {images:,} test images. Area of B less that of A: "
            f"{tables.number(change['difference'], 3, '+').text} (95 % interval {ends})."
        )
        svg = charts.lines(title, curves, x[1], y[1], unit_square=True, diagonal=diagonal)
        found.append(Chart(title, note, svg))
    reliability = {ARM_NAMES[arm]: _table(f"reliability_{arm}") for arm in ARM_COLOURS}
    note = f"n = {images:,} test images in at most 15 bins alike in size; 95 % Wilson intervals."
    svg = charts.reliability("Reliability", reliability)
    return [*found, Chart("Reliability", note, svg)]


def _context(
    arms: Sequence[str],
    classes: Sequence[str],
    trained_on: Mapping[str, str],
    margin: float,
    synthetic: bool,
) -> dict:
    """All that the template shows."""
    matrix, differences, quality = (_metrics(name) for name in ("matrix", "comparison", "sr"))
    ledger, generators = _metrics("ledger"), _metrics("train_srgan")
    training = {arm: _metrics(f"train_{arm}") for arm in arms}
    images = matrix["a"]["hr"]["n"]
    replicates = len(matrix["a"]["hr"]["accuracy_of_replicates"])
    networks = "one network per arm" if replicates == 1 else f"mean of {replicates} networks"
    pooled = "" if replicates == 1 else f", {replicates} networks pooled"
    pairs = pairs_of(arms)
    histories = {phase: _table(phase) for phase in PHASES}
    validation = {arm: training[arm]["n_val"] for arm in ARM_COLOURS}
    n_arms = f"n = {images:,} test images, {networks}"
    forest = charts.forest(
        "Differences in accuracy, with 95 % intervals", pairs, differences, margin
    )
    return {
        "verdict": MarkdownIt("commonmark", {"html": False}).render(
            (paths.METRICS / "verdict.md").read_text(encoding="utf-8")
        ),
        "images": images,
        "replicates": replicates,
        "networks": networks,
        "synthetic": synthetic,
        "margin": f"{100 * margin:g}",
        "left_out": [name for arm, name in ARM_NAMES.items() if arm not in arms],
        "family": sum(name in CONFIRMATORY for name in pairs),
        "lpips": quality["test"]["srgan"]["lpips"] is not None,
        "groups": _metrics("split"),
        "ledger": ledger,
        "splits": tables.split_table(_metrics("split"), classes),
        "rejects": tables.reject_table(_metrics("data")),
        "quality": tables.quality_table(
            f"Image quality, means over n = {images:,} test images", quality["test"]
        ),
        "benchmarks": [
            tables.quality_table(f"Image quality on {name}", methods)
            for name, methods in _metrics("benchmarks").items()
        ],
        "quality_charts": _quality_charts(histories, generators["n_val"]),
        "health_charts": _health_charts(histories["srgan"], generators["n_train"]),
        "matrix": tables.matrix_table(matrix, trained_on),
        "scores": tables.score_table(matrix),
        "by_network": tables.replicate_table(matrix, images) if replicates > 1 else None,
        "forest": Chart(
            "Differences in accuracy",
            f"Percentage points, {n_arms}, 95 % intervals. Filled: the interval excludes 0. "
            f"Shaded: the margin of ±{100 * margin:g} points.",
            forest,
        ),
        "pairs": tables.pair_table(pairs, differences, images),
        "differences": tables.difference_table(pairs, differences),
        "curve_charts": _curve_charts(matrix, differences, images),
        "confusions": [
            tables.confusion_table(
                f"Calls of {ARM_NAMES[arm]} on real HR{pooled}",
                _classes_table(f"confusion_{arm}"),
                classes,
            )
            for arm in ARM_COLOURS
        ],
        "calibration": tables.calibration_table(_metrics("calibration")),
        "learning_charts": _learning_charts(validation, networks),
        "seen": tables.seen_table(ledger, images),
        "gap": tables.gap_table(ledger["generator"]),
        "cost": tables.cost_table(training, generators),
        "pictures": {
            name: _picture(name, description)
            for name, description in {
                "lr_hr": "Training images as LR, enlarged pixel by pixel, beside HR",
                "sr_samples": "Test images: LR, bicubic, SRResNet, SRGAN and HR",
                "snapshots": "Validation images as the generator made them after some epochs",
                "transformed": "Training images as they are, augmented and normalised",
                "predictions_a": "Test images with what A says of them; errors are framed",
                "predictions_b": "The same test images with what B says of them",
            }.items()
        },
    }


def page(
    arms: Sequence[str],
    classes: Sequence[str],
    trained_on: Mapping[str, str],
    margin: float,
    synthetic: bool,
) -> str:
    """The report as HTML, under 5 MB.

    Args:
        arms: that were trained, in the order of `predictions.ARMS`.
        classes: names of class 0 and 1.
        trained_on: arm to what it was trained on, in words.
        margin: of equivalence, in (0, 1).
        synthetic: whether the images are rendered.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("srgan_ab.evaluation", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    context = _context(arms, classes, trained_on, margin, synthetic)
    return environment.get_template("report.html.jinja").render(context)
