"""S+T and SR4IR of benchmarks/joint.py: each update moves what it must, and nothing else."""

import importlib
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from repository import PARAMS, ROOT
from test_task_detail import SETTINGS, SIDE, pictures, trained_classifier
from torch.nn import functional
from toy_srgan import RUNTIME

from srgan_ab.classifier.augmentation import normalise
from srgan_ab.classifier.backbones import build
from srgan_ab.common.packs import Pack
from srgan_ab.common.params import load
from srgan_ab.common.tensors import as_float
from srgan_ab.srgan.generator import Generator


@pytest.fixture
def joint(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    return importlib.import_module("joint")


def pair(joint, by_turns, classifier=None, updates=10, rate=1e-4, **changes):
    """Of toy size; without augmentation, unless asked for."""
    torch.manual_seed(0)
    still = dict.fromkeys(("flip", "rotation", "brightness", "contrast", "saturation"), 0)
    still["hue"] = changes.pop("hue", 0)
    settings = load(PARAMS).classifier
    settings = settings.model_copy(
        update={"augmentation": settings.augmentation.model_copy(update=still)} | changes
    )
    generator = Generator(**SETTINGS.generator.architecture(4))
    classifier = classifier or build("small_cnn", None, "none")
    return joint.Pair(
        generator, classifier, by_turns, None, SIDE, settings, rate, updates, RUNTIME, 1
    )


def tensors(network):
    return {name: x.clone() for name, x in network.state_dict().items()}


def moved(network, before):
    """Names of the tensors that are not what they were."""
    return {name for name, x in network.state_dict().items() if not torch.equal(x, before[name])}


def batch(count=8):
    hr, lr, labels = pictures(0)
    return as_float(lr[:count]), as_float(hr[:count]), torch.from_numpy(labels[:count])


def test_every_patch_is_of_one_quality_and_both_are_as_likely(joint):
    sr, hr = torch.zeros(50, 3, SIDE, SIDE), torch.ones(50, 3, SIDE, SIDE)
    mixed = joint.cross_quality_mix(sr, hr, torch.Generator().manual_seed(0))
    side = SIDE // joint.PATCHES
    patches = mixed.unfold(2, side, side).unfold(3, side, side)  # (N, 3, 4, 4, side, side)
    chosen = patches[:, :1, :, :, :1, :1]
    assert torch.equal(patches, chosen.expand_as(patches))  # whole, in all three channels
    assert chosen.mean() == pytest.approx(0.5, abs=0.05)  # of 800, 2.8 standard errors
    assert len(torch.unique(chosen.flatten(1), dim=0)) == 50  # each image's own


def test_the_generators_phase_leaves_the_classifier_as_it_is(joint):
    both = pair(joint, True)
    generator, classifier = tensors(both.generator), tensors(both.classifier)
    both._generator_for_classifier(*batch()[:2])
    assert moved(both.generator, generator) and not moved(both.classifier, classifier)
    assert all(p.requires_grad for p in both.classifier.parameters())


def test_the_classifiers_phase_leaves_the_generator_as_it_is(joint):
    both = pair(joint, True)
    generator, classifier = tensors(both.generator), tensors(both.classifier)
    both._classifier_for_generator(*batch())
    assert not moved(both.generator, generator)
    assert moved(both.classifier, classifier) == set(classifier)  # statistics of BatchNorm too


def test_at_once_both_descend_the_sum_of_pixels_and_entropy(joint):
    both, again, (lr, hr, labels) = pair(joint, False), pair(joint, False), batch()
    networks = (both.generator, both.classifier), (again.generator, again.classifier)
    found, expected = ([p for n in pair_ for p in n.parameters()] for pair_ in networks)
    torch.manual_seed(5)  # of dropout
    both._at_once(lr, hr, labels)
    torch.manual_seed(5)
    sr = again.generator(lr)
    outputs = again.classifier.train()(normalise(sr.clamp(0, 1)))
    loss = (sr - hr).abs().mean() + functional.cross_entropy(outputs, labels)
    for parameter, gradient in zip(found, torch.autograd.grad(loss, expected), strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def test_a_frozen_part_of_the_classifier_stays_frozen(joint):
    both = pair(joint, True, build("small_cnn", None, "features"))
    before = tensors(both.classifier)
    for _ in range(2):
        both.update(*batch())
    assert {name.split(".")[0] for name in moved(both.classifier, before)} == {"classifier"}


def packs():
    hr, lr, labels = pictures(1)
    more = np.full(4, -1)  # images of no class are nobody's
    train = Pack(
        np.concatenate([hr, hr[:4]]),
        np.concatenate([lr, lr[:4]]),
        np.concatenate([labels, more]),
        pd.DataFrame(),
    )
    return train, Pack(*pictures(2), pd.DataFrame())


@pytest.mark.parametrize("by_turns", [False, True])
def test_the_same_seed_gives_the_same_bits_and_the_best_epoch_is_kept(joint, by_turns):
    train, validation = packs()
    both, histories = [], []
    for _ in range(2):
        both.append(pair(joint, by_turns, updates=4, batch_size=8))
        histories.append(joint.fit(both[-1], train, validation, 2))
    pd.testing.assert_frame_equal(*histories)
    first, second = both
    assert not moved(first.generator, tensors(second.generator))
    assert not moved(first.classifier, tensors(second.classifier))
    positive = first.probabilities(validation.lr)
    right = np.where(validation.labels == 1, positive, 1 - positive)
    assert -np.log(right).mean() == pytest.approx(histories[0]["val_loss"].min())


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_by_turns_a_generator_paints_what_its_classifier_looks_for(joint, seed):
    """A tint tells the class in LR, to which a classifier of turned colours is blind."""
    (hr, lr, labels), (_, others, truth) = pictures(seed), pictures(100 + seed)
    validation = Pack(*pictures(200 + seed), pd.DataFrame())
    found = []
    for rate in (2e-3, 0.0):  # with 0 it stays as it is: bicubic interpolation
        network = trained_classifier(hr, labels, seed)
        both = pair(joint, True, network, updates=240, rate=rate, batch_size=16, hue=0.5)
        joint.fit(both, Pack(hr, lr, labels, pd.DataFrame()), validation, 4)
        found.append(((both.probabilities(others) > 0.5) == truth).mean())
    assert found[0] > 0.85 and found[1] < 0.65, found
