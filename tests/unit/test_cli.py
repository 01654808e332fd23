"""The commands write what they promise, and say in one sentence what is wrong with an input."""

import json
import shutil
import sys
from types import SimpleNamespace

import benchmark as stage
import numpy as np
import pytest
import torch
from PIL import Image
from repository import ROOT, default_params

from srgan_ab.app.cli import main
from srgan_ab.common import paths, shipped
from srgan_ab.common.params import Declared, parse
from srgan_ab.common.stage import definition
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.generator import Generator

ARCHITECTURE = {"blocks": 1, "channels": 4, "normalization": "none", "skip": "bicubic"}


@pytest.fixture
def model(tmp_path):
    save_weights(tmp_path / "g.safetensors", Generator(**ARCHITECTURE), ARCHITECTURE)
    return tmp_path / "g.safetensors"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command; return its exit code, its one sentence if it failed, and what it printed."""

    def run(*arguments) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["srgan-ab", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        sentence = stopped.value.code if isinstance(stopped.value.code, str) else None
        code = 1 if sentence else stopped.value.code
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, sentence=sentence, out=printed.out, err=printed.err)

    return run


def test_a_picture_of_any_size_and_mode(run, tmp_path, model):
    picture = tmp_path / "grey.png"
    Image.fromarray(np.full((9, 21), 77, np.uint8)).save(picture)
    result = run("upscale", picture, "--model", model, "--device", "cpu")
    assert result.code == 0, result.sentence
    enlarged = np.asarray(Image.open(tmp_path / "grey-x4.png"))
    assert enlarged.shape == (36, 84)
    assert np.abs(enlarged.astype(int) - 77).max() <= 1  # an untrained skip network interpolates


def test_what_a_picture_carries_is_in_the_file_too(run, tmp_path, model):
    layer = Image.new("RGBA", (6, 5), (200, 100, 50, 255))
    layer.putpixel((0, 0), (0, 0, 0, 0))
    layer.save(tmp_path / "layer.png", icc_profile=b"profile")
    deep = np.full((5, 6), 30000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    for name in ("layer", "deep"):
        result = run("upscale", tmp_path / f"{name}.png", "--model", model, "--device", "cpu")
        assert result.code == 0, result.sentence
    layer = Image.open(tmp_path / "layer-x4.png")
    assert (layer.mode, layer.info["icc_profile"]) == ("RGBA", b"profile")
    assert layer.getpixel((0, 0))[3] < 50 and layer.getpixel((20, 16)) == (200, 100, 50, 255)
    deep = Image.open(tmp_path / "deep-x4.png")
    assert deep.mode == "I;16" and np.abs(np.asarray(deep, int) - 30000).max() <= 1


def test_the_model_trained_here_comes_before_the_one_that_is_shipped(
    run, tmp_path, model, monkeypatch
):
    """Each of the three is of one colour, by the bias of its last layer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "DIRECTORY", tmp_path / "box")
    picture = tmp_path / "black.png"
    Image.new("RGB", (5, 4)).save(picture)

    def grey(*arguments):
        result = run("upscale", picture, "--device", "cpu", *arguments)
        assert result.code == 0, result.sentence
        return np.unique(np.asarray(Image.open("black-x4.png"))).tolist(), result.err

    sentence = run("upscale", picture).sentence
    assert "the generator photo does not come with this version" in sentence
    assert "dvc repro train_srgan" in sentence and "\n" not in sentence
    for path, level in (
        ("box/photo.safetensors", 51),
        ("box/rough.safetensors", 102),
        ("models/srgan/generator.safetensors", 153),
    ):
        if level == 153:
            level_now, told = grey()
            assert level_now == [51] and "by the generator photo:" in told
        generator = Generator(**ARCHITECTURE)
        torch.nn.init.constant_(generator.tail.bias, level / 255)
        save_weights(tmp_path / path, generator, ARCHITECTURE, "generator")
    level, told = grey()
    assert level == [153] and "by the generator models/srgan/generator.safetensors:" in told
    assert grey("--model", "photo")[0] == [51]
    level, told = grey("--model", "rough")
    assert level == [102] and "by the generator" not in told
    assert grey("--model", "models/srgan/generator.safetensors")[0] == [153]
    assert "faithful does not come" in run("upscale", picture, "--model", "faithful").sentence


def test_mistakes_are_one_sentence(run, tmp_path, model):
    (tmp_path / "text.jpg").write_text("no picture")
    for arguments, sentence in [
        ((tmp_path / "none.png", "--model", model), "none.png is no file"),
        ((tmp_path / "text.jpg", "--model", model), "text.jpg cannot be read"),
        ((model, "-o", "x.jpg", "--model", model), "g.safetensors cannot be read"),
    ]:
        result = run("upscale", *arguments)
        assert result.code == 1
        assert sentence in result.sentence and "\n" not in result.sentence


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
        *("--lr", "pillow", "--output", tmp_path / "out.json", "--device", "cpu"),
    )
    assert result.code == 0, result.sentence
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    for path in (paths.GENERATOR, paths.SRRESNET, paths.PERCEPTUAL):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(model, path)
    values = default_params()
    values["benchmarks"] = {"paths": [str(folder)], "lr": "pillow"}
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
        ((folder, "--lpips", tmp_path / "l.safetensors"), "l.safetensors is missing"),
    ]:
        result = run(
            "benchmark", "--device", "cpu", "--srgan", model, "--srresnet", model, *arguments
        )
        assert result.code == 1
        assert sentence in result.sentence and "\n" not in result.sentence
