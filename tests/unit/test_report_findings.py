"""What the page says of constant answers and of the run; its arrows, its per cent."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import report_inputs
from compare import compare
from report import report
from report_inputs import Reader

from srgan_ab.common.arms import chosen_arms, chosen_domains
from srgan_ab.statistics.predictions import Predictions

CALLS = "Classifiers that call nearly all images one class"


pytestmark = pytest.mark.slow  # three pages are made


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> tuple[Path, str, str]:
    """The directory, its page, and that where A calls all enlarged images one class."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("findings")
        patch.chdir(root)
        params = report_inputs.prepare(root)
        report(params)
        plain = (root / "plots/report.html").read_text()
        file, classes = root / "data/predictions.csv", params.data.classes
        arms, domains = chosen_arms(params.controls), chosen_domains(params.controls)
        predictions = Predictions.load(file, classes, arms, domains)
        for domain in ("sr", "bicubic"):  # the same ranking, all below the threshold
            predictions.probabilities["a", domain][:] *= 0.4
        predictions.save(file, classes)
        compare(params)
        report(params)
        return root, plain, (root / "plots/report.html").read_text()


def test_constant_answers_are_named_shown_and_not_compared(pages):
    root, plain, constant = pages
    area = json.loads((root / "metrics/matrix.json").read_text())["a"]["sr"]["roc_auc"]
    read = Reader(constant)
    words = " ".join("".join(read.text).split())
    assert "called one class by A on SRGAN (cat), A on bicubic (cat): accuracy shows" in words
    assert f"A on SRGAN calls nearly every image “cat”. ROC-AUC is {area:.2f}" in words
    assert "A on SRGAN and A on bicubic are not comparable: both call nearly all" in words
    rows = [[text for text, _ in row] for row in read.tables[CALLS]]
    assert rows[0] == ["A on SRGAN", "100.0", "0.0", "100.0", "0.0", f"{area:.3f}"]
    results = {row[0][0]: row[1][0] for row in read.tables["Differences in accuracy"]}
    said = results.pop("A on SRGAN − A on bicubic")
    assert said == "not comparable: both call nearly all images one class"
    assert set(results.values()) == {"better", "worse", "undecided"}
    assert "one-class" not in plain and CALLS not in plain

    verdict = (root / "metrics/verdict.md").read_text()
    assert f"for a classifier that cannot be trained again: **{said}**." in verdict
    (sentence,) = re.findall("^- (A on SRGAN and A on bicubic .*)$", verdict, re.M)
    assert words.count(sentence) == 3  # first screen, every test in words, differences


def test_a_page_says_of_what_run_it_is(pages):
    root, _, page = pages
    words = " ".join("".join(Reader(page).text).split())
    digest = hashlib.sha256((root / "metrics/comparison.json").read_bytes()).hexdigest()
    for part in (
        "not photographs, of cat and dog, 128 pixels wide, from 32 enlarged ×4; 80 test images",
        "data.source: synthetic; 60 training, 40 validation and 80 test images of cat (negative)",
        "one network per arm; seed 7.",
        f"SHA-256 of metrics/comparison.json: {digest}",
        "The positive class is dog.",
        "high resolution, 128 pixels wide), and the same made 4 times smaller (LR, low resolution",
    ):
        assert part in words


def test_shares_are_in_per_cent_and_heads_say_what_is_better(pages):
    root, plain, _ = pages
    head = re.search(r"<caption>Every score</caption>.*?</thead>", plain, re.DOTALL)[0]
    names = re.findall(r'<th scope="col">(.*?)</th>', head)[2:]
    assert names[:2] == ["accuracy (%) ↑", "balanced accuracy (%) ↑"]
    assert names[-3:] == ["log loss (nats) ↓", "Brier score ↓", "ECE ↓"]
    row = Reader(plain).tables["Every score"][0]
    result = json.loads((root / "metrics/matrix.json").read_text())["a"]["hr"]
    assert row[2] == [f"{100 * result['accuracy']:.1f}", str(result["accuracy"])]
    assert row[-1][0] == f"{result['ece']:.3f}"
    quality = re.search(r"<caption>Image quality, means.*?</table>", plain, re.DOTALL)[0]
    assert 3 <= quality.count("best") < 20
