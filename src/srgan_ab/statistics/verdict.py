"""The result in words, by rules: no sentence is stronger than its interval and adjusted p.

Which tests were declared is read off the results: those have adjusted p.
"""

from collections.abc import Collection, Mapping

from srgan_ab.common.arms import Subject, subject_name
from srgan_ab.statistics.advice import advice_in_words
from srgan_ab.statistics.one_class import NOT_COMPARABLE, REASON, not_comparable
from srgan_ab.statistics.significance import LEVEL, PAIRS

BESIDE = "with the other declared tests beside it "


def is_declared(result: Mapping) -> bool:
    """Whether a difference in accuracy is that of a declared test: its p is adjusted then."""
    return "p_holm" in result


def spoken_p(result: Mapping, name: str = "p") -> float:
    """The p that is spoken of: adjusted for the declared tests where the pair is one of them.

    Args:
        result: one score of `significance.difference`.
        name: `p`, or `p_equivalence`.
    """
    return result.get(f"{name}_holm", result[name])


def p_in_words(result: Mapping, name: str = "p") -> str:
    """`spoken_p`, and whether it is adjusted: "= 0.051, adjusted"; arguments as there."""
    p = spoken_p(result, name)
    decimals = 5 if p > LEVEL >= round(p, 3) else 3  # 0.0504 is not "0.050"
    text = f"= {p:.{decimals}f}" if p >= 0.001 else "< 0.001"
    return f"{text}, {'adjusted' if f'{name}_holm' in result else 'not adjusted'}"


def _excludes_zero(result: Mapping) -> bool:
    return result["low"] > 0 or result["high"] < 0


def differs(result: Mapping) -> bool:
    """The 95 % interval excludes zero, and the p that is spoken of is at most 0.05."""
    return _excludes_zero(result) and spoken_p(result) <= LEVEL


def outcome(result: Mapping, margin: float) -> str:
    """What a difference in accuracy allows to say.

    Returns:
        `same`: the 90 % interval lies within the margin and the equivalence test says so too, even
        if the difference is not zero; else `better` or `worse`: the 95 % interval excludes zero
        and p is at most 0.05; else `undecided`. An interval that touches its bound excludes
        nothing.
    """
    within = -margin < result["low_90"] and result["high_90"] < margin
    if within and spoken_p(result, "p_equivalence") <= LEVEL:
        return "same"
    if differs(result):
        return "better" if result["low"] > 0 else "worse"
    return "undecided"


def outcomes(
    results: Mapping[str, Mapping], margin: float, constant: Collection[Subject]
) -> dict[str, str]:
    """Pair to what `outcome` returns, or `not comparable` where both answer with one class.

    Args:
        results: pair to its difference in accuracy.
        margin: of equivalence, in (0, 1).
        constant: from `one_class.constant`.
    """
    return {
        pair: NOT_COMPARABLE
        if all(subject in constant for subject in PAIRS[pair])
        else outcome(result, margin)
        for pair, result in results.items()
    }


def _points(value: float, decimals: int, sign: str = "") -> str:
    text = f"{100 * value:{sign}.{decimals}f}"
    return (text[1:] if float(text) == 0 and text[0] in "+-" else text).replace("-", "−")


def _missed(least: float, decimals: int) -> str:
    if least >= 1:
        return "Any true difference would often be missed."
    shown = _points(least, decimals)
    return f"A true difference of less than about {shown} points would often be missed."


def sentence(pair: str, result: Mapping, margin: float, images: int) -> str:
    """One difference in accuracy in words.

    Args:
        pair: its name in `PAIRS`.
        result: `accuracy` of `significance.difference`.
        margin: of equivalence, in (0, 1).
        images: in the test set; from 1,000 on, points have two decimals.
    """
    decimals = 1 if images < 1000 else 2
    first, second = map(subject_name, PAIRS[pair])

    def reach(low: float, high: float) -> str:
        return f"{_points(low, decimals, '+')} to {_points(high, decimals, '+')} points"

    kind = outcome(result, margin)
    if kind == "same":
        text = (
            f"{first} and {second} differ by no more than {100 * margin:g} points (90 % interval "
            f"{reach(result['low_90'], result['high_90'])})"
        )
        if differs(result):
            text += (
                f", though by more than nothing: {_points(result['difference'], decimals, '+')} "
                f"points (p {p_in_words(result)})"
            )
        return text + "."
    if kind == "undecided":
        text = (
            f"{first} against {second} is undecided: the 95 % interval reaches from "
            f"{reach(result['low'], result['high'])}."
        )
        if _excludes_zero(result):
            alone, beside = ("", "") if result["p"] > LEVEL else (" for this pair alone", BESIDE)
            text += (
                f" The interval{alone} excludes 0, but {beside}p {p_in_words(result)}, is more "
                f"than {LEVEL}."
            )
        return f"{text} {_missed(result['least_detectable'], decimals)}"
    size = sorted((abs(result["low"]), abs(result["high"])))
    return (
        f"{first} is {kind} than {second} by {_points(abs(result['difference']), decimals)} points "
        f"(95 % interval {_points(size[0], decimals)} to {_points(size[1], decimals)}; "
        f"p {p_in_words(result)})."
    )


