"""PReLU as fast as LeakyReLU on a CPU, where torch's own takes a quarter of a training step."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from srgan_ab.common.internals import leaky_relu_backward


class _LearntLeakyReLU(torch.autograd.Function):
    """LeakyReLU, whose kernels are vectorised, with a gradient for its slope."""

    @staticmethod
    def forward(ctx, x: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(x, slope)
        return F.leaky_relu(x, slope.item())

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, slope = ctx.saved_tensors
        of_x = leaky_relu_backward(gradient, x, slope.item())
        of_slope = (gradient * x.clamp(max=0)).sum(dtype=slope.dtype)
        return of_x, of_slope.view_as(slope)


class FastPReLU(nn.PReLU):
    """`nn.PReLU` with one slope for all channels; it cannot be differentiated twice."""

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether this class computes what the module does."""
        return type(module) is nn.PReLU and module.num_parameters == 1

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, to the same shape."""
        if torch.compiler.is_compiling():
            return super().forward(x)
        return _LearntLeakyReLU.apply(x, self.weight)
