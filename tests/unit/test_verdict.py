"""Every rule of the verdict, at its edges: no sentence is stronger than the numbers."""

import pytest

from srgan_ab.common.arms import DOMAINS, subject_name
from srgan_ab.statistics.advice import ENLARGED, advice_in_words, options
from srgan_ab.statistics.significance import PAIRS
from srgan_ab.statistics.verdict import (
    answers,
    differs,
    outcome,
    p_in_words,
    sentence,
    spoken_p,
    verdict,
)

MARGIN = 0.005
BETTER = {"difference": 0.021, "low": 0.012, "high": 0.030, "low_90": 0.0135, "high_90": 0.0285}
BETTER |= {"p": 0.0001, "p_holm": 0.0005, "p_equivalence": 0.99, "p_equivalence_holm": 1.0}
BETTER |= {"least_detectable": 0.013}
WORSE = BETTER | {"difference": -0.021, "low": -0.030, "high": -0.012}
WORSE |= {"low_90": -0.0285, "high_90": -0.0135}
OPEN = BETTER | {"difference": -0.002, "low": -0.012, "high": 0.008, "p": 0.6, "p_holm": 1.0}
OPEN |= {"low_90": -0.010, "high_90": 0.006}
SAME = BETTER | {"difference": 0.0, "low": -0.0045, "high": 0.0045, "p": 1.0, "p_holm": 1.0}
EXPLORED = {name: value for name, value in BETTER.items() if "holm" not in name}
SAME |= {"low_90": -0.004, "high_90": 0.004, "p_equivalence": 0.01, "p_equivalence_holm": 0.03}


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (BETTER, "better"),
        (WORSE, "worse"),
        (OPEN, "undecided"),
        (SAME, "same"),
        (BETTER | {"low": 0.0}, "undecided"),  # touches zero
        (WORSE | {"high": 0.0}, "undecided"),
        (BETTER | {"p_holm": 0.05}, "better"),
        (BETTER | {"p_holm": 0.0501}, "undecided"),  # the other tests are in the way
        (BETTER | {"low": -0.001, "p_holm": 0.04}, "undecided"),  # p alone is not enough
        (SAME | {"high_90": 0.005}, "undecided"),  # touches the margin
        (SAME | {"low_90": -0.0051}, "undecided"),
        (SAME | {"p_equivalence_holm": 0.06}, "undecided"),
        (SAME | {"low": 0.001, "p_holm": 0.001}, "same"),  # real, and too small to matter
        (EXPLORED | {"p": 0.06}, "undecided"),
        (EXPLORED, "better"),  # outside the family
    ],
)
def test_outcomes(result, kind):
    assert outcome(result, MARGIN) == kind


@pytest.mark.parametrize(
    ("result", "images", "words"),
    [
        (
            BETTER,
            180,
            "B on real HR is better than A on real HR by 2.1 points "
            "(95 % interval 1.2 to 3.0; p < 0.001, adjusted).",
        ),
        (
            WORSE | {"p_holm": 0.012},
            180,
            "B on real HR is worse than A on real HR by 2.1 points "
            "(95 % interval 1.2 to 3.0; p = 0.012, adjusted).",
        ),
        (
            WORSE,
            7500,
            "B on real HR is worse than A on real HR by 2.10 points "
            "(95 % interval 1.20 to 3.00; p < 0.001, adjusted).",
        ),
        (
            SAME,
            180,
            "B on real HR and A on real HR differ by no more than 0.5 points "
            "(90 % interval −0.4 to +0.4 points).",
        ),
        (
            SAME | {"difference": 0.003, "low": 0.001, "p_holm": 0.001},
            180,
            "B on real HR and A on real HR differ by no more than 0.5 points (90 % interval −0.4 "
            "to +0.4 points), though by more than nothing: +0.3 points (p = 0.001, adjusted).",
        ),
        (
            OPEN,
            180,
            "B on real HR against A on real HR is undecided: the 95 % interval reaches from −1.2 "
            "to +0.8 points. A true difference of less than about 1.3 points would often be "
            "missed.",
        ),
        (
            BETTER | {"p_holm": 0.08, "least_detectable": 0.034},
            180,
            "B on real HR against A on real HR is undecided: the 95 % interval reaches from +1.2 "
            "to +3.0 points. The interval for this pair alone excludes 0, but with the other "
            "declared tests beside it p = 0.080, adjusted, is more than 0.05. A true difference of "
            "less than about 3.4 points would often be missed.",
        ),
        (
            EXPLORED | {"p": 0.0504, "least_detectable": 1.0},
            180,
            "B on real HR against A on real HR is undecided: the 95 % interval reaches from +1.2 "
            "to +3.0 points. The interval excludes 0, but p = 0.05040, not adjusted, is more than "
            "0.05. Any true difference would often be missed.",
        ),
        (
            {k: v for k, v in OPEN.items() if "holm" not in k} | {"low": -0.0004},
            180,
            "B on real HR against A on real HR is undecided: the 95 % interval reaches from 0.0 "
            "to +0.8 points. A true difference of less than about 1.3 points would often be "
            "missed.",
        ),
    ],
)
def test_sentences(result, images, words):
    assert sentence("b_minus_a", result, MARGIN, images) == words


