"""notebooks/hosted.ipynb on this machine: its own cells, with other choices in the first one."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from repository import ROOT

from .conftest import TINY, Project, started

HOSTED = ROOT / "notebooks/hosted.ipynb"
# it has no time to learn, and no weights to start from
TOY = TINY | {"srgan.generator.skip": "bicubic", "classifier.freeze": "none"}


def read(**choices: object) -> nbformat.NotebookNode:
    """The notebook, with other choices."""
    notebook = nbformat.read(HOSTED, as_version=4)
    cell = source(notebook, "choices")
    for name, value in choices.items():
        cell.source, changed = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value!r}", cell.source)
        assert changed == 1, name
    return notebook


def source(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == name)


def execute(notebook: nbformat.NotebookNode, folder: Path) -> dict[str, list]:
    """Run it in a folder; the outputs of each cell."""
    client = NotebookClient(
        notebook, timeout=900, coalesce_streams=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def text(outputs: list) -> str:
    return "".join(output.get("text", "") for output in outputs)


@pytest.fixture
def hosted(project, tmp_path, monkeypatch) -> dict[str, object]:
    """Choices for a machine that can fetch nothing: all that is pinned is installed here."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
        pytest.skip("this Python has no pip, which a hosted one has")
    for key in [key for key in os.environ if key.startswith("GIT_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "drive").mkdir()
    return {
        "REPOSITORY": str(project.root),
        "DATA": "synthetic",
        "SETTINGS": [
            f"{key}={json.dumps(value)}"
            for key, value in TOY.items()
            if key not in ("data.source", "data.path")
        ],
        "KEEP": str(tmp_path / "drive"),
    }


@pytest.mark.slow
@pytest.mark.long
def test_from_a_bare_machine_to_an_archive_and_on_to_the_next_machine(hosted, tmp_path):
    made = execute(read(**hosted), tmp_path)
    folder = tmp_path / "srgan-ab"
    assert re.search(r"^torch \S+, as before$", text(made["install"]), re.M)
    assert list((folder / ".venv").glob("lib/*/site-packages/*")) != []
    assert not list((folder / ".venv").glob("lib/*/site-packages/torch*"))  # it is seen, not there
    assert "params.yaml is valid" in text(made["doctor"])
    assert "params.yaml holds the preset full now" in text(made["preset"])
    assert {"train_srgan", "compare"} <= started(text(made["run"]))
    assert "all that ran now" in text(made["run"])
    (shown,) = made["verdict"]
    assert shown.data["text/markdown"] == (folder / "metrics/verdict.md").read_text()
    (page,) = made["report"]
    assert "iframe srcdoc=" in page.data["text/html"] and "&lt;html" in page.data["text/html"]
    assert {output.output_type for outputs in made.values() for output in outputs} == {
        "stream",
        "display_data",
    }
    with zipfile.ZipFile(folder / "release/srgan-ab.zip") as archive:
        assert "srgan-ab/plots/report.html" in archive.namelist()
    assert f"Download: {folder}/release/srgan-ab.zip" in text(made["pack"])
    changed = Project(folder).run("git", "status", "--porcelain").split()[1::2]
    assert all(name.split("/")[0] in ("params.yaml", "dvc.lock", "metrics", "plots", "inputs")
               for name in changed)  # fmt: skip

    verdict = (folder / "metrics/verdict.md").read_bytes()
    shutil.rmtree(folder)  # the machine is taken away; the drive is not
    again = execute(read(**hosted), tmp_path)
    assert started(text(again["run"])) == {"benchmark", "compare", "report"}  # DVC keeps them not
    assert (folder / "metrics/verdict.md").read_bytes() == verdict
    assert (folder / "release/srgan-ab.zip").is_file()


@pytest.mark.slow
@pytest.mark.long
def test_a_wrong_choice_ends_in_a_sentence(hosted, tmp_path, project):
    notebook = read(**hosted | {"DATA": "no_such_source", "FOLDER": str(project.root)})
    notebook.cells = [c for c in notebook.cells if c.id in ("choices", "clone", "preset")]
    with pytest.raises(CellExecutionError) as failed:
        execute(notebook, tmp_path)
    assert "SystemExit" in failed.value.ename
    said = text(source(notebook, "preset").outputs)
    assert said.startswith("preset: params.yaml as merged: data.source")
    assert project.run("git", "status", "--porcelain", "params.yaml") == ""


def cells(folder: Path, *names: str, **choices: object) -> dict:
    """What is defined after some cells."""
    notebook = read(FOLDER=str(folder), **choices)
    space = {}
    for name in ("choices", *names):
        exec(source(notebook, name).source, space)
    return space


@pytest.mark.slow
def test_stopping_a_cell_stops_its_command(tmp_path):
    run = cells(tmp_path, "clone")["run"]

    def stop():
        os.kill(os.getpid(), signal.SIGINT)  # as the button does

    note = tmp_path / "note"
    child = tmp_path / "child.py"  # what it notes is there before it says anything
    child.write_text(
        "import os, time\n"
        f"open({str(note)!r}, 'w').write(str(os.getpid()))\n"
        "print('began', flush=True)\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(KeyboardInterrupt):
        run("sh", "-c", f"{sys.executable} {child} | cat; true", meanwhile=stop)
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.slow
def test_a_command_that_fails_ends_the_cell(tmp_path):
    with pytest.raises(SystemExit, match=r"^`sh -c` ended with 3: it says why above$"):
        cells(tmp_path, "clone")["run"]("sh", "-c", "exit 3")


def test_a_drive_that_is_not_there_is_said_before_anything_is_cloned(tmp_path):
    with pytest.raises(SystemExit, match=r"^KEEP: there is no folder .*/drive: make it, or mount "):
        cells(tmp_path / "project", "clone", KEEP=str(tmp_path / "drive"))
    assert not (tmp_path / "project").exists()


def test_only_new_files_are_copied_and_whole_ones(tmp_path):
    code = source(read(), "run").source.split("\n\n\nif KEEP")[0].split("\n\n\ndef keep")[0]
    space = {"time": __import__("time"), "shutil": shutil}
    exec(code, space)
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "files/00").mkdir(parents=True)
    (here / "files/00/a").write_text("1")
    (here / "files/00/b.part").write_text("half")
    (here / "files/00/a").chmod(0o444)  # as DVC's are
    space["copy_new"](here, there)
    assert [path.name for path in there.rglob("*") if path.is_file()] == ["a"]
    first = (there / "files/00/a").stat().st_ino
    space["copy_new"](here, there)
    assert (there / "files/00/a").stat().st_ino == first
    (here / "files/00/a").chmod(0o644)
    (here / "files/00/a").write_text("2")
    os.utime(here / "files/00/a", (2**32, 2**32))
    (there / "files/00/a.part").write_text("left by a kill")
    (there / "files/00/a.part").chmod(0o444)
    space["copy_new"](here, there)
    assert (there / "files/00/a").read_text() == "2"
    assert not (there / "files/00/a.part").exists()
    space["copy_new"](tmp_path / "nowhere", there)
