"""What a reader should see first, in words: numbers, the largest finding, and empty comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srgan_ab.common.arms import DOMAINS, Subject, subject_name
from srgan_ab.reporting.cells import points
from srgan_ab.statistics.one_class import NOT_COMPARABLE, REASON, not_comparable, only_class
from srgan_ab.statistics.verdict import is_declared, sentence

RANKS = 0.7  # a ROC-AUC from which on a classifier is said to rank images still
RESULTS = {  # of `verdict.outcomes`, in a table
    "better": "better",
    "worse": "worse",
    "same": "equal within the margin",
    "undecided": "undecided",
    NOT_COMPARABLE: f"{NOT_COMPARABLE}: {REASON}",
}


@dataclass(frozen=True)
class OneClass:
    """A classifier that calls nearly every image of a domain one class.

    Attributes:
        subject: the classifier, and what it was tested on.
        called: name of that class.
        words: a sentence on what is left of its judgement.
    """

    subject: Subject
    called: str
    words: str

    @property
    def name(self) -> str:
        """The subject in words."""
        return subject_name(self.subject)


def one_class(
    matrix: Mapping[str, Mapping[str, Mapping]], classes: Sequence[str]
) -> list[OneClass]:
    """Every classifier and domain of `metrics/matrix.json` whose images get one name."""
    found = []
    for arm, results in matrix.items():
        for domain, result in results.items():
            only = only_class(result)
            if only is None:
                continue
            area = f"ROC-AUC is {result['roc_auc']:.2f} (0.5 by chance, at most 1)"
            said = f"{area}: it hardly ranks them either."
            if result["roc_auc"] >= RANKS:
                said = (
                    f"{area}: it still ranks them, but nearly all its probabilities lie on one "
                    "side of the threshold of 0.5. Accuracy shows the threshold here, ROC-AUC the "
                    "ranking."
                )
            words = (
                f"{subject_name((arm, domain))} calls nearly every image “{classes[only]}”. {said}"
            )
            found.append(OneClass((arm, domain), classes[only], words))
    return found


def at_a_glance(
    matrix: Mapping[str, Mapping[str, Mapping]],
    trained_on: Mapping[str, str],
    sizes: tuple[int, int],
) -> str:
    """How right A, B and C are about real images, and A about enlarged ones.

    Args:
        matrix: arm to domain to scores.
        trained_on: arm to what it was trained on, in words.
        sizes: sides of HR and LR images in pixels.
    """
    images = matrix["a"]["hr"]["n"]

    def right(arm: str, domain: str) -> str:
        return f"{points(matrix[arm][domain]['accuracy'], images).text} %"

    hr, lr = sizes
    b_images = "SRGAN's enlargements"
    if trained_on["b"] != DOMAINS["sr"]:
        b_images += " beside real images"
    text = (
        f"A, trained on real images, calls {right('a', 'hr')} of real test images rightly, and "
        f"{right('a', 'sr')} of the same images made small ({lr} pixels) and enlarged by SRGAN "
        f"({hr} pixels). Of the real ones B, trained on {b_images}, calls "
        f"{right('b', 'hr')} rightly"
    )
    if "c" in matrix:
        text += f", and C, trained on bicubic enlargements, {right('c', 'hr')}"
    return text + "."


def largest_finding(
    results: Mapping[str, str],
    differences: Mapping[str, Mapping[str, Mapping]],
    margin: float,
    images: int,
) -> str:
    """The largest difference in accuracy that a declared test shows, in a sentence.

    Args:
        results: from `verdict.outcomes`.
        differences: name to what `significance.difference` returns.
        margin: of equivalence, in (0, 1).
        images: in the test set.
    """
    sizes = {
        pair: abs(differences[pair]["accuracy"]["difference"])
        for pair, result in results.items()
        if result in ("better", "worse") and is_declared(differences[pair]["accuracy"])
    }
    if not sizes:
        return "No declared test shows a difference in accuracy."
    pair = max(sizes, key=sizes.__getitem__)
    return sentence(pair, differences[pair]["accuracy"], margin, images)


def empty_comparisons(
    results: Mapping[str, str], differences: Mapping[str, Mapping[str, Mapping]]
) -> list[str]:
    """A sentence for each pair of two constant answers, as in the verdict."""
    return [
        not_comparable(name, differences[name]["roc_auc"])
        for name, result in results.items()
        if result == NOT_COMPARABLE
    ]
