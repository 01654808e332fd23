"""The command `upscale`, and the scripts of benchmarks/, for all that test them."""

import importlib
from functools import partial

import pytest
from repository import PARAMS, ROOT


@pytest.fixture
def module(monkeypatch):
    """Import a module of benchmarks/, which is no package."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setattr("speed.PARAMS", PARAMS)
    return importlib.import_module


@pytest.fixture
def upscale(monkeypatch, capsysbinary, tmp_path_factory, tmp_path):
    """The command in an empty folder, by a small generator on the CPU."""
    from command_line import run_command, small_generator  # they import torch

    model = small_generator(tmp_path_factory.mktemp("model") / "g.safetensors")
    monkeypatch.chdir(tmp_path)
    run = partial(run_command, monkeypatch, capsysbinary, "upscale")
    return partial(run, "--model", model, "--device", "cpu")
