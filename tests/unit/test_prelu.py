"""The fast PReLU is torch's."""

import pytest
import torch
from torch import nn

from srgan_ab.accelerate.prelu import FastPReLU


def both(slope, dtype):
    ours, reference = FastPReLU(), nn.PReLU()
    for layer in (ours, reference):
        nn.init.constant_(layer.weight, slope)
        layer.to(dtype)
    return ours, reference


@pytest.mark.parametrize("slope", [0.25, 0.0, -0.5, 1.5])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_values_and_gradients_are_those_of_torchs(slope, layout):
    ours, reference = both(slope, torch.float64)
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    x[0, 0, 0, :3] = 0
    x = x.to(memory_format=layout)
    upstream = torch.randn_like(x)
    found = []
    for layer in (ours, reference):
        inside = x.clone().requires_grad_()
        y = layer(inside)
        y.backward(upstream)
        found.append((y.detach(), inside.grad, layer.weight.grad))
        assert y.is_contiguous(memory_format=layout)
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    torch.testing.assert_close(found[0][2], found[1][2], rtol=1e-12, atol=1e-12)


def test_gradients_agree_with_finite_differences():
    layer = FastPReLU().double()
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)

    def value(x, slope):
        return torch.func.functional_call(layer, {"weight": slope}, (x,))

    assert torch.autograd.gradcheck(value, (x, torch.full((1,), 0.3).double().requires_grad_()))


def test_in_bf16_the_slope_keeps_its_precision():
    """Input and gradient as the convolutions of autocast give them, the parameter in fp32."""
    ours, reference = both(0.3, torch.float32)
    x, upstream = torch.randn(2, 1, 3, 64, 64).bfloat16()
    inside = x.clone().requires_grad_()
    y = ours(inside)
    y.backward(upstream)
    assert y.dtype == inside.grad.dtype == torch.bfloat16
    reference(x.float()).backward(upstream.float())
    assert ours.weight.grad.dtype == torch.float32
    torch.testing.assert_close(ours.weight.grad, reference.weight.grad, rtol=0.01, atol=0.1)
