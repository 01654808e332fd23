"""The discriminator judges any image size, and every parameter learns."""

import pytest
import torch
from torch import nn

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


def test_without_batchnorm_each_image_is_judged_by_itself():
    discriminator = Discriminator(4, "none")
    images = torch.rand(4, 3, 32, 32)
    alone = torch.cat([discriminator(image[None]) for image in images])
    torch.testing.assert_close(discriminator(images), alone)


def test_spectral_norm_limits_every_layer():
    torch.manual_seed(0)
    discriminator = Discriminator(4, "none", spectral_norm=True)
    for _ in range(30):  # power iterations
        discriminator(torch.rand(2, 3, 32, 32))
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 10
    for layer in layers:
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
        assert largest.item() == pytest.approx(1, abs=0.05)


def test_a_signal_passes_through_all_layers_of_a_new_one_without_batchnorm():
    """With first weights that are too small, what tells two images apart is lost on the way."""
    for channels in (16, 64):
        torch.manual_seed(0)
        discriminator = Discriminator(channels, "none")
        with torch.no_grad():
            answers = discriminator(torch.rand(16, 3, 32, 32) * torch.rand(16, 3, 1, 1))
        assert 0.01 < answers.std() < 10
