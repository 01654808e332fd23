"""Reliability and temperature: by brute force, and on probabilities of known distortion."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest
from sklearn.metrics import log_loss

from srgan_ab.statistics.calibration import calibration, fit_temperature, reliability, temper
from srgan_ab.statistics.classification import expected_calibration_error
from srgan_ab.statistics.predictions import Predictions


def distorted(n, rng, temperature, replicates=1):
    """Labels, and the probabilities of networks that are too sure by a known factor."""
    odds = rng.normal(0, 2, n)
    labels = (rng.random(n) < expit(odds)).astype(int)
    return labels, np.stack([expit(odds * temperature)] * replicates)


def test_the_temperature_of_known_distortion_is_found():
    for temperature in (0.5, 1.0, 3.0):
        labels, (p,) = distorted(40_000, np.random.default_rng(0), temperature)
        assert fit_temperature(labels, p) == pytest.approx(temperature, rel=0.05)


def test_no_temperature_has_less_log_loss():
    labels, (p,) = distorted(300, np.random.default_rng(1), 2.0)
    grid = np.geomspace(0.1, 10, 400)
    losses = [log_loss(labels, expit(logit(p) / t)) for t in grid]
    assert fit_temperature(labels, p) == pytest.approx(grid[np.argmin(losses)], rel=0.02)


def test_a_network_that_is_always_right_stays_within_bounds():
    labels = np.arange(60) % 2
    temperature = fit_temperature(labels, np.where(labels, 0.8, 0.2))
    assert temperature == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(labels, np.where(labels, 0.2, 0.8)) == pytest.approx(20, rel=0.01)
    assert np.isfinite(temper(np.array([0.0, 1.0]), temperature)).all()


def test_tempering_moves_towards_one_half_and_keeps_calls():
    p = np.array([0.01, 0.4, 0.5, 0.9])
    warm = temper(p, 2.0)
    assert (abs(warm - 0.5) <= abs(p - 0.5)).all()
    assert ((warm >= 0.5) == (p >= 0.5)).all()
    assert temper(temper(p, 2.0), 0.5) == pytest.approx(p)


def test_reliability_counts_every_image_once_and_gives_wilsons_interval():
    labels, probabilities = distorted(900, np.random.default_rng(2), 1.5)
    table = reliability(labels, probabilities)
    assert len(table) == 15 and table["n"].sum() == 900 and table["n"].between(59, 61).all()
    gaps = (table["positive"] - table["probability"]).abs()
    error = expected_calibration_error(labels, probabilities[0])
    assert (gaps * table["n"]).sum() / 900 == pytest.approx(error)
    for row in table.itertuples():
        k = round(row.positive * row.n)
        interval = binomtest(k, int(row.n)).proportion_ci(method="wilson")
        assert (row.low, row.high) == pytest.approx(tuple(interval))
    assert np.average(table["positive"], weights=table["n"]) == pytest.approx(labels.mean())


def test_replicates_add_no_images():
    labels, probabilities = distorted(300, np.random.default_rng(3), 1.5)
    one, three = (reliability(labels, np.repeat(probabilities, k, axis=0)) for k in (1, 3))
    assert three["n"].sum() == 300
    assert three["low"].to_numpy() == pytest.approx(one["low"].to_numpy())


@pytest.mark.parametrize("replicates", [1, 2])
def test_scaling_mends_on_test_what_it_was_fitted_to_on_validation(replicates):
    rng = np.random.default_rng(4)

    def predictions(n):
        labels, probabilities = distorted(n, rng, 3.0, replicates)
        ids = np.arange(n)
        return Predictions(
            ids.astype(str), ids, np.zeros(n, bool), labels, {("a", "hr"): probabilities}
        )

    validation, test = predictions(2000), predictions(2000)
    found = calibration(validation, test, 200, seed=0)["a"]
    assert found["temperature"] == pytest.approx(3.0, rel=0.15)
    p = test.probabilities["a", "hr"][0]
    assert found["log_loss"] == pytest.approx(log_loss(test.labels, p.clip(1e-7, 1 - 1e-7)))
    assert found["ece"] == pytest.approx(expected_calibration_error(test.labels, p))
    assert found["tempered_log_loss_high"] < found["log_loss_low"]
    assert found["tempered_ece"] < found["ece"] / 2
    for name in ("log_loss", "ece", "tempered_log_loss"):
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]
    # fitted to validation alone: other test images, same temperature
    half = replace(
        test,
        ids=test.ids[:900],
        groups=test.groups[:900],
        flagged=test.flagged[:900],
        labels=test.labels[:900],
        probabilities={("a", "hr"): test.probabilities["a", "hr"][:, :900]},
    )
    assert calibration(validation, half, 100, seed=0)["a"]["temperature"] == found["temperature"]
