"""The last convolution is torch's own, computed in another way."""

import pytest
import torch
import torch.nn.functional as F

from srgan_ab.srgan.tail import Tail


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(1, 4), (5, 8), (16, 12)])
def test_it_is_the_plain_convolution(size, layout):
    """Outputs and all three gradients, in float64."""
    torch.manual_seed(0)
    tail = Tail(6).double()
    x = torch.randn(2, 6, *size, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    y = x.detach().clone().requires_grad_()
    weight, bias = (p.detach().clone().requires_grad_() for p in tail.parameters())
    ours, theirs = tail(x), F.conv2d(y, weight, bias, padding=4)
    torch.testing.assert_close(ours, theirs)
    direction = torch.randn_like(theirs)
    (ours * direction).sum().backward()
    (theirs * direction).sum().backward()
    for a, b in ((x, y), (tail.weight, weight), (tail.bias, bias)):
        torch.testing.assert_close(a.grad, b.grad)


def test_it_is_not_the_plain_call_on_a_cpu(monkeypatch):
    monkeypatch.setattr(torch.nn.Conv2d, "forward", lambda self, x: pytest.fail("the plain call"))
    assert Tail(4)(torch.rand(1, 4, 8, 8)).shape == (1, 3, 8, 8)


def test_elsewhere_it_is_the_plain_call(monkeypatch):
    monkeypatch.setattr(Tail, "by_columns", lambda self, x: pytest.fail("made for a CPU"))
    with torch.device("meta"):
        assert Tail(4)(torch.rand(1, 4, 8, 8)).shape == (1, 3, 8, 8)


def test_in_bf16_it_is_as_precise_as_the_plain_one():
    torch.manual_seed(0)
    tail, x = Tail(32), torch.randn(2, 32, 16, 16)
    exact = F.conv2d(x.double(), tail.weight.double(), tail.bias.double(), padding=4)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        errors = [
            (y.double() - exact).square().mean().sqrt().item()
            for y in (tail(x), F.conv2d(x, tail.weight, tail.bias, padding=4))
        ]
    assert errors[0] < 1.1 * errors[1]
