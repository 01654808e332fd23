"""What is compared with what, and whether a difference is more than chance, or less than a margin.

Declared here, and so before a run knows its results: the pairs, and which of them confirm
something.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from scipy.stats import norm

from srgan_ab.common.arms import Subject
from srgan_ab.statistics.accuracy_tests import Judged, accuracy_test, by_resampling
from srgan_ab.statistics.bootstrap import SCORES, bootstrap, mean_over_replicates
from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.paired import delong, holm, holm_levels
from srgan_ab.statistics.predictions import Predictions

# name: (arm, test domain) minus (arm, test domain)
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
    "a_sr_minus_a_bicubic": (("a", "sr"), ("a", "bicubic")),
    "b_sr_minus_a_hr": (("b", "sr"), ("a", "hr")),
}

# The family of tests: the accuracy of these pairs. Their p are adjusted for each other (Holm), and
# the verdict rests on them alone; every other number explores.
CONFIRMATORY = (
    "b_minus_a",
    "b_minus_c",
    "b_plus_minus_a",
    "b_plus_minus_c_plus",
    "b_sr_minus_c_bicubic",
)
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
    """Those of `PAIRS` whose arms were trained."""
    return {
        name: pair for name, pair in PAIRS.items() if all(subject[0] in arms for subject in pair)
    }


def differences(
    predictions: Predictions, resamples: int, margin: float, seed: int
) -> dict[str, dict[str, dict]]:
    """`difference` of every pair, judged as one of its family.

    Superiority and equivalence are two questions, each with its own family. Accuracy gets `p_holm`
    and `p_equivalence_holm` where the pair is declared; and in any case `level`, the `p` up to
    which the verdict calls a difference one (`holm_levels` in the family, else 0.05), and
    `least_detectable`, the true difference that would be found at that level with 80 % power.

    Returns:
        pair to score to numbers, in the order of `PAIRS`.
    """
    pairs = pairs_of(predictions.arms)
    subjects = sorted({subject for pair in pairs.values() for subject in pair})
    samples = bootstrap(predictions, subjects, resamples, seed)
    found = {
        name: difference(predictions, samples, *pair, margin, seed) for name, pair in pairs.items()
    }
    family = [name for name in CONFIRMATORY if name in found]
    for p in ("p", "p_equivalence"):
        for name, adjusted in holm({n: found[n]["accuracy"][p] for n in family}).items():
            found[name]["accuracy"][f"{p}_holm"] = adjusted
    levels = dict.fromkeys(pairs, LEVEL)
    levels |= holm_levels({name: found[name]["accuracy"]["p"] for name in family}, LEVEL)
    for name, pair in pairs.items():
        test = accuracy_test(predictions, samples, *pair, seed)
        found[name]["accuracy"] |= {
            "level": levels[name],
            "least_detectable": test.least_detectable(levels[name]),
        }
    return found
