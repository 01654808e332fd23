"""How alike two classifiers call the same images: what accuracies alone do not tell."""

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.predictions import Predictions
from srgan_ab.statistics.significance import pairs_of


def agreement(predictions: Predictions) -> dict[str, dict[str, float | None]]:
    """Of every compared pair, as means over networks, each with its own of the other arm.

    Two classifiers may be right equally often, and wrong about other images; what was a detail for
    the one is then not the same for the other.

    Args:
        predictions: of the test images.

    Returns:
        pair to shares of the images: `only_first` and `only_second` are right of the two,
        `both_wrong`, and `both_wrong_by_chance`, if neither's errors had to do with the other's;
        and to `kappa` of the calls (Cohen 1960) and `rank_correlation` of the probabilities
        (Spearman), None where a classifier says the same of all images.
    """
    found = {}
    for name, (first, second) in pairs_of(predictions.arms).items():
        networks = zip(*(predictions.probabilities[s] for s in (first, second)), strict=True)
        each = [_of_two(predictions.labels, a, b) for a, b in networks]
        found[name] = {key: _mean([one[key] for one in each]) for key in each[0]}
    return found


def _of_two(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, float | None]:
    calls = first >= THRESHOLD, second >= THRESHOLD
    a, b = (call == labels for call in calls)
    said = all(len(np.unique(call)) > 1 for call in calls)
    ranked = all(np.ptp(p) > 0 for p in (first, second))
    return {
        "only_first": float((a & ~b).mean()),
        "only_second": float((b & ~a).mean()),
        "both_wrong": float((~a & ~b).mean()),
        "both_wrong_by_chance": float((~a).mean() * (~b).mean()),
        "kappa": float(cohen_kappa_score(*calls)) if said else None,
        "rank_correlation": float(spearmanr(first, second).statistic) if ranked else None,
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
