"""Every purpose has a stream of random numbers of its own."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import torch

from srgan_ab.common.seeds import seed_for

SOURCE = Path(__file__).parents[2] / "src"


def test_it_is_a_child_of_numpys_seed_sequence():
    child = np.random.SeedSequence(7, spawn_key=(111, 114, 100, 101, 114, 3))  # "order" in ASCII
    assert seed_for("order", 7, 3) == child.generate_state(1)[0]


def test_neither_purpose_nor_number_nor_a_neighbouring_seed_shares_a_stream():
    purposes = ("generator", "discriminator", "order", "dropout")
    seeds = [seed_for(*key) for key in product(purposes, range(200), range(3))]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_every_generator_takes_it_and_gives_other_numbers_by_it():
    a, b = seed_for("order", 7), seed_for("dropout", 7)
    for draw in (
        lambda seed: torch.rand(4, generator=torch.Generator().manual_seed(seed)).tolist(),
        lambda seed: np.random.default_rng(seed).random(4).tolist(),
        lambda seed: np.random.RandomState(seed).random(4).tolist(),  # scikit-learn's
    ):
        assert draw(a) == draw(a) != draw(b)


def test_no_two_places_name_the_same_purpose():
    named = re.compile(r'seed_for\(\s*"([^"]+)"')
    found = [name for path in SOURCE.rglob("*.py") for name in named.findall(path.read_text())]
    found.remove("adversarial")  # twice: the control P is trained on the draws of SRGAN
    assert len(found) > 5 and len(set(found)) == len(found)
