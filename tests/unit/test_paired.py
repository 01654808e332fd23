"""Closed forms against published examples, brute force and simulation."""

from math import comb

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from srgan_ab.statistics.paired import (
    delong,
    holm,
    holm_levels,
    least_detectable,
    mcnemar,
    score_equivalence,
    score_interval,
)


def test_mcnemar_is_the_fair_coins_tail():
    assert mcnemar(9, 2) == pytest.approx(2 * sum(comb(11, k) for k in range(3)) / 2**11)
    assert mcnemar(2, 9) == mcnemar(9, 2)
    assert mcnemar(0, 0) == mcnemar(5, 5) == 1


def test_score_interval_is_that_of_another_implementation():
    """R's PropCIs 0.3-0: scoreci.mp(25, 28, 618, 0.90) gives (-0.0148, 0.0247), second - first."""
    low, high = score_interval(28, 25, 618, level=0.90)
    assert (round(float(low), 4), round(float(high), 4)) == (-0.0148, 0.0247)


def score_by_brute_force(first_only, second_only, images, difference):
    """Z of the difference from its restricted maximum likelihood, found numerically."""

    def surprise(second):  # probability that only the second is right
        first = second + difference
        both = 1 - first - second
        chances = np.array([first, second, both])
        counts = np.array([first_only, second_only, images - first_only - second_only])
        return -(counts * np.log(np.maximum(chances, 1e-300))).sum()

    bounds = (max(0, -difference), (1 - difference) / 2)
    second = minimize_scalar(surprise, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    variance = (2 * second + difference - difference**2) / images
    return ((first_only - second_only) / images - difference) / np.sqrt(variance)


@pytest.mark.parametrize(
    "counts", [(9, 2, 80), (2, 9, 80), (30, 31, 200), (5, 0, 40), (1, 1, 500)], ids=str
)
def test_ends_of_the_score_interval_are_just_not_rejected(counts):
    low, high = score_interval(*counts)
    assert score_by_brute_force(*counts, low) == pytest.approx(1.95996, abs=1e-3)
    assert score_by_brute_force(*counts, high) == pytest.approx(-1.95996, abs=1e-3)
    first, second, images = counts
    mirrored = score_interval(second, first, images)
    assert mirrored == (pytest.approx(-high), pytest.approx(-low))


def test_classifiers_that_never_disagree_are_not_therefore_equal():
    """Without disagreement the interval is z² / (n + z²) either way (Tango 1998)."""
    z = norm.ppf(0.975)
    low, high = score_interval(0, 0, 180)
    assert (low, high) == (pytest.approx(-(z**2) / (180 + z**2)), pytest.approx(-low))
    bound = (40 - z**2) / (40 + z**2)
    assert score_interval(40, 0, 40) == (pytest.approx(bound), pytest.approx(1))


@pytest.mark.parametrize("margin", [0.005, 0.03, 0.06])
def test_equivalence_is_the_90_percent_interval_within_the_margin(margin):
    rng = np.random.default_rng(0)
    for first, second in rng.integers(0, 30, (60, 2)):
        low, high = score_interval(first, second, 900, level=0.90)
        within = -margin < low and high < margin
        assert (score_equivalence(first, second, 900, margin) <= 0.05) == within


@pytest.mark.parametrize("disagreement", [0.02, 0.10, 0.4])
@pytest.mark.parametrize("true", [0.0, 0.02])
def test_score_intervals_cover_the_truth(disagreement, true):
    """10,000 test sets of 300 images; Monte-Carlo error 0.2 points."""
    chances = [(disagreement + true) / 2, (disagreement - true) / 2, 1 - disagreement]
    counts = np.random.default_rng(1).multinomial(300, chances, 10_000)
    low, high = score_interval(counts[:, 0], counts[:, 1], 300)
    assert 0.93 <= ((low <= true) & (true <= high)).mean() <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("disagreement", [0.02, 0.10])
def test_tests_err_as_seldom_as_they_say(disagreement):
    """McNemar under no difference, equivalence at the margin: at most 5 %, error 0.5 points."""
    rng = np.random.default_rng(2)
    equal = rng.multinomial(1000, [disagreement / 2, disagreement / 2, 1 - disagreement], 2000)
    assert np.mean([mcnemar(int(b), int(c)) <= 0.05 for b, c, _ in equal]) <= 0.05 + 0.01
    margin = 0.015
    chances = [(disagreement + margin) / 2, (disagreement - margin) / 2, 1 - disagreement]
    apart = rng.multinomial(1000, chances, 2000)
    p = [score_equivalence(b, c, 1000, margin) for b, c, _ in apart]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 0.015


def delong_by_brute_force(labels, first, second):
    """Every pair of a positive and a negative, and the covariance of its structural components."""
    areas, by_positive, by_negative = [], [], []
    for p in (first, second):
        positive, negative = p[labels == 1][:, None], p[labels == 0][None]
        wins = (positive > negative) + 0.5 * (positive == negative)
        areas.append(wins.mean())
        by_positive.append(wins.mean(1))
        by_negative.append(wins.mean(0))
    s10, s01 = np.cov(by_positive), np.cov(by_negative)
    s = s10 / (labels == 1).sum() + s01 / (labels == 0).sum()
    return areas[0] - areas[1], np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_delong_is_its_definition(decimals):
    rng = np.random.default_rng(decimals)
    labels = rng.random(150) < 0.4
    first, second = np.clip(0.3 * labels + rng.random((2, 150)), 0, 1).round(decimals)
    found = delong(labels.astype(int), first, second)
    assert found == pytest.approx(delong_by_brute_force(labels, first, second))
    assert found[0] == pytest.approx(roc_auc_score(labels, first) - roc_auc_score(labels, second))
    assert delong(labels, first, first) == (0, 0)


def test_delongs_interval_covers_the_truth():
    """1,000 test sets of 200 images, normal scores of known area; Monte-Carlo error 0.7 points."""
    rng = np.random.default_rng(3)
    skills = np.array([[1.5], [1.0]])
    truth = np.diff(norm.cdf(skills[::-1, 0] / np.sqrt(2)))[0]  # area: Phi(shift / sqrt 2)
    labels = np.arange(200) % 2
    hits = 0
    for _ in range(1000):
        noise = np.sqrt(0.5) * (rng.normal(size=200) + rng.normal(size=(2, 200)))
        value, error = delong(labels, *(skills * labels + noise))
        hits += abs(value - truth) <= 1.95996 * error
    assert 0.93 <= hits / 1000 <= 0.97


@pytest.mark.parametrize(
    ("images", "disagreement", "points"),
    [
        *((7500, d, x) for d, x in ((0.01, 0.32), (0.02, 0.46), (0.04, 0.65), (0.08, 0.91))),
        *((3669, d, x) for d, x in ((0.01, 0.46), (0.02, 0.65), (0.04, 0.92), (0.08, 1.31))),
    ],
)
def test_least_detectable_difference_is_known(images, disagreement, points):
    assert 100 * least_detectable(images, disagreement) == pytest.approx(points, abs=0.006)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.05, 0.01])
