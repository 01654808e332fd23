"""Cross-fitting: groups never straddle, and each image goes to the generator of its fold."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.packs import Pack, open_images, open_pack
from srgan_ab.common.parts import Parts
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.folds import _fill_empty, assign_folds, rows_without
from srgan_ab.srgan.generation import WEIGHTS, generate, shares_of
from srgan_ab.srgan.generator import Generator, load_generator
from srgan_ab.srgan.upscaling import upscale

RUNTIME = Runtime(torch.device("cpu"), "fp32")
TINY = {"blocks": 1, "channels": 4, "normalization": "none"}


def pack_of(groups, labels):
    index = pd.DataFrame({"id": [f"picture {i}" for i in range(len(groups))], "group": groups})
    nothing = np.empty((len(groups), 0))
    return Pack(hr=nothing, lr=nothing, labels=np.asarray(labels), index=index)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=2, max_size=40),
    st.integers(2, 6),
    st.integers(0, 3),
)
@settings(max_examples=100, deadline=None)
def test_groups_never_straddle_and_no_fold_is_empty(images, folds, seed):
    groups, labels = zip(*images, strict=True)
    pack = pack_of(groups, labels)
    if folds > min(len(set(groups)), max(map(labels.count, labels))):
        with pytest.raises(UserError, match=rf"^srgan\.folds is {folds}, .*: lower it"):
            assign_folds(pack, folds, seed)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a class with fewer images than folds
        table = assign_folds(pack, folds, seed)
    assert table["id"].tolist() == pack.index["id"].tolist()
    assert set(table["fold"]) == set(range(folds))
    assert table.groupby(pack.index["group"])["fold"].nunique().max() == 1


def test_a_fold_that_the_dealer_leaves_empty_gets_a_group():
    """Found by 20,000 random packs: scikit-learn leaves one of 7 folds of these empty."""
    sizes, few = [1, 5, 1, 4, 1, 3, 4], (0, 3)
    pack = pack_of(np.repeat(np.arange(7), sizes), np.isin(np.arange(19), few).astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        tables = [assign_folds(pack, 7, seed) for seed in range(40)]
    for table in tables:
        assert sorted(table["fold"].unique()) == list(range(7))
        assert table.groupby(pack.index["group"])["fold"].nunique().max() == 1


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_filling_moves_whole_groups_and_as_few_as_there_are_empty_folds(images):
    groups = np.array([group for group, _ in images])
    of_group = {group: fold for group, fold in images}
    before = np.array([of_group[group] for group in groups])
    folds = min(6, len(of_group))
    before %= folds
    after = before.copy()
    _fill_empty(after, groups, folds)
    assert set(after) == set(range(folds))
    assert pd.Series(after).groupby(groups).nunique().max() == 1
    assert len(set(groups[after != before])) == folds - len(set(before))


def test_classes_and_sizes_are_even_where_groups_allow():
    labels = np.arange(120) % 3 == 0  # 40 of one class, 80 of the other
    table = assign_folds(pack_of(np.arange(120), labels.astype(int)), 4, seed=0)
    assert (table["fold"].value_counts() == 30).all()
    assert (table["fold"][labels].value_counts() == 10).all()


def test_images_without_classes_are_dealt_evenly():
    table = assign_folds(pack_of(np.arange(10), np.full(10, -1)), 5, seed=0)
    assert (table["fold"].value_counts() == 2).all()


def test_the_seed_decides():
    pack = pack_of(np.arange(30), np.arange(30) % 2)
    first, again, other = (assign_folds(pack, 3, seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_without_a_fold_the_others_are_seen_evenly_and_as_often_as_all(fold, seed):
    left_out, others = fold[0], [n for n, f in enumerate(fold) if f != fold[0]]
    if not others:
        return
    rows = rows_without(pd.DataFrame({"fold": fold}), left_out, seed)
    assert len(rows) == len(fold) and set(rows) == set(others)
    times = np.bincount(rows)[others]
    assert times.max() - times.min() <= 1


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """Packs of 7 images in 3 folds, and four different sets of untrained generators."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        directory = paths.pack(split)
        directory.mkdir(parents=True)
        np.save(directory / "lr.npy", random.integers(0, 256, (7, 8, 8, 3), dtype=np.uint8))
        np.save(directory / "hr.npy", np.zeros((7, 32, 32, 3), np.uint8))
        np.save(directory / "labels.npy", np.zeros(7, np.int64))
        names = [f"{n:02}" for n in range(7)]  # would lose their zeros as numbers
        index = pd.DataFrame({"id": names, "label": "x", "group": range(7), "flagged": 0})
        index.to_csv(directory / "index.csv", index=False)
    torch.manual_seed(0)
    files = {}
    for pair in (None, 0, 1, 2):
        for domain, whole in WEIGHTS.items():
            path = files[domain, pair] = whole if pair is None else paths.without_fold(whole, pair)
            save_weights(path, Generator(**TINY), TINY)
    return files


FOLD = [2, 0, 1, 1, 0, 2, 0]


def own_output(path, split):
    out = np.empty((7, 32, 32, 3), np.uint8)
    upscale(load_generator(path, RUNTIME.device), open_pack(split).lr, out, RUNTIME)
    return out


def test_every_image_is_made_by_the_generator_that_never_saw_it(networks):
    table = pd.DataFrame({"id": [f"{n:02}" for n in range(7)], "fold": FOLD})
    table[::-1].to_csv(paths.FOLDS, index=False)  # found by id, not by row
    for split in ("train", "val"):
        generate(
            split, shares_of(split, WEIGHTS, RUNTIME.device), RUNTIME, Parts(Path("kept"), RUNTIME)
        )
    for domain in WEIGHTS:
        made = {pair: own_output(networks[domain, pair], "train") for pair in (None, 0, 1, 2)}
        for row, fold in enumerate(FOLD):
            image = open_images("train", domain)[row]
            assert [p for p, own in made.items() if np.array_equal(image, own[row])] == [fold]
        assert np.array_equal(open_images("val", domain), own_output(networks[domain, None], "val"))


def test_without_folds_one_set_makes_all(networks):
    assert not Path(paths.FOLDS).exists()
    (share,) = shares_of("train", WEIGHTS, RUNTIME.device)
    assert share.rows.tolist() == list(range(7))
    generate("train", [share], RUNTIME, Parts(Path("kept"), RUNTIME))
    expected = own_output(networks["sr", None], "train")
    assert np.array_equal(open_images("train", "sr"), expected)


def test_a_domain_that_is_not_wanted_needs_no_generator_and_gets_no_images(networks):
    networks["perceptual", None].unlink()
    wanted = ("hr", "sr", "bicubic", "srresnet")
    generate(
        "train", shares_of("train", wanted, RUNTIME.device), RUNTIME, Parts(Path("kept"), RUNTIME)
    )
    made = {file.stem for file in paths.generated("train").iterdir()}
    assert made == {"sr", "bicubic", "srresnet"}
    with pytest.raises(UserError, match=r"models/perceptual/generator\.safetensors is missing"):
        shares_of("train", WEIGHTS, RUNTIME.device)
