"""The commands write what they promise, and say in one sentence what is wrong with an input."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from importlib.metadata import version

import benchmark as stage
import numpy as np
import pytest
from command_line import run_command, small_generator
from PIL import Image
from repository import ROOT, default_params

from srgan_ab.common import paths, shipped
from srgan_ab.common.params import Declared, parse
from srgan_ab.common.stage import definition

COMMANDS = ("upscale", "classify", "benchmark", "info", "export", "demo", "doctor")


@pytest.fixture
def model(tmp_path):
    return small_generator(tmp_path / "g.safetensors")


@pytest.fixture
def run(monkeypatch, capsysbinary):
    return partial(run_command, monkeypatch, capsysbinary)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no pipeline has run
    directory = tmp_path / "Some5"
    directory.mkdir()
    rng = np.random.default_rng(0)
    for name, mode, size in (("a.png", "RGB", (41, 30)), ("b.jpg", "L", (24, 28))):
        coarse = Image.fromarray(rng.integers(0, 256, (7, 6, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).convert(mode).save(directory / name)
    return directory


def test_benchmark_measures_a_folder(run, tmp_path, model, folder):
    result = run(
        *("benchmark", folder, "--srgan", model, "--per-image", "--device", "cpu"),
        *("--output", tmp_path / "out.json", "--pictures", tmp_path / "sheets"),
        *("--srresnet", model, "--lr", "pillow"),
    )
    assert result.code == 0, result.sentence
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["lr"] == "pillow" and "Pillow's resize" in found["convention"]
    assert found["convention"] in result.out
    (name, scores) = found["folders"].popitem()
    assert name == "Some5" and list(scores["pictures"]) == ["a.png", "b.jpg"]
    means = scores["mean"]
    assert list(means) == ["nearest", "bilinear", "bicubic", "lanczos", "srresnet", "srgan"]
    assert means["srgan"] == means["srresnet"] != means["bicubic"]
    each = [picture["srgan"]["psnr_y"] for picture in scores["pictures"].values()]
    assert means["srgan"]["psnr_y"] == pytest.approx(sum(each) / 2, abs=1e-4)
    for value in (means["bicubic"]["psnr_y"], scores["pictures"]["a.png"]["bilinear"]["psnr_y"]):
        assert f"{value:.2f}" in result.out
    sheets = sorted(file.name for file in (tmp_path / "sheets" / "Some5").iterdir())
    assert sheets == ["a.png", "b.jpg.png"]


def test_benchmark_takes_small_pictures_through_jpeg(run, tmp_path, folder, model, monkeypatch):
    """Of a generator that comes with the project, too."""
    monkeypatch.setattr(shipped, "DIRECTORY", tmp_path)
    shutil.copy(model, tmp_path / "rough.safetensors")
    found = {}
    for quality in (30, 90, None):
        result = run(
            *("benchmark", folder, "--srgan", "rough", "--srresnet", "rough", "--device", "cpu"),
            *("--output", tmp_path / "out.json", *(("--jpeg", quality) if quality else ())),
        )
        assert result.code == 0, result.sentence
        described = json.loads((tmp_path / "out.json").read_text())
        assert described["jpeg"] == quality
        assert (f"JPEG of quality {quality}" in result.out) == (quality is not None)
        found[quality] = described["folders"]["Some5"]["mean"]
    for method in ("bicubic", "srgan"):
        worse, better, best = (found[quality][method]["psnr_rgb"] for quality in (30, 90, None))
        assert worse < better < best
    assert run("benchmark", folder, "--jpeg", 101).code == 2


def test_the_stage_measures_as_the_command_does(run, tmp_path, model, folder, monkeypatch):
    result = run(
        *("benchmark", folder, "--srgan", model, "--srresnet", model, "--perceptual", model),
        *("--task", model),
        *("--lr", "pillow", "--output", tmp_path / "out.json", "--device", "cpu"),
    )
    assert result.code == 0, result.sentence
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    for path in (paths.GENERATOR, paths.SRRESNET, paths.PERCEPTUAL, paths.TASK):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(model, path)
    values = default_params()
    values["benchmarks"] = {"paths": [str(folder)], "lr": "pillow"}
    values["controls"]["t"] = True
    values["runtime"] |= {"portable": False, "device": "cpu"}
    stage.benchmark(Declared(parse(values), definition("benchmark")["params"]))
    found = json.loads((tmp_path / "metrics/benchmarks.json").read_text())
    of_command = json.loads((tmp_path / "out.json").read_text())["folders"]
    assert found == {"Some5": of_command["Some5"]["mean"]}


def test_benchmark_says_which_networks_it_lacks_and_does_without(run, folder):
    result = run("benchmark", folder, "--device", "cpu")
    assert result.code == 0, result.sentence
    for method in ("srgan", "srresnet"):
        assert f"no row {method}" in result.err and f"--{method}" in result.err
    assert "\nbicubic" in result.out and "\nsrgan" not in result.out


def test_mistakes_in_a_benchmark_are_one_sentence(run, tmp_path, folder, model):
    (tmp_path / "other" / "Some5").mkdir(parents=True)
    for arguments, sentence in [
        ((tmp_path / "none", "--srresnet", model), "none is no folder"),
        ((folder, tmp_path / "other" / "Some5"), "same name"),
        ((folder, "--srgan", tmp_path / "g2.safetensors"), "g2.safetensors is missing"),
        ((folder, "--srgan", tmp_path), "is a folder: give the .safetensors file"),
        ((folder, "--lpips", tmp_path / "l.safetensors"), "l.safetensors is missing"),
    ]:
        result = run(
            "benchmark", "--device", "cpu", "--srgan", model, "--srresnet", model, *arguments
        )
        assert result.code == 1
        assert sentence in result.sentence and "\n" not in result.sentence


def test_the_version(run):
    assert run("--version").out == f"srgan-ab {version('srgan-ab')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_each_on_its_line(run, command):
    lines = run(command, "--help").out.splitlines()
    assert sum(line.startswith(f"  srgan-ab {command}") for line in lines) >= 2


def main_in_a_process(*arguments, **options) -> subprocess.CompletedProcess:
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": os.environ["PATH"], "HOME": "/nowhere"}
    code = "import sys; from srgan_ab.app.cli import main; sys.argv[0] = 'srgan-ab'; main()"
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment | options.pop("env", {}),
        **options,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_does_without_what_computes(command):
    done = main_in_a_process(command, "--help")
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported and imported.isdisjoint({"torch", "pandas", "scipy", "timm"})


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_names_of_commands(shell):
    script = main_in_a_process(env={"_SRGAN_AB_COMPLETE": f"source_{shell}"}).stdout
    assert "srgan-ab" in script and "_SRGAN_AB_COMPLETE" in script
    asked = {
        "_SRGAN_AB_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "srgan-ab up",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "srgan-ab up",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    assert "upscale" in main_in_a_process(env=asked).stdout
