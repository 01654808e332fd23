"""The discriminator's accuracy: one protocol, that of training, for whatever images it is given."""

import numpy as np
import pytest
import torch
from repository import PARAMS

from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.judging import JUDGED, accuracy, even_sample
from srgan_ab.srgan.phases import adversarial

RUNTIME = Runtime(torch.device("cpu"), "fp32")
KINDS = ("bce", "lsgan", "relativistic")


def crops(lr, hr, batch_size=4):
    return Crops(lr, hr, 16, batch_size, True, True, torch.Generator().manual_seed(0))


def pictures(n=8):
    random = torch.Generator().manual_seed(1)
    lr = torch.randint(0, 256, (n, 8, 8, 3), dtype=torch.uint8, generator=random)
    return lr, lr.repeat_interleave(4, 1).repeat_interleave(4, 2)


class Brightness(torch.nn.Module):
    def forward(self, image):
        return image.mean((1, 2, 3)) - 0.5


class Negative(torch.nn.Module):
    """Enlarges, and turns light into dark."""

    def forward(self, lr):
        return 1 - lr.repeat_interleave(4, 2).repeat_interleave(4, 3)


def test_it_counts_both_kinds():
    bright, dark = (torch.full((6, 32, 32, 3), x, dtype=torch.uint8) for x in (230, 25))

    def right(hr, kind="bce"):
        return accuracy(Negative(), Brightness(), kind, crops(hr[:, ::4, ::4], hr), RUNTIME)

    assert right(bright) == right(bright, "relativistic") == 1.0
    assert right(dark) == 0.0
    mixed = torch.cat([bright, dark])
    assert right(mixed) == 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_it_is_what_an_update_on_the_same_crops_would_report(kind, spectral_norm):
    """Its crops, its windows, its BatchNorm, the generator as it is trained, nothing rounded."""
    torch.manual_seed(0)
    generator, discriminator = Generator(1, 4), Discriminator(4, spectral_norm=spectral_norm)
    srgan = load(PARAMS).srgan
    still = {"loss": kind, "learning_rate": 1e-12, "history": 0, "label_noise": 0.0}
    still |= {"discriminator_learning_rate": None}
    settings = srgan.model_copy(
        update={
            **{"crop": 16, "batch_size": 4, "flip": True, "turn": True},
            "adversarial": srgan.adversarial.model_copy(update=still),
        }
    )
    for images in (pictures(4), pictures(12)):
        judged = accuracy(generator, discriminator, kind, crops(*images), RUNTIME)
        phase = adversarial(generator, discriminator, None, *images, settings, RUNTIME, seed=0)
        assert judged == pytest.approx(phase.run_epoch(lambda: None)["d_accuracy"])


def test_it_leaves_the_networks_and_all_other_draws_as_they_are():
    generator, discriminator = Generator(1, 4), Discriminator(4, spectral_norm=True)
    before = [x.clone() for network in (generator, discriminator) for x in network.buffers()]
    state = torch.get_rng_state()
    generator.eval()
    accuracy(generator, discriminator, "bce", crops(*pictures()), RUNTIME)
    after = [x for network in (generator, discriminator) for x in network.buffers()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    assert not generator.training and discriminator.training


def test_memory_is_bounded_by_the_batch():
    sizes = []

    class Counting(Brightness):
        def forward(self, image):
            sizes.append(len(image))
            return super().forward(image)

    Counting.__deepcopy__ = lambda self, memo: self
    accuracy(Negative(), Counting(), "bce", crops(*pictures(50), batch_size=4), RUNTIME)
    assert set(sizes) == {4} and len(sizes) == 2 * 13


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((300, 300), (64, 64)),
        ((1000, 40), (40, 40)),
        ((3, 5), (3, 3)),
        ((1000,), (JUDGED,)),  # photographs without classes
        ((10,), (10,)),
    ],
)
def test_a_sample_has_as_many_of_each_class_from_everywhere(counts, expected):
    labels = np.repeat(np.arange(len(counts)), counts)  # sorted, as packs are
    rows = even_sample(labels)
    assert tuple(np.bincount(labels[rows])) == expected
    assert len(set(rows)) == len(rows)
    for label, count in enumerate(counts):
        first = np.flatnonzero(labels == label)[0]
        chosen = rows[labels[rows] == label] - first
        assert chosen[0] == 0 and (expected[label] == 1 or chosen[-1] == count - 1)
        assert np.ptp(np.diff(chosen)) <= 1
