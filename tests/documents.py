"""README and docs as tests read them."""

import re

from repository import ROOT


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The text without its line breaks, so that a sentence is found wherever it was wrapped."""
    return " ".join(text.split())


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows, without emphasis and code marks."""
    lines = (line.strip("|") for line in text.splitlines() if line.startswith("| "))
    return [[cell.strip(" *`") for cell in line.split("|")] for line in lines]


def section(text: str, heading: str) -> str:
    """From a heading to the next one of its level or above."""
    level = heading.index(" ")
    return re.split(rf"^#{{1,{level}}} ", text.split(f"\n{heading}\n")[1], flags=re.M)[0]
