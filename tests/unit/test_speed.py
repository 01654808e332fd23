"""The speed benchmark: its documented options are known, and both of its sides take their steps."""

import importlib
import shlex
from pathlib import Path

import pytest
import torch
import typer
from commands import ROOT, documented

from srgan_ab.common.params import load
from srgan_ab.common.runtime import prepare

COMMANDS = [command for command in documented() if "benchmarks/speed.py" in command]


@pytest.fixture
def module(monkeypatch):
    """Import a module of benchmarks/, which is no package."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_options_are_known(module, command):
    app = typer.Typer()
    app.command()(module("speed").main)
    _, script, *options = shlex.split(command)
    typer.main.get_command(app).make_context(script, options)  # parses, runs nothing


def test_both_sides_take_their_steps(module, tmp_path: Path):
    settings = load(ROOT / "params.yaml").runtime
    settings = settings.model_copy(update={"device": "cpu", "precision": "fp32"})
    lr, hr = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 32, 32)
    ours = module("speed").Ours(prepare(settings, seed=0), tmp_path)
    theirs = module("plain").Training(torch.device("cpu"))
    for side, generator in ((ours, ours.nets.generator), (theirs, theirs.generator)):
        for step in (side.srgan_step, side.mse_step):
            before = [parameter.clone() for parameter in generator.parameters()]
            step(lr, hr)
            after = generator.parameters()
            assert not any(map(torch.equal, before, after)), step
