"""`srgan-ab doctor`: what a run here would stumble over, and how to mend it."""

import configparser
import importlib.metadata
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import typer

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.portable import pin, processor

GIGABYTE = 1024**3
DISK, MEMORY = 2, 3  # gigabytes that the default run takes, rounded up
REQUIREMENTS = Path("requirements.txt")
SHOWN = 3


class Finding(NamedTuple):
    """One line of the report: `wrong` stops a run, a `note` does not."""

    state: Literal["ok", "note", "wrong"]
    text: str


def _first(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def packages() -> Iterator[Finding]:
    """Versions that are installed, beside those that `requirements.txt` pins."""
    if not REQUIREMENTS.exists():
        return
    pins = re.findall(r"^([\w.-]+)==([\w.+!]+)$", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
    others = []
    for name, pinned in pins:  # those with a marker are for some machines only
        try:
            version = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            version = "none"
        if version != pinned:
            others.append(f"{name} {version} in place of {pinned}")
    if others:
        yield Finding(
            "note",
            f"{REQUIREMENTS} pins other versions ({_first(others)}), so results may differ: "
            "run `make setup`",
        )
    else:
        yield Finding("ok", f"Python {sys.version.split()[0]}, and all packages as pinned")


def settings() -> Iterator[Finding]:
    """`params.yaml`, and what it asks of the processor and the GPU."""
    pin(paths.PARAMS)  # before torch is imported, as a stage does
    from srgan_ab.common.params import load
    from srgan_ab.common.runtime import prepare

    try:
        params = load(paths.PARAMS)
        runtime = prepare(params.runtime, params.seed)
    except UserError as error:
        yield Finding("wrong", str(error))
        return
    yield Finding("ok", f"{paths.PARAMS} is valid")
    device = f"{runtime.device.type} in {runtime.precision}: {processor()}"
    yield Finding("ok", f"computes on {device}")


def pipeline() -> Iterator[Finding]:
    """Git, DVC, its lock, and the script that its plots need without a network."""
    if not Path(".git").exists():
        yield Finding("wrong", "this is no git repository, and DVC needs one: run `git init`")
        return
    config = configparser.ConfigParser()
    if not config.read(".dvc/config"):
        yield Finding("wrong", ".dvc/config is missing: run `git checkout .dvc`")
        return
    template = config.get("plots", "html_template", fallback=None)
    if template and not Path(".dvc", template).is_file():
        yield Finding(
            "note",
            f".dvc/{template} is missing, so `dvc plots` needs a network: run `git checkout .dvc`",
        )
    status = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if status.returncode:
        said = (status.stderr.strip().splitlines() or ["it says nothing"])[-1]
        yield Finding(
            "wrong",
            f"`dvc status` fails ({said}): mend that first; what a kill has left half-written, "
            "`make repro` mends",
        )
        return
    stale = list(json.loads(status.stdout))
    if stale:
        yield Finding(
            "note",
            f"{_first(stale)}: outputs are missing, or older than code and params.yaml: "
            "run `make repro`",
        )
    else:
        yield Finding("ok", "every output is that of the code and params.yaml here")


def machine() -> Iterator[Finding]:
    """Room on the disk and in memory."""
    free = shutil.disk_usage(".").free / GIGABYTE
    if free < DISK:
        yield Finding(
            "wrong", f"{free:.1f} GB are free here, and the default run takes {DISK}: make room"
        )
    else:
        yield Finding("ok", f"{free:.0f} GB are free here")
    if not os.access(".", os.W_OK):
        yield Finding("wrong", f"{Path.cwd()} cannot be written: choose another folder")
    if (available := free_memory()) < MEMORY:
        yield Finding(
            "note",
            f"{available:.1f} GB of memory are free, and the default run takes up to {MEMORY}: "
            "close something, or lower classifier.batch_size",
        )
    elif available < math.inf:
        yield Finding("ok", f"{available:.0f} GB of memory are free")


def free_memory() -> float:
    """Gigabytes of memory that can be had; on Linux its caches count as free.

    Infinity where the system does not say, as macOS.
    """
    meminfo = Path("/proc/meminfo")
    text = meminfo.read_text() if meminfo.exists() else ""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    if found:
        return int(found[1]) * 1024 / GIGABYTE
    if "SC_AVPHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return math.inf
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") / GIGABYTE


def doctor() -> None:
    """Check environment, settings, DVC, disk, memory and GPU; exit 1 if something stops a run.

    \b
    srgan-ab doctor
    srgan-ab doctor && make repro
    """  # noqa: D301
    findings = [*machine(), *packages()]
    if paths.DVC_YAML.exists():
        findings += [*settings(), *pipeline()]
    else:
        here = "this is no folder of the project: the commands work, the pipeline is elsewhere"
        findings.append(Finding("note", here))
    for state, text in findings:
        typer.echo(f"{state:5} {text}")
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)