def test_one_p_is_spoken_of_and_it_says_whether_it_is_adjusted():
    declared = BETTER | {"p": 0.0128, "p_holm": 0.0512}
    assert (spoken_p(declared), p_in_words(declared)) == (0.0512, "= 0.051, adjusted")
    assert spoken_p(declared, "p_equivalence") == 1
    assert p_in_words(declared, "p_equivalence") == "= 1.000, adjusted"
    assert not differs(declared)
    explored = EXPLORED | {"p": 0.0128}
    assert (spoken_p(explored), p_in_words(explored)) == (0.0128, "= 0.013, not adjusted")
    assert differs(explored) and not differs(explored | {"low": -0.001})
    assert p_in_words(EXPLORED | {"p": 0.0002}) == "< 0.001, not adjusted"


ADDED = "SRGAN's images added to real ones"


@pytest.mark.parametrize(
    ("gain", "control", "answer"),
    [
        ("better", "better", "yes, and more than bicubic images would"),
        ("better", "same", "no: they help, but bicubic images help at least as much"),
        ("better", "worse", "no: they help, but bicubic images help at least as much"),
        ("better", "undecided", "undecided: they help, but it is open whether"),
        ("better", "not comparable", "undecided: they help, but it is open whether"),
        ("not comparable", "better", "not comparable: both call nearly all images one class"),
        ("better", None, "undecided: originals with SRGAN's images are better"),
        ("same", "better", "no difference that matters"),
        ("worse", "better", "no, it is worse"),
        ("undecided", "better", "undecided"),
        (None, "better", "not tested"),
    ],
)
def test_added_images_help_only_if_they_help_more_than_bicubic_ones(gain, control, answer):
    outcomes = {"b_plus_minus_a": gain, "b_plus_minus_c_plus": control}
    outcomes = {pair: kind for pair, kind in outcomes.items() if kind}
    assert answers(outcomes)[ADDED].startswith(answer)


MATRIX = {
    "a": {"hr": 0.95, "sr": 0.8, "bicubic": 0.75, "task": 0.85},
    "b": {"hr": 0.9, "sr": 0.88, "bicubic": 0.7, "task": 0.86},
    "c": {"hr": 0.6, "sr": 0.7, "bicubic": 0.9, "task": 0.7},
    "t": {"hr": 0.9, "sr": 0.86, "bicubic": 0.7, "task": 0.87},
}


def matrix(images=180, arms=tuple(MATRIX), domains=tuple(MATRIX["a"])):
    """As `score_matrix` has it, as far as the verdict reads it."""
    return {arm: {d: {"accuracy": MATRIX[arm][d], "n": images} for d in domains} for arm in arms}


def whole(results, replicates=1, b_images="sr", images=180, constant=()):
    area = {"difference": 0.02, "low": -0.01, "high": 0.05}
    return verdict(
        {pair: {"accuracy": result, "roc_auc": area} for pair, result in results.items()},
        matrix(images),
        constant,
        MARGIN,
        images=images,
        replicates=replicates,
        synthetic=True,
        b_images=b_images,
    )


def test_two_constant_answers_are_not_compared_whatever_their_test_says():
    pair = ("a", "sr"), ("a", "bicubic")
    for result in (OPEN, BETTER, SAME):
        text = whole({"a_sr_minus_a_bicubic": result, "b_minus_a": BETTER}, constant=pair)
        question = "- SRGAN in place of bicubic, for a classifier that cannot be trained again: "
        assert f"{question}**not comparable: both call nearly all images one class**." in text
        assert (
            "- A on SRGAN and A on bicubic are not comparable: both call nearly all images one "
            "class, so their accuracies say little of which is better, whatever the test. Their "
            "ROC-AUC differ by +0.020 (95 % interval −0.010 to +0.050, not tested).\n"
        ) in text
        assert text.count("A on SRGAN") == 1 and "B on real HR is better than A" in text
    one = whole({"a_sr_minus_a_bicubic": OPEN}, constant=pair[:1])
    assert "not comparable" not in one and "A on SRGAN against A on bicubic is undecided" in one


