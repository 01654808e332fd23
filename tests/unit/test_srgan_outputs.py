"""The whole training on small packs: what it writes, and that every option counts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import toy_srgan
from safetensors.torch import load_file
from toy_srgan import FOLDED, RUNTIME, distance, parts, run, settings

from srgan_ab.common import paths
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime
from srgan_ab.quality.image_quality import measure
from srgan_ab.srgan import training
from srgan_ab.srgan.folds import rows_without

pytestmark = pytest.mark.slow


class Untouched(Checkpoints):
    """No update is made."""

    def __init__(self):
        super().__init__(Path("state"), RUNTIME, interval=0)

    def due(self):
        pytest.fail("an update")


@pytest.fixture
def project(tmp_path, monkeypatch):
    return toy_srgan.project(tmp_path, monkeypatch)


def test_folds_add_generators_and_change_nothing_else(project):
    """Metrics are those without folds, and then those of the folds."""
    plain = run(settings(**FOLDED | {"folds": 1}))
    before = json.loads(Path("metrics/train_srgan.json").read_text())
    assert not any("fold" in name for name in [*plain, *before])
    folded = run(settings(**FOLDED))
    after = json.loads(Path("metrics/train_srgan.json").read_text())
    shared = plain.keys() - {"metrics/train_srgan.json"}
    assert {name: folded[name] for name in shared} == {name: plain[name] for name in shared}
    assert all("fold" in name for name in folded.keys() - plain.keys())
    assert before.items() <= after.items()
    assert after["folds"] == 2


def test_a_fold_is_trained_on_the_others_alone(project):
    """The same weights as a training on a pack that never held the fold."""
    run(settings(**FOLDED))
    fold = pd.read_csv(paths.FOLDS)["fold"].to_numpy()
    assert fold[0] == fold[1]  # near-duplicates
    without = [load_file(paths.without_fold(paths.GENERATOR, n)) for n in (0, 1)]
    index = pd.read_csv("data/train/index.csv")
    arrays = {name: np.load(f"data/train/{name}.npy") for name in ("lr", "hr", "labels")}
    for n in (0, 1):
        rows = rows_without(pd.DataFrame({"fold": fold}), n, seed=1)
        assert (fold[rows] != n).all()
        index.iloc[rows].to_csv("data/train/index.csv", index=False)
        for name, array in arrays.items():
            np.save(f"data/train/{name}.npy", array[rows])
        run(settings(**FOLDED | {"folds": 1}))
        alone = parts("generator")
        assert all(torch.equal(alone[key], value) for key, value in without[n].items())


def test_more_folds_than_groups_are_refused_before_any_training(project):
    with pytest.raises(UserError, match=r"srgan\.folds is 6, .* at most 5 folds"):
        run(settings(folds=6), Untouched())


def test_all_that_is_kept_is_of_the_chosen_epoch(project):
    """Epoch 2 of 4 is the best: networks and numbers are those of a training of 2 epochs."""

    def told(values):
        psnr = iter(values)
        return lambda sr, hr: measure(sr, hr, None, RUNTIME.device, 4) | {"psnr_rgb": next(psnr)}

    def outcome(quality, **changes):
        run(settings(adversarial__schedule="constant", **changes), measured=told(quality))
        metrics = json.loads(Path("metrics/train_srgan.json").read_text())
        return metrics, {name: parts(name) for name in ("generator", "srresnet", "discriminator")}

    chosen, networks = outcome(
        [20, 21, 20, 22, 25, 24, 23, 19], select="psnr", adversarial__epochs=4, ema=0.5
    )
    plain, expected = outcome([20, 21, 20, 22, 25, 19], adversarial__epochs=2, ema=0.5)
    assert chosen == plain
    assert {"epoch", "d_accuracy_train", "d_accuracy_val", "srgan_without_ema_val_ssim_y"} <= set(
        chosen
    )
    for name, state in networks.items():
        assert all(torch.equal(state[key], value) for key, value in expected[name].items()), name


def test_neighbouring_seeds_share_no_stream(project, monkeypatch):
    """Of crops, label noise and first weights; each phase has its own."""
    drawn = []
    genuine, manual = Runtime.generator, torch.manual_seed
    monkeypatch.setattr(
        Runtime, "generator", lambda s, seed: drawn.append(seed) or genuine(s, seed)
    )
    monkeypatch.setattr(torch, "manual_seed", lambda seed: drawn.append(seed) or manual(seed))
    run(settings(), seed=1)
    first, drawn[:] = set(drawn), []
    run(settings(), seed=2)
    # that of `run`, two networks, two phases, the warm-up, the judge
    assert len(first) == len(set(drawn)) == 7
    assert first & set(drawn) == {0}  # that of `run`


def test_the_discriminator_is_judged_by_both_classes(project, monkeypatch):
    """Packs are sorted by class: the first images would be of one."""
    seen = {}
    genuine = training.accuracy

    def spy(generator, discriminator, kind, crops, runtime):
        seen[len(seen)] = crops.hr
        return genuine(generator, discriminator, kind, crops, runtime)

    monkeypatch.setattr(training, "accuracy", spy)
    for split, labels in (("train", [0, 0, 0, 0, 1, 1]), ("val", [0, 0, 1])):
        np.save(f"data/{split}/labels.npy", np.array(labels))
    run(settings(adversarial__epochs=1))
    train, val = (np.load(f"data/{split}/hr.npy") for split in ("train", "val"))
    assert np.array_equal(seen[0], train[[0, 3, 4, 5]])
    assert np.array_equal(seen[1], val[[0, 2]])
    row = pd.read_csv("plots/srgan.csv").iloc[0]
    assert 0 <= row["d_accuracy_train"] <= 1 and 0 <= row["d_accuracy_val"] <= 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"batch_size": 1}, "leave BatchNorm one number"),
        ({"select": "lpips"}, r"select is lpips, which needs pretrained\.lpips"),
        ({"perceptual__weight": 1.0}, r"no weights of its network: set pretrained\.perceptual"),
    ],
)
def test_what_cannot_be_trained_is_said_before_the_first_update(project, changes, named):
    with pytest.raises(UserError, match=named):
        run(settings(**changes), Untouched())
    assert not Path("models").exists() and not Path("plots").exists()


ROUGHER = {
    "probability": 1.0,
    "kernels": ["area"],
    "blur": [0.0, 1.0],
    "noise": [0.0, 9.0],
    "jpeg": [50, 90],
}
OPTIONS = {
    "generator__normalization": "batch",
    "generator__activation": "leaky_relu",
    "generator__upsampler": "pixel_shuffle",
    "generator__skip": "none",
    "generator__blocks": 2,
    "generator__channels": 6,
    "discriminator__channels": 4,
    "discriminator__normalization": "none",
    "discriminator__spectral_norm": True,
    "crop": 32,
    "flip": False,
    "turn": False,
    "degradation": ROUGHER,
    "batch_size": 3,
    "ema": 0.5,
    "gradient_clip": 1e-4,
    "pretraining__epochs": 0,
    "pretraining__loss": "mse",
    "pretraining__learning_rate": 0.0005,
    "pretraining__schedule": "step",
    "adversarial__epochs": 1,
    "adversarial__loss": "lsgan",
    "adversarial__warm_up": 3,
    "adversarial__learning_rate": 0.001,
    "adversarial__discriminator_learning_rate": 0.01,
    "adversarial__schedule": "cosine",
    "adversarial__weight": 1.0,
    "adversarial__label_smoothing": 0.3,
    "adversarial__label_noise": 0.3,
    "adversarial__history": 2,
    "pixel__loss": "mse",
    "pixel__weight": 0.1,
    "total_variation": 0.1,
    "lattice": 0.1,
    "select": "psnr",
    "snapshots": [2],
}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_changes_the_result(project, option):
    """Two options choose what is kept of a training, not how it goes."""
    # so few updates pre-train nothing that has no picture to add to
    others = {"pretraining__epochs": 0} if option == "generator__skip" else {}
    run(settings(**others))
    plain, picture = parts("generator"), Path("plots/snapshots.png").read_bytes()
    run(settings(**others, **{option: OPTIONS[option]}))
    changed = parts("generator")
    if option == "snapshots":
        assert Path("plots/snapshots.png").read_bytes() != picture
    elif option != "select":
        assert changed.keys() != plain.keys() or any(
            changed[k].shape != plain[k].shape or not torch.equal(changed[k], plain[k])
            for k in plain
        )
    assert all(value.isfinite().all() for value in changed.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"adversarial__loss": "relativistic", "adversarial__r1": 1.0, "adversarial__r2": 1.0},
        {"adversarial__loss": "lsgan", "adversarial__r1": 1.0},
    ],
)
def test_penalties_change_the_result_and_are_watched(project, changes):
    smooth = {"discriminator__normalization": "none"}
    run(settings(**smooth))
    plain = parts("discriminator")
    run(settings(**smooth, **changes))
    assert any(not torch.equal(plain[k], v) for k, v in parts("discriminator").items())
    assert (pd.read_csv("plots/srgan.csv")["loss_penalty"] >= 0).all()


def test_output_range_holds(project):
    run(settings(generator__skip="none", generator__output="sigmoid", pretraining__epochs=0))
    quality = pd.read_csv("plots/srgan.csv")
    assert np.isfinite(quality["val_psnr_rgb"]).all()


def test_a_pretraining_that_failed_ends_the_training(project):
    with pytest.raises(
        UserError, match=r"reaches \d+\.\d\d dB .* 17\.50: lower srgan\.pretraining"
    ):
        run(settings(pretraining__learning_rate=0.1))
    assert len(pd.read_csv("plots/srresnet.csv")) == 2  # its curve is there to be looked at
    assert not Path("models/srgan").exists()


def test_selection_keeps_the_epoch_that_was_best(project):
    for select, best in (("psnr", "idxmax"), ("lpips", "idxmin")):
        run(settings(select=select, adversarial__epochs=4), lpips=distance)
        rows = pd.read_csv("plots/srgan.csv")
        column = {"psnr": "val_psnr_rgb", "lpips": "val_lpips"}[select]
        chosen = json.loads(Path("metrics/train_srgan.json").read_text())["epoch"]
        assert chosen == rows["epoch"][getattr(rows[column], best)()]


def test_perceptual_loss_by_lpips(project):
    run(settings(), lpips=distance)
    plain = parts("generator")
    chosen = settings(perceptual__network="lpips", perceptual__weight=1.0)
    run(chosen, lpips=distance)
    assert any(not torch.equal(plain[k], v) for k, v in parts("generator").items())
    assert (pd.read_csv("plots/srgan.csv")["loss_perceptual"] > 0).all()
    with pytest.raises(UserError, match=r"network is lpips, which needs pretrained\.lpips"):
        run(chosen)


def test_without_pretraining_srresnet_is_the_start(project):
    run(settings(pretraining__epochs=0))
    assert pd.read_csv("plots/srresnet.csv")["epoch"].tolist() == [0]
    assert parts("srresnet")["tail.weight"].abs().sum() == 0  # the bicubic skip alone


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler: apt-get install g++")
@pytest.mark.parametrize(
    "mode", [pytest.param("default", marks=pytest.mark.long), "reduce-overhead"]
)
def test_compiled_networks_learn_the_same(project, mode):
    """After 4 + 4 updates, as far as another order of sums allows; files and names are the same."""
    files = (paths.SRRESNET, paths.GENERATOR, paths.DISCRIMINATOR)
    plain_files = run(settings()).keys()
    plain = [load_file(path) for path in files]
    assert run(settings(), runtime=Runtime(RUNTIME.device, "fp32", mode)).keys() == plain_files
    compiled = [load_file(path) for path in files]
    torch.testing.assert_close(compiled, plain, rtol=1e-3, atol=1e-4)
    assert any(
        not torch.equal(ours[key], theirs[key])
        for ours, theirs in zip(compiled, plain, strict=True)
        for key in theirs
    ), "not one bit has changed, so nothing was compiled"
