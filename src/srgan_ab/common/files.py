"""Writing files so that a reader sees the old one or the whole new one, never half of it.

And reading them so that a damaged one is said to be that.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Container, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from srgan_ab.common.errors import UserError
from srgan_ab.common.launch import is_first

if TYPE_CHECKING:  # half a second of importing that not every stage needs
    import pandas as pd

Number: TypeAlias = float | np.floating[Any] | np.integer[Any]
Metrics: TypeAlias = "Mapping[str, Metrics] | Sequence[Metrics] | Number | str | None"

# Names of what systems, editors and Python leave beside files: no input of any stage. DVC passes
# over them by the same list in `.dvcignore`.
LITTER = (
    *(".*", "__pycache__", "*.py[cod]", "Thumbs.db", "desktop.ini"),
    *("*~", "#*#", "4913", "*.bak", "*.orig", "*.rej", "*.swp", "*.tmp"),
)


@contextmanager
def _nowhere(path: Path) -> Generator[Path]:
    """Yield a name that is forgotten: of several processes the first alone writes."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / path.name


@contextmanager
def atomic_file(path: Path) -> Generator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` when the block succeeds."""
    path = Path(path)
    if not is_first():
        with _nowhere(path) as temporary:
            yield temporary
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # the suffix stays last: Pillow, NumPy and pandas choose the format by it
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path) -> Generator[Path]:
    """Yield a new empty directory; let it take the place of `path` when the block succeeds."""
    path = Path(path)
    if not is_first():
        with _nowhere(path) as temporary:
            temporary.mkdir()
            yield temporary
        return
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


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or where the file system knows no links, a copy of its own.

    Of several processes the first alone does it.
    """
    if not is_first():
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def remove_parts(outputs: Iterable[Path]) -> None:
    """Delete the temporary files and directories that killed writers of `outputs` left behind."""
    for path in outputs:
        for part in path.parent.glob(f".{path.stem}.*.part*"):
            shutil.rmtree(part) if part.is_dir() else part.unlink()


def reserve(path: Path) -> None:
    """Make sure of the disk's room for a sparse file; what it holds stays.

    A memory map of it would kill the process (SIGBUS) where the disk turns out to be full.

    Raises:
        OSError: the disk has no room for all of it.
    """
    size = path.stat().st_size
    with path.open("r+b") as stream:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(stream.fileno(), 0, size)
                return
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                    raise  # those say that this file system cannot reserve
        for start in range(0, size, 2**20):
            stream.seek(start)
            block = stream.read(2**20)
            stream.seek(start)
            stream.write(block)


def content(path: Path) -> list[Path]:
    """The file, or all files below the directory, but for litter; sorted."""
    if not path.is_dir():
        return [path]
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted(file for file in files if not is_litter(file.relative_to(path)))


def is_litter(path: Path) -> bool:
    """Whether a path, relative to a directory of inputs, is none."""
    return any(fnmatch(part, pattern) for part in path.parts for pattern in LITTER)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_metrics(path: Path, metrics: Mapping[str, Metrics]) -> None:
    """Write JSON with floats rounded to 5 places, so that a diff shows what matters.

    NaN and infinity have no place in JSON: they become null.
    """

    def rounded(value: Metrics) -> Metrics:
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


def damaged(path: Path, reason: object) -> UserError:
    """The error of a file that the pipeline made, and that is not as it made it."""
    return UserError(
        f"{path} is damaged ({' '.join(str(reason).split())}): delete it and run `dvc repro`, "
        "which makes it anew"
    )


@contextmanager
def whole(path: Path) -> Generator[None]:
    """Around reading one file that the pipeline made.

    Raises:
        UserError: the file is missing, or the block finds it damaged: by a ValueError of its own,
            or by what libraries raise.
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: run `dvc repro`, or the stage that makes it, first"
        ) from None
    except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, error) from None


def _require(wanted: Iterable[str], there: Container[str]) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")


def read_metrics(path: Path, *required: str) -> dict[str, Any]:
    """Read what `write_metrics` wrote.

    Raises:
        UserError: the file is missing or damaged, or lacks a required key.
    """
    with whole(path):
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it is no JSON object")
        metrics = cast("dict[str, Any]", found)
        _require(required, metrics)
    return metrics


def read_csv(
    path: Path, columns: Mapping[str, type], rows: int | None = None, gaps: Sequence[str] = ()
) -> "pd.DataFrame":
    """Read a table that the pipeline wrote; empty cells are empty strings.

    Args:
        path: of the file.
        columns: those that it must have, with the type of their values; others are read as well.
        rows: how many it must have, where another file tells: one that was cut off at the end of
            a row shows it by nothing else.
        gaps: columns of numbers whose cells may be empty, which is NaN.

    Raises:
        UserError: the file is missing, cut off, lacks a column, or has a value of another type.
    """
    import pandas as pd

    with whole(path):
        # a compressed file that was cut off is refused by its own check
        if Path(path).suffix == ".csv" and not Path(path).read_bytes().endswith(b"\n"):
            raise ValueError("its end is missing")
        # a class may be called "None"
        empty = {column: [""] for column in gaps}
        table = pd.read_csv(path, dtype={**columns}, keep_default_na=False, na_values=empty)
        _require(columns, table.columns)
        if table[[name for name in columns if name not in gaps]].isna().any(axis=None):
            raise ValueError("a row lacks cells")
        if rows is not None and len(table) != rows:
            raise ValueError(f"it has {len(table):,} rows instead of {rows:,}")
    return table


def count_members(path: Path) -> int:
    """How many members an archive has that the pipeline made.

    Raises:
        UserError: the file is missing or damaged.
    """
    with whole(path), zipfile.ZipFile(path) as archive:
        return len(archive.NameToInfo)


@contextmanager
def open_zip(path: Path) -> Generator[Callable[[str], bytes]]:
    """Yield a function that reads one member of an archive that the pipeline made.

    Raises:
        UserError: the file is missing or damaged; from the function, if the member is.
    """

    def read(name: str) -> bytes:
        with whole(path):
            _require([name], archive.NameToInfo)
            return archive.read(name)

    with whole(path):
        archive = zipfile.ZipFile(path)
    with archive:
        yield read


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table, its floats with six digits."""
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
