"""Runs one pipeline stage: params in, declared outputs out, nothing else touched.

`run(function)` is the last line of every script in `stages/`. It works with and without DVC.
"""

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NoReturn, TypedDict

import filelock
import numpy as np

from srgan_ab.common import paths
from srgan_ab.common.errors import Lost, UserError, sentence
from srgan_ab.common.files import atomic_file, content, remove_parts, sha256
from srgan_ab.common.launch import is_first
from srgan_ab.common.params import Declared, load, read_yaml
from srgan_ab.common.portable import processor
from srgan_ab.common.schema import Params, RuntimeParams

CHECKPOINTS = Path(".checkpoints")
Stage = Callable[..., None]  # of params, and what `run` says
VERSIONS = ("torch", "torchvision", "numpy", "pillow", "scikit-learn", "torchmetrics")


class Definition(TypedDict):
    """A stage as `dvc.yaml` has it: names, whatever their DVC type (metrics, plots, outs)."""

    params: list[str]
    deps: list[str]
    outs: list[str]
    items: list[str]  # of the matrix


def definition(name: str) -> Definition:
    """The stage's entry in `dvc.yaml`; `name@item` selects one item of a matrix."""
    stages = read_yaml(paths.DVC_YAML)["stages"]
    stem, _, item = name.partition("@")
    entry = stages[stem]
    items: list[str] = []
    if "matrix" in entry:
        ((key, items),) = entry["matrix"].items()
        entry = json.loads(json.dumps(entry).replace(f"${{item.{key}}}", item))

    def names(kind: str) -> list[str]:
        return [x if isinstance(x, str) else next(iter(x)) for x in entry.get(kind, [])]

    return {
        "params": names("params"),
        "deps": names("deps"),
        "outs": names("outs") + names("metrics") + names("plots"),
        "items": items,
    }


def _fingerprint(stage: Definition) -> dict[str, str]:
    """Digest of every declared dependency file and param value."""
    digests: dict[str, str] = {}
    for dependency in map(Path, stage["deps"]):
        if not dependency.exists():
            raise UserError(
                f"{dependency} is missing: run `dvc repro`, or the stage that makes it, first"
            )
        for file in content(dependency):
            digests[str(file)] = sha256(file)
    raw = read_yaml(paths.PARAMS)
    for key in stage["params"]:
        value = raw
        for part in key.split("."):
            value = value[part]
        digests[f"params.yaml:{key}"] = json.dumps(value, sort_keys=True)
    return digests


def _guard(before: dict[str, str], after: dict[str, str], name: str) -> None:
    """DVC hashes inputs when a command ends (treeverse/dvc#11058): an edit would go unseen."""
    moved = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    if moved:
        raise UserError(
            f"{', '.join(moved[:3])} changed while {name} ran, so its outputs belong to neither "
            "version: run `dvc repro` again; a training goes on where it stood if that is put back "
            "first (`dvc exp run -S` writes params.yaml, even where another command runs and it is "
            "refused for it: give it --queue)"
        )


