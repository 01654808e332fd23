"""The page says what the metrics say, loads nothing, and is the same every time."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import report_inputs
from report import report
from report_inputs import Reader
from repository import ROOT

from srgan_ab.common.arms import ARMS
from srgan_ab.common.params import load
from srgan_ab.statistics.significance import PAIRS


def without_pictures(page: str) -> str:
    """The page's own text: the base64 of a picture may hold any word."""
    return re.sub(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]*", "data:", page)


def metrics(root: Path, name: str) -> dict:
    return json.loads((root / f"metrics/{name}.json").read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, str]:
    """The directory, and the page of all arms."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("report")
        patch.chdir(root)
        return root, report_inputs.make_page(root).read_text()


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Path, str]:
    """The same of A and B alone, two networks each, hostile class names, LPIPS measured."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("small")
        patch.chdir(root)
        classes = ("<b>NA</b>", 'dog" & "co')
        params = report_inputs.prepare(root, arms=("a", "b"), classes=classes, replicates=2)
        quality = metrics(root, "sr")
        for method in quality["test"].values():
            method["lpips"] = 0.1234
        (root / "metrics/sr.json").write_text(json.dumps(quality))
        for phase in ("srresnet", "srgan"):
            history = pd.read_csv(root / f"plots/{phase}.csv").assign(val_lpips=0.2)
            history.to_csv(root / f"plots/{phase}.csv", index=False)
        report(params)
        return root, (root / "plots/report.html").read_text()


@pytest.mark.slow
def test_tables_hold_the_numbers_of_the_metrics(made):
    root, page = made
    found = Reader(page).tables
    matrix = metrics(root, "matrix")
    accuracy = found["Accuracy in %, with 95 % intervals over test images"]
    assert len(accuracy) == len(ARMS)
    for row, results in zip(accuracy, matrix.values(), strict=True):
        for (text, value), result in zip(row[2:], results.values(), strict=True):
            assert float(value) == result["accuracy"]
            ends = (f"{100 * result[f'accuracy_{end}']:.1f}" for end in ("low", "high"))
            assert text == f"{100 * result['accuracy']:.1f} ({' to '.join(ends)})"

    pairs = found["Differences in accuracy"]
    assert len(pairs) == len(PAIRS)
    for row, scores in zip(pairs, metrics(root, "comparison").values(), strict=True):
        result = scores["accuracy"]
        shown = [float(row[n][1]) for n in (2, 3)]
        assert shown == [result["difference"], result["low"]]
        assert row[2][0] == f"{100 * result['difference']:+.1f}".replace("-", "−")
        adjusted = "p_holm" in result
        for (text, value), key in zip((row[4], row[6]), ("p", "p_equivalence"), strict=True):
            assert float(value) == result[f"{key}_holm" if adjusted else key]
            assert text.endswith(", adjusted" if adjusted else ", not adjusted")
        assert row[5][0] == ("declared" if adjusted else "explored")
        assert float(row[8][1]) == result["least_detectable"]

    assert [float(row[1][1]) for row in found["Calibration on real HR, with 95 % intervals"]] == [
        result["temperature"] for result in metrics(root, "calibration").values()
    ]
    quality = metrics(root, "sr")["test"]
    for row, result in zip(
        found["Image quality, means over n = 80 test images"], quality.values(), strict=True
    ):
        assert [float(value) for _, value in row[1:4]] == list(result.values())[:3]
        assert row[4] == ["not measured", None]
        assert float(row[5][1]) == result["lr_psnr"]
    for arm in ("a", "b"):
        calls = found[f"Calls of {arm.upper()} on real HR"]
        right = [float(calls[n][n + 1][1]) for n in (0, 1)]
        assert np.mean(right) == pytest.approx(matrix[arm]["hr"]["balanced_accuracy"], abs=1e-5)


def test_a_difference_has_one_p_and_equal_scores_have_no_two(made):
    """Accuracy and balanced accuracy are one here, and their methods two."""
    root, page = made
    found = Reader(page).tables["Differences in every score"]
    head = re.search(r"<caption>Differences in every score.*?</thead>", page, re.DOTALL)[0]
    assert re.findall(r'<th scope="col">(.*?)</th>', head) == [
        *("pair", "score", "difference", "95 % interval", "method of the interval")
    ]
    accuracy, balanced = found[0], found[1]
    assert (accuracy[1][0], balanced[1][0]) == ("accuracy", "balanced accuracy")
    assert accuracy[2] == balanced[2] and accuracy[2][0].endswith(" points")
    assert (accuracy[4][0], balanced[4][0]) == ("McNemar, Tango", "bootstrap")
    comparison = metrics(root, "comparison")["b_minus_a"]
    assert f"{comparison['accuracy']['p']:.3f}, not adjusted" not in page


