"""Realism: a judge that tells what can be told, guesses where nothing can, and always the same."""

import numpy as np
import pytest
import torch

from srgan_ab.quality import realism as module
from srgan_ab.quality.realism import ENOUGH, Patches, halves, of_methods, realism

CPU = torch.device("cpu")


def photographs(n, seed, side=48):
    """Smooth random pictures with a little noise."""
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 216, (n, side // 8, side // 8, 3))
    return (coarse.repeat(8, 1).repeat(8, 2) + random.integers(-9, 10, (n, side, side, 3))).astype(
        np.uint8
    )


def flattened(images):
    """The same without the noise."""
    n, side = images.shape[:2]
    blocks = images.reshape(n, side // 8, 8, side // 8, 8, 3).mean((2, 4)).round()
    return blocks.astype(np.uint8).repeat(8, 1).repeat(8, 2)


@pytest.mark.slow
def test_what_lacks_the_grain_of_photographs_is_told_every_time():
    train, held = photographs(64, 0), photographs(40, 1)
    pairs = (flattened(train), train), [(flattened(held), held), (held, flattened(held))]
    right, wrong_way_round = realism(*pairs, 0, CPU)
    assert right == 1.0 and wrong_way_round == 0.0
    state = torch.get_rng_state()
    assert realism(*pairs, 0, CPU) == [right, wrong_way_round]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
def test_photographs_are_not_told_from_photographs():
    """By any of several judges: 400 images, so chance is 0.5 within 0.1 (four standard errors)."""
    train, held = halves(photographs(128, 0, 24)), halves(photographs(400, 1, 24))
    found = [realism(train, [held], seed, CPU)[0] for seed in range(3)]
    assert found == pytest.approx([0.5] * 3, abs=0.1)
    assert len(set(found)) > 1


def test_halves_are_all_of_the_images():
    images = photographs(5, 0)
    first, second = halves(images)
    assert len(first) + len(second) == 5
    assert np.array_equal(first[1], images[2]) and np.array_equal(second[1], images[3])


def test_every_method_is_judged_on_every_split_but_the_first(monkeypatch):
    monkeypatch.setattr(module, "UPDATES", 2)
    hr = [photographs(n, n) for n in (ENOUGH, 8, 6)]
    methods = {"flat": [flattened(images) for images in hr], "same": hr}
    found = of_methods(methods, hr, 0, CPU)
    assert list(found) == ["photographs", "flat", "same"]
    assert found["same"] == [0.5, 0.5]
    pairs = list(zip(methods["flat"], hr, strict=True))
    assert found["flat"] == realism(pairs[0], pairs[1:], 0, CPU)


def test_too_few_images_judge_nothing():
    hr = [photographs(n, n) for n in (ENOUGH - 1, 8, 6)]
    assert of_methods({"same": hr}, hr, 0, CPU) == {}


def test_patches_lie_about_the_middle_and_every_second_picture_is_held_out(monkeypatch):
    asked = {}

    def of_methods(methods, hr, seed, device):
        asked.update(methods, hr=hr)
        return {name: [0.75] for name in methods}

    monkeypatch.setattr(module, "of_methods", of_methods)
    patches = Patches()
    assert patches.realism(CPU) == {}
    for n, (height, width) in enumerate([(300, 130), (128, 128), (127, 500), (256, 400)]):
        y, x = np.mgrid[:height, :width].astype(np.uint16)
        hr = np.stack([y % 256, x % 256, np.full_like(y, n)], 2).astype(np.uint8)
        patches.add(hr, {"negative": 255 - hr})
    assert patches.realism(CPU) == {"negative": 0.75}
    train, held = asked["hr"]
    assert train[:, 0, 0].tolist() == [
        *([22, 1, 0], [22 + 128, 1, 0]),  # two below each other
        *([0, 72, 3], [0, 200, 3], [128, 72, 3], [128, 200, 3]),  # of a picture after a small one
    ]
    assert held[:, 0, 0].tolist() == [[0, 0, 1]]
    assert train.shape[1:] == held.shape[1:] == (128, 128, 3)
    for negative, positive in zip(asked["negative"], asked["hr"], strict=True):
        assert np.array_equal(negative, 255 - positive)


def test_patches_of_so_many_pictures_and_no_more_are_kept(monkeypatch):
    monkeypatch.setattr(Patches, "PICTURES", 3)
    kept = []
    monkeypatch.setattr(module, "of_methods", lambda methods, hr, *_: kept.extend(hr) or {})
    patches = Patches()
    for _ in range(5):
        patches.add(np.zeros((128, 128, 3), np.uint8), {})
    patches.realism(CPU)
    assert [len(part) for part in kept] == [2, 1]