def _terminated(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def _provenance(seconds: float, settings: RuntimeParams) -> dict[str, Any]:
    """What this run used; differs from run to run, so it is neither tracked nor compared."""
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "portable": settings.portable,
        "cores": os.cpu_count(),
        "seconds": round(seconds, 2),
        "peak_memory_mb": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            / (1024 if sys.platform == "linux" else 1024**2)  # kilobytes on Linux, bytes on macOS
        ),
        "versions": {},
    }
    for package in VERSIONS:
        try:
            facts["versions"][package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts["versions"][package] = None
    if "srgan_ab.common.runtime" in sys.modules:
        facts |= sys.modules["srgan_ab.common.runtime"].choose(settings).facts()
    return facts


def _place(name: str, before: dict[str, str]) -> Path:
    """Where a training keeps its state, given the fingerprint of what it depends on."""
    digest = hashlib.sha256(json.dumps(before, sort_keys=True).encode()).hexdigest()
    return CHECKPOINTS / name / digest[:16]


def _compute(function: Stage, params: Params, stage: Definition, arguments: list[Any]) -> None:
    random.seed(params.seed)
    np.random.seed(params.seed)
    function(Declared(params, stage["params"]), *arguments)


def _joined() -> ModuleType | None:
    """`common.joining`, if it was needed."""
    return sys.modules.get("srgan_ab.common.joining")


def _follow(function: Stage, name: str, arguments: list[Any], resumable: bool) -> None:
    """Take part in a stage that another process began; it locks, writes and speaks."""
    if not resumable:
        return  # what is short is computed by the first process alone
    params, stage = load(paths.PARAMS), definition(name)
    arguments = [*arguments, _place(name, _fingerprint(stage))]
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        _compute(function, params, stage, arguments)
    if joining := _joined():
        joining.leave()


def _execute(function: Stage, name: str, arguments: list[str], resumable: bool) -> None:
    params = load(paths.PARAMS)
    stage = definition(name)
    lock = filelock.FileLock(Path(".locks") / f"{name}.lock")
    lock_directory = Path(lock.lock_file).parent
    lock_directory.mkdir(exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(
            f"another process runs {name} here: wait for it or stop it, then try again"
        ) from None
    with lock:
        remove_parts(map(Path, stage["outs"]))  # of a run that was killed
        before = _fingerprint(stage)
        place = [_place(name, before)] if resumable else []
        started = time.perf_counter()
        _compute(function, params, stage, [*arguments, *place])
        seconds = time.perf_counter() - started
        missing = [out for out in stage["outs"] if not Path(out).exists()]
        if missing:
            raise UserError(
                f"{', '.join(missing)} is gone, though {name} has just written it: another "
                "`dvc repro` may have removed it, so run this again when no other does"
            )
        _guard(before, _fingerprint(stage), name)
        # of these params it has served, and those of others would stay for ever
        shutil.rmtree(CHECKPOINTS / name, ignore_errors=True)
        facts = _provenance(seconds, params.runtime)
        with atomic_file(paths.PROVENANCE / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(facts, indent=2) + "\n")
        if joining := _joined():
            joining.leave()
        print(f"{name}: {seconds:.1f} s", file=sys.stderr)


def run(function: Stage, item: str | None = None, resumable: bool = False) -> None:
    """Run `function(params[, item][, checkpoints])` as the stage of its name, and end the process.

    Exit codes: 0 done, 1 a mistake of the user's (one sentence on stderr), 130 interrupted,
    143 terminated.

    Args:
        function: the stage; its name is the stage's name in `dvc.yaml`.
        item: name of the matrix item that the script takes as its argument, if it is a matrix.
        resumable: it also gets a directory where it may keep its state, to go on after a kill:
            another one for other params, inputs or code. Success removes all of them.
    """
    name = function.__name__
    stage = definition(f"{name}@{{{item}}}" if item else name)
    parser = argparse.ArgumentParser(
        prog=f"stages/{name}.py",
        description=sys.modules[function.__module__].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(
            f"{label}: {' '.join(names)}"
            for label, names in (
                ("params", stage["params"]),
                ("reads", stage["deps"]),
                ("writes", stage["outs"]),
            )
        ),
    )
    if item:
        parser.add_argument(item, choices=stage["items"])
    arguments = list(vars(parser.parse_args()).values())

    signal.signal(signal.SIGTERM, _terminated)
    execute = _execute if is_first() else _follow
    try:
        execute(function, "@".join([name, *arguments]), arguments, resumable)
    except KeyboardInterrupt:
        sys.exit(130)
    except Lost as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # what waits for the one that has ended must not keep this one
    except UserError as error:
        if not is_first() and (joining := _joined()):
            joining.let_first_speak()  # it mostly says the same
        sys.exit(f"{name}: {error}")
    except Exception as error:
        if explained := sentence(error):
            sys.exit(f"{name}: {explained}")
        raise
