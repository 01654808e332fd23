"""Cells and tables of the report: text, and the value that sorts it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """What a table shows, and the value by which it is sorted; None sorts last.

    `heat` in [0, 1] shades the cell; `best` says that no other of its column is better.
    """

    text: str
    value: float | str | None
    heat: float | None = None
    best: bool = False


@dataclass(frozen=True)
class Table:
    """A table of cells, the first of each row its heading."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def text(value: str) -> Cell:
    """A cell that is sorted as it reads."""
    return Cell(value, value)


def number(value: float | None, decimals: int = 0, sign: str = "", none: str = "–") -> Cell:
    """A number with a true minus sign; what JSON has as null, such as NaN, as `none`."""
    if value is None:
        return Cell(none, None)
    return Cell(f"{value:{sign},.{decimals}f}".replace("-", "−"), value)


def points(value: float | None, images: int, sign: str = "") -> Cell:
    """A share in percent; from 1,000 images on with two decimals."""
    shown = None if value is None else 100 * value
    return Cell(number(shown, 1 if images < 1000 else 2, sign).text, value)


def interval(low: float | None, high: float | None, decimals: int, sign: str = "") -> str:
    """Both ends in words."""
    return f"{number(low, decimals, sign).text} to {number(high, decimals, sign).text}"
