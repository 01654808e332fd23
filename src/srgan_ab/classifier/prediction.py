"""Probabilities from trained classifiers, without augmentation."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.classifier.augmentation import normalise
from srgan_ab.classifier.backbones import build
from srgan_ab.common import paths
from srgan_ab.common.arms import Subject
from srgan_ab.common.bars import bar
from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.errors import UserError
from srgan_ab.common.packs import open_images
from srgan_ab.common.parts import Keep, forget
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.tensors import as_float
from srgan_ab.common.weights import load_network


@torch.no_grad()
def logits(
    network: nn.Module,
    images: Any,
    runtime: Runtime,
    batch_size: int = 64,
    processes: Processes = ALONE,
) -> torch.Tensor:
    """Logits of every image; leaves the network in eval mode.

    Args:
        network: on the runtime's device.
        images: (N, H, W, 3) uint8 RGB: an array, a memory map, or a tensor; read slice by slice.
        runtime: where to compute.
        batch_size: images at a time; does not change the result beyond rounding.
        processes: that share the batches; all take part.

    Returns:
        (N, 2) float64 on the CPU.
    """
    network.eval()

    def of_images(rows: slice) -> torch.Tensor:
        batch = normalise(as_float(images[rows], runtime.device))
        with runtime.autocast():
            return network(batch).float()

    return processes.by_batches(len(images), batch_size, of_images).cpu().double()


def load_classifier(path: Path, device: torch.device) -> nn.Module:
    """Rebuild a network from its file alone, in eval mode.

    Raises:
        UserError: the file is missing, of other origin, or does not hold what it says.
    """

    def of(backbone: str, **_) -> nn.Module:
        return build(backbone, weights=None, freeze="none")

    return accelerate(load_network(path, "classifier", of), device).eval()


def load_classifiers(directory: Path, device: torch.device) -> list[nn.Module]:
    """Every replicate of one arm, in eval mode.

    Args:
        directory: holds `replicate_0.safetensors`, ...
        device: of the networks.

    Raises:
        UserError: the directory holds no classifier.
    """
    files = sorted(
        Path(directory).glob("replicate_*.safetensors"), key=lambda f: int(f.stem.split("_")[1])
    )
    if not files:
        raise UserError(f"{directory} holds no classifier: run the stage that trains it first")
    return [load_classifier(file, device) for file in files]


def predict(
    networks: Sequence[nn.Module],
    images: np.ndarray,
    runtime: Runtime,
    batch_size: int = 64,
    processes: Processes = ALONE,
) -> np.ndarray:
    """Probability of the positive class (index 1) from every replicate of one arm.

    Args:
        networks: on the runtime's device.
        images: (N, H, W, 3) uint8 RGB.
        runtime: where to compute.
        batch_size, processes: as of `logits`.

    Returns:
        (replicates, N) float64 in [0, 1].
    """
    each = (logits(network, images, runtime, batch_size, processes) for network in networks)
    return np.stack([outputs.softmax(dim=1)[:, 1].numpy() for outputs in each])


def predict_all(
    arms: Iterable[str],
    split: str,
    domains: Iterable[str],
    runtime: Runtime,
    keep: Keep = forget,
) -> dict[Subject, np.ndarray]:
    """`predict` of every arm on the images of a split in every domain.

    Args:
        arms: whose networks are asked.
        split: `val` or `test`.
        domains: of the images.
        runtime: where to compute, and the processes that share it.
        keep: of results, arm by arm.
    """
    ask = partial(predict, runtime=runtime, processes=runtime.processes)
    images = {domain: open_images(split, domain) for domain in domains}

    def of_arm(arm: str) -> dict[str, list[list[float]]]:
        networks = load_classifiers(paths.classifier(arm), runtime.device)
        return {domain: ask(networks, x).tolist() for domain, x in images.items()}

    progress = bar(arms, label=f"{split} images", unit="arm")
    kept = {arm: keep(f"{split}/{arm}", partial(of_arm, arm)) for arm in progress}
    return {(arm, domain): np.array(p) for arm in kept for domain, p in kept[arm].items()}
