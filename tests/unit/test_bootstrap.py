"""The bootstrap: against scikit-learn, theory and simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import spearmanr
from sklearn import metrics

from srgan_ab.statistics.bootstrap import (
    SCORES,
    bootstrap,
    mean_over_replicates,
    resampled_weights,
    weighted_scores,
)
from srgan_ab.statistics.classification import scores
from srgan_ab.statistics.predictions import Predictions

A, B = ("a", "hr"), ("b", "hr")


def simulated(n, rng, skills=(2.0, 1.5), replicates=1, groups=None) -> Predictions:
    labels = rng.integers(0, 2, n)
    shared = rng.normal(0, 1.5, n)  # what makes an image hard for both
    logits = [s * (2 * labels - 1) + shared + rng.normal(0, 0.7, (replicates, n)) for s in skills]
    return Predictions(
        ids=np.arange(n).astype(str),
        groups=np.arange(n) if groups is None else groups,
        flagged=np.zeros(n, bool),
        labels=labels,
        probabilities={
            subject: 1 / (1 + np.exp(-x)) for subject, x in zip((A, B), logits, strict=True)
        },
    )


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_weighted_scores_are_scikit_learns(decimals):
    """With many ties (one decimal) and without, integer weights that include zero."""
    rng = np.random.default_rng(decimals)
    labels = rng.integers(0, 2, 120)
    p = np.clip(0.3 * labels + 0.8 * rng.random(120), 0, 1).round(decimals)
    weights = rng.integers(0, 4, (7, 120)).astype(float)
    found = weighted_scores(labels, p, weights)
    call = p >= 0.5
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
        }
        assert dict(zip(SCORES[:-1], values, strict=True)) == pytest.approx(expected)


def test_the_first_row_is_the_test_set_itself():
    predictions = simulated(150, np.random.default_rng(0), replicates=3)
    samples = bootstrap(predictions, [A, B], 100, seed=0)
    expected = scores(predictions.labels, predictions.probabilities[A])
    assert samples[A].shape == (3, 101, len(SCORES))
    assert dict(zip(SCORES, samples[A][:, 0].mean(0), strict=True)) == pytest.approx(
        {name: expected[name] for name in SCORES}
    )


def test_the_seed_decides():
    predictions = simulated(80, np.random.default_rng(0))
    first, again, other = (bootstrap(predictions, [A], 300, seed)[A] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:, 1:], other[:, 1:])


def test_copies_of_an_image_add_no_certainty():
    """With every image twice in one group, intervals stay; as separate images they would shrink."""
    once = simulated(100, np.random.default_rng(3))
    twice = Predictions(
        ids=np.arange(200).astype(str),
        groups=np.repeat(once.groups, 2),
        flagged=np.repeat(once.flagged, 2),
        labels=np.repeat(once.labels, 2),
        probabilities={k: np.repeat(v, 2, axis=1) for k, v in once.probabilities.items()},
    )
    ungrouped = replace(twice, groups=np.arange(200))
    exact = [i for i, name in enumerate(SCORES) if name != "ece"]  # its bins' edges move a little
    one, two, apart = (bootstrap(p, [A, B], 400, seed=0) for p in (once, twice, ungrouped))
    assert two[A][..., exact] == pytest.approx(one[A][..., exact])
    assert apart[A][0, 1:, 0].std() < 0.85 * one[A][0, 1:, 0].std()


def test_spread_of_the_accuracy_difference_is_the_one_of_theory():
    predictions = simulated(400, np.random.default_rng(5))
    samples = bootstrap(predictions, [A, B], 4000, seed=0)
    right = {s: (p[0] >= 0.5) == predictions.labels for s, p in predictions.probabilities.items()}
    d = right[A].astype(float) - right[B]
    spread = (samples[A] - samples[B])[0, 1:, 0].std()
    assert spread == pytest.approx(d.std() / np.sqrt(len(d)), rel=0.06)


def test_one_network_speaks_for_itself_and_equal_networks_add_nothing():
    predictions = simulated(200, np.random.default_rng(8))
    (row,) = predictions.probabilities[A]
    one = bootstrap(predictions, [A], 200, seed=0)[A]
    thrice = replace(predictions, probabilities={A: np.stack([row] * 3)})
    three = bootstrap(thrice, [A], 200, seed=0)[A]
    assert np.array_equal(mean_over_replicates(one, 0), one[0, 1:])
    assert mean_over_replicates(three, 0) == pytest.approx(one[0, 1:])


def test_networks_that_disagree_widen_the_interval():
    """Accuracies of 0.95 and 0.75: the spread is that of Student's t with one degree of freedom."""
    rng = np.random.default_rng(8)
    n, labels = 2000, np.arange(2000) % 2
    right, wrong = np.where(labels, 0.9, 0.1), np.where(labels, 0.1, 0.9)
    good, bad = np.where(rng.random((2, n)) < [[0.95], [0.75]], right, wrong)
    one = replace(simulated(n, rng), labels=labels, probabilities={A: np.stack([good, good])})
    two = replace(one, probabilities={A: np.stack([good, bad])})
    low, high = np.percentile(
        mean_over_replicates(bootstrap(two, [A], 4000, seed=0)[A], 0)[:, 0], (25, 75)
    )
    assert (high - low) / 2 == pytest.approx(0.1, rel=0.1)  # quartiles of Cauchy's distribution
    steady = mean_over_replicates(bootstrap(one, [A], 4000, seed=0)[A], 0)[:, 0]
    assert steady.std() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("replicates", [3, 5])
