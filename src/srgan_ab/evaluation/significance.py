"""Is a difference between two classifiers on the same images more than chance?

Exact McNemar test for accuracy, paired bootstrap for every score. All resamples are computed at
once: a resample is a row of weights, how often each image was drawn, and every score is a function
of weighted sums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from srgan_ab.evaluation.classification import BINS, CERTAIN, THRESHOLD, equal_mass_bins
from srgan_ab.evaluation.predictions import Predictions, Subject

SCORES = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "ece",
)
CHUNK = 200  # resamples at a time: 12 MB of weights for 7,500 images


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Exact two-sided McNemar test (1947, doi:10.1007/BF02295996).

    Of the images that only one of two classifiers gets right, each would be as likely to have
    either one's favour if they were equally good: a fair coin.

    Args:
        first_right: (N,) bool, whether the first classifier is right about an image.
        second_right: (N,) bool, the same for the second.

    Returns:
        p; 1 where they are right about the same images.
    """
    only_first = int((first_right & ~second_right).sum())
    discordant = int((first_right ^ second_right).sum())
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


@dataclass(frozen=True)
class _Ranking:
    """One network's probabilities, prepared so that any weights can be scored by matrix algebra.

    Positives are in order of falling probability. Ties count as one threshold, as in
    scikit-learn: `tie_end` is the last positive that shares a positive's probability, `above` and
    `through` are how many negatives lie strictly above it and at or above it.
    """

    positives: np.ndarray  # rows of images
    negatives: np.ndarray
    tie_end: np.ndarray
    above: np.ndarray
    through: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, probabilities: np.ndarray) -> "_Ranking":
        order = np.argsort(-probabilities, kind="stable")
        positives, negatives = order[labels[order] == 1], order[labels[order] == 0]
        p, n = -probabilities[positives], -probabilities[negatives]  # both ascending
        return cls(
            positives=positives,
            negatives=negatives,
            tie_end=np.searchsorted(p, p, side="right") - 1,
            above=np.searchsorted(n, p, side="left"),
            through=np.searchsorted(n, p, side="right"),
        )

    def areas(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weighted ROC-AUC and average precision: weights (R, N) to two times (R,)."""
        w = weights[:, self.positives]
        true = w.cumsum(1)
        false = np.zeros((len(w), len(self.negatives) + 1))
        weights[:, self.negatives].cumsum(1, out=false[:, 1:])
        true_here, false_here = true[:, self.tie_end], false[:, self.through]
        total = true[:, -1]
        outranked = 2 * false[:, -1:] - false_here - false[:, self.above]  # ties count half
        auc = np.einsum("ij,ij->i", w, outranked) / (2 * total * false[:, -1])
        called = true_here + false_here
        precision = np.divide(true_here, called, out=np.zeros_like(called), where=called > 0)
        return auc, np.einsum("ij,ij->i", w, precision) / total


def weighted_scores(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The scores of `classification.scores` of one network, under many weightings of the images.

    The bins of the calibration error are those of the unweighted images.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,).
        weights: (R, N) floats, how often each image counts.

    Returns:
        (R, scores) in the order of `SCORES`; NaN where a resample lacks a class that the score
        needs.
    """
    called = probabilities >= THRESHOLD
    sure = probabilities.clip(CERTAIN, 1 - CERTAIN)
    in_bin = np.eye(BINS)[equal_mass_bins(probabilities)]  # (N, bins)
    columns = [
        np.ones(len(labels)),
        labels,
        called,
        labels * called,
        (labels - probabilities) ** 2,
        -np.log(np.where(labels == 1, sure, 1 - sure)),
        *(in_bin * (labels - probabilities)[:, None]).T,
    ]
    sums = weights @ np.stack(columns, axis=1).astype(np.float64)
    n, positive, called, hit, squared, nats = sums[:, :6].T
    negative, false_alarm = n - positive, called - hit
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, specificity = hit / positive, 1 - false_alarm / negative
        auc, average_precision = _Ranking.of(labels, probabilities).areas(weights)
        values = {
            "accuracy": (hit + negative - false_alarm) / n,
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "f1": 2 * hit / (positive + called),
            "precision": np.where(called > 0, hit / called, 0.0),
            "recall": sensitivity,
            "roc_auc": auc,
            "average_precision": average_precision,
            "log_loss": nats / n,
            "brier": squared / n,
            "ece": np.abs(sums[:, 6:]).sum(1) / n,
        }
    return np.stack([values[name] for name in SCORES], axis=1)


def bootstrap(
    predictions: Predictions, subjects: Sequence[Subject], resamples: int, seed: int
) -> dict[Subject, np.ndarray]:
    """Scores of some arms and domains, on the test set and on resamples of it.

    Drawn with replacement are groups of near-duplicates, which stand or fall together, and
    replicates; a score is the mean over the replicates drawn. The draws are the same for all
    subjects, so that differences between them are paired.

    Returns:
        (arm, domain) to (1 + resamples, scores); row 0 is the test set as it is.
    """
    generator = np.random.default_rng(seed)
    _, group = np.unique(predictions.groups, return_inverse=True)
    groups, replicates = group.max() + 1, len(next(iter(predictions.probabilities.values())))
    parts = {subject: [] for subject in subjects}
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        drawn = generator.multinomial(groups, np.full(groups, 1 / groups), size)
        networks = generator.multinomial(replicates, np.full(replicates, 1 / replicates), size)
        if start == 0:
            drawn = np.vstack([np.ones((1, groups), int), drawn])
            networks = np.vstack([np.ones((1, replicates), int), networks])
        weights = drawn[:, group].astype(np.float64)
        for subject in subjects:
            rows = predictions.probabilities[subject]
            each = np.stack([weighted_scores(predictions.labels, p, weights) for p in rows])
            parts[subject].append(np.einsum("rks,kr->ks", each, networks) / replicates)
    return {subject: np.concatenate(part) for subject, part in parts.items()}


def difference(
    predictions: Predictions,
    samples: Mapping[Subject, np.ndarray],
    first: Subject,
    second: Subject,
) -> dict[str, dict[str, float]]:
    """First minus second, for every score.

    Args:
        predictions: what was resampled.
        samples: from `bootstrap`.
        first: an arm and the domain it is tested on.
        second: the same.

    Returns:
        score to `difference` on the test set, `low` and `high`, the 2.5 and 97.5 percentiles of
        the resampled differences, and `p`: for accuracy with one replicate the exact McNemar test,
        otherwise twice the smaller share of resamples (the test set counted in) in which the
        difference is at most, or at least, zero.
    """
    values = samples[first] - samples[second]
    low, high = np.nanpercentile(values[1:], (2.5, 97.5), axis=0)
    below, above = ((1 + side.sum(0)) for side in (values[1:] <= 0, values[1:] >= 0))
    p = np.minimum(1.0, 2 * np.minimum(below, above) / (1 + np.isfinite(values[1:]).sum(0)))

    rows = [predictions.probabilities[subject] for subject in (first, second)]
    if len(rows[0]) == 1:
        right = [(row[0] >= THRESHOLD) == predictions.labels for row in rows]
        p[SCORES.index("accuracy")] = mcnemar(*right)
    return {
        name: {"difference": values[0, i], "low": low[i], "high": high[i], "p": p[i]}
        for i, name in enumerate(SCORES)
    }
