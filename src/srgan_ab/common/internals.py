"""What torch does not promise to keep: private or unstable functions, called from here alone.

Tried with torch 2.11 to 2.14; pyproject.toml admits no later one before it is tried.
"""

# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

import torch
from torch import Tensor


def copy_all_(to: list[Tensor], source: list[Tensor]) -> None:
    """Copy many tensors of one type in one launch."""
    torch._foreach_copy_(to, source)


def leaky_relu_backward(gradient: Tensor, x: Tensor, slope: float) -> Tensor:
    """The gradient of `leaky_relu` by its input, without computing its output again."""
    return torch.ops.aten.leaky_relu_backward(gradient, x, slope, False)


def has_avx512_bf16() -> bool:
    """Whether this processor multiplies in bf16 by AVX-512."""
    return torch.cpu._is_avx512_bf16_supported()