def test_numbers_the_answer_and_every_test_come_first_and_word_for_word(made):
    root, page = made
    words = " ".join("".join(Reader(page).text).split())
    verdict = (root / "metrics/verdict.md").read_text()
    plain = re.sub(r"^#+ |^- |\*\*|`", "", verdict, flags=re.MULTILINE)
    title, *blocks = (" ".join(block.split()) for block in plain.split("\n\n"))
    assert len(blocks) >= 6 and blocks[0].startswith("SRGAN's images in place of real ones:")
    matrix = metrics(root, "matrix")
    right = f"A, trained on real images, calls {100 * matrix['a']['hr']['accuracy']:.1f} % of real"
    largest = "Largest finding. B on real HR is worse than A on real HR by"
    parts = [title, right, largest, *blocks, "HR, LR", "Super-resolution PSNR"]
    places = [words.index(part) for part in parts]
    assert places[0] == 0 and places == sorted(places)


def test_nothing_is_fetched(made):
    _, page = made
    assert len(page.encode()) < 5_000_000
    elements = Reader(page).elements
    for tag, attributes in elements:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (
                tag,
                attributes[name][:80],
            )
    own = without_pictures(page)
    assert "://" not in own and "@import" not in own
    assert set(re.findall(r"url\((.)", own)) == {"#"}
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:href="|url\()#([^")]+)', own)
    assert set(used) <= set(ids)


def test_every_picture_is_described_and_every_chart_says_its_n(made):
    _, page = made
    pictures = [attributes for tag, attributes in Reader(page).elements if tag == "img"]
    assert len([p for p in pictures if p["src"].startswith("data:image") and p["alt"]]) == 7
    figures = re.findall(r'<figure class="chart">.*?</figure>', page, re.DOTALL)
    assert len(figures) == 14
    for figure in figures:
        caption, drawing = figure.split("</figcaption>")
        assert "n = " in caption and "interval" in caption
        assert re.search(r'role="img" aria-label="[^"]+"', drawing)


