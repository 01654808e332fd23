"""Milliseconds per image, and memory, of enlarging by a generator, as images grow in number.

    python benchmarks/rate.py compare 1000 10000 100000 1000000

LR images at random, in a mapped file, are enlarged into another one as `generate_sr` does it, by a
generator of 1 block and 8 maps, each number in a process of its own. Memory is the most that it
held beside mapped files, which the system may drop (RssAnon of /proc, looked at ten times a
second).
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from load import held

from srgan_ab.common.packs import new_array
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import upscale

SIDE, SCALE = 8, 4  # LR pixels, HR side / LR side
BLOCK = 8192  # LR images made at a time

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)


def make_images(path: Path, number: int) -> np.ndarray:
    """So many LR images in a file, mapped."""
    random = np.random.default_rng(0)
    with new_array(path, (number, SIDE, SIDE, 3)) as images:
        for start in range(0, number, BLOCK):
            some = images[start : start + BLOCK]
            some[:] = random.integers(0, 256, some.shape, np.uint8)
    return np.load(path, mmap_mode="r")


@app.command(hidden=True)
def one(number: int, scratch: Path) -> None:
    """Enlarge so many images; print seconds and megabytes as JSON."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = Generator(1, 8, "none", scale=SCALE).eval()
    lr, runtime = make_images(scratch / "lr.npy", number), Runtime(torch.device("cpu"), "fp32")
    most, done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        over = False
        while not over:
            over = done.wait(0.1)
            most = max(most, held(os.getpid()))

    watcher = threading.Thread(target=watch, daemon=True)
    shape = (number, SCALE * SIDE, SCALE * SIDE, 3)
    with new_array(scratch / "sr.npy", shape) as sr:
        upscale(generator, lr[:64], sr[:64], runtime)  # allocates
        watcher.start()
        started = time.process_time()
        upscale(generator, lr, sr, runtime)
        seconds = time.process_time() - started
    done.set()
    watcher.join()
    typer.echo(json.dumps({"seconds": seconds, "megabytes": most / 1024}))


@app.command()
def compare(
    numbers: Annotated[list[int], typer.Argument(help="of images")],
    scratch: Annotated[Path | None, typer.Option(help="where files are made")] = None,
) -> None:
    """Print a table in Markdown; seconds are of the processor."""
    typer.echo("| images | seconds | ms an image | memory, MB |\n|---|---|---|---|")
    for number in numbers:
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            command = [sys.executable, __file__, "one", str(number), place]
            said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        found = json.loads(said.splitlines()[-1])
        each = 1000 * found["seconds"] / number
        typer.echo(
            f"| {number:,} | {found['seconds']:.1f} | {each:.3f} | {found['megabytes']:,.0f} |"
        )


if __name__ == "__main__":
    app()
