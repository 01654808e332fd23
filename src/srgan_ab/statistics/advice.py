"""What to do with small images and a classifier: what each enlargement gives, in two situations."""

from collections.abc import Mapping
from dataclasses import dataclass

from srgan_ab.common.arms import DOMAINS, TRAINED_ON, Subject

ENLARGED = ("bicubic", "srresnet", "perceptual", "sr", "task")  # domains made of small images


@dataclass(frozen=True)
class Option:
    """One way to enlarge, and which classifier looks at what it makes.

    Attributes:
        domain: the enlarged images.
        as_it_is: A, which real images trained and which stays so, on them.
        retrained: the arm that such images trained, on them; None where there is none.
    """

    domain: str
    as_it_is: Subject
    retrained: Subject | None


def options(matrix: Mapping[str, Mapping]) -> list[Option]:
    """Every enlargement of a run, from the simplest to the one that asks most.

    Args:
        matrix: arm to domain to scores, of `matrix.score_matrix`.
    """
    own = {domains[0]: arm for arm, domains in TRAINED_ON.items() if len(domains) == 1}
    return [
        Option(d, ("a", d), (own[d], d) if own[d] in matrix else None)
        for d in ENLARGED
        if d in matrix["a"]
    ]


def advice_in_words(matrix: Mapping[str, Mapping], b_images: str) -> list[str]:
    """A heading and a paragraph for each situation in Markdown, line by line, the best first.

    Args:
        matrix: as for `options`.
        b_images: what B was trained on, `sr` or `hr+sr`.
    """
    images = matrix["a"]["hr"]["n"]
    decimals = 1 if images < 1000 else 2

    def percent(subject: Subject) -> str:
        return f"{100 * matrix[subject[0]][subject[1]]['accuracy']:.{decimals}f} %"

    def ranked(subjects: list[Subject]) -> str:
        best_first = sorted(subjects, key=lambda s: -matrix[s[0]][s[1]]["accuracy"])
        return ", ".join(f"{percent((a, d))} with {DOMAINS[d]} images" for a, d in best_first)

    found = options(matrix)
    retrained = [option.retrained for option in found if option.retrained is not None]
    mixture = "" if b_images == "sr" else " (the one for SRGAN's on real images too)"
    return [
        "## Where only small images are to be had",
        "",
        f"- A classifier that real images trained, and that stays as it is, is right on "
        f"{ranked([option.as_it_is for option in found])}.",
        f"- One that is trained on images enlarged in the same way{mixture} is right on "
        f"{ranked(retrained)}.",
        "",
        f"For comparison: on real HR images, the first is right on {percent(('a', 'hr'))}. Which "
        "of these differ by more than chance, the tests say.",
    ]
