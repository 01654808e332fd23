"""A training of SRGAN at toy size: packs in an empty directory, settings, and what it writes."""

import hashlib
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from repository import PARAMS
from safetensors.torch import load_file

from srgan_ab.classifier.backbones import build
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.quality.image_quality import measure
from srgan_ab.srgan.outputs import (
    train_perceptual_and_write,
    train_srgan_and_write,
    train_task_and_write,
)
from srgan_ab.srgan.trainings import Trainings

RUNTIME = Runtime(torch.device("cpu"), "fp32")
FOLDED = {"folds": 2, "batch_size": 2, "generator__normalization": "batch"}
UPDATES = 12  # of each training: 2 + 2 epochs of 3


class Killed(BaseException):
    """SIGKILL asks no one."""


class Mortal(Checkpoints):
    """Keeps the state after every update, until it is killed after some number of them."""

    def __init__(self, directory, updates):
        super().__init__(directory, RUNTIME, interval=0)
        self.left, self.whole = updates, self

    def due(self):
        if not self.whole.left:
            raise Killed
        self.whole.left -= 1
        return True

    def part(self, name):
        part = Mortal(super().part(name).path.parent, 0)
        part.whole = self  # one life for all
        return part


def project(tmp_path, monkeypatch):
    """Packs of random pictures, 6 for training and 3 for validation, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for split, n in (("train", 6), ("val", 3)):
        directory = tmp_path / "data" / split
        directory.mkdir(parents=True)
        lr = random.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
        np.save(directory / "lr.npy", lr)
        np.save(directory / "hr.npy", lr.repeat(4, 1).repeat(4, 2))
        np.save(directory / "labels.npy", np.zeros(n, int))
        index = pd.DataFrame({"id": range(n), "label": "x", "group": [0, 0, 1, 2, 3, 4][:n]})
        index["flagged"] = 0
        index.to_csv(directory / "index.csv", index=False)
    return tmp_path


def settings(**changes):
    """The default ones at toy size: 2 + 2 epochs of 2 updates; `a__b=1` sets `a.b`."""
    srgan = load(PARAMS).srgan.model_dump()
    toy = {
        **{"generator__blocks": 1, "generator__channels": 4, "discriminator__channels": 2},
        **{"discriminator__normalization": "batch", "adversarial__warm_up": 0},
        **{"crop": 16, "batch_size": 4, "snapshots": [1]},
        **{"pretraining__epochs": 2, "adversarial__epochs": 2},
    }
    for path, value in (toy | changes).items():
        *sections, key = path.split("__")
        section = srgan
        for name in sections:
            section = section[name]
        section[key] = value
    return type(load(PARAMS).srgan).model_validate(srgan)


def distance(sr, hr):
    """Stands in for LPIPS."""
    return (sr - hr).abs().flatten(1).mean(1)


def run(
    chosen,
    checkpoints=None,
    lpips=None,
    runtime=RUNTIME,
    seed=1,
    measured=None,
    stage=train_srgan_and_write,
):
    torch.manual_seed(0)
    trainings = Trainings(
        chosen,
        seed=seed,
        runtime=runtime,
        measure=measured or (lambda sr, hr: measure(sr, hr, lpips, RUNTIME.device, 4)),
        lpips=lpips,
        checkpoints=checkpoints or Checkpoints(tempfile.mkdtemp(dir="."), runtime, interval=1e9),
    )
    stage(trainings)
    return {
        str(path.relative_to(Path())): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("models", "metrics", "plots")
        for path in Path(folder).rglob("*.*")
    }


def parts(name, model="srgan"):
    return load_file(f"models/{model}/{name}.safetensors")


def classifiers(replicates=1):
    """Networks of A, as good as any for the arithmetic: random ones, BatchNorm and all."""
    torch.manual_seed(3)
    return [build("small_cnn", weights=None, freeze="none").eval() for _ in range(replicates)]


def run_task(chosen, checkpoints=None, layer=None, weight=1.0, networks=None):
    """Train from what `run` has left, by features of networks."""
    networks, how = networks or classifiers(), SimpleNamespace(layer=layer, weight=weight)

    def stage(trainings):
        train_task_and_write(trainings, networks, how)

    return run(chosen, checkpoints, stage=stage)


def run_perceptual(chosen, checkpoints=None):
    """Train from what `run` has left."""
    return run(chosen, checkpoints, stage=train_perceptual_and_write)


class Features(torch.nn.Module):
    """Stands in for VGG19, without its weights."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3).requires_grad_(False)

    def forward(self, sr, hr):
        with torch.no_grad():
            target = self.conv(hr)
        return (self.conv(sr) - target).abs().mean()
