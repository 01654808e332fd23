"""The tests themselves: they pass beside any run, in any place, and under any settings."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repository import MADE, ROOT, copy_checkout

READS_THE_CHECKOUT = re.compile(r"\b(ROOT|TOOLS|committed|documented|report_inputs)\b")


@pytest.mark.parametrize("name", MADE)
def test_no_test_opens_what_a_run_leaves_in_the_checkout(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    for path in (ROOT / name, ROOT / name / "some.json"):
        with pytest.raises(AssertionError, match=r"see tests/repository\.py"):
            path.read_text()
    with pytest.raises(AssertionError, match=r"see tests/repository\.py"):
        Path(name).read_text()


@pytest.mark.long
@pytest.mark.slow
def test_what_reads_the_checkout_passes_beside_another_run(tmp_path):
    """Results and params that are no such thing, in a folder with spaces and umlauts.

    Other tests read nothing of the checkout but the frozen params. Locale, time zone, umask, home
    and working directory are others too; there is no git, so what speaks of the committed run is
    skipped.
    """
    checkout = tmp_path / "Prüfstand für Tests"
    copy_checkout(checkout)
    another = b"\xff of another run"
    shutil.rmtree(checkout / "inputs")
    for name in (*MADE, "notebooks/tour.ipynb"):
        (checkout / name).write_bytes(another)
    (tmp_path / "file").touch()
    files = [
        file
        for file in sorted((checkout / "tests/unit").glob("test_*.py"))
        if READS_THE_CHECKOUT.search(file.read_text()) and file.name != "test_anywhere.py"
    ]
    assert len(files) > 15
    environment = {key: os.environ[key] for key in ("PATH", "OMP_NUM_THREADS")}
    environment |= {
        "HOME": str(tmp_path / "file/home"),  # cannot be made, not even by root
        "LC_ALL": "C",
        "TZ": "Pacific/Kiritimati",
    }
    options = ["-q", "-m", "not slow", "-p", "no:cacheprovider", f"--basetemp={tmp_path}/own"]
    result = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *options, *files],
        cwd=tmp_path,
        env=environment,
        umask=0o077,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "SKIPPED" in result.stdout and "no git checkout" in result.stdout
    assert all((checkout / name).read_bytes() == another for name in MADE)
