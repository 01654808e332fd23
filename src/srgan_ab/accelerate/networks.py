"""A network on its device, in the form in which it is computed fastest; what it computes stays."""

from functools import cache

import torch
from torch import nn

from srgan_ab.accelerate.depthwise import SlowDepthwise
from srgan_ab.accelerate.doubling import CopiedDoubling
from srgan_ab.accelerate.memory import keep_freed_memory
from srgan_ab.accelerate.prelu import FastPReLU
from srgan_ab.accelerate.tail import Tail
from srgan_ab.common.runtime import Network


@cache
def _over(kind: type[nn.Module], plain: type[nn.Module]) -> type[nn.Module]:
    """The faster kind of a layer; over one of another library, which pads its input, that too."""
    if issubclass(plain, kind):
        return plain
    return kind if issubclass(kind, plain) else type(kind.__name__, (kind, plain), {})


def accelerate(network: Network, device: torch.device) -> Network:
    """Move a network to a device, channels last in memory, with faster code for some layers.

    A layer keeps its parameters, their names and its settings: only its `forward` is another.

    Args:
        network: of plain layers; changed in place.
        device: where it is to be computed.

    Returns:
        The network itself.
    """
    kinds = (FastPReLU, Tail, SlowDepthwise) if device.type == "cpu" else (CopiedDoubling,)
    for module in network.modules():
        for kind in kinds:
            if kind.fits(module):
                module.__class__ = _over(kind, type(module))
    if device.type == "cpu":
        keep_freed_memory()
    # torch's overloads leave out memory_format
    return network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
