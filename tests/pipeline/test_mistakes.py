"""The commands of docs/mistakes.md, on the small run."""

import json

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.long]

RIGHT = """
import sys
sys.path[:0] = ["benchmarks"]
import mistakes, numpy as np
from repeats import Mistake, Run, repeated
from srgan_ab.common import paths
from srgan_ab.statistics.predictions import Predictions
run = Run.here()
made = Predictions.load(paths.PREDICTIONS, run.params.data.classes, None, None).probabilities
for arm in ("a", "b"):
    again = repeated(run, Mistake(arm, "none", seen=lambda run, right: right))
    np.testing.assert_array_equal(again, made[arm, "hr"])
"""


def test_every_mistake_is_made_and_has_its_row(project, tmp_path):
    clone = project.clone(tmp_path / "mistakes", cached=True)
    clone.dvc("checkout", "--quiet")
    said = clone.shell("python benchmarks/mistakes.py run")
    made = {file.stem for file in (clone.root / "mistakes").glob("*.json")}
    assert len(made) == 10 + 2 * 2 and all(f"{name}: " in said for name in made)
    test = json.loads((clone.root / "metrics/a.json").read_text())["n"]
    for name in made:
        (row,) = json.loads((clone.root / f"mistakes/{name}.json").read_text())["probabilities"]
        assert len(row) == test and all(0 <= chance <= 1 for chance in row)
    assert (clone.root / "mistakes/generator/models/srgan/generator.safetensors").is_file()

    rows = clone.shell("python benchmarks/mistakes.py table").splitlines()
    rows = [row for row in rows if row.startswith("| ")]
    assert len(rows) == 1 + 10 + 2 + 1 + 3  # two tables, and the pairs without a mistake
    assert clone.run("git", "status", "--short") == ""

    # what has a result is not made again, but for what is named
    assert clone.shell("python benchmarks/mistakes.py run").strip() == ""
    clone.run("python", "-c", RIGHT)  # without a mistake, an arm is itself
    refused = clone.run("python", "benchmarks/mistakes.py", "run", "none", code=1)
    assert refused.startswith("mistakes: none is no mistake of these: standardised")
