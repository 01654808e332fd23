"""Runs taken together: against closed forms, other implementations and simulation."""

from dataclasses import replace

import numpy as np
import pytest
from repository import default_params
from scipy.stats import f_oneway, ttest_1samp

from srgan_ab.common.arms import ARMS, DOMAINS
from srgan_ab.common.errors import UserError
from srgan_ab.statistics.paired import holm, score_interval
from srgan_ab.statistics.pooled import (
    Pooled,
    PooledTest,
    check_runs,
    meets_a_generator,
    pooled_accuracies,
    pooled_differences,
    pooled_test,
)
from srgan_ab.statistics.predictions import Predictions
from srgan_ab.statistics.significance import PAIRS

DECLARED = tuple(default_params()["compare"]["declared"])
ALONE = np.arange(100)  # no near-duplicates
# standard deviations of generators, networks, images, images x generators, images x networks
MIXES = {
    "images alone": (0, 0, 1, 0, 0),
    "images, each generator's its own": (0, 0, 1, 0.5, 0.5),
    "networks and images alike": (0, 0.3, 1, 0.5, 1),
    "generators less than images": (0.05, 0.05, 1, 0.5, 1),
    "generators and images alike": (0.1, 0.1, 1, 0.5, 1),
    "generators more than images": (0.3, 0.1, 1, 0.5, 1),
    "generators alone": (1, 0.3, 0, 0, 0.1),
}


def scattered(rng, mix, runs=4, networks=3, groups=ALONE):
    """Values of truth 0: (runs, networks, images); near-duplicates share their images' effects."""
    generators, of_networks, images, by_generator, by_network = mix
    count, n = groups.max() + 1, len(groups)
    values = generators * rng.normal(size=(runs, 1, 1))
    values = values + of_networks * rng.normal(size=(runs, networks, 1))
    shared = images * rng.normal(size=count) + by_generator * rng.normal(size=(runs, 1, count))
    return values + shared[..., groups] + by_network * rng.normal(size=(runs, networks, n))


def constant(means, images=100):
    """Values that are the same for every image."""
    return np.repeat(np.asarray(means, float)[..., None], images, axis=2)


def agrees(pooled: Pooled, sample) -> None:
    expected = ttest_1samp(sample, 0)
    judged = PooledTest(pooled).judged()
    assert pooled.freedom == pytest.approx(len(sample) - 1)
    assert judged.p == pytest.approx(expected.pvalue)
    assert judged.interval == pytest.approx(tuple(expected.confidence_interval()))


def test_one_network_per_run_and_equal_images_are_a_t_test_of_runs():
    means = [[0.01], [0.03], [-0.005], [0.02]]
    agrees(Pooled.of(constant(means), ALONE, by_run=True), np.ravel(means))


def test_several_networks_are_a_t_test_of_the_means_of_runs():
    means = np.random.default_rng(0).normal(0.02, 0.03, (4, 3))
    agrees(Pooled.of(constant(means), ALONE, by_run=True), means.mean(1))


def test_where_no_generator_matters_it_is_a_t_test_of_networks():
    means = np.random.default_rng(1).normal(0.02, 0.03, (4, 3))
    agrees(Pooled.of(constant(means), ALONE, by_run=False), means.ravel())


@pytest.mark.parametrize("by_run", [True, False])
def test_networks_that_never_differ_are_a_t_test_of_images(by_run):
    images = np.random.default_rng(2).normal(0.02, 0.3, 100)
    values = np.broadcast_to(images, (4, 3, 100))
    agrees(Pooled.of(values, ALONE, by_run), images)
    twice = Pooled.of(np.repeat(values, 2, axis=2), np.repeat(ALONE, 2), by_run)
    agrees(twice, images)  # copies of an image add no certainty


def test_mean_squares_are_those_of_scipy():
    means = np.random.default_rng(3).normal(0, 0.03, (4, 3))
    pooled = Pooled.of(constant(means), ALONE, by_run=True)
    found = pooled.deviations(by_run=True)
    between, within = 12 * pooled.by_unit, found["networks"] ** 2
    assert between / within == pytest.approx(f_oneway(*means).statistic)
    assert found["generators"] ** 2 == pytest.approx(max((between - within) / 3, 0))
    assert found["images"] == 0


def test_images_are_told_from_what_they_do_to_single_runs():
    """The mean squares of a table of runs by images, cell by cell."""
    values = scattered(np.random.default_rng(4), (0.1, 0.1, 1, 0.5, 1))
    cells = values.mean(1)
    rest = cells - cells.mean(1, keepdims=True) - cells.mean(0) + cells.mean()
    images = 4 * cells.mean(0).var(ddof=1)
    interaction = (rest**2).sum() / (3 * 99)
    pooled = Pooled.of(values, ALONE, by_run=True)
    assert pooled.by_images == pytest.approx((images - interaction) / (4 * 100))
    assert pooled.error**2 == pytest.approx(pooled.by_unit + pooled.by_images)


