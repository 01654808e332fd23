"""Whether the project's code computes on a GPU what it does on a CPU, and how fast: in minutes.

    python benchmarks/gpu.py --output gpu
    python benchmarks/gpu.py --output gpu --device cpu --small

The second is a rehearsal of all of it, without a GPU. Each section runs in a process of its own
and has a time limit: one that fails, or does not end, keeps none of the others from running, and
what it had found until then is kept. The folder gets `gpu.json`, all numbers; `gpu.md`, the same as
tables; and what each section printed. Both are written anew after every section.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from srgan_ab.common.files import write_text

# seconds that each may take: twice what is expected of an H100; the first also reads all libraries
LIMITS = {
    "parity": 80,
    "quiet": 30,
    "repeat": 30,
    "settings": 80,
    "classifier": 60,
    "speed": 80,
    "compiled": 120,
}
PATIENCE = 10  # times as long for a rehearsal, on whatever machine


def command(section: str, part: Path, device: str, small: bool) -> list[str]:
    """What runs one section in a process of its own and leaves its numbers in a file."""
    options = ["--device", device, *(["--small"] if small else [])]
    return [sys.executable, __file__, "--output", str(part), "--only", section, "--child", *options]


def child(section: str, part: Path, device: str, small: bool) -> None:
    """Run one section here; write what it has found after each of its rows.

    Raises:
        SystemExit: with the reason, if a row misses what is asked of it.
    """
    import gpu_checks  # they import torch, which takes seconds
    import gpu_networks
    import gpu_timings

    if section in ("speed", "compiled"):
        gpu_timings.compare(part, device, small, compiled=section == "compiled")
        return
    found: dict[str, Any] = gpu_networks.facts(device)
    module = gpu_checks if hasattr(gpu_checks, section) else gpu_timings
    failures = []
    for table, row, numbers in getattr(module, section)(device, small):
        values = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in numbers.items()}
        found.setdefault("tables", {}).setdefault(table, {})[row] = values
        if "failed" in values:
            failures.append(f"{row}: {values['failed']}")
        write_text(part, json.dumps(found))
        print(table, row, values, flush=True)
    if failures:
        raise SystemExit("; ".join(failures))


def run(words: list[str], limit: float, log: Path) -> str | None:
    """Run a command and all that it starts until a time limit; None, or why it failed."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            return f"not done after {limit:.0f} s"
        finally:
            with suppress(ProcessLookupError):  # they are a group, whose number is the first's
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code == 0:
        return None
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines and code > 0 else f"ended with status {code}"


def shown(value: object) -> str:
    """A cell of a table."""
    if isinstance(value, float):
        return f"{value:.1e}" if 0 < abs(value) < 1e-2 else f"{value:,.4g}"
    return {True: "yes", False: "no", None: ""}.get(value, str(value))  # pyright: ignore[reportArgumentType]


def table(title: str, rows: dict[str, dict[str, Any]]) -> str:
    """Rows of values by column, in Markdown."""
    columns = list(dict.fromkeys(name for values in rows.values() for name in values))
    lines = [[title, *(name.replace("_", " ") for name in columns)], ["---"] * (len(columns) + 1)]
    lines += [[n, *(shown(v.get(name)) for name in columns)] for n, v in rows.items()]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in x)} |\n" for x in lines)


def block(result: dict[str, Any]) -> str:
    """All sections as tables, with the card that they are of."""
    text = f"Measured on: {result['device']}, torch {result['torch']}"
    text += ", as a rehearsal: small networks.\n" if result["small"] else ".\n"
    for name, section in result["sections"].items():
        text += f"\n{name}, {section['seconds']:.0f} s"
        text += f": failed ({section['failed']})\n" if section["failed"] else "\n"
        for title, rows in section["tables"].items():
            text += "\n" + table(title, rows)
    return text


def main(
    output: Annotated[Path, typer.Option(help="Folder of the numbers.")],
    device: Annotated[Literal["cuda", "cpu"], typer.Option(help="Where.")] = "cuda",
    small: Annotated[bool, typer.Option("--small", help="Rehearse with small networks.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this section.")] = None,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="Also the speed of compiled networks.")
    ] = False,
    child_: Annotated[bool, typer.Option("--child", hidden=True)] = False,
) -> None:
    """Check and measure the project's code on a GPU."""
    names = only or [name for name in LIMITS if compiled or name != "compiled"]
    if unknown := set(names) - set(LIMITS):
        raise typer.BadParameter(f"no section is called {unknown.pop()}: {' '.join(LIMITS)}")
    if child_:
        child(names[0], output, device, small)
        return
    output.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"device": "unknown", "torch": "unknown", "small": small}
    result["sections"] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            start, part = time.perf_counter(), Path(folder) / f"{name}.json"
            limit = LIMITS[name] * (PATIENCE if small else 1)
            failed = run(command(name, part, device, small), limit, output / f"{name}.log")
            seconds = round(time.perf_counter() - start, 1)
            found = json.loads(part.read_text()) if part.exists() else {}
            for fact in ("device", "torch"):
                result[fact] = found.pop(fact, result[fact])
            tables = found.pop("tables", {}) or {"case": found.pop("cases", {})}
            result["sections"][name] = {
                **{"seconds": seconds, "failed": failed},
                **found,
                "tables": tables,
            }
            write_text(output / "gpu.json", json.dumps(result, indent=2) + "\n")
            write_text(output / "gpu.md", block(result))
            print(f"{name:<12}{seconds:>7.1f} s  {failed or 'done'}", flush=True)
    print((output / "gpu.md").read_text(), end="")
    if any(section["failed"] for section in result["sections"].values()):
        raise SystemExit(1)


if __name__ == "__main__":
    # who stops this, by `timeout` for instance, stops the section under way too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    typer.run(main)
