"""Damage pictures and archives at random, and see that nothing but a rejection comes of it.

    python tests/fuzz.py --minutes 10

Every case is decoded as `download` decodes it. A case that raises anything but a rejection or a
sentence, takes more than SECONDS, or needs more memory than LIMIT, ends the run with its seed.
"""

import argparse
import io
import resource
import signal
import sys
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
from srgan_ab.common.errors import UserError  # noqa: E402
from srgan_ab.data.archives import open_archive  # noqa: E402
from srgan_ab.data.decoding import Rejected  # noqa: E402
from srgan_ab.data.verification import verify  # noqa: E402

SECONDS, LIMIT = 20, 8 * 1024**3  # of one case, in time and in addresses
FORMS = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "L", "P", "RGBA", "LA", "1", "I;16"),
    "GIF": ("P",),
    "BMP": ("RGB", "L", "P"),
    "TIFF": ("RGB", "L", "CMYK", "LAB", "F", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "AVIF": ("RGB",),
    "PPM": ("RGB", "L"),
    "JPEG2000": ("RGB", "L"),
}


def picture(random: np.random.Generator, mode: str) -> Image.Image:
    """A small picture of noise or of smooth colours."""
    width, height = (int(n) for n in random.integers(1, 48, 2))
    image = Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8))
    if random.random() < 0.5:
        image = image.resize((48, 40), Image.Resampling.BICUBIC)
    if mode == "LAB":
        return Image.frombytes("LAB", image.size, image.tobytes())
    return image.convert("L").convert(mode) if mode in ("I;16", "F", "1") else image.convert(mode)


def encoded(random: np.random.Generator) -> tuple[str, bytes]:
    """A whole file, and what it is."""
    form = str(random.choice(list(FORMS)))
    mode = str(random.choice(FORMS[form]))
    stream = io.BytesIO()
    picture(random, mode).save(stream, form)
    return form, stream.getvalue()


def packed(random: np.random.Generator) -> tuple[str, bytes]:
    """A whole archive of two pictures, and what it is."""
    kind = str(random.choice(["zip", "w", "w:gz", "w:bz2", "w:xz"]))
    files = {f"{n}/{n}.jpg": encoded(random)[1] for n in ("cat", "dog")}
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=stream, mode=kind) as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return f"archive {kind}", stream.getvalue()


def damaged(random: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """The data after one to six changes of some kind."""
    result = bytearray(data)
    for _ in range(random.integers(1, 7)):
        if not result:
            break
        at, length = int(random.integers(len(result))), int(random.integers(1, 9))
        if random.random() < 0.5:
            at = at % min(len(result), 64)  # heads say most of how the rest is read
        kind = random.integers(6)
        if kind == 0:
            result[at] ^= int(random.integers(1, 256))
        elif kind == 1:
            result[at : at + length] = bytes(random.choice([0, 127, 128, 255], length).tolist())
        elif kind == 2:
            del result[at : at + length]
        elif kind == 3:
            result[at:at] = random.bytes(length)
        elif kind == 4:
            del result[at:]
        else:
            start = int(random.integers(len(other)))
            result[at : at + 32] = other[start : start + 32]
    return bytes(result)


def outcome(seed: int, scratch: Path) -> str:
    """Damage a file of this seed and read it; what came of it, in words."""
    random = np.random.default_rng(seed)
    make = packed if random.random() < 0.25 else encoded
    (kind, data), (_, other) = make(random), encoded(random)
    data = damaged(random, data, other)
    if make is encoded:
        problem = verify(data).problem
        return f"{kind}: {problem.kind if problem else 'accepted'}"
    try:
        with open_archive(io.BytesIO(data), "x", scratch) as entries:
            kinds = Counter(
                entry.problem.kind if entry.problem else _read(entry) for entry in entries
            )
    except UserError as sentence:
        assert "\n" not in str(sentence)
        return f"{kind}: refused"
    return f"{kind}: {', '.join(sorted(kinds)) or 'empty'}"


def _read(entry) -> str:
    try:
        problem = verify(entry.read()).problem
    except Rejected as rejected:
        return rejected.kind
    return problem.kind if problem else "accepted"


def _too_long(number: int, frame: object) -> None:
    raise TimeoutError(f"it took more than {SECONDS} seconds")


def main(minutes: float, first: int) -> int:
    """Run, and print what came of how many; the exit code is 1 where a case failed."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, _too_long)
    counts, seed, slowest = Counter(), first, (0.0, 0)
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as scratch:
        while time.monotonic() < end:
            signal.alarm(SECONDS)
            started = time.monotonic()
            try:
                counts[outcome(seed, Path(scratch))] += 1
            except BaseException as error:
                print(f"seed {seed}: {type(error).__name__}: {error}")
                return 1
            finally:
                signal.alarm(0)
            slowest = max(slowest, (time.monotonic() - started, seed))
            seed += 1
    for what, count in sorted(counts.items()):
        print(f"{count:8} {what}")
    print(
        f"{seed - first:8} cases, none failed; the slowest, seed {slowest[1]}, {slowest[0]:.2f} s"
    )
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    options = parser.parse_args()
    sys.exit(main(options.minutes, options.first))
