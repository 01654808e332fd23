"""Paired bootstrap of every score, over groups of images and over the networks of an arm.

All resamples are computed at once: a resample is a row of weights, how often each image was drawn,
and every score is a function of weighted sums.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from srgan_ab.common.arms import Subject
from srgan_ab.statistics.calibration_error import calibration_error_draws
from srgan_ab.statistics.classification import (
    CERTAIN,
    THRESHOLD,
    expected_calibration_error,
)
from srgan_ab.statistics.predictions import Predictions

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
CHUNK = 25  # resamples at a time: their weights, 1.5 MB for 7,500 images, stay in the cache


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
    """The scores of `classification.scores` but ECE, of one network under many weightings.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,).
        weights: (R, N) floats, how often each image counts.

    Returns:
        (R, scores) in the order of `SCORES`, without the last, ECE; NaN where a resample lacks a
        class that the score needs.
    """
    called = probabilities >= THRESHOLD
    columns = [
        np.ones(len(labels)),
        labels,
        called,
        labels * called,
        (labels - probabilities) ** 2,
        surprise(labels, probabilities),
    ]
    sums = weights @ np.stack(columns, axis=1).astype(np.float64)
    n, positive, called, hit, squared, nats = sums.T
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
        }
    return np.stack([values[name] for name in SCORES[:-1]], axis=1)


def surprise(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """What each image adds to the log loss, in nats; two arrays that broadcast."""
    sure = probabilities.clip(CERTAIN, 1 - CERTAIN)
    return -np.log(np.where(labels == 1, sure, 1 - sure))


def resampled_weights(predictions: Predictions, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each image is drawn; groups of near-duplicates stand or fall together.

    Yields:
        (R, N) floats, some resamples at a time; the first row of the first is the test set as it
        is, 1 everywhere.
    """
    generator = np.random.default_rng(seed)
    _, group = np.unique(predictions.groups, return_inverse=True)
    groups = group.max() + 1
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        drawn = generator.multinomial(groups, np.full(groups, 1 / groups), size)
        if start == 0:
            drawn = np.vstack([np.ones((1, groups), int), drawn])
        yield drawn[:, group].astype(np.float64)


def resampled_means(
    predictions: Predictions, values: np.ndarray, resamples: int, seed: int
) -> np.ndarray:
    """Means over images of what each image counts, on the test set and as it might have been.

    Args:
        predictions: whose images these are.
        values: (..., N).
        resamples: how many.
        seed: of the resamples.

    Returns:
        (..., 1 + resamples); column 0 is the test set as it is.
    """
    columns = values.reshape(-1, values.shape[-1]).T.astype(np.float64)
    weights = resampled_weights(predictions, resamples, seed)
    means = np.concatenate([w @ columns / w.sum(1, keepdims=True) for w in weights])
    return means.T.reshape(*values.shape[:-1], -1)


def bootstrap(
    predictions: Predictions, subjects: Sequence[Subject], resamples: int, seed: int
) -> dict[Subject, np.ndarray]:
    """Scores of some arms and domains, on the test set and as it might have been.

    The resamples are the same for all subjects, so that differences between them are paired. Two
    scores are not what resampling makes of them. Average precision is mirrored about its value in
    log-odds (the basic bootstrap, Davison & Hinkley 1997, section 5.2), because resamples lie as
    far on the one side of it as it lies on the other side of the truth. ECE comes from
    `calibration_error_draws`: independent for each subject, and at one quantile for its networks,
    as if the same luck had met them all.

    Memory does not grow with the product of images and resamples.

    Returns:
        (arm, domain) to (replicates, 1 + resamples, scores); column 0 is the test set as it is.
    """
    labels = predictions.labels
    parts = {subject: [] for subject in subjects}
    for weights in resampled_weights(predictions, resamples, seed):
        for subject, part in parts.items():
            rows = predictions.probabilities[subject]
            part.append(np.stack([weighted_scores(labels, p, weights) for p in rows]))
    samples = {}
    for subject, part in parts.items():
        scores = np.concatenate(part, axis=1)
        _mirror_log_odds(scores[..., SCORES.index("average_precision")])
        rows, own = predictions.probabilities[subject], [seed, *"/".join(subject).encode()]
        errors = ece_samples(predictions, rows, resamples, own)
        samples[subject] = np.concatenate([scores, errors[..., None]], axis=2)
    return samples


def _mirror_log_odds(values: np.ndarray) -> None:
    """Put resamples (replicates, 1 + resamples) on the other side of column 0, in place."""
    odds = logit(values.clip(CERTAIN, 1 - CERTAIN))
    values[:, 1:] = expit(2 * odds[:, :1] - odds[:, 1:])


def ece_samples(
    predictions: Predictions, rows: np.ndarray, resamples: int, seed: Sequence[int]
) -> np.ndarray:
    """ECE of networks, and draws of what it truly is.

    Args:
        predictions: whose images these are.
        rows: (replicates, N) probabilities of class 1.
        resamples: number of draws.
        seed: numbers that name the stream of the draws; another for what is to be independent.

    Returns:
        (replicates, 1 + resamples); column 0 is ECE on the test set.
    """
    order = np.random.default_rng([*seed, 0]).permutation(resamples)
    independent = len(np.unique(predictions.groups)) / len(predictions.groups)
    values = np.empty((len(rows), 1 + resamples))
    for row, p in zip(values, rows, strict=True):
        row[0] = expected_calibration_error(predictions.labels, p)
        random = np.random.default_rng([*seed, 1])  # the same for all: equal networks stay equal
        drawn = calibration_error_draws(predictions.labels, p, resamples, random, independent)
        row[1:] = np.sort(drawn)[order]
    return values


def mean_over_replicates(samples: np.ndarray, seed: int) -> np.ndarray:
    """Resamples of the mean over replicates, as uncertain as both images and networks make it.

    Networks are too few to be drawn like images: of three, draws with replacement would show two
    thirds of their variance, and no long tails. So each resampled mean is moved by a draw of
    Student's t with replicates - 1 degrees of freedom, scaled by the networks' own standard error:
    the variance between them less the part that the finite test set explains, which the resampled
    images show already (crossed random effects, as in Dorfman, Berbaum & Metz 1992, Investigative
    Radiology 27, 723-731). With one replicate nothing is known of other networks, and the result
    speaks of this one.

    Args:
        samples: (replicates, 1 + resamples, scores) of `bootstrap`, or a difference of two.
        seed: of Student's t.

    Returns:
        (resamples, scores), around the mean of `samples[:, 0]`.
    """
    mean = samples[:, 1:].mean(0)
    replicates = len(samples)
    if replicates == 1:
        return mean
    between = samples[:, 0].var(0, ddof=1)
    by_images = np.nanvar(samples[:, 1:] - mean, axis=1).sum(0) / (replicates - 1)
    standard_error = np.sqrt(np.maximum(between - by_images, 0) / replicates)
    # a stream of its own: `bootstrap` has drawn from that of the bare seed
    student = np.random.default_rng([seed, 1]).standard_t(replicates - 1, len(mean))
    return mean + student[:, None] * standard_error


def no_scatter(values: np.ndarray) -> bool:
    """All resamples are the same up to rounding: they say nothing of how uncertain it is."""
    return bool(np.ptp(values) < 1e-9)