def test_a_mixture_is_not_called_a_replacement_of_real_images():
    results = {pair: WORSE for pair in PAIRS}
    assert "- SRGAN's images in place of real ones: **" in whole(results)
    mixed = whole(results, b_images="hr+sr")
    assert "- SRGAN's images in place of real ones: **" not in mixed
    assert "- B's mixture of real and SRGAN's images in place of real ones alone: **no" in mixed


def test_the_verdict_answers_first_and_says_what_it_rests_on():
    family = ("b_minus_a", "b_minus_p", "a_sr_minus_a_bicubic")
    text = whole({pair: WORSE if pair in family else EXPLORED for pair in PAIRS})
    assert text.index("**no, it is worse**") < text.index("## The declared tests")
    assert "180 synthetic test images, one network per arm" in text
    assert "margin: 0.5 points" in text and "3 tests" in text
    assert "how others of the same recipe would do is not known" in text
    declared, explored = text.split("## The declared tests")[1].split("## Explored besides")
    for pair, (first, second) in PAIRS.items():
        kind = "worse" if pair in family else "better"
        words = f"{subject_name(first)} is {kind} than {subject_name(second)} by"
        assert (words in declared) == (pair in family)
        assert (words in explored) == (pair not in family)


def test_a_question_whose_test_was_not_declared_has_no_answer():
    results = {pair: EXPLORED for pair in PAIRS}
    nothing = whole(results)
    assert nothing.count("**not declared, so only explored**") == 4
    assert "No test was declared" in nothing and "## The declared tests" not in nothing
    one = whole(results | {"a_sr_minus_a_bicubic": BETTER})
    assert "bicubic, for a classifier that cannot be trained again: **yes**." in one
    assert one.count("**not declared, so only explored**") == 3
    assert "1 test, whose p" in one
    half = answers({"b_plus_minus_a": "better"}, explored=["b_plus_minus_c_plus"])[ADDED]
    assert half.startswith("undecided: ") and half.endswith("not declared, so only explored")


def test_several_networks_and_left_out_arms_are_told():
    text = whole({"b_minus_a": OPEN}, replicates=5)
    assert "5 networks per arm" in text and "Declared (`compare.declared`): 1 test, " in text
    assert "how others of the same recipe" not in text
    assert text.count("**not tested**") == 3
    assert "Explored besides" not in text


def test_a_margin_of_less_than_one_image_is_told():
    few, enough = (whole({"b_minus_a": OPEN}, images=images) for images in (180, 200))
    assert "The margin is less than one of the 180 test images (0.56 points), so" in few
    assert "less than one" not in enough


def test_each_of_the_two_situations_is_told_the_best_first():
    _, told = whole({"b_minus_a": OPEN}).split("## Where only small images are to be had\n")
    stays, retrained, oracle = [line for line in told.splitlines() if line]
    assert stays.endswith(
        "stays as it is, is right on 85.0 % with task-driven images, 80.0 % with SRGAN images, "
        "75.0 % with bicubic images."
    )
    assert retrained.endswith(
        "enlarged in the same way is right on 90.0 % with bicubic images, 88.0 % with SRGAN "
        "images, 87.0 % with task-driven images."
    )
    assert "95.0 %" in oracle


def test_a_situation_names_what_the_run_has():
    text = "\n".join(
        advice_in_words(matrix(arms=("a", "b"), domains=("hr", "sr", "bicubic")), "sr")
    )
    assert "task-driven" not in text and "90.0" not in text and "88.0 %" in text
    mixed = advice_in_words(matrix(7199), "hr+sr")
    assert "(the one for SRGAN's on real images too) is right on 90.00 %" in mixed[3]


def test_every_single_enlargement_has_its_arm():
    found = {option.domain: option.retrained for option in options(matrix())}
    assert found == {"bicubic": ("c", "bicubic"), "sr": ("b", "sr"), "task": ("t", "task")}
    assert set(ENLARGED) == set(DOMAINS) - {"hr"}
    without_c = options(matrix(arms=("a", "b")))
    assert {option.domain: option.retrained for option in without_c}["bicubic"] is None
