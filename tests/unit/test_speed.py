"""The speed benchmark: its documented options are known, and both of its sides take their steps."""

import json
from pathlib import Path

import pytest
import torch
from commands import documented, parse
from repository import PARAMS

from srgan_ab.common.params import load
from srgan_ab.common.runtime import prepare

COMMANDS = [command for command in documented() if "benchmarks/speed.py" in command]


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_options_are_known(module, command):
    parse(module("speed").main, command)


@pytest.mark.slow
def test_both_sides_take_their_steps(module, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("speed.SIDE", 32)
    settings = load(PARAMS).runtime
    settings = settings.model_copy(update={"device": "cpu", "precision": "fp32"})
    ours = module("speed").Ours(prepare(settings, seed=0), tmp_path, batch_size=2)
    theirs = module("plain").Training(torch.device("cpu"))
    batch = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 32, 32)
    steps = (
        (ours.adversarial.modules["generator"], ours.adversarial.update),
        (ours.pretraining.modules["generator"], ours.pretraining.update),
        (theirs.generator, lambda: theirs.srgan_step(*batch)),
        (theirs.generator, lambda: theirs.mse_step(*batch)),
    )
    for generator, step in steps:
        before = [parameter.clone() for parameter in generator.parameters()]
        step()
        assert not any(map(torch.equal, before, generator.parameters())), step


@pytest.mark.long
@pytest.mark.slow
def test_what_is_measured(module, tmp_path: Path, monkeypatch):
    """The whole benchmark on a small picture, in one round."""
    speed = module("speed")
    monkeypatch.setattr(speed, "PICTURE", (1, 3, 16, 24))
    monkeypatch.setattr(speed, "WARM_UP", 0)
    speed.main("cpu", "fp32", None, batch_size=2, rounds=1, output=tmp_path / "speed.json")
    found = json.loads((tmp_path / "speed.json").read_text())
    assert found["device"] and found["precision"] == "fp32" and found["compile"] is None
    per_image = {"srgan_step": 71.7, "mse_step": 13.6, "generate_batch": 4.54}  # GFLOP
    for name, gflop in per_image.items():
        assert found["cases"][name]["gflop"] == pytest.approx(2 * gflop, rel=0.02), name
    for row in found["cases"].values():
        assert row["ratio"] == pytest.approx(row["seconds_plain"] / row["seconds"], rel=1e-2)
        rate = row["gflop"] / row["seconds"]
        assert row["share_of_peak"] == pytest.approx(
            rate / found["peak_gflop_per_second"], rel=1e-2
        )
