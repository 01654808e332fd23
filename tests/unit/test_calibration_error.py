"""The posterior of the calibration error: simulation, limits, and what evidence does to it."""

import numpy as np
import pytest
from scipy.special import expit

from srgan_ab.statistics.calibration_error import calibration_error_draws
from srgan_ab.statistics.classification import BINS, expected_calibration_error


def network(rng):
    """Odds, and how a network distorts them: temperature, shift, noise. Draws (labels, p)."""
    temperature, shift = np.exp(rng.normal(0, 0.4)), rng.normal(0, 0.3)
    noise, skill = abs(rng.normal(0, 0.5)), rng.uniform(1.5, 5)

    def draw(n):
        odds = rng.normal(0, skill, n)
        labels = (rng.random(n) < expit(odds)).astype(int)
        return labels, expit((odds + noise * rng.normal(size=n)) * temperature + shift)

    return draw


def true_error(p, many_labels, many_p):
    """Of all images there are, in the bins that the test set's probabilities make."""
    edges = np.quantile(p, np.arange(1, BINS) / BINS)
    bins = np.searchsorted(edges, many_p, side="right")
    return np.abs(np.bincount(bins, many_labels - many_p)).sum() / len(many_p)


def interval(values):
    return np.percentile(values, (2.5, 97.5))


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("images", [300, 2000])
def test_intervals_cover_the_truth(images):
    """1,000 networks with truths of their own, alone and in pairs; error 0.7 points."""
    rng = np.random.default_rng(images)
    alone, pairs, before = 0, 0, None
    for _ in range(1000):
        draw = network(rng)
        labels, p = draw(images)
        drawn = calibration_error_draws(labels, p, 1000, rng)
        truth = true_error(p, *draw(200_000))
        low, high = interval(drawn)
        alone += low <= truth <= high
        if before is not None:
            low, high = interval(drawn - before[0])
            pairs += low <= truth - before[1] <= high
        before = drawn, truth
    assert 0.93 <= alone / 1000 <= 0.97
    assert 0.93 <= pairs / 999 <= 0.97


def test_a_calibrated_network_may_have_no_error_at_all():
    rng, held = np.random.default_rng(0), 0
    for _ in range(50):
        p = expit(rng.normal(0, 2, 500))
        low, _ = interval(calibration_error_draws((rng.random(500) < p) * 1, p, 500, rng))
        held += low == 0
    assert held >= 45


def test_many_images_leave_no_doubt():
    rng = np.random.default_rng(1)
    odds = rng.normal(0, 2, 300_000)
    labels, p = (rng.random(len(odds)) < expit(odds)) * 1, expit(2 * odds)
    drawn = calibration_error_draws(labels, p, 500, rng)
    assert drawn.mean() == pytest.approx(expected_calibration_error(labels, p), rel=0.01)
    assert drawn.std() < 0.002


def test_copies_are_no_evidence():
    rng = np.random.default_rng(2)
    odds = rng.normal(0, 2, 300)
    labels, p = (rng.random(300) < expit(odds)) * 1, expit(1.5 * odds)
    once = calibration_error_draws(labels, p, 4000, np.random.default_rng(0))
    twice = [np.repeat(x, 4) for x in (labels, p)]
    counted = calibration_error_draws(*twice, 4000, np.random.default_rng(0), independent=0.25)
    believed = calibration_error_draws(*twice, 4000, np.random.default_rng(0))
    assert interval(counted) == pytest.approx(interval(once), abs=0.01)
    assert believed.std() < 0.75 * once.std()


@pytest.mark.parametrize("p", [np.full(40, 0.5), np.repeat([0.0, 1.0], 20)])
def test_probabilities_of_few_values_are_no_obstacle(p):
    rng = np.random.default_rng(3)
    drawn = calibration_error_draws(np.arange(40) % 2, p, 200, rng)
    assert np.isfinite(drawn).all() and (drawn >= 0).all() and (drawn <= 1).all()
    again = calibration_error_draws(np.arange(40) % 2, p, 200, np.random.default_rng(3))
    assert np.array_equal(drawn, again)
