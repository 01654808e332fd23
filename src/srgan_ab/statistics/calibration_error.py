"""How large the calibration error truly is, given what a test set shows of it.

The error over bins is a sum of absolute values, so chance raises it, and resampling raises it once
more: percentiles of a bootstrap miss the truth of a well calibrated network nearly always. Here the
true share of positives in each bin gets a posterior instead.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, expit, logit, softmax
from scipy.stats import multivariate_t, norm

from srgan_ab.statistics.classification import BINS, equal_mass_bins

CALIBRATED = 0.1  # prior probability that bins hold exactly as many positives as they say
CURVE = (np.array([0.0, 1.0]), np.array([1.0, 0.5]))  # otherwise: intercept and slope, mean and SD
LOYALTY = np.geomspace(3, 3000, 7)  # images that the curve is worth against those of a bin
CANDIDATES = 4000
NEAREST = 1e-6  # to 0 and 1


def calibration_error_draws(
    labels: np.ndarray,
    probabilities: np.ndarray,
    draws: int,
    random: np.random.Generator,
    independent: float = 1.0,
) -> np.ndarray:
    """Posterior of the calibration error of one network, over 15 equal-mass bins.

    A bin of mean probability m holds a true share q of positives. Either q = m in all bins, or the
    shares scatter about a curve of recalibration, logit c = a + b logit m (Cox 1958, Biometrika 45,
    562-565), as q ~ Beta(κc, κ(1 - c)). The error is the mean of abs(q - m) over bins, weighted by
    their shares of all images, which are a Dirichlet's (the Bayesian bootstrap, Rubin 1981). The
    posterior of a, b, κ is drawn by importance sampling, that of q given them is a Beta.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) of class 1.
        draws: how many.
        random: of the draws.
        independent: share of the images that are not copies of others; only these count as
            evidence.

    Returns:
        (draws,) in [0, 1].
    """
    bins = equal_mass_bins(probabilities)
    n, positive, total = (
        np.bincount(bins, weights, BINS) for weights in (np.ones(len(bins)), labels, probabilities)
    )
    held = n > 0
    mean = (total[held] / n[held]).clip(NEAREST, 1 - NEAREST)
    n, positive = n[held] * independent, positive[held] * independent

    terms = np.stack([np.ones_like(mean), logit(mean)])  # (2, bins)

    def curve(ab: np.ndarray) -> np.ndarray:  # (..., 2) to (..., bins)
        return expit(ab @ terms).clip(NEAREST, 1 - NEAREST)

    def binomial(share: np.ndarray) -> float:
        return (positive * np.log(share) + (n - positive) * np.log1p(-share)).sum()

    def surprise(ab: np.ndarray) -> float:
        return -binomial(curve(ab)) - np.sum(norm.logpdf(ab, *CURVE))

    mode = minimize(surprise, CURVE[0]).x
    variance = curve(mode) * (1 - curve(mode))
    information = (n * variance * terms) @ terms.T + np.diag(CURVE[1] ** -2)
    proposal = multivariate_t(mode, 2 * np.linalg.inv(information), df=5, seed=random)
    ab = proposal.rvs(CANDIDATES)
    loyalty = random.choice(LOYALTY, (CANDIDATES, 1))
    alpha, beta = loyalty * curve(ab), loyalty * (1 - curve(ab))
    evidence = (betaln(alpha + positive, beta + n - positive) - betaln(alpha, beta)).sum(1)
    prior = np.sum(norm.logpdf(ab, *CURVE), axis=1)
    weight = evidence + prior - proposal.logpdf(ab) + np.log((1 - CALIBRATED) / CANDIDATES)
    weight = softmax(np.append(weight, binomial(mean) + np.log(CALIBRATED)))

    chosen = random.choice(CANDIDATES + 1, draws, p=weight)
    off = chosen[chosen < CANDIDATES]
    share = random.beta(alpha[off] + positive, beta[off] + n - positive)
    errors = np.zeros(draws)
    mass = random.dirichlet(n, len(off))
    errors[chosen < CANDIDATES] = (np.abs(share - mean) * mass).sum(1)
    return errors
