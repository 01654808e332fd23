"""What the report draws and writes of single numbers and curves, without a page around them."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from srgan_ab.reporting import cells, charts
from srgan_ab.reporting.figures import BLUE, VERMILION
from srgan_ab.reporting.report_charts import discriminator_in_words
from srgan_ab.statistics.calibration import wilson


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        (
            [0.9, 0.55, 0.59, 0.52],
            "In the last 3 epochs it is right about 55 % of what it is shown",
        ),
        ([0.5], "In the last epoch it is right about 50 % of what it is shown in training: at cha"),
    ],
)
def test_a_judge_that_guesses_is_said_to_be_at_chance(accuracy, words):
    said = discriminator_in_words(pd.Series(accuracy))
    assert said.startswith(words) and ": at chance, so it teaches the generator little." in said


def test_a_judge_that_judges_is_not():
    for accuracy in ([0.5, 0.5, 0.7], [0.6, 0.6, 0.6], [0.98, 0.99, 1.0]):
        said = discriminator_in_words(pd.Series(accuracy))
        assert "chance" not in said and "won" not in said
    assert "it has won" in discriminator_in_words(pd.Series([0.5, 0.995, 0.999, 1.0]))


def test_numbers_that_json_cannot_hold_are_dashes():
    assert cells.number(None) == cells.Cell("–", None)
    assert cells.number(-1234.5, 1, "+").text == "−1,234.5"
    assert cells.interval(-0.5, None, 1, "+") == "−0.5 to –"


def test_a_curve_is_drawn_where_its_numbers_are():
    rng = np.random.default_rng(0)
    x, y = np.arange(50), rng.normal(size=(2, 50))
    curves = [charts.Curve("one", x, y[0], BLUE), charts.Curve("two", x, y[1], VERMILION)]
    drawing = charts.lines("title", curves, "x", "y")
    assert drawing == charts.lines("title", curves, "x", "y")
    scales = []
    for colour, values in (("--blue", y[0]), ("--vermilion", y[1])):
        path = re.search(rf'<path d="([^"]*)"[^>]*clip-path[^>]*var\({colour}\)', drawing)[1]
        drawn = np.array([pair.split() for pair in re.findall(r"[ML] ([^ ]+ [^ ]+)", path)], float)
        scales.append([np.polyfit(x, drawn[:, 0], 1), np.polyfit(values, drawn[:, 1], 1)])
        fitted = np.polyval(scales[-1][1], values)
        assert np.allclose(drawn[:, 1], fitted, atol=1e-3)
    assert np.allclose(*scales, rtol=1e-4)
    assert scales[0][1][0] < 0 < scales[0][0][0]  # up is more


def test_wilsons_interval_is_scipys():
    for right, n in ((0, 7), (3, 10), (171, 180), (12, 12)):
        low, high = wilson(right / n, n)
        expected = binomtest(right, n).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
