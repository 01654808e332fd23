"""How well probabilities tell two classes apart, in scores.

Everywhere below, `labels` is (N,) with 1 for the positive class, the second of `data.classes`, and
`probabilities` is (replicates, N) in [0, 1], of the positive class: one row per trained network.
An image is called positive from 0.5 on; the threshold is never fitted to the test set.
"""

import numpy as np
import pandas as pd
from sklearn import metrics

THRESHOLD = 0.5
BINS = 15
CERTAIN = 1e-7  # probabilities are held this far from 0 and 1: one sure error is not infinite loss


def equal_mass_bins(probabilities: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Number of the bin of each probability: (N,) in 0 ... bins-1.

    The edges are quantiles, so that bins hold equally many images; equal values stay together.
    """
    edges = np.quantile(probabilities, np.arange(1, bins) / bins)
    return np.searchsorted(edges, probabilities, side="right")


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean gap between the share of positives and the mean probability, over 15 equal-mass bins.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,), of one network.
    """
    gaps = np.bincount(equal_mass_bins(probabilities), labels - probabilities)
    return float(np.abs(gaps).sum() / len(labels))


def _scores_of_one(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    predicted = probabilities >= THRESHOLD
    # scikit-learn has no types, and the default of zero_division is a word
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels,
        predicted,
        average="binary",
        zero_division=0,  # pyright: ignore[reportArgumentType]
    )
    return {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "roc_auc": metrics.roc_auc_score(labels, probabilities),
        "average_precision": metrics.average_precision_score(labels, probabilities),
        "log_loss": metrics.log_loss(labels, probabilities.clip(CERTAIN, 1 - CERTAIN)),
        "brier": metrics.brier_score_loss(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
    }


def scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Ten scores, each the mean over replicates, and `n`, the number of images.

    Accuracy, balanced accuracy, F1, precision and recall are those of the calls at 0.5; ROC-AUC and
    average precision (area under precision-recall, without interpolation) rank the probabilities;
    log loss (nats), Brier score and ECE say whether they can be believed (lower is better).
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    each = pd.DataFrame([_scores_of_one(labels, row) for row in probabilities])
    means = {str(name): float(mean) for name, mean in each.mean().items()}
    return means | {"n": len(labels)}
