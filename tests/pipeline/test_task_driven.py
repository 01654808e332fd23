"""The commands of docs/task_driven.md, on the small run."""

import json

import pytest
import torch

from srgan_ab.classifier.prediction import load_classifier
from srgan_ab.srgan.generator import load_generator

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_networks_are_trained_for_each_other_and_stand_beside_the_arms(project, tmp_path):
    clone = project.clone(tmp_path / "task_driven", cached=True)
    clone.dvc("checkout", "--quiet")
    said = clone.shell("python benchmarks/task_driven.py run")
    assert "S+T, network 0" in said and "SR4IR, network 0" in said
    test = json.loads((clone.root / "metrics/a.json").read_text())["n"]
    made = []
    for name in ("joint", "sr4ir"):
        place = clone.root / f"task_driven/{name}_0"
        made.append(json.loads((place / "test.json").read_text())["probabilities"])
        assert len(made[-1]) == test and all(0 <= chance <= 1 for chance in made[-1])
        cpu = torch.device("cpu")  # files as the pipeline's
        assert load_generator(place / "generator.safetensors", cpu).scale == 4
        load_classifier(place / "classifier.safetensors", cpu)
    assert made[0] != made[1]

    rows = [r for r in clone.shell("python benchmarks/task_driven.py table").splitlines() if r]
    assert rows[0].startswith(f"{test} test images, 1 networks each")
    ways = [row.split(" | ")[0].removeprefix("| ") for row in rows[3:]]
    assert ways[:2] == ["bicubic", "SRResNet"]
    assert ways[-2:] == ["S+T, both trained", "SR4IR, both trained"]
    assert clone.run("git", "status", "--short") == ""

    # what has a result is not made again, but for what is named
    assert clone.shell("python benchmarks/task_driven.py run").strip() == ""
    refused = clone.run("python", "benchmarks/task_driven.py", "run", "none", code=1)
    assert refused.strip() == "task_driven: none is none of these: joint, sr4ir"
