"""VGG19 features for the perceptual loss (Simonyan & Zisserman 2015; Ledig et al. 2017, eq. 5)."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srgan_ab.common.errors import UserError
from srgan_ab.common.weights import load_weights, read_weights

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
STAGES = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # (maps, convolutions), pooled between


def vgg19_layers(last: str) -> nn.Sequential:
    """VGG19's feature layers up to a convolution, before its ReLU; torchvision's numbering.

    Args:
        last: `conv1_1` ... `conv5_4`.

    Raises:
        UserError: there is no such layer.
    """
    layers: list[nn.Module] = []
    before = 3
    for stage, (width, depth) in enumerate(STAGES, start=1):
        for i in range(1, depth + 1):
            layers.append(nn.Conv2d(before, width, 3, padding=1))
            if last == f"conv{stage}_{i}":
                return nn.Sequential(*layers)
            layers.append(nn.ReLU(inplace=True))
            before = width
        layers.append(nn.MaxPool2d(2))
    raise UserError(
        f"srgan.perceptual.layer is {last!r}: VGG19 has conv1_1 conv1_2 conv2_1 conv2_2 "
        "conv3_1 ... conv3_4 conv4_1 ... conv4_4 conv5_1 ... conv5_4"
    )


class PerceptualLoss(nn.Module):
    """Mean absolute difference of VGG19 features of two images, ImageNet-normalised.

    L1 on features follows Wang et al. 2018 (ESRGAN, arXiv 1809.00219, section 3.3), whose weight
    of 1 it shares; the paper's MSE needs a rescale of 1/12.75 per feature.

    Args:
        layer: the convolution whose output, before ReLU, is compared.
        weights: a file with torchvision's VGG19 keys, with or without the `features.` prefix.
    """

    def __init__(self, layer: str, weights: Path):
        super().__init__()
        self.features = vgg19_layers(layer)
        state, _ = read_weights(weights)
        state = {k.removeprefix("features."): v.float() for k, v in state.items()}
        wanted = self.features.state_dict()
        if not set(wanted) <= set(state):
            deepest = max((int(k.split(".")[0]) for k in state if k[0].isdigit()), default=None)
            raise UserError(
                f"srgan.perceptual.layer is {layer}, beyond what pretrained.perceptual holds "
                f"(VGG19 to features.{deepest}): choose a shallower layer or other weights"
            )
        load_weights(self.features, {k: state[k] for k in wanted}, "pretrained.perceptual")
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Compare.

        Args:
            sr: (N, 3, H, W) in [0, 1]; the gradient goes to it.
            hr: (N, 3, H, W) in [0, 1]; no gradient is computed for it.
        """
        with torch.no_grad():
            target = self.features((hr - self.mean) / self.std)
        return F.l1_loss(self.features((sr - self.mean) / self.std), target)
