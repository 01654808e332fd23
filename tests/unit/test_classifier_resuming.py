"""A classifier whose training was stopped goes on to the same bits."""

from pathlib import Path

import pytest
import torch
from test_arms import declared, project  # noqa: F401
from test_classifier_training import RUNTIME, settings, textures
from toy_srgan import Killed, Mortal

from srgan_ab.classifier import arms, training
from srgan_ab.classifier.backbones import build
from srgan_ab.classifier.training import fit
from srgan_ab.common.errors import UserError

UPDATES = 3  # per epoch


def trained(checkpoints=None, **changes):
    torch.manual_seed(5)
    network = build("small_cnn", None, "none")
    torch.manual_seed(len(changes))  # what was drawn before must not matter
    chosen = settings(epochs=3, **changes)
    examples = textures(50, 1), textures(20, 2)
    state, history = fit(network, *examples, chosen, UPDATES, RUNTIME, 8, checkpoints)
    return {k: v.numpy().tobytes() for k, v in state.items()}, history.to_dict("list")


@pytest.mark.slow
@pytest.mark.parametrize("updates", range(1, 3 * UPDATES))
def test_killed_after_any_update_and_run_again_it_gives_the_same_bits(tmp_path, updates):
    whole = trained()
    with pytest.raises(Killed):
        trained(Mortal(tmp_path, updates))
    rest = Mortal(tmp_path, 100)
    assert trained(rest) == whole
    assert 100 - rest.left == 3 * UPDATES - updates


def test_one_that_was_finished_is_not_trained_again(tmp_path):
    whole = trained(Mortal(tmp_path, 100))
    assert trained(Mortal(tmp_path, 0)) == whole  # it would be killed by its first update


def test_patience_is_kept_across_a_stop(tmp_path, monkeypatch):
    losses = [0.4, 0.5, 0.6]
    monkeypatch.setattr(
        training, "_validate", lambda *a: {"val_loss": losses[0], "val_accuracy": 0.5}
    )
    whole = trained(patience=1)
    assert len(whole[1]["epoch"]) == 2
    with pytest.raises(Killed):
        trained(Mortal(tmp_path, 4), patience=1)
    assert trained(Mortal(tmp_path, 100), patience=1) == whole
    assert trained(Mortal(tmp_path, 0), patience=1) == whole


def test_one_that_diverged_leaves_nothing_to_go_on_from(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_validate", lambda *a: {"val_loss": float("nan")})
    with pytest.raises(UserError, match="no longer finite in epoch 1"):
        trained(Mortal(tmp_path / "state", 100))
    assert not (tmp_path / "state").exists()


@pytest.mark.slow
@pytest.mark.parametrize("updates", [2, 8, 11])
def test_replicates_go_on_too(project, monkeypatch, updates):  # noqa: F811
    """Two networks of 2 epochs of 3 updates: kills fall into the first and into the second."""
    project["classifier"]["replicates"] = 2
    params = declared(project, "train_a")

    def run(lives):
        monkeypatch.setattr(arms, "Checkpoints", lambda place, runtime: Mortal(place, lives))
        arms.train_arm("a", params, Path("state"))
        written = [*Path("models/a").iterdir(), Path("plots/train_a.csv")]
        return {path: path.read_bytes() for path in written}

    monkeypatch.setattr(arms, "Checkpoints", lambda place, runtime: Mortal("other", 100))
    arms.train_arm("a", params, Path("other"))
    whole = {path: path.read_bytes() for path in Path("models/a").iterdir()}
    whole |= {(curve := Path("plots/train_a.csv")): curve.read_bytes()}
    with pytest.raises(Killed):
        run(updates)
    curve.unlink(missing_ok=True)
    assert run(100) == whole
    curve.unlink()
    assert run(0) == whole  # killed after the last of them: nothing is trained, all is written
