"""The kept results of the full photographs: every number follows from the kept predictions."""

import json
import re

import numpy as np
import pytest
from repository import ROOT

from srgan_ab.common.arms import ARMS, DOMAINS
from srgan_ab.statistics.calibration import fit_temperature
from srgan_ab.statistics.classification import scores
from srgan_ab.statistics.predictions import Predictions

KEPT = ROOT / "docs/full-cpu"
CLASSES = ["cat", "dog"]


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return Predictions.load(KEPT / "predictions.csv.xz", CLASSES)


def kept(name: str):
    return json.loads((KEPT / f"{name}.json").read_text())


def test_scores_follow_from_the_predictions(predictions):
    matrix = kept("matrix")
    for (arm, domain), rows in predictions.probabilities.items():
        found, stated = scores(predictions.labels, rows), matrix[arm][domain]
        for name, value in found.items():
            # probabilities are kept to five digits; ECE's bins move where they tie
            assert stated[name] == pytest.approx(value, abs=1e-3 if name == "ece" else 2e-4), name


def test_the_table_in_the_document_is_that_of_the_predictions(predictions):
    text = (ROOT / "docs/results.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|((?: \d\d\.\d\d \|){4})", text, re.M)
    assert [arm for arm, _ in rows] == list(ARMS)
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
