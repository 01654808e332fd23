"""What DVC takes for changed: an edited output of any user's, and no litter of any editor's."""

import shutil

import pytest
from repository import ROOT

from .conftest import Project

PIPELINE = """
stages:
  first:
    cmd: cat code/*.py > out.txt && mkdir -p folder && cp out.txt folder
    deps: [code]
    outs: [out.txt, folder]
  second:
    cmd: cat out.txt folder/out.txt > end.txt
    deps: [out.txt, folder]
    outs: [end.txt]
"""
LITTER = [".DS_Store", "._a.py", ".a.py.swp", ".#a.py", "#a.py#", "a.py~", "4913", "a.py.orig"]


@pytest.fixture
def small(tmp_path):
    """Two stages that copy text, run once, with this project's settings of DVC."""
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "code").mkdir()
    (tmp_path / "code/a.py").write_text("print('a')\n")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    project = Project(tmp_path)
    project.run("git", "init", "--quiet")
    project.dvc("repro")
    assert "up to date" in project.dvc("status")
    return project


@pytest.mark.slow
def test_an_output_edited_in_place_is_made_anew(small):
    """By root, too, whom a file's mode does not stop: no file shares its bytes with the cache."""
    for name in ("out.txt", "folder/out.txt"):
        file = small.root / name
        whole = file.read_bytes()
        with file.open("r+b") as stream:
            stream.write(b"cut")
        assert "modified" in small.dvc("status")
        small.dvc("repro")
        assert file.read_bytes() == whole
        assert "up to date" in small.dvc("status")


@pytest.mark.slow
def test_a_deleted_output_comes_back(small):
    """The mend that every message on a damaged file names."""
    for name in ("out.txt", "folder/out.txt", "end.txt"):
        file = small.root / name
        whole = file.read_bytes()
        file.unlink()
        small.dvc("repro")
        assert file.read_bytes() == whole


@pytest.mark.slow
def test_litter_changes_nothing(small):
    for folder in ("code", "folder"):
        for name in LITTER:
            (small.root / folder / name).touch()
        (small.root / folder / "__pycache__").mkdir()
        (small.root / folder / "__pycache__/a.cpython-312.pyc").touch()
    assert "up to date" in small.dvc("status")
    (small.root / "code/b.py").touch()
    assert "modified" in small.dvc("status")
