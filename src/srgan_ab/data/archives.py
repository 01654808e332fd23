"""Zip and tar archives of strangers, listed and read in place: nothing is unpacked to disk."""

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from srgan_ab.common.errors import UserError
from srgan_ab.data.decoding import Rejected

MAX_FILE = 256 * 1024**2  # bytes of one image file
MAX_TOTAL = 64 * 1024**3  # bytes of all files; COCO's largest archive holds 19 GB
MAX_RATIO = 250  # unpacked to packed, where it matters: photographs do not compress
RATIO_MATTERS = 1024**2  # bytes unpacked

LEFT_BEHIND = {
    *("__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found"),
    *("thumbs.db", "ehthumbs.db", "desktop.ini"),
}
COMPRESSIONS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, struct.error),
    RuntimeError,  # zipfile's for encryption and unknown compression
)


@dataclass(frozen=True)
class Entry:
    """One file of an archive or a folder.

    Attributes:
        path: its name there, with forward slashes.
        read: gives its bytes, or raises `Rejected`.
        problem: why it is not to be read.
    """

    path: str
    read: Callable[[], bytes]
    problem: Rejected | None = None


def printable(name: str) -> str:
    """A name that can be written as UTF-8, whatever bytes stand for it in its file system."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_junk(path: str) -> bool:
    """Whether it is hidden, at any depth, or left by a file system, a viewer or a network disk."""
    parts = set(path.split("/")) - {".", ".."}
    return any(part.startswith(".") or part.lower() in LEFT_BEHIND for part in parts)


def too_large(size: int) -> Rejected | None:
    """Problem of a file of `size` bytes, if that is one."""
    return Rejected("too large", f"{size} bytes are over {MAX_FILE}") if size > MAX_FILE else None


@contextmanager
def open_archive(stream: BinaryIO, name: str, scratch: Path) -> Generator[list[Entry]]:
    """List the files of a zip or tar (.gz, .bz2, .xz) archive; they can be read while it is open.

    Members that could do harm (links, devices, paths that lead outside, bombs) have a `problem`.
    A compressed tar is decompressed to a nameless temporary file, since it cannot be read at
    random.

    Args:
        stream: the archive, seekable.
        name: what messages call it.
        scratch: directory of the temporary file.

    Raises:
        UserError: it is no archive, is damaged, or unpacks to an absurd size.
    """
    with ExitStack() as stack:
        try:
            start = stream.read(6)
            for magic, opener in COMPRESSIONS.items():
                if start.startswith(magic):
                    stream = _decompressed(stack, stream, opener, name, scratch)
            stream.seek(0)
            if tarfile.is_tarfile(stream):
                stream.seek(0)
                tar = stack.enter_context(tarfile.open(fileobj=stream, mode="r:"))
                sizes, entries = _list_tar(tar)
            elif zipfile.is_zipfile(stream):
                archive = stack.enter_context(zipfile.ZipFile(stream))
                sizes, entries = _list_zip(archive)
            else:
                raise UserError(
                    f"{name} is no zip or tar archive, or a damaged one: replace it, or delete "
                    "it if it was fetched"
                )
        except DAMAGE as error:
            if getattr(error, "errno", None):
                raise  # the disk's fault, not the archive's
            raise UserError(
                f"{name} is a damaged archive ({error}): replace it, or delete it if it was fetched"
            ) from None
        if sum(sizes) > MAX_TOTAL:
            raise UserError(_bomb(name))
        yield _without_twins(entries)


def _bomb(name: str) -> str:
    return (
        f"{name} unpacks to far more than an archive of photographs would (an archive bomb?): "
        "unpack it by other means, and give the folder"
    )


def _decompressed(
    stack: ExitStack, stream: BinaryIO, opener: Callable, name: str, scratch: Path
) -> BinaryIO:
    packed = stream.seek(0, 2)
    stream.seek(0)
    scratch.mkdir(parents=True, exist_ok=True)
    plain = stack.enter_context(tempfile.TemporaryFile(dir=scratch))  # noqa: SIM115
    limit = min(MAX_TOTAL, max(RATIO_MATTERS, MAX_RATIO * packed))
    with opener(stream) as source:
        while block := source.read(1024**2):
            plain.write(block)
            if plain.tell() > limit:
                raise UserError(_bomb(name))
    return plain


def safe_path(name: str) -> tuple[str, Rejected | None]:
    """The path of a member, or of an object of a bucket, in one spelling, and what is wrong."""
    path = name.replace("\\", "/")
    outside = path.startswith("/") or ".." in path.split("/") or PureWindowsPath(path).drive
    problem = Rejected("unsafe path", "it leads out of the archive") if outside else None
    return printable(str(PurePosixPath(path))), problem


def _list_zip(archive: zipfile.ZipFile) -> tuple[list[int], list[Entry]]:
    sizes, entries = [], []
    for info in archive.infolist():
        path, problem = safe_path(info.filename)
        if info.is_dir():
            continue
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode):
            problem = problem or Rejected("link", "links are not followed")
        elif info.flag_bits & 1:
            problem = problem or Rejected("encrypted", "it needs a password")
        elif info.file_size > max(RATIO_MATTERS, MAX_RATIO * info.compress_size):
            problem = problem or Rejected("archive bomb", f"it unpacks to {info.file_size} bytes")
        sizes.append(info.file_size)
        read = partial(_read_zip, archive, info)
        entries.append(Entry(path, read, problem or too_large(info.file_size)))
    return sizes, entries


def _read_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as stream:
            return stream.read(info.file_size)  # bounded, should the declared size be a lie
    except DAMAGE as error:
        raise Rejected("damaged member", str(error)) from None


def _list_tar(archive: tarfile.TarFile) -> tuple[list[int], list[Entry]]:
    sizes, entries = [], []
    for info in archive:
        path, problem = safe_path(info.name)
        if info.isdir():
            continue
        if info.issym() or info.islnk():
            problem = problem or Rejected("link", "links are not followed")
        elif not info.isreg() or info.issparse():
            problem = problem or Rejected("special file", "a device, a pipe or a sparse file")
        sizes.append(info.size)
        read = partial(_read_tar, archive, info)
        entries.append(Entry(path, read, problem or too_large(info.size)))
    return sizes, entries


def _read_tar(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    try:
        stream = archive.extractfile(info)
        if stream is None:
            raise Rejected("special file", "it has no bytes")
        return stream.read()
    except DAMAGE as error:
        raise Rejected("damaged member", str(error)) from None


def _without_twins(entries: list[Entry]) -> list[Entry]:
    """Of several members of one name, the first counts."""
    seen, result = set(), []
    for entry in entries:
        problem = entry.problem
        if entry.path in seen and not problem:
            problem = Rejected("duplicate name", "the archive holds an earlier file of this name")
        seen.add(entry.path)
        result.append(Entry(entry.path, entry.read, problem))
    return result
