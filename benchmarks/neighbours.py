"""What a training takes beside another one on the same cores, by how its threads wait.

    python benchmarks/neighbours.py

Two trainings that share the cores should take twice the time of one. Threads of OpenMP wait for
each other by spinning, unless OMP_WAIT_POLICY says otherwise, and so take the time that the other
training needs. Stages set it to PASSIVE, but let GNU's OpenMP spin 2,000 times, for microseconds;
this compares it with no spinning, with ACTIVE and with OpenMP's own choice.
Each training is one of small convolutions, the worst case, in a process of its own; one with a
single thread has nobody to wait for.
"""

import os
import subprocess
import sys
from typing import Annotated

import typer

TRAINING = """
import sys, time
import torch
from srgan_ab.srgan.generator import Generator
updates, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads or torch.get_num_threads())
torch.manual_seed(0)
generator = Generator(4, 16, "none").to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(generator.parameters(), fused=True)
lr = torch.rand(8, 3, 12, 12).contiguous(memory_format=torch.channels_last)
def update():
    optimizer.zero_grad()
    generator(lr).square().mean().backward()
    optimizer.step()
for _ in range(5):
    update()
print("ready", flush=True)
sys.stdin.readline()
started = time.perf_counter()
for _ in range(updates):
    update()
print(time.perf_counter() - started)
"""


STAGES = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "2000"}
POLICIES: dict[str, dict[str, str]] = {
    "as stages set it": STAGES,
    "PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
    "not set": {},
    "ACTIVE": {"OMP_WAIT_POLICY": "ACTIVE"},
}


def seconds(number: int, policy: str, updates: int, threads: int = 0) -> float:
    """Of the slowest of so many trainings that start together; of 0 threads, as many as cores."""
    environment = {k: v for k, v in os.environ.items() if k not in (*STAGES, "OMP_NUM_THREADS")}
    environment |= POLICIES[policy]
    command = [sys.executable, "-c", TRAINING, str(updates), str(threads)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, env=environment, **pipes) for _ in range(number)]
    for process in started:
        process.stdout.readline()
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in started)


def main(
    updates: Annotated[int, typer.Option(help="of each training")] = 50,
    rounds: Annotated[int, typer.Option(help="least time of so many")] = 3,
) -> None:
    """Print a table in Markdown."""
    print(
        "| OMP_WAIT_POLICY | threads | alone, s | two at once, s | ratio |\n|---|---|---|---|---|"
    )
    for policy, threads in (("as stages set it", 1), *((policy, 0) for policy in POLICIES)):
        alone, both = (
            min(seconds(number, policy, updates, threads) for _ in range(rounds))
            for number in (1, 2)
        )
        names = f"{policy} | {threads or 'as cores'}"
        print(f"| {names} | {alone:.2f} | {both:.2f} | {both / alone:.1f} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
