"""`srgan-ab` in this process, and a generator small enough for it."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from repository import default_params

from srgan_ab.app.cli import main
from srgan_ab.classifier.backbones import build
from srgan_ab.common import paths
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.generator import Generator

ARCHITECTURE = {"blocks": 1, "channels": 4, "normalization": "none", "skip": "bicubic"}


def small_generator(path: Path) -> Path:
    """Write the weights of an untrained one: it interpolates."""
    save_weights(path, Generator(**ARCHITECTURE), ARCHITECTURE, "generator")
    return path


def small_run(arms: dict[str, int], side: int) -> None:
    """Put what a run leaves into the current folder: params, two generators, classifiers.

    Args:
        arms: how many networks of each there are; they are untrained.
        side: of HR images.
    """
    torch.manual_seed(0)
    for arm, count in arms.items():
        for replicate in range(count):
            network = build("small_cnn", None, "none")
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.mul_(2)  # so that pictures differ
            facts = {"backbone": "small_cnn", "classes": ["cat", "dog"]}
            file = paths.classifier(arm) / f"replicate_{replicate}.safetensors"
            save_weights(file, network, facts, "classifier")
    for path in (paths.GENERATOR, paths.PERCEPTUAL):
        small_generator(path)
    params = default_params()
    params["images"] |= {"hr": side, "fit": "cover"}
    paths.PARAMS.write_text(yaml.safe_dump(params))


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


def save(path, size=(12, 8), mode="RGB", **options):
    """Write a small picture, always the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(0).integers(0, 256, (3, 4, 4), np.uint8)
    image = Image.fromarray(values).resize(size, Image.Resampling.BICUBIC).convert(mode)
    image.save(path, **options)
    return path


def files(folder) -> list[str]:
    """Paths of all files below a folder, from there."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
