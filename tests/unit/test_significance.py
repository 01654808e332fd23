"""The tests of differences: against scikit-learn, brute force, theory and simulation."""

from math import comb

import numpy as np
import pytest
from sklearn import metrics

from srgan_ab.evaluation.classification import equal_mass_bins, scores
from srgan_ab.evaluation.predictions import Predictions
from srgan_ab.evaluation.significance import (
    SCORES,
    bootstrap,
    difference,
    mcnemar,
    weighted_scores,
)

A, B = ("a", "hr"), ("b", "hr")


def simulated(n, rng, skills=(2.0, 1.5), replicates=1, groups=None) -> Predictions:
    labels = rng.integers(0, 2, n)
    shared = rng.normal(0, 1.5, n)  # what makes an image hard for both
    logits = [s * (2 * labels - 1) + shared + rng.normal(0, 0.7, (replicates, n)) for s in skills]
    return Predictions(
        ids=np.arange(n).astype(str),
        groups=np.arange(n) if groups is None else groups,
        labels=labels,
        probabilities={
            subject: 1 / (1 + np.exp(-x)) for subject, x in zip((A, B), logits, strict=True)
        },
    )


def test_mcnemar_is_the_fair_coins_tail():
    first = np.array([True] * 9 + [False] * 2 + [True] * 50 + [False] * 5)
    second = np.array([False] * 9 + [True] * 2 + [True] * 50 + [False] * 5)
    tail = sum(comb(11, k) for k in range(3)) / 2**11
    assert mcnemar(first, second) == pytest.approx(2 * tail)
    assert mcnemar(second, first) == mcnemar(first, second)
    assert mcnemar(first, first) == 1


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_weighted_scores_are_scikit_learns(decimals):
    """With many ties (one decimal) and without, integer weights that include zero."""
    rng = np.random.default_rng(decimals)
    labels = rng.integers(0, 2, 120)
    p = np.clip(0.3 * labels + 0.8 * rng.random(120), 0, 1).round(decimals)
    weights = rng.integers(0, 4, (7, 120)).astype(float)
    found = weighted_scores(labels, p, weights)
    bins, call = equal_mass_bins(p), p >= 0.5
    clipped = p.clip(1e-7, 1 - 1e-7)
    for w, values in zip(weights, found, strict=True):
        expected = {
            "accuracy": metrics.accuracy_score(labels, call, sample_weight=w),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, call, sample_weight=w),
            "f1": metrics.f1_score(labels, call, sample_weight=w),
            "precision": metrics.precision_score(labels, call, sample_weight=w),
            "recall": metrics.recall_score(labels, call, sample_weight=w),
            "roc_auc": metrics.roc_auc_score(labels, p, sample_weight=w),
            "average_precision": metrics.average_precision_score(labels, p, sample_weight=w),
            "log_loss": metrics.log_loss(labels, clipped, sample_weight=w),
            "brier": metrics.brier_score_loss(labels, p, sample_weight=w),
            "ece": sum(abs((w * (labels - p))[bins == b].sum()) for b in range(15)) / w.sum(),
        }
        assert dict(zip(SCORES, values, strict=True)) == pytest.approx(expected)


def test_the_first_row_is_the_test_set_itself():
    predictions = simulated(150, np.random.default_rng(0), replicates=3)
    samples = bootstrap(predictions, [A, B], 100, seed=0)
    expected = scores(predictions.labels, predictions.probabilities[A])
    assert samples[A].shape == (101, len(SCORES))
    assert dict(zip(SCORES, samples[A][0], strict=True)) == pytest.approx(
        {name: expected[name] for name in SCORES}
    )


def test_the_seed_decides():
    predictions = simulated(80, np.random.default_rng(0))
    first, again, other = (bootstrap(predictions, [A], 300, seed)[A] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[1:], other[1:])


