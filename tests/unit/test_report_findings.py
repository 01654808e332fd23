"""What the page says of constant answers and of the run; its arrows, its per cent."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import report_inputs
from report import report
from report_inputs import Reader

CONSTANT = {"accuracy": 0.5, "balanced_accuracy": 0.5, "recall": 0.02, "roc_auc": 0.76}
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
        matrix = json.loads((root / "metrics/matrix.json").read_text())
        for domain in ("sr", "bicubic"):
            matrix["a"][domain] |= CONSTANT
        (root / "metrics/matrix.json").write_text(json.dumps(matrix))
        report(params)
        return root, plain, (root / "plots/report.html").read_text()


def test_constant_answers_are_named_shown_and_not_compared(pages):
    _, plain, constant = pages
    read = Reader(constant)
    words = " ".join("".join(read.text).split())
    assert "called one class by A on SRGAN (cat), A on bicubic (cat): accuracy shows" in words
    assert "A on SRGAN calls nearly every image “cat”. ROC-AUC is 0.76" in words
    assert "A on SRGAN and A on bicubic both call nearly all images one class" in words
    rows = [[text for text, _ in row] for row in read.tables[CALLS]]
    assert rows[0] == ["A on SRGAN", "98.0", "2.0", "98.0", "2.0", "0.760"]
    results = {row[0][0]: row[1][0] for row in read.tables["Differences in accuracy"]}
    assert results.pop("A on SRGAN − A on bicubic").startswith("not comparable")
    assert set(results.values()) == {"better", "worse", "undecided"}
    assert "one-class" not in plain and CALLS not in plain


def test_a_page_says_of_what_run_it_is(pages):
    root, plain, _ = pages
    words = " ".join("".join(Reader(plain).text).split())
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
