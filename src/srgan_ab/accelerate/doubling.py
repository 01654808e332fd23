"""Every pixel four times, by copies: elsewhere than on a CPU faster than torch's own."""

from torch import Tensor, nn


class CopiedDoubling(nn.Upsample):
    """`nn.Upsample` by 2 to the nearest pixel, whose gradient is a sum.

    torch's own computes in fp32 under CUDA's autocast, and its compiled gradient sorts indices to
    be deterministic.
    """

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether this class computes what the module does."""
        return type(module) is nn.Upsample and (module.scale_factor, module.mode) == (2, "nearest")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, 2h, 2w), channels last in memory."""
        n, c, h, w = x.shape
        x = x.permute(0, 2, 3, 1)[:, :, None, :, None].expand(n, h, 2, w, 2, c)
        return x.reshape(n, 2 * h, 2 * w, c).permute(0, 3, 1, 2)
