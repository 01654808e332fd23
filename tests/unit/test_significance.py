"""Differences, their family and their margin: consistency, and errors by simulation."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from repository import default_params
from scipy.stats import norm

from srgan_ab.common.arms import ARMS, DOMAINS
from srgan_ab.common.rules import Pair
from srgan_ab.statistics.accuracy_tests import ResampledTest, by_resampling
from srgan_ab.statistics.bootstrap import SCORES, bootstrap, mean_over_replicates
from srgan_ab.statistics.paired import delong, holm, least_detectable, mcnemar, score_interval
from srgan_ab.statistics.predictions import Predictions
from srgan_ab.statistics.significance import PAIRS, difference, differences, pairs_of
from srgan_ab.statistics.verdict import outcome

A, B = ("a", "hr"), ("b", "hr")
MARGIN = 0.05
DECLARED = tuple(default_params()["compare"]["declared"])


def simulated(n, rng, skills, replicates=1) -> Predictions:
    """Networks of given skill on images that are harder or easier for all of them."""
    labels = rng.integers(0, 2, n)
    shared = rng.normal(0, 1.5, n)
    return Predictions(
        ids=np.arange(n).astype(str),
        groups=np.arange(n),
        flagged=np.zeros(n, bool),
        labels=labels,
        probabilities={
            subject: 1
            / (1 + np.exp(-skill * (2 * labels - 1) - shared - rng.normal(0, 0.7, (replicates, n))))
            for subject, skill in skills.items()
        },
    )


def compared(predictions, first=A, second=B, resamples=500):
    samples = bootstrap(predictions, [first, second], resamples, seed=0)
    return difference(predictions, samples, first, second, MARGIN, seed=0)


def test_a_difference_has_a_sign_and_none_from_itself():
    predictions = simulated(300, np.random.default_rng(6), {A: 2.0, B: 1.5})
    there, back = compared(predictions), compared(predictions, B, A)
    itself = compared(predictions, A, A)
    for name in SCORES:
        assert there[name]["difference"] == -back[name]["difference"]
        assert there[name]["low"] == pytest.approx(-back[name]["high"])
        assert there[name]["p"] == pytest.approx(back[name]["p"])
        assert (itself[name]["difference"], itself[name]["p"]) == (0, 1)
        if name != "accuracy":  # whose interval knows that equal calls prove little
            assert (itself[name]["low"], itself[name]["high"]) == (0, 0)


def test_one_network_on_independent_images_is_compared_in_closed_form():
    predictions = simulated(300, np.random.default_rng(7), {A: 2.0, B: 1.5})
    found = compared(predictions)
    first, second = (
        (p[0] >= 0.5) == predictions.labels for p in predictions.probabilities.values()
    )
    only = (int((first & ~second).sum()), int((second & ~first).sum()))
    accuracy = found["accuracy"]
    assert accuracy["p"] == mcnemar(*only)
    assert (accuracy["low"], accuracy["high"]) == score_interval(*only, 300)
    assert accuracy["disagreement"] == pytest.approx(sum(only) / 300)
    value, error = delong(predictions.labels, *(p[0] for p in predictions.probabilities.values()))
    auc = found["roc_auc"]
    assert auc["difference"] == pytest.approx(value)
    assert (auc["low"], auc["high"]) == norm.interval(0.95, value, error)
    assert (accuracy["method"], auc["method"]) == ("McNemar, Tango", "DeLong")
    others = {name: found[name]["method"] for name in SCORES[1:] if name != "roc_auc"}
    assert others.pop("ece") == "posterior" and set(others.values()) == {"bootstrap"}

    grouped = compared(replace(predictions, groups=np.arange(300) // 2))
    assert {grouped[name]["method"] for name in SCORES[:-1]} == {"bootstrap"}
    assert grouped["accuracy"]["low"] == pytest.approx(accuracy["low"], abs=0.02)


def test_several_networks_are_compared_by_resampling():
    predictions = simulated(300, np.random.default_rng(8), {A: 3.0, B: 0.5}, replicates=3)
    accuracy = compared(predictions)["accuracy"]
    assert accuracy["method"] == "bootstrap"
    assert accuracy["low"] > 0 and accuracy["p"] == pytest.approx(2 / 501, abs=0.02)
    assert np.mean(accuracy["of_replicates"]) == pytest.approx(accuracy["difference"])
    assert accuracy["low"] < accuracy["low_90"] < accuracy["high_90"] < accuracy["high"]


def test_networks_that_always_agree_prove_no_equality():
    predictions = simulated(100, np.random.default_rng(9), {A: 2.0}, replicates=3)
    same = replace(predictions, probabilities=dict.fromkeys((A, B), predictions.probabilities[A]))
    accuracy = compared(same)["accuracy"]
    assert accuracy["low"] < -0.03 and accuracy["high"] > 0.03
    assert accuracy["p_equivalence"] > 0.01


@pytest.mark.parametrize("replicates", [1, 3])
def test_the_margin_is_met_where_the_90_percent_interval_lies_within_it(replicates):
    rng = np.random.default_rng(10)
    for n in (100, 400, 1600):
        accuracy = compared(simulated(n, rng, {A: 2.0, B: 2.0}, replicates))["accuracy"]
        within = accuracy["low_90"] > -MARGIN and accuracy["high_90"] < MARGIN
        assert (accuracy["p_equivalence"] <= 0.05) == within


def every_arm(n, rng, arms=ARMS):
    return simulated(n, rng, {(arm, domain): 1.5 for arm in arms for domain in DOMAINS})


def test_params_may_declare_every_pair():
    assert get_args(Pair) == tuple(PAIRS)


@pytest.mark.parametrize("declared", [DECLARED, ("c_minus_a", "b_minus_r"), ()], ids=len)
def test_the_family_is_adjusted_and_the_rest_is_not(declared):
    predictions = every_arm(120, np.random.default_rng(0))
    found = differences(predictions, 100, MARGIN, seed=0, declared=declared)
    assert list(found) == list(PAIRS)
    for p in ("p", "p_equivalence"):
        expected = holm({pair: found[pair]["accuracy"][p] for pair in declared})
        assert expected == {pair: found[pair]["accuracy"][f"{p}_holm"] for pair in declared}
    for pair in set(PAIRS) - set(declared):
        assert "p_holm" not in found[pair]["accuracy"]
        assert found[pair]["accuracy"]["level"] == 0.05


@pytest.mark.slow
@pytest.mark.parametrize("replicates", [1, 3])
def test_each_pair_is_judged_and_its_power_told_at_one_level(replicates):
    """A difference that was not found at a level cannot have been one that is found at it."""
    rng, undecided = np.random.default_rng(3), 0
    for trial in range(5):
        predictions = simulated(
            150,
            rng,
            {(arm, domain): rng.uniform(0.5, 2.5) for arm in ARMS for domain in DOMAINS},
            replicates,
        )
        found = differences(predictions, 300, 0.001, seed=trial, declared=DECLARED)
        for pair, of_scores in found.items():
            accuracy = of_scores["accuracy"]
            declared = pair in DECLARED
            assert declared or accuracy["level"] == 0.05
            assert not declared or 0.05 / len(DECLARED) - 1e-9 <= accuracy["level"] <= 0.05
            assert (accuracy.get("p_holm", accuracy["p"]) <= 0.05) == (
                accuracy["p"] <= accuracy["level"]
            )
            if accuracy["p"] > accuracy["level"]:
                undecided += 1
                assert abs(accuracy["difference"]) < accuracy["least_detectable"]
            if replicates == 1:
                images = (150, accuracy["disagreement"], accuracy["level"])
                assert accuracy["least_detectable"] == pytest.approx(least_detectable(*images))
    assert undecided > 5


def scattered(rng, replicates, by_network, truth=0.0, images=100, resamples=400):
    """A difference whose images (SD 0.1) and networks scatter as told, and what resamples it."""
    each = truth + 0.1 * rng.normal(size=images) + by_network * rng.normal(size=(replicates, 1))
    draws = rng.multinomial(images, np.full(images, 1 / images), resamples)
    samples = (each @ np.vstack([np.ones(images), draws]).T / images)[..., None]
    values = mean_over_replicates(samples, seed=int(rng.integers(1_000_000)))[:, 0]
    return ResampledTest(float(samples[:, 0].mean()), values, images)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.05, 0.0125])
@pytest.mark.parametrize(
    ("replicates", "by_network", "least", "most"),
    [(1, 0.0, 0.72, 0.87), (10, 0.015, 0.7, 0.87), (3, 0.05, 0.45, 0.87)],
)
def test_the_least_detectable_difference_of_networks_is_often_found(
    level, replicates, by_network, least, most
):
    """200 experiments. Three networks tell their own scatter only roughly, which costs power."""
    rng = np.random.default_rng(0)
    told = [scattered(rng, replicates, by_network).least_detectable(level) for _ in range(200)]
    found = [
        by_resampling(scattered(rng, replicates, by_network, truth).values).p <= level
        for truth in told
    ]
    assert least <= np.mean(found) <= most


def test_networks_that_scatter_and_a_stricter_level_ask_for_a_larger_difference():
    rng = np.random.default_rng(1)
    steady, uneven = (scattered(rng, 3, by_network) for by_network in (0.0, 0.05))
    assert uneven.least_detectable(0.05) > 1.5 * steady.least_detectable(0.05)
    assert uneven.least_detectable(0.0125) > 1.3 * uneven.least_detectable(0.05)
    few = replace(steady, values=steady.values[:100])
    assert few.least_detectable(0.01) == 1  # no p of 100 resamples is so small


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["random", "right", "wrong", "undecided"])
@pytest.mark.parametrize("groups", [[0, 1], [0, 0]], ids=["two groups", "one group"])
@pytest.mark.parametrize("replicates", [1, 3])
def test_two_test_images_prove_nothing_and_raise_no_warning(replicates, groups, kind):
    labels, rng = np.array([0, 1]), np.random.default_rng(0)
    rows = {
        "random": lambda: rng.random((replicates, 2)),
        "right": lambda: np.tile([0.0, 1.0], (replicates, 1)),
        "wrong": lambda: np.tile([1.0, 0.0], (replicates, 1)),
        "undecided": lambda: np.full((replicates, 2), 0.5),
    }
    predictions = Predictions(
        ids=np.array(["0", "1"]),
        groups=np.array(groups),
        flagged=np.zeros(2, bool),
        labels=labels,
        # C is always wrong: even all images can be too few
        probabilities={
            (arm, domain): rows["wrong" if arm == "c" else kind]()
            for arm in ARMS
            for domain in DOMAINS
        },
    )
    for scores in differences(predictions, 1000, MARGIN, 0, DECLARED).values():
        accuracy = scores["accuracy"]
        assert outcome(accuracy, MARGIN) == "undecided"
        assert -1 <= accuracy["low"] < accuracy["high"] <= 1
        assert all(0 < result["p"] <= 1 for result in scores.values())


def test_arms_left_out_shrink_the_family():
    arms = ("a", "b", "c")
    predictions = every_arm(120, np.random.default_rng(0), arms)
    found = differences(predictions, 100, MARGIN, 0, DECLARED)
    assert list(found) == list(pairs_of(arms))
    family = {pair for pair, scores in found.items() if "p_holm" in scores["accuracy"]}
    assert family == {"b_minus_a", "b_minus_c", "b_sr_minus_c_bicubic", "a_sr_minus_a_bicubic"}


@pytest.mark.long
@pytest.mark.slow
def test_the_family_errs_in_one_experiment_of_twenty_at_most(monkeypatch):
    """500 experiments in which no arm is better: a false claim in 5 % plus error (2 points)."""
    # nothing of the family rests on ECE, whose posterior is most of the work
    monkeypatch.setattr(
        "srgan_ab.statistics.bootstrap.ece_samples",
        lambda predictions, rows, resamples, seed: np.zeros((len(rows), 1 + resamples)),
    )
    rng, false_claims = np.random.default_rng(1), 0
    for trial in range(500):
        found = differences(every_arm(200, rng), 10, 0.005, trial, DECLARED)
        kinds = {outcome(found[pair]["accuracy"], 0.005) for pair in DECLARED}
        false_claims += bool(kinds & {"better", "worse"})
    assert false_claims / 500 <= 0.05 + 0.02
