"""Writing files so that a reader sees the old one or the whole new one, never half of it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # half a second of importing that not every stage needs
    import pandas as pd


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` when the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # the suffix stays last: Pillow, NumPy and pandas choose the format by it
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a new empty directory; let it take the place of `path` when the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_parts(outputs: Iterable[Path]) -> None:
    """Delete the temporary files and directories that killed writers of `outputs` left behind."""
    for path in outputs:
        for part in path.parent.glob(f".{path.stem}.*.part*"):
            shutil.rmtree(part) if part.is_dir() else part.unlink()


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_metrics(path: Path, metrics: Mapping) -> None:
    """Write JSON with floats rounded to 5 places, so that a diff shows what matters.

    NaN and infinity have no place in JSON: they become null.
    """

    def rounded(value):
        if isinstance(value, Mapping):
            return {str(key): rounded(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [rounded(item) for item in value]
        if isinstance(value, (float, np.floating)):
            return round(float(value), 5) if np.isfinite(value) else None
        if isinstance(value, np.integer):
            return int(value)
        return value

    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(rounded(metrics), indent=2) + "\n")


def read_metrics(path: Path) -> dict:
    """Read what `write_metrics` wrote."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table, its floats with six digits."""
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
