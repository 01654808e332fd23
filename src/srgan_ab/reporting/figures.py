"""Figures of the comparison: all results on one page.

Colours are Okabe & Ito's and viridis, which colour-blind readers can tell apart.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from srgan_ab.common.arms import ARM_NAMES, DOMAINS, Subject, subject_name, trained_on
from srgan_ab.common.files import atomic_file
from srgan_ab.statistics.one_class import REASON, constant
from srgan_ab.statistics.significance import pairs_of
from srgan_ab.statistics.verdict import differs, p_in_words

BLUE, VERMILION, GREY = "#0072b2", "#d55e00", "#777777"


def accuracy_matrix(
    axes: Axes, matrix: Mapping[str, Mapping[str, Mapping]], trained_on: Mapping[str, str]
) -> None:
    """Arms down, test domains across; accuracy in percent and its 95 % interval in every cell.

    Args:
        axes: to draw on.
        matrix: arm to domain to scores, of `matrix.score_matrix`.
        trained_on: arm to what it was trained on, in words.
    """
    arms, domains = list(matrix), list(matrix["a"])
    values, lows, highs = (
        100 * np.array([[matrix[arm][domain][key] for domain in domains] for arm in arms])
        for key in ("accuracy", "accuracy_low", "accuracy_high")
    )
    axes.imshow(values, cmap="viridis", aspect="auto")
    middle = (values.min() + values.max()) / 2
    for (row, column), value in np.ndenumerate(values):
        ink = "black" if value > middle else "white"
        axes.text(column, row, f"{value:.1f}", ha="center", va="bottom", size=12, color=ink)
        ends = f"{lows[row, column]:.1f} to {highs[row, column]:.1f}"
        axes.text(column, row + 0.05, ends, ha="center", va="top", size=8, color=ink)
    axes.set_xticks(range(len(domains)), [DOMAINS[domain] for domain in domains])
    axes.set_yticks(range(len(arms)), [f"{ARM_NAMES[a]}: {trained_on[a]}" for a in arms])
    axes.set(
        title="Accuracy (%), with 95 % intervals",
        xlabel="tested on",
        ylabel="classifier: trained on",
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def roc_curves(
    axes: Axes,
    roc: Mapping[str, pd.DataFrame],
    auc: Mapping[str, float],
    trained_on: Mapping[str, str],
) -> None:
    """ROC of A and B.

    Args:
        axes: to draw on.
        roc: columns `fpr tpr` for the arms a and b.
        auc: ROC-AUC of a and b.
        trained_on: arm to what it was trained on, in words.
    """
    for arm, colour, style in (("a", BLUE, "-"), ("b", VERMILION, "--")):
        label = f"{ARM_NAMES[arm]}: {trained_on[arm]}, area {auc[arm]:.4f}"
        axes.plot(roc[arm]["fpr"], roc[arm]["tpr"], style, color=colour, lw=2, label=label)
    axes.plot([0, 1], [0, 1], ":", color=GREY, lw=1, label="chance, area 0.5")
    axes.set(
        title="ROC on real HR images",
        xlabel="false positive rate",
        ylabel="true positive rate",
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        aspect="equal",
    )
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", frameon=False)


def difference_forest(
    axes: Axes,
    pairs: Mapping[str, tuple[Subject, Subject]],
    differences: Mapping[str, Mapping[str, Mapping[str, float]]],
    one_class: Collection[Subject],
) -> None:
    """Differences in accuracy with their intervals and p, the first pair on top.

    Args:
        axes: to draw on.
        pairs: name to (first, second).
        differences: name to what `significance.difference` returns.
        one_class: from `one_class.constant`; a pair of two of them has a cross.
    """
    names, numbers = [], []
    marks = ["filled: it excludes 0, and this p is at most 0.05"]
    for row, (pair, (first, second)) in enumerate(pairs.items()):
        result = differences[pair]["accuracy"]
        value, low, high = (100 * result[key] for key in ("difference", "low", "high"))
        empty = {first, second} <= set(one_class)
        clear = differs(result) and not empty
        colour, marker = "black" if clear else GREY, "X" if empty else "o"
        axes.plot([low, high], [row, row], color=colour, lw=2.5, solid_capstyle="butt")
        axes.plot(value, row, marker, color=colour, ms=8, mfc=colour if clear else "white", mew=2)
        interval = f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
        numbers.append(f"{interval:<26}p {p_in_words(result)}".replace("-", "−"))
        names.append(f"{subject_name(first)} − {subject_name(second)}")
    if any(set(pair) <= set(one_class) for pair in pairs.values()):
        marks.append(f"cross: {REASON}")
    axes.axvline(0, color="black", lw=1)
    axes.set_yticks(range(len(names)), names)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(names)), numbers, family="monospace")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(
        title=f"Differences in accuracy, with 95 % intervals ({'; '.join(marks)})",
        xlabel="percentage points; right of 0 the first of the two is better",
    )
    axes.grid(axis="x", alpha=0.25)
    for side in (axes, right):
        side.tick_params(axis="y", length=0)
        side.spines[["top", "right", "left"]].set_visible(False)


def comparison(
    matrix: Mapping[str, Mapping[str, Mapping]],
    roc: Mapping[str, pd.DataFrame],
    differences: Mapping[str, Mapping[str, Mapping[str, float]]],
    images: int,
    replicates: int,
    synthetic: bool,
    b_images: str,
) -> Figure:
    """The whole result on one page: arms by domains, ROC of A and B, differences.

    Args:
        matrix: arm to domain to scores, of `matrix.score_matrix`.
        roc: columns `fpr tpr` for the arms a and b.
        differences: name to what `significance.difference` returns.
        images: in the test set.
        replicates: networks per arm.
        synthetic: whether the images are rendered, which the title then says.
        b_images: `b.images` of params.yaml, what B was trained on.
    """
    auc = {arm: matrix[arm]["hr"]["roc_auc"] for arm in roc}
    pairs = pairs_of(matrix)
    arms = trained_on(b_images)
    kind = "synthetic test" if synthetic else "test"
    figure = Figure(figsize=(13, 6 + 0.4 * len(pairs)), dpi=100, layout="constrained")
    heights = (5, 1 + 0.4 * len(pairs))
    (upper,), (lower,) = figure.subfigures(2, 1, False, hspace=0.03, height_ratios=heights)
    networks = "one network" if replicates == 1 else f"the mean of {replicates} networks"
    figure.suptitle(
        f"Classifiers on the same {images:,} {kind} images, {networks} per arm", size=15
    )
    left, right = upper.subplots(1, 2, width_ratios=(1.25, 1))
    accuracy_matrix(left, matrix, arms)
    roc_curves(right, roc, auc, arms)
    difference_forest(lower.subplots(), pairs, differences, constant(matrix))
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG whose bytes depend on nothing but the figure."""
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
