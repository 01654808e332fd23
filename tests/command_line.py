"""`srgan-ab` in this process, and a generator small enough for it."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from srgan_ab.app.cli import main
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.generator import Generator

ARCHITECTURE = {"blocks": 1, "channels": 4, "normalization": "none", "skip": "bicubic"}


def small_generator(path: Path) -> Path:
    """Write the weights of an untrained one: it interpolates."""
    save_weights(path, Generator(**ARCHITECTURE), ARCHITECTURE, "generator")
    return path


def run_command(monkeypatch, capsysbinary, *arguments, stdin: bytes = b"") -> SimpleNamespace:
    """Run a command; return its exit code, its one sentence if it failed, and what it printed."""
    monkeypatch.setattr(sys, "argv", ["srgan-ab", *map(str, arguments)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    with pytest.raises(SystemExit) as stopped:
        main()
    sentence = stopped.value.code if isinstance(stopped.value.code, str) else None
    printed = capsysbinary.readouterr()
    return SimpleNamespace(
        code=1 if sentence else stopped.value.code,
        sentence=sentence,
        bytes=printed.out,
        out=printed.out.decode(errors="replace"),
        err=printed.err.decode(),
    )
