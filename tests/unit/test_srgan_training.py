"""Training steps: gradients reach whom they should, the same seed gives the same bits."""

import copy

import pytest
import torch

from srgan_ab.common.errors import UserError
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.losses import PIXEL_LOSSES, discriminator_loss
from srgan_ab.srgan.training import (
    Adversaries,
    GeneratorLoss,
    adversarial_step,
    held_out_accuracy,
    pretrain,
    train_adversarial,
)

RUNTIME = Runtime(torch.device("cpu"), "fp32")
TERMS = ("pixel", "perceptual", "adversarial", "total_variation")


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def settings():
    """The default settings, shrunk: 2 epochs of 2 updates on 16-pixel crops."""
    srgan = load("params.yaml").srgan

    def shrunk(**changes):
        base = {
            "crop": 16,
            "batch_size": 4,
            "pretraining": srgan.pretraining.model_copy(update={"epochs": 2}),
            "adversarial": srgan.adversarial.model_copy(update={"epochs": 2}),
        }
        return srgan.model_copy(update=base | changes)

    return shrunk


def images(n=8, size=4):
    lr = torch.randint(0, 256, (n, size, size, 3), dtype=torch.uint8)
    return lr, lr.repeat_interleave(4, 1).repeat_interleave(4, 2)


def adversaries():
    generator, discriminator = Generator(1, 4, "none"), Discriminator(4)
    return Adversaries(
        generator,
        discriminator,
        torch.optim.SGD(generator.parameters(), 0.1),
        torch.optim.SGD(discriminator.parameters(), 0.1),
    )


class Features(torch.nn.Module):
    """Stands in for VGG19: a random convolution of both images."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3).requires_grad_(False)

    def forward(self, sr, hr):
        return (self.conv(sr) - self.conv(hr)).abs().mean()


def only(term):
    weights = {name: float(name == term) for name in TERMS}
    return GeneratorLoss(PIXEL_LOSSES["l1"], Features(), weights)


@pytest.mark.parametrize("term", TERMS)
def test_each_term_alone_moves_every_parameter_of_the_generator(term):
    """The test that finds a loss cut off its graph.

    Blocks without normalisation end in zero weights, so parameters behind them move from the
    second update on: the weights are shaken first.
    """
    nets = adversaries()
    with torch.no_grad():
        for parameter in nets.generator.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    adversarial_step(
        nets, torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32), only(term), 0.0, RUNTIME
    )
    still = [k for k, p in nets.generator.named_parameters() if not p.grad.abs().sum() > 0]
    assert not still


def test_discriminator_learns_from_its_own_loss_alone():
    """Its gradient equals that of its loss on the same batches: the generator's adds nothing."""
    nets = adversaries()
    reference = copy.deepcopy(nets.discriminator)
    lr, hr = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        sr = nets.generator(lr)
    discriminator_loss(reference(hr), reference(sr), 0.1).backward()
    adversarial_step(nets, lr, hr, only("adversarial"), 0.1, RUNTIME)
    for ours, theirs in zip(nets.discriminator.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_terms_of_weight_zero_are_not_computed():
    nets = adversaries()
    loss = GeneratorLoss(PIXEL_LOSSES["l1"], None, dict.fromkeys(TERMS, 0.0) | {"pixel": 1.0})
    step = adversarial_step(
        nets, torch.rand(2, 3, 8, 8), torch.rand(2, 3, 32, 32), loss, 0.0, RUNTIME
    )
    assert {k for k in step if k.startswith("loss_")} == {"loss_d", "loss_pixel"}


def run(settings, phase):
    torch.manual_seed(5)
    lr, hr = images()
    generator = Generator(1, 4, "batch")
    if phase == "pretrain":
        epochs = pretrain(generator, lr, hr, settings, RUNTIME, seed=3)
    else:
        epochs = train_adversarial(
            generator, Discriminator(4), None, lr, hr, settings, RUNTIME, seed=3
        )
    rows, averages = zip(*epochs, strict=True)
    return rows, generator.state_dict(), averages[-1].state_dict()


@pytest.mark.parametrize("phase", ["pretrain", "adversarial"])
def test_same_seed_same_bits(settings, phase):
    first, second = run(settings(), phase), run(settings(), phase)
    assert first[0] == second[0]
    for a, b in zip(first[1:], second[1:], strict=True):
        assert all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("phase", ["pretrain", "adversarial"])
def test_ema_of_zero_is_the_generator_itself_and_else_lags(settings, phase):
    _, raw, averaged = run(settings(ema=0.0), phase)
    assert all(torch.allclose(raw[k], averaged[k]) for k in raw)
    _, raw, averaged = run(settings(ema=0.9), phase)
    assert any(not torch.equal(raw[k], averaged[k]) for k in raw)
    assert all(torch.equal(raw[k], averaged[k]) for k in raw if "running" in k)


def test_pretraining_learns(settings):
    """Flat pictures of random colours: the network has only to learn the colours."""
    lr = torch.randint(0, 256, (8, 1, 1, 3), dtype=torch.uint8).expand(-1, 4, 4, -1).contiguous()
    hr = lr.repeat_interleave(4, 1).repeat_interleave(4, 2)
    longer = settings(
        pretraining=settings().pretraining.model_copy(update={"epochs": 50, "learning_rate": 3e-3})
    )
    rows = [row for row, _ in pretrain(Generator(1, 8, "none"), lr, hr, longer, RUNTIME, 0)]
    assert rows[-1]["loss"] < 0.3 * rows[0]["loss"]


def test_a_loss_that_is_not_finite_is_named(settings):
    lr, hr = images()
    diverging = settings(
        pretraining=settings().pretraining.model_copy(update={"learning_rate": 1e30, "loss": "mse"})
    )
    with pytest.raises(UserError, match=r"loss became infinite or NaN: lower srgan\.pretraining"):
        list(pretrain(Generator(1, 4, "none"), lr, hr, diverging, RUNTIME, 0))


def test_held_out_accuracy_counts_both_kinds():
    class Brightness(torch.nn.Module):
        def forward(self, image):
            return image.mean((1, 2, 3)) - 0.5

    bright, dark = torch.full((4, 3, 8, 8), 0.9), torch.full((4, 3, 8, 8), 0.1)
    assert held_out_accuracy(Brightness(), bright, dark, RUNTIME) == 1.0
    assert held_out_accuracy(Brightness(), dark, bright, RUNTIME) == 0.0
    assert held_out_accuracy(Brightness(), bright, bright, RUNTIME) == 0.5
