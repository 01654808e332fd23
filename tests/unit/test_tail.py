"""The last convolution is torch's own, computed in another way."""

import copy

import pytest
import torch
from torch import nn

from srgan_ab.accelerate.tail import Tail


def both(channels, kernel=9):
    """A plain convolution to RGB, and the same by columns."""
    torch.manual_seed(0)
    plain, ours = (nn.Conv2d(channels, 3, kernel, padding=kernel // 2) for _ in range(2))
    ours.load_state_dict(plain.state_dict())
    assert Tail.fits(ours)
    ours.__class__ = Tail
    return plain, ours


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("size", "kernel"), [((1, 4), 9), ((5, 8), 9), ((16, 12), 9), ((6, 8), 3)])
def test_it_is_the_plain_convolution(size, kernel, layout):
    """Outputs and all three gradients, in float64."""
    plain, ours = (layer.double() for layer in both(6, kernel))
    x = torch.randn(2, 6, *size, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    y = x.detach().clone().requires_grad_()
    found, expected = ours(x), plain(y)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(expected)
    (found * direction).sum().backward()
    (expected * direction).sum().backward()
    for a, b in ((x, y), (ours.weight, plain.weight), (ours.bias, plain.bias)):
        torch.testing.assert_close(a.grad, b.grad)


def test_it_is_not_the_plain_call_but_where_columns_do_not_come_out_even(monkeypatch):
    _, ours = both(4)
    assert ours(torch.rand(1, 4, 8, 7)).shape == (1, 3, 8, 7)
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: pytest.fail("the plain call"))
    assert ours(torch.rand(1, 4, 8, 8)).shape == (1, 3, 8, 8)


def test_in_bf16_it_is_as_precise_as_the_plain_one():
    plain, ours = both(32)
    x, exactly = torch.randn(2, 32, 16, 16), copy.deepcopy(plain).double()
    with torch.inference_mode():
        exact = exactly(x.double())
        with torch.autocast("cpu", torch.bfloat16):
            errors = [
                (layer(x).double() - exact).square().mean().sqrt().item() for layer in (ours, plain)
            ]
    assert errors[0] < 1.1 * errors[1]
