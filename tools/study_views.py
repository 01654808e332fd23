"""The experiments of a study as tables and as a figure."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from srgan_ab.common.arms import ARM_NAMES

SEEDS = ("seed", "srgan.seed", "classifier.seed")
DIFFERENCE = "b_minus_a"
TITLES = ARM_NAMES | {DIFFERENCE: "B − A"}
# Okabe & Ito's
COLOURS = ("#0072b2", "#d55e00", "#e69f00", "#009e73", "#56b4e9", "#cc79a7", "#000000")
MARKERS = "osD^vPX"


def tabulate(rows: list[dict]) -> tuple[pd.DataFrame, list[str]]:
    """Drop experiments that repeat another, and params in which none differ.

    Returns:
        The table, and the names of its params.
    """
    table = pd.DataFrame(rows)
    table = table[~table.drop(columns="experiment").duplicated()].reset_index(drop=True)
    results = [name + end for name in TITLES for end in ("", "_low", "_high")]
    results = [name for name in results if name in table]
    params = [str(name) for name in table if name not in ("experiment", *results)]
    params = [name for name in params if table[name].nunique(dropna=False) > 1]
    return table[["experiment", *params, *results]], params


def labels(table: pd.DataFrame, params: list[str]) -> list[str]:
    """Each row's params in words."""
    rows = table[params].fillna("not yet a key").to_dict("records")
    return [", ".join(f"{key} {value}" for key, value in row.items()) or "–" for row in rows]


def points(value: float, sign: str = "") -> str:
    """A share in percent, with a true minus sign; a dash for NaN."""
    return "–" if pd.isna(value) else f"{100 * value:{sign}.1f}".replace("-", "−")


def each(table: pd.DataFrame, params: list[str]) -> pd.DataFrame:
    """The table to be read: accuracy in percent, B − A with its interval in points."""
    shown = table[["experiment", *params]].fillna("–")
    for name in ARM_NAMES:
        if name in table:
            shown[TITLES[name]] = table[name].map(points)
    low, middle, high = (
        table[f"{DIFFERENCE}{end}"].map(partial(points, sign="+")) for end in ("_low", "", "_high")
    )
    shown[f"{TITLES[DIFFERENCE]} (95 %)"] = middle + " (" + low + " to " + high + ")"
    return shown


def over_seeds(table: pd.DataFrame, params: list[str]) -> pd.DataFrame:
    """Mean ± standard deviation (n − 1) of experiments that differ by one of the seeds alone."""
    rows = []
    for seed in filter(params.__contains__, SEEDS):
        others = [name for name in params if name != seed]
        for label, group in table.groupby(labels(table, others), sort=False):
            if len(group) > 1:
                cells = {"mean ± SD over": f"{len(group)} {seed}", "with": label}
                for name in filter(table.columns.__contains__, TITLES):
                    mean = points(group[name].mean(), "+" if name == DIFFERENCE else "")
                    deviation = points(group[name].std())
                    cells[TITLES[name]] = f"{mean} ± {deviation}"
                rows.append(cells)
    return pd.DataFrame(rows)


def figure(table: pd.DataFrame, params: list[str]) -> Figure:
    """Accuracy of every arm, and B − A, with their intervals, one line per experiment."""
    drawn = Figure(figsize=(12, 1.8 + 0.5 * len(table)), dpi=100, layout="constrained")
    left, right = drawn.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    arms = [arm for arm in ARM_NAMES if arm in table]
    names = [*zip([left] * len(arms), arms, COLOURS, MARKERS, strict=False)]
    for place, (axes, name, colour, marker) in enumerate([*names, (right, DIFFERENCE, "k", "o")]):
        shift = 0 if axes is right else 0.6 * (place / (len(arms) - 1) - 0.5)
        value, low, high = (100 * table[f"{name}{end}"] for end in ("", "_low", "_high"))
        axes.errorbar(
            value,
            table.index + shift,
            xerr=(value - low, high - value),
            fmt=marker,
            color=colour,
            ms=5,
            label=ARM_NAMES.get(name, "_"),  # no entry in the legend
        )
    described = zip(table["experiment"], labels(table, params), strict=True)
    left.set_yticks(table.index, [f"{name}: {label}" for name, label in described])
    left.set_ylim(len(table) - 0.5, -0.5)
    left.set(title="Accuracy on real HR, 95 % intervals", xlabel="%")
    drawn.legend(ncols=len(arms), loc="outside lower center", frameon=False)
    right.set(title="B − A, 95 % interval", xlabel="percentage points; right of 0 B is better")
    right.axvline(0, color="black", lw=1)
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.25)
    return drawn
