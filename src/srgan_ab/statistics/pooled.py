"""Several runs taken together, each with a generator and networks of its own.

One run says nothing of other generators of the same recipe: all its networks of B saw the images of
one. Runs on the same split that differ in `srgan.seed` and in the seeds of the classifiers are a
sample of generators, each with its sample of networks, all judged by the same test images: random
effects, networks within runs, images across both. How often the intervals are right is simulated in
`tests/unit/test_pooled.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from srgan_ab.common.arms import TRAINED_ON, Subject
from srgan_ab.common.errors import UserError
from srgan_ab.statistics.accuracy_tests import CountedTest, Judged
from srgan_ab.statistics.calibration import wilson
from srgan_ab.statistics.classification import THRESHOLD, scores
from srgan_ab.statistics.paired import POWER
from srgan_ab.statistics.predictions import Predictions
from srgan_ab.statistics.significance import judge_as_family, pairs_of

ENLARGED_BY_TRAINING = {"sr", "srresnet", "perceptual", "task"}  # domains of a generator of the run


def meets_a_generator(subject: Subject) -> bool:
    """Whether a classifier was trained or is tested on images of the run's own generators."""
    arm, domain = subject
    return not ENLARGED_BY_TRAINING.isdisjoint((*TRAINED_ON[arm], domain))


@dataclass(frozen=True)
class Pooled:
    """A mean over runs, networks and images, and how it scatters.

    Attributes:
        mean: of an accuracy, or of a difference of two.
        by_unit: variance of the mean that units add: runs, or networks where no generator matters.
        by_images: variance of the mean that images add, apart from what they do to single units.
        units: number of them, at least 2.
        groups: of near-duplicates among the images, at least 2.
        of_networks: (runs, networks), mean over images.
    """

    mean: float
    by_unit: float
    by_images: float
    units: int
    groups: int
    of_networks: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, groups: np.ndarray, by_run: bool) -> "Pooled":
        """By analysis of variance, in which groups of near-duplicates stand or fall together.

        Units: the mean square between the means of units. It holds the generators' variance, the
        networks', and what the same images do differently to different units. Images: the variance
        of their means over units, less the part that this interaction puts into it, never below 0
        (Dorfman, Berbaum & Metz 1992, Investigative Radiology 27, 723-731, with units as readers).

        Args:
            values: (runs, networks, N): what each image counts.
            groups: (N,) of near-duplicates.
            by_run: whether runs are the units, or all networks of all runs.
        """
        runs, networks, images = values.shape
        of_images = values.mean(1) if by_run else values.reshape(runs * networks, images)
        units, of_units = len(of_images), of_images.mean(1)
        _, group = np.unique(groups, return_inverse=True)
        count = int(group.max()) + 1
        # what each group adds to the sum over images beyond its share, unit by unit
        excess = np.stack([np.bincount(group, row - row.mean(), count) for row in of_images])
        scale = count / (count - 1) / images**2
        of_means = scale * (excess.mean(0) ** 2).sum()
        interaction = scale * ((excess - excess.mean(0)) ** 2).sum() / (units * (units - 1))
        return cls(
            mean=float(of_units.mean()),
            by_unit=float(of_units.var(ddof=1) / units),
            by_images=float(max(of_means - interaction, 0)),
            units=units,
            groups=count,
            of_networks=values.mean(2),
        )

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return float(np.sqrt(self.by_unit + self.by_images))

    @property
    def scatters(self) -> bool:
        """Whether anything differs at all: if not, there is no error and no t."""
        return self.error > 1e-9

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the error (Satterthwaite 1946, doi:10.2307/3002019)."""
        parts = self.by_unit**2 / (self.units - 1) + self.by_images**2 / (self.groups - 1)
        return (self.by_unit + self.by_images) ** 2 / parts

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Student's t interval of the mean."""
        reach = self.error * t.ppf((1 + level) / 2, self.freedom)
        return float(self.mean - reach), float(self.mean + reach)

    def deviations(self, by_run: bool) -> dict[str, float | None]:
        """Standard deviations: of `generators`, of `networks` of one generator, and of `images`.

        The first two are of single ones, and hold what these do to the test set's images; the last
        is that of the mean over all images. None where the runs do not tell: one network per run
        shows generator and network together, and where no generator matters there is none.
        """
        networks = self.of_networks.shape[1]
        generators = within = None
        if not by_run:
            within = float(self.of_networks.std(ddof=1))
        elif networks > 1:
            variance = float(self.of_networks.var(1, ddof=1).mean())
            between = float(self.of_networks.mean(1).var(ddof=1))
            generators = float(np.sqrt(max(between - variance / networks, 0)))
            within = float(np.sqrt(variance))
        images = float(np.sqrt(self.by_images))
        return {"generators": generators, "networks": within, "images": images}