@pytest.mark.parametrize(("images", "disagreement"), [(2000, 0.1), (180, 0.0), (180, 0.02)])
def test_the_least_detectable_difference_is_found_four_times_in_five(images, disagreement, level):
    """With McNemar's test; where hardly any image is discordant, its discreteness costs power."""
    difference = least_detectable(images, disagreement, level)
    share = max(disagreement, difference)
    chances = [(share + difference) / 2, (share - difference) / 2, 1 - share]
    counts = np.random.default_rng(4).multinomial(images, chances, 2000)
    found = np.mean([mcnemar(int(b), int(c)) <= level for b, c, _ in counts])
    assert 0.74 <= found <= 0.9
    assert least_detectable(3, 0.5) == 1


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.05, 0.0125, 0.01])
def test_a_difference_that_was_not_found_is_smaller_than_the_least_detectable(level):
    for first in range(60):
        for second in range(first + 1):
            if mcnemar(first, second) > level:
                least = least_detectable(180, (first + second) / 180, level)
                assert (first - second) / 180 < least


def test_holms_levels_are_the_p_that_it_lets_pass():
    """The largest p with which a test would still be found, the others as they are."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        p = dict(enumerate(rng.choice([0.001, 0.004, 0.012, 0.02, 0.04, 0.06, 0.7], 4)))
        for name, level in holm_levels(p, 0.05).items():
            below, above = (holm(p | {name: level * x})[name] for x in (0.999, 1.001))
            assert below <= 0.05 < above
            assert (holm(p)[name] <= 0.05) == (p[name] <= level)
    p = {"a": 0.0004, "b": 0.0128, "c": 0.021, "d": 0.13, "e": 0.35}  # a alone is found
    level = {"a": 0.01, "b": 0.0125, "c": 0.0125, "d": 0.0125, "e": 0.0125}
    assert holm_levels(p, 0.05) == pytest.approx(level)
    assert holm_levels({}, 0.05) == {}


def test_holm_by_hand():
    """Holm (1979): 0.01 x 4, then 0.03 x 3, then no less than the one before."""
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.5}
    assert holm(p) == pytest.approx({"a": 0.04, "b": 0.09, "c": 0.09, "d": 0.5})
    assert list(holm(p)) == list(p)
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1, "b": 1}
    assert holm({}) == {}
