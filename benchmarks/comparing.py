"""Two subjects of the same test images, in the cells of a table."""

from srgan_ab.common.arms import Subject
from srgan_ab.statistics.bootstrap import bootstrap
from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.predictions import Predictions
from srgan_ab.statistics.significance import difference

RESAMPLES = 10_000


def accuracy(predictions: Predictions, subject: Subject) -> str:
    """Per cent, mean of the networks."""
    right = (predictions.probabilities[subject] >= THRESHOLD) == predictions.labels
    return f"{100 * right.mean():.1f}"


def above(predictions: Predictions, second: Subject, first: Subject, seed: int) -> str:
    """By how many points of accuracy the second is above the first, with its 95 % interval.

    Then the same for each network: with two of them the interval is wide, whatever they say.
    """
    samples = bootstrap(predictions, [second, first], RESAMPLES, seed)
    found = difference(predictions, samples, second, first, 0.005, seed)["accuracy"]
    points, low, high = (f"{100 * found[key]:+.1f}" for key in ("difference", "low", "high"))
    each = ", ".join(f"{100 * one:+.1f}" for one in found["of_replicates"])
    return f"**{points}** ({low} to {high}); {each}"
