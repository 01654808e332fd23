"""Two classifiers on the same images: tests and intervals in closed form.

They hold for one network per arm and images that are independent of each other; for anything else
there is `bootstrap`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import binomtest, norm, rankdata

POWER = 0.8


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact two-sided McNemar test (1947, doi:10.1007/BF02295996).

    Of the images that only one of two classifiers gets right, each would be as likely to have
    either one's favour if they were equally good: a fair coin.

    Args:
        first_only: number of images that the first classifier alone gets right.
        second_only: the same for the second.

    Returns:
        p; 1 where they are right about the same images.
    """
    discordant = first_only + second_only
    return float(binomtest(first_only, discordant).pvalue) if discordant else 1.0


def _score_statistic(
    first_only: np.ndarray, second_only: np.ndarray, images: int, difference: np.ndarray
) -> np.ndarray:
    """How far the counts lie from a true difference, in standard errors under it: Tango's z."""
    b = (2 * images - first_only + second_only) * difference - (first_only + second_only)
    c = second_only * difference * (1 - difference)
    root = (np.sqrt(np.maximum(b**2 + 8 * images * c, 0)) - b) / (4 * images)
    variance = images * (2 * root + difference * (1 - difference))
    excess = first_only - second_only - images * difference
    return np.divide(
        excess, np.sqrt(np.maximum(variance, 0)), out=np.zeros_like(excess), where=variance > 0
    )


def score_interval(
    first_only: ArrayLike, second_only: ArrayLike, images: int, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Score interval for the difference of two paired accuracies (Tango 1998).

    Holds what a score test does not reject, and stays sound where the classifiers hardly ever
    disagree: there the usual interval shrinks to a point. Statistics in Medicine 17, 891-908,
    equations 24 to 26.

    Args:
        first_only: number of images that the first classifier alone gets right; or an array.
        second_only: the same for the second.
        images: number of images, at least 1.
        level: of confidence.

    Returns:
        (low, high) in [-1, 1], of the first's accuracy minus the second's.
    """
    first, second = np.broadcast_arrays(
        np.asarray(first_only, np.float64), np.asarray(second_only, np.float64)
    )
    z = norm.ppf((1 + level) / 2)

    def bound(target: float) -> np.ndarray:
        low, high = np.full(first.shape, -1.0), np.full(first.shape, 1.0)
        for _ in range(50):  # halvings, to 2e-15: the statistic falls as the difference grows
            middle = (low + high) / 2
            above = _score_statistic(first, second, images, middle) > target
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return (low + high) / 2

    return bound(z), bound(-z)


def score_equivalence(first_only: int, second_only: int, images: int, margin: float) -> float:
    """Test that the accuracies differ by less than `margin`: two one-sided score tests.

    Returns:
        p, the larger of the two; at most 0.05 exactly where the 90 % score interval lies between
        -margin and margin.
    """
    first, second = np.array([first_only, second_only], np.float64)
    below, above = (_score_statistic(first, second, images, np.array(m)) for m in (-margin, margin))
    return float(max(norm.sf(below), norm.cdf(above)))


def delong(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Difference of two ROC-AUCs on the same images, and its standard error.

    DeLong, DeLong & Clarke-Pearson (1988, doi:10.2307/2531595) in the O(N log N) form of Sun & Xu
    (2014, doi:10.1109/LSP.2014.2337313): how many images of the other class an image outranks is
    its rank among all minus its rank in its own class.

    Args:
        labels: (N,) of 0 and 1, at least two of each.
        first: (N,) probabilities of class 1.
        second: the same by the other classifier.

    Returns:
        The first's area minus the second's, and its standard error.
    """
    positive = labels == 1
    positives, negatives = positive.sum(), (~positive).sum()

    def outranked(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rank = rankdata(p)  # ties share their mean rank
        by_positive = (rank[positive] - rankdata(p[positive])) / negatives
        by_negative = 1 - (rank[~positive] - rankdata(p[~positive])) / positives
        return by_positive, by_negative

    gains = [a - b for a, b in zip(outranked(first), outranked(second), strict=True)]
    variance = sum(gain.var(ddof=1) / len(gain) for gain in gains)
    return float(gains[0].mean()), float(np.sqrt(variance))


def least_detectable(images: int, disagreement: float, level: float = 0.05) -> float:
    """Least true difference in accuracy that McNemar's test finds with 80 % power.

    Connor (1987, doi:10.2307/2531961), equation for the number of pairs, solved for the difference.

    Args:
        images: in the test set.
        disagreement: share of images that exactly one classifier gets right; taken to be as large
            as the difference where it is smaller.
        level: p up to which the test calls a difference one.

    Returns:
        A difference in (0, 1]; 1 where even that would not be found.
    """
    z, power = norm.isf(level / 2), norm.ppf(POWER)

    def surplus(difference: float) -> float:
        share = max(disagreement, difference)
        noise = z * np.sqrt(share) + power * np.sqrt(share - difference**2)
        return np.sqrt(images) * difference - noise

    return brentq(surplus, 1e-9, 1) if surplus(1) > 0 else 1.0


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Adjust p so that all of them may be held against 0.05 at once (Holm 1979).

    Scandinavian Journal of Statistics 6, 65-70: the smallest is multiplied by how many there are,
    the next by one less, and none may fall below the one before it.
    """
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(p, key=p.__getitem__)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p}


def holm_levels(p: Mapping[str, float], level: float) -> dict[str, float]:
    """Up to which p, not adjusted, Holm's method calls each test significant.

    The others being as they are: each of them that is found, smallest first, leaves one test less
    to share the level with. So `holm(p)[name] <= level` exactly where `p[name]` is at most this.

    Returns:
        name to `level` divided by 1 ... number of tests.
    """
    levels = {}
    for name in p:
        others = sorted(value for other, value in p.items() if other != name)
        found = 0
        while found < len(others) and others[found] <= level / (len(p) - found):
            found += 1
        levels[name] = level / (len(p) - found)
    return levels
