"""Whether a classifier calls nearly all images one class: its accuracy then says little."""

from collections.abc import Mapping

ONE_CLASS = 0.9  # from this share of either class on


def rightly_called(result: Mapping[str, float]) -> tuple[float, float]:
    """Shares of the images of class 0 and of class 1 that are called what they are.

    Balanced accuracy is the mean of the two, and recall the second.
    """
    negative = 2 * result["balanced_accuracy"] - result["recall"]
    return round(negative, 4), round(result["recall"], 4)


def only_class(result: Mapping[str, float]) -> int | None:
    """The class that nearly all images of either class are called; None where there is none."""
    negative, positive = rightly_called(result)
    if min(negative, round(1 - positive, 4)) >= ONE_CLASS:
        return 0
    if min(positive, round(1 - negative, 4)) >= ONE_CLASS:
        return 1
    return None
