"""`srgan-ab classify` gives what the pipeline's own prediction gives of the same pixels."""

import csv
import io
import json
from functools import partial

import numpy as np
import pytest
import torch
import yaml
from command_line import run_command, small_run
from PIL import Image, ImageOps

from srgan_ab.classifier.prediction import load_classifiers, predict
from srgan_ab.common import paths
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import load_generator
from srgan_ab.srgan.upscaling import upscale

RUNTIME = Runtime(torch.device("cpu"), "fp32")
SIDE = 64


@pytest.fixture
def classify(monkeypatch, capsysbinary, tmp_path):
    """The command in the folder of a run: arms a, of two replicates, and c; two generators."""
    monkeypatch.chdir(tmp_path)
    small_run({"a": 2, "c": 1}, SIDE)
    rng = np.random.default_rng(0)
    for name, size in (("x.png", (90, 70)), ("y.jpg", (64, 64)), ("z.webp", (66, 120))):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(tmp_path / name)
    run = partial(run_command, monkeypatch, capsysbinary, "classify")
    return lambda *arguments: run(*arguments, "--device", "cpu")


def expected(arm: str, squares: list[np.ndarray]) -> list[float]:
    networks = load_classifiers(paths.classifier(arm), RUNTIME.device)
    return predict(networks, np.stack(squares), RUNTIME).mean(0).tolist()


def square(name: str) -> Image.Image:
    upright = ImageOps.exif_transpose(Image.open(name).convert("RGB"))
    return ImageOps.fit(upright, (SIDE, SIDE), Image.Resampling.BICUBIC)


def test_the_mean_over_replicates_of_every_arm(classify):
    result = classify("x.png", "y.jpg", "z.webp", "--format", "json")
    assert result.code == 0, result.sentence
    rows = json.loads(result.out)
    assert [(row["picture"], row["arm"]) for row in rows] == [
        (name, arm) for name in ("x.png", "y.jpg", "z.webp") for arm in ("a", "c")
    ]
    squares = [np.asarray(square(name)) for name in ("x.png", "y.jpg", "z.webp")]
    for arm in ("a", "c"):
        chances = [row["probability"] for row in rows if row["arm"] == arm]
        assert chances == pytest.approx(expected(arm, squares), abs=1e-4)
    for row in rows:
        assert row["class"] == ("dog" if row["probability"] >= 0.5 else "cat")
        assert row["positive"] == "dog"


def test_a_picture_on_its_side_is_judged_upright(classify, tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    lying = Image.open("x.png").transpose(Image.Transpose.ROTATE_90)
    lying.save("lying.png", exif=tags)
    upright, turned = json.loads(
        classify("x.png", "lying.png", "--arm", "a", "--format", "json").out
    )[:2]
    assert upright["probability"] == turned["probability"]


def test_through_a_small_picture_and_every_generator(classify):
    result = classify("x.png", "--through", 16, "--arm", "a", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["through"] for row in rows] == ["none", "bicubic", "perceptual", "srgan"]
    small = square("x.png").resize((16, 16), Image.Resampling.BICUBIC)
    bicubic = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    versions = [np.asarray(square("x.png")), bicubic]
    for path in (paths.PERCEPTUAL, paths.GENERATOR):
        out = np.empty((1, SIDE, SIDE, 3), np.uint8)
        upscale(load_generator(path, RUNTIME.device), np.asarray(small)[None], out, RUNTIME)
        versions.append(out[0])
    chances = [float(row["probability"]) for row in rows]
    assert chances == pytest.approx(expected("a", versions), abs=1e-3)
    assert classify("x.png", "--through", 20).code == 0  # not a quarter of it


def test_crops_of_one_picture_are_one_verdict(classify):
    params = yaml.safe_load(paths.PARAMS.read_text())
    params["images"] |= {"fit": "crops", "crops_per_image": 4}
    paths.PARAMS.write_text(yaml.safe_dump(params))
    Image.open("x.png").resize((130, 64)).save("wide.png")
    (row,) = json.loads(classify("wide.png", "--arm", "c", "--format", "json").out)
    image = Image.open("wide.png")
    crops = [np.asarray(image.crop((x, 0, x + 64, 64))) for x in (1, 65)]
    assert row["probability"] == pytest.approx(np.mean(expected("c", crops)), abs=1e-4)


def test_a_table_for_a_reader(classify):
    lines = classify("x.png").out.splitlines()
    assert lines[0].split() == ["picture", "arm", "class", "probability", "positive"]
    assert lines[2].split()[:2] == ["x.png", "a"] and len(lines) == 4


def test_it_goes_on_after_a_bad_picture(classify, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    result = classify("bad.png", "x.png", "none.png", "--format", "csv")
    assert result.code == 1 and "2 of 3 pictures failed" in result.sentence
    assert "bad.png cannot be read" in result.err and "none.png is no file" in result.err
    assert result.out.count("x.png") == 2


def test_mistakes_are_one_sentence(classify, tmp_path, monkeypatch):
    for arguments, sentence in [
        (("x.png", "--arm", "b"), "--arm is b: give one of a, c"),
        (("x.png", "--through", 7), "--through is 7: give 8 to 64"),
        (("x.png", "--through", 65), "--through is 65"),
        (("none.png",), "none.png is no file"),
    ]:
        result = classify(*arguments)
        assert result.code == 1
        assert sentence in result.sentence and "\n" not in result.sentence
    paths.PARAMS.unlink()
    assert "params.yaml is missing" in classify("x.png").sentence
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "models holds no classifier" in classify("x.png").sentence
