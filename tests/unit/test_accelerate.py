"""An accelerated network is the same network: its keys, its parameters, and what it computes."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import mobilenet_v2, mobilenet_v3_small

from srgan_ab.accelerate.depthwise import SlowDepthwise
from srgan_ab.accelerate.doubling import CopiedDoubling
from srgan_ab.accelerate.networks import accelerate
from srgan_ab.accelerate.normalization import fold_normalization
from srgan_ab.accelerate.prelu import FastPReLU
from srgan_ab.accelerate.tail import Tail
from srgan_ab.common.timm_networks import of_timm
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator

CPU, ELSEWHERE = torch.device("cpu"), torch.device("meta")
NETWORKS = {
    "generator": lambda: Generator(2, 8),
    "nearest": lambda: Generator(1, 8, "none", upsampler="nearest_conv"),
    "discriminator": lambda: Discriminator(4, spectral_norm=True),
    "mobilenet_v2": lambda: mobilenet_v2(num_classes=2),
    "mobilenet_v3_small": lambda: mobilenet_v3_small(num_classes=2),
    "lite0": lambda: of_timm("timm/tf_efficientnet_lite0"),
}


def kinds(network):
    fast = (FastPReLU, Tail, SlowDepthwise, CopiedDoubling)
    return [type(module).__name__ for module in network.modules() if isinstance(module, fast)]


@pytest.mark.parametrize("name", NETWORKS)
def test_it_stays_the_same_network(name):
    torch.manual_seed(0)
    plain = NETWORKS[name]().eval()  # no dropout
    fast = copy.deepcopy(plain)
    parameters = list(fast.parameters())
    assert accelerate(fast, CPU) is fast
    assert all(a is b for a, b in zip(parameters, fast.parameters(), strict=True))
    states = plain.state_dict(), fast.state_dict()
    assert list(states[0]) == list(states[1])
    x = torch.rand(2, 3, 64, 64)
    outputs = [network(x) for network in (plain, fast)]
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().sum().backward()
    for a, b in zip(plain.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)


def test_each_device_gets_the_layers_made_for_it():
    def chosen(name, device):
        return kinds(accelerate(NETWORKS[name](), device))

    assert chosen("generator", CPU) == ["FastPReLU"] * 5 + ["Tail"]
    assert chosen("mobilenet_v2", CPU) == ["SlowDepthwise"] * 4
    # with a stride or a filter of 5 pixels; timm pads those with a stride by a class of its own
    assert chosen("mobilenet_v3_small", CPU) == ["SlowDepthwise"] * 10
    assert chosen("lite0", CPU) == ["SlowDepthwise"] * 11
    assert chosen("discriminator", CPU) == []
    assert chosen("nearest", ELSEWHERE) == ["CopiedDoubling"] * 2
    assert chosen("generator", ELSEWHERE) == []


def test_a_copy_is_accelerated_too_and_a_second_time_changes_nothing():
    for name in ("generator", "lite0"):
        network = accelerate(NETWORKS[name](), CPU)
        found = kinds(network)
        assert kinds(copy.deepcopy(network)) == found == kinds(accelerate(network, CPU))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 3, 3, padding=1, stride=2),
        nn.Conv2d(4, 3, 3),
        nn.Conv2d(4, 3, 3, padding="same"),
        nn.Conv2d(4, 3, 3, padding=1, bias=False),
        nn.Conv2d(4, 3, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.PReLU(4),
        nn.Upsample(scale_factor=3),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Upsample(size=8),
    ],
)
def test_layers_that_do_not_fit_are_left_alone(layer):
    for device in (CPU, ELSEWHERE):
        assert not kinds(accelerate(nn.Sequential(copy.deepcopy(layer)), device))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_doubling_by_copies_is_doubling(layout):
    """What a GPU does, on the CPU."""
    x = torch.rand(2, 5, 3, 4).to(memory_format=layout).requires_grad_()
    y = x.detach().clone().requires_grad_()
    ours, theirs = CopiedDoubling(scale_factor=2)(x), F.interpolate(y, scale_factor=2)
    assert torch.equal(ours, theirs)
    assert ours.is_contiguous(memory_format=torch.channels_last)  # the convolution's layout
    weights = torch.rand_like(theirs)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)


def test_normalization_is_folded_away_and_nothing_changes():
    torch.manual_seed(0)
    plain = Generator(2, 8)
    plain(torch.rand(4, 3, 9, 7))  # statistics other than 0 and 1
    folded = copy.deepcopy(plain.eval())
    fold_normalization(folded)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    lr = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(folded(lr), plain(lr))
