"""The whole comparison on one page that needs nothing else: `plots/report.html`.

Every number is read from what other stages wrote to `metrics/` and `plots/`; none is computed from
images or networks here. The page loads nothing, and its bytes depend on those files alone.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import jinja2
import pandas as pd
from markdown_it import MarkdownIt
from PIL import Image

from srgan_ab.common import paths
from srgan_ab.common.arms import ARM_NAMES, DOMAINS, chosen_arms, trained_on
from srgan_ab.common.files import read_csv, read_metrics, sha256, whole
from srgan_ab.common.schema import Params
from srgan_ab.reporting import charts, findings, image_tables, report_charts, tables
from srgan_ab.reporting.report_charts import ARM_COLOURS, Chart
from srgan_ab.reporting.sheets import layout
from srgan_ab.statistics.advice import ENLARGED
from srgan_ab.statistics.significance import pairs_of
from srgan_ab.statistics.verdict import is_declared, outcomes


@dataclass(frozen=True)
class Picture:
    """An image of `plots/` as a data URI, its size in pixels, and what it shows.

    `sheet` says where its cells are, if two versions in one row are worth a comparison.
    """

    name: str
    description: str
    uri: str
    width: int
    height: int
    sheet: dict | None = None


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


def _samples(versions: Sequence[str], side: int) -> Picture:
    """`plots/sr_samples.png`, in which each row is one image in these versions."""
    middle = ", ".join(versions[1:-1])
    picture = _picture("sr_samples", f"Test images: {versions[0]}, {middle} and {versions[-1]}")
    found = layout((picture.width, picture.height), versions, side)
    return replace(picture, sheet=found and asdict(found))


def _verdict() -> dict[str, str]:
    """`metrics/verdict.md` as HTML: the answer, what it rests on, and the tests behind it."""
    path = paths.METRICS / "verdict.md"
    with whole(path):
        text = path.read_text(encoding="utf-8")
    summary, heading, tests = text.partition("\n## ")
    _, _, below_title = summary.partition("\n\n")
    answer, _, basis = below_title.partition("\n\n")
    render = MarkdownIt("commonmark", {"html": False}).render
    return {"answer": render(answer), "basis": render(basis), "tests": render(heading + tests)}


def _run(params: Params) -> dict:
    """What was run, by params that the stage depends on; the same on every machine."""
    return {
        "classes": params.data.classes,
        "source": params.data.source,
        "synthetic": params.data.source == "synthetic",
        "seed": params.seed,
        "hr": params.images.hr,
        "lr": params.images.hr // params.images.scale,
        "scale": params.images.scale,
        "margin": f"{100 * params.compare.margin:g}",
        "digest": sha256(paths.METRICS / "comparison.json"),
    }


def _findings(
    matrix: Mapping[str, Mapping], differences: Mapping[str, Mapping], params: Params, networks: str
) -> dict:
    """What was found: words, and the charts and tables on which of the classifiers differ."""
    images, margin, classes = matrix["a"]["hr"]["n"], params.compare.margin, params.data.classes
    pairs, images_of = pairs_of(matrix), trained_on(params.b.images)
    one_class = findings.one_class(matrix, classes)
    constant = [item.subject for item in one_class]
    results = outcomes({pair: differences[pair]["accuracy"] for pair in pairs}, margin, constant)
    n_arms = f"n = {images:,} test images, {networks}"
    hollow = " Hollow: nearly all images are called one class." if constant else ""
    sizes = (params.images.hr, params.images.hr // params.images.scale)
    return {
        "at_a_glance": findings.at_a_glance(matrix, images_of, sizes),
        "largest": findings.largest_finding(results, differences, margin, images),
        "one_class": one_class,
        "one_class_calls": tables.one_class_table(matrix, constant, classes),
        "empty": findings.empty_comparisons(results, differences),
        "accuracies": Chart(
            "Accuracy of every classifier on every version of the test images",
            f"{n_arms}, 95 % intervals.{hollow}",
            charts.accuracies("Accuracy of every classifier", matrix, images_of, constant),
        ),
        "forest": Chart(
            "Differences in accuracy",
            f"Percentage points, {n_arms}, 95 % intervals. Filled circle: the interval excludes 0, "
            "and p, adjusted if declared, is at most 0.05. Filled square: equal within the margin "
            f"of ±{100 * margin:g} points, which is shaded. Hollow: undecided. Cross: not "
            "comparable, as both call nearly all images one class.",
            charts.forest(
                "Differences in accuracy, with 95 % intervals", pairs, differences, results, margin
            ),
        ),
        "family": sum(is_declared(differences[name]["accuracy"]) for name in pairs),
        "pairs": tables.pair_table(pairs, differences, results, images),
        "agreement": tables.agreement_table(pairs, _metrics("agreement", *pairs), images),
        "differences": tables.difference_table(pairs, differences, images),
    }


def _context(params: Params) -> dict:
    """All that the template shows."""
    arms, classes = chosen_arms(params.controls), params.data.classes
    images_of = trained_on(params.b.images)
    matrix, differences = _metrics("matrix", *arms), _metrics("comparison", *pairs_of(arms))
    quality, generators = _metrics("sr", "test"), _metrics("train_srgan", "n_train", "n_val")
    ledger = _metrics("ledger", "arms", "accuracy", "generator")
    alone = {name: _metrics(f"train_{name}") for name in ("perceptual", "task_sr")}
    split = _metrics("split")
    training = {arm: _metrics(f"train_{arm}") for arm in arms}
    images = matrix["a"]["hr"]["n"]
    enlarged = [DOMAINS[d] for d in ENLARGED if d in matrix["a"]]
    replicates = len(matrix["a"]["hr"]["accuracy_of_replicates"])
    networks = "one network per arm" if replicates == 1 else f"mean of {replicates} networks"
    pooled = "" if replicates == 1 else f", {replicates} networks pooled"
    histories = report_charts.generator_histories()
    validation = {arm: training[arm]["n_val"] for arm in ARM_COLOURS}
    return {
        **_verdict(),
        **_run(params),
        **_findings(matrix, differences, params, networks),
        "trained_on": {ARM_NAMES[arm]: images_of[arm] for arm in arms},
        "images": images,
        "versions": len(matrix["a"]),
        "replicates": replicates,
        "networks": networks,
        "left_out": [name for arm, name in ARM_NAMES.items() if arm not in arms],
        "lpips": quality["test"]["srgan"]["lpips"] is not None,
        "groups": split,
        "ledger": ledger,
        "splits": image_tables.split_table(split, classes),
        "rejects": image_tables.reject_table(_metrics("data")),
        "quality": image_tables.quality_table(
            f"Image quality, means over n = {images:,} test images", quality["test"]
        ),
        "benchmarks": [
            image_tables.quality_table(
                f"Image quality on {name}, means over n = {methods['bicubic']['n']:,} pictures",
                methods,
            )
            for name, methods in _metrics("benchmarks").items()
        ],
        "quality_charts": report_charts.quality_charts(histories, generators["n_val"]),
        "health_charts": report_charts.health_charts(histories["srgan"], generators["n_train"]),
        "matrix": tables.matrix_table(matrix, images_of),
        "advice": tables.advice_table(matrix),
        "scores": tables.score_table(matrix),
        "by_network": tables.replicate_table(matrix, images) if replicates > 1 else None,
        "curve_charts": report_charts.curve_charts(matrix, differences, split, classes[1]),
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
        "gap": image_tables.gap_table(ledger["generator"]),
        "cost": image_tables.cost_table(training, generators, alone),
        "samples": _samples(["LR", *enlarged, "HR"], params.images.hr),
        "pictures": {
            name: _picture(name, description)
            for name, description in {
                "lr_hr": "Training images as LR, enlarged pixel by pixel, beside HR",
                "snapshots": "Validation images as the generator made them after some epochs",
                "transformed": "Training images as they are, augmented and normalised",
                "rescued": "Test images that A reads far better or worse by SRGAN than by bicubic",
                "predictions_a": "Test images with what A says of them; errors are framed",
                "predictions_b": "The same test images with what B says of them",
            }.items()
        },
    }


def page(params: Params) -> str:
    """The report as HTML, under 5 MB."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("srgan_ab.reporting", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.jinja").render(_context(params))
