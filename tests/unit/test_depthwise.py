"""Depthwise convolutions: torch's, but in fp32 where bf16 is slow to differentiate."""

import copy

import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from srgan_ab.accelerate.depthwise import SlowDepthwise
from srgan_ab.accelerate.networks import accelerate

CPU = torch.device("cpu")
X = torch.randn(2, 6, 17, 22, generator=torch.Generator().manual_seed(0))


def fast(plain):
    same = copy.deepcopy(plain)
    assert SlowDepthwise.fits(same)
    same.__class__ = SlowDepthwise
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


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("stride", [1, 2])
def test_one_that_pads_its_input_itself_goes_on_doing_so(precision, stride):
    """Layers of timm with TensorFlow's padding: one pixel more at the end, if the sum is odd."""
    torch.manual_seed(0)
    plain = Conv2dSame(6, 6, 5, stride, groups=6)
    found = trained(accelerate(copy.deepcopy(plain), CPU), X, precision)
    for ours, reference in zip(found, trained(plain, X, "fp32"), strict=True):
        torch.testing.assert_close(ours, reference)


@pytest.mark.parametrize(("stride", "precision"), [(1, torch.bfloat16), (2, torch.float32)])
def test_a_frozen_filter_is_slow_only_with_a_stride(stride, precision):
    layer = accelerate(nn.Conv2d(6, 6, 5, stride, groups=6).requires_grad_(False), CPU)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(X.clone().requires_grad_()).dtype == precision


def test_without_gradients_it_is_torchs_in_bf16():
    plain = nn.Conv2d(6, 6, 3, groups=6, stride=2)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        y = fast(plain)(X)
        assert y.dtype == torch.bfloat16 and torch.equal(y, plain(X))
