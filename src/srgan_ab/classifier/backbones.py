"""Networks with two outputs: a small one of our own, or any of torchvision's or timm's by name."""

from collections import OrderedDict

import torch
from torch import nn
from torchvision import models

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.rules import BACKBONES, TIMM, unknown_backbone
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD
from srgan_ab.common.weights import load_weights, read_weights

OUTPUTS = 2
SMALL = "small_cnn"
PRETRAINED = paths.pretrained("classifier") / "weights.safetensors"


def small_cnn() -> nn.Sequential:
    """Five 3x3 convolutions: 0.25 M parameters, 25 MMAC for a 128x128 image."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs, stride in ((16, 2), (32, 2), (64, 2), (128, 2), (128, 1)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
        inputs = outputs
    features = nn.Sequential(*layers)
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(inputs, OUTPUTS)
    )
    return nn.Sequential(OrderedDict(features=features, classifier=head))


def pretrained_weights() -> dict[str, torch.Tensor] | None:
    """The state dict that `download` prepared, or None: then training starts from scratch."""
    return read_weights(PRETRAINED)[0] if PRETRAINED.exists() else None


class Renormalise(nn.Module):
    """Images normalised by ImageNet's mean and deviation, as a network's own would have them."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]):
        super().__init__()
        theirs, ours = (mean, std), (IMAGENET_MEAN, IMAGENET_STD)
        (mean_, std_), (imagenet_mean, imagenet_std) = (
            tuple(torch.tensor(values).view(3, 1, 1) for values in pair) for pair in (theirs, ours)
        )
        self.register_buffer("scale", imagenet_std / std_, persistent=False)
        self.register_buffer("shift", (imagenet_mean - mean_) / std_, persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) to the same shape."""
        return images * self.scale + self.shift


def build(backbone: str, weights: dict[str, torch.Tensor] | None, freeze: str) -> nn.Module:
    """Make a network: (N, 3, H, W) RGB, normalised by ImageNet's mean and deviation, to (N, 2).

    Args:
        backbone: `small_cnn`, or the name of a classification network of torchvision's or, with
            `timm/` before it, of timm's, which has its own mean and deviation put before it.
        weights: state dict of the network as its library makes it, with its 1000 ImageNet classes;
            any floating type. The last layer is replaced after loading.
        freeze: `none`, or `features`: only the head is trained, which is the part of the network
            that holds the last layer (`fc`, or all of `classifier`).

    Raises:
        UserError: there is no such backbone, or the weights do not fit it.
    """
    if backbone.startswith(TIMM):
        from srgan_ab.common.timm_networks import of_timm  # takes seconds to import

        network = of_timm(backbone)
    elif backbone in BACKBONES:
        network = models.get_model(backbone, weights=None) if backbone != SMALL else small_cnn()
    else:
        raise UserError(unknown_backbone(backbone))
    if weights is not None:
        load_weights(network, weights, str(PRETRAINED))

    modules = network.named_modules()
    last, layer = [(k, m) for k, m in modules if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
    if backbone != SMALL:
        network.set_submodule(last, _with_two_outputs(layer))
    if freeze == "features":
        network.requires_grad_(False)
        network.get_submodule(last.split(".")[0]).requires_grad_(True)
    if backbone.startswith(TIMM):
        from srgan_ab.common.timm_networks import normalisation

        before = Renormalise(*normalisation(backbone))
        network = nn.Sequential(OrderedDict(renormalise=before, network=network))
    return network


def _with_two_outputs(layer: nn.Linear | nn.Conv2d) -> nn.Linear | nn.Conv2d:
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, OUTPUTS)
    height, width = layer.kernel_size
    return nn.Conv2d(layer.in_channels, OUTPUTS, (height, width))


def training_mode(network: nn.Module) -> None:
    """Dropout on and BatchNorm on batch statistics, but for BatchNorm that is frozen."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
            module.eval()


def check_trainable(
    network: nn.Module, backbone: str, size: tuple[int, int], batch_size: int
) -> None:
    """Run a network once on an empty batch, by shapes alone, to see that it can be trained so.

    Args:
        network: left in training mode.
        backbone: its name.
        size: height and width of the images.
        batch_size: images per update.

    Raises:
        UserError: its layers leave nothing of so small an image, or BatchNorm one number to
            normalise.
    """
    training_mode(network)
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    nothing = {name: torch.empty_like(x, device="meta") for name, x in tensors.items()}
    batch = torch.empty(batch_size, 3, *size, device="meta")
    try:
        torch.func.functional_call(network, nothing, (batch,))
    except (RuntimeError, AssertionError):  # of timm's networks for one size, the latter
        raise UserError(
            f"classifier.backbone {backbone} cannot look at images of {min(size)} pixels: raise "
            "images.hr, or choose another backbone, such as small_cnn"
        ) from None
    except ValueError:  # of BatchNorm, which has one number per map
        raise UserError(
            f"classifier.batch_size {batch_size} and images of {min(size)} pixels leave BatchNorm "
            f"of {backbone} one number to normalise: set classifier.batch_size to 2 or more"
        ) from None
