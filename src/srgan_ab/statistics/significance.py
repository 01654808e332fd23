"""What is compared with what, and whether a difference is more than chance, or less than a margin.

Declared here, before any result: the pairs, and which of them confirm something.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from srgan_ab.common.arms import Subject
from srgan_ab.statistics.bootstrap import SCORES, bootstrap, mean_over_replicates
from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.paired import (
    POWER,
    delong,
    holm,
    least_detectable,
    mcnemar,
    score_equivalence,
    score_interval,
)
from srgan_ab.statistics.predictions import Predictions

# name: (arm, test domain) minus (arm, test domain)
PAIRS = {
    # on real photographs: does what a classifier was trained on matter?
    "b_minus_a": (("b", "hr"), ("a", "hr")),
    "b_minus_c": (("b", "hr"), ("c", "hr")),
    "b_minus_r": (("b", "hr"), ("r", "hr")),
    "b_plus_minus_a": (("b_plus", "hr"), ("a", "hr")),
    "b_plus_minus_c_plus": (("b_plus", "hr"), ("c_plus", "hr")),
    "c_minus_a": (("c", "hr"), ("a", "hr")),
    # where only the small image is to be had: up-scale it how, for which classifier?
    "b_sr_minus_c_bicubic": (("b", "sr"), ("c", "bicubic")),
    "b_sr_minus_r_srresnet": (("b", "sr"), ("r", "srresnet")),
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


@dataclass(frozen=True)
class _Judged:
    """Interval and p of one score's difference, by resampling or in closed form."""

    interval: tuple[float, float]
    p: float
    method: str


def _resampled(values: np.ndarray) -> _Judged:
    """Percentiles; p is twice the smaller share of resamples on one side of zero."""
    values = values[np.isfinite(values)]
    sides = [(1 + side.sum()) / (1 + len(values)) for side in (values <= 0, values >= 0)]
    low, high = np.percentile(values, (2.5, 97.5)) if len(values) else (np.nan, np.nan)
    return _Judged((low, high), min(1.0, 2 * min(sides)), "bootstrap")


def _delong(labels: np.ndarray, rows: list[np.ndarray]) -> _Judged:
    value, error = delong(labels, *(row[0] for row in rows))
    interval = tuple(norm.interval(0.95, value, error)) if error else (value, value)
    p = 2 * norm.sf(abs(value) / error) if error else float(value == 0)
    return _Judged(interval, p, "DeLong")


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
        (share of images that exactly one of the two gets right), `least_detectable` (difference
        found with 80 % power) and `of_replicates`, the difference of each.
    """
    each = samples[first] - samples[second]  # (replicates, 1 + resamples, scores)
    values = each[:, 0].mean(0)
    resampled = mean_over_replicates(each, seed)
    judged = {name: _resampled(column) for name, column in zip(SCORES, resampled.T, strict=True)}
    judged["ece"] = replace(judged["ece"], method="posterior")

    rows = [predictions.probabilities[subject] for subject in (first, second)]
    if predictions.independent:
        judged["roc_auc"] = _delong(predictions.labels, rows)
    right = [(row >= THRESHOLD) == predictions.labels for row in rows]
    disagreement = float((right[0] ^ right[1]).mean())
    if predictions.independent or not disagreement:  # where all agree, resamples do so too
        only = [int((mine & ~other).sum()) for mine, other in (right, right[::-1])]
        images = len(np.unique(predictions.groups))
        judged["accuracy"] = _Judged(
            score_interval(*only, images), mcnemar(*only), "McNemar, Tango"
        )
        more = {
            "p_equivalence": score_equivalence(*only, images, margin),
            "least_detectable": least_detectable(images, disagreement),
        }
        low_90, high_90 = score_interval(*only, images, level=0.90)
    else:
        column = resampled[:, SCORES.index("accuracy")]
        low_90, high_90 = np.percentile(column, (5, 95))
        beyond = max((column <= -margin).sum(), (column >= margin).sum())
        low, high = judged["accuracy"].interval
        z = norm.ppf(0.975)
        more = {
            "p_equivalence": min(1.0, (1 + beyond) / (1 + len(column))),
            "least_detectable": (z + norm.ppf(POWER)) / z * (high - low) / 2,
        }

    result = {
        name: {
            "difference": value,
            "low": float(judged[name].interval[0]),
            "high": float(judged[name].interval[1]),
            "p": float(judged[name].p),
            "method": judged[name].method,
        }
        for name, value in zip(SCORES, values, strict=True)
    }
    result["accuracy"] |= {"low_90": float(low_90), "high_90": float(high_90)} | more
    result["accuracy"] |= {
        "disagreement": disagreement,
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
    """`difference` of every pair, with `p_holm` and `p_equivalence_holm` in the declared family.

    Superiority and equivalence are two questions, each with its own family.

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
    return found
