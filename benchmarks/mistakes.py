"""What each mistake of published versions of this experiment is worth, in points of accuracy.

    python benchmarks/mistakes.py run          # each mistake that has no result yet
    python benchmarks/mistakes.py run jpeg     # this one
    python benchmarks/mistakes.py table        # the results as Markdown

It starts from a finished run in the current folder, whose arms A and B are right, with `b.images:
sr`. One thing at a time is done wrong; images, split, first weights and the number of updates stay.
Results go to mistakes/<name>.json; docs/mistakes.md says who made each.
"""

import sys
from typing import Annotated

from srgan_ab.common import paths, portable

portable.pin(paths.PARAMS)  # before anything loads NumPy or torch, as stages do

# ruff: noqa: E402
import numpy as np
import typer
from repeats import MISTAKES, RESULTS, Run, repeated
from sklearn.metrics import roc_auc_score

from srgan_ab.common.errors import UserError
from srgan_ab.common.files import read_metrics, write_metrics
from srgan_ab.common.packs import open_pack
from srgan_ab.statistics.bootstrap import bootstrap
from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.predictions import Predictions
from srgan_ab.statistics.significance import difference

RESAMPLES = 10_000
COLUMNS = "| mistake | of | right | with it | effect (95 % interval) |\n|---|---|---|---|---|"

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)


@app.command()
def run(names: Annotated[list[str] | None, typer.Argument(help="Of mistakes.")] = None) -> None:
    """Make mistakes, those that have no result yet."""
    here = Run.here()
    for name in names or MISTAKES:
        if name not in MISTAKES:
            raise UserError(f"{name} is no mistake of these: {', '.join(MISTAKES)}")
        if names or not (RESULTS / f"{name}.json").exists():
            typer.echo(f"{name}: {MISTAKES[name].says}")
            probabilities = repeated(here, MISTAKES[name])
            write_metrics(RESULTS / f"{name}.json", {"probabilities": probabilities.tolist()})


@app.command()
def table() -> None:
    """Print what each mistake that was made is worth."""
    params = Run.here().params
    made = Predictions.load(paths.PREDICTIONS, params.data.classes, None, None)
    wrong = {
        (name, "hr"): np.array(read_metrics(file, "probabilities")["probabilities"])
        for name in MISTAKES
        if (file := RESULTS / f"{name}.json").exists()
    }
    predictions = Predictions.of(open_pack("test"), made.probabilities | wrong)
    typer.echo(COLUMNS)
    for name, _ in wrong:
        typer.echo(_row(predictions, name, params.seed))
    typer.echo(_another_test_set(predictions, params.seed))
    typer.echo(_from_decisions(predictions))


def _right(predictions: Predictions, arm: str) -> np.ndarray:
    """Whether each network is right about each real HR image: (replicates, N)."""
    return (predictions.probabilities[arm, "hr"] >= THRESHOLD) == predictions.labels


def _row(predictions: Predictions, name: str, seed: int) -> str:
    mistake = MISTAKES[name]
    wrong, right = (name, "hr"), (mistake.arm, "hr")
    samples = bootstrap(predictions, [wrong, right], RESAMPLES, seed)
    found = difference(predictions, samples, wrong, right, 0.005, seed)["accuracy"]
    effect, low, high = (f"{100 * found[key]:+.1f}" for key in ("difference", "low", "high"))
    before, after = (100 * _right(predictions, arm).mean() for arm in (mistake.arm, name))
    cells = (mistake.says, mistake.arm.upper(), f"{before:.1f}", f"{after:.1f}")
    return f"| {' | '.join(cells)} | **{effect}** ({low} to {high}) |"


def _another_test_set(predictions: Predictions, seed: int) -> str:
    """How far B − A moves by luck when each is asked about another half of the test images."""
    a, b = (_right(predictions, arm).mean(0) for arm in ("a", "b"))
    random, half = np.random.default_rng(seed), len(a) // 2
    together, apart = np.empty((2, RESAMPLES))
    for n in range(RESAMPLES):
        order = random.permutation(len(a))
        first, second = order[:half], order[half : 2 * half]
        together[n] = b[first].mean() - a[first].mean()
        apart[n] = b[second].mean() - a[first].mean()
    one, two = (50 * np.subtract(*np.percentile(x, (97.5, 2.5))) for x in (together, apart))
    says = "A and B tested on different halves of the test images, not on the same one"
    return f"| {says} | B − A | ±{one:.1f} by luck | ±{two:.1f} by luck | none on average |"


def _from_decisions(predictions: Predictions) -> str:
    """ROC-AUC of decisions in place of probabilities."""
    rows = predictions.probabilities["a", "hr"]
    right, wrong = (
        100 * np.mean([roc_auc_score(predictions.labels, row) for row in asked])
        for asked in (rows, rows >= THRESHOLD)
    )
    says = "ROC-AUC of decisions, not of probabilities"
    return f"| {says} | A | {right:.1f} | {wrong:.1f} | **{wrong - right:+.1f}** of ROC-AUC |"


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        sys.exit(f"mistakes: {error}")
