"""Where images come from: every source lists its files, labels them and reads them one by one."""

import os
import re
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from srgan_ab.common.addresses import is_bucket
from srgan_ab.common.errors import UserError
from srgan_ab.common.rules import RENDERED
from srgan_ab.common.schema import Data
from srgan_ab.data.archives import Entry, is_junk, open_archive, printable, too_large
from srgan_ab.data.buckets import fetch_archive, list_objects
from srgan_ab.data.decoding import Rejected
from srgan_ab.data.fetch import check, fetch
from srgan_ab.data.processes import in_order
from srgan_ab.data.remotes import (
    DOWNLOADS,
    REMOTES,
    Labelling,
    by_folder,
    by_prefix,
    open_kaggle,
)

RENDERED_SIDE = 160  # pixels
BATCH = 16  # images rendered by one task
IN_FLIGHT = 16  # objects of a bucket that are asked for at once


@dataclass(frozen=True)
class File:
    """One file of a source.

    Attributes:
        path: its name in the source, with forward slashes.
        label: name of its class, or empty.
        data: its bytes; None if it is rejected unread.
        problem: why it is rejected unread.
    """

    path: str
    label: str
    data: bytes | None
    problem: Rejected | None = None


@dataclass(frozen=True)
class Source:
    """Files sorted by path, read as the iterator goes.

    Attributes:
        total: how many there are.
        files: each of them.
        left_out: how many more there are that no one means: hidden, or left by a system.
    """

    total: int
    files: Iterator[File]
    left_out: int = 0


@contextmanager
def open_source(data: Data, seed: int, workers: int | None) -> Generator[Source]:
    """List the files of `params.data.source`; they can be read while it is open.

    Args:
        data: the section `data` of the params.
        seed: of what is rendered.
        workers: processes that render; None for one per core.

    Raises:
        UserError: the source cannot be had, or lacks a class.
    """
    checksum = f"sha256:{data.sha256}" if data.sha256 else None
    classes, limit = data.classes, data.per_class
    # the rules of params.yaml give each of these what it needs
    if data.source == "synthetic" and limit:
        yield _synthetic(classes, limit, seed, workers)
    elif data.source == "folder" and data.path:
        in_bucket = is_bucket(data.path)
        entries = (_list_bucket if in_bucket else _list_folder)(data.path, classes)
        threads = IN_FLIGHT if in_bucket else 1
        yield _select(data.path, entries, by_folder, classes, limit, threads)
    elif data.source == "kaggle":
        with open_kaggle(checksum) as entries:
            yield _select("train.zip", entries, by_prefix, classes, limit)
    else:
        if data.source == "archive" and data.path:
            path, label = _archive(data.path, checksum), by_folder
        else:
            remote = REMOTES[data.source]
            name = PurePosixPath(remote.address).name
            path = fetch(remote.address, DOWNLOADS / name, checksum or remote.checksum)
            label = remote.label
        with path.open("rb") as stream, open_archive(stream, str(path), DOWNLOADS) as entries:
            yield _select(str(path), entries, label, classes if label else [], limit)


def natural(path: str) -> list[Any]:
    """Sort key by which `cat.2.jpg` comes before `cat.10.jpg`."""
    parts = re.split(r"([0-9]+)", path)  # every second one is a number
    parts[1::2] = [(len(n), n) for n in (digits.lstrip("0") for digits in parts[1::2])]
    return parts


def _select(
    origin: str,
    entries: list[Entry],
    label: Labelling | None,
    classes: list[str],
    per_class: int | None,
    threads: int = 1,
) -> Source:
    """Label the entries and take the first `per_class` readable ones of each class.

    With several threads, files are read ahead; archives cannot be read so.
    """
    meant = [entry for entry in entries if not is_junk(entry.path)]
    by_name = {name.lower(): name for name in classes}
    taken = dict.fromkeys(classes or [""], 0)
    chosen = []
    for entry in sorted(meant, key=lambda entry: natural(entry.path)):
        names = label(entry.path) if label and classes else []
        name = next((by_name[n.lower()] for n in names if n.lower() in by_name), "")
        problem = entry.problem
        if classes and not name:
            problem = problem or Rejected("no class", f"it belongs to none of {', '.join(classes)}")
        if not problem:
            if taken[name] == per_class:
                continue
            taken[name] += 1
        chosen.append((entry, name, problem))
    for name, count in taken.items():
        if not count:
            raise UserError(
                f"{origin} holds no file of class {name}: mend data.classes or data.path"
                if name
                else f"{origin} holds no file: mend data.path"
            )
    chosen.sort(key=lambda choice: choice[0].path)
    files = (_read(*choice) for choice in chosen) if threads == 1 else _ahead(chosen, threads)
    return Source(len(chosen), files, len(entries) - len(meant))


