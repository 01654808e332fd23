"""The distance in EfficientNet-Lite0's features, beside the same formula on timm's own features."""

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F

from srgan_ab.common.errors import UserError
from srgan_ab.common.weights import read_weights, save_weights
from srgan_ab.quality.feature_distance import NETWORK, load_features, mean_distances, read_features

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("pretrained") / "weights.safetensors"
    save_weights(path, timm.create_model("tf_efficientnet_lite0"), {}, "classifier")
    return path


def images(n, seed):
    return np.random.default_rng(seed).integers(0, 256, (n, 64, 64, 3), np.uint8)


def test_it_is_lpips_of_another_network_with_weights_of_one(weights):
    features = read_features(weights, CPU)
    hr, sr = images(3, 0), images(3, 1)
    a, b = (torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255 for x in (sr, hr))
    network = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    network.load_state_dict(read_weights(weights)[0], strict=False)  # it lacks the head
    expected = torch.zeros(3)
    with torch.no_grad():
        pair = [network(x * 2 - 1) for x in (a, b)]
        for one, other in zip(*pair, strict=True):
            difference = F.normalize(one, dim=1) - F.normalize(other, dim=1)
            expected += difference.square().sum(1).mean((1, 2))
    assert len(pair[0]) == 5
    found = mean_distances({"sr": sr, "hr": hr}, hr, features, CPU, batch_size=2)
    assert found == {"sr": pytest.approx(expected.mean().item(), rel=1e-4), "hr": 0}


def test_it_is_measured_where_its_weights_are_there(weights, tmp_path):
    assert load_features(NETWORK, weights.parent, CPU) is not None
    assert load_features("vgg19", weights.parent, CPU) is None
    assert load_features(NETWORK, tmp_path, CPU) is None
    assert mean_distances({"a": images(1, 0)}, images(1, 1), None, CPU) == {}


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, torch.nn.Linear(2, 2), {}, "classifier")
    with pytest.raises(UserError, match="does not fit EfficientNet"):
        read_features(path, CPU)
