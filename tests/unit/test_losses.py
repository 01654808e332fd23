"""Losses equal values derived by hand or by another library's formula."""

import math

import pytest
import torch
from torch import nn

from srgan_ab.srgan.losses import (
    compared,
    discriminator_loss,
    discriminator_loss_floor,
    generator_adversarial_loss,
    gradient_penalty,
    lattice_loss,
    realness,
    total_variation_loss,
)

KINDS = ("bce", "lsgan", "relativistic")


def constant(value, n=5):
    return torch.full((n,), float(value), dtype=torch.float64)


def judged(kind, real, fake, smoothing=0.0):
    target = torch.full_like(real, 1 - smoothing)
    return discriminator_loss(kind, real, fake, target, torch.zeros_like(fake))


@pytest.mark.parametrize("kind", ["bce", "relativistic"])
def test_an_undecided_discriminator_costs_log_two(kind):
    undecided = constant(0.3 if kind == "relativistic" else 0)
    loss = generator_adversarial_loss(kind, undecided, undecided)
    assert loss.item() == pytest.approx(math.log(2))
    assert judged(kind, undecided, undecided).item() == pytest.approx(math.log(2))


def test_least_squares_on_constants():
    """(1 - 0.7)² / 2 for the generator; ((0.9 - 1)² + 0.3²) / 2 for the discriminator."""
    assert generator_adversarial_loss("lsgan", constant(0.7)).item() == pytest.approx(0.045)
    assert judged("lsgan", constant(0.9), constant(0.3)).item() == pytest.approx(0.05)


def test_adversarial_loss_is_minus_log_of_the_probability():
    logits = torch.tensor([-3.0, 0.5, 2.0], dtype=torch.float64)
    expected = -torch.log(torch.sigmoid(logits)).mean()
    torch.testing.assert_close(generator_adversarial_loss("bce", logits), expected)


def test_discriminator_loss_is_cross_entropy_with_one_sided_labels():
    real = torch.tensor([1.5, -0.3], dtype=torch.float64)
    fake = torch.tensor([-2.0, 0.7], dtype=torch.float64)
    p, q = torch.sigmoid(real), torch.sigmoid(fake)
    expected = -(0.8 * p.log() + 0.2 * (1 - p).log()).mean() / 2 - (1 - q).log().mean() / 2
    torch.testing.assert_close(judged("bce", real, fake, 0.2), expected)


def test_relativistic_losses_follow_the_paper():
    """-E[log σ(C(x) - E C(G))] - E[log(1 - σ(C(G) - E C(x)))], and the mirror image, halved."""
    real = torch.tensor([1.5, -0.3, 0.2], dtype=torch.float64)
    fake = torch.tensor([-2.0, 0.7, 0.1], dtype=torch.float64)
    more_real, more_fake = real - fake.mean(), fake - real.mean()
    log = torch.nn.LogSigmoid()
    d = -(log(more_real).mean() + log(-more_fake).mean()) / 2
    g = -(log(-more_real).mean() + log(more_fake).mean()) / 2
    torch.testing.assert_close(judged("relativistic", real, fake), d)
    torch.testing.assert_close(generator_adversarial_loss("relativistic", fake, real), g)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("smoothing", "noise"), [(0.0, 0.0), (0.1, 0.0), (0.2, 0.0), (0.1, 0.3)])
def test_the_floor_is_the_least_expected_loss(kind, smoothing, noise):
    """Brute force: the best pair of outputs, one for all real, one for all generated images."""
    draws = torch.linspace(0, noise, 2001, dtype=torch.float64) if noise else constant(0, 1)
    grid = torch.linspace(-1, 2, 61, dtype=torch.float64)
    if kind != "lsgan":
        grid = grid.clamp(1e-7, 1 - 1e-7).logit().unique()
    least = min(
        discriminator_loss(
            kind, real.expand_as(draws), fake.expand_as(draws), 1 - smoothing - draws, draws
        ).item()
        for real in grid
        for fake in grid
    )
    floor = discriminator_loss_floor(kind, smoothing, noise)
    assert floor <= least + 1e-9
    assert floor == pytest.approx(least, abs=2e-3)


