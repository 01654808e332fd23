"""Runs by several seeds side by side, without DVC, and what is made of them together."""

import json
import sys
import tarfile
from itertools import pairwise

import pandas as pd
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def copy(project, tmp_path):
    return project.clone(tmp_path / "copy", cached=True)


def several(copy, folder) -> set[str]:
    """Two of the runs, and which stages ran."""
    places = {"FOLDER": str(folder), "1 2 3 4": "1 2"}
    copy.environment["PYTHON"] = sys.executable
    said = copy.shell("tools/several_runs.sh FOLDER 1 2 3 4", places)
    return {" ".join(line.split()[:2]) for line in said.splitlines() if " after " in line}


def test_runs_differ_in_their_seeds_alone_go_on_and_are_pooled(copy, tmp_path):
    folder = tmp_path / "runs"
    ran = several(copy, folder)
    assert {"1 check", "1 split", "1 train_srgan", "2 train_srgan", "2 evaluate"} <= ran
    assert not ran & {"2 check", "2 download", "2 split", "2 downscale"}  # the first run's
    assert len(ran) == 4 + 2 * 13
    assert several(copy, folder) == set()  # all is done

    stopped = "train_b", "train_controls@c", "evaluate"
    for name in stopped:  # as if it had been stopped there
        (folder / f"2/metrics/provenance/{name}.json").unlink()
    copy.environment["JOBS"] = "1"
    assert several(copy, folder) == {f"2 {name}" for name in stopped}
    for before, after in pairwise(folder / f"2/metrics/provenance/{name}.json" for name in stopped):
        began = after.stat().st_mtime - json.loads(after.read_text())["seconds"]
        assert began > before.stat().st_mtime - 0.5  # one after the other

    tables = {}
    for seed in ("1", "2"):
        with tarfile.open(folder / f"results_{seed}.tar.xz") as packed:
            packed.extractall(tmp_path / seed, filter="data")
        tables[seed] = pd.read_csv(tmp_path / seed / "data/predictions.csv")
    first, second = tables.values()
    images = ["id", "label", "arm", "domain", "replicate"]
    assert first[images].equals(second[images])
    for arm in ("a", "b", "c"):
        rows = [table[table["arm"] == arm]["probability"].to_numpy() for table in tables.values()]
        assert (rows[0] != rows[1]).any(), arm

    runs = [str(tmp_path / seed / "data/predictions.csv") for seed in tables]
    copy.run(sys.executable, "tools/pool.py", *runs, "--output", str(tmp_path / "pooled"))
    assert "B on real HR" in (tmp_path / "pooled/pooled.md").read_text()


def test_seeds_of_its_own_are_refused(copy, tmp_path):
    with copy.edited("params.yaml", copy.params_with({"srgan.seed": 5})):
        said = copy.run("tools/several_runs.sh", str(tmp_path / "runs"), "1", "2", code=1)
    assert "set both to null" in said
    assert not list((tmp_path / "runs").iterdir())


def test_a_folder_with_runs_of_other_params_is_refused(copy, tmp_path):
    (tmp_path / "runs/1").mkdir(parents=True)
    (tmp_path / "runs/1/params.yaml").write_text("seed: 9\n")
    said = copy.run("tools/several_runs.sh", str(tmp_path / "runs"), "1", "2", code=1)
    assert "a run of other params" in said
