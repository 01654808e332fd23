"""Every arm in every test domain: its scores, and between what its accuracy lies."""

import numpy as np

from srgan_ab.statistics.bootstrap import mean_over_replicates, no_scatter, resampled_means
from srgan_ab.statistics.calibration import wilson
from srgan_ab.statistics.classification import THRESHOLD, scores
from srgan_ab.statistics.predictions import Predictions


def score_matrix(predictions: Predictions, resamples: int, seed: int) -> dict[str, dict[str, dict]]:
    """`scores` of every arm in every domain, with what its accuracy might have been.

    Args:
        predictions: of the test images.
        resamples: behind each interval.
        seed: of the resamples, and of the uncertainty that networks add.

    Returns:
        arm to domain to `scores`, the 95 % interval of accuracy, `accuracy_low accuracy_high`, and
        `accuracy_of_replicates`, one per network. The interval is over test images and networks, as
        those of differences are; with one network per arm it is over test images alone.
    """
    matrix: dict[str, dict[str, dict]] = {arm: {} for arm in predictions.arms}
    right = np.stack(
        [(rows >= THRESHOLD) == predictions.labels for rows in predictions.probabilities.values()]
    )
    samples = resampled_means(predictions, right, resamples, seed)
    for ((arm, domain), rows), of_subject in zip(
        predictions.probabilities.items(), samples, strict=True
    ):
        low, high = _interval(predictions, of_subject, seed)
        matrix[arm][domain] = {
            **scores(predictions.labels, rows),
            "accuracy_low": low,
            "accuracy_high": high,
            "accuracy_of_replicates": of_subject[:, 0].tolist(),
        }
    return matrix


def _interval(predictions: Predictions, samples: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval of an accuracy: Wilson's where images alone matter, or resamples are alike."""
    values = mean_over_replicates(samples[..., None], seed)
    if predictions.independent or no_scatter(values):
        low, high = wilson(samples[:, 0].mean(), len(np.unique(predictions.groups)))
    else:
        low, high = np.percentile(values, (2.5, 97.5)).clip(0, 1)
    return float(low), float(high)
