"""Verifies image files by decoding them, in processes."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import ImageOps

from srgan_ab.data.decoding import Rejected, decode
from srgan_ab.data.hashing import perceptual_hash
from srgan_ab.data.processes import in_order
from srgan_ab.data.sources import File

CHUNK_FILES = 16  # per task: fewer would be all overhead
CHUNK_BYTES = 4 * 1024**2  # large files go nearly alone, so that memory stays bounded


@dataclass(frozen=True)
class Verdict:
    """What decoding one file showed.

    Attributes:
        sha256: of its bytes; empty if it was not read.
        width: in pixels, upright; 0 if it was rejected.
        height: in pixels, upright; 0 if it was rejected.
        problem: why it was rejected, or None.
        pixel_sha256: of size and RGB pixels: equal for files that differ in metadata only.
        phash: 64-bit perceptual hash in hexadecimal.
        phash_mirror: the same of the mirror image.
    """

    sha256: str = ""
    width: int = 0
    height: int = 0
    problem: Rejected | None = None
    pixel_sha256: str = ""
    phash: str = ""
    phash_mirror: str = ""


def verify(data: bytes) -> Verdict:
    """Decode one file."""
    digest = hashlib.sha256(data).hexdigest()
    try:
        image = decode(data)
    except Rejected as problem:
        return Verdict(digest, problem=problem)
    width, height = image.size
    pixels = hashlib.sha256(f"{width}x{height}:".encode())
    pixels.update(image.tobytes())
    grey = image.convert("L")
    return Verdict(
        digest,
        width,
        height,
        pixel_sha256=pixels.hexdigest(),
        phash=perceptual_hash(grey),
        phash_mirror=perceptual_hash(ImageOps.mirror(grey)),
    )


def verify_all(files: Iterable[File], workers: int | None) -> Iterator[tuple[File, Verdict]]:
    """Decode files in processes; yield them in their order as they are done.

    Args:
        files: read one by one, a few chunks ahead.
        workers: processes; None for one per core.
    """
    for chunk, verdicts in in_order(_verify_chunk, _chunks(files), workers):
        yield from zip(chunk, verdicts, strict=True)


def _verify_chunk(chunk: list[File]) -> list[Verdict]:
    return [Verdict(problem=f.problem) if f.data is None else verify(f.data) for f in chunk]


def _chunks(files: Iterable[File]) -> Iterator[list[File]]:
    chunk, size = [], 0
    for file in files:
        chunk.append(file)
        size += len(file.data or b"")
        if len(chunk) == CHUNK_FILES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