def test_deviations_are_those_that_were_put_in():
    rng = np.random.default_rng(5)
    squares = {"generators": [], "networks": [], "images": []}
    for _ in range(400):
        found = Pooled.of(scattered(rng, (0.3, 0.2, 1, 0, 0)), ALONE, True).deviations(True)
        for name, value in found.items():
            squares[name].append(value**2)
    found = {name: np.sqrt(np.mean(values)) for name, values in squares.items()}
    assert found == pytest.approx({"generators": 0.3, "networks": 0.2, "images": 0.1}, rel=0.06)


@pytest.mark.parametrize("by_run", [True, False])
def test_what_runs_cannot_tell_is_left_open(by_run):
    values = scattered(np.random.default_rng(6), MIXES["generators alone"], networks=1)
    found = Pooled.of(values, ALONE, by_run).deviations(by_run)
    assert found["generators"] is None and (found["networks"] is None) == by_run


def covered(mix, by_run, experiments=1000, seed=0, **options) -> float:
    rng, hits = np.random.default_rng(seed), 0
    groups = options.get("groups", ALONE)
    for _ in range(experiments):
        low, high = Pooled.of(scattered(rng, mix, **options), groups, by_run).interval()
        hits += low <= 0 <= high
    return hits / experiments


@pytest.mark.slow
@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
def test_intervals_over_runs_cover_the_truth(mix):
    """1,000 experiments of four runs, three networks, 100 images; Monte-Carlo error 0.7 points."""
    assert 0.915 <= covered(mix, by_run=True) <= 0.975


@pytest.mark.parametrize("mix", [mix for mix in MIXES.values() if not mix[0]])
def test_intervals_over_networks_cover_the_truth(mix):
    mix = (*mix[:3], 0, mix[4])  # without a generator nothing is its own
    assert 0.925 <= covered(mix, by_run=False) <= 0.975


def test_intervals_over_groups_of_near_duplicates_cover_the_truth():
    groups = np.sort(np.random.default_rng(7).integers(0, 50, 100))
    groups = np.unique(groups, return_inverse=True)[1]
    mix = MIXES["generators less than images"]
    assert 0.915 <= covered(mix, by_run=True, groups=groups) <= 0.975


def test_networks_of_one_generator_are_not_independent():
    """Twelve networks taken for twelve independent ones are far too sure."""
    assert covered(MIXES["generators alone"], by_run=False) < 0.8


def called(rng, runs=4, networks=3, images=300) -> np.ndarray:
    """Right or wrong, by two arms of one recipe: the truth of their difference is 0."""
    difficulty = rng.normal(0, 1.5, images)
    right = []
    for _ in range(2):
        skill = 2 + 0.3 * rng.normal(size=(runs, 1, 1)) + 0.2 * rng.normal(size=(runs, networks, 1))
        noise = 0.7 * rng.normal(size=(runs, networks, images))
        right.append(skill + difficulty + noise > 0)
    return right[0].astype(float) - right[1]


def test_intervals_of_differences_in_accuracy_cover_the_truth_and_tests_err_as_they_say():
    rng, hits, found = np.random.default_rng(8), 0, 0
    for _ in range(1000):
        test = PooledTest(Pooled.of(called(rng), np.arange(300), by_run=True))
        low, high = test.judged().interval
        hits += low <= 0 <= high
        found += test.judged().p <= 0.05
    assert 0.925 <= hits / 1000 <= 0.975
    assert found == 1000 - hits


def test_the_least_detectable_difference_is_often_found():
    """As with networks of one run: few runs tell their own scatter only roughly."""
    rng, mix = np.random.default_rng(9), (0.005, 0.005, 0.1, 0.05, 0.1)

    def test(truth=0.0):
        return PooledTest(Pooled.of(scattered(rng, mix) + truth, ALONE, by_run=True))

    told = [test().least_detectable(0.05) for _ in range(300)]
    assert 0.7 <= np.mean([test(truth).judged().p <= 0.05 for truth in told]) <= 0.87


def test_equivalence_is_the_90_percent_interval_within_the_margin():
    rng = np.random.default_rng(10)
    for _ in range(100):
        test = PooledTest(Pooled.of(scattered(rng, MIXES["images alone"]), ALONE, by_run=True))
        (low, high), p = test.equivalence(0.2)
        assert (p <= 0.05) == (low > -0.2 and high < 0.2)