@dataclass(frozen=True)
class PooledTest:
    """Is a pooled difference more than chance, or less than a margin? Student's t."""

    pooled: Pooled

    def judged(self) -> Judged:
        """95 % interval, and p of "they are alike"."""
        low, high = self.pooled.interval()
        p = 2 * t.sf(abs(self.pooled.mean) / self.pooled.error, self.pooled.freedom)
        return Judged((max(low, -1.0), min(high, 1.0)), float(p), "runs pooled, Student's t")

    def equivalence(self, margin: float) -> tuple[tuple[float, float], float]:
        """90 % interval, and p of "they differ by `margin` or more": two one-sided t tests."""
        low, high = self.pooled.interval(0.90)
        inside = margin - abs(self.pooled.mean)
        p = t.sf(inside / self.pooled.error, self.pooled.freedom)
        return (max(low, -1.0), min(high, 1.0)), float(p)

    def least_detectable(self, level: float) -> float:
        """Least true difference that is found with 80 % power by p up to `level`, about."""
        needed = t.isf(level / 2, self.pooled.freedom) + t.ppf(POWER, self.pooled.freedom)
        return min(1.0, float(self.pooled.error * needed))


def pooled_test(pooled: Pooled) -> PooledTest | CountedTest:
    """The test of a difference; if all images and networks agree, groups are the only evidence."""
    if pooled.scatters:
        return PooledTest(pooled)
    surplus = round(pooled.mean * pooled.groups)
    return CountedTest((max(surplus, 0), max(-surplus, 0)), pooled.groups)


def check_runs(runs: Mapping[str, Predictions]) -> None:
    """Refuse runs that cannot be taken together.

    Raises:
        UserError: there are fewer than two, or fewer than two groups of images; or they differ in
            images, arms, domains or number of networks; or two have the same networks.
    """
    (name, first), *others = runs.items()
    if not others:
        raise UserError("one run tells nothing of other generators: name two or more")
    if len(np.unique(first.groups)) < 2:
        raise UserError(f"{name} has fewer than two groups of near-duplicates among its images")
    for other, run in others:
        if any(
            not np.array_equal(getattr(first, key), getattr(run, key))
            for key in ("ids", "groups", "labels")
        ):
            raise UserError(
                f"{other} has other test images, groups or labels than {name}: pool runs of the "
                "same split, which differ in the seeds of generators and classifiers alone"
            )
        if list(first.probabilities) != list(run.probabilities):
            raise UserError(f"{other} has other arms or domains than {name}: pool runs of one kind")
        if first.replicates != run.replicates:
            raise UserError(
                f"{other} has {run.replicates} networks per arm and {name} {first.replicates}: "
                "pool runs with equally many"
            )
    _refuse_same_networks(runs)