@pytest.mark.parametrize(
    ("by_network", "by_both"), [(0.0, 1.0), (0.05, 1.0), (0.15, 0.5), (0.5, 0.5)]
)
def test_intervals_over_images_and_networks_cover_the_truth(replicates, by_network, by_both):
    """1,000 experiments with 100 images; Monte-Carlo error 0.7 points.

    An image's score is its own effect (SD 1), the network's and one of both together. Drawing
    networks like images would cover the truth in 75 % of cases where networks matter most.
    """
    rng, hits = np.random.default_rng(replicates), 0
    for trial in range(1000):
        d = rng.normal(size=100) + by_network * rng.normal(size=(replicates, 1))
        d = d + by_both * rng.normal(size=(replicates, 100))
        weights = np.vstack([np.ones(100), rng.multinomial(100, np.full(100, 0.01), 300)])
        samples = (d @ weights.T / 100)[..., None]
        low, high = np.percentile(mean_over_replicates(samples, trial), (2.5, 97.5))
        hits += low <= 0 <= high
    assert 0.925 <= hits / 1000 <= 0.975


def test_average_precision_is_mirrored_in_log_odds():
    predictions = simulated(150, np.random.default_rng(2))
    column = bootstrap(predictions, [A], 300, seed=4)[A][0, :, SCORES.index("average_precision")]
    weights = np.concatenate(list(resampled_weights(predictions, 300, seed=4)))
    p, labels = predictions.probabilities[A][0], predictions.labels
    plain = [metrics.average_precision_score(labels, p, sample_weight=w) for w in weights]
    assert column[0] == pytest.approx(plain[0])
    odds = 2 * logit(plain[0]) - logit(plain[1:])
    assert column[1:] == pytest.approx(expit(odds))


def test_a_perfect_ranking_has_no_spread():
    predictions = simulated(60, np.random.default_rng(2))
    sure = predictions.labels[None] * 0.9 + 0.05
    samples = bootstrap(replace(predictions, probabilities={A: sure}), [A], 100, seed=0)[A]
    assert samples[..., SCORES.index("average_precision")] == pytest.approx(1, abs=1e-6)


def test_calibration_errors_of_networks_share_their_luck_and_those_of_subjects_do_not():
    predictions = simulated(300, np.random.default_rng(6), replicates=2)
    (first, second), (other, _) = (
        bootstrap(predictions, [A, B], 500, seed=0)[subject][:, 1:, SCORES.index("ece")]
        for subject in (A, B)
    )
    assert spearmanr(first, second).statistic > 0.99  # but for ties at 0
    assert abs(spearmanr(first, other).statistic) < 0.2


@pytest.mark.slow
def test_percentiles_cover_the_truth(monkeypatch):
    """1,000 test sets of 250 images; 95 % intervals of nine differences, error 0.7 points.

    ECE, which is not resampled, has a simulation of its own in test_calibration_error.py; the draws
    of it are most of the work, and left out.
    """
    monkeypatch.setattr(
        "srgan_ab.statistics.bootstrap.ece_samples",
        lambda predictions, rows, resamples, seed: np.zeros((len(rows), 1 + resamples)),
    )
    rng = np.random.default_rng(0)
    big = simulated(200_000, rng)
    names = SCORES[:-1]
    values = [scores(big.labels, p) for p in big.probabilities.values()]
    hits = dict.fromkeys(names, 0)
    for trial in range(1000):
        samples = bootstrap(simulated(250, rng), [A, B], 300, seed=trial)
        low, high = np.percentile((samples[A] - samples[B])[0, 1:], (2.5, 97.5), axis=0)
        for i, name in enumerate(names):
            hits[name] += low[i] <= values[0][name] - values[1][name] <= high[i]
    assert all(0.93 <= count / 1000 <= 0.97 for count in hits.values()), hits