def test_published_floor_of_label_four_fifths():
    """H(0.8) = 0.5004 for the sum of both halves, which a published log takes for a balance."""
    assert 2 * discriminator_loss_floor("bce", 0.2, 0.0) == pytest.approx(0.5004, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_for_real_is_more_than_half_real(kind):
    real, fake = torch.tensor([0.9, 1.4, 0.2]), torch.tensor([-0.4, 0.1, 0.8])
    for margins, shares in zip(compared(kind, real, fake), realness(kind, real, fake), strict=True):
        assert torch.equal(margins > 0, shares > 0.5)
        assert shares.min() >= 0 and shares.max() <= 1


def test_gradient_penalty_of_a_linear_discriminator_is_the_square_of_its_weights():
    linear = nn.Sequential(nn.Flatten(), nn.Linear(12, 1), nn.Flatten(0))
    outputs, penalty = gradient_penalty(linear, torch.rand(5, 3, 2, 2))
    assert outputs.shape == (5,)
    assert penalty.item() == pytest.approx(linear[1].weight.square().sum().item(), rel=1e-5)
    penalty.backward()
    torch.testing.assert_close(linear[1].weight.grad, 2 * linear[1].weight)


def test_gradient_penalty_equals_finite_differences():
    torch.manual_seed(0)
    conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softplus(), nn.Flatten(), nn.LazyLinear(1))
    network = nn.Sequential(conv, nn.Flatten(0)).double()
    images = torch.rand(2, 3, 4, 4, dtype=torch.float64)
    _, penalty = gradient_penalty(network, images)
    step = 1e-5 * torch.eye(48, dtype=torch.float64).view(48, 3, 4, 4)
    slopes = [(network(x + step) - network(x - step)) / 2e-5 for x in images]
    assert penalty.item() == pytest.approx(
        sum(s.square().sum().item() for s in slopes) / 2, rel=1e-6
    )


def test_total_variation_of_a_ramp_and_of_a_constant():
    ramp = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 3, 5, 4)
    assert total_variation_loss(ramp).item() == pytest.approx(1.0)
    assert total_variation_loss(torch.full((1, 3, 4, 4), 0.3)).item() == 0.0


def smooth(n=4, side=48):
    """Pictures that vary slowly, and differ by place within an LR pixel only as a slope does."""
    x = torch.linspace(0, 1, side)
    slopes = torch.linspace(-0.3, 0.3, n).view(n, 1, 1, 1)
    return (0.5 + slopes * x.view(1, 1, 1, side) + 0.1 * x.view(1, 1, side, 1)).expand(
        -1, 3, -1, -1
    )


def pattern(amplitude, period, side=48):
    wave = (2 * math.pi * torch.arange(side) / period).sin()
    return amplitude * wave.view(1, 1, 1, side)


def test_lattice_is_what_repeats_with_every_lr_pixel():
    hr, periods = smooth(), (4, 20 / 6, 20 / 4)  # HR pixels; a window has 20
    found = [lattice_loss(hr + pattern(0.02, period), hr, 4).item() for period in periods]
    assert found[0] > 1 and found[1:] == pytest.approx([0, 0], abs=1e-3)
    # in the real image there is as much of it, or more
    assert lattice_loss(hr + pattern(0.02, 4), hr + pattern(0.02, 4), 4).item() == 0
    assert lattice_loss(hr, hr + pattern(0.02, 4), 4).item() < 1e-3
    # what cannot be seen hardly counts
    assert lattice_loss(hr + pattern(0.0002, 4), hr, 4).item() < 0.05


def test_descending_the_lattice_loss_removes_it_and_leaves_the_picture():
    hr = smooth()
    sr = (hr + pattern(0.02, 4)).clone().requires_grad_()
    optimizer = torch.optim.SGD([sr], lr=0.1)
    before, distance = lattice_loss(sr, hr, 4).item(), (sr - hr).abs().mean().item()
    for _ in range(300):
        optimizer.zero_grad()
        lattice_loss(sr, hr, 4).backward()
        optimizer.step()
    assert lattice_loss(sr, hr, 4).item() < before / 10
    assert (sr - hr).abs().mean() < distance


def test_the_lattice_of_the_smallest_crop():
    assert lattice_loss(torch.rand(2, 3, 12, 12), torch.rand(2, 3, 12, 12), 4).isfinite()
