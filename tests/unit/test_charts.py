"""What the report draws and writes of single numbers and curves, without a page around them."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from srgan_ab.reporting import cells, charts
from srgan_ab.reporting.figures import BLUE, VERMILION
from srgan_ab.reporting.report_charts import LOSS_STYLES, discriminator_in_words
from srgan_ab.statistics.calibration import wilson
from srgan_ab.statistics.one_class import NOT_COMPARABLE
from srgan_ab.statistics.significance import PAIRS


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


def test_a_forest_tells_results_apart_and_declared_from_explored():
    found = {"difference": 0.1, "low": 0.05, "high": 0.15}
    declared = {"p_holm": 0.01}
    pairs = {name: PAIRS[name] for name in ("c_minus_a", "b_minus_a", "b_minus_c")}
    differences = {
        "c_minus_a": {"accuracy": found},
        "b_minus_a": {"accuracy": found | declared},
        "b_minus_c": {"accuracy": found | declared},
    }
    marks = {}
    for result in ("better", "same", "undecided", NOT_COMPARABLE):
        results = dict.fromkeys(pairs, "undecided") | {"b_minus_c": result}
        drawing = charts.forest("title", pairs, differences, results, 0.01)
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawing)
        assert texts[-5:] == [
            *("Declared", "B on real HR − A on real HR", "B on real HR − C on real HR"),
            *("Explored: hints, not findings", "C on real HR − A on real HR"),
        ]
        assert "better →" in drawing
        marks[result] = re.findall(r'<use [^>]*style="([^"]*)"', drawing)
        assert sum("var(--blue)" in style for style in marks[result]) == 2
        assert sum("fill: var(--blue)" in style for style in marks[result]) == (
            result in ("better", "same")
        )
    assert len({tuple(styles) for styles in marks.values()}) >= 2


def test_a_line_across_and_marks_that_are_not_filled():
    curve = charts.Curve("curve", [0, 1], [0.2, 0.8], BLUE)
    plain = charts.lines("title", [curve], "x", "y")
    assert "a guess" not in plain
    drawing = charts.lines("title", [curve], "x", "y", level=(0.5, "a guess"))
    assert ">a guess<" in drawing and drawing.count("stroke-dasharray") > plain.count(
        "stroke-dasharray"
    )
    scores = {"accuracy": 0.5, "accuracy_low": 0.4, "accuracy_high": 0.6}
    matrix = {"a": {"hr": scores, "sr": scores}}
    full = charts.accuracies("title", matrix, {"a": "real HR"})
    hollow = charts.accuracies("title", matrix, {"a": "real HR"}, [("a", "sr")])
    assert full.count("fill: var(--vermilion)") == hollow.count("fill: var(--vermilion)") + 1
    assert full.count("fill: var(--blue)") == hollow.count("fill: var(--blue)") >= 1


def test_curves_of_one_chart_differ_in_style():
    styles = [style for pair in LOSS_STYLES for style in pair]
    assert len(set(styles)) == len(styles) == 4
