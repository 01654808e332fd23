"""How an update and enlarging scale from one process to two, and what a large data set would take.

`measure` computes on this machine; `model` from what was measured before (`cost_model.py`).
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
import torch
import torch.distributed as dist
import typer
from cost_model import table
from tabulate import tabulate

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.common import joining
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime, prepare
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.phase import Phase
from srgan_ab.srgan.phases import adversarial
from srgan_ab.srgan.upscaling import upscale

PARAMS = Path(__file__).parents[1] / "params.yaml"
COUNTS = (1, 2)
BATCH = 8  # of one process
ROUNDS, UPDATES = 5, 4
ENLARGED = 512  # images
app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def model() -> None:
    """Print the table of docs/scaling.md: time, cost, storage and bottleneck."""
    typer.echo(table())


class _Clock:
    """A function that is timed, with all that the device still has to do.

    Attributes:
        wall: seconds so far.
        cpu: those of all threads of this process, which other work on the machine hardly moves.
    """

    def __init__(self, function: Callable, device: torch.device):
        self.function, self.device = function, device
        self.wall, self.cpu = 0.0, 0.0

    def _now(self) -> tuple[float, float]:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()

    def __call__(self, *arguments: object, **named: object) -> object:
        wall, cpu = self._now()
        result = self.function(*arguments, **named)
        wall_after, cpu_after = self._now()
        self.wall, self.cpu = self.wall + wall_after - wall, self.cpu + cpu_after - cpu
        return result


def _phase(runtime: Runtime, batch_size: int) -> Phase:
    """The adversarial phase of params.yaml without its perceptual term, on random pictures."""
    params = load(PARAMS)
    perceptual = params.srgan.perceptual.model_copy(update={"weight": 0.0})
    settings = params.srgan.model_copy(update={"batch_size": batch_size, "perceptual": perceptual})
    scale = params.images.scale
    torch.manual_seed(0)
    generator = accelerate(Generator(**settings.generator.architecture(scale)), runtime.device)
    discriminator = Discriminator(**settings.discriminator.model_dump())
    accelerate(discriminator, runtime.device)
    lr = torch.randint(0, 256, (256, 32, 32, 3), dtype=torch.uint8).to(runtime.device)
    hr = lr.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    return adversarial(generator, discriminator, None, lr, hr, settings, runtime, 0)


def _runtime(processes: int) -> Runtime:
    """So many processes, of which this is one, with one thread each."""
    settings = load(PARAMS).runtime.model_copy(
        update={"portable": False, "devices": processes, "threads": 1}
    )
    return prepare(settings, 0, together=True)


def _report(work: Callable[[], object], exchange: str, calls: int, runtime: Runtime) -> None:
    """Time calls, and the function of `torch.distributed` in them; the first process prints JSON.

    It is the median of a few rounds: seconds and CPU seconds of a call, and the shares of both that
    are spent in the exchange.
    """
    rounds = []
    work()  # allocates
    for _ in range(ROUNDS):
        timed = _Clock(work, runtime.device)
        exchanged = _Clock(getattr(dist, exchange), runtime.device)
        with patch.object(dist, exchange, exchanged):
            for _ in range(calls):
                timed()
        rounds.append(
            {
                "wall": timed.wall / calls,
                "cpu": timed.cpu / calls,
                "waits": exchanged.wall / timed.wall,
                "exchanges": exchanged.cpu / timed.cpu,
            }
        )
    if runtime.processes.rank == 0:
        print(json.dumps({name: median(each[name] for each in rounds) for name in rounds[0]}))
    joining.leave()


@app.command(hidden=True)
def step(processes: int, batch_size: int) -> None:
    """Time updates of so many crops by so many processes."""
    runtime = _runtime(processes)
    _report(_phase(runtime, batch_size).update, "all_reduce", UPDATES, runtime)


@app.command(hidden=True)
def enlarge(processes: int, images: int) -> None:
    """Time the enlarging of so many images of 32 pixels by so many processes."""
    runtime, params = _runtime(processes), load(PARAMS)
    torch.manual_seed(0)
    generator = Generator(**params.srgan.generator.architecture(params.images.scale)).eval()
    accelerate(generator, runtime.device)
    lr = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3), np.uint8)
    side = 32 * params.images.scale
    sr = np.empty((images, side, side, 3), np.uint8)
    work = partial(upscale, generator, lr, sr, runtime, processes=runtime.processes)
    _report(work, "all_gather_object", 1, runtime)


def _timed(command: str, processes: int, images: int) -> dict[str, float]:
    line = [sys.executable, __file__, command, str(processes), str(images)]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@app.command()
def measure() -> None:
    """Time an adversarial update, and enlarging, by one and by two processes of one thread.

    The speed-up is that of CPU time, as long as each process has a core to itself.
    """
    rows, alone = [], 0.0
    for command, scaling, size in (
        ("step", "strong", BATCH * COUNTS[-1]),
        ("step", "weak", BATCH),
        ("enlarge", "strong", ENLARGED),
    ):
        for count in COUNTS:
            images = size * count if scaling == "weak" else size
            found = _timed(command, count, images)
            alone = images / found["cpu"] if count == 1 else alone
            rows.append(
                {
                    "what": "update" if command == "step" else "enlarging",
                    "scaling": scaling,
                    "processes": count,
                    "crops or images": images,
                    "CPU s of each": f"{found['cpu']:.3f}",
                    "speed-up": f"{images / found['cpu'] / alone:.2f}",
                    "exchange, of CPU time": f"{found['exchanges']:.1%}",
                    "seconds": f"{found['wall']:.3f}",
                    "exchange and waiting, of seconds": f"{found['waits']:.0%}",
                }
            )
    typer.echo(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    app()
