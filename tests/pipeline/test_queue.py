"""Many runs: two experiments of a queue at once, and the tasks of a SLURM array."""

import re
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.long]
MINUTES = 30  # beside other tests


@pytest.fixture
def copy(project, tmp_path):
    clone = project.clone(tmp_path / "copy", cached=True)
    clone.dvc("checkout", "--quiet")
    return clone


def study(copy) -> pd.DataFrame:
    copy.make("study")
    table = pd.read_csv(copy.root / "study/study.csv", keep_default_na=False)
    return table.set_index("experiment")


def test_two_experiments_run_at_once_and_both_end(copy):
    copy.shell(
        "dvc exp run --queue -n fraction -S b.per_class=20,60 -S runtime.threads=1",
        {"20,60": "5,7"},  # of which the cache, that other tests fill too, knows nothing
    )
    assert re.search(r"Started '2' .*workers", copy.shell("dvc queue start --jobs 2"))
    deadline = time.monotonic() + 60 * MINUTES
    while re.search(r"Queued|Running", status := copy.dvc("queue", "status")):
        assert time.monotonic() < deadline, status
        time.sleep(1)
    assert status.count("Success") == 2, status
    said = [copy.dvc("queue", "logs", f"fraction-{n}") for n in (1, 2)]
    for text in said:
        assert "train_b: " in text and "train_a: " not in text  # that is the committed run's
    assert study(copy)["b.per_class"].to_dict() | {"main": ""} == {
        "main": "",
        "fraction-1": "5",
        "fraction-2": "7",
    }
    assert copy.run("git", "status", "--porcelain") == ""


def test_tasks_of_an_array_hand_their_experiments_back(copy, tmp_path):
    (copy.root / ".venv/bin").mkdir(parents=True)
    dvc = copy.root / ".venv/bin/dvc"
    dvc.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dvc "$@"\n')
    dvc.chmod(0o755)
    (tmp_path / "scratch").mkdir()
    copy.environment |= {
        "SLURM_SUBMIT_DIR": str(copy.root),
        "TMPDIR": str(tmp_path / "scratch"),
        **{f"GIT_{who}_{what}": "t@localhost" for who in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    script = tmp_path / "spool"  # where SLURM copies it to
    script.write_bytes((copy.root / "tools/study.sbatch").read_bytes())
    for task in ("2", "3"):
        copy.environment["SLURM_ARRAY_TASK_ID"] = task
        said = copy.run("bash", str(script), "b.per_class")
        assert "train_b: " in said and "train_a: " not in said
    assert not list((tmp_path / "scratch").glob("tmp*"))  # the clones
    table = study(copy)
    assert table["b.per_class"].to_dict() == {"main": "null", "task-2": "2", "task-3": "3"}
    assert copy.run("git", "status", "--porcelain") == ""
    assert "usage: sbatch" in copy.run("bash", str(script), code=1)
    assert Path(copy.root / "data/test").is_dir()