def answers(
    outcomes: Mapping[str, str], explored: Collection[str] = (), b_images: str = "sr"
) -> dict[str, str]:
    """Does super-resolution help a classifier? Four questions, answered from declared tests alone.

    Args:
        outcomes: from `outcomes`, for the declared pairs that were compared.
        explored: pairs that were compared without being declared.
        b_images: what B was trained on, `sr` or `hr+sr`.

    Returns:
        question to a sentence that begins with yes, no, undecided, not declared or not tested.
    """
    plain = {
        "better": "yes",
        "worse": "no, it is worse",
        "same": "no difference that matters",
        "undecided": "undecided",
        NOT_COMPARABLE: f"{NOT_COMPARABLE}: {REASON}",
    }

    def simple(pair: str) -> str:
        if pair in outcomes:
            return plain[outcomes[pair]]
        return "not declared, so only explored" if pair in explored else "not tested"

    control = outcomes.get("b_plus_minus_c_plus")
    if outcomes.get("b_plus_minus_a") != "better":
        added = simple("b_plus_minus_a")
    elif "b_plus_minus_c_plus" in explored:
        added = "undecided: originals with SRGAN's images are better than originals alone, but "
        added += "whether bicubic images (c_plus) help as much was not declared, so only explored"
    elif control is None:
        added = "undecided: originals with SRGAN's images are better than originals alone, but "
        added += "originals with bicubic images (c_plus) were not tested beside them"
    elif control == "better":
        added = "yes, and more than bicubic images would"
    elif control in ("undecided", NOT_COMPARABLE):
        added = "undecided: they help, but it is open whether bicubic images help as much"
    else:
        added = "no: they help, but bicubic images help at least as much"
    instead = "SRGAN's images in place of real ones"
    enlarged = "SRGAN in place of bicubic, where only small images are to be had"
    if b_images != "sr":
        instead = "B's mixture of real and SRGAN's images in place of real ones alone"
        enlarged = "that mixture in place of bicubic images, where only small ones are to be had"
    return {
        instead: simple("b_minus_a"),
        "SRGAN's images added to real ones": added,
        enlarged: simple("b_sr_minus_c_bicubic"),
        "SRGAN in place of bicubic, for a classifier that cannot be trained again": simple(
            "a_sr_minus_a_bicubic"
        ),
    }


def headline(
    results: Mapping[str, Mapping], outcomes: Mapping[str, str], b_images: str
) -> list[str]:
    """Title and answers in Markdown, line by line; arguments as of `outcomes` and `answers`."""
    declared = {pair: outcomes[pair] for pair, result in results.items() if is_declared(result)}
    said = answers(declared, results.keys() - declared.keys(), b_images)
    return [
        "# Does super-resolution help a classifier?",
        "",
        *(f"- {question}: **{answer}**." for question, answer in said.items()),
    ]


def family_in_words(results: Mapping[str, Mapping]) -> str:
    """How many of the tests were declared: "Declared: 6 tests, whose p are adjusted ..."."""
    family = sum(map(is_declared, results.values()))
    if not family:
        return "No test was declared (`compare.declared`): all explore."
    tests = "test" if family == 1 else "tests"
    return (
        f"Declared (`compare.declared`): {family} {tests}, whose p are adjusted for each other "
        "(Holm)."
    )


def small_margin(margin: float, images: int) -> list[str]:
    """A paragraph where the test set is too small for the margin, as lines; else none."""
    if margin * images >= 1:
        return []
    return [
        "",
        f"The margin is less than one of the {images:,} test images ({100 / images:.2g} "
        "points), so they can hardly show that two classifiers are equal within it.",
    ]


def tests_in_words(
    differences: Mapping[str, Mapping[str, Mapping]],
    outcomes: Mapping[str, str],
    margin: float,
    images: int,
) -> list[str]:
    """A sentence for every test in Markdown, line by line: the declared ones, then the others."""
    declared = [pair for pair, scores in differences.items() if is_declared(scores["accuracy"])]
    exploring = [pair for pair in differences if pair not in declared]

    def said(pair: str) -> str:
        if outcomes[pair] == NOT_COMPARABLE:
            return not_comparable(pair, differences[pair].get("roc_auc"))
        return sentence(pair, differences[pair]["accuracy"], margin, images)

    lines = []
    for title, pairs in (
        ("The declared tests", declared),
        ("Explored besides: hints, not findings", exploring),
    ):
        if pairs:
            lines += ["", f"## {title}", ""]
            lines += [f"- {said(pair)}" for pair in pairs]
    return lines


def verdict(
    differences: Mapping[str, Mapping[str, Mapping]],
    matrix: Mapping[str, Mapping],
    constant: Collection[Subject],
    margin: float,
    images: int,
    replicates: int,
    synthetic: bool,
    b_images: str,
) -> str:
    """The whole verdict in Markdown.

    Args:
        differences: from `significance.differences`.
        matrix: from `matrix.score_matrix`.
        constant: from `one_class.constant`.
        margin: of equivalence, in (0, 1).
        images: in the test set.
        replicates: networks per arm.
        synthetic: whether the images are rendered.
        b_images: as of `answers`.
    """
    results = {pair: scores["accuracy"] for pair, scores in differences.items()}
    found = outcomes(results, margin, constant)
    networks = "one network" if replicates == 1 else f"{replicates} networks"
    lines = [
        *headline(results, found, b_images),
        "",
        f"Accuracy on the same {images:,} {'synthetic ' if synthetic else ''}test images, "
        f"{networks} per arm. Equivalence margin: {100 * margin:g} points. "
        f"{family_in_words(results)}",
        *small_margin(margin, images),
    ]
    if replicates == 1:
        lines += [
            "",
            "With one network per arm this holds for these networks; how others of the same "
            "recipe would do is not known (`classifier.replicates`).",
        ]
    lines += tests_in_words(differences, found, margin, images)
    return "\n".join([*lines, "", *advice_in_words(matrix, b_images)]) + "\n"
