"""Is one accuracy higher than another? In closed form where that holds, else by resampling."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from srgan_ab.common.arms import Subject
from srgan_ab.statistics.bootstrap import SCORES, mean_over_replicates, no_scatter
from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.paired import (
    POWER,
    least_detectable,
    mcnemar,
    score_equivalence,
    score_interval,
)
from srgan_ab.statistics.predictions import Predictions


@dataclass(frozen=True)
class Judged:
    """95 % interval and p of a difference, by resampling or in closed form."""

    interval: tuple[float, float]
    p: float
    method: str


def by_resampling(values: np.ndarray) -> Judged:
    """Percentiles; p is twice the smaller share of resamples on one side of zero."""
    values = values[np.isfinite(values)]
    sides = [(1 + side.sum()) / (1 + len(values)) for side in (values <= 0, values >= 0)]
    low, high = np.percentile(values, (2.5, 97.5)) if len(values) else (np.nan, np.nan)
    return Judged((low, high), min(1.0, 2 * min(sides)), "bootstrap")


@dataclass(frozen=True)
class CountedTest:
    """Of one network per arm and independent images: McNemar's test, Tango's interval.

    Attributes:
        only: number of images that the first alone gets right, and the second alone.
        images: in the test set.
    """

    only: tuple[int, int]
    images: int

    def judged(self) -> Judged:
        """95 % interval, and p of "they are alike"."""
        low, high = score_interval(*self.only, self.images)
        return Judged((float(low), float(high)), mcnemar(*self.only), "McNemar, Tango")

    def equivalence(self, margin: float) -> tuple[tuple[float, float], float]:
        """90 % interval, and p of "they differ by `margin` or more"."""
        low, high = score_interval(*self.only, self.images, level=0.90)
        return (float(low), float(high)), score_equivalence(*self.only, self.images, margin)

    def least_detectable(self, level: float) -> float:
        """Least true difference that is found with 80 % power by p up to `level`."""
        return least_detectable(self.images, sum(self.only) / self.images, level)


@dataclass(frozen=True)
class ResampledTest:
    """Of anything else: the bootstrap over images, and Student's t over networks.

    Attributes:
        difference: on the test set.
        values: (resamples,), what it might have been, by `mean_over_replicates`.
        groups: of near-duplicates among the images. So many independent signs give no smaller p
            than 1/2^groups, one-sided, however well they agree; resamples of two images would.
    """

    difference: float
    values: np.ndarray
    groups: int

    def judged(self) -> Judged:
        """As of `CountedTest`."""
        judged = by_resampling(self.values)
        return replace(judged, p=max(judged.p, self._least_p()))

    def _least_p(self) -> float:
        return min(1.0, 2 * 0.5**self.groups)

    def equivalence(self, margin: float) -> tuple[tuple[float, float], float]:
        """As of `CountedTest`."""
        beyond = max((self.values <= -margin).sum(), (self.values >= margin).sum())
        low, high = np.percentile(self.values, (5, 95))
        p = max((1 + beyond) / (1 + len(self.values)), self._least_p() / 2)
        return (float(low), float(high)), min(1.0, float(p))

    def least_detectable(self, level: float) -> float:
        """As of `CountedTest`, if images and networks scatter as they do here.

        How far from 0 a difference must lie for p to be at most `level`, and how far beyond that a
        true one must lie to get there four times in five, both by the scatter that the test itself
        used: that of the images and, with Student's long tails, of the networks. Where it reaches
        farther to one side, that side counts. 1 where no p could be so small, for want of
        resamples or of images.
        """
        scatter = np.sort(self.values - self.difference)
        beyond_zero = int(level / 2 * (1 + len(scatter))) - 1  # resamples that such a p allows
        if beyond_zero < 0 or level < self._least_p():
            return 1.0
        needed = max(-scatter[beyond_zero], scatter[-1 - beyond_zero])
        return min(1.0, float(needed + np.quantile(np.abs(scatter), 2 * POWER - 1)))


def accuracy_test(
    predictions: Predictions,
    samples: Mapping[Subject, np.ndarray],
    first: Subject,
    second: Subject,
    seed: int,
) -> CountedTest | ResampledTest:
    """The test of the first's accuracy against the second's; arguments as of `difference`."""
    groups = len(np.unique(predictions.groups))
    if predictions.independent:
        right = [
            (predictions.probabilities[subject][0] >= THRESHOLD) == predictions.labels
            for subject in (first, second)
        ]
        only = [int((mine & ~other).sum()) for mine, other in (right, right[::-1])]
        return CountedTest((only[0], only[1]), groups)
    accuracy = [SCORES.index("accuracy")]
    each = samples[first][..., accuracy] - samples[second][..., accuracy]
    difference = float(each[:, 0].mean())
    values = mean_over_replicates(each, seed)[:, 0].clip(-1, 1)
    if no_scatter(values):  # all groups say the same: that is as much evidence as there are groups
        surplus = round(difference * groups)
        return CountedTest((max(surplus, 0), max(-surplus, 0)), groups)
    return ResampledTest(difference, values, groups)
