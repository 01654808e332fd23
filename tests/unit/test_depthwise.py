"""Strided depthwise convolutions: torch's, but in fp32 where bf16 is slow to differentiate."""

import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v2, mobilenet_v3_small

from srgan_ab.classifier.depthwise import StridedDepthwise, use_strided_depthwise

X = torch.randn(2, 6, 17, 22, generator=torch.Generator().manual_seed(0))


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
    found = trained(StridedDepthwise.of(plain), X, precision)
    for ours, reference in zip(found, trained(plain, X, "fp32"), strict=True):
        assert torch.equal(ours, reference)


def test_without_gradients_it_is_torchs_in_bf16():
    plain = nn.Conv2d(6, 6, 3, groups=6, stride=2)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        y = StridedDepthwise.of(plain)(X)
        assert y.dtype == torch.bfloat16 and torch.equal(y, plain(X))


@pytest.mark.parametrize(("make", "layers"), [(mobilenet_v2, 4), (mobilenet_v3_small, 4)])
def test_a_network_stays_the_same_network(make, layers):
    torch.manual_seed(0)
    network = make(num_classes=2).eval()  # no dropout
    x = torch.randn(2, 3, 64, 64)
    before, keys = network(x), list(network.state_dict())
    parameters = list(network.parameters())
    use_strided_depthwise(network)
    assert sum(isinstance(m, StridedDepthwise) for m in network.modules()) == layers
    assert list(network.state_dict()) == keys
    assert all(a is b for a, b in zip(parameters, network.parameters(), strict=True))
    assert torch.equal(network(x), before)
