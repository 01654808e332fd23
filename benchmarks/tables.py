"""Seconds of a core and memory for the tables of a large data set: manifest, split, close hashes.

    python benchmarks/tables.py 1000000 --hashes 300000

Writes a `data/manifest.csv` of so many made-up photographs, and a `data/raw.zip` of as many empty
members, into a temporary folder, and does with them what `split` does, but for decoding thumbnails.
Memory is the most that the process has held so far.
"""

import csv
import hashlib
import os
import resource
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from srgan_ab.common import paths
from srgan_ab.common.files import open_zip, write_metrics
from srgan_ab.common.packs import read_split
from srgan_ab.data.hamming import close_pairs
from srgan_ab.data.manifest import COLUMNS
from srgan_ab.data.splitting import images_in_use, split_metrics, split_table


def write(rows: int) -> None:
    """The manifest and the archive."""
    with (
        paths.MANIFEST.open("w", newline="") as stream,
        zipfile.ZipFile(paths.RAW, "w", zipfile.ZIP_STORED) as archive,
    ):
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in range(rows):
            name = f"{('cat', 'dog')[row % 2]}/{row:07}.jpg"
            digest = hashlib.sha256(b"%d" % row).hexdigest()
            facts = (500, 375, "accepted", "", digest, digest[:16], digest[16:32])
            table.writerow([name, name[:3], digest, *facts])
            archive.writestr(zipfile.ZipInfo(name), b"")


def read() -> None:
    """As `split` begins, and the archive's list once more, for its members."""
    images_in_use("keep")
    with open_zip(paths.RAW):
        pass


def split() -> None:
    """As `split` goes on when it knows the groups: here everyone is alone."""
    images = images_in_use("keep")
    images["group"] = np.arange(len(images))
    table = split_table(images, ["cat", "dog"], test=0.3, validation=0.1, seed=7)
    table.to_csv(paths.SPLIT, index=False)
    write_metrics(paths.METRICS / "split.json", split_metrics(table))


def main(
    rows: Annotated[int, typer.Argument(help="of the manifest")],
    hashes: Annotated[int, typer.Option(help="random ones, of which close pairs are sought")] = 0,
) -> None:
    """Print a table in Markdown."""
    random = np.random.default_rng(0).integers(0, 2**64, hashes, np.uint64)
    steps = {
        "write the manifest": lambda: write(rows),
        "read it": read,
        "read it, assign and write the split": split,
        "read the split": read_split,
        f"find close pairs of {hashes:,} hashes": lambda: close_pairs(random, random, 10),
    }
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("data").mkdir()
        print("| step | seconds of a core | memory, MB |\n|---|---|---|")
        for name, step in steps.items():
            started = time.process_time()
            step()
            seconds = time.process_time() - started
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"| {name} | {seconds:.1f} | {most:,.0f} |", flush=True)
        os.chdir("/")


if __name__ == "__main__":
    typer.run(main)
