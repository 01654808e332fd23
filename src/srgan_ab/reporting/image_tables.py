"""Tables of the report on the images, the generators and what training took."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from srgan_ab.common.arms import ARM_NAMES, DOMAINS
from srgan_ab.reporting.cells import Table, number, text

REFERENCE = "photographs"  # no method: it is not among the best
METHOD_NAMES = {
    REFERENCE: "real against real",
    "lanczos": "Lanczos",
    "srresnet": DOMAINS["srresnet"],
    "perceptual": DOMAINS["perceptual"],
    "srgan": DOMAINS["sr"],
    "task": DOMAINS["task"],
}
QUALITY_NAMES = {  # arrows: more or less is better
    "psnr_rgb": "PSNR RGB (dB) ↑",
    "psnr_y": "PSNR Y (dB) ↑",
    "ssim_y": "SSIM Y ↑",
    "lpips": "LPIPS ↓",
    "lite0_distance": "distance of EfficientNet-Lite0's features ↓",
    "lr_psnr": "LR consistency, PSNR RGB (dB) ↑",
    "realism": "realism (0.5: not told from real) ↓",
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


def _as_shown(measure: str, value: float) -> float:
    """To be compared: rounded; realism below 0.5 is 0.5, as the judge is wrong by chance there."""
    shown = round(value, QUALITY_DECIMALS[measure])
    return max(shown, 0.5) if measure == "realism" else shown


def _best(measure: str, quality: Mapping[str, Mapping[str, float | None]]) -> float | None:
    """The best value of a measure as it is shown; None where there is nothing to compare."""
    shown = [
        _as_shown(measure, value)
        for method, values in quality.items()
        if method != REFERENCE and (value := values.get(measure)) is not None
    ]
    if len(shown) < 2:
        return None
    return max(shown) if QUALITY_NAMES[measure].endswith("↑") else min(shown)


def quality_table(caption: str, quality: Mapping[str, Mapping[str, float | None]]) -> Table:
    """Methods by measures: one entry of `metrics/sr.json` or `metrics/benchmarks.json`."""
    shown = [key for key in QUALITY_NAMES if any(key in values for values in quality.values())]
    best = {measure: _best(measure, quality) for measure in shown}
    rows = []
    for method, values in quality.items():
        cells = []
        for measure in shown:
            value, decimals = values.get(measure), QUALITY_DECIMALS[measure]
            cell = number(value, decimals, none="not measured")
            if value is not None and method != REFERENCE:
                cell = replace(cell, best=_as_shown(measure, value) == best[measure])
            cells.append(cell)
        rows.append([text(METHOD_NAMES.get(method, method)), *cells])
    return Table(caption, ["method", *(QUALITY_NAMES[measure] for measure in shown)], rows)


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
    alone: Mapping[str, Mapping[str, float]],
) -> Table:
    """Size and length of every training.

    Args:
        training: arm to `metrics/train_<arm>.json`.
        generators: `metrics/train_srgan.json`.
        alone: `metrics/train_<name>.json` of generators with a stage of their own, empty where one
            was left out.
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
    for name, result in alone.items():
        if result:
            method = METHOD_NAMES[name.removesuffix("_sr")]
            networks.append((f"generator, {method}", "generator", result))
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
