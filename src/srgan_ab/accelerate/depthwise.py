"""Some depthwise convolutions in fp32 on a CPU, where their gradient in bf16 is slow.

oneDNN has no fast kernel for it where there is a stride, nor for that of a filter of more than 3
pixels.
Eleven layers of EfficientNet-Lite0 took more than half of a training step in bf16, four of
MobileNetV2 half of it.
"""

import torch
from torch import Tensor, nn


class SlowDepthwise(nn.Conv2d):
    """`nn.Conv2d` with one filter per channel; a CPU's autocast passes it over."""

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether this class computes what the module does, and is faster in training."""
        return (
            isinstance(module, nn.Conv2d)
            and module.groups == module.in_channels > 1
            and (max(module.stride) > 1 or max(module.kernel_size) > 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, h, w); where slow gradients are wanted, in fp32."""
        slow = self.weight.requires_grad or max(self.stride) > 1
        if not (slow and torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.to(self.weight.dtype))
