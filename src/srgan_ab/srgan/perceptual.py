"""Features of a network trained on ImageNet, for the perceptual loss (Ledig et al. 2017, eq. 5)."""

from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from srgan_ab.common.errors import UserError
from srgan_ab.common.rules import TIMM
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD
from srgan_ab.common.weights import load_weights, read_weights


def _vgg_convolutions(network: models.VGG) -> dict[str, str]:
    """VGG's convolutions as the papers count them, `conv5_4`, to torchvision's names."""
    names, stage, convolution = {}, 1, 0
    for i, module in network.features.named_children():
        if isinstance(module, nn.MaxPool2d):
            stage, convolution = stage + 1, 0
        elif isinstance(module, nn.Conv2d):
            convolution += 1
            names[f"conv{stage}_{convolution}"] = f"features.{i}"
    return names


class _UpToBlock(nn.Sequential):
    """The first layers of an EfficientNet of timm, which torchvision's extractor cannot trace."""

    def __init__(self, network: nn.Module, layer: str):
        last = int(layer.rpartition(".")[2])
        first = {name: network.get_submodule(name) for name in ("conv_stem", "bn1")}
        blocks = nn.Sequential(*list(network.get_submodule("blocks").children())[: last + 1])
        super().__init__(OrderedDict(**first, blocks=blocks))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"layer": super().forward(image)}


def _extractor(name: str, layer: str) -> nn.Module:
    """What leads to a layer, without weights."""
    with torch.device("meta"):  # VGG's dense layers alone would take half a gigabyte
        if name.startswith(TIMM):
            from srgan_ab.common.timm_networks import of_timm  # takes seconds to import

            return _UpToBlock(of_timm(name).eval(), layer)
        network = models.get_model(name, weights=None).eval()
    layers = _vgg_convolutions(network) if isinstance(network, models.VGG) else {layer: layer}
    try:
        return create_feature_extractor(network, {layers.get(layer, ""): "layer"})
    except ValueError:
        known = layers if name.startswith("vgg") else [n for n, _ in network.named_modules() if n]
        raise UserError(
            f"srgan.perceptual.layer is {layer!r}, but {name} has {' '.join(list(known)[:30])}"
        ) from None


def features(name: str, layer: str, weights: Path) -> nn.Module:
    """The part of a network that leads to a layer, with its weights.

    Args:
        name: `vgg19`, `vgg16`, `resnet50`, `squeezenet1_1` or `mobilenet_v2` of torchvision, or
            `timm/tf_efficientnet_lite0`.
        layer: of VGG a convolution, whose output is taken before its ReLU: `conv1_1` ... `conv5_4`;
            of the others a module by its library's name, as `layer3`, `features.9` or `blocks.2`.
        weights: a file with torchvision's keys; VGG's may lack the prefix `features.`.

    Returns:
        A module from (N, 3, H, W), normalised as the network would have it, to
        `{"layer": (N, C, h, w)}`.

    Raises:
        UserError: there is no such layer, or the file does not hold what leads to it.
    """
    extractor = _extractor(name, layer)
    extractor.to_empty(device="cpu").eval()
    state, _ = read_weights(weights)
    if name.startswith("vgg"):
        state = {f"features.{k.removeprefix('features.')}": v for k, v in state.items()}
    wanted = extractor.state_dict()
    absent = [k for k in wanted if k not in state and not k.endswith("num_batches_tracked")]
    if absent:
        raise UserError(
            f"pretrained.perceptual holds no {absent[0]} of {name}, which srgan.perceptual.layer "
            f"{layer} needs: choose a shallower layer, or weights of this network"
        )
    state = {k: state[k].float() for k in wanted if k in state}
    load_weights(extractor, state, "pretrained.perceptual")
    return extractor


class PerceptualLoss(nn.Module):
    """Mean absolute difference of the features of two images.

    L1 on features follows Wang et al. 2018 (ESRGAN, arXiv 1809.00219, section 3.3), whose weight
    of 1 it shares; the paper's MSE needs a rescale of 1/12.75 per feature.

    Args:
        network, layer, weights: as of `features`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: str, layer: str, weights: Path):
        super().__init__()
        self.features = features(network, layer, weights)
        mean, std = IMAGENET_MEAN, IMAGENET_STD
        if network.startswith(TIMM):
            from srgan_ab.common.timm_networks import normalisation

            mean, std = normalisation(network)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def _of(self, image: Tensor) -> Tensor:
        return self.features((image - self.mean) / self.std)["layer"]

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Compare.

        Args:
            sr: (N, 3, H, W) in [0, 1]; the gradient goes to it.
            hr: (N, 3, H, W) in [0, 1]; no gradient is computed for it.
        """
        with torch.no_grad():
            target = self._of(hr)
        return F.l1_loss(self._of(sr), target)
