"""Pictures of the comparison: all results on one page, and test images with what was said of them.

Colours are Okabe & Ito's and viridis, which colour-blind readers can tell apart.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from srgan_ab.common.files import atomic_file
from srgan_ab.common.packs import DOMAINS
from srgan_ab.common.pictures import contact_sheet
from srgan_ab.evaluation.classification import THRESHOLD
from srgan_ab.evaluation.predictions import Subject

BLUE, VERMILION, GREY = "#0072b2", "#d55e00", "#777777"
ARM_NAMES = {"a": "A", "b": "B", "b_plus": "B+", "c": "C", "c_plus": "C+", "r": "R"}
TRAINED_ON = {
    "a": "real HR",
    "b": "SRGAN",
    "b_plus": "real HR + SRGAN",
    "c": "bicubic",
    "c_plus": "real HR + bicubic",
    "r": "SRResNet",
}
DOMAIN_NAMES = {"hr": "real HR", "sr": "SRGAN", "bicubic": "bicubic", "srresnet": "SRResNet"}
COLUMNS = 6  # of the prediction sheets
FRAME = 4  # pixels


def accuracy_matrix(
    axes: Axes, accuracy: Mapping[Subject, float], trained_on: Mapping[str, str]
) -> None:
    """Arms down, test domains across, percent in every cell.

    Args:
        axes: to draw on.
        accuracy: (arm, domain) to accuracy in [0, 1].
        trained_on: arm to what it was trained on, in words.
    """
    arms = list(dict.fromkeys(arm for arm, _ in accuracy))
    values = 100 * np.array([[accuracy[arm, domain] for domain in DOMAINS] for arm in arms])
    axes.imshow(values, cmap="viridis", aspect="auto")
    middle = (values.min() + values.max()) / 2
    for (row, column), value in np.ndenumerate(values):
        colour = "black" if value > middle else "white"
        axes.text(column, row, f"{value:.1f}", ha="center", va="center", color=colour, size=12)
    axes.set_xticks(range(len(DOMAINS)), [DOMAIN_NAMES[domain] for domain in DOMAINS])
    axes.set_yticks(range(len(arms)), [f"{ARM_NAMES[a]}: {trained_on[a]}" for a in arms])
    axes.set(title="Accuracy (%)", xlabel="tested on", ylabel="classifier: trained on")
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


def trained_on(b_images: str) -> dict[str, str]:
    """What each arm was trained on, in words, by `b.images` of params.yaml."""
    return TRAINED_ON | ({"b": TRAINED_ON["b_plus"]} if b_images == "hr+sr" else {})


def subject_name(subject: Subject) -> str:
    """Arm and test domain in words: "B on real HR"."""
    arm, domain = subject
    return f"{ARM_NAMES[arm]} on {DOMAIN_NAMES[domain]}"


def difference_forest(
    axes: Axes,
    pairs: Mapping[str, tuple[Subject, Subject]],
    differences: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> None:
    """Differences in accuracy with their intervals, the first pair on top.

    Args:
        axes: to draw on.
        pairs: name to (first, second).
        differences: name to what `significance.difference` returns.
    """
    names, numbers = [], []
    for row, (pair, (first, second)) in enumerate(pairs.items()):
        result = differences[pair]["accuracy"]
        value, low, high = (100 * result[key] for key in ("difference", "low", "high"))
        clear = low > 0 or high < 0
        colour = "black" if clear else GREY
        axes.plot([low, high], [row, row], color=colour, lw=2.5, solid_capstyle="butt")
        axes.plot(value, row, "o", color=colour, ms=8, mfc=colour if clear else "white", mew=2)
        p = f"p = {result['p']:.3f}" if result["p"] >= 0.001 else "p < 0.001"
        interval = f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
        numbers.append(f"{interval:<26}{p}".replace("-", "−"))
        names.append(f"{subject_name(first)} − {subject_name(second)}")
    axes.axvline(0, color="black", lw=1)
    axes.set_yticks(range(len(names)), names)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(names)), numbers, family="monospace")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(
        title="Differences in accuracy, with 95 % intervals (filled: the interval excludes 0)",
        xlabel="percentage points; right of 0 the first of the two is better",
    )
    axes.grid(axis="x", alpha=0.25)
    for side in (axes, right):
        side.tick_params(axis="y", length=0)
        side.spines[["top", "right", "left"]].set_visible(False)


def comparison(
    accuracy: Mapping[Subject, float],
    roc: Mapping[str, pd.DataFrame],
    auc: Mapping[str, float],
    pairs: Mapping[str, tuple[Subject, Subject]],
    differences: Mapping[str, Mapping[str, Mapping[str, float]]],
    images: int,
    replicates: int,
    synthetic: bool,
    b_images: str,
) -> Figure:
    """The whole result on one page: arms by domains, ROC of A and B, differences.

    Args:
        accuracy: (arm, domain) to accuracy in [0, 1].
        roc: columns `fpr tpr` for the arms a and b.
        auc: ROC-AUC of a and b.
        pairs: name to (first, second).
        differences: name to what `significance.difference` returns.
        images: in the test set.
        replicates: networks per arm.
        synthetic: whether the images are rendered, which the title then says.
        b_images: `b.images` of params.yaml, what B was trained on.
    """
    arms = trained_on(b_images)
    kind = "synthetic test" if synthetic else "test"
    figure = Figure(figsize=(13, 6 + 0.4 * len(pairs)), dpi=100, layout="constrained")
    rows = figure.subfigures(2, 1, hspace=0.03, height_ratios=(5, 1 + 0.4 * len(pairs)))
    networks = "one network" if replicates == 1 else f"the mean of {replicates} networks"
    figure.suptitle(
        f"Classifiers on the same {images:,} {kind} images, {networks} per arm", size=15
    )
    left, right = rows[0].subplots(1, 2, width_ratios=(1.25, 1))
    accuracy_matrix(left, accuracy, arms)
    roc_curves(right, roc, auc, arms)
    difference_forest(rows[1].subplots(), pairs, differences)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG whose bytes depend on nothing but the figure."""
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def choose_images(
    labels: np.ndarray, a: np.ndarray, b: np.ndarray, seed: int, count: int = 24
) -> np.ndarray:
    """Rows of the test images worth showing, the same for A and for B.

    At most a quarter of them are images that both get wrong, a quarter that only A, and a quarter
    that only B gets wrong, in this order; the rest are any others. All are drawn at random.

    Args:
        labels: (N,) of 0 and 1.
        a: (N,) probabilities of the positive class by A.
        b: the same by B.
        seed: of the draw.
        count: of images.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    a_wrong, b_wrong = (((p >= THRESHOLD) != labels)[order] for p in (a, b))
    kinds = (a_wrong & b_wrong, a_wrong & ~b_wrong, ~a_wrong & b_wrong)
    telling = np.concatenate([order[kind][: count // 4] for kind in kinds])
    others = order[~np.isin(order, telling)]
    return np.concatenate([telling, others])[:count]


def _framed(image: np.ndarray) -> np.ndarray:
    framed = np.array(image)
    colour = [int(VERMILION[i : i + 2], 16) for i in (1, 3, 5)]
    for edge in (np.s_[:FRAME], np.s_[-FRAME:], np.s_[:, :FRAME], np.s_[:, -FRAME:]):
        framed[edge] = colour
    return framed


def prediction_sheet(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    title: str,
) -> Image.Image:
    """Images under which stands what they show and what was said of them; errors are framed.

    Args:
        images: (N, H, W, 3) uint8 RGB.
        labels: (N,) of 0 and 1.
        probabilities: (N,) of class 1.
        classes: names of class 0 and 1.
        title: whose predictions these are, and of what images.
    """
    said = (probabilities >= THRESHOLD).astype(int)
    share = np.where(said == 1, probabilities, 1 - probabilities)
    captions = [
        f"{classes[truth]}, called {classes[call]} {p:.0%}"
        for truth, call, p in zip(labels, said, share, strict=True)
    ]
    tiles = [
        _framed(image) if call != truth else image
        for image, call, truth in zip(images, said, labels, strict=True)
    ]
    starts = range(0, len(tiles), COLUMNS)
    return contact_sheet(
        [tiles[start : start + COLUMNS] for start in starts],
        columns=[f"{title}. Below: truth, call and its probability. Framed: wrong."],
        captions=[captions[start : start + COLUMNS] for start in starts],
    )
