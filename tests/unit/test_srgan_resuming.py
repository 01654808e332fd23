"""A training that was stopped goes on to the same bits; one that diverged leaves nothing behind."""

import shutil
from pathlib import Path

import pytest
import torch
import toy_srgan
from toy_srgan import FOLDED, RUNTIME, UPDATES, Killed, Mortal, run, settings

from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.srgan import phases

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path, monkeypatch):
    return toy_srgan.project(tmp_path, monkeypatch)


@pytest.mark.parametrize("updates", [1, 2, 3, 5, 6, 7, 8, 9])
def test_killed_and_run_again_it_writes_the_same_bits(project, updates):
    """10 updates in all; kills fall into all phases, inside an epoch and on its border."""
    chosen = settings(
        adversarial__history=2,
        adversarial__label_noise=0.1,
        adversarial__warm_up=2,
        select="psnr",
        degradation__probability=0.5,
        degradation__noise=[0.0, 9.0],
    )
    whole = run(chosen)
    with pytest.raises(Killed):
        run(chosen, Mortal("state", updates))
    (project / "plots/srgan.csv").unlink(missing_ok=True)
    assert run(chosen, Mortal("state", 10)) == whole


def test_a_killed_training_does_only_the_rest(project):
    with pytest.raises(Killed):
        run(settings(), Mortal("state", 5))
    rest = Mortal("state", 100)
    run(settings(), rest)
    assert 100 - rest.left == 3


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


def test_a_broken_state_file_is_named(project):
    Path("state").mkdir()
    Path("state/state.pt").write_bytes(b"half a file")
    with pytest.raises(UserError, match=r"state\.pt cannot be read .* delete it"):
        run(settings(), Checkpoints("state", RUNTIME))
