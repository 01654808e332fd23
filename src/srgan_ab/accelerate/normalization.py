"""Trained BatchNorm is linear, so the convolution before it can do its work."""

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_normalization(network: nn.Module) -> None:
    """Put each BatchNorm that follows a convolution in a `Sequential` into that convolution.

    Args:
        network: in evaluation mode; changed in place, and of no use for training any more.
    """
    for layers in [m for m in network.modules() if isinstance(m, nn.Sequential)]:
        for i, (convolution, norm) in enumerate(pairwise(layers)):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                layers[i], layers[i + 1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
