"""Tables of the report: what other stages measured."""

from collections.abc import Mapping, Sequence

import pandas as pd

from srgan_ab.common.arms import ARM_NAMES, DOMAINS, Subject, subject_name
from srgan_ab.reporting.cells import Cell, Table, interval, number, points, text
from srgan_ab.statistics.bootstrap import SCORES
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
METHOD_NAMES = {
    "photographs": "real against real",
    "lanczos": "Lanczos",
    "srresnet": DOMAINS["srresnet"],
    "perceptual": DOMAINS["perceptual"],
    "srgan": DOMAINS["sr"],
}
QUALITY_NAMES = {
    "psnr_rgb": "PSNR RGB (dB)",
    "psnr_y": "PSNR Y (dB)",
    "ssim_y": "SSIM Y",
    "lpips": "LPIPS",
    "lite0_distance": "distance of EfficientNet-Lite0's features",
    "lr_psnr": "LR consistency, PSNR RGB (dB)",
    "realism": "realism (0.5: not told from real)",
}
QUALITY_DECIMALS = dict(zip(QUALITY_NAMES, (2, 2, 4, 4, 3, 2, 3), strict=True))


def split_table(split: Mapping[str, int], classes: Sequence[str]) -> Table:
    """Images per class and split, of `metrics/split.json`."""
    sides = {"training": "train", "validation": "val", "test": "test"}
    rows = [
        [text(name), *(number(split[f"{side}_{name}"]) for side in sides.values())]
        for name in classes
    ]
    rows.append([text("all"), *(number(split[side]) for side in sides.values())])
    return Table("Images in each split", ["class", *sides], rows)


def reject_table(data: Mapping[str, int]) -> Table:
    """Files found, and what became of them, of `metrics/data.json`."""
    rows = [[text(key), number(data[key])] for key in ("found", "accepted", "flagged", "rejected")]
    rows.append([text("left out unread: hidden, or left by a system"), number(data["left_out"])])
    for kind in (key for key in data if key.startswith("rejected_")):
        name = kind.removeprefix("rejected_").replace("_", " ")
        rows.append([text(f"rejected: {name}"), number(data[kind])])
    return Table("Files of the source", ["what became of them", "files"], rows)


def quality_table(caption: str, quality: Mapping[str, Mapping[str, float | None]]) -> Table:
    """Methods by measures: one entry of `metrics/sr.json` or `metrics/benchmarks.json`."""
    shown = [key for key in QUALITY_NAMES if any(key in values for values in quality.values())]
    rows = [
        [
            text(METHOD_NAMES.get(method, method)),
            *(number(values.get(k), QUALITY_DECIMALS[k], none="not measured") for k in shown),
        ]
        for method, values in quality.items()
    ]
    return Table(caption, ["method", *(QUALITY_NAMES[key] for key in shown)], rows)


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


def score_table(matrix: Mapping[str, Mapping]) -> Table:
    """Every score of every arm in every domain."""
    rows = [
        [
            text(ARM_NAMES[arm]),
            text(DOMAINS[domain]),
            *(number(result[score], 4) for score in SCORES),
        ]
        for arm, results in matrix.items()
        for domain, result in results.items()
    ]
    return Table(
        "Every score", ["arm", "tested on", *(SCORE_NAMES[score] for score in SCORES)], rows
    )


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
    pairs: Mapping[str, tuple[Subject, Subject]], differences: Mapping[str, Mapping], images: int
) -> Table:
    """The tests of accuracy, each with the p that is spoken of."""

    def probability(result: Mapping, name: str = "p") -> Cell:
        return Cell(p_in_words(result, name).removeprefix("= "), spoken_p(result, name))

    decimals = 1 if images < 1000 else 2
    rows = []
    for name, (first, second) in pairs.items():
        result = differences[name]["accuracy"]
        low, high = (100 * result[key] for key in ("low", "high"))
        rows.append(
            [
                text(f"{subject_name(first)} − {subject_name(second)}"),
                text("declared" if is_declared(result) else "explored"),
                points(result["difference"], images, "+"),
                Cell(interval(low, high, decimals, "+"), result["low"]),
                probability(result),
                probability(result, "p_equivalence"),
                points(result["disagreement"], images),
                points(result["least_detectable"], images),
                text(result["method"]),
            ]
        )
    head = [
        *("pair", "test", "difference (points)", "95 % interval"),
        *("p", "p of equivalence", "disagreement (%)", "least detectable (points)", "method"),
    ]
    return Table("Differences in accuracy", head, rows)


def difference_table(
    pairs: Mapping[str, tuple[Subject, Subject]], differences: Mapping[str, Mapping]
) -> Table:
    """Differences in every score: intervals and how they were made, without tests.

    Two methods give one difference two intervals: where classes are equally many, balanced accuracy
    is accuracy, but of the two only accuracy can have one in closed form.
    """
    rows = []
    for name, (first, second) in pairs.items():
        for score in SCORES:
            result = differences[name][score]
            rows.append(
                [
                    text(f"{subject_name(first)} − {subject_name(second)}"),
                    text(SCORE_NAMES[score]),
                    number(result["difference"], 4, "+"),
                    Cell(interval(result["low"], result["high"], 4, "+"), result["low"]),
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
        *("arm", "temperature", "log loss (nats)", "log loss, tempered", "ECE", "ECE, tempered"),
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


def gap_table(generator: Mapping[str, Mapping]) -> Table:
    """PSNR of training images as classifiers see them, and of test images."""
    rows = [
        [
            text(METHOD_NAMES[method]),
            *(number(generator[method][f"psnr_rgb_{side}"], 2) for side in ("train", "test")),
            number(generator[method]["gap"], 2, "+"),
        ]
        for method in METHOD_NAMES
        if method in generator
    ]
    train = "on training images, not seen" if "folds" in generator else "on training images"
    head = ["generator", train, "on test images", "gap"]
    return Table("PSNR RGB (dB) of the generators", head, rows)


def cost_table(
    training: Mapping[str, Mapping[str, float]],
    generators: Mapping[str, float],
    perceptual: Mapping[str, float],
) -> Table:
    """Size and length of every training.

    Args:
        training: arm to `metrics/train_<arm>.json`.
        generators: `metrics/train_srgan.json`.
        perceptual: `metrics/train_perceptual.json`, empty where it was left out.
    """
    rows = [
        [
            text(f"classifier {ARM_NAMES[arm]}"),
            number(result["parameters"]),
            number(result["n_train"]),
            number(result["n_val"]),
            number(result["updates"]),
            number(result["best_epoch"]),
        ]
        for arm, result in training.items()
    ]
    networks = [("generator", "generator", generators)]
    networks += [("discriminator", "discriminator", generators)]
    if perceptual:
        networks += [(f"generator, {METHOD_NAMES['perceptual']}", "generator", perceptual)]
    rows += [
        [
            text(name),
            number(result[f"{kind}_parameters"]),
            number(result["n_train"]),
            number(result["n_val"]),
            number(None),
            number(result["epoch"]),
        ]
        for name, kind, result in networks
    ]
    head = [
        *("network", "parameters", "training images", "validation images"),
        *("updates", "epoch chosen"),
    ]
    return Table("Networks and their training", head, rows)
