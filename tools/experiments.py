"""Show the experiments in one narrow table, where `dvc exp show` has every param and metric.

    python tools/experiments.py         # the workspace, HEAD and the experiments of HEAD
    python tools/experiments.py -A      # of all commits; or --rev COMMIT, -n COUNT, --hide-queued

A row has the params in which experiments differ; accuracy, F1 and ROC-AUC of A and B on real HR
test images; B − A in accuracy; PSNR (RGB), LPIPS and realism of SRGAN's test images. The options
are those by which `dvc exp show` chooses commits.
"""

import sys
from collections.abc import Iterator
from math import nan

import pandas as pd
from tabulate import tabulate

from study import UserError, experiments, flat
from study_views import points


def results(metrics: dict) -> dict[str, str]:
    """What a revision's metrics files say, by the head of the column; a dash for what they lack."""
    scores = {arm: metrics.get(f"metrics/{arm}.json", {}).get("data", {}) for arm in ("a", "b")}
    quality = metrics.get("metrics/sr.json", {}).get("data", {}).get("test", {}).get("srgan", {})
    cells = {}
    for arm, of in scores.items():
        cells[f"{arm.upper()}\naccuracy"] = points(of.get("accuracy", nan))
        cells[f"{arm.upper()}\nF1"] = points(of.get("f1", nan))
        cells[f"{arm.upper()}\nAUC"] = number(of.get("roc_auc"), 3)
    first, second = (scores[arm].get("accuracy", nan) for arm in ("b", "a"))
    return cells | {
        "B − A\npoints": points(first - second, "+"),
        "SRGAN\nPSNR (dB)": number(quality.get("psnr_rgb"), 2),
        "SRGAN\nLPIPS": number(quality.get("lpips"), 3),
        "SRGAN\nrealism": number(quality.get("realism"), 2),
    }


def number(value: float | None, decimals: int) -> str:
    """A number, or a dash where it was not measured."""
    return "–" if value is None else f"{value:.{decimals}f}"


def revisions(commits: list[dict]) -> Iterator[tuple[str, dict]]:
    """Name and data of every revision; what has not finished has the state in its name."""
    for commit in commits:
        revision = commit["rev"] if commit["rev"] == "workspace" else commit["rev"][:7]
        yield commit["name"] or revision, commit["data"] or {}
        for experiment in commit["experiments"] or []:
            name = experiment["name"] or "without a name"
            data = (experiment["revs"] or [{}])[0].get("data") or {}
            state = (experiment["executor"] or {"state": "success"})["state"]
            if state != "success":  # it shows the metrics of the commit that it started from
                name, data = f"{name} ({state})", data | {"metrics": {}}
            yield name, data


def view(commits: list[dict]) -> str:
    """The table, made of what `dvc exp show --json` prints."""
    names, data = zip(*revisions(commits), strict=True)
    files = [(of.get("params") or {}).get("params.yaml", {}) for of in data]
    params = pd.DataFrame([flat(file.get("data", {})) for file in files])
    known = params.dropna(how="all")  # an experiment that failed early has none
    params = params.loc[:, known.nunique(dropna=False) > 1].fillna("–")
    params = params.rename(columns=lambda name: name.replace(".", ".\n"))
    found = pd.DataFrame([results(of.get("metrics") or {}) for of in data])
    table = pd.concat([pd.Series(names, name="experiment"), params, found], axis=1)
    align = ["left"] * (1 + params.shape[1]) + ["right"] * found.shape[1]
    return tabulate(table.to_dict("list"), headers="keys", disable_numparse=True, colalign=align)


def main() -> None:
    """Print the table, or say in one sentence what does not work."""
    try:
        print(view(experiments(__doc__)))
    except UserError as error:
        sys.exit(f"experiments: {error}")


if __name__ == "__main__":
    main()
