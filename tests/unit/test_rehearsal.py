"""Settings by which SRGAN cannot be trained are told from those by which it can."""

import pytest
import torch
from repository import PARAMS
from torchvision.models import vgg19

from srgan_ab.common.errors import UserError
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.rehearsal import rehearse

RUNTIME = Runtime(torch.device("cpu"), "fp32")
SRGAN = load(PARAMS).srgan


def settings(**changes):
    """`a__b=1` sets `a.b`; else the smallest discriminator, with BatchNorm."""
    values = SRGAN.model_dump()
    values["discriminator"] |= {"channels": 1, "normalization": "batch"}
    values["adversarial"] |= {"history": 0}
    for path, value in changes.items():
        section, _, key = path.rpartition("__")
        (values[section] if section else values)[key] = value
    return type(SRGAN).model_validate(values)


class Features(torch.nn.Module):
    """VGG19 to conv5_4, without its weights."""

    def __init__(self):
        super().__init__()
        with torch.device("meta"):
            self.layers = vgg19(weights=None).features[:35]
        self.layers.to_empty(device="cpu").requires_grad_(False)
        for parameter in self.layers.parameters():
            parameter.zero_()

    def forward(self, sr, hr):
        return (self.layers(sr) - self.layers(hr)).abs().mean()


@pytest.mark.parametrize("crop", [16, 20])
def test_batch_norm_needs_more_than_one_number(crop):
    with pytest.raises(UserError, match=rf"batch_size 1 and srgan\.crop {crop} leave BatchNorm"):
        rehearse(settings(batch_size=1, crop=crop), 4, None, RUNTIME)
    rehearse(settings(batch_size=2, crop=crop), 4, None, RUNTIME)
    rehearse(settings(batch_size=1, crop=24), 4, None, RUNTIME)
    free = settings(batch_size=1, crop=crop, discriminator__normalization="none")
    rehearse(free, 4, None, RUNTIME)


def test_a_perceptual_network_needs_something_to_look_at():
    """Four poolings leave nothing of 12 pixels, which is what is shown of a crop of 16."""
    with pytest.raises(UserError, match=r"vgg19 leaves nothing .* 12 pixels, .*perceptual\.layer$"):
        rehearse(settings(crop=16), 4, Features(), RUNTIME)
    rehearse(settings(crop=20), 4, Features(), RUNTIME)
    named = settings(crop=16, perceptual__network="lpips")
    with pytest.raises(UserError, match=r"lpips leaves nothing .*: raise srgan\.crop$"):
        rehearse(named, 4, lambda sr, hr: sr[..., :0].mean((1, 2, 3)), RUNTIME)


@pytest.mark.parametrize("kind", ["bce", "lsgan", "relativistic"])
@pytest.mark.parametrize("name", ["pixel_shuffle", "nearest_conv"])
def test_the_default_settings_pass(kind, name):
    rehearse(settings(adversarial__loss=kind, generator__upsampler=name), 4, None, RUNTIME)
