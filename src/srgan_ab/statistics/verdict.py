"""The result in words, by rules: no sentence is stronger than its interval and adjusted p."""

from collections.abc import Mapping

from srgan_ab.common.arms import subject_name
from srgan_ab.statistics.significance import CONFIRMATORY, PAIRS

LEVEL = 0.05


def _p(result: Mapping, name: str) -> float:
    """Adjusted for the family where the pair belongs to it."""
    return result.get(f"{name}_holm", result[name])


def _excludes_zero(result: Mapping) -> bool:
    return result["low"] > 0 or result["high"] < 0


def outcome(result: Mapping, margin: float) -> str:
    """What a difference in accuracy allows to say.

    Returns:
        `same`: the 90 % interval lies within the margin and the equivalence test says so too, even
        if the difference is not zero; else `better` or `worse`: the 95 % interval excludes zero
        and p is at most 0.05; else `undecided`. An interval that touches its bound excludes
        nothing.
    """
    within = -margin < result["low_90"] and result["high_90"] < margin
    if within and _p(result, "p_equivalence") <= LEVEL:
        return "same"
    if _excludes_zero(result) and _p(result, "p") <= LEVEL:
        return "better" if result["low"] > 0 else "worse"
    return "undecided"


def _points(value: float, decimals: int, sign: str = "") -> str:
    text = f"{100 * value:{sign}.{decimals}f}"
    return (text[1:] if float(text) == 0 and text[0] in "+-" else text).replace("-", "−")


def _p_text(result: Mapping) -> str:
    p = _p(result, "p")
    text = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
    return f"{text}, {'adjusted' if 'p_holm' in result else 'not adjusted'}"


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
        if _excludes_zero(result) and _p(result, "p") <= LEVEL:
            text += (
                f", though by more than nothing: {_points(result['difference'], decimals, '+')} "
                f"points ({_p_text(result)})"
            )
        return text + "."
    if kind == "undecided":
        text = (
            f"{first} against {second} is undecided: the 95 % interval reaches from "
            f"{reach(result['low'], result['high'])}"
        )
        if _excludes_zero(result):
            text += f" and excludes 0, but the test does not ({_p_text(result)})"
        return (
            f"{text}; the test could only have shown a difference of about "
            f"{_points(result['least_detectable'], decimals)} points (80 % power)."
        )
    size = sorted((abs(result["low"]), abs(result["high"])))
    return (
        f"{first} is {kind} than {second} by {_points(abs(result['difference']), decimals)} points "
        f"(95 % interval {_points(size[0], decimals)} to {_points(size[1], decimals)}; "
        f"{_p_text(result)})."
    )


def answers(outcomes: Mapping[str, str], b_images: str = "sr") -> dict[str, str]:
    """Does super-resolution help a classifier? Three questions, answered from outcomes.

    Args:
        outcomes: pair to what `outcome` returns, for the pairs that were compared.
        b_images: what B was trained on, `sr` or `hr+sr`.

    Returns:
        question to a sentence that begins with yes, no, undecided or not tested.
    """
    plain = {
        "better": "yes",
        "worse": "no, it is worse",
        "same": "no difference that matters",
        "undecided": "undecided",
    }

    def simple(pair: str) -> str:
        return plain[outcomes[pair]] if pair in outcomes else "not tested"

    gain, control = (outcomes.get(pair) for pair in ("b_plus_minus_a", "b_plus_minus_c_plus"))
    if gain is None:
        added = "not tested"
    elif gain != "better":
        added = plain[gain]
    elif control is None:
        added = "undecided: originals with SRGAN's images are better than originals alone, but "
        added += "originals with bicubic images (c_plus) were not tested beside them"
    elif control == "better":
        added = "yes, and more than bicubic images would"
    elif control == "undecided":
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
    }


def verdict(
    differences: Mapping[str, Mapping[str, Mapping]],
    margin: float,
    images: int,
    replicates: int,
    synthetic: bool,
    b_images: str,
) -> str:
    """The whole verdict in Markdown.

    Args:
        differences: from `significance.differences`.
        margin: of equivalence, in (0, 1).
        images: in the test set.
        replicates: networks per arm.
        synthetic: whether the images are rendered.
        b_images: as of `answers`.
    """
    results = {pair: scores["accuracy"] for pair, scores in differences.items()}
    family = [pair for pair in CONFIRMATORY if pair in results]
    outcomes = {pair: outcome(results[pair], margin) for pair in family}
    said = answers(outcomes, b_images)
    networks = "one network" if replicates == 1 else f"{replicates} networks"
    tests = "test" if len(family) == 1 else "tests"
    lines = [
        "# Does super-resolution help a classifier?",
        "",
        *(f"- {question}: **{answer}**." for question, answer in said.items()),
        "",
        f"Accuracy on the same {images:,} {'synthetic ' if synthetic else ''}test images, "
        f"{networks} per arm. Equivalence margin: {100 * margin:g} points. Declared beforehand: "
        f"{len(family)} {tests}, whose p are adjusted for each other (Holm).",
    ]
    if replicates == 1:
        lines += [
            "",
            "With one network per arm this holds for these networks; how others of the same "
            "recipe would do is not known (`classifier.replicates`).",
        ]
    exploring = [pair for pair in results if pair not in family]
    for title, pairs in (
        ("The declared tests", family),
        ("Explored besides: hints, not findings", exploring),
    ):
        if pairs:
            lines += ["", f"## {title}", ""]
            lines += [f"- {sentence(pair, results[pair], margin, images)}" for pair in pairs]
    return "\n".join(lines) + "\n"
