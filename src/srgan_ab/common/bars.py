"""How far a stage is, and how long it will take: a bar in a terminal, lines where a file is kept.

A file gets a line a minute, without control characters, and none of what takes less.
"""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

from srgan_ab.common.launch import is_first

SECONDS = 60.0  # between two lines


class _Lines:
    """Stderr for a bar that would write over itself: whatever it shows becomes a line."""

    @staticmethod
    def write(text: str) -> None:
        if text.strip():
            sys.stderr.write(f"{text.strip()}\n")

    @staticmethod
    def flush() -> None:
        sys.stderr.flush()


def bar(
    iterable: Iterable[Any] | None = None,
    *,
    label: str,
    unit: str,
    total: int | None = None,
    initial: int = 0,
    scaled: bool = False,
) -> "tqdm[Any]":
    """Progress on stderr with the time that is left, by the rate so far.

    Args:
        iterable: what is gone through; None where `update` is called.
        label: what is done.
        unit: of what is counted, in the singular.
        total: how many there are; None if the iterable knows or nobody does.
        initial: how many were done before.
        scaled: show 3,200,000 as 3.20M.
    """
    options: dict[str, Any] = {}
    if not sys.stderr.isatty():
        form = "{desc}: {n_fmt} of {total_fmt} {unit}s, {elapsed} so far, {remaining} left{postfix}"
        options = {"file": _Lines, "mininterval": SECONDS, "miniters": 1, "delay": SECONDS}
        options["bar_format"] = form
    return tqdm(
        iterable,  # pyright: ignore[reportArgumentType]
        desc=label,
        unit=unit,
        total=total,
        initial=initial,
        unit_scale=scaled,
        disable=not is_first(),
        **options,
    )
