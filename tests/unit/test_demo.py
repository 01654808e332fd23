"""`srgan-ab demo`: what its page shows of a picture and of a run, without the page."""

import importlib.util
import json
import re
from functools import partial

import numpy as np
import pytest
import torch
from command_line import run_command, save, small_generator, small_run
from demo_inputs import animation, declared
from PIL import Image

from srgan_ab import load_generator, upscale
from srgan_ab.app import demo, showing, tables
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import write_metrics
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.shipped import SHIPPED

RUNTIME = Runtime(torch.device("cpu"), "fp32")
SIDE = 64


@pytest.fixture
def run(monkeypatch, capsysbinary, tmp_path):
    """A command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return partial(run_command, monkeypatch, capsysbinary)


@pytest.fixture
def by(run):
    """One small generator."""
    path = small_generator(paths.GENERATOR)
    return showing.Enlargers(RUNTIME, {"one": path, "other": path})


def versions(by, size, reduced=False, mode="RGB", **options):
    path = save(paths.PLOTS / "x.png", size, mode)
    return path, showing.enlarged_versions(path.read_bytes(), "x.png", reduced, by, **options)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_picture_as_it_is(by, mode):
    steps = []
    path, made = versions(by, (13, 7), mode=mode, on_step=steps.append)
    assert list(made.pictures) == ["LR", "bicubic", "one", "other"] and not made.notes
    assert steps == ["one", "other"]
    original = Image.open(path)
    for called, resample in (("LR", Image.Resampling.NEAREST), ("bicubic", showing.BICUBIC)):
        assert made.pictures[called] == original.resize((52, 28), resample)
    expected = upscale(path, load_generator(paths.GENERATOR, "cpu", "fp32"))
    assert made.pictures["one"] == made.pictures["other"] == expected


def test_a_picture_made_small_first_lies_on_its_original(by):
    path, made = versions(by, (43, 30), reduced=True)
    assert next(iter(made.pictures)) == "original"
    assert {image.size for image in made.pictures.values()} == {(40, 28)}
    assert made.pictures["original"] == Image.open(path).crop((0, 0, 40, 28))
    lr = made.pictures["LR"].resize((10, 7), Image.Resampling.NEAREST)
    assert lr == made.pictures["original"].resize((10, 7), showing.BICUBIC)


@pytest.mark.parametrize("reduced", [False, True])
def test_of_a_large_picture_the_middle(by, monkeypatch, reduced):
    monkeypatch.setattr(showing, "LARGEST", 8)
    path, made = versions(by, (50, 6 if not reduced else 20), reduced)
    side, height = (32, 20) if reduced else (8, 6)
    (note,) = made.notes
    assert "x.png has 50×" in note and f"{side}×{height} of them" in note
    left = (50 - side) // 2
    middle = Image.open(path).crop((left, 0, left + side, height))
    if reduced:
        assert made.pictures["original"] == middle
    else:
        assert made.pictures["LR"] == middle.resize((32, 24), Image.Resampling.NEAREST)


def test_a_generator_is_loaded_once(by, monkeypatch):
    versions(by, (5, 5))
    monkeypatch.setattr(showing, "load_generator", None)
    versions(by, (5, 5))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"some text", "x cannot be read: not an image"),
        (b"", "x cannot be read: empty"),
        (declared(70_000, 70_000), "x cannot be read: too many pixels"),
        (declared(9000, 9000), "x cannot be read: too many pixels"),
        (animation(), "x is an animation: give a picture of one frame"),
    ],
)
def test_bad_pictures_are_one_sentence(by, data, sentence):
    with pytest.raises(UserError, match=sentence) as raised:
        showing.enlarged_versions(data, "x", False, by)
    assert "\n" not in str(raised.value) and "--" not in str(raised.value)


def test_too_few_pixels_to_make_smaller(by):
    with pytest.raises(UserError, match="fewer than 4 pixels a side"):
        versions(by, (3, 9), reduced=True)
    assert versions(by, (3, 1))[1].pictures["one"].size == (12, 4)


def test_generators_of_the_run_come_before_those_of_the_project(run):
    assert list(showing.generators_here()) == list(SHIPPED)
    small_run({}, SIDE)
    assert list(showing.generators_here().items())[:2] == [
        ("SRGAN of this run", paths.GENERATOR),
        ("non-adversarial of this run", paths.PERCEPTUAL),
    ]


def test_verdicts_are_those_of_classify(run):
    small_run({"a": 2, "b": 1, "c": 1}, SIDE)
    path = save(paths.PLOTS / "x.png", (90, 70))
    rows = showing.resolutions(path.read_bytes(), "x.png", RUNTIME)
    said = [(row["pixels"], row["enlarged_by"]) for row in rows]
    assert said == [(64, "")] + [(n, by) for n in (32, 16, 8) for by in ("bicubic", "SRGAN")]
    ways = {"": "none", "bicubic": "bicubic", "SRGAN": "srgan"}
    for row in rows:
        asked = ("classify", path, "--through", row["pixels"], "--device", "cpu")
        expected = json.loads(run(*asked, "--arm", "a", "--arm", "b", "--format", "json").out)
        for one in expected:
            if one["through"] == ways[row["enlarged_by"]]:
                dog = one["probability"]
                sure = dog if one["class"] == "dog" else 1 - dog
                cell = row[one["arm"].upper()]
                shown, percent = re.fullmatch(r"(\w+) \((\d+) %\)", cell).groups()
                assert shown == one["class"] and abs(int(percent) - 100 * sure) < 0.6


def test_without_a_run_there_are_no_verdicts_and_no_numbers(run):
    data = save(paths.PLOTS / "x.png").read_bytes()
    assert showing.resolutions(data, "x.png", RUNTIME) == []
    assert showing.numbers_of_the_run() == {}


def test_a_damaged_run_is_one_sentence(run):
    small_run({"a": 1, "b": 1}, SIDE)
    data = save(paths.PLOTS / "x.png").read_bytes()
    paths.PARAMS.write_text("seed: [")
    with pytest.raises(UserError, match=r"params\.yaml"):
        showing.resolutions(data, "x.png", RUNTIME)
    small_run({"a": 1, "b": 1}, SIDE)
    (paths.METRICS).mkdir()
    (paths.METRICS / "a.json").write_text("{")
    with pytest.raises(UserError, match=r"a\.json is damaged"):
        showing.numbers_of_the_run()


def test_the_numbers_of_a_run(run):
    small_run({"a": 1, "b": 1, "c": 1}, SIDE)
    for arm, accuracy in (("a", 0.9), ("b", 0.8), ("c", 0.7)):
        write_metrics(paths.METRICS / f"{arm}.json", {"accuracy": accuracy, "log_loss": 0.3})
    write_metrics(paths.METRICS / "sr.json", {"test": {"srgan": {"psnr_y": 28.5}}})
    classifiers, generators = showing.numbers_of_the_run().values()
    assert [(row["name"], row["accuracy"]) for row in classifiers] == [
        ("A", 0.9),
        ("B", 0.8),
        ("C", 0.7),
    ]
    assert list(classifiers[0]) == ["name", "trained_on", "accuracy", "log_loss"]  # none empty
    assert {row["name"]: row["psnr_y"] for row in generators} == {"perceptual": None, "srgan": 28.5}


def test_examples_are_pictures_of_both_classes_always_the_same():
    first, again = dict(showing.examples()), dict(showing.examples())
    assert {name.split("-")[0] for name in first} == {"cat", "dog"} and len(first) == 4
    assert first == again
    pixels = [np.asarray(image).tobytes() for image in first.values()]
    assert len(set(pixels)) == 4


def test_a_table_for_the_page_escapes_what_it_shows():
    page = tables.html([{"name": "<b>&", "log_loss": 0.12345, "lpips": None}], "A <title>")
    assert "<b>" not in page and "&lt;b&gt;&amp;" in page and "A &lt;title&gt;" in page
    assert '<th scope="col">log loss</th>' in page and "<td>0.123</td><td></td>" in page


def test_without_gradio_one_sentence_says_what_to_install(run, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "gradio" else found(name)
    )
    said = run("demo").sentence
    assert "demo needs gradio: run `pip install 'srgan-ab[demo]'`" in said and "\n" not in said


def test_no_other_machine_can_reach_it(run, monkeypatch):
    with demo._listening(0) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        monkeypatch.setattr(demo, "require_gradio", lambda: None)
        said = run("demo", "--port", port).sentence
        assert f"--port is {port}, which cannot be had" in said and "\n" not in said
    assert run("demo", "--share").code == 2
