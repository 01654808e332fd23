"""How well probabilities tell two classes apart, in curves: ROC, precision-recall, confusion.

`labels` and `probabilities` are as in `classification`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from srgan_ab.statistics.calibration import reliability
from srgan_ab.statistics.classification import THRESHOLD


def _true_positives(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Positives among the k likeliest images, for k = 0 ... N; within ties their expectation."""
    order = np.argsort(-probabilities, kind="stable")
    counts = np.r_[0, np.cumsum(labels[order])]
    ranked = probabilities[order]
    steps = np.r_[0, np.flatnonzero(np.diff(ranked)) + 1, len(ranked)]  # where ties end
    return np.interp(np.arange(len(counts)), steps, counts[steps])


def _thin(curve: pd.DataFrame, points: int) -> pd.DataFrame:
    """Keep about `points` rows, evenly along the curve's length, with both ends."""
    length = curve.diff().abs().sum(axis=1).cumsum().to_numpy()
    wanted = np.linspace(0, length[-1], points)
    return curve.iloc[np.unique(np.searchsorted(length, wanted))].reset_index(drop=True)


def curves(
    labels: np.ndarray, probabilities: np.ndarray, points: int = 500
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """ROC and precision-recall curves of at most `points` points each.

    For every k, the k likeliest images are called positive. Replicates are averaged at equal k, and
    between tied probabilities positives are counted in proportion, which for precision-recall is
    the interpolation of Davis & Goadrich (2006, doi:10.1145/1143844.1143874).

    Returns:
        Columns `fpr tpr`, from (0, 0) to (1, 1), and `recall precision`, ending in recall 1.
    """
    called = np.arange(len(labels) + 1)
    true = np.mean([_true_positives(labels, row) for row in probabilities], axis=0)
    positives = labels.sum()
    tpr = true / positives
    fpr = (called - true) / (len(labels) - positives)
    roc = pd.DataFrame({"fpr": fpr, "tpr": tpr})
    pr = pd.DataFrame({"recall": tpr[1:], "precision": true[1:] / called[1:]})
    return _thin(roc, points), _thin(pr, points)


def confusion_rows(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> pd.DataFrame:
    """One row per image and replicate: class names `actual` and `predicted`, for DVC's plot."""
    names = np.array(classes)
    predicted = (probabilities >= THRESHOLD).astype(int)
    actual = np.broadcast_to(labels, predicted.shape)
    return pd.DataFrame({"actual": names[actual.ravel()], "predicted": names[predicted.ravel()]})


def curve_tables(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """All that is drawn of one classifier: `roc`, `pr`, `confusion` and `reliability`."""
    roc, pr = curves(labels, probabilities)
    return {
        "roc": roc,
        "pr": pr,
        "confusion": confusion_rows(labels, probabilities, classes),
        "reliability": reliability(labels, probabilities),
    }
