"""SRResNet, the generator of SRGAN (Ledig et al. 2017, arXiv 1609.04802, figure 4)."""

from collections import OrderedDict
from math import log2
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.accelerate.normalization import fold_normalization
from srgan_ab.common.weights import load_network


def _norm(normalization: str, channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels)] if normalization == "batch" else []


def _activation(activation: str) -> nn.Module:
    return nn.PReLU() if activation == "prelu" else nn.LeakyReLU(0.2)


class ResidualBlock(nn.Module):
    """Conv, norm, activation, conv, norm, plus the input."""

    def __init__(self, channels: int, normalization: str, activation: str):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            *_norm(normalization, channels),
            _activation(activation),
            nn.Conv2d(channels, channels, 3, padding=1),
            *_norm(normalization, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to the same shape."""
        return x + self.body(x)


def _icnr_(conv: nn.Conv2d, scale: int) -> None:
    """Start sub-pixel convolution as nearest-neighbour enlargement, without its checkerboard.

    Aitken et al. 2017, arXiv 1707.02937: the scale² kernels behind one output map start equal.
    """
    weight = conv.weight  # (C * scale², c, k, k)
    kernel = torch.empty(weight.shape[0] // scale**2, *weight.shape[1:])
    nn.init.kaiming_normal_(kernel, a=0.25)
    with torch.no_grad():
        weight.copy_(kernel.repeat_interleave(scale**2, dim=0))
        if conv.bias is not None:
            conv.bias.zero_()


def _zero_(layer: nn.Module) -> None:
    """Start a layer as one whose output is 0."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _doubling(channels: int, upsampler: str, activation: str) -> nn.Sequential:
    """(N, C, h, w) -> (N, C, 2h, 2w)."""
    if upsampler == "nearest_conv":
        layers = [nn.Upsample(scale_factor=2), nn.Conv2d(channels, channels, 3, padding=1)]
    else:
        conv = nn.Conv2d(channels, 4 * channels, 3, padding=1)
        _icnr_(conv, 2)
        layers = [conv, nn.PixelShuffle(2)]
    return nn.Sequential(*layers, _activation(activation))


class Generator(nn.Module):
    """Enlarges pictures two, four (paper) or eight times.

    Args:
        blocks: residual blocks (paper: 16).
        channels: feature maps (paper: 64).
        normalization: `batch` (paper) or `none` (Lim et al. 2017, arXiv 1707.02921).
        activation: `prelu` (paper) or `leaky_relu`, of slope 0.2.
        upsampler: `pixel_shuffle` (paper; ICNR start) or `nearest_conv`.
        skip: `none` (paper), or `bicubic`: the network adds to the interpolated picture, from
            which it starts (Kim et al. 2016, VDSR, arXiv 1511.04587): a short training gets
            further, because colours and shapes need not be learnt. Needs `output: linear`.
        output: `linear` (about [0, 1], not clamped, so that training sees an overshoot), or
            `tanh` (mapped from [-1, 1]) or `sigmoid`, which cannot leave [0, 1].
        scale: how much larger HR is than LR along each side: 2, 4 (paper) or 8, so that as many
            doublings follow each other as it has factors of 2.
    """

    def __init__(
        self,
        blocks: int = 16,
        channels: int = 64,
        normalization: str = "batch",
        activation: str = "prelu",
        upsampler: str = "pixel_shuffle",
        skip: str = "none",
        output: str = "linear",
        scale: int = 4,
    ):
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, channels, 9, padding=4), _activation(activation))
        self.body = nn.Sequential(
            OrderedDict(
                (f"block_{i}", ResidualBlock(channels, normalization, activation))
                for i in range(blocks)
            )
        )
        self.join = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), *_norm(normalization, channels)
        )
        doublings = (_doubling(channels, upsampler, activation) for _ in range(int(log2(scale))))
        self.enlarge = nn.Sequential(*doublings)
        self.tail = nn.Conv2d(channels, 3, 9, padding=4)
        if normalization == "none":
            self._start_near_identity()
        self.skip, self.output, self.scale = skip, output, scale
        if skip == "bicubic":
            _zero_(self.tail)

    def _start_near_identity(self) -> None:
        # without BatchNorm the variance would grow with every block (Zhang et al. 2019, Fixup)
        for block in self.modules():
            if isinstance(block, ResidualBlock):
                _zero_(block.body[-1])

    def forward(self, lr: Tensor) -> Tensor:
        """Enlarge.

        Args:
            lr: (N, 3, h, w) in [0, 1].

        Returns:
            (N, 3, scale · h, scale · w) in the range of `output`.
        """
        x = self.head(lr)  # (N, C, h, w)
        x = x + self.join(self.body(x))
        sr = self.tail(self.enlarge(x))
        if self.skip == "bicubic":
            sr = sr + F.interpolate(
                lr, scale_factor=self.scale, mode="bicubic", align_corners=False
            )
        if self.output == "tanh":
            return (sr.tanh() + 1) / 2
        return sr.sigmoid() if self.output == "sigmoid" else sr


def load_generator(path: Path, device: torch.device) -> Generator:
    """Rebuild a generator from its file alone, ready for inference and for that only.

    Raises:
        UserError: the file is missing, no safetensors, or of another network.
    """
    generator = load_network(path, "generator", Generator)
    fold_normalization(generator.eval())
    return accelerate(generator.requires_grad_(False), device)
