"""The notebook on what the tiny pipeline made."""

import json
import re
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from safetensors.numpy import save_file
from torchvision.models import squeezenet1_1

from .conftest import Project

pytestmark = pytest.mark.slow

TOUR = "notebooks/tour.ipynb"


def read(project: Project) -> nbformat.NotebookNode:
    return nbformat.read(project.root / TOUR, as_version=4)


def outputs(notebook: nbformat.NotebookNode) -> dict[str, list]:
    return {c.id: c.outputs for c in notebook.cells if c.cell_type == "code"}


def test_it_runs_from_either_directory_and_always_to_the_same_bytes(project):
    committed = (project.root / TOUR).read_text()
    with project.edited(TOUR, committed):
        project.shell("make notebook")
        first = (project.root / TOUR).read_bytes()
        made = outputs(read(project))
        project.shell("make notebook")
        assert (project.root / TOUR).read_bytes() == first
        at_root = read(project)
        resources = {"metadata": {"path": str(project.root)}}
        NotebookClient(at_root, timeout=600, coalesce_streams=True, resources=resources).execute()
    assert project.run("git", "status", "--porcelain") == ""  # it leaves nothing else behind

    assert str(project.root) not in first.decode()
    split = json.loads((project.root / "metrics/split.json").read_text())
    assert f"<td>{split['train']}</td>" in made["split-table"][0].data["text/html"]
    verdict = (project.root / "metrics/verdict.md").read_text()
    assert made["verdict"][0].data["text/markdown"].replace("### ", "# ") == verdict
    for name, found in outputs(at_root).items():
        text = [o.get("data", {}).get("text/html", o.get("text")) for o in found]
        assert text == [o.get("data", {}).get("text/html", o.get("text")) for o in made[name]]


@pytest.mark.long
def test_it_tells_the_story_of_other_params_too(project, tmp_path):
    """Fewer arms, several networks, LPIPS, other classes' names, a B that sees real images too."""
    weights = {
        name: (np.ones if name.endswith("weight") else np.zeros)(value.shape, np.float32)
        for name, value in squeezenet1_1(weights=None).features.state_dict().items()
    }
    weights = {f"features.{k}": v / max(1, v[0].size) for k, v in weights.items()}
    save_file(weights, tmp_path / "squeezenet.safetensors")
    clone = project.clone(tmp_path / "clone", cached=True)  # the data are the same
    changes = {
        "pretrained.lpips": str(tmp_path / "squeezenet.safetensors"),
        "controls.b_plus": False,
        "controls.c_plus": False,
        "controls.r": False,
        "controls.p": False,
        "b.images": "hr+sr",
        "classifier.replicates": 2,
        "srgan.adversarial.loss": "relativistic",
        "srgan.snapshots": [],
    }
    (clone.root / "params.yaml").write_text(clone.params_with(changes))
    clone.dvc("repro")
    clone.shell("make notebook")
    made = outputs(read(clone))
    arms = made["arms"][0].data["text/html"]
    assert "real HR + SRGAN" in arms
    assert "B+" not in arms and "SRResNet" not in arms and "non-adversarial" not in arms
    rows = made["quality-table"][0].data["text/html"].split("<tr>")
    lpips = [re.findall("<td>(.*?)</td>", row)[-3] for row in rows if "<th>SR" in row]
    assert len(lpips) == 2 and "not measured" not in lpips  # last but LR consistency and realism
    assert "2 networks per arm" in made["verdict"][0].data["text/markdown"]


def test_without_results_it_says_in_one_sentence_what_to_run(project, tmp_path):
    clone = project.clone(tmp_path / "clone")
    said = clone.run(
        "make", "-o", ".venv/.ready", f"PYTHON={sys.executable}", "notebook", code=2
    ).splitlines()
    assert f"{TOUR}: data/test is missing: run `dvc repro`, then this notebook again" in said
    assert not any("Traceback" in line for line in said)
    assert clone.run("git", "status", "--porcelain") == ""