def test_copies_of_an_image_add_no_certainty():
    """With every image twice in one group, intervals stay; as separate images they would shrink."""
    once = simulated(100, np.random.default_rng(3))
    twice = Predictions(
        ids=np.arange(200).astype(str),
        groups=np.repeat(once.groups, 2),
        labels=np.repeat(once.labels, 2),
        probabilities={k: np.repeat(v, 2, axis=1) for k, v in once.probabilities.items()},
    )
    ungrouped = Predictions(twice.ids, np.arange(200), twice.labels, twice.probabilities)
    exact = [i for i, name in enumerate(SCORES) if name != "ece"]  # its bins' edges move a little
    one, two, apart = (bootstrap(p, [A, B], 400, seed=0) for p in (once, twice, ungrouped))
    assert two[A][:, exact] == pytest.approx(one[A][:, exact])
    assert apart[A][1:, 0].std() < 0.85 * one[A][1:, 0].std()


def test_spread_of_the_accuracy_difference_is_the_one_of_theory():
    predictions = simulated(400, np.random.default_rng(5))
    samples = bootstrap(predictions, [A, B], 4000, seed=0)
    right = {s: (p[0] >= 0.5) == predictions.labels for s, p in predictions.probabilities.items()}
    d = right[A].astype(float) - right[B]
    spread = (samples[A] - samples[B])[1:, 0].std()
    assert spread == pytest.approx(d.std() / np.sqrt(len(d)), rel=0.06)


def test_a_difference_has_a_sign_and_none_from_itself():
    predictions = simulated(300, np.random.default_rng(6))
    samples = bootstrap(predictions, [A, B], 500, seed=0)
    there = difference(predictions, samples, A, B)
    back = difference(predictions, samples, B, A)
    itself = difference(predictions, samples, A, A)
    for name in SCORES:
        assert there[name]["difference"] == -back[name]["difference"]
        assert there[name]["low"] == pytest.approx(-back[name]["high"])
        assert there[name]["p"] == back[name]["p"]
        assert itself[name] == {"difference": 0, "low": 0, "high": 0, "p": 1}


def test_p_of_accuracy_is_mcnemars_unless_there_are_replicates():
    rng = np.random.default_rng(7)
    predictions = simulated(300, rng)
    samples = bootstrap(predictions, [A, B], 500, seed=0)
    right = [(p[0] >= 0.5) == predictions.labels for p in predictions.probabilities.values()]
    found = difference(predictions, samples, A, B)["accuracy"]["p"]
    assert found == mcnemar(*right)

    several = simulated(300, rng, skills=(3.0, 0.5), replicates=3)
    samples = bootstrap(several, [A, B], 500, seed=0)
    clear = difference(several, samples, A, B)["accuracy"]
    assert clear["low"] > 0
    assert clear["p"] == pytest.approx(2 / 501)


def test_replicates_that_disagree_widen_the_interval():
    rng = np.random.default_rng(8)
    n, labels = 2000, np.arange(2000) % 2
    right, wrong = np.where(labels, 0.9, 0.1), np.where(labels, 0.1, 0.9)
    good, bad = np.where(rng.random((2, n)) < [[0.95], [0.75]], right, wrong)
    one = Predictions(np.arange(n).astype(str), np.arange(n), labels, {A: np.stack([good, good])})
    two = Predictions(one.ids, one.groups, labels, {A: np.stack([good, bad])})
    spread = [bootstrap(p, [A], 500, seed=0)[A][1:, 0].std() for p in (one, two)]
    assert spread[1] > 5 * spread[0]


@pytest.mark.slow
def test_intervals_cover_the_truth_as_often_as_they_say():
    """400 test sets of 250 images from a known population; 95 % intervals of three differences."""
    rng = np.random.default_rng(0)
    big = simulated(400_000, rng)
    names = ("accuracy", "roc_auc", "brier")
    values = [scores(big.labels, p) for p in big.probabilities.values()]
    truth = {name: values[0][name] - values[1][name] for name in names}
    hits = dict.fromkeys(names, 0)
    for trial in range(400):
        predictions = simulated(250, rng)
        samples = bootstrap(predictions, [A, B], 300, seed=trial)
        found = difference(predictions, samples, A, B)
        for name in names:
            hits[name] += found[name]["low"] <= truth[name] <= found[name]["high"]
    assert all(0.91 <= count / 400 <= 0.98 for count in hits.values()), hits
