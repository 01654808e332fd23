"""The tool that pools runs: what it writes is what `statistics.pooled` says."""

import json
import lzma
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import documented
from PIL import Image
from repository import PARAMS
from test_pooled import DECLARED, invented

from srgan_ab.statistics.classification import scores
from srgan_ab.statistics.pooled import pooled_accuracies, pooled_differences
from srgan_ab.statistics.verdict import sentence

CLASSES = ["cat", "dog"]
TOOLS = Path(__file__).resolve().parents[2] / "tools"
OPTIONS = ["--classes", *CLASSES, "--margin", "0.005", "--b-images", "sr"]
COMMANDS = [command for command in documented() if "tools/pool.py" in command]


@pytest.fixture
def pool(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.chdir(tmp_path)
    import pool

    def call(*arguments: str) -> None:
        monkeypatch.setattr("sys.argv", ["pool.py", *arguments])
        pool.main()

    call.module = pool
    return call


def saved(count: int) -> list:
    arms, domains = ("a", "b", "b_plus", "c"), ("hr", "sr", "bicubic")
    runs = [invented(seed, arms=arms, domains=domains) for seed in range(count)]
    for number, run in enumerate(runs):
        run.save(Path(f"runs/{number}.csv"), CLASSES)
    return runs


def test_every_number_word_and_network_of_the_runs_is_written(pool):
    runs = saved(3)
    packed = Path("runs/2.csv.xz")
    packed.write_bytes(lzma.compress(Path("runs/2.csv").read_bytes()))
    files = ["runs/0.csv", "runs/1.csv", str(packed)]
    pool(*files, "--output", "pooled", *OPTIONS, "--declared", *DECLARED)
    assert {path.name for path in Path("pooled").iterdir()} == {
        *("pooled.json", "pooled.md", "pooled.png", "networks.csv")
    }

    found = json.loads(Path("pooled/pooled.json").read_text())
    assert (found["runs"], found["networks"], found["images"]) == (files, 2, 60)
    expected = pooled_differences(runs, 0.005, DECLARED)
    assert list(found["differences"]) == list(expected)
    for pair, of in expected.items():
        for key in ("difference", "low", "high", "p", "p_equivalence", "freedom"):
            assert found["differences"][pair][key] == pytest.approx(of[key], abs=6e-6)

    text = Path("pooled/pooled.md").read_text()
    for pair, of in expected.items():
        assert f"- {sentence(pair, of, 0.005, 60)}" in text
    assert "the same 60 test images in 3 runs" in text and "2 networks per arm" in text
    assert "added to real ones: **" in text and "5 tests, whose p are adjusted" in text
    for arm, domains in pooled_accuracies(runs).items():
        cell = domains["sr"]
        ends = (f"{100 * cell[f'accuracy_{end}']:.1f}" for end in ("low", "high"))
        assert f"{100 * cell['accuracy']:.1f} ({' to '.join(ends)})" in text, arm

    networks = pd.read_csv("pooled/networks.csv")
    assert len(networks) == 3 * 4 * 3 * 2
    row = networks.query("run == 2 and arm == 'b' and domain == 'sr' and replicate == 1").iloc[0]
    stated = scores(runs[1].labels, runs[1].probabilities["b", "sr"][1:2])
    assert {name: row[name] for name in stated} == pytest.approx(stated, rel=1e-5)
    with Image.open("pooled/pooled.png") as figure:
        assert figure.width == 1100


def test_two_constant_answers_are_not_compared(pool):
    for number, run in enumerate(saved(2)):
        for domain in ("sr", "bicubic"):
            run.probabilities["a", domain][:] *= 0.4  # all below the threshold
        run.save(Path(f"runs/{number}.csv"), CLASSES)
    pool("runs/0.csv", "runs/1.csv", "--output", "pooled", *OPTIONS, "--declared", *DECLARED)
    text = Path("pooled/pooled.md").read_text()
    said = "not comparable: both call nearly all images one class"
    assert f"for a classifier that cannot be trained again: **{said}**." in text
    assert f"- A on SRGAN and A on bicubic are {said}" in text and text.count(said) == 2


def test_the_figure_shows_every_network_once(pool):
    import pool_views

    axes = pool_views.figure(pooled_accuracies(saved(3)), "sr").axes[0]
    shown = [
        line for line in axes.lines if line.get_linestyle() == "None" and len(line.get_xdata())
    ]
    points = [x for line in shown for x in line.get_xdata() if line.get_marker() != "|"]
    expected = [
        100 * np.mean((row >= 0.5) == run.labels)
        for run in saved(3)
        for rows in run.probabilities.values()
        for row in rows
    ]
    assert sorted(points) == pytest.approx(sorted(expected))


def test_what_is_not_given_is_that_of_the_params(pool, monkeypatch):
    saved(2)
    monkeypatch.setattr(pool.module, "ROOT", Path())
    shutil.copy(PARAMS, "params.yaml")
    pool("runs/0.csv", "runs/1.csv", "--output", "pooled")
    found = json.loads(Path("pooled/pooled.json").read_text())
    assert found["margin"] == 0.005
    judged = {pair for pair, of in found["differences"].items() if "p_holm" in of}
    assert judged == set(DECLARED) & found["differences"].keys()


def test_nothing_need_be_declared(pool):
    saved(2)
    pool("runs/0.csv", "runs/1.csv", "--output", "pooled", *OPTIONS, "--declared")
    text = Path("pooled/pooled.md").read_text()
    assert "No test was declared" in text and "## The declared tests" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runs/0.csv"], "pool: one run tells nothing of other generators"),
        (["runs/0.csv", "runs/9.csv"], "pool: runs/9.csv is missing: name the predictions.csv"),
        (["runs/0.csv", "runs/0.csv"], "pool: of runs one is named twice"),
        (["runs/0.csv", "runs/1.csv", "--margin", "5"], "pool: --margin is 5: it must lie between"),
        (
            ["runs/0.csv", "runs/1.csv", "--declared", "b_minus_a", "b_minus_a"],
            "pool: of declared one is named twice",
        ),
        (
            ["runs/0.csv", "runs/1.csv", "--classes", "horse", "cow"],
            "runs/0.csv has images of cat and dog, not of horse and cow",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(pool, arguments, words):
    saved(2)
    with pytest.raises(SystemExit) as caught:
        pool(*OPTIONS, "--declared", "b_minus_a", "--output", "pooled", *arguments)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert not Path("pooled").exists()


def test_a_pair_that_is_none_is_refused(pool, capsys):
    with pytest.raises(SystemExit):
        pool("runs/0.csv", "--output", "pooled", *OPTIONS, "--declared", "a_minus_b")
    said = capsys.readouterr().err
    assert "a_minus_b" in said and "b_minus_a" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_is_understood(pool, monkeypatch, command):
    monkeypatch.setattr("sys.argv", shlex.split(command)[1:])
    monkeypatch.setattr(pool.module, "ROOT", Path())
    shutil.copy(PARAMS, "params.yaml")
    assert len(pool.module.options().runs) > 1