def _ahead(chosen: list[tuple[Entry, str, Rejected | None]], threads: int) -> Generator[File]:
    """Files in their order, at most two per thread of them held."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[File]] = deque()
        for choice in chosen:
            waiting.append(pool.submit(_read, *choice))
            if len(waiting) == 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read(entry: Entry, label: str, problem: Rejected | None) -> File:
    if problem:
        return File(entry.path, label, None, problem)
    try:
        return File(entry.path, label, entry.read())
    except Rejected as found:
        return File(entry.path, label, None, found)


def _list_folder(path: str, classes: list[str]) -> list[Entry]:
    """Files of the class folders right below `path`, or all of it if there are no classes."""
    root = Path(path)
    if not root.is_dir():
        raise UserError(f"data.path: {root} is no folder: give the folder of the class folders")
    tops = [root]
    if classes:
        folders = sorted(child for child in root.iterdir() if child.is_dir())
        wanted = _class_folders(path, [folder.name for folder in folders], classes)
        tops = [folder for folder in folders if folder.name in wanted]
    entries: list[Entry] = []

    def add(file: Path, problem: Rejected | None = None) -> None:
        path = printable(file.relative_to(root).as_posix())
        entries.append(Entry(path, partial(_read_file, file), problem))

    def unreadable(error: OSError) -> None:
        add(Path(error.filename), Rejected("unreadable", error.strerror or str(error)))

    for top in tops:
        for directory, folders, names in os.walk(top, onerror=unreadable):
            for name in names:
                add(Path(directory, name))
            for link in (Path(directory, name) for name in folders):
                if link.is_symlink():  # it could lead anywhere, or round in a circle
                    add(link, Rejected("link", "links to folders are not followed"))
    return entries


def _class_folders(root: str, folders: list[str], classes: list[str]) -> set[str]:
    """Which of the folders right below `root` are those of the classes, whatever their case."""
    there = {name.lower() for name in folders}
    for name in classes:
        if name.lower() not in there:
            names = ", ".join(map(printable, folders)) or "no folders"
            raise UserError(
                f"{root} has no folder {name} (it has {names}): make one, or name its class "
                "folders in data.classes"
            )
    wanted = {name.lower() for name in classes}
    return {name for name in folders if name.lower() in wanted}


def _list_bucket(address: str, classes: list[str]) -> list[Entry]:
    """Files of a bucket's class folders right below `address`, or all if there are no classes."""
    entries = list_objects(address, DOWNLOADS)
    if not classes:
        return entries
    tops = [entry.path.partition("/")[0] for entry in entries if "/" in entry.path]
    wanted = _class_folders(address, sorted(set(tops)), classes)
    return [entry for entry in entries if entry.path.partition("/")[0] in wanted]


def _read_file(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise Rejected("not a file", "a broken link, a pipe or a device")
        if problem := too_large(file.stat().st_size):
            raise problem
        return file.read_bytes()
    except OSError as error:
        raise Rejected("unreadable", error.strerror or str(error)) from None


def _archive(path: str, checksum: str | None) -> Path:
    """The local file of `data.path`, fetched if that is an address."""
    if is_bucket(path):
        return fetch_archive(path, DOWNLOADS, checksum)
    if path.lower().startswith(("http://", "https://")):
        name = PurePosixPath(urlsplit(path).path).name or "archive"
        # two addresses may end in the same name
        return fetch(path, DOWNLOADS / f"{sha256(path.encode()).hexdigest()[:8]}-{name}", checksum)
    file = Path(path)
    if not file.is_file():
        raise UserError(f"data.path: {path} is no file: give a zip or tar file, or its address")
    if checksum:
        check(file, checksum, "replace the file, or mend data.sha256")
    return file


def _synthetic(classes: list[str], per_class: int, seed: int, workers: int | None) -> Source:
    """Rendered pictures, as BMP files in class folders."""
    names = sorted(classes or RENDERED)
    width = max(4, len(str(per_class - 1)))  # so that numbers sort as text
    batches = (
        (RENDERED.index(name), range(start, min(start + BATCH, per_class)), seed)
        for name in names
        for start in range(0, per_class, BATCH)
    )

    def files() -> Iterator[File]:
        for (kind, indices, _), pictures in in_order(_render, batches, workers):
            name = RENDERED[kind]
            for index, picture in zip(indices, pictures, strict=True):
                yield File(f"{name}/{name}.{index:0{width}}.bmp", name if classes else "", picture)

    return Source(len(names) * per_class, files())


def _render(batch: tuple[int, range, int]) -> list[bytes]:
    """BMP files of one class, by index: what a PNG compresses to depends on the machine's zlib."""
    from srgan_ab.data.rendering.synthetic import render

    kind, indices, seed = batch
    files = []
    for picture in render(np.full(len(indices), kind), np.array(indices), seed, RENDERED_SIDE):
        stream = BytesIO()
        Image.fromarray(picture).save(stream, "BMP")
        files.append(stream.getvalue())
    return files
