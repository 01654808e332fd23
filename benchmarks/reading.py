"""Images a second that are read in shuffled order, from packs and from formats made for streaming.

    python benchmarks/reading.py --images 20000

Images of 128x128 pixels of noise, 49 KB each, in batches of 64, on one core, whole images as the
classifiers read them. "Warm" is from the system's page cache, by seconds of the processor, which
neighbours hardly move; "cold" from the disk, by the clock, after the system was told to forget the
files (posix_fadvise), as for data far larger than the memory. Of
MosaicML Streaming, LitData and WebDataset, those that are installed are measured, with shards of 64
MB and their own shuffling; nothing of this project needs them.
"""

import importlib.util
import mmap
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

SIDE, BATCH, SHARD = 128, 64, 2**26  # pixels, images, bytes
Images = Iterator[np.ndarray]


def picture(row: int) -> np.ndarray:
    """The same noise for the same row."""
    return np.random.default_rng(row).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def write_pack(folder: Path, images: int) -> None:
    """As `downscale` writes one."""
    pack = np.lib.format.open_memmap(
        folder / "hr.npy", "w+", np.uint8, shape=(images, SIDE, SIDE, 3)
    )
    for row in range(images):
        pack[row] = picture(row)
    pack.flush()


def read_pack(folder: Path, advice: int | None = None) -> Images:
    """As training reads one: batches of rows of a memory map."""
    pack = np.load(folder / "hr.npy", mmap_mode="c")
    if advice is not None:
        pack.base.madvise(advice)
    order = np.random.default_rng(0).permutation(len(pack))
    for start in range(0, len(order), BATCH):
        yield from pack[order[start : start + BATCH]]


def write_mosaic(folder: Path, images: int) -> None:
    """MDS shards."""
    from streaming import MDSWriter

    columns = {"image": f"ndarray:uint8:{SIDE},{SIDE},3"}
    with MDSWriter(out=str(folder), columns=columns, size_limit=SHARD) as writer:
        for row in range(images):
            writer.write({"image": picture(row)})


def read_mosaic(folder: Path) -> Images:
    """Its own shuffling (py1e)."""
    from streaming import StreamingDataset

    data = StreamingDataset(local=str(folder), shuffle=True, batch_size=BATCH)
    return (sample["image"] for sample in data)


def write_litdata(folder: Path, images: int) -> None:
    """Chunks of LitData."""
    from litdata import optimize

    optimize(picture, list(range(images)), str(folder), chunk_bytes=SHARD, num_workers=1)


def read_litdata(folder: Path) -> Images:
    """Its own shuffling: of chunks, and within each."""
    from litdata import StreamingDataset

    return iter(StreamingDataset(str(folder), shuffle=True))


def write_webdataset(folder: Path, images: int) -> None:
    """Tar files."""
    each = SHARD // SIDE**2 // 3
    for first in range(0, images, each):
        with tarfile.open(folder / f"{first // each:06}.tar", "w") as shard:
            for row in range(first, min(first + each, images)):
                entry = tarfile.TarInfo(f"{row}.bin")
                entry.size = SIDE**2 * 3
                shard.addfile(entry, BytesIO(picture(row).tobytes()))


def read_webdataset(folder: Path) -> Images:
    """Shards in random order, and a buffer of 1,000 images to shuffle."""
    from webdataset import WebDataset

    data = WebDataset([str(f) for f in sorted(folder.glob("*.tar"))], shardshuffle=100, seed=0)
    return (
        np.frombuffer(sample["bin"], np.uint8).reshape(SIDE, SIDE, 3)
        for sample in data.shuffle(1000)
    )


Format = tuple[str, str | None, Callable[[Path, int], None], Callable[[Path], Images]]
FORMATS: list[Format] = [
    ("pack", None, write_pack, read_pack),
    ("MosaicML Streaming", "streaming", write_mosaic, read_mosaic),
    ("LitData", "litdata", write_litdata, read_litdata),
    ("WebDataset", "webdataset", write_webdataset, read_webdataset),
]


def forget(folder: Path) -> None:
    """Let the system forget what it holds of the files."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def rate(
    read: Callable[[Path], Images], folder: Path, images: int, clock: Callable[[], float]
) -> float:
    """Images a second, the first batch apart, which opens what there is to open."""
    source = read(folder)
    list(islice(source, BATCH))
    started = clock()
    seen = sum(bool(image.any()) for image in islice(source, images - BATCH))
    return seen / (clock() - started)


def main(
    images: Annotated[int, typer.Option(help="in all")] = 20_000,
    reads: Annotated[int, typer.Option(help="how many of them are read")] = 5_000,
    scratch: Annotated[Path | None, typer.Option(help="where files are made")] = None,
) -> None:
    """Print a table in Markdown."""
    print("| format | cold, images/s | warm, images/s of a core |\n|---|---|---|")
    for name, module, write, read in FORMATS:
        if module and importlib.util.find_spec(module) is None:
            continue
        with tempfile.TemporaryDirectory(dir=scratch) as temporary:
            folder = Path(temporary)
            write(folder, images)
            ways = {name: read}
            if module is None and hasattr(mmap, "MADV_RANDOM"):
                ways["pack, MADV_RANDOM"] = lambda place: read_pack(place, mmap.MADV_RANDOM)
            for way, reading in ways.items():
                forget(folder)
                cold = rate(reading, folder, reads, time.perf_counter)
                rate(reading, folder, images, time.process_time)
                warm = rate(reading, folder, reads, time.process_time)
                print(f"| {way} | {cold:,.0f} | {warm:,.0f} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
