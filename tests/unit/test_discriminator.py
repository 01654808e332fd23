"""The discriminator judges any image size, and every parameter learns."""

import pytest
import torch

from srgan_ab.srgan.discriminator import Discriminator


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (96, 80), (33, 17)])
def test_any_image_size(size):
    assert Discriminator(4)(torch.rand(2, 3, *size)).shape == (2,)


def test_paper_widths():
    convolutions = [m for m in Discriminator().modules() if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [c.stride[0] for c in convolutions] == [1, 2, 1, 2, 1, 2, 1, 2]


def test_every_parameter_gets_a_gradient():
    discriminator = Discriminator(4)
    discriminator(torch.rand(4, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in discriminator.parameters())
