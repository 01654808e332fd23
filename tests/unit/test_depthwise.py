"""Strided depthwise convolutions: torch's, but in fp32 where bf16 is slow to differentiate."""

import copy

import pytest
import torch
from torch import nn

from srgan_ab.accelerate.depthwise import StridedDepthwise

X = torch.randn(2, 6, 17, 22, generator=torch.Generator().manual_seed(0))


def fast(plain):
    same = copy.deepcopy(plain)
    assert StridedDepthwise.fits(same)
    same.__class__ = StridedDepthwise
    return same


def trained(layer, x, precision):
    layer.zero_grad()
    inside = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        y = layer(inside)
    y.float().square().sum().backward()
    return [y.detach(), inside.grad, *(p.grad.clone() for p in layer.parameters())]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"dilation": 2}, {"padding": 1}])
def test_in_training_it_is_torchs_in_fp32(precision, options):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 12, 3, groups=6, stride=(2, 3), **options)
    found = trained(fast(plain), X, precision)
    for ours, reference in zip(found, trained(plain, X, "fp32"), strict=True):
        assert torch.equal(ours, reference)


def test_without_gradients_it_is_torchs_in_bf16():
    plain = nn.Conv2d(6, 6, 3, groups=6, stride=2)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        y = fast(plain)(X)
        assert y.dtype == torch.bfloat16 and torch.equal(y, plain(X))
