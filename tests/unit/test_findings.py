"""The first words of the report: numbers, the largest finding, and where accuracies say nothing."""

import pytest

from srgan_ab.common.arms import trained_on
from srgan_ab.reporting import findings
from srgan_ab.reporting.tables import one_class_table
from srgan_ab.statistics.one_class import NOT_COMPARABLE, constant, only_class
from srgan_ab.statistics.verdict import outcomes

CLASSES = ("cat", "dog")


def scores(cats: float, dogs: float, auc: float = 0.9) -> dict:
    """Of as many cats as dogs: what share of each is called rightly."""
    mean = (cats + dogs) / 2
    return {"accuracy": mean, "balanced_accuracy": mean, "recall": dogs, "roc_auc": auc, "n": 200}


def difference(value: float, half: float = 0.05, declared: bool = True) -> dict:
    p = 1.0 if abs(value) <= half else 0.001
    result = {
        **{"difference": value, "low": value - half, "high": value + half, "p": p},
        **{"low_90": value - half, "high_90": value + half, "p_equivalence": 1.0},
        "least_detectable": 0.1,
    }
    if declared:
        result |= {"p_holm": p, "p_equivalence_holm": 1.0}
    area = {"difference": 0.02, "low": -0.01, "high": 0.05}
    return {"accuracy": result, "roc_auc": area}


def judged(found: dict, matrix: dict) -> dict[str, str]:
    results = {name: scores["accuracy"] for name, scores in found.items()}
    return outcomes(results, 0.01, constant(matrix))


@pytest.mark.parametrize(
    ("cats", "dogs", "only"),
    [(1, 0, 0), (0, 1, 1), (0.9, 0.1, 0), (0.1, 0.9, 1), (0.89, 0.1, None), (0.5, 0.5, None)],
)
def test_a_constant_answer_is_seen_from_nine_in_ten_of_either_class_on(cats, dogs, only):
    assert only_class(scores(cats, dogs)) == only


def test_chance_level_with_a_ranking_is_told_from_chance_level_without():
    matrix = {
        "a": {"hr": scores(0.9, 0.9), "sr": scores(1, 0.02, 0.76), "bicubic": scores(0, 1, 0.5)}
    }
    ranked, lost = findings.one_class(matrix, CLASSES)
    assert (ranked.name, ranked.called) == ("A on SRGAN", "cat")
    assert "ROC-AUC is 0.76" in ranked.words and "still ranks them" in ranked.words
    assert (lost.name, lost.called) == ("A on bicubic", "dog")
    assert "hardly ranks them either" in lost.words and "still" not in lost.words

    table = one_class_table(matrix, [ranked.subject], CLASSES)
    assert table.head[1:5] == [
        *("cat called cat (%)", "cat called dog (%)"),
        *("dog called cat (%)", "dog called dog (%)"),
    ]
    texts = [cell.text for cell in table.rows[0]]
    assert texts == ["A on SRGAN", "100.0", "0.0", "98.0", "2.0", "0.760"]


def test_two_constant_answers_are_not_compared():
    found = {name: difference(0.0) for name in ("a_sr_minus_a_bicubic", "b_minus_a")}
    matrix = {
        "a": {"hr": scores(0.9, 0.9), "sr": scores(1, 0), "bicubic": scores(0.98, 0.03)},
        "b": {"hr": scores(1, 0)},
    }
    results = judged(found, matrix)
    assert results == {"a_sr_minus_a_bicubic": NOT_COMPARABLE, "b_minus_a": "undecided"}
    (words,) = findings.empty_comparisons(results, found)
    said = "A on SRGAN and A on bicubic are not comparable: both call nearly all images one class"
    assert words.startswith(said)
    assert "ROC-AUC differ by +0.020 (95 % interval −0.010 to +0.050, not tested)" in words


def test_the_largest_finding_is_that_of_a_declared_test_that_differs():
    found = {
        "b_minus_a": difference(-0.1),
        "b_minus_c": difference(0.16),
        "b_plus_minus_a": difference(0.2, half=0.3),  # undecided
        "c_minus_a": difference(-0.4, declared=False),
    }
    matrix = {arm: {"hr": scores(0.8, 0.8)} for arm in ("a", "b", "b_plus", "c")}
    results = judged(found, matrix)
    said = findings.largest_finding(results, found, 0.01, 200)
    assert said.startswith("B on real HR is better than C on real HR by 16.0 points")
    results = dict.fromkeys(results, "undecided") | {"c_minus_a": "worse"}
    said = findings.largest_finding(results, found, 0.01, 200)
    assert said == "No declared test shows a difference in accuracy."


@pytest.mark.parametrize(
    ("b_images", "words"),
    [("sr", "B, trained on SRGAN's enlargements,"), ("hr+sr", "enlargements beside real images,")],
)
def test_the_first_sentence_has_numbers_sizes_and_no_absent_arm(b_images, words):
    domains = {"hr": scores(0.9, 0.8), "sr": scores(0.5, 0.6), "bicubic": scores(0.7, 0.8)}
    matrix = dict.fromkeys(("a", "b", "c"), domains)
    said = findings.at_a_glance(matrix, trained_on(b_images), (128, 32))
    assert "calls 85.0 % of real test images rightly, and 55.0 % of the same images" in said
    assert "(32 pixels) and enlarged by SRGAN (128 pixels)" in said and words in said
    assert said.endswith("and C, trained on bicubic enlargements, 85.0 %.")
    del matrix["c"]
    assert "bicubic" not in findings.at_a_glance(matrix, trained_on(b_images), (128, 32))
