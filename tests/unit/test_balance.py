"""What a discriminator's accuracy says of the game, and that a training says so."""

import json
from pathlib import Path

import pytest
import torch
import toy_srgan
from toy_srgan import run, settings

from srgan_ab.common.balance import state_of
from srgan_ab.srgan import steps


@pytest.mark.parametrize(
    ("accuracies", "state"),
    [
        ([0.5], "lost"),
        ([0.9, 0.59, 0.59, 0.59], "lost"),
        ([0.59, 0.59, 0.61], None),
        ([0.55, 0.8, 0.8, 0.8], None),
        ([0.98, 0.995, 1.0], None),
        ([0.5, 0.995, 0.999, 1.0], "won"),
    ],
)
def test_the_last_three_epochs_tell(accuracies, state):
    assert state_of(accuracies) == state


@pytest.mark.slow
@pytest.mark.parametrize(
    ("output", "epochs", "said"),
    [(0.0, 1, "it has lost"), (0.0, 4, "it has lost"), (9.0, 3, "it has won")],
)
def test_a_training_says_who_has_no_opponent(tmp_path, monkeypatch, capsys, output, epochs, said):
    """A discriminator that gives one answer for all, and one that is always right."""
    toy_srgan.project(tmp_path, monkeypatch)
    genuine = steps.compared
    always = lambda kind, real, fake: genuine(kind, real * 0 + output, fake * 0 - output)  # noqa: E731
    monkeypatch.setattr(steps, "compared", always)
    run(settings(adversarial__epochs=epochs))
    assert said in capsys.readouterr().out
    metrics = json.loads(Path("metrics/train_srgan.json").read_text())
    counts = {"d_lost_epochs": 0, "d_won_epochs": 0}
    counts |= {f"d_{said.removeprefix('it has ')}_epochs": epochs}
    assert {key: metrics[key] for key in counts} == counts


@pytest.mark.slow
def test_one_that_plays_is_not_spoken_of(tmp_path, monkeypatch, capsys):
    toy_srgan.project(tmp_path, monkeypatch)
    mostly = torch.tensor([-1.0, -1.0, -1.0, 1.0])  # right about seven of eight
    monkeypatch.setattr(
        steps, "compared", lambda kind, real, fake: (real * 0 + 1, fake * 0 + mostly)
    )
    run(settings())
    assert "the discriminator has been right" not in capsys.readouterr().out
