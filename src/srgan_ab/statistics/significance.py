"""What is compared with what, and whether a difference is more than chance, or less than a margin.

Declared before a run knows its results: the pairs here, and which of them confirm something in
`compare.declared` of params.yaml.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np
from scipy.stats import norm

from srgan_ab.common.arms import MADE_FOR, Subject
from srgan_ab.statistics.accuracy_tests import Judged, accuracy_test, by_resampling
from srgan_ab.statistics.bootstrap import SCORES, bootstrap, mean_over_replicates
from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.paired import delong, holm, holm_levels
from srgan_ab.statistics.predictions import Predictions

# name: (arm, test domain) minus (arm, test domain); the names are those of `common.schema.Pair`
PAIRS = {
    # on real photographs: does what a classifier was trained on matter?
    "b_minus_a": (("b", "hr"), ("a", "hr")),
    "b_minus_c": (("b", "hr"), ("c", "hr")),
    "b_minus_r": (("b", "hr"), ("r", "hr")),
    "b_minus_p": (("b", "hr"), ("p", "hr")),  # what the adversarial term adds
    "b_plus_minus_a": (("b_plus", "hr"), ("a", "hr")),
    "b_plus_minus_c_plus": (("b_plus", "hr"), ("c_plus", "hr")),
    "c_minus_a": (("c", "hr"), ("a", "hr")),
    # where only the small image is to be had: up-scale it how, for which classifier?
    "b_sr_minus_c_bicubic": (("b", "sr"), ("c", "bicubic")),
    "b_sr_minus_r_srresnet": (("b", "sr"), ("r", "srresnet")),
    "b_sr_minus_p_perceptual": (("b", "sr"), ("p", "perceptual")),
    "t_task_minus_b_sr": (("t", "task"), ("b", "sr")),
    "t_task_minus_c_bicubic": (("t", "task"), ("c", "bicubic")),
    "a_sr_minus_a_bicubic": (("a", "sr"), ("a", "bicubic")),
    "a_task_minus_a_sr": (("a", "task"), ("a", "sr")),
    "a_task_minus_a_bicubic": (("a", "task"), ("a", "bicubic")),
    "b_sr_minus_a_hr": (("b", "sr"), ("a", "hr")),
}

LEVEL = 0.05  # of the family as a whole, and of each test that explores


def _delong(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> Judged:
    value, error = delong(labels, first, second)
    low, high = norm.interval(0.95, value, error) if error else (value, value)
    p = 2 * norm.sf(abs(value) / error) if error else float(value == 0)
    return Judged((float(low), float(high)), float(p), "DeLong")


def difference(
    predictions: Predictions,
    samples: Mapping[Subject, np.ndarray],
    first: Subject,
    second: Subject,
    margin: float,
    seed: int,
) -> dict[str, dict]:
    """First minus second, for every score.

    One network per arm and images without near-duplicates: McNemar and Tango for accuracy, DeLong
    for ROC-AUC. Otherwise, and for the other scores, what `bootstrap` makes of images and networks.

    Args:
        predictions: what was resampled.
        samples: from `bootstrap`.
        first: an arm and the domain it is tested on.
        second: the same.
        margin: differences in accuracy below it are of no interest, in (0, 1).
        seed: of the uncertainty that networks add.

    Returns:
        score to `difference` on the test set, its 95 % interval `low` and `high`, `p` and the
        `method`. Accuracy has, besides, `low_90 high_90` and `p_equivalence` (two one-sided tests
        against the margin: at most 0.05 where the 90 % interval lies within it), `disagreement`
        (share of images that exactly one of the two gets right) and `of_replicates`, the difference
        of each.
    """
    each = samples[first] - samples[second]  # (replicates, 1 + resamples, scores)
    resampled = mean_over_replicates(each, seed)
    judged = {name: by_resampling(values) for name, values in zip(SCORES, resampled.T, strict=True)}
    judged["ece"] = replace(judged["ece"], method="posterior")
    rows = [predictions.probabilities[subject] for subject in (first, second)]
    if predictions.independent and np.bincount(predictions.labels, minlength=2).min() > 1:
        judged["roc_auc"] = _delong(predictions.labels, *(row[0] for row in rows))
    test = accuracy_test(predictions, samples, first, second, seed)
    judged["accuracy"] = test.judged()

    result = {
        name: {
            "difference": value,
            "low": float(judged[name].interval[0]),
            "high": float(judged[name].interval[1]),
            "p": float(judged[name].p),
            "method": judged[name].method,
        }
        for name, value in zip(SCORES, each[:, 0].mean(0), strict=True)
    }
    (low_90, high_90), p_equivalence = test.equivalence(margin)
    right = [(row >= THRESHOLD) == predictions.labels for row in rows]
    result["accuracy"] |= {
        "low_90": float(low_90),
        "high_90": float(high_90),
        "p_equivalence": p_equivalence,
        "disagreement": float((right[0] ^ right[1]).mean()),
        "of_replicates": each[:, 0, SCORES.index("accuracy")].tolist(),
    }
    return result


def pairs_of(arms: Collection[str]) -> dict[str, tuple[Subject, Subject]]:
    """Those of `PAIRS` whose arms were trained, and so are there with what they are tested on."""
    return {
        name: pair
        for name, pair in PAIRS.items()
        if all(arm in arms and MADE_FOR.get(domain, arm) in arms for arm, domain in pair)
    }


class Test(Protocol):
    """What `judge_as_family` asks of a test: `accuracy_tests` has them."""

    def least_detectable(self, level: float) -> float:
        """Least true difference that is found with 80 % power by p up to `level`."""
        ...


def judge_as_family(
    results: Mapping[str, dict], tests: Mapping[str, Test], declared: Iterable[str]
) -> None:
    """Adjust the p of the declared tests for each other, and say at which level each is judged.

    Superiority and equivalence are two questions, each with its own family. Each result gets
    `p_holm` and `p_equivalence_holm` where its pair is declared; and in any case `level`, the `p`
    up to which the verdict calls a difference one (`holm_levels` in the family, else 0.05), and
    `least_detectable`, the true difference that would be found at that level with 80 % power.

    Args:
        results: pair to a difference in accuracy with `p` and `p_equivalence`; changed in place.
        tests: pair to the test behind it.
        declared: pairs of the family; those that `results` lacks were not tested.
    """
    family = [name for name in declared if name in results]
    for p in ("p", "p_equivalence"):
        for name, adjusted in holm({name: results[name][p] for name in family}).items():
            results[name][f"{p}_holm"] = adjusted
    levels = dict.fromkeys(results, LEVEL)
    levels |= holm_levels({name: results[name]["p"] for name in family}, LEVEL)
    for name, level in levels.items():
        least = tests[name].least_detectable(level)
        results[name].update(level=level, least_detectable=least)


def differences(
    predictions: Predictions, resamples: int, margin: float, seed: int, declared: Iterable[str]
) -> dict[str, dict[str, dict]]:
    """`difference` of every pair, its accuracy judged as one of the family (`judge_as_family`).

    Args:
        predictions: of the test images.
        resamples: behind each interval.
        margin: of equivalence, in (0, 1).
        seed: of the resamples, and of the uncertainty that networks add.
        declared: the family, `compare.declared` of params.yaml.

    Returns:
        pair to score to numbers, in the order of `PAIRS`.
    """
    pairs = pairs_of(predictions.arms)
    subjects = sorted({subject for pair in pairs.values() for subject in pair})
    samples = bootstrap(predictions, subjects, resamples, seed)
    found = {
        name: difference(predictions, samples, *pair, margin, seed) for name, pair in pairs.items()
    }
    tests = {n: accuracy_test(predictions, samples, *pair, seed) for n, pair in pairs.items()}
    judge_as_family({name: of["accuracy"] for name, of in found.items()}, tests, declared)
    return found
