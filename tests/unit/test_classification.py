"""Scores, curves and confusion against values derived by hand, brute force and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics

from srgan_ab.statistics.classification import (
    expected_calibration_error,
    scores,
)
from srgan_ab.statistics.curves import confusion_rows, curves

LABELS = np.array([0, 0, 1, 1])
PROBABILITIES = np.array([[0.1, 0.6, 0.4, 0.9]])


def noisy(n: int = 3000, seed: int = 0, replicates: int = 1, decimals: int = 6):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    logits = 2 * (2 * labels - 1) + rng.normal(0, 2, (replicates, n))
    return labels, np.round(1 / (1 + np.exp(-logits)), decimals)


def test_scores_of_four_images_by_hand():
    assert scores(LABELS, PROBABILITIES) == pytest.approx(
        {
            "accuracy": 0.5,
            "balanced_accuracy": 0.5,
            "f1": 0.5,
            "precision": 0.5,
            "recall": 0.5,
            "roc_auc": 0.75,  # three of four pairs in order
            "average_precision": (1 + 2 / 3) / 2,
            "log_loss": -(2 * math.log(0.9) + 2 * math.log(0.4)) / 4,
            "brier": (0.01 + 0.36 + 0.36 + 0.01) / 4,
            "ece": (0.1 + 0.6 + 0.6 + 0.1) / 4,  # every image is a bin of its own
            "n": 4,
        }
    )


def test_scores_are_means_over_replicates():
    good, bad = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.9, 0.8, 0.2, 0.1])
    both = scores(LABELS, np.stack([good, bad]))
    assert (both["accuracy"], both["roc_auc"], both["n"]) == (0.5, 0.5, 4)
    one, other = scores(LABELS, good[None]), scores(LABELS, bad[None])
    assert both["log_loss"] == pytest.approx((one["log_loss"] + other["log_loss"]) / 2)


def test_auc_ranks_probabilities_and_not_calls():
    """Every image is called positive here, so hard labels would give 0.5."""
    result = scores(LABELS, np.array([[0.6, 0.7, 0.8, 0.9]]))
    assert (result["roc_auc"], result["balanced_accuracy"]) == (1.0, 0.5)


def test_half_counts_as_positive_and_nothing_called_positive_is_no_crash():
    assert scores(LABELS, np.full((1, 4), 0.5))["recall"] == 1
    nothing = scores(LABELS, np.full((1, 4), 0.2))
    assert (nothing["precision"], nothing["f1"], nothing["accuracy"]) == (0, 0, 0.5)


def test_one_sure_error_costs_much_but_not_everything():
    result = scores(LABELS, np.array([[1.0, 0.0, 1.0, 1.0]]))
    assert result["log_loss"] == pytest.approx(-math.log(1e-7) / 4, rel=1e-3)


def test_calibration_error_by_brute_force():
    labels, (p,) = noisy(n=1500, decimals=9)
    order = np.argsort(p)
    gaps = [
        abs(labels[part].mean() - p[part].mean()) * len(part) / len(p)
        for part in np.array_split(order, 15)
    ]
    assert expected_calibration_error(labels, p) == pytest.approx(sum(gaps), abs=2e-3)


def test_calibration_error_of_one_answer_for_all_is_its_distance_from_the_base_rate():
    labels = np.r_[np.ones(30), np.zeros(70)].astype(int)
    assert expected_calibration_error(labels, np.full(100, 0.5)) == pytest.approx(0.2)
    assert expected_calibration_error(labels, np.full(100, 0.3)) == pytest.approx(0, abs=1e-9)


def test_curves_are_short_and_lie_on_the_whole_curve():
    labels, probabilities = noisy(n=20_000, decimals=9)
    roc, pr = curves(labels, probabilities)
    assert 100 < len(roc) <= 500
    assert 100 < len(pr) <= 500
    auc = metrics.roc_auc_score(labels, probabilities[0])
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(auc, abs=5e-4)
    fpr, tpr, _ = metrics.roc_curve(labels, probabilities[0], drop_intermediate=False)
    known = set(zip(fpr.round(9), tpr.round(9), strict=True))
    assert set(zip(roc["fpr"].round(9), roc["tpr"].round(9), strict=True)) <= known
    assert (roc.iloc[0].tolist(), roc.iloc[-1].tolist()) == ([0, 0], [1, 1])
    precision = metrics.average_precision_score(labels, probabilities[0])
    assert np.trapezoid(pr["precision"], pr["recall"]) == pytest.approx(precision, abs=5e-3)
    assert pr.iloc[-1].tolist() == pytest.approx([1, labels.mean()])


def test_curves_of_few_images_are_exact():
    roc, pr = curves(LABELS, PROBABILITIES)
    assert roc.to_numpy().tolist() == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    assert pr.to_numpy() == pytest.approx(np.array([[0.5, 1], [0.5, 0.5], [1, 2 / 3], [1, 0.5]]))


def test_ties_are_one_threshold():
    """Two probabilities only: the ROC curve is two straight lines, whatever the order of rows."""
    labels = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    p = np.array([[0.9, 0.9, 0.9, 0.9, 0.2, 0.2, 0.2, 0.2]])
    roc, _ = curves(labels, p)
    on_lines = np.interp(roc["fpr"], [0, 0.25, 1], [0, 0.75, 1])
    assert roc["tpr"].to_numpy() == pytest.approx(on_lines)
    again, _ = curves(labels[::-1], p[:, ::-1])
    assert again.to_numpy() == pytest.approx(roc.to_numpy())


def test_curves_average_replicates():
    labels, probabilities = noisy(replicates=2)
    both = curves(labels, probabilities)[0]
    aucs = [metrics.roc_auc_score(labels, p) for p in probabilities]
    assert np.trapezoid(both["tpr"], both["fpr"]) == pytest.approx(np.mean(aucs), abs=2e-3)
    twice, once = curves(labels, probabilities[[0, 0]])[0], curves(labels, probabilities[:1])[0]
    assert twice.equals(once)


def test_confusion_rows_count_up_to_the_confusion_matrix():
    labels, probabilities = noisy(n=200, replicates=2)
    rows = confusion_rows(labels, probabilities, ["cat", "dog"])
    assert len(rows) == 400
    counts = rows.value_counts()
    expected = sum(metrics.confusion_matrix(labels, p >= 0.5) for p in probabilities)
    for truth, actual in enumerate(("cat", "dog")):
        for call, predicted in enumerate(("cat", "dog")):
            assert counts[actual, predicted] == expected[truth, call]
