"""Photographs outside the project: a change of them makes `download` run."""

import shutil

import numpy as np
import pytest
from PIL import Image
from repository import copy_checkout

from .conftest import Project


@pytest.mark.slow
def test_new_photographs_at_the_same_path_are_downloaded(tmp_path):
    rng = np.random.default_rng(0)
    for n in range(6):
        path = tmp_path / f"photos/{('cat', 'dog')[n % 2]}/{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    project = Project(tmp_path / "project")
    copy_checkout(project.root)
    shutil.copy(project.root / "tests/params.yaml", project.root / "params.yaml")
    here = {"data.source": "folder", "data.path": str(tmp_path / "photos"), "runtime.workers": 1}
    (project.root / "params.yaml").write_text(project.params_with(here))
    project.run("git", "init", "--quiet")
    note = ("python", "tools/note_inputs.py")

    project.run(*note)
    project.dvc("repro", "download")
    project.run(*note)
    assert "up to date" in project.dvc("status", "download")
    shutil.copy(tmp_path / "photos/cat/0.png", tmp_path / "photos/cat/again.png")
    project.run(*note)
    assert "inputs/download.json" in project.dvc("status", "download")
    project.dvc("repro", "download")
    assert "cat/again.png" in (project.root / "data/manifest.csv").read_text()
