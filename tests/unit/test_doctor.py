"""The doctor finds each thing that is wrong, names the mend, and is content where all is well."""

import importlib.metadata
import math
import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest
from repository import PARAMS
from typer.testing import CliRunner

from srgan_ab.app import doctor
from srgan_ab.app.cli import app


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository whose pipeline has one stage, which has been run."""
    for name in [n for n in os.environ if n.startswith("GIT_")]:
        monkeypatch.delenv(name)  # those of a hook that runs the tests
    monkeypatch.chdir(tmp_path)
    shutil.copy(PARAMS, "params.yaml")
    Path("dvc.yaml").write_text(
        "stages:\n  toy:\n    cmd: echo hello > out.txt\n    params: [seed]\n    outs: [out.txt]\n"
    )
    for command in ("git init -q", "dvc init -q", "dvc repro -q"):
        subprocess.run(command.split(), check=True)
    return tmp_path


def examined() -> tuple[int, dict[str, list[str]]]:
    result = CliRunner().invoke(app, ["doctor"])
    found = {"ok": [], "note": [], "wrong": []}
    for line in result.output.splitlines():
        state, _, text = line.partition(" ")
        if state in found:
            found[state].append(text.strip())
    return result.exit_code, found


@pytest.mark.slow
def test_a_project_that_has_been_run_is_well(project):
    code, found = examined()
    assert code == 0 and found["wrong"] == [] == found["note"]
    assert "params.yaml is valid" in found["ok"]
    assert "every output is that of the code and params.yaml here" in found["ok"]


@pytest.mark.slow
def test_what_is_stale_missing_or_mistaken_is_named(project):
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("seed: 7", "seed: 8", 1))
    code, found = examined()
    assert code == 0
    assert found["note"] == [
        "toy: outputs are missing, or older than code and params.yaml: run `make repro`"
    ]
    Path("params.yaml").write_text(text.replace("seed: 7", "seed: -8", 1))
    code, found = examined()
    assert code == 1 and "seed" in found["wrong"][0] and "\n" not in found["wrong"][0]
    Path("params.yaml").write_text(text)
    Path(".dvc/config").write_text("[plots]\n    html_template = plots/offline.html\n")
    assert "`dvc plots` needs a network: run `git checkout .dvc`" in examined()[1]["note"][0]
    Path("dvc.yaml").write_text("stages: [")
    code, found = examined()
    assert code == 1 and found["wrong"][0].startswith("`dvc status` fails (")
    Path(".dvc/config").unlink()
    assert examined()[1]["wrong"] == [".dvc/config is missing: run `git checkout .dvc`"]
    shutil.rmtree(".git")
    assert "run `git init`" in examined()[1]["wrong"][0]


def test_elsewhere_only_the_machine_is_examined(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, found = examined()
    assert code == 0 and "this is no folder of the project" in found["note"][-1]


def test_little_room_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10**9))
    monkeypatch.setattr(doctor, "free_memory", lambda: 0.25)
    code, found = examined()
    assert code == 1
    assert found["wrong"] == ["0.9 GB are free here, and the default run takes 2: make room"]
    assert "0.2 GB of memory are free, and the default run takes up to 3" in found["note"][0]


def test_where_the_system_does_not_say_it_no_memory_is_told(tmp_path, monkeypatch):
    """As on macOS."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "Path", lambda name: tmp_path / name.lstrip("/"))
    monkeypatch.setattr(doctor.os, "sysconf_names", {})
    assert doctor.free_memory() == math.inf
    assert not any("of memory" in finding.text for finding in doctor.machine())


def test_other_versions_than_the_pinned_are_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch = importlib.metadata.version("torch").partition("+")[0]
    Path("requirements.txt").write_text(
        f"torch=={torch}\npillow==1.0\nno-such-package==2\nnumpy==1.0 ; sys_platform == 'never'\n"
    )
    (note,) = (text for text in examined()[1]["note"] if "pins" in text)
    assert f"(pillow {importlib.metadata.version('pillow')} in place of 1.0, " in note
    assert "no-such-package none in place of 2), so" in note and "numpy" not in note
    Path("requirements.txt").write_text(f"torch=={torch}\n")
    assert any("all packages as pinned" in text for text in examined()[1]["ok"])
