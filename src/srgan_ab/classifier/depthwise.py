"""Strided depthwise convolutions in fp32 on a CPU, where their gradient in bf16 is slow.

oneDNN has no fast kernel for it: the four of MobileNetV2 took half of a training step in bf16.
"""

import torch
from torch import Tensor, nn


class StridedDepthwise(nn.Conv2d):
    """`nn.Conv2d` with a stride and one filter per channel; on a CPU autocast passes it over."""

    @classmethod
    def of(cls, layer: nn.Conv2d) -> "StridedDepthwise":
        """The same layer, with the same parameters."""
        with torch.device("meta"):
            same = cls(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size,
                layer.stride,
                layer.padding,
                layer.dilation,
                layer.groups,
                layer.bias is not None,
                layer.padding_mode,
            )
        same.weight, same.bias = layer.weight, layer.bias
        return same

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, h, w); where gradients are wanted on a CPU, in fp32."""
        if not (x.is_cpu and torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.to(self.weight.dtype))


def use_strided_depthwise(network: nn.Module) -> None:
    """Put `StridedDepthwise` in the place of every such layer; parameters and keys stay."""
    layers = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d)
        and module.groups == module.in_channels > 1
        and max(module.stride) > 1
    ]
    for name, module in layers:
        network.set_submodule(name, StridedDepthwise.of(module))
