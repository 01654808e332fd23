"""The whole comparison on one page that needs nothing else: `plots/report.html`.

Every number is read from what other stages wrote to `metrics/` and `plots/`; none is computed from
images or networks here. The page loads nothing, and its bytes depend on those files alone.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2
import pandas as pd
from markdown_it import MarkdownIt
from PIL import Image

from srgan_ab.common import paths
from srgan_ab.common.arms import ARM_NAMES, DOMAINS
from srgan_ab.common.files import read_csv, read_metrics, whole
from srgan_ab.reporting import charts, report_charts, tables
from srgan_ab.reporting.cells import points
from srgan_ab.reporting.report_charts import ARM_COLOURS, Chart
from srgan_ab.statistics.significance import pairs_of
from srgan_ab.statistics.verdict import is_declared


@dataclass(frozen=True)
class Picture:
    """An image of `plots/` as a data URI, its size in pixels, and what it shows."""

    name: str
    description: str
    uri: str
    width: int
    height: int


def _metrics(name: str, *required: str) -> dict:
    return read_metrics(paths.METRICS / f"{name}.json", *required)


def _calls(arm: str, rows: int) -> pd.DataFrame:
    """What each image shows and what it was called: names of classes, which may be "1" or "NA"."""
    columns: dict[str, type] = {"actual": str, "predicted": str}
    return read_csv(paths.PLOTS / f"confusion_{arm}.csv", columns, rows)


def _picture(name: str, description: str) -> Picture:
    """As JPEG without colour subsampling, a third of the PNG's bytes."""
    path, stream = paths.PLOTS / f"{name}.png", io.BytesIO()
    with whole(path):
        try:
            with Image.open(path) as image:
                pixels = image.convert("RGB")
        except (OSError, SyntaxError) as error:  # of a damaged file
            if getattr(error, "errno", None):
                raise  # of the disk
            raise ValueError(error) from None
    pixels.save(stream, "JPEG", quality=90, subsampling=0, optimize=True)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    uri = f"data:image/jpeg;base64,{data}"
    return Picture(f"plots/{name}.png", description, uri, *pixels.size)


def _verdict() -> tuple[str, str]:
    """`metrics/verdict.md` as HTML: the answer without its title, and the tests behind it."""
    path = paths.METRICS / "verdict.md"
    with whole(path):
        text = path.read_text(encoding="utf-8")
    answer, heading, tests = text.partition("\n## ")
    render = MarkdownIt("commonmark", {"html": False}).render
    return render(answer.partition("\n")[2]), render(heading + tests)


def _at_a_glance(matrix: Mapping[str, Mapping], images: int) -> str:
    """What a newcomer should see first: how right A, B and C are, and about which images."""

    def right(arm: str, domain: str) -> str:
        return f"{points(matrix[arm][domain]['accuracy'], images).text} %"

    sentence = (
        f"A, trained on real images, calls {right('a', 'hr')} of real ones rightly, but "
        f"{right('a', 'sr')} of the same images after they were made small and enlarged by SRGAN, "
        f"and {right('a', 'bicubic')} if enlarged by bicubic interpolation. B, trained on SRGAN's "
        f"images, calls {right('b', 'hr')} of real images rightly and {right('b', 'sr')} of "
        "SRGAN's"
    )
    if "c" not in matrix:
        return f"{sentence}."
    return (
        f"{sentence}; C, trained on bicubic ones, {right('c', 'hr')} of real images and "
        f"{right('c', 'bicubic')} of bicubic ones."
    )


def _context(
    arms: Sequence[str],
    classes: Sequence[str],
    trained_on: Mapping[str, str],
    margin: float,
    synthetic: bool,
) -> dict:
    """All that the template shows."""
    pairs = pairs_of(arms)
    matrix, differences = _metrics("matrix", *arms), _metrics("comparison", *pairs)
    quality, generators = _metrics("sr", "test"), _metrics("train_srgan", "n_train", "n_val")
    ledger = _metrics("ledger", "arms", "accuracy", "generator")
    perceptual = _metrics("train_perceptual")
    training = {arm: _metrics(f"train_{arm}") for arm in arms}
    images = matrix["a"]["hr"]["n"]
    enlarged = [DOMAINS[d] for d in ("bicubic", "srresnet", "perceptual", "sr") if d in matrix["a"]]
    replicates = len(matrix["a"]["hr"]["accuracy_of_replicates"])
    networks = "one network per arm" if replicates == 1 else f"mean of {replicates} networks"
    pooled = "" if replicates == 1 else f", {replicates} networks pooled"
    histories = report_charts.generator_histories()
    validation = {arm: training[arm]["n_val"] for arm in ARM_COLOURS}
    n_arms = f"n = {images:,} test images, {networks}"
    answer, tests = _verdict()
    forest = charts.forest(
        "Differences in accuracy, with 95 % intervals", pairs, differences, margin
    )
    return {
        "answer": answer,
        "tests": tests,
        "at_a_glance": _at_a_glance(matrix, images),
        "trained_on": {ARM_NAMES[arm]: trained_on[arm] for arm in arms},
        "accuracies": Chart(
            "Accuracy of every classifier on every version of the test images",
            f"Accuracy, {n_arms}, 95 % intervals.",
            charts.accuracies("Accuracy of every classifier", matrix, trained_on),
        ),
        "images": images,
        "versions": len(matrix["a"]),
        "replicates": replicates,
        "networks": networks,
        "synthetic": synthetic,
        "margin": f"{100 * margin:g}",
        "left_out": [name for arm, name in ARM_NAMES.items() if arm not in arms],
        "family": sum(is_declared(differences[name]["accuracy"]) for name in pairs),
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
        "quality_charts": report_charts.quality_charts(histories, generators["n_val"]),
        "health_charts": report_charts.health_charts(histories["srgan"], generators["n_train"]),
        "matrix": tables.matrix_table(matrix, trained_on),
        "scores": tables.score_table(matrix),
        "by_network": tables.replicate_table(matrix, images) if replicates > 1 else None,
        "forest": Chart(
            "Differences in accuracy",
            f"Percentage points, {n_arms}, 95 % intervals. Filled: the interval excludes 0, and p, "
            "adjusted if declared, is at most 0.05. "
            f"Shaded: the margin of ±{100 * margin:g} points.",
            forest,
        ),
        "pairs": tables.pair_table(pairs, differences, images),
        "differences": tables.difference_table(pairs, differences),
        "curve_charts": report_charts.curve_charts(matrix, differences, images),
        "confusions": [
            tables.confusion_table(
                f"Calls of {ARM_NAMES[arm]} on real HR{pooled}",
                _calls(arm, images * replicates),
                classes,
            )
            for arm in ARM_COLOURS
        ],
        "calibration": tables.calibration_table(_metrics("calibration")),
        "learning_charts": report_charts.learning_charts(validation, networks),
        "seen": tables.seen_table(ledger, images),
        "gap": tables.gap_table(ledger["generator"]),
        "cost": tables.cost_table(training, generators, perceptual),
        "pictures": {
            name: _picture(name, description)
            for name, description in {
                "lr_hr": "Training images as LR, enlarged pixel by pixel, beside HR",
                "sr_samples": f"Test images: LR, {', '.join(enlarged)} and HR",
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
        loader=jinja2.PackageLoader("srgan_ab.reporting", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    context = _context(arms, classes, trained_on, margin, synthetic)
    return environment.get_template("report.html.jinja").render(context)
