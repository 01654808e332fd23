"""A run's arms A and B again, each time with one mistake of `MISTAKES`."""

from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path

import mistaken
import numpy as np
import pandas as pd
import torch
from torch import nn

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.classifier.arms import composition, examples
from srgan_ab.classifier.backbones import build, pretrained_weights
from srgan_ab.classifier.prediction import load_classifiers, predict
from srgan_ab.classifier.training import Examples, fit, resident
from srgan_ab.common import paths
from srgan_ab.common.packs import open_images, open_pack
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime, prepare
from srgan_ab.common.schema import Params
from srgan_ab.common.seeds import seed_for
from srgan_ab.quality.image_quality import load_lpips, measure
from srgan_ab.srgan.generator import load_generator
from srgan_ab.srgan.outputs import train_srgan_and_write
from srgan_ab.srgan.trainings import prepare_trainings
from srgan_ab.srgan.upscaling import upscale

RESULTS = Path("mistakes")
LEAKED = 4445 / 7500  # of the test images: what the first publication had trained on


@dataclass(frozen=True)
class Run:
    """The finished run whose arms are repeated."""

    params: Params
    runtime: Runtime

    @classmethod
    def here(cls) -> "Run":
        """Of the current folder."""
        params = load(paths.PARAMS)
        return cls(params, prepare(params.runtime, params.seed))

    @property
    def updates_per_epoch(self) -> int:
        """Of every arm."""
        labelled = int((open_pack("train").labels >= 0).sum())
        return -(-labelled // self.params.classifier.batch_size)

    def first_network(self, replicate: int) -> tuple[int, nn.Module]:
        """Seed and untrained network of that replicate, the same in every arm."""
        settings = self.params.classifier
        own = self.params.seed if settings.seed is None else settings.seed
        seed = seed_for("replicate", own, replicate)
        torch.manual_seed(seed_for("weights", seed))
        network = build(settings.backbone, pretrained_weights(), settings.freeze)
        return seed, accelerate(network, self.runtime.device)

    def seen_by(self, arm: str) -> tuple[Examples, Examples]:
        """What an arm was trained on and chosen by, in memory."""
        compositions = (composition(arm, split, self.params) for split in ("train", "val"))
        right = (examples(table) for table in compositions)
        train, validation = (Examples(each.images[:], each.labels) for each in right)
        return train, validation

    def test(self, domain: str = "hr") -> Examples:
        """The test images."""
        return Examples(np.asarray(open_images("test", domain)), open_pack("test").labels)


Seen = tuple[Examples, Examples]  # training, validation


@dataclass(frozen=True)
class Mistake:
    """One thing done wrong.

    Attributes:
        arm: that is repeated with it: `a` or `b`.
        says: what it is.
        seen: what the arm is trained on and chosen by; None = it is trained as it should be, and
            only asked wrongly.
        after_epoch: what is done to the network, given its history.
        asked: the test images as they are shown to the networks.
    """

    arm: str
    says: str
    seen: Callable[[Run, Seen], Seen] | None = None
    after_epoch: Callable[[nn.Module, pd.DataFrame], None] = lambda network, history: None
    asked: Callable[[Run, np.ndarray], np.ndarray] = lambda run, images: images


def one_after_another(*steps: Callable[[Run, Seen], Seen]) -> Callable[[Run, Seen], Seen]:
    """Several ways of seeing wrongly at once."""
    return lambda run, right: reduce(lambda seen, step: step(run, seen), steps, right)


def saved(*ways: Callable[[np.ndarray], np.ndarray]) -> Callable[[Run, Seen], Seen]:
    """Training and validation images that went through files."""

    def seen(run: Run, right: Seen) -> Seen:
        train, validation = right
        for way in ways:
            train, validation = (Examples(way(e.images), e.labels) for e in (train, validation))
        return train, validation

    return seen


def with_test_images(domain: str) -> Callable[[Run, Seen], Seen]:
    """Training images of which some are test images."""

    def seen(run: Run, right: Seen) -> Seen:
        train, validation = right
        seed = seed_for("mistakes", run.params.seed)
        return mistaken.leaking(train, run.test(domain), LEAKED, seed), validation

    return seen


def by_a_generator_that_saw_test(run: Run, right: Seen) -> Seen:
    """SR images by a generator that was trained on the test images too."""
    generator = load_generator(_trained_on_test(run), run.runtime.device)

    def enlarged(split: str, labels: np.ndarray) -> Examples:
        pack = open_pack(split)
        sr = np.empty(pack.hr.shape, np.uint8)
        upscale(generator, pack.lr, sr, run.runtime)
        return Examples(sr, labels)

    train, validation = right
    return enlarged("train", train.labels), enlarged("val", validation.labels)


def _trained_on_test(run: Run) -> Path:
    """Train SRGAN on training and test images, in a folder of its own; where its weights are."""
    root, place = Path.cwd(), RESULTS / "generator"
    train, test = (open_pack(split) for split in ("train", "test"))
    (place / "data/train").mkdir(parents=True, exist_ok=True)
    for name in ("hr", "lr", "labels"):
        both = np.concatenate([getattr(pack, name) for pack in (train, test)])
        np.save(place / f"data/train/{name}.npy", both)
    index = pd.concat([train.index, test.index])
    index.to_csv(place / "data/train/index.csv", index=False)
    for shared in ("data/val", "models/pretrained"):
        link = place / shared
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(root / shared)
    with chdir(place):
        if not paths.GENERATOR.exists():
            state = Path("state").absolute()
            train_srgan_and_write(prepare_trainings(run.params, state, load_lpips, measure))
    return place / paths.GENERATOR


def augmented(run: Run, images: np.ndarray) -> np.ndarray:
    """Test images as training shows them."""
    settings, seed = run.params.classifier.augmentation, seed_for("mistakes", run.params.seed)
    return mistaken.augmented(images, settings, run.runtime, seed)


def at_224(run: Run, images: np.ndarray) -> np.ndarray:
    """Test images of another size."""
    return mistaken.at_224(images)


JPEG = saved(partial(mistaken.through_jpegs, quality=75))  # as Pillow writes unless told otherwise
PUBLISHED = saved(  # as OpenCV writes what it takes for BGR
    *(mistaken.standardised, mistaken.exchanged, partial(mistaken.through_jpegs, quality=95))
)
MISTAKES = {
    "standardised": Mistake(
        "b", "SR images saved as standardised tensors × 255", saved(mistaken.standardised)
    ),
    "exchanged": Mistake("b", "red and blue of SR images exchanged", saved(mistaken.exchanged)),
    "jpeg": Mistake("b", "SR images saved as JPEG of quality 75", JPEG),
    "published": Mistake(
        "b",
        "SR images saved as standardised tensors, red and blue exchanged, as JPEG of quality 95",
        PUBLISHED,
    ),
    "test_in_a": Mistake("a", "59 % of the test images in A's training", with_test_images("hr")),
    "test_in_b": Mistake(
        "b", "SR copies of 59 % of the test images in B's training", with_test_images("sr")
    ),
    "test_in_generator": Mistake(
        "b", "the test images in the generator's training", by_a_generator_that_saw_test
    ),
    "never_training": Mistake(
        "a",
        "`network.train()` not called again after the first validation",
        lambda run, right: right,
        mistaken.never_training,
    ),
    "augmented": Mistake("a", "test images changed at random as in training", asked=augmented),
    "at_224": Mistake("a", "trained at 128 pixels, tested at 224", asked=at_224),
}


def augmented_at_224(run: Run, images: np.ndarray) -> np.ndarray:
    """Both at once."""
    return augmented(run, at_224(run, images))


# all that was done to an arm at once; another test set for B moves nothing on average
PUBLISHED_ARMS = {
    "siddiky_a": Mistake("a", "all of Siddiky's", with_test_images("hr"), asked=augmented_at_224),
    "siddiky_b": Mistake(
        "b",
        "all of Siddiky's",
        one_after_another(with_test_images("sr"), PUBLISHED),
        asked=augmented_at_224,
    ),
    "xuy50_a": Mistake(
        "a", "all of xuy50's", lambda run, right: right, mistaken.never_training, augmented
    ),
    "xuy50_b": Mistake(
        "b",
        "all of xuy50's",
        one_after_another(by_a_generator_that_saw_test, JPEG),
        asked=augmented,
    ),
}


def repeated(run: Run, mistake: Mistake) -> np.ndarray:
    """Probabilities of the test images by networks that were trained or asked wrongly.

    Returns:
        (replicates, N) float64.
    """
    if mistake.seen is None:
        networks = load_classifiers(paths.classifier(mistake.arm), run.runtime.device)
    else:
        networks = list(_trained(run, mistake, *mistake.seen(run, run.seen_by(mistake.arm))))
    return predict(networks, mistake.asked(run, run.test().images), run.runtime)


def _trained(
    run: Run, mistake: Mistake, train: Examples, validation: Examples
) -> Iterator[nn.Module]:
    """The networks of `classifier.arms.train_arm`, on other images."""
    settings, updates = run.params.classifier, run.updates_per_epoch
    train, validation = (resident(each, run.runtime) for each in (train, validation))
    for replicate in range(settings.replicates):
        seed, network = run.first_network(replicate)
        after = partial(mistake.after_epoch, network)
        state, _ = fit(
            *(network, train, validation, settings, updates, run.runtime, seed), on_epoch=after
        )
        network.load_state_dict(state)
        yield network.eval()
