"""Tables of the report on the classifiers: how right they are, and which of them differ."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from srgan_ab.common.arms import ARM_NAMES, DOMAINS, Subject, subject_name
from srgan_ab.reporting.cells import Cell, Table, interval, number, points, text
from srgan_ab.reporting.findings import RESULTS
from srgan_ab.statistics.advice import options
from srgan_ab.statistics.bootstrap import SCORES
from srgan_ab.statistics.one_class import rightly_called
from srgan_ab.statistics.verdict import is_declared, p_in_words, spoken_p

SCORE_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "roc_auc": "ROC-AUC",
    "average_precision": "average precision",
    "log_loss": "log loss (nats)",
    "brier": "Brier score",
    "ece": "ECE",
}
SHARES = ("accuracy", "balanced_accuracy", "f1", "precision", "recall")  # shown in per cent
LESS_IS_BETTER = ("log_loss", "brier", "ece")


def _score(score: str, value: float, images: int, sign: str = "") -> Cell:
    return points(value, images, sign) if score in SHARES else number(value, 3, sign)


def _score_head(score: str) -> str:
    unit = " (%)" if score in SHARES else ""
    return f"{SCORE_NAMES[score]}{unit} {'↓' if score in LESS_IS_BETTER else '↑'}"


def matrix_table(matrix: Mapping[str, Mapping], trained_on: Mapping[str, str]) -> Table:
    """Accuracy of every arm in every test domain, with its interval."""
    rows, networks, domains = [], "", list(matrix["a"])
    for arm, results in matrix.items():
        cells = []
        for domain in domains:
            value, images = results[domain]["accuracy"], results[domain]["n"]
            networks = " and networks" if len(results[domain]["accuracy_of_replicates"]) > 1 else ""
            ends = (points(results[domain][f"accuracy_{end}"], images) for end in ("low", "high"))
            shown = f"{points(value, images).text} ({' to '.join(end.text for end in ends)})"
            cells.append(Cell(shown, value, heat=max(0.0, 2 * value - 1)))
        rows.append([text(ARM_NAMES[arm]), text(trained_on[arm]), *cells])
    head = ["arm", "trained on", *(f"on {DOMAINS[domain]}" for domain in domains)]
    return Table(f"Accuracy in %, with 95 % intervals over test images{networks}", head, rows)


def advice_table(matrix: Mapping[str, Mapping]) -> Table:
    """Accuracy by enlargement: of A as it is, and of the arm that such images trained."""

    def shown(subject: Subject | None) -> Cell:
        if subject is None:
            return text("not trained")
        result = matrix[subject[0]][subject[1]]
        value, *ends = (
            points(result[f"accuracy{end}"], result["n"]) for end in ("", "_low", "_high")
        )
        accuracy = f"{value.text} ({ends[0].text} to {ends[1].text})"
        return Cell(f"{ARM_NAMES[subject[0]]}: {accuracy}", value.value)

    rows = [[text(DOMAINS["hr"]), shown(("a", "hr")), text("the same")]]
    rows += [
        [text(DOMAINS[o.domain]), shown(o.as_it_is), shown(o.retrained)] for o in options(matrix)
    ]
    head = ["images", "classifier stays as real HR trained it", "classifier trained on such images"]
    return Table(
        "Where only small images are to be had: accuracy in %, with 95 % intervals", head, rows
    )


def score_table(matrix: Mapping[str, Mapping]) -> Table:
    """Every score of every arm in every domain."""
    rows = [
        [
            text(ARM_NAMES[arm]),
            text(DOMAINS[domain]),
            *(_score(score, result[score], result["n"]) for score in SCORES),
        ]
        for arm, results in matrix.items()
        for domain, result in results.items()
    ]
    return Table("Every score", ["arm", "tested on", *map(_score_head, SCORES)], rows)


def one_class_table(
    matrix: Mapping[str, Mapping], subjects: Sequence[Subject], classes: Sequence[str]
) -> Table:
    """Calls of the classifiers that call nearly all images one class, and how well they rank."""
    rows = []
    for arm, domain in subjects:
        result = matrix[arm][domain]
        negative, positive = rightly_called(result)
        shares = (negative, 1 - negative, 1 - positive, positive)
        rows.append(
            [
                text(subject_name((arm, domain))),
                *(replace(points(share, result["n"]), heat=share) for share in shares),
                number(result["roc_auc"], 3),
            ]
        )
    calls = [f"{truth} called {call} (%)" for truth in classes for call in classes]
    caption = "Classifiers that call nearly all images one class"
    return Table(caption, ["classifier", *calls, "ROC-AUC ↑"], rows)


def replicate_table(matrix: Mapping[str, Mapping], images: int) -> Table:
    """Accuracy on real HR of every network, for several networks per arm."""
    each = {arm: results["hr"]["accuracy_of_replicates"] for arm, results in matrix.items()}
    networks = max(map(len, each.values()))
    rows = [
        [text(ARM_NAMES[a]), *(points(v, images) for v in values)] for a, values in each.items()
    ]
    head = ["arm", *(f"network {n + 1}" for n in range(networks))]
    return Table("Accuracy in % on real HR, network by network", head, rows)


def pair_table(
    pairs: Mapping[str, tuple[Subject, Subject]],
    differences: Mapping[str, Mapping],
    results: Mapping[str, str],
    images: int,
) -> Table:
    """The tests of accuracy, each with its result and the p that is spoken of.

    Args:
        pairs: name to (first, second).
        differences: name to what `significance.difference` returns.
        results: name to a key of `findings.RESULTS`.
        images: in the test set.
    """

    def probability(result: Mapping, name: str = "p") -> Cell:
        words = p_in_words(result, name).removeprefix("= ").replace("< ", "<\u00a0")
        return Cell(words, spoken_p(result, name))

    decimals = 1 if images < 1000 else 2
    rows = []
    for name, (first, second) in pairs.items():
        result = differences[name]["accuracy"]
        low, high = (100 * result[key] for key in ("low", "high"))
        rows.append(
            [
                text(f"{subject_name(first)} − {subject_name(second)}"),
                text(RESULTS[results[name]]),
                points(result["difference"], images, "+"),
                Cell(interval(low, high, decimals, "+"), result["low"]),
                probability(result),
                text("declared" if is_declared(result) else "explored"),
                probability(result, "p_equivalence"),
                points(result["disagreement"], images),
                points(result["least_detectable"], images),
                text(result["method"]),
            ]
        )
    head = [
        *("pair", "first is", "difference (points)", "95 % interval", "p", "test"),
        *("p of equivalence", "disagreement (%)", "least detectable (points)", "method"),
    ]
    return Table("Differences in accuracy", head, rows)


def agreement_table(
    pairs: Mapping[str, tuple[Subject, Subject]],
    agreement: Mapping[str, Mapping[str, float | None]],
    images: int,
) -> Table:
    """Of every pair, what each gets right that the other does not, and how alike both call."""
    rows = [
        [
            text(f"{subject_name(first)} / {subject_name(second)}"),
            *(
                points(agreement[name][key], images)
                for key in ("only_first", "only_second", "both_wrong", "both_wrong_by_chance")
            ),
            *(number(agreement[name][key], 2) for key in ("kappa", "rank_correlation")),
        ]
        for name, (first, second) in pairs.items()
    ]
    head = [
        *("pair", "only the first right (%)", "only the second right (%)", "both wrong (%)"),
        *("both wrong by chance (%)", "κ of the calls", "rank correlation"),
    ]
    return Table("How alike both call the same images", head, rows)


def difference_table(
    pairs: Mapping[str, tuple[Subject, Subject]], differences: Mapping[str, Mapping], images: int
) -> Table:
    """Differences in every score: intervals and how they were made, without tests.

    Two methods give one difference two intervals: where classes are equally many, balanced accuracy
    is accuracy, but of the two only accuracy can have one in closed form.
    """
    rows = []
    for name, (first, second) in pairs.items():
        for score in SCORES:
            result, unit = differences[name][score], " points" if score in SHARES else ""
            shown = {end: _score(score, result[end], images, "+") for end in ("low", "high")}
            difference = _score(score, result["difference"], images, "+")
            rows.append(
                [
                    text(f"{subject_name(first)} − {subject_name(second)}"),
                    text(SCORE_NAMES[score]),
                    replace(difference, text=difference.text + unit),
                    Cell(f"{shown['low'].text} to {shown['high'].text}", result["low"]),
                    text(result["method"]),
                ]
            )
    head = ["pair", "score", "difference", "95 % interval", "method of the interval"]
    return Table("Differences in every score", head, rows)


def confusion_table(caption: str, calls: pd.DataFrame, classes: Sequence[str]) -> Table:
    """Rows the truth, columns the call: share of the truth's images and their number.

    Args:
        caption: whose calls these are.
        calls: columns `actual predicted`, a row per image and network.
        classes: names of class 0 and 1.
    """
    counts = pd.crosstab(calls["actual"], calls["predicted"])
    counts = counts.reindex(index=list(classes), columns=list(classes), fill_value=0)
    rows = []
    for truth in classes:
        calls_of = counts.loc[truth].to_numpy()
        total = calls_of.sum()
        cells = [
            Cell(f"{100 * n / total:.1f} % ({n:,} of {total:,})", n / total, heat=n / total)
            for n in calls_of
        ]
        rows.append([text(truth), *cells])
    return Table(caption, ["truth", *(f"called {name}" for name in classes)], rows)


def calibration_table(calibration: Mapping[str, Mapping[str, float]]) -> Table:
    """Log loss and ECE on real HR before and after temperature scaling."""
    rows = []
    for arm, result in calibration.items():
        cells = []
        for name in ("log_loss", "tempered_log_loss", "ece", "tempered_ece"):
            ends = interval(result[f"{name}_low"], result[f"{name}_high"], 3)
            cells.append(Cell(f"{result[name]:.3f} ({ends})", result[name]))
        rows.append([text(ARM_NAMES[arm]), number(result["temperature"], 2), *cells])
    head = [
        *("arm", "temperature", "log loss (nats) ↓", "log loss, tempered ↓"),
        *("ECE ↓", "ECE, tempered ↓"),
    ]
    return Table("Calibration on real HR, with 95 % intervals", head, rows)


def seen_table(ledger: Mapping[str, Mapping], images: int) -> Table:
    """What every classifier has seen, and whether flagged images matter."""
    rows = []
    for arm, entry in ledger["arms"].items():
        accuracy = ledger["accuracy"][arm]
        train, validation = entry["train"], entry["val"]
        rows.append(
            [
                text(ARM_NAMES[arm]),
                text(", ".join(DOMAINS[domain] for domain in train["domains"])),
                number(train["ids"]),
                number(train["images"]),
                points(train["positive"], images),
                number(validation["ids"]),
                number(entry["test_ids_seen"]),
                points(accuracy["all"], images),
                points(accuracy["without_flagged"], images),
            ]
        )
    head = [
        *("arm", "trained on", "training ids", "training images", "positive (%)"),
        *("validation ids", "test ids seen", "accuracy (%)", "without flagged (%)"),
    ]
    return Table("What each classifier has seen", head, rows)
