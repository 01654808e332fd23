"""The mistakes of benchmarks/mistaken.py: each does what its name says, and nothing else."""

import importlib
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from repository import PARAMS, ROOT
from torchvision.transforms.functional import normalize

from srgan_ab.classifier.training import Examples
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD


@pytest.fixture
def mistaken(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    return importlib.import_module("mistaken")


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_standardised_images_are_what_a_network_is_given_times_255(mistaken):
    images = pixels(300, 6, 5, 3)
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    expected = 255 * normalize(tensors, IMAGENET_MEAN, IMAGENET_STD)
    found = torch.from_numpy(mistaken.standardised(images)).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(found, expected.clamp(0, 255), atol=0.51, rtol=0)
    lost = (found == 0) | (found == 255)
    assert lost.float().mean() > 0.5  # of evenly spread values


def test_colours_are_exchanged_and_nothing_else(mistaken):
    images = pixels(2, 4, 4, 3)
    red, green, blue = np.moveaxis(mistaken.exchanged(images), -1, 0)
    np.testing.assert_array_equal(np.stack([blue, green, red], -1), images)


def test_a_lower_quality_loses_more(mistaken):
    smooth = np.asarray(Image.fromarray(pixels(4, 4, 3)).resize((32, 32), 3))[None]
    errors = [
        np.abs(mistaken.through_jpegs(smooth, q).astype(int) - smooth).mean() for q in (95, 75, 30)
    ]
    assert 0 < errors[0] < errors[1] < errors[2]


def test_test_images_take_the_places_of_training_images_of_their_class(mistaken):
    train = Examples(np.zeros((60, 2, 2, 3), np.uint8), np.repeat([0, 1], [40, 20]))
    test = Examples(pixels(30, 2, 2, 3) | 1, np.arange(30) % 2)
    mixed = mistaken.leaking(train, test, share=0.6, seed=3)
    assert mixed.images.shape == train.images.shape and not train.images.any()
    np.testing.assert_array_equal(mixed.labels, train.labels)
    came = np.flatnonzero(mixed.images.any((1, 2, 3)))
    assert np.bincount(mixed.labels[came]).tolist() == [9, 9]  # 60 % of 15 each
    for row in came:
        (origin,) = np.flatnonzero((test.images == mixed.images[row]).all((1, 2, 3)))
        assert test.labels[origin] == mixed.labels[row]
    again = mistaken.leaking(train, test, share=0.6, seed=3)
    np.testing.assert_array_equal(again.images, mixed.images)


def test_test_images_are_changed_at_random_by_a_seed(mistaken):
    images, runtime = pixels(3, 16, 16, 3), Runtime(torch.device("cpu"), "fp32")
    settings = load(PARAMS).classifier.augmentation
    first, same, other = (mistaken.augmented(images, settings, runtime, s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != images).any() and (first != other).any()


def test_images_are_enlarged_for_a_test_at_224_pixels(mistaken):
    images = pixels(2, 128, 128, 3)
    expected = [
        np.asarray(Image.fromarray(i).resize((224, 224), Image.Resampling.BICUBIC)) for i in images
    ]
    np.testing.assert_array_equal(mistaken.at_224(images), np.stack(expected))


def test_a_network_stays_in_the_mode_of_validation(mistaken):
    network = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.BatchNorm2d(3)).eval()
    network.train()
    assert network[0].training and network[1].training
    network.eval()
    mistaken.never_training(network, pd.DataFrame())
    network.train()
    assert not network[0].training and not network[1].training
