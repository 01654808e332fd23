"""A class told by a detail of four pixels: a generator that knows the task paints it, another not.

Pictures of class 1 bear stripes four pixels wide from crest to crest, anywhere: an LR pixel. What
tells the class in LR is a tint, to which the classifier is blind, as classifiers with augmented
colours are. Pixels alone want no stripes, as nobody knows where they begin; features of the
classifier want them, wherever.
"""

import numpy as np
import pytest
import torch
import toy_srgan
from torch.nn import functional

from srgan_ab.classifier.augmentation import normalise
from srgan_ab.classifier.backbones import build
from srgan_ab.common.interpolation import resize
from srgan_ab.common.tensors import as_float, as_uint8
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.phases import adversarial
from srgan_ab.srgan.task import TaskLoss

SIDE, COUNT = 32, 64
SETTINGS = toy_srgan.settings(
    **{"crop": SIDE, "batch_size": 16, "flip": False, "turn": False, "ema": 0.0, "lattice": 0.0},
    **{"generator__channels": 16, "adversarial__epochs": 60, "adversarial__weight": 0.001},
    **{"adversarial__learning_rate": 0.002, "adversarial__schedule": "constant"},
)


def pictures(seed):
    """(N, 32, 32, 3) uint8, the same (N, 8, 8, 3), and classes."""
    random = np.random.default_rng(seed)
    labels = np.arange(COUNT) % 2
    grey = random.uniform(0.35, 0.65, (COUNT, 1, 1, 1))
    start = random.uniform(0, 2 * np.pi, (COUNT, 1, 1, 1))
    x = np.arange(SIDE)[None, None, :, None]
    stripes = 0.25 * np.sin(np.pi / 2 * x + start) * labels[:, None, None, None]
    tint = np.array([0.06, 0.0, -0.06]) * (2 * labels - 1)[:, None, None, None]
    hr = grey + stripes + tint + random.normal(0, 0.01, (COUNT, SIDE, SIDE, 3))
    hr = (hr.clip(0, 1) * 255).round().astype(np.uint8)
    return hr, resize(hr, SIDE // 4, SIDE // 4), labels


def trained_classifier(hr, labels, seed):
    """On real pictures, tinted at random."""
    torch.manual_seed(seed)
    network, random = build("small_cnn", None, "none"), torch.Generator().manual_seed(seed)
    optimizer, truth = torch.optim.Adam(network.parameters(), 0.003), torch.from_numpy(labels)
    for _ in range(40):
        tints = 0.3 * (torch.rand(COUNT, 3, 1, 1, generator=random) - 0.5)
        loss = functional.cross_entropy(network(normalise(as_float(hr) + tints)), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


@torch.no_grad()
def accuracy(network, images, labels):
    return (network(normalise(images)).argmax(1).numpy() == labels).mean()


def enlarged(train, lr, task, seed):
    """LR images as a generator enlarges them that was trained on others."""
    torch.manual_seed(seed)
    how = SETTINGS.generator.architecture(4)
    nets = Generator(**how), Discriminator(**SETTINGS.discriminator.model_dump())
    images = (torch.from_numpy(train[1]), torch.from_numpy(train[0]))
    phase = adversarial(*nets, None, *images, SETTINGS, toy_srgan.RUNTIME, seed, task)
    for _ in range(phase.epochs):
        phase.run_epoch(lambda: None)
    with torch.no_grad():
        return as_float(as_uint8(phase.averaged(as_float(lr))))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_paints_what_the_classifier_looks_for(seed):
    train, (hr, lr, labels) = pictures(seed), pictures(100 + seed)
    network = trained_classifier(train[0], train[2], seed)
    assert accuracy(network, as_float(hr), labels) > 0.95
    task = TaskLoss([network], None, 1.0, SIDE - 4)
    plain, driven = (enlarged(train, lr, term, seed) for term in (None, task))
    found = [accuracy(network, images, labels) for images in (plain, driven)]
    assert found[0] < 0.65 and found[1] > 0.85, found
