"""The checkout that the tests belong to, the params they use, and what was committed.

What a user or the pipeline writes into the checkout is no test's business, and `conftest.py` lets
none open it: tests use a frozen copy of the default params, and what speaks of the committed run
reads that from git.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PARAMS = ROOT / "tests/params.yaml"
DOCUMENTED = ROOT / "tests/documented.yaml"
MADE = ("params.yaml", "dvc.lock", "inputs", "data", "models", "metrics", "plots")
NOTES = (  # of tools/note_inputs.py
    *("inputs/download.json", "inputs/benchmark.json"),
    "inputs/train_srgan.json",
)
CODE = ("src", "stages", "tools", "presets", "tests", "benchmarks")


def default_params() -> dict:
    """The frozen params, decoded anew at each call."""
    return yaml.safe_load(PARAMS.read_text(encoding="utf-8"))


def _git(*arguments: str) -> subprocess.CompletedProcess:
    """Run git on the checkout, without the variables of a hook, which may name another one."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def nothing_outside(target: Path) -> None:
    """Write what tools/note_inputs.py does where params name nothing outside the project."""
    (target / "inputs").mkdir(parents=True, exist_ok=True)
    for name in NOTES:
        (target / name).write_text("{}\n")


def copy_checkout(target: Path) -> None:
    """Copy the files of the checkout as they are, new code too, without what the pipeline makes."""
    old = _git("ls-files", "-z")
    new = _git("ls-files", "-z", "--others", "--exclude-standard", *CODE)
    if old.returncode:
        pytest.skip("which files belong to the project is not known: this is no git checkout")
    for name in filter(None, (old.stdout + new.stdout).split("\0")):
        if name.split("/")[0] not in MADE and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    nothing_outside(target)


def committed(path: str) -> str:
    """Text of a file in HEAD; without a git checkout the calling test is skipped."""
    try:
        top = _git("rev-parse", "--show-toplevel")
    except FileNotFoundError:
        pytest.skip("what was committed is not known: there is no git here")
    if top.returncode or Path(top.stdout.rstrip("\n")).resolve() != ROOT:
        pytest.skip("what was committed is not known: this is no git checkout of the project")
    shown = _git("show", f"HEAD:{path}")
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def committed_run(path: str) -> str:
    """`committed`, for results that README, docs and notebook speak of.

    Who has committed a run of other params has other results than these documents: skipped too.
    """
    documented = DOCUMENTED.read_text(encoding="utf-8")
    experiments = [yaml.safe_load(text) for text in (committed("params.yaml"), documented)]
    for params in experiments:
        del params["runtime"]  # where it ran changes no result
    if experiments[0] != experiments[1]:
        pytest.skip("the committed run is of other params than README and notebook speak of")
    return committed(path)


def build_wheel(project: Path) -> Path:
    """The wheel of a project, in its folder."""
    build = "from setuptools import build_meta; build_meta.build_wheel('.')"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=project, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = project.glob("*.whl")
    return wheel


def memory_growth(code: str) -> int:
    """Bytes by which a program's peak grew from the first to the last call of its `peak()`."""
    around = """
import resource, sys
peaks = []
def peak():
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    tell = "\nprint((peaks[-1] - peaks[0]) * (1024 if sys.platform == 'linux' else 1))\n"
    done = subprocess.run(
        [sys.executable, "-c", around + code + tell],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return int(done.stdout)
