"""SRGAN's training with a loss of A's features: that it is just this, and what it writes."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
import toy_srgan
from safetensors.torch import load_file
from toy_srgan import FOLDED, classifiers, parts, run, run_task, settings

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path, monkeypatch):
    return toy_srgan.project(tmp_path, monkeypatch)


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"generator__normalization": "batch", "gradient_clip": 0.01, "select": "psnr"},
        {"adversarial__warm_up": 3, "adversarial__label_noise": 0.3, "adversarial__history": 2},
        {"pretraining__epochs": 0, "adversarial__loss": "relativistic"},
    ],
    ids=str,
)
def test_without_a_weight_it_is_srgan(project, changes):
    """Generator and history, to the bit; with one, another generator."""
    chosen = settings(**changes)
    run(chosen)
    run_task(chosen, weight=0.0)
    assert same(parts("generator", "task"), parts("generator"))
    ours, theirs = (pd.read_csv(f"plots/{name}.csv") for name in ("task", "srgan"))
    assert set(ours) - set(theirs) == {"loss_task"} and (ours.pop("loss_task") == 0).all()
    pd.testing.assert_frame_equal(ours[list(theirs)], theirs)
    run_task(chosen)
    assert not same(parts("generator", "task"), parts("generator"))
    assert (pd.read_csv("plots/task.csv")["loss_task"] > 0).all()


def test_srgan_and_the_classifier_stay_as_they_are(project):
    before, networks = run(settings()), classifiers(2)
    states = [{k: v.clone() for k, v in n.state_dict().items()} for n in networks]
    after = run_task(settings(), networks=networks)
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {
        *("models/task/generator.safetensors", "metrics/train_task_sr.json", "plots/task.csv")
    }
    for network, state in zip(networks, states, strict=True):
        assert same(network.state_dict(), state)
        assert all(p.grad is None for p in network.parameters())


def test_with_folds_each_starts_from_the_srresnet_that_never_saw_the_fold(project):
    chosen = settings(**FOLDED)
    run(chosen)
    run_task(chosen, weight=0.0)
    for fold in (0, 1):
        ours, theirs = (
            load_file(paths.without_fold(whole, fold)) for whole in (paths.TASK, paths.GENERATOR)
        )
        assert same(ours, theirs)
    metrics = json.loads(Path("metrics/train_task_sr.json").read_text())
    assert {"epoch", "task_val_psnr_rgb", "d_accuracy", "without_fold_1_epoch"} <= metrics.keys()


def test_a_start_that_is_missing_or_a_layer_that_is_unknown_is_said(project):
    with pytest.raises(UserError, match=r"models/srgan/srresnet\.safetensors is missing"):
        run_task(settings())
    run(settings())
    with pytest.raises(UserError, match=r"task\.layer is 'nothing'"):
        run_task(settings(), layer="nothing")
    assert not Path("models/task").exists()
