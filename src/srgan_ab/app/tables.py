"""Rows for a reader or for another program."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Literal

Form = Literal["table", "csv", "json"]
Row = Mapping[str, str | int | float | None]


def shown(rows: Sequence[Row], form: Form) -> str:
    """The rows as text, without a line break at its end.

    Args:
        rows: all with the same keys.
        form: `table` rounds to three places, `csv` and `json` to five.
    """
    if form == "table":
        from tabulate import tabulate  # a tenth of a second that the other forms do without

        cells = [[_cell(value) for value in row.values()] for row in rows]
        keys = [key.replace("_", " ") for key in rows[0]] if rows else []
        return tabulate(cells, keys, "simple", disable_numparse=True)
    rounded = [{key: _rounded(value) for key, value in row.items()} for row in rows]
    if form == "json":
        return json.dumps(rounded, indent=2, ensure_ascii=False)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rounded[0]) if rounded else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rounded)
    return text.getvalue().rstrip("\n")


def html(rows: Sequence[Row], caption: str) -> str:
    """The rows as a table of HTML with a caption, all of their text escaped."""
    from html import escape

    def line(cells: Sequence[str], begin: str, end: str) -> str:
        return "<tr>" + "".join(f"{begin}{escape(cell)}{end}" for cell in cells) + "</tr>"

    keys = [key.replace("_", " ") for key in rows[0]] if rows else []
    head = line(keys, '<th scope="col">', "</th>")
    body = "".join(line([_cell(v) for v in row.values()], "<td>", "</td>") for row in rows)
    return (
        f"<table><caption>{escape(caption)}</caption><thead>{head}</thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _rounded(value: str | int | float | None) -> str | int | float | None:
    return round(value, 5) if isinstance(value, float) else value
