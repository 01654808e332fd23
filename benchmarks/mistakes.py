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
from comparing import RESAMPLES, above, accuracy
from repeats import MISTAKES, PUBLISHED_ARMS, RESULTS, Run, repeated
from sklearn.metrics import roc_auc_score

from srgan_ab.common.errors import UserError
from srgan_ab.common.files import read_metrics, write_metrics
from srgan_ab.common.packs import open_pack
from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.predictions import Predictions

COLUMNS = (
    "| mistake | of | right | with it | effect (95 % interval); each network |\n"
    "|---|---|---|---|---|"
)

PUBLICATIONS = ("Siddiky", "xuy50")
EVERY = MISTAKES | PUBLISHED_ARMS

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)


@app.command()
def run(names: Annotated[list[str] | None, typer.Argument(help="Of mistakes.")] = None) -> None:
    """Make mistakes, those that have no result yet."""
    here = _run()
    for name in names or EVERY:
        if name not in EVERY:
            raise UserError(f"{name} is no mistake of these: {', '.join(EVERY)}")
        if names or not (RESULTS / f"{name}.json").exists():
            typer.echo(f"{name}: {EVERY[name].says}")
            probabilities = repeated(here, EVERY[name])
            write_metrics(RESULTS / f"{name}.json", {"probabilities": probabilities.tolist()})


@app.command()
def table() -> None:
    """Print what each mistake that was made is worth."""
    params = _run().params
    made = Predictions.load(paths.PREDICTIONS, params.data.classes, None, None)
    wrong = {
        (name, "hr"): np.array(read_metrics(file, "probabilities")["probabilities"])
        for name in EVERY
        if (file := RESULTS / f"{name}.json").exists()
    }
    predictions = Predictions.of(open_pack("test"), made.probabilities | wrong)
    typer.echo(COLUMNS)
    for name, _ in wrong:
        if name in MISTAKES:
            typer.echo(_row(predictions, name, params.seed))
    typer.echo(_another_test_set(predictions, params.seed))
    typer.echo(_from_decisions(predictions))
    typer.echo("\n| all at once | A | B | B − A (95 % interval); each network |\n|---|---|---|---|")
    pairs = {"as it should be": ("a", "b")}
    pairs |= {name: (f"{name.lower()}_a", f"{name.lower()}_b") for name in PUBLICATIONS}
    for name, (a, b) in pairs.items():
        if {(a, "hr"), (b, "hr")} <= predictions.probabilities.keys():
            cells = name, *_compared(predictions, a, b, params.seed)
            typer.echo(f"| {' | '.join(cells)} |")


def _run() -> Run:
    run = Run.here()
    if run.params.b.images != "sr":
        raise UserError("b.images: the mistakes are those of a B on SR images alone: set sr")
    return run


def _row(predictions: Predictions, name: str, seed: int) -> str:
    mistake = MISTAKES[name]
    cells = mistake.says, mistake.arm.upper(), *_compared(predictions, mistake.arm, name, seed)
    return f"| {' | '.join(cells)} |"


def _compared(predictions: Predictions, first: str, second: str, seed: int) -> list[str]:
    """Accuracies of two arms on real HR images, and how far the second is above the first."""
    subjects = (first, "hr"), (second, "hr")
    cells = [accuracy(predictions, subject) for subject in subjects]
    return [*cells, above(predictions, subjects[1], subjects[0], seed)]


def _another_test_set(predictions: Predictions, seed: int) -> str:
    """How far B − A moves by luck when each is asked about another half of the test images."""
    a, b = (
        ((predictions.probabilities[arm, "hr"] >= THRESHOLD) == predictions.labels).mean(0)
        for arm in ("a", "b")
    )
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
