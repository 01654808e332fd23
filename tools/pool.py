"""Take several runs together, each with a generator and networks of its own.

    python tools/pool.py runs/1.csv runs/2.csv.xz runs/3.csv --output pooled

Reads `data/predictions.csv` of runs on the same split; writes to the folder `pooled.json`, every
number; `networks.csv`, every score of every network; `pooled.md`, the tests in words; `pooled.png`,
accuracies. What `src/srgan_ab/statistics/pooled.py` computes, docs/statistics.md explains.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from pool_views import figure, in_words  # noqa: E402
from srgan_ab.common.errors import UserError  # noqa: E402
from srgan_ab.common.files import write_csv, write_metrics, write_text  # noqa: E402
from srgan_ab.common.params import load  # noqa: E402
from srgan_ab.reporting.figures import save_figure  # noqa: E402
from srgan_ab.statistics.classification import scores  # noqa: E402
from srgan_ab.statistics.pooled import (  # noqa: E402
    check_runs,
    pooled_accuracies,
    pooled_differences,
)
from srgan_ab.statistics.predictions import Predictions  # noqa: E402
from srgan_ab.statistics.significance import PAIRS  # noqa: E402


def options() -> argparse.Namespace:
    """Of the command line; what is not given is that of params.yaml.

    Raises:
        UserError: they contradict each other or themselves.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="data/predictions.csv of each run")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--classes", nargs=2, metavar=("NEGATIVE", "POSITIVE"))
    parser.add_argument("--margin", type=float, help="of equivalence: 0.005 is half a point")
    parser.add_argument("--declared", nargs="*", choices=PAIRS, metavar="PAIR", help="the family")
    parser.add_argument("--b-images", choices=("sr", "hr+sr"), help="what B was trained on")
    given = parser.parse_args()
    if None in (given.classes, given.margin, given.declared, given.b_images):
        params = load(ROOT / "params.yaml")
        defaults = {
            "classes": params.data.classes,
            "margin": params.compare.margin,
            "declared": params.compare.declared,
            "b_images": params.b.images,
        }
        for name, value in defaults.items():
            if getattr(given, name) is None:
                setattr(given, name, value)
    if not 0 < given.margin < 1:
        raise UserError(f"--margin is {given.margin:g}: it must lie between 0 and 1")
    for name in ("runs", "declared"):
        if len(set(getattr(given, name))) < len(getattr(given, name)):
            raise UserError(f"of {name} one is named twice: name each once")
    if len(given.classes) != 2:
        raise UserError("data.classes of params.yaml names no two classes: give --classes")
    return given


def each_network(runs: Mapping[str, Predictions]) -> pd.DataFrame:
    """One row per run (1, 2, ... as named), arm, domain and network: all its scores."""
    rows = [
        {"run": number, "arm": arm, "domain": domain, "replicate": replicate}
        | scores(run.labels, row[None])
        for number, run in enumerate(runs.values(), start=1)
        for (arm, domain), of_networks in run.probabilities.items()
        for replicate, row in enumerate(of_networks)
    ]
    return pd.DataFrame(rows)


def pool(given: argparse.Namespace) -> None:
    """Read, compute, write.

    Raises:
        UserError: a file cannot be read, or the runs cannot be taken together.
    """
    runs = {}
    for path in given.runs:
        if not path.is_file():
            raise UserError(f"{path} is missing: name the predictions.csv of a run")
        runs[str(path)] = Predictions.load(path, given.classes, None, None)
    check_runs(runs)
    predictions = [*runs.values()]
    differences = pooled_differences(predictions, given.margin, given.declared)
    accuracies = pooled_accuracies(predictions)
    results = {
        "runs": [*runs],
        "networks": predictions[0].replicates,
        "images": len(predictions[0].labels),
        "margin": given.margin,
        "differences": differences,
        "accuracies": accuracies,
    }
    write_csv(given.output / "networks.csv", each_network(runs))
    write_text(given.output / "pooled.md", in_words(results, given.b_images))
    save_figure(figure(accuracies, given.b_images), given.output / "pooled.png")
    write_metrics(given.output / "pooled.json", results)


def main() -> None:
    """Say in one sentence what does not work."""
    try:
        given = options()
        pool(given)
    except UserError as error:
        sys.exit(f"pool: {error}")
    print(f"pool: wrote pooled.md, .json, .png and networks.csv to {given.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
