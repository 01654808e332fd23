"""The split: disjoint, stratified, by whole groups, the same whatever the order of the rows."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srgan_ab.common.errors import UserError
from srgan_ab.common.seeds import seed_for
from srgan_ab.data.splitting import assign_splits, image_ids, split_metrics, split_table


def table_of(codes, groups) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "path": [f"{('cat', 'dog')[code]}/{n:05d}.jpg" for n, code in enumerate(codes)],
            "label": [("cat", "dog")[code] for code in codes],
            "sha256": "0",
            "pixel_sha256": "0",
            "width": 160,
            "height": 120,
            "group": groups,
            "flagged": 0,
        }
    )


def make(images: pd.DataFrame, test=0.3, validation=0.1, seed=7) -> pd.DataFrame:
    return split_table(images, ["cat", "dog"], test=test, validation=validation, seed=seed)


@st.composite
def data_sets(draw):
    """Two classes of single images, with groups of copies, some of them of mixed labels."""
    codes = [0] * draw(st.integers(20, 150)) + [1] * draw(st.integers(20, 150))
    groups = np.arange(len(codes))
    for _ in range(draw(st.integers(0, 6))):
        members = draw(
            st.lists(st.integers(0, len(codes) - 1), min_size=2, max_size=4, unique=True)
        )
        groups[members] = members[0]
    return codes, groups


@settings(max_examples=60, deadline=None)
@given(data_sets(), st.integers(0, 2**31 - 1), st.floats(0.1, 0.4), st.floats(0.05, 0.3))
def test_every_split_keeps_its_promises(data_set, seed, test, validation):
    codes, groups = data_set
    table = make(table_of(codes, groups), test, validation, seed)

    assert len(table) == len(codes)
    assert table["path"].is_monotonic_increasing
    assert table["id"].is_unique
    assert (table.groupby("group")["split"].nunique() == 1).all()
    assert table["group"].nunique() == len(np.unique(groups))

    largest = table["group"].value_counts().max()
    for code in (0, 1):
        rows = table[table["code"] == code]
        for split, fraction in (("test", test), ("val", validation)):
            held = (rows["split"] == split).sum()
            assert held > 0
            assert abs(held - max(1, fraction * len(rows))) <= largest + 0.5


def exactly(groups, codes, test, validation, seed) -> list[str]:
    """`assign_splits` in fractions: what lacks, over what is wanted, of the classes of a group."""
    groups = np.unique(groups, return_inverse=True)[1]
    counts = [Counter(np.asarray(codes)[groups == g].tolist()) for g in range(groups.max() + 1)]
    wanted = {}
    for code, total in Counter(codes).items():
        held, out = (max(1, round(total * share)) for share in (validation, test))
        wanted[code] = {"train": max(1, total - held - out), "val": held, "test": out}
    lacking = {code: dict(splits) for code, splits in wanted.items()}
    chosen = {}
    for group in sorted(
        np.random.default_rng(seed_for("split", seed)).permutation(len(counts)),
        key=lambda g: -counts[g].total(),
    ):

        def lack(split):
            return sum(
                Fraction(lacking[code][split], wanted[code][split]) * count
                for code, count in counts[group].items()  # noqa: B023
            )

        chosen[group] = max(("train", "val", "test"), key=lack)  # the first of equals
        for code, count in counts[group].items():
            lacking[code][chosen[group]] -= count
    return [chosen[group] for group in groups]


@settings(max_examples=60, deadline=None)
@given(data_sets(), st.integers(0, 2**31 - 1), st.floats(0.1, 0.4), st.floats(0.05, 0.3))
def test_the_greatest_lack_decides_exactly_and_the_first_of_equals(data_set, seed, test, part):
    codes, groups = data_set
    groups = np.unique(groups, return_inverse=True)[1]  # numbered as they come, or nearly
    found = assign_splits(groups, np.array(codes), test, part, seed)
    assert found.tolist() == exactly(pd.factorize(groups)[0], codes, test, part, seed)


def test_equal_lacks_are_equal_whatever_the_rounding():
    """Two splits lack the same of a group of both classes; sums of rounded quotients differ."""
    groups = np.repeat(np.arange(6), [4, 2, 1, 4, 4, 4])
    codes = [0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1]
    found = assign_splits(groups, np.array(codes), 0.3, 0.3, 7)
    assert found.tolist() == exactly(groups, codes, 0.3, 0.3, 7)


@given(data_sets(), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_and_the_names_of_groups_do_not_matter(data_set, random):
    codes, groups = data_set
    images = table_of(codes, groups)
    order = list(range(len(images)))
    random.shuffle(order)
    renamed = images.iloc[order].assign(group=lambda t: 1000 - t["group"])
    pd.testing.assert_frame_equal(make(images), make(renamed))


def test_single_images_are_divided_exactly_and_by_seed():
    images = table_of([0] * 500 + [1] * 400, np.arange(900))
    table = make(images)
    counts = table.groupby(["label", "split"]).size()
    assert counts.to_dict() == {
        ("cat", "train"): 300,
        ("cat", "val"): 50,
        ("cat", "test"): 150,
        ("dog", "train"): 240,
        ("dog", "val"): 40,
        ("dog", "test"): 120,
    }
    assert (table["split"] == make(images)["split"]).all()
    # two independent splits agree on 0.6^2 + 0.1^2 + 0.3^2 = 46 % of the images
    assert 0.36 < (table["split"] == make(images, seed=8)["split"]).mean() < 0.56


def test_copies_do_not_disturb_the_division_of_classes():
    groups = np.arange(600)
    groups[:40] //= 4  # ten groups of four cats
    groups[[300, 301, 100]] = 300  # one group of mixed labels
    counts = make(table_of([0] * 300 + [1] * 300, groups)).groupby(["code", "split"]).size()
    assert counts[(0, "test")] == counts[(1, "test")] == 90
    assert counts[(0, "val")] == counts[(1, "val")] == 30


@pytest.mark.parametrize(
    ("codes", "groups"),
    [
        ([], []),
        ([0, 1], [0, 1]),
        ([0, 0, 0, 0, 0, 1, 1], range(7)),
        ([0] * 50 + [1] * 50, [*range(50)] + [99] * 50),  # fifty copies of one dog
    ],
)
def test_too_few_images_are_one_sentence(codes, groups):
    with pytest.raises(UserError, match="too few for a train, a validation and a test split"):
        assign_splits(np.array(groups, int), np.array(codes, int), 0.3, 0.1, 7)


def test_three_images_of_each_class_suffice():
    splits = assign_splits(np.arange(6), np.array([0, 0, 0, 1, 1, 1]), 0.3, 0.1, 7)
    assert sorted(splits[:3]) == sorted(splits[3:]) == ["test", "train", "val"]


def test_images_without_classes_are_divided_too():
    images = table_of([0] * 50, np.arange(50)).assign(label="")
    table = split_table(images, [], test=0.2, validation=0.2, seed=1)
    assert (table["code"] == -1).all()
    assert table["split"].value_counts().to_dict() == {"train": 30, "val": 10, "test": 10}


def test_classes_are_coded_in_the_order_of_the_params():
    images = table_of([0] * 10 + [1] * 10, np.arange(20))
    table = split_table(images, ["dog", "cat"], test=0.3, validation=0.1, seed=1)
    assert set(zip(table["label"], table["code"], strict=True)) == {("dog", 0), ("cat", 1)}


@pytest.mark.parametrize(
    ("paths", "ids"),
    [
        (["cat/1.jpg", "dog/1.jpg"], ["cat/1", "dog/1"]),
        (["cat/1.jpg", "cat/1.png", "cat/2.png"], ["cat/1.jpg", "cat/1.png", "cat/2"]),
        (["a.b.jpg", "a.c.jpg"], ["a.b", "a.c"]),
        (["a", "a.jpg", "a.jpg.png"], ["a", "a.jpg", "a.jpg.png"]),
    ],
)
def test_ids_are_unique(paths, ids):
    assert image_ids(paths) == ids


def test_metrics_count_what_was_planted():
    groups = np.arange(60)
    groups[[0, 1, 2]] = 0
    groups[[10, 40]] = 10  # a cat and a dog
    metrics = split_metrics(make(table_of([0] * 30 + [1] * 30, groups)))
    assert metrics["images"] == 60
    assert metrics["groups"] == 57
    assert metrics["duplicates"] == 5
    assert metrics["largest_group"] == 3
    assert metrics["conflicting_groups"] == 1
    assert metrics["train"] + metrics["val"] + metrics["test"] == 60
    assert metrics["test"] == metrics["test_cat"] + metrics["test_dog"]
