"""The perceptual network is VGG19 itself, and its loss follows its definition."""

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from srgan_ab.common.errors import UserError
from srgan_ab.srgan.perceptual import PerceptualLoss, features

WEIGHTS = Path(__file__).parents[3] / "shared/data/weights/vgg19_normalised_relu3_1.safetensors"


@pytest.fixture(scope="module")
def vgg19():
    torch.manual_seed(0)
    return torchvision.models.vgg19(weights=None).features.eval()


@pytest.fixture
def weights(vgg19, tmp_path):
    save_file(
        {f"features.{k}": v.clone() for k, v in vgg19.state_dict().items()},
        tmp_path / "v.safetensors",
    )
    return tmp_path / "v.safetensors"


def stored(network, path):
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "index"), [("conv1_1", 0), ("conv2_2", 7), ("conv3_1", 10), ("conv5_4", 34)]
)
def test_layers_are_those_of_torchvision(vgg19, weights, layer, index):
    image = torch.rand(1, 3, 32, 32)
    ours = features("vgg19", layer, weights)(image)["layer"]
    torch.testing.assert_close(ours, vgg19[: index + 1](image))


@pytest.mark.parametrize(
    ("name", "layer", "part"),
    [
        ("resnet50", "layer2", lambda n: torch.nn.Sequential(*list(n.children())[:6])),
        ("squeezenet1_1", "features.9", lambda n: n.features[:10]),
        ("mobilenet_v2", "features.7", lambda n: n.features[:8]),
    ],
)
def test_layers_of_other_networks(tmp_path, name, layer, part):
    torch.manual_seed(0)
    network = torchvision.models.get_model(name, weights=None).eval()
    path = stored(network, tmp_path / "weights.safetensors")
    image = torch.rand(2, 3, 64, 64)
    ours = features(name, layer, path)(image)["layer"]
    with torch.no_grad():
        torch.testing.assert_close(ours, part(network)(image))


@pytest.mark.parametrize(("block", "size"), [(1, 1), (2, 2), (4, 3)])  # the last of each size
def test_blocks_of_efficientnet_see_images_by_its_own_mean_and_deviation(tmp_path, block, size):
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite0").eval()
    path = stored(network, tmp_path / "weights.safetensors")
    sr, hr = torch.rand(2, 2, 3, 44, 44)
    loss = PerceptualLoss("timm/tf_efficientnet_lite0", f"blocks.{block}", path)(sr, hr)
    with torch.no_grad():
        a, b = (
            network.forward_intermediates(2 * x - 1, intermediates_only=True)[size]
            for x in (sr, hr)
        )
    torch.testing.assert_close(loss, (a - b).abs().mean())


def test_vgg16_counts_three_convolutions_in_its_third_stage(tmp_path):
    network = torchvision.models.vgg16(weights=None).features
    path = stored(network, tmp_path / "weights.safetensors")  # keys without "features."
    image = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(
        features("vgg16", "conv3_3", path)(image)["layer"], network[:15](image)
    )
    with pytest.raises(UserError, match=r"is 'conv3_4', but vgg16 has conv1_1 .* conv5_3"):
        features("vgg16", "conv3_4", path)


def test_loss_is_l1_between_normalised_features_in_float64(vgg19, weights):
    sr, hr = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    loss = PerceptualLoss("vgg19", "conv2_2", weights)(sr, hr)
    normalise = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    reference = torchvision.models.vgg19(weights=None).features[:8].double()
    reference.load_state_dict(vgg19[:8].state_dict())
    a, b = (reference(normalise(x.double())) for x in (sr, hr))
    assert loss.item() == pytest.approx((a - b).abs().mean().item(), rel=1e-4)


def test_gradient_reaches_the_generated_image_only(weights):
    sr = torch.rand(1, 3, 32, 32, requires_grad=True)
    hr = torch.rand(1, 3, 32, 32, requires_grad=True)
    loss = PerceptualLoss("vgg19", "conv3_1", weights)
    loss(sr, hr).backward()
    assert sr.grad.abs().min() >= 0 and sr.grad.abs().sum() > 0
    assert hr.grad is None
    assert all(p.grad is None for p in loss.parameters())


def test_wrong_layer_and_shallow_weights_are_named(vgg19, tmp_path, weights):
    with pytest.raises(UserError, match=r"srgan\.perceptual\.layer is 'conv6_1', but vgg19 has"):
        PerceptualLoss("vgg19", "conv6_1", weights)
    shallow = {k: v.clone() for k, v in vgg19[:11].state_dict().items()}
    save_file(shallow, tmp_path / "shallow.safetensors")
    with pytest.raises(UserError, match=r"perceptual holds no features\.12\.weight of vgg19"):
        PerceptualLoss("vgg19", "conv5_4", tmp_path / "shallow.safetensors")


@pytest.mark.skipif(not WEIGHTS.exists(), reason=f"../shared/data/weights/{WEIGHTS.name} is absent")
def test_real_weights_have_unit_mean_activations():
    """What "normalised VGG19" means (Gatys et al.): every ReLU layer's mean is about 1."""
    loss = PerceptualLoss("vgg19", "conv2_2", WEIGHTS)
    image = torch.rand(1, 3, 8, 8)
    smooth = torch.nn.functional.interpolate(image, size=128, mode="bicubic").clamp(0, 1)
    with torch.no_grad():
        mean = loss.features((smooth - loss.mean) / loss.std)["layer"].relu().mean().item()
    assert 0.1 < mean < 10
    assert loss(smooth, smooth).item() == 0.0
