"""PReLU as fast as LeakyReLU on a CPU, where torch's own takes a quarter of a training step."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


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
        of_x = torch.ops.aten.leaky_relu_backward(gradient, x, slope.item(), False)
        of_slope = (gradient * x.clamp(max=0)).sum(dtype=slope.dtype)
        return of_x, of_slope.view_as(slope)


class PReLU(nn.PReLU):
    """`nn.PReLU` with one slope for all channels, 0.25 at first (He et al. 2015, arXiv 1502.01852).

    On a CPU it cannot be differentiated twice.
    """

    def __init__(self):
        super().__init__(num_parameters=1, init=0.25)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, to the same shape."""
        if x.is_cpu and not torch.compiler.is_compiling():
            return _LearntLeakyReLU.apply(x, self.weight)
        return super().forward(x)
