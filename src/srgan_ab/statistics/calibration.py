"""Can probabilities be believed: reliability by bins, and temperature scaling.

The temperature is fitted on the validation images of real HR, one per network, and judged on the
test images.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from scipy.stats import norm

from srgan_ab.statistics.bootstrap import (
    ece_samples,
    mean_over_replicates,
    resampled_means,
    surprise,
)
from srgan_ab.statistics.classification import CERTAIN, equal_mass_bins
from srgan_ab.statistics.predictions import Predictions

TEMPERATURES = (0.05, 20.0)  # a network that is right about every validation image asks for 0


def wilson(
    share: float | np.ndarray, n: float | np.ndarray
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """The 95 % score interval of a share of n (Wilson 1927).

    Args:
        share: in [0, 1], a number or an array.
        n: how many it is a share of, alike.

    Returns:
        Low and high end, in [0, 1].
    """
    z = norm.ppf(0.975)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Share of positives among images of like probability, in 15 equal-mass bins.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (replicates, N); networks are pooled.

    Returns:
        One row per bin that holds images: `probability` (mean), `positive` (share), its 95 %
        Wilson interval `low high`, and `n`, images per network.
    """
    pooled = probabilities.ravel()
    table = pd.DataFrame(
        {
            "bin": equal_mass_bins(pooled),
            "probability": pooled,
            "positive": np.tile(labels, len(probabilities)),
        }
    )
    rows = table.groupby("bin").mean()
    rows["n"] = n = table.groupby("bin").size() / len(probabilities)
    rows["low"], rows["high"] = wilson(rows["positive"].to_numpy(), n.to_numpy())
    return rows[["probability", "positive", "low", "high", "n"]].reset_index(drop=True)


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divide the log-odds by a temperature: above 1, every probability moves towards one half."""
    return expit(logit(probabilities.clip(CERTAIN, 1 - CERTAIN)) / temperature)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature of least log loss (Guo et al. 2017, arXiv:1706.04599), in 0.05 ... 20.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) of class 1 by one network, of images that it was not trained on.
    """
    odds = logit(probabilities.clip(CERTAIN, 1 - CERTAIN)) * (2 * labels - 1)

    def log_loss(log_temperature: float) -> float:
        return np.logaddexp(0, -odds * np.exp(-log_temperature)).mean()

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(log_loss, bounds=(low, high), method="bounded")
    return float(np.exp(found.x))


def calibration(
    validation: Predictions, test: Predictions, resamples: int, seed: int
) -> dict[str, dict[str, float]]:
    """Calibration of every arm on real HR test images, before and after temperature scaling.

    Args:
        validation: of real HR, by which temperatures are fitted.
        test: of at least real HR.
        resamples: behind each interval.
        seed: of the resamples.

    Returns:
        arm to `temperature` (mean over replicates), `log_loss` (nats) and `ece`, each with its 95 %
        interval `_low _high`, and the same after scaling, `tempered_...`.
    """
    temperatures, versions = {}, {}
    for arm in test.arms:
        rows = test.probabilities[arm, "hr"]
        each = [fit_temperature(validation.labels, p) for p in validation.probabilities[arm, "hr"]]
        temperatures[arm] = np.mean(each)
        versions[arm, ""] = rows
        versions[arm, "tempered_"] = np.stack(
            [temper(p, t) for p, t in zip(rows, each, strict=True)]
        )

    nats = np.stack([surprise(test.labels, rows) for rows in versions.values()])
    log_loss = resampled_means(test, nats, resamples, seed)

    result: dict[str, dict[str, float]] = {
        arm: {"temperature": temperature} for arm, temperature in temperatures.items()
    }
    for number, ((arm, prefix), rows) in enumerate(versions.items()):
        ece = ece_samples(test, rows, resamples, [seed, *f"{prefix}{arm}".encode()])
        samples = np.stack([log_loss[number], ece], axis=2)
        spread = mean_over_replicates(samples, seed)
        for score, value, column in zip(
            ("log_loss", "ece"), samples[:, 0].mean(0), spread.T, strict=True
        ):
            low, high = np.percentile(column, (2.5, 97.5)).clip(0)
            result[arm] |= {
                f"{prefix}{score}": value,
                f"{prefix}{score}_low": low,
                f"{prefix}{score}_high": high,
            }
    return result
