"""One update: gradients reach whom they should, and nothing is computed that nobody uses."""

import copy

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import vgg19

from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.history import History
from srgan_ab.srgan.losses import PIXEL_LOSSES, discriminator_loss
from srgan_ab.srgan.objectives import DiscriminatorLoss, GeneratorLoss
from srgan_ab.srgan.steps import (
    Adversaries,
    adversarial_step,
    descend,
    pretrain_step,
    shifted,
    unopposed_step,
    warm_up_step,
)

RUNTIME = Runtime(torch.device("cpu"), "fp32")
TERMS = ("pixel", "perceptual", "adversarial", "total_variation", "lattice")
KINDS = ("bce", "lsgan", "relativistic")


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def adversaries(history=None, normalization="batch", rate=0.1):
    generator = Generator(1, 4, "none")
    discriminator = Discriminator(4, normalization)
    with torch.no_grad():  # blocks without normalisation start at zero, which stops gradients
        for parameter in generator.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return Adversaries(
        generator,
        discriminator,
        torch.optim.SGD(generator.parameters(), rate),
        torch.optim.SGD(discriminator.parameters(), rate),
        history,
        torch.Generator().manual_seed(0),
    )


def batch(n=4):
    return torch.rand(n, 3, 8, 8), torch.rand(n, 3, 32, 32)


class Features(torch.nn.Module):
    """Stands in for VGG19: a random convolution of both images."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3).requires_grad_(False)

    def forward(self, sr, hr):
        return (self.conv(sr) - self.conv(hr)).abs().mean()


def only(term, kind="bce"):
    weights = {name: float(name == term) for name in TERMS}
    return GeneratorLoss(PIXEL_LOSSES["l1"], Features(), kind, weights, 4)


def judge(kind="bce", smoothing=0.0, noise=0.0, r1=0.0, r2=0.0):
    return DiscriminatorLoss(kind, smoothing, noise, r1, r2)


@pytest.mark.parametrize(
    ("term", "kind"),
    [(term, "bce") for term in TERMS] + [("adversarial", kind) for kind in KINDS[1:]],
)
def test_each_term_alone_moves_every_parameter_of_the_generator(term, kind):
    """The test that finds a loss cut off its graph."""
    nets = adversaries()
    adversarial_step(nets, *batch(), only(term, kind), judge(kind), None, RUNTIME)
    still = [k for k, p in nets.generator.named_parameters() if not p.grad.abs().sum() > 0]
    assert not still


@pytest.mark.parametrize("kind", KINDS)
def test_discriminator_learns_from_its_own_loss_alone(kind):
    """Its gradient equals that of its loss on two batches: the generator's adds nothing."""
    nets = adversaries()
    reference = copy.deepcopy(nets.discriminator)
    lr, hr = batch()
    with torch.no_grad():
        sr, seen = shifted(nets.generator(lr), hr, 4, torch.Generator().manual_seed(0))
    targets = torch.full((4,), 0.9), torch.zeros(4)
    discriminator_loss(kind, reference(seen), reference(sr), *targets).backward()
    loss_d = judge(kind, smoothing=0.1)
    adversarial_step(nets, lr, hr, only("adversarial", kind), loss_d, None, RUNTIME)
    for ours, theirs in zip(nets.discriminator.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_generator_learns_from_its_own_loss_alone():
    """Its gradient equals that of its loss against the discriminator just updated."""
    nets = adversaries()
    generator = copy.deepcopy(nets.generator)
    lr, hr = batch()
    adversarial_step(nets, lr, hr, only("adversarial"), judge(), None, RUNTIME)
    sr, _ = shifted(generator(lr), hr, 4, torch.Generator().manual_seed(0))
    torch.nn.functional.softplus(-nets.discriminator(sr)).mean().backward()
    for ours, theirs in zip(nets.generator.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_terms_of_weight_zero_are_not_computed():
    nets = adversaries()
    loss = GeneratorLoss(
        PIXEL_LOSSES["l1"], None, "bce", dict.fromkeys(TERMS, 0.0) | {"pixel": 1.0}, 4
    )
    step = adversarial_step(nets, *batch(), loss, judge(), None, RUNTIME)
    assert {k for k in step if k.startswith("loss_")} == {"loss_d", "loss_pixel"}


def test_both_batches_are_seen_through_one_window_at_every_place():
    sr = torch.arange(36.0).view(1, 1, 6, 6).expand(2, 3, 6, 6).clone().requires_grad_()
    random, corners = torch.Generator().manual_seed(0), set()
    for _ in range(300):
        a, b = shifted(sr, sr.detach() + 100, 4, random)
        assert a.shape == (2, 3, 2, 2)
        assert torch.equal(a + 100, b)
        corners.add(a[0, 0, 0, 0].item())
    assert corners == {float(6 * y + x) for y in range(5) for x in range(5)}
    a.sum().backward()
    assert sr.grad.sum() == 2 * 3 * 4


class Vgg(torch.nn.Module):
    """VGG19 to conv5_4 as the perceptual loss uses it."""

    def __init__(self):
        super().__init__()
        self.features = vgg19(weights=None).features[:35].requires_grad_(False)

    def forward(self, sr, hr):
        with torch.no_grad():
            target = self.features(hr)
        return (self.features(sr) - target).abs().mean()


def test_nothing_is_computed_for_gradients_that_nobody_uses():
    """The paper's step: 76.6 GFLOP per image, 92.5 if VGG and D keep gradients (counted).

    Ours judges windows of 124 pixels: 71.7.
    """
    with torch.device("meta"):  # shapes without numbers
        generator, discriminator, perceptual = Generator(), Discriminator(), Vgg()
        nets = Adversaries(
            generator,
            discriminator,
            torch.optim.SGD(generator.parameters(), 0.1),
            torch.optim.SGD(discriminator.parameters(), 0.1),
            None,
            torch.Generator(),
        )
        lr, hr = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 128, 128)
        weights = dict.fromkeys(TERMS, 1.0)
        loss = GeneratorLoss(PIXEL_LOSSES["mse"], perceptual, "bce", weights, 4)
        with FlopCounterMode(display=False) as counter:
            adversarial_step(nets, lr, hr, loss, judge(), None, RUNTIME)
        assert counter.get_total_flops() / 2 == pytest.approx(71.7e9, rel=0.01)
        with FlopCounterMode(display=False) as counter:
            pretrain_step(generator, nets.optimizer_g, lr, hr, PIXEL_LOSSES["mse"], None, RUNTIME)
        assert counter.get_total_flops() / 2 == pytest.approx(13.6e9, rel=0.02)


def test_smoothing_and_noise_move_the_labels():
    """With outputs of 0, cross-entropy does not depend on labels; with large ones it does."""
    nets, (lr, hr) = adversaries(), batch()
    sr = nets.generator(lr).detach()
    random = torch.Generator().manual_seed(1)

    def loss(**labels):
        return judge(**labels).terms(nets.discriminator, hr, sr, random)[0]["d"].item()

    plain, smoothed = loss(), loss(smoothing=0.2)
    noisy = [loss(noise=0.4) for _ in range(3)]
    assert plain != smoothed
    assert len({plain, *noisy}) == 4


@pytest.mark.parametrize("penalised", ["r1", "r2"])
def test_gradient_penalties_are_added_and_make_the_discriminator_flatter(penalised):
    nets = adversaries(normalization="none", rate=0.01)
    with torch.no_grad():
        for parameter in nets.discriminator.parameters():
            parameter.mul_(1.3)  # steep at the start
    lr, hr = batch()
    steep = judge(**{penalised: 1.0})
    steps = [
        adversarial_step(nets, lr, hr, only("adversarial"), steep, None, RUNTIME) for _ in range(30)
    ]
    assert 0 < steps[-1]["loss_penalty"] < 0.9 * steps[0]["loss_penalty"]


def test_history_shows_older_images_to_the_discriminator():
    plain, remembering = adversaries(), adversaries(History(2, (3, 28, 28)))
    fakes = []
    for nets in (plain, remembering):
        torch.manual_seed(5)
        for _ in range(3):
            step = adversarial_step(nets, *batch(), only("pixel"), judge(), None, RUNTIME)
        fakes.append(step["d_fake"].item())
    assert fakes[0] != fakes[1]


def test_clipping_limits_the_gradient_and_reports_the_norm_before():
    layer = torch.nn.Linear(3, 1)
    before = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), 1.0)
    norm = descend(layer(torch.full((1, 3), 10.0)).sum(), layer, optimizer, 0.5)
    moved = torch.cat([(layer.weight - before[0]).flatten(), layer.bias - before[1]])
    assert norm.item() == pytest.approx(301**0.5)
    assert moved.norm().item() == pytest.approx(0.5, rel=1e-4)