def _refuse_same_networks(runs: Mapping[str, Predictions]) -> None:
    """A network that several runs share is not so many independent ones."""
    seen: dict[tuple[Subject, bytes], str] = {}
    for name, run in runs.items():
        for subject, rows in run.probabilities.items():
            for row in rows:
                other = seen.setdefault((subject, row.tobytes()), name)
                if other != name:
                    raise UserError(
                        f"{other} and {name} have the same network of arm {subject[0]}: give each "
                        "run seeds of its own for generator and classifiers, and name it once"
                    )


def right(runs: Iterable[Predictions], subject: Subject) -> np.ndarray:
    """Which images each network calls rightly: (runs, networks, N) of 0 and 1."""
    calls = [(run.probabilities[subject] >= THRESHOLD) == run.labels for run in runs]
    return np.stack(calls).astype(np.float64)


def pooled_accuracies(runs: Sequence[Predictions]) -> dict[str, dict[str, dict]]:
    """Accuracy of every arm in every domain over all runs, with its 95 % interval.

    Returns:
        arm to domain to `accuracy accuracy_low accuracy_high balanced_accuracy recall`, as in
        `matrix.score_matrix`, and what `_scatter` tells.
    """
    matrix: dict[str, dict[str, dict]] = {arm: {} for arm in runs[0].arms}
    for arm, domain in runs[0].probabilities:
        by_run = meets_a_generator((arm, domain))
        pooled = Pooled.of(right(runs, (arm, domain)), runs[0].groups, by_run)
        if pooled.scatters:
            low, high = np.clip(pooled.interval(), 0, 1)
        else:  # all images are called alike by all networks
            low, high = wilson(pooled.mean, pooled.groups)
        calls = scores(runs[0].labels, np.concatenate([r.probabilities[arm, domain] for r in runs]))
        matrix[arm][domain] = {
            "accuracy": pooled.mean,
            "accuracy_low": float(low),
            "accuracy_high": float(high),
            **{name: calls[name] for name in ("balanced_accuracy", "recall")},
            **_scatter(pooled, by_run),
        }
    return matrix


def pooled_differences(
    runs: Sequence[Predictions], margin: float, declared: Iterable[str]
) -> dict[str, dict]:
    """Differences in accuracy of every pair over all runs, paired by run, network and image.

    Runs are the units, so that the result speaks of other generators of the recipe; where no side
    of a pair meets a generator, all networks of all runs are.

    Args:
        runs: that `check_runs` does not refuse.
        margin: of equivalence, in (0, 1).
        declared: the family, as of `significance.judge_as_family`.

    Returns:
        pair to the keys of accuracy in `significance.differences`, but for those of one run, and
        what `_scatter` tells.
    """
    found, tests = {}, {}
    for name, (first, second) in pairs_of(runs[0].arms).items():
        if first not in runs[0].probabilities or second not in runs[0].probabilities:
            continue
        by_run = meets_a_generator(first) or meets_a_generator(second)
        values = right(runs, first) - right(runs, second)
        pooled = Pooled.of(values, runs[0].groups, by_run)
        tests[name] = pooled_test(pooled)
        judged = tests[name].judged()
        (low_90, high_90), p_equivalence = tests[name].equivalence(margin)
        found[name] = {
            "difference": pooled.mean,
            "low": judged.interval[0],
            "high": judged.interval[1],
            "p": judged.p,
            "method": judged.method,
            "low_90": low_90,
            "high_90": high_90,
            "p_equivalence": p_equivalence,
            "disagreement": float(np.abs(values).mean()),
            **_scatter(pooled, by_run),
        }
    judge_as_family(found, tests, declared)
    return found


def _scatter(pooled: Pooled, by_run: bool) -> dict:
    """`unit`, `freedom`, `deviations`, and the means `of_runs` and `of_networks` (run by run)."""
    return {
        "unit": "run" if by_run else "network",
        "freedom": pooled.freedom if pooled.scatters else None,
        "deviations": pooled.deviations(by_run),
        "of_runs": pooled.of_networks.mean(1).tolist(),
        "of_networks": pooled.of_networks.tolist(),
    }
