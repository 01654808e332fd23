"""Where the cells of a contact sheet are, so that the page can show one of them beside another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from srgan_ab.common.pictures import GAP, contact_sheet


@dataclass(frozen=True)
class Layout:
    """A sheet without captions, in pixels: cell (r, c) begins at (left + c step, top + r step)."""

    columns: list[str]
    rows: int
    cell: int
    step: int
    left: int
    top: int


def layout(size: tuple[int, int], columns: Sequence[str], side: int) -> Layout | None:
    """What `contact_sheet` made of rows of such columns, found by drawing empty ones.

    Args:
        size: width and height of the sheet.
        columns: the titles of its columns.
        side: of its largest images.

    Returns:
        None if a sheet of such columns and images has another size.
    """
    blank = np.zeros((side, side, 3), np.uint8)
    one, two = (contact_sheet([[blank] * len(columns)] * rows, columns) for rows in (1, 2))
    step = two.height - one.height
    top = one.height - step
    rows, rest = divmod(size[1] - top, step)
    if size[0] != one.width or rows < 1 or rest:
        return None
    return Layout(list(columns), rows, step - GAP, step, GAP, top)
