"""Gather DVC experiments into one table and one figure, in study/.

    python tools/study.py               # the experiments of HEAD, and HEAD itself
    python tools/study.py -A            # of all commits; or --rev COMMIT, -n COUNT

The options are those by which `dvc exp show` chooses commits. Accuracy is that of every arm on real
HR test images; it and its interval are those of `metrics/matrix.json`, B − A and its interval those
of `metrics/comparison.json`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.common.errors import UserError  # noqa: E402
from srgan_ab.common.files import atomic_file  # noqa: E402
from study_views import DIFFERENCE, each, figure, over_seeds, tabulate  # noqa: E402

OF_NO_INTEREST = ("compare.model", "runtime.")  # change nothing that is shown here


def output_of(*command: str) -> str:
    """Run a command in the project; return what it printed.

    Raises:
        UserError: it failed.
    """
    result = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if result.returncode:
        reason = " ".join(result.stderr.split()) or "it gave no reason"
        raise UserError(f"`{' '.join(command)}` failed: {reason}")
    return result.stdout


def experiments(description: str | None) -> list[dict]:
    """What `dvc exp show --json` says, given the options of the script that asks.

    Args:
        description: of that script, for its `--help`.

    Raises:
        UserError: DVC refused them.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _, options = parser.parse_known_args()
    return json.loads(output_of(sys.executable, "-m", "dvc", "exp", "show", "--json", *options))


def finished(commits: list[dict]) -> list[dict]:
    """Pick finished experiments, and the commits they started from, of `dvc exp show --json`.

    Raises:
        UserError: there is no finished experiment.
    """
    entries, unfinished = [], []
    for commit in commits:
        done = []
        for experiment in commit["experiments"] or []:
            # one that runs shows the metrics of the commit that it started from
            state = (experiment["executor"] or {"state": "success"})["state"]
            revisions = experiment["revs"] or []
            if state == "success" and revisions and has_results(revisions[0]):
                done.append(revisions[0])
            else:
                unfinished.append(f"{experiment['name']} ({state})")
        if done and has_results(commit):
            entries.append(commit)
        entries += reversed(done)  # the newest comes first
    if not entries:
        others = f", only {', '.join(unfinished)}" if unfinished else ""
        raise UserError(
            f"there is no finished experiment here{others}: make some as docs/study.md says, or "
            "look at those of all commits with `python tools/study.py -A`"
        )
    if unfinished:
        print(f"study: left out {', '.join(unfinished)}", file=sys.stderr)
    return entries


def has_results(entry: dict) -> bool:
    """Whether a revision has gone through the stage `compare`."""
    return "metrics/model.json" in ((entry["data"] or {}).get("metrics") or {})


def row(entry: dict, matrix: dict, comparison: dict) -> dict:
    """One experiment as a row: name, params, accuracy and B − A with their intervals.

    Args:
        entry: a revision in the JSON of `dvc exp show`.
        matrix: its `metrics/matrix.json`.
        comparison: its `metrics/comparison.json`.

    Raises:
        UserError: it was compared before `compare` gave accuracies their intervals.
    """
    cells = {"experiment": entry["name"] or entry["rev"][:7]}
    cells |= flat(entry["data"]["params"]["params.yaml"]["data"])
    for arm, domains in matrix.items():
        scores = domains["hr"]
        if "accuracy_low" not in scores:
            raise UserError(
                f"{cells['experiment']} has accuracies without intervals, of an earlier version: "
                "run it again, or leave it out (--rev, -n)"
            )
        cells |= {arm: scores["accuracy"]}
        cells |= {f"{arm}_{end}": scores[f"accuracy_{end}"] for end in ("low", "high")}
    b_minus_a = comparison[DIFFERENCE]["accuracy"]
    ends = {f"{DIFFERENCE}_{end}": b_minus_a[end] for end in ("low", "high")}
    return cells | {DIFFERENCE: b_minus_a["difference"]} | ends


def flat(section: dict, prefix: str = "") -> dict[str, str]:
    """Params as dotted keys and JSON, without those that change nothing shown here."""
    leaves = {}
    for key, value in section.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            leaves |= flat(value, f"{name}.")
        elif not name.startswith(OF_NO_INTEREST):
            leaves[name] = value if isinstance(value, str) else json.dumps(value)
    return leaves


def main() -> None:
    """Write and print the tables, and draw the figure."""
    try:
        rows = []
        for entry in finished(experiments(__doc__)):
            metrics = [
                json.loads(output_of("git", "show", f"{entry['rev']}:metrics/{name}.json"))
                for name in ("matrix", "comparison")
            ]
            rows.append(row(entry, *metrics))
    except UserError as error:
        sys.exit(f"study: {error}")
    table, params = tabulate(rows)
    with atomic_file(ROOT / "study/study.csv") as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", float_format="%.5f")
    with atomic_file(ROOT / "study/study.png") as temporary:
        figure(table, params).savefig(temporary, metadata={"Software": None})
    for view in (each(table, params), over_seeds(table, params)):
        if len(view):
            print(view.to_markdown(index=False, disable_numparse=True), end="\n\n")
    print("study: wrote study/study.csv and study/study.png", file=sys.stderr)


if __name__ == "__main__":
    main()
