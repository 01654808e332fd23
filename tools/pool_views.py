"""Pooled runs in words and as a figure."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from srgan_ab.common.arms import ARM_NAMES, DOMAINS, subject_name, trained_on
from srgan_ab.reporting.charts import DOMAIN_MARKS
from srgan_ab.statistics.one_class import constant
from srgan_ab.statistics.significance import PAIRS
from srgan_ab.statistics.verdict import (
    family_in_words,
    headline,
    outcomes,
    small_margin,
    tests_in_words,
)

MARKERS = "osD^vPX*<>"  # of runs


def points(value: float | None, images: int, sign: str = "") -> str:
    """A share in percent with a true minus sign; from 1,000 images on with two decimals."""
    if value is None:
        return "–"
    return f"{100 * value:{sign}.{1 if images < 1000 else 2}f}".replace("-", "−")


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a table in Markdown, with a blank one before."""
    lines = ["", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def in_words(results: Mapping, b_images: str) -> str:
    """`pooled.md`: answers, tests, accuracies, and what the differences scatter by.

    Args:
        results: `pooled.json`.
        b_images: what B was trained on, `sr` or `hr+sr`.
    """
    differences, margin, images = (results[key] for key in ("differences", "margin", "images"))
    found = outcomes(differences, margin, constant(results["accuracies"]))
    networks = "one network" if results["networks"] == 1 else f"{results['networks']} networks"
    lines = [
        *headline(differences, found, b_images),
        "",
        f"Accuracy on the same {images:,} test images in {len(results['runs'])} runs, each with "
        f"generators of its own and {networks} per arm. Equivalence margin: {100 * margin:g} "
        f"points. {family_in_words(differences)} Intervals and p speak of other generators, "
        "networks and images of the same kind; where no arm of a pair meets a generator, of other "
        "networks and images.",
        *small_margin(margin, images),
        "",
        *(f"{number}. `{name}`" for number, name in enumerate(results["runs"], start=1)),
        *tests_in_words(
            {pair: {"accuracy": of} for pair, of in differences.items()}, found, margin, images
        ),
        *_accuracies(results["accuracies"], images),
        *_scatter(differences, images),
    ]
    return "\n".join(lines) + "\n"


def _accuracies(accuracies: Mapping[str, Mapping[str, Mapping]], images: int) -> list[str]:
    rows = []
    for arm, domains in accuracies.items():
        cells = []
        for of in domains.values():
            low, high = (points(of[f"accuracy_{end}"], images) for end in ("low", "high"))
            cells.append(f"{points(of['accuracy'], images)} ({low} to {high})")
        rows.append([ARM_NAMES[arm], *cells])
    head = ["arm", *(f"on {DOMAINS[domain]}" for domain in next(iter(accuracies.values())))]
    return ["", "## Accuracy in %, with 95 % intervals", *table(head, rows)]


def _scatter(differences: Mapping[str, Mapping], images: int) -> list[str]:
    rows = []
    for pair, of in differences.items():
        first, second = map(subject_name, PAIRS[pair])
        parts = (of["deviations"][name] for name in ("generators", "networks", "images"))
        freedom = of["freedom"]
        rows.append(
            [
                f"{first} − {second}",
                points(of["difference"], images, "+"),
                *(points(part, images) for part in parts),
                "–" if freedom is None else f"{freedom:.1f}",
                ", ".join(points(value, images, "+") for value in of["of_runs"]),
            ]
        )
    head = ["pair", "difference", "generators", "networks", "images", "degrees of freedom"]
    return [
        "",
        "## What the differences scatter by, in points",
        "",
        "Standard deviations: of one generator's difference from another's, of one network's from "
        "another of the same generator, and of the mean over test images. A dash: no generator "
        "matters, or one network per run does not tell the two apart.",
        *table([*head, "each run"], rows),
    ]


def figure(accuracies: Mapping[str, Mapping[str, Mapping]], b_images: str) -> Figure:
    """Accuracy of every arm in every domain: networks as points, marked by run, and the mean.

    Args:
        accuracies: of `pooled.pooled_accuracies`.
        b_images: what B was trained on.
    """
    drawn = Figure(figsize=(11, 1.4 + 0.95 * len(accuracies)), dpi=100, layout="constrained")
    axes, words, runs = drawn.subplots(), trained_on(b_images), 0
    for row, domains in enumerate(accuracies.values()):
        for place, (domain, of) in enumerate(domains.items()):
            y, colour = row + 0.17 * (place - (len(domains) - 1) / 2), DOMAIN_MARKS[domain][0]
            runs = len(of["of_networks"])
            for run, networks in enumerate(of["of_networks"]):
                across = [y - 0.045] * len(networks)
                marker = MARKERS[run % len(MARKERS)]
                values = [100 * value for value in networks]
                axes.plot(values, across, marker, ls="", color=colour, ms=4, mfc="none", alpha=0.8)
            mean, low, high = (100 * of[f"accuracy{end}"] for end in ("", "_low", "_high"))
            axes.plot([low, high], [y + 0.045] * 2, color=colour, lw=1.6)
            axes.plot(mean, y + 0.045, "|", color=colour, ms=9, mew=2.2)
    names = [f"{ARM_NAMES[arm]}: {words[arm]}" for arm in accuracies]
    axes.set_yticks(range(len(names)), names)
    axes.set(
        title="Accuracy: mean of the runs with its 95 % interval, above it every network",
        xlabel="%",
        ylabel="classifier: trained on",
        ylim=(len(names) - 0.5, -0.5),
    )
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    tested = next(iter(accuracies.values()))
    handles = [
        Line2D([], [], color=DOMAIN_MARKS[domain][0], lw=2, label=f"on {DOMAINS[domain]}")
        for domain in tested
    ] + [
        Line2D(
            [], [], color="black", ls="", mfc="none", marker=MARKERS[n % 10], label=f"run {n + 1}"
        )
        for n in range(runs)
    ]
    columns = max(len(tested), runs)
    drawn.legend(handles=handles, ncols=columns, loc="outside lower center", frameon=False)
    return drawn
