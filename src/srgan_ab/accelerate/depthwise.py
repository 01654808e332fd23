"""Strided depthwise convolutions in fp32 on a CPU, where their gradient in bf16 is slow.

oneDNN has no fast kernel for it: the four of MobileNetV2 took half of a training step in bf16.
"""

import torch
from torch import Tensor, nn


class StridedDepthwise(nn.Conv2d):
    """`nn.Conv2d` with a stride and one filter per channel; a CPU's autocast passes it over."""

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether this class computes what the module does."""
        return (
            type(module) is nn.Conv2d
            and module.groups == module.in_channels > 1
            and max(module.stride) > 1
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, h, w); where gradients are wanted, in fp32."""
        if not (torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.to(self.weight.dtype))