def test_a_warm_up_moves_the_discriminator_alone():
    nets = adversaries()
    still, moved = (
        [p.clone() for p in network.parameters()]
        for network in (nets.generator, nets.discriminator)
    )
    values = warm_up_step(nets, *batch(), judge(), None, RUNTIME)
    assert all(torch.equal(*pair) for pair in zip(still, nets.generator.parameters(), strict=True))
    pairs = zip(moved, nets.discriminator.parameters(), strict=True)
    assert any(not torch.equal(*pair) for pair in pairs)
    assert set(values) == {"loss_d", "d_real", "d_fake", "d_accuracy", "gradient_norm_d"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_warm_up_is_the_discriminators_part_of_an_update(kind):
    """On the same batch, from the same state, with the same draws."""
    torch.manual_seed(1)
    alone = adversaries()
    torch.manual_seed(1)
    together, images = adversaries(), batch()
    first = warm_up_step(alone, *images, judge(kind), None, RUNTIME)
    second = adversarial_step(together, *images, only("pixel", kind), judge(kind), None, RUNTIME)
    assert first == {key: second[key] for key in first}
    pairs = zip(alone.discriminator.parameters(), together.discriminator.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def unopposed(nets, images, loss):
    networks = nets.generator, nets.optimizer_g, nets.random
    return unopposed_step(*networks, *images, loss, None, RUNTIME)


@pytest.mark.parametrize("term", ["pixel", "perceptual", "total_variation", "lattice"])
def test_without_a_discriminator_the_generator_moves_as_beside_one_of_no_weight(term):
    """On the same batch, from the same state, with the same draws."""
    torch.manual_seed(1)
    alone = adversaries()
    torch.manual_seed(1)
    together, images = adversaries(), batch()
    loss = only(term)
    first = unopposed(alone, images, loss)
    second = adversarial_step(together, *images, loss, judge(), None, RUNTIME)
    assert first == {key: second[key] for key in first}
    assert set(first) == {f"loss_{term}", "gradient_norm_g"}
    pairs = zip(alone.generator.parameters(), together.generator.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def test_an_adversarial_term_needs_a_discriminator():
    with pytest.raises(ValueError, match="the adversarial term has a weight and no discriminator"):
        unopposed(adversaries(), batch(), only("adversarial"))
