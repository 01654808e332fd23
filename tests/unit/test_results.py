"""The kept results of the full photographs: every number follows from the kept predictions."""

import json
import re

import numpy as np
import pytest
from repository import ROOT

from srgan_ab.statistics.calibration import fit_temperature
from srgan_ab.statistics.classification import scores
from srgan_ab.statistics.matrix import score_matrix
from srgan_ab.statistics.predictions import Predictions
from srgan_ab.statistics.significance import differences
from srgan_ab.statistics.verdict import differs, p_in_words, verdict

KEPT = ROOT / "docs/full-cpu"
CLASSES = ["cat", "dog"]
MATRIX = json.loads((KEPT / "matrix.json").read_text())
ARMS, DOMAINS = list(MATRIX), list(MATRIX["a"])  # of that run


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return Predictions.load(KEPT / "predictions.csv.xz", CLASSES, ARMS, DOMAINS)


def kept(name: str):
    return json.loads((KEPT / f"{name}.json").read_text())


def test_scores_follow_from_the_predictions(predictions):
    matrix = kept("matrix")
    for (arm, domain), rows in predictions.probabilities.items():
        found, stated = scores(predictions.labels, rows), matrix[arm][domain]
        for name, value in found.items():
            # probabilities are kept to five digits; ECE's bins move where they tie
            assert stated[name] == pytest.approx(value, abs=1e-3 if name == "ece" else 2e-4), name


@pytest.mark.slow
def test_intervals_of_arms_follow_from_the_predictions_and_hold_every_network(predictions):
    """Student's t with two degrees of freedom is wide: no network of three lies outside."""
    stated = kept("matrix")
    for arm, domains in score_matrix(predictions, 2000, seed=8).items():
        for domain, found in domains.items():
            cell = stated[arm][domain]
            low, high = cell["accuracy_low"], cell["accuracy_high"]
            for end in ("accuracy_low", "accuracy_high"):  # another seed moves the tails a little
                assert cell[end] == pytest.approx(found[end], abs=0.15 * (high - low)), (arm, end)
            each = cell["accuracy_of_replicates"]
            assert low <= min(each) and max(each) <= high, (arm, domain)


@pytest.mark.long
@pytest.mark.slow
def test_all_of_the_comparison_follows_from_the_predictions(predictions):
    """`compare` on the kept predictions: the differences, and the verdict word for word."""
    stated = kept("comparison")
    declared = [pair for pair in stated if "p_holm" in stated[pair]["accuracy"]]
    found = differences(predictions, 10_000, 0.005, seed=7, declared=declared)
    assert list(found) == list(stated)
    for pair, of_scores in found.items():
        for name, result in of_scores.items():
            for key, value in result.items():
                # ties of resamples with 0 may fall to either side by rounding
                close = value if key == "method" else pytest.approx(value, abs=1e-3)
                assert stated[pair][name][key] == close, (pair, name, key)
    setting = {"images": 7199, "replicates": 3, "synthetic": False, "b_images": "sr"}
    text = verdict(found, kept("matrix"), [], 0.005, **setting)
    said = (KEPT / "verdict.md").read_text()
    # the one question, the one phrase and the one section that are younger than that run
    text, _, _ = text.partition("\n## Where only small images are to be had")
    assert "for a classifier that cannot be trained again: **not declared" in text
    text = re.sub(r"^- .* that cannot be trained again: .*\n", "", text, flags=re.M)
    assert said == text.replace("Declared (`compare.declared`)", "Declared in the code")


def test_verdict_figure_and_report_speak_of_the_same_p():
    """B − A: 0.013 by itself, 0.051 among five tests; no level tells of power but the verdict's."""
    result = kept("comparison")["b_minus_a"]["accuracy"]
    said = p_in_words(result)
    assert said == "= 0.051, adjusted" and not differs(result)
    (line,) = re.findall(
        "^- B on real HR against A on .*$", (KEPT / "verdict.md").read_text(), re.M
    )
    assert f"p {said}" in line
    assert result["level"] == pytest.approx(0.05 / 4) and result["p"] > result["level"]
    assert abs(result["difference"]) < result["least_detectable"]
    assert f"less than about {100 * result['least_detectable']:.2f} points" in line


def test_the_table_in_the_document_is_that_of_the_predictions(predictions):
    text = (ROOT / "docs/results.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|((?: \d\d\.\d\d \|){4})", text, re.M)
    assert [arm for arm, _ in rows] == ARMS
    for arm, cells in rows:
        for domain, cell in zip(DOMAINS, cells.split("|"), strict=False):
            calls = predictions.probabilities[arm, domain] >= 0.5
            accuracy = 100 * (calls == predictions.labels).mean()
            assert float(cell) == pytest.approx(accuracy, abs=0.006), (arm, domain)


def test_temperatures_follow_from_the_validation_images():
    validation = Predictions.load(KEPT / "predictions_val.csv.xz", CLASSES, ARMS, ["hr"])
    for arm, stated in kept("calibration").items():
        each = [fit_temperature(validation.labels, p) for p in validation.probabilities[arm, "hr"]]
        assert stated["temperature"] == pytest.approx(np.mean(each), rel=0.02)


def test_differences_follow_from_the_predictions(predictions):
    for pair, of_scores in kept("comparison").items():
        first, second = pair.split("_minus_")
        assert of_scores["accuracy"]["low"] <= of_scores["accuracy"]["high"]
        if {first, second} <= set(ARMS):
            right = [
                (predictions.probabilities[arm, "hr"] >= 0.5) == predictions.labels
                for arm in (first, second)
            ]
            each = (right[0].mean(1) - right[1].mean(1)).tolist()
            assert of_scores["accuracy"]["of_replicates"] == pytest.approx(each, abs=1e-4)


def test_the_table_of_four_generators_follows_from_their_metrics():
    """`metrics/sr.json` of each, kept in docs/answer."""
    text = (ROOT / "docs/results.md").read_text()
    files = [ROOT / f"docs/answer/sr_{seed}.json" for seed in (1, 2, 3, 4)]
    runs = [json.loads(file.read_text())["test"] for file in files]
    digits = {"psnr_rgb": 2, "psnr_y": 2, "ssim_y": 3, "lpips": 3, "lr_psnr": 1, "realism": 3}
    for method, title in {"bicubic": "bicubic", "srresnet": "SRResNet", "srgan": "SRGAN"}.items():
        cells = []
        for score, places in digits.items():
            values = np.array([run[method][score] for run in runs])
            mean, low, high = (
                f"{x:.{places}f}" for x in (values.mean(), values.min(), values.max())
            )
            cells.append(mean if np.ptp(values) == 0 else f"{mean} ({low} to {high})")
        assert f"| {title} | {' | '.join(cells)} |" in text
