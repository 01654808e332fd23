"""Losses equal values derived by hand or by another library's formula."""

import math

import pytest
import torch

from srgan_ab.srgan.losses import (
    discriminator_loss,
    discriminator_loss_floor,
    generator_adversarial_loss,
    total_variation_loss,
)


def test_an_undecided_discriminator_costs_log_two():
    undecided = torch.zeros(5)
    assert generator_adversarial_loss(undecided).item() == pytest.approx(math.log(2))
    assert discriminator_loss(undecided, undecided, 0.0).item() == pytest.approx(math.log(2))


def test_adversarial_loss_is_minus_log_of_the_probability():
    logits = torch.tensor([-3.0, 0.5, 2.0], dtype=torch.float64)
    expected = -torch.log(torch.sigmoid(logits)).mean()
    torch.testing.assert_close(generator_adversarial_loss(logits), expected)


def test_discriminator_loss_is_cross_entropy_with_one_sided_labels():
    real = torch.tensor([1.5, -0.3], dtype=torch.float64)
    fake = torch.tensor([-2.0, 0.7], dtype=torch.float64)
    p, q = torch.sigmoid(real), torch.sigmoid(fake)
    expected = -(0.8 * p.log() + 0.2 * (1 - p).log()).mean() / 2 - (1 - q).log().mean() / 2
    torch.testing.assert_close(discriminator_loss(real, fake, 0.2), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.2])
def test_the_floor_is_the_least_loss(smoothing):
    """Brute force over a grid of logits, with the fake half at its best."""
    logits = torch.linspace(-12, 30, 4001, dtype=torch.float64)
    surely_fake = torch.tensor([-60.0], dtype=torch.float64)
    least = min(discriminator_loss(x.view(1), surely_fake, smoothing).item() for x in logits)
    assert discriminator_loss_floor(smoothing) == pytest.approx(least, abs=1e-5)


def test_published_floor_of_label_four_fifths():
    """H(0.8) = 0.5004 for the sum of both halves, which a published log takes for a balance."""
    assert 2 * discriminator_loss_floor(0.2) == pytest.approx(0.5004, abs=1e-4)


def test_total_variation_of_a_ramp_and_of_a_constant():
    ramp = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 3, 5, 4)
    assert total_variation_loss(ramp).item() == pytest.approx(1.0)
    assert total_variation_loss(torch.full((1, 3, 4, 4), 0.3)).item() == 0.0
