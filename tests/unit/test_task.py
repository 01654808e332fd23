"""The task-driven loss: by hand, by what its gradient moves, and on every kind of classifier."""

import pytest
import torch
from torch import nn

from srgan_ab.classifier.augmentation import normalise
from srgan_ab.classifier.backbones import build
from srgan_ab.common.errors import UserError
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.losses import PIXEL_LOSSES
from srgan_ab.srgan.objectives import GeneratorLoss
from srgan_ab.srgan.task import TaskLoss, last_map

WEIGHTS = ("pixel", "perceptual", "adversarial", "total_variation", "lattice", "task")


def images(n=2, side=32, seed=0):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def classifier(backbone="small_cnn", seed=0):
    torch.manual_seed(seed)
    return build(backbone, weights=None, freeze="none").eval()


def test_it_is_the_mean_absolute_difference_of_the_features_that_a_classifier_uses():
    network, (sr, hr) = classifier(), (images(seed=1), images(seed=2))
    ours, theirs = (network.features(normalise(x.clone())) for x in (sr, hr))
    loss = TaskLoss([network], None, 1.0, 32)
    assert loss.layer == "features" and ours.shape[2:] == (2, 2)
    assert loss(sr, hr).item() == pytest.approx((ours - theirs).abs().mean().item(), rel=1e-5)
    assert loss(hr, hr).item() == 0


def test_a_layer_is_seen_as_it_is_though_the_next_works_in_place():
    """`features.1` is BatchNorm, and the ReLU after it overwrites what it gave."""
    network, (sr, hr) = classifier(), (images(seed=1), images(seed=2))
    ours, theirs = (network.features[:2](normalise(x.clone())) for x in (sr, hr))
    assert (ours < 0).any()
    found = TaskLoss([network], "features.1", 1.0, 32)(sr, hr).item()
    assert found == pytest.approx((ours - theirs).abs().mean().item(), rel=1e-5)


def test_several_networks_count_alike():
    networks, (sr, hr) = [classifier(seed=n) for n in range(3)], (images(seed=1), images(seed=2))
    each = [TaskLoss([network], None, 1.0, 32)(sr, hr).item() for network in networks]
    assert len(set(each)) == 3
    together = TaskLoss(networks, None, 1.0, 32)(sr, hr).item()
    assert together == pytest.approx(sum(each) / 3, rel=1e-5)


@pytest.mark.parametrize(
    ("backbone", "layer"),
    [
        ("small_cnn", "features"),
        ("resnet18", "layer4"),
        ("mobilenet_v2", "features"),
        ("squeezenet1_1", "classifier.2"),  # its last map is one of each class
        pytest.param("timm/tf_efficientnet_lite0", "network.bn2", marks=pytest.mark.slow),
        pytest.param("densenet121", "features", marks=pytest.mark.slow),
        pytest.param("swin_t", "permute", marks=pytest.mark.slow),
    ],
)
def test_the_last_map_is_what_is_pooled(backbone, layer):
    assert last_map(classifier(backbone), images(side=64)) == layer


def test_it_moves_the_generator_and_nothing_of_the_classifier():
    """Though the loss is descended by whoever would: weights, BatchNorm's statistics, its mode."""
    network = classifier()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    loss = TaskLoss([network], None, 1.0, 32)
    torch.manual_seed(0)
    generator = Generator(1, 8, "none")
    moved = torch.optim.SGD([*generator.parameters(), *network.parameters()], 0.1)
    hr = images(seed=2)
    PIXEL_LOSSES["mse"](generator(images(side=8, seed=1)), hr).backward()
    by_pixels = [p.grad.any().item() for p in generator.parameters()]
    moved.zero_grad()
    distance = loss(generator(images(side=8, seed=1)), hr)
    distance.backward()
    assert by_pixels == [p.grad.any().item() for p in generator.parameters()] and any(by_pixels)
    moved.step()
    assert all(p.grad is None for p in network.parameters())
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert not any(module.training for module in network.modules())
    assert loss(generator(images(side=8, seed=1)), hr) < distance


@pytest.mark.parametrize("alone", ["pixel", "task"])
def test_each_term_alone_pulls_its_way(alone):
    """The gradient of the sum is that of the term that has a weight, and of no other."""
    network, hr = classifier(), images(seed=2)
    task, pixel = TaskLoss([network], None, 3.0, 32), PIXEL_LOSSES["l1"]
    weights = dict.fromkeys(WEIGHTS, 0.0) | {alone: 3.0}
    loss = GeneratorLoss(pixel, None, "bce", weights, 4, task)
    sr = images(seed=1).requires_grad_()
    terms = loss.terms(sr, hr, None)
    assert list(terms) == [alone]
    expected = {"pixel": pixel, "task": task}[alone](sr, hr)
    ours, theirs = (torch.autograd.grad(x, sr)[0] for x in (terms[alone], expected))
    assert theirs.abs().sum() > 0 and torch.equal(ours, theirs)


def test_hr_gets_no_gradient():
    sr, hr = images(seed=1).requires_grad_(), images(seed=2).requires_grad_()
    TaskLoss([classifier()], None, 1.0, 32)(sr, hr).backward()
    assert sr.grad is not None and hr.grad is None


def test_a_layer_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UserError, match=r"task\.layer is 'layer4', .* features features\.0"):
        TaskLoss([classifier()], "layer4", 1.0, 32)


def test_a_window_too_small_for_the_classifier_is_said():
    with pytest.raises(UserError, match=r"leaves nothing of a window of 4 pixels, .* srgan\.crop"):
        TaskLoss([nn.Sequential(nn.Conv2d(3, 2, 5))], None, 1.0, 4)
