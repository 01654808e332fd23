"""The whole training on small packs: what it writes, how it goes on, that every option counts."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from repository import PARAMS
from safetensors.torch import load_file

from srgan_ab.common import paths
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.quality.image_quality import measure
from srgan_ab.srgan import phases, training
from srgan_ab.srgan.folds import rows_without
from srgan_ab.srgan.outputs import train_and_write

RUNTIME = Runtime(torch.device("cpu"), "fp32")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Packs of random pictures, 6 for training and 3 for validation, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for split, n in (("train", 6), ("val", 3)):
        directory = tmp_path / "data" / split
        directory.mkdir(parents=True)
        lr = random.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
        np.save(directory / "lr.npy", lr)
        np.save(directory / "hr.npy", lr.repeat(4, 1).repeat(4, 2))
        np.save(directory / "labels.npy", np.zeros(n, int))
        index = pd.DataFrame({"id": range(n), "label": "x", "group": [0, 0, 1, 2, 3, 4][:n]})
        index.to_csv(directory / "index.csv", index=False)
    return tmp_path


def settings(**changes):
    """The default ones at toy size: 2 + 2 epochs of 2 updates; `a__b=1` sets `a.b`."""
    srgan = load(PARAMS).srgan.model_dump()
    toy = {
        **{"generator__blocks": 1, "generator__channels": 4, "discriminator__channels": 2},
        **{"crop": 16, "batch_size": 4, "snapshots": [1]},
        **{"pretraining__epochs": 2, "adversarial__epochs": 2},
    }
    for path, value in (toy | changes).items():
        *sections, key = path.split("__")
        section = srgan
        for name in sections:
            section = section[name]
        section[key] = value
    return type(load(PARAMS).srgan).model_validate(srgan)


def distance(sr, hr):
    """Stands in for LPIPS."""
    return (sr - hr).abs().flatten(1).mean(1)


def run(chosen, checkpoints=None, lpips=None, runtime=RUNTIME, seed=1, measured=None):
    torch.manual_seed(0)
    train_and_write(
        chosen,
        seed=seed,
        runtime=runtime,
        measure=measured or (lambda sr, hr: measure(sr, hr, lpips, RUNTIME.device)),
        lpips=lpips,
        checkpoints=checkpoints or Checkpoints(tempfile.mkdtemp(dir="."), runtime, interval=1e9),
    )
    return {
        str(path.relative_to(Path())): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("models", "metrics", "plots")
        for path in Path(folder).rglob("*.*")
    }


class Killed(BaseException):
    """SIGKILL asks no one."""


class Mortal(Checkpoints):
    """Keeps the state after every update, until it is killed after some number of them."""

    def __init__(self, directory, updates):
        super().__init__(directory, RUNTIME, interval=0)
        self.left, self.whole = updates, self

    def due(self):
        if not self.whole.left:
            raise Killed
        self.whole.left -= 1
        return True

    def part(self, name):
        part = Mortal(super().part(name).path.parent, 0)
        part.whole = self  # one life for all
        return part


@pytest.mark.parametrize("updates", [1, 2, 3, 5, 6, 7])
def test_killed_and_run_again_it_writes_the_same_bits(project, updates):
    """8 updates in all; kills fall into either phase, inside an epoch and on its border."""
    chosen = settings(adversarial__history=2, adversarial__label_noise=0.1, select="psnr")
    whole = run(chosen)
    with pytest.raises(Killed):
        run(chosen, Mortal("state", updates))
    (project / "plots/srgan.csv").unlink(missing_ok=True)
    assert run(chosen, Mortal("state", 8)) == whole


def test_a_killed_training_does_only_the_rest(project):
    with pytest.raises(Killed):
        run(settings(), Mortal("state", 5))
    rest = Mortal("state", 100)
    run(settings(), rest)
    assert 100 - rest.left == 3


FOLDED = {"folds": 2, "batch_size": 2, "generator__normalization": "batch"}
UPDATES = 12  # of each training: 2 + 2 epochs of 3


@pytest.mark.parametrize("updates", [5, UPDATES, UPDATES + 1, UPDATES + 6, 2 * UPDATES + 4])
def test_killed_in_any_fold_and_run_again_it_writes_the_same_bits(project, updates):
    chosen = settings(**FOLDED, select="psnr")
    whole = run(chosen)
    assert {f"models/srgan/without_fold_{n}/generator.safetensors" for n in (0, 1)} <= set(whole)
    with pytest.raises(Killed):
        run(chosen, Mortal("state", updates))
    shutil.rmtree("plots", ignore_errors=True)
    rest = Mortal("state", 100)
    assert run(chosen, rest) == whole
    assert 100 - rest.left == 3 * UPDATES - updates


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
    untouched = Mortal("state", 0)
    with pytest.raises(UserError, match=r"srgan\.folds is 6, .* at most 5 folds"):
        run(settings(folds=6), untouched)


def breaking(update):
    """`pretrain_step` whose loss is NaN in one update."""
    step, calls = phases.pretrain_step, []

    def broken(*arguments):
        calls.append(1)
        values = step(*arguments)
        return values | ({"loss": torch.tensor(torch.nan)} if len(calls) == update else {})

    return broken


class Recording(Checkpoints):
    """Remembers what was saved."""

    def __init__(self, directory):
        super().__init__(directory, RUNTIME, interval=0)
        self.saved_epochs = []

    def save(self, state):
        self.saved_epochs.append(state["phase"]["epoch"])
        super().save(state)


def test_state_that_is_not_finite_is_never_saved(project, monkeypatch):
    monkeypatch.setattr(phases, "pretrain_step", breaking(update=3))
    checkpoints = Recording("state")
    with pytest.raises(UserError, match="loss became infinite or NaN at update 1 of epoch 2"):
        run(settings(), checkpoints)
    assert checkpoints.saved_epochs == [0, 0, 1]


@pytest.mark.parametrize("update", [3, UPDATES // 2 + 2])  # the second is in a fold's training
def test_a_training_that_diverged_leaves_no_state_and_says_that_it_starts_anew(
    project, monkeypatch, update
):
    """To go on from there with the same params would end so again, and others start anew."""
    monkeypatch.setattr(phases, "pretrain_step", breaking(update))
    with pytest.raises(UserError, match=r"gradient_clip; the training then starts anew$"):
        run(settings(**FOLDED), Checkpoints(".checkpoints/stage/digest", RUNTIME, interval=0))
    assert list(Path(".checkpoints/stage").iterdir()) == []
    assert not Path("models").exists()


def test_all_that_is_kept_is_of_the_chosen_epoch(project):
    """Epoch 2 of 4 is the best: networks and numbers are those of a training of 2 epochs."""

    def told(values):
        psnr = iter(values)
        return lambda sr, hr: measure(sr, hr, None, RUNTIME.device) | {"psnr_rgb": next(psnr)}

    def outcome(quality, **changes):
        run(settings(adversarial__schedule="constant", **changes), measured=told(quality))
        metrics = json.loads(Path("metrics/train_srgan.json").read_text())
        return metrics, {name: parts(name) for name in ("generator", "srresnet", "discriminator")}

    chosen, networks = outcome(
        [20, 21, 22, 25, 24, 23, 19], select="psnr", adversarial__epochs=4, ema=0.5
    )
    plain, expected = outcome([20, 21, 22, 25, 19], adversarial__epochs=2, ema=0.5)
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
    assert len(first) == len(set(drawn)) == 6  # that of `run`, two networks, two phases, the judge
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
        ({"pixel__weight": 0.0, "adversarial__weight": 0.0}, "would learn nothing"),
        ({"batch_size": 1, "adversarial__history": 2}, r"srgan\.batch_size is 1"),
        ({"batch_size": 1}, "leave BatchNorm one number"),
        ({"select": "lpips"}, r"select is lpips, which needs pretrained\.lpips"),
        ({"perceptual__weight": 1.0}, r"no weights of its network: set pretrained\.perceptual"),
    ],
)
def test_what_cannot_be_trained_is_said_before_the_first_update(project, changes, named):
    untouched = Mortal("state", 0)
    with pytest.raises(UserError, match=named):
        run(settings(**changes), untouched)
    assert not Path("models").exists() and not Path("plots").exists()


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
    "batch_size": 3,
    "ema": 0.5,
    "gradient_clip": 1e-4,
    "pretraining__epochs": 0,
    "pretraining__loss": "mse",
    "pretraining__learning_rate": 0.01,
    "pretraining__schedule": "step",
    "adversarial__epochs": 1,
    "adversarial__loss": "lsgan",
    "adversarial__learning_rate": 0.001,
    "adversarial__schedule": "cosine",
    "adversarial__weight": 1.0,
    "adversarial__label_smoothing": 0.3,
    "adversarial__label_noise": 0.3,
    "adversarial__history": 2,
    "pixel__loss": "mse",
    "pixel__weight": 0.1,
    "total_variation": 0.1,
    "select": "psnr",
    "snapshots": [2],
}


def parts(name):
    return load_file(f"models/srgan/{name}.safetensors")


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_changes_the_result(project, option):
    """Two options choose what is kept of a training, not how it goes."""
    run(settings())
    plain, picture = parts("generator"), Path("plots/snapshots.png").read_bytes()
    run(settings(**{option: OPTIONS[option]}))
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
    run(settings(generator__skip="none", generator__output="sigmoid"))
    quality = pd.read_csv("plots/srgan.csv")
    assert np.isfinite(quality["val_psnr_rgb"]).all()


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


def test_a_broken_state_file_is_named(project):
    Path("state").mkdir()
    Path("state/state.pt").write_bytes(b"half a file")
    with pytest.raises(UserError, match=r"state\.pt cannot be read .* delete it"):
        run(settings(), Checkpoints("state", RUNTIME))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler: apt-get install g++")
@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
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