@pytest.mark.slow
def test_the_stage_makes_the_same_page_again(made):
    root, page = made
    for name in ("stages/report.py", "stages/_bootstrap.py"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for name in ("common", "reporting", "statistics"):
        shutil.copytree(ROOT / "src/srgan_ab" / name, root / "src/srgan_ab" / name)
    shutil.copy(ROOT / "src/srgan_ab/__init__.py", root / "src/srgan_ab")
    (root / "plots/report.html").unlink()
    command = [sys.executable, "stages/report.py"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert (root / "plots/report.html").read_text() == page


@pytest.mark.slow
def test_arms_left_out_are_named_and_nowhere_else(small):
    root, page = small
    read = Reader(page)
    accuracy = read.tables["Accuracy in %, with 95 % intervals over test images and networks"]
    assert [row[0][0] for row in accuracy] == ["A", "B"]
    assert len(read.tables["Differences in accuracy"]) == len(metrics(root, "comparison"))
    words = "".join(read.text)
    assert "Left out of this run: B+, C, C+, R, P, T." in words
    assert "images in 4 versions" in words and "non-adversarial" not in page
    assert "SRGAN's images added to real ones: not tested." in words
    assert not re.search(r"\b(None|nan|NaN|Undefined)\b", words)


def test_a_generator_without_adversary_is_beside_the_others(made):
    root, page = made
    read = Reader(page)
    words = "".join(read.text)
    assert "images in 6 versions" in words
    shown = "Test images: LR, bicubic, SRResNet, non-adversarial, SRGAN, task-driven and HR"
    assert shown in words
    gaps = {row[0][0]: float(row[3][1]) for row in read.tables["PSNR RGB (dB) of the generators"]}
    found = metrics(root, "ledger")["generator"]
    assert gaps == {
        "SRResNet": found["srresnet"]["gap"],
        "non-adversarial": found["perceptual"]["gap"],
        "SRGAN": found["srgan"]["gap"],
        "task-driven": found["task"]["gap"],
    }
    costs = {row[0][0]: row for row in read.tables["Networks and their training"]}
    for name, stage in (("non-adversarial", "perceptual"), ("task-driven", "task_sr")):
        training, cost = metrics(root, f"train_{stage}"), costs[f"generator, {name}"]
        assert float(cost[1][1]) == training["generator_parameters"]
        assert float(cost[5][1]) == training["epoch"]
        assert re.search(rf'aria-label="PSNR, RGB[^"]*".*?{name}', page, re.DOTALL)


def test_class_names_are_text(small):
    _, page = small
    assert "<b>NA" not in without_pictures(page)
    read = Reader(page)
    names = ["<b>NA</b>", 'dog" & "co']
    assert [row[0][0] for row in read.tables["Images in each split"]] == [*names, "all"]
    calls = read.tables["Calls of A on real HR, 2 networks pooled"]
    assert [row[0][0] for row in calls] == names
    assert all(" of 80)" in cell for row in calls for cell, _ in row[1:])


def test_networks_and_lpips_are_shown_where_there_are_any(small):
    root, page = small
    found = Reader(page).tables
    each = found["Accuracy in % on real HR, network by network"]
    assert [[float(value) for _, value in row[1:]] for row in each] == [
        result["hr"]["accuracy_of_replicates"] for result in metrics(root, "matrix").values()
    ]
    quality = found["Image quality, means over n = 80 test images"]
    assert [row[4][0] for row in quality] == ["0.1234"] * 6
    words = without_pictures(page)
    assert "LPIPS on validation images" in words and "LPIPS was not measured" not in words


def told_of(root, place, monkeypatch, **changes) -> str:
    """The page's own text where the ledger says something else."""
    shutil.copytree(root, place, dirs_exist_ok=True)
    (place / "metrics/ledger.json").write_text(json.dumps(metrics(root, "ledger") | changes))
    monkeypatch.chdir(place)
    report(load(Path("params.yaml")))
    return without_pictures(Path("plots/report.html").read_text())


def test_folds_are_said_where_there_are_any(made, tmp_path, monkeypatch):
    root, page = made
    assert "fold" not in without_pictures(page)
    generator = metrics(root, "ledger")["generator"] | {"folds": 3}
    fitted = {"folds": 3, "smallest": 5, "largest": 6, "seen_by_generator": 0}
    start = {"generator": "photo", "images": 9, "test_ids_seen": 3, "train_ids_seen": 50}
    found = {"generator": generator, "cross_fitting": fitted, "initial": start}
    page = told_of(root, tmp_path, monkeypatch, **found)
    for words in (
        "3 sets of them, each trained without one fold",
        "0 of the training images had been seen",
        "3 of the test images and 50 of the training images are among them",
        "on training images, not seen",
        "3 more sets of generators were trained",
    ):
        assert words in page


def test_each_benchmark_set_says_how_many_pictures_it_has(made, tmp_path, monkeypatch):
    root, page = made
    assert "on Set5" not in without_pictures(page)
    methods = {name: values | {"n": 5} for name, values in metrics(root, "sr")["test"].items()}
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    (tmp_path / "metrics/benchmarks.json").write_text(json.dumps({"Set5": methods}))
    monkeypatch.chdir(tmp_path)
    report(load(Path("params.yaml")))
    assert "Image quality on Set5, means over n = 5 pictures" in (
        Path("plots/report.html").read_text()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("initial", "words"),
    [
        ((9123, 3, 50), "had seen 9,123 pictures. By their pixels, 3 of the test images are among"),
        ((9123, 0, 0), "By their pixels, 0 of the test images are among them"),
        ((None, None, None), "Nothing says which pictures that generator has seen"),
    ],
)
def test_what_the_first_generator_had_seen_is_said(made, tmp_path, monkeypatch, initial, words):
    root, page = made
    assert "started from" not in without_pictures(page)
    names = ("images", "test_ids_seen", "train_ids_seen")
    start = {"generator": "<photo>", **dict(zip(names, initial, strict=True))}
    page = told_of(root, tmp_path, monkeypatch, initial=start)
    assert words in page and "&lt;photo&gt;" in page
    assert ("may be better than" in page) is bool(initial[1])
    assert "of the training images are among" not in page