def test_arms_that_never_disagree_are_not_therefore_equal():
    test = pooled_test(Pooled.of(np.zeros((4, 3, 100)), ALONE, by_run=True))
    assert test.judged().interval == pytest.approx(score_interval(0, 0, 100))
    assert test.judged().p == 1 and test.equivalence(0.005)[1] > 0.05


def invented(seed=0, n=60, replicates=2, arms=ARMS, domains=DOMAINS) -> Predictions:
    rng, labels = np.random.default_rng(seed), np.arange(n) % 2
    hard = np.random.default_rng(99).normal(0, 1, n)
    return Predictions(
        ids=np.array([f"image {i}" for i in range(n)]),
        groups=np.arange(n) // 2,
        flagged=np.zeros(n, bool),
        labels=labels,
        probabilities={
            (arm, domain): 1
            / (1 + np.exp(-rng.normal((1.5 + hard) * (2 * labels - 1), 1, (replicates, n))))
            for arm in arms
            for domain in domains
        },
    )


RUNS = [invented(seed) for seed in range(4)]


def test_pairs_are_paired_by_run_and_network_and_judged_as_one_family():
    found = pooled_differences(RUNS, 0.005, DECLARED)
    assert list(found) == list(PAIRS)
    for pair, (first, second) in PAIRS.items():
        of = found[pair]
        each = [
            [np.mean((p >= 0.5) == run.labels) for p in run.probabilities[first]]
            - np.array([np.mean((p >= 0.5) == run.labels) for p in run.probabilities[second]])
            for run in RUNS
        ]
        assert of["of_networks"] == pytest.approx(np.array(each))
        assert of["of_runs"] == pytest.approx(np.mean(each, axis=1))
        assert of["difference"] == pytest.approx(np.mean(each))
        assert of["low"] < of["low_90"] < of["high_90"] < of["high"]
        assert ("p_holm" in of) == (pair in DECLARED)
        assert of["least_detectable"] > abs(of["difference"]) or of["p"] <= of["level"]
    expected = holm({pair: found[pair]["p"] for pair in DECLARED})
    assert {pair: found[pair]["p_holm"] for pair in DECLARED} == expected


def test_the_unit_is_the_run_where_a_generator_is_met():
    units = {pair: of["unit"] for pair, of in pooled_differences(RUNS, 0.005, ()).items()}
    assert {pair for pair, unit in units.items() if unit == "network"} == {"c_minus_a"}
    own = {(arm, domain) for arm in ("a", "c", "c_plus") for domain in ("hr", "bicubic")}
    for arm in ARMS:
        for domain in DOMAINS:
            assert meets_a_generator((arm, domain)) == ((arm, domain) not in own)


def test_accuracies_are_means_within_their_intervals():
    matrix = pooled_accuracies(RUNS)
    assert list(matrix) == list(ARMS)
    for arm, domains in matrix.items():
        for domain, of in domains.items():
            rows = np.concatenate([run.probabilities[arm, domain] for run in RUNS])
            assert of["accuracy"] == pytest.approx(((rows >= 0.5) == RUNS[0].labels).mean())
            assert 0 <= of["accuracy_low"] < of["accuracy"] < of["accuracy_high"] <= 1
    sure = [replace(r, probabilities={("a", "hr"): r.labels[None] * 1.0}) for r in RUNS]
    certain = pooled_accuracies(sure)["a"]["hr"]
    assert 0.8 < certain["accuracy_low"] < 1 and certain["freedom"] is None


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (None, "one run tells nothing of other generators"),
        (replace(invented(1), ids=np.arange(60).astype(str)), "two has other test images, groups"),
        (replace(invented(1), groups=np.arange(60)), "two has other test images, groups or labels"),
        (invented(1, n=40), "two has other test images, groups or labels than one: pool runs of"),
        (invented(1, arms=("a", "b")), "two has other arms or domains than one"),
        (invented(1, replicates=3), "two has 3 networks per arm and one 2: pool runs with equally"),
        (
            replace(
                invented(1),
                probabilities=invented(1).probabilities
                | {("a", "hr"): invented(0).probabilities["a", "hr"]},
            ),
            "one and two have the same network of arm a: give each run seeds of its own",
        ),
    ],
)
def test_runs_that_cannot_be_pooled_are_refused_in_one_sentence(other, words):
    runs = {"one": invented(0)} | ({"two": other} if other else {})
    with pytest.raises(UserError) as caught:
        check_runs(runs)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_runs_of_one_kind_are_not_refused():
    check_runs({str(number): run for number, run in enumerate(RUNS)})
