"""SRGAN's training without its adversarial term: that it is just this, and what it writes."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
import toy_srgan
from safetensors.torch import load_file
from toy_srgan import FOLDED, parts, run, run_perceptual, settings

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.srgan import discriminator

pytestmark = pytest.mark.slow
WITHOUT = {"adversarial__weight": 0.0}


@pytest.fixture
def project(tmp_path, monkeypatch):
    return toy_srgan.project(tmp_path, monkeypatch)


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def histories():
    """Of the phase in both trainings, what they have in common."""
    first, second = (pd.read_csv(f"plots/{name}.csv") for name in ("perceptual", "srgan"))
    assert [name for name in second if name not in first] == [
        *("loss_d", "d_real", "d_fake", "d_accuracy", "gradient_norm_d", "loss_d_floor"),
        *("d_accuracy_train", "d_accuracy_val"),
    ]
    return first, second[list(first)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"generator__normalization": "batch", "gradient_clip": 0.01, "select": "psnr"},
        {"adversarial__epochs": 4, "adversarial__schedule": "cosine", "total_variation": 0.1},
        {"pretraining__epochs": 0},
        {"adversarial__warm_up": 3},
        {"adversarial__warm_up": 3, "generator__normalization": "batch"},
    ],
    ids=str,
)
def test_it_is_srgan_whose_adversarial_term_has_no_weight(project, changes):
    """Generator and history, to the bit: crops, windows, rates, averaging and choice are alike."""
    chosen = settings(**WITHOUT, **changes)
    run(chosen)
    run_perceptual(chosen)
    assert same(parts("generator", "perceptual"), parts("generator"))
    assert not same(parts("generator"), parts("srresnet"))
    pd.testing.assert_frame_equal(*histories())


def test_what_concerns_the_discriminator_alone_changes_nothing(project, monkeypatch):
    run(settings())
    plain = run_perceptual(settings())
    assert not same(parts("generator", "perceptual"), parts("generator"))
    monkeypatch.setattr(discriminator.Discriminator, "forward", lambda *_: pytest.fail("a look"))
    changes = {
        "adversarial__weight": 0.5,
        "adversarial__loss": "lsgan",
        "adversarial__warm_up": 3,
        "adversarial__label_noise": 0.3,
        "adversarial__history": 2,
        "adversarial__discriminator_learning_rate": 0.01,
        "discriminator__channels": 4,
    }
    for key, value in changes.items():
        assert run_perceptual(settings(**{key: value})) == plain, key


def test_with_folds_each_starts_from_the_srresnet_that_never_saw_the_fold(project):
    chosen = settings(**FOLDED, **WITHOUT)
    run(chosen)
    run_perceptual(chosen)
    for fold in (0, 1):
        ours, theirs = (
            load_file(paths.without_fold(whole, fold))
            for whole in (paths.PERCEPTUAL, paths.GENERATOR)
        )
        assert same(ours, theirs)
    metrics, of_srgan = (
        json.loads(Path(f"metrics/train_{name}.json").read_text())
        for name in ("perceptual", "srgan")
    )
    renamed = {key.replace("perceptual", "srgan"): value for key, value in metrics.items()}
    assert renamed.items() <= of_srgan.items()
    assert {"epoch", "perceptual_val_psnr_rgb", "folds", "without_fold_1_epoch"} <= metrics.keys()


def test_a_start_that_is_missing_or_of_another_network_is_said(project):
    with pytest.raises(UserError, match=r"models/srgan/srresnet\.safetensors is missing"):
        run_perceptual(settings())
    run(settings())
    with pytest.raises(UserError, match=r"models/srgan/srresnet\.safetensors does not fit"):
        run_perceptual(settings(generator__channels=6))
    assert not Path("models/perceptual").exists()
