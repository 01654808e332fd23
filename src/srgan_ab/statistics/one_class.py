"""Whether a classifier calls nearly all images one class: its accuracy then says little."""

from collections.abc import Mapping

from srgan_ab.common.arms import Subject, subject_name
from srgan_ab.statistics.significance import PAIRS

ONE_CLASS = 0.9  # from this share of either class on
NOT_COMPARABLE = "not comparable"  # a pair of which both do so
REASON = "both call nearly all images one class"


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


def constant(matrix: Mapping[str, Mapping[str, Mapping]]) -> list[Subject]:
    """The arms and domains in whose answers there is but one class.

    Args:
        matrix: arm to domain to scores, of `matrix.score_matrix`.
    """
    return [
        (arm, domain)
        for arm, results in matrix.items()
        for domain, result in results.items()
        if only_class(result) is not None
    ]


def not_comparable(pair: str, area: Mapping[str, float] | None) -> str:
    """A sentence on two constant answers: what can be compared in the place of their accuracies.

    Args:
        pair: its name in `PAIRS`.
        area: `roc_auc` of `significance.difference`; None where it was not compared.
    """
    first, second = map(subject_name, PAIRS[pair])
    said = (
        f"{first} and {second} are {NOT_COMPARABLE}: {REASON}, so their accuracies say little of "
        "which is better, whatever the test."
    )
    if area is None:
        return said
    value, low, high = (
        f"{area[key]:+.3f}".replace("-", "−") for key in ("difference", "low", "high")
    )
    return f"{said} Their ROC-AUC differ by {value} (95 % interval {low} to {high}, not tested)."
