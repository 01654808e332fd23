"""The generators that have a stage of their own: stopped and gone on with, and left out."""

import json
from pathlib import Path

import pandas as pd
import pytest
import toy_srgan
from toy_srgan import Killed, Mortal, run, run_perceptual, run_task, settings

from srgan_ab.common import paths
from srgan_ab.srgan.left_out import leave_generator_out

pytestmark = pytest.mark.slow
OWN = {"perceptual": run_perceptual, "task": run_task}


@pytest.fixture
def project(tmp_path, monkeypatch):
    return toy_srgan.project(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("updates", [1, 2, 3, 4, 5, 10])
def test_killed_and_run_again_it_writes_the_same_bits(project, name, updates):
    """12 updates: 4 on all images, and 4 without each of two folds."""
    chosen, run_it = settings(folds=2, select="psnr"), OWN[name]
    run(chosen)
    whole = run_it(chosen)
    with pytest.raises(Killed):
        run_it(chosen, Mortal("state", updates))
    Path(f"plots/{name}.csv").unlink(missing_ok=True)
    rest = Mortal("state", 100)
    assert run_it(chosen, rest) == whole
    assert 100 - rest.left == 12 - updates


@pytest.mark.parametrize(
    ("name", "stage", "weights"),
    [
        ("perceptual", "train_perceptual", paths.PERCEPTUAL),
        ("task", "train_task_sr", paths.TASK),
    ],
)
def test_switched_off_it_leaves_its_outputs_empty(project, name, stage, weights):
    run(settings())
    OWN[name](settings())
    columns = list(pd.read_csv(f"plots/{name}.csv"))
    leave_generator_out(weights, stage, name)
    assert list(weights.parent.iterdir()) == []
    assert json.loads(Path(f"metrics/{stage}.json").read_text()) == {}
    table = pd.read_csv(f"plots/{name}.csv")
    assert len(table) == 0 and set(table) <= set(columns)
