"""Charts of the report: SVG to stand inside a page, whose colours and font they take.

A drawing depends on nothing but its numbers. Colours become the page's CSS variables, black its
text colour, so that the same drawing serves light and dark.
"""

import html
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from srgan_ab.common.arms import ARM_NAMES, DOMAINS, Subject, subject_name
from srgan_ab.reporting.figures import BLUE, GREY, VERMILION
from srgan_ab.statistics.one_class import NOT_COMPARABLE
from srgan_ab.statistics.verdict import is_declared

GREEN, PURPLE = "#009e73", "#cc79a7"  # Okabe & Ito's as well
PAGE_COLOURS = {
    BLUE: "var(--blue)",
    VERMILION: "var(--vermilion)",
    GREEN: "var(--green)",
    PURPLE: "var(--purple)",
    GREY: "var(--grey)",
    "#000000": "currentColor",
}
DOMAIN_MARKS = {  # colour and marker of each test domain
    "hr": (BLUE, "o"),
    "sr": (VERMILION, "D"),
    "bicubic": (GREY, "s"),
    "srresnet": (GREEN, "^"),
    "perceptual": (PURPLE, "v"),
    "task": (PURPLE, "P"),
}
RESULT_MARKS = {  # marker of a difference, and whether it is filled
    "better": ("o", True),
    "worse": ("o", True),
    "same": ("s", True),
    NOT_COMPARABLE: ("x", False),
}
WIDTH, HEIGHT = 4.2, 3.1  # inches, 72 CSS pixels each: no chart is shown smaller, so that ...
FONT = 11  # ... text is at least so many pixels high
FEW = 40  # points: up to so many, each is marked


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes:
        label: in the legend.
        x, y: of equal length; NaN leaves a gap.
        colour: a key of `PAGE_COLOURS`.
        style: of Matplotlib's lines, so that colour is not needed to tell curves apart.
    """

    label: str
    x: Sequence[float] | pd.Series
    y: Sequence[float] | pd.Series
    colour: str
    style: str = "-"


def _svg(
    draw: Callable[[Axes], None], title: str, height: float = HEIGHT, width: float = WIDTH
) -> str:
    """What `draw` puts on axes, as an `svg` element that says its title to screen readers."""
    with rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": title,  # ids differ between charts of one page, and never between runs
            "font.size": FONT,
            "grid.color": GREY,
            "grid.linewidth": 0.5,
            "legend.frameon": False,
            "legend.handlelength": 1.6,
            "legend.handletextpad": 0.5,
            "legend.columnspacing": 1,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.subplots())
        stream = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    box, *_ = re.findall(r'viewBox="[^"]*"', text)
    text = re.sub(r"<svg[^>]*>", f'<svg {box} role="img" aria-label="{html.escape(title)}">', text)
    text = re.sub(r"<style.*?</style>", "", text, count=1, flags=re.DOTALL)  # it means the page
    text = re.sub(r' id="(?![mp][0-9a-f]{10}")[^"]*"', "", text)  # the same in every chart
    text = re.sub(r"font-family: [^;\"]*", "font-family: inherit", text)
    text = re.sub(r"\s*\n\s*", " ", text)
    for colour, name in PAGE_COLOURS.items():
        text = text.replace(colour, name)
    return text


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, borderaxespad=0)


def lines(
    title: str,
    curves: Sequence[Curve],
    x_label: str,
    y_label: str,
    *,
    logarithmic: bool = False,
    unit_square: bool = False,
    diagonal: str | None = None,
    level: tuple[float, str] | None = None,
) -> str:
    """Curves over a common axis.

    Args:
        title: for screen readers.
        curves: at least one.
        x_label, y_label: with units.
        logarithmic: the y axis.
        unit_square: both axes reach from 0 to 1.
        diagonal: label of a dotted line from (0, 0) to (1, 1).
        level: height and label of a dotted line across.
    """

    def draw(axes: Axes) -> None:
        for curve in curves:
            marker = "." if len(curve.x) <= FEW else None
            axes.plot(
                curve.x, curve.y, curve.style, marker=marker, color=curve.colour, label=curve.label
            )
        if diagonal:
            axes.plot([0, 1], [0, 1], ":", color=GREY, label=diagonal)
        if level:
            axes.axhline(level[0], ls=":", color=GREY, label=level[1])
        axes.set(xlabel=x_label, ylabel=y_label)
        if x_label.startswith("epoch"):
            axes.locator_params("x", integer=True)
        if unit_square:
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        if logarithmic:
            axes.set_yscale("log", subs=(2, 5))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
        else:
            axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.5, which="both")
        _legend(axes)

    return _svg(draw, title)


def reliability(title: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """Share of positives against mean probability, with intervals.

    Args:
        title: for screen readers.
        tables: label to what `calibration.reliability` returns, one or two of them.
    """

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], ":", color=GREY, label="what is said is so")
        for (label, table), colour, marker in zip(
            tables.items(), (BLUE, VERMILION), "os", strict=False
        ):
            middle = table["positive"]
            # a Wilson interval at a share of 0 or 1 ends there, up to rounding
            arms = np.clip([middle - table["low"], table["high"] - middle], 0, None)
            axes.errorbar(
                *(table["probability"], middle, arms),
                fmt=marker,
                markersize=4,
                color=colour,
                label=label,
            )
        axes.set(
            xlabel="mean probability of positive",
            ylabel="share of positives",
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
        )
        axes.grid(alpha=0.5)
        _legend(axes)

    return _svg(draw, title)


def accuracies(
    title: str,
    matrix: Mapping[str, Mapping[str, Mapping]],
    trained_on: Mapping[str, str],
    hollow: Collection[Subject] = (),
) -> str:
    """Accuracy of every arm in every test domain with its 95 % interval, a group of rows per arm.

    Args:
        title: for screen readers.
        matrix: arm to domain to scores, of `matrix.score_matrix`.
        trained_on: arm to what it was trained on, in words.
        hollow: those whose mark is not filled.
    """

    def draw(axes: Axes) -> None:
        y = 0
        for arm, results in matrix.items():
            name = f"{ARM_NAMES[arm]}, trained on {trained_on[arm]}"
            axes.text(0, y, name, transform=axes.get_yaxis_transform(), va="center")
            for domain, result in results.items():
                y += 1
                value, low, high = (100 * result[f"accuracy{end}"] for end in ("", "_low", "_high"))
                colour, marker = DOMAIN_MARKS[domain]
                axes.plot([low, high], [y, y], color=colour, lw=1.4)
                fill = "none" if (arm, domain) in hollow else colour
                axes.plot(value, y, marker, color=colour, mfc=fill, ms=5.5)
            y += 1.6
        for domain in matrix["a"]:
            colour, marker = DOMAIN_MARKS[domain]
            axes.plot([], [], marker, color=colour, label=f"on {DOMAINS[domain]}")
        axes.axvline(50, color=GREY, lw=0.8, ls=":")  # a coin's
        axes.set(xlabel="accuracy (%); dotted: a coin's; better →", ylim=(y - 0.6, -1), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", alpha=0.5)
        _legend(axes)

    rows = sum(len(results) + 1.6 for results in matrix.values())
    # however many arms and domains there are, all are seen on the report's first screen
    return _svg(draw, title, height=1.3 + min(0.105 * rows, 4.9), width=4.5)


def forest(
    title: str,
    pairs: Mapping[str, tuple[Subject, Subject]],
    differences: Mapping[str, Mapping[str, Mapping[str, float]]],
    results: Mapping[str, str],
    margin: float,
) -> str:
    """Differences in accuracy with 95 % intervals, declared pairs on top, the margin shaded.

    Args:
        title: for screen readers.
        pairs: name to (first, second).
        differences: name to what `significance.difference` returns.
        results: name to a key of `RESULT_MARKS`; that of others is not filled.
        margin: of equivalence, in (0, 1).
    """
    declared = [name for name in pairs if is_declared(differences[name]["accuracy"])]
    explored = [name for name in pairs if name not in declared]
    groups = {"Declared": (declared, BLUE), "Explored: hints, not findings": (explored, GREY)}

    def draw(axes: Axes) -> None:
        axes.axvspan(-100 * margin, 100 * margin, color=GREY, alpha=0.4, lw=0)
        y = 0.0
        for heading, (names, colour) in groups.items():
            if not names:
                continue
            left = {"transform": axes.get_yaxis_transform(), "va": "center"}
            axes.text(0, y, heading, weight="bold", **left)
            for name in names:
                first, second = pairs[name]
                axes.text(0, y + 0.8, f"{subject_name(first)} − {subject_name(second)}", **left)
                y += 1.4
                result = differences[name]["accuracy"]
                value, low, high = (100 * result[key] for key in ("difference", "low", "high"))
                axes.plot([low, high], [y, y], color=colour, lw=2)
                marker, filled = RESULT_MARKS.get(results[name], ("o", False))
                fill = colour if filled else "none"
                axes.plot(value, y, marker, color=colour, mfc=fill, ms=7, mew=1.5)
            y += 1.1
        axes.axvline(0, color="black", lw=0.8)
        axes.set(
            xlabel="← worse\u00a0\u00a0\u00a0points\u00a0\u00a0\u00a0better →",
            ylim=(y - 0.4, -0.6),
            yticks=[],
        )
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", alpha=0.5)

    return _svg(draw, title, height=1 + 0.36 * len(pairs))
