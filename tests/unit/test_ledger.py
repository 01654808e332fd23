"""The ledger counts what was seen, and stops where an image is on a side that is not its own."""

import numpy as np
import pandas as pd
import pytest

from srgan_ab.common.errors import UserError
from srgan_ab.statistics.ledger import (
    accuracy_without_flagged,
    cross_fitted,
    generator_gap,
    seen,
    seen_before,
)
from srgan_ab.statistics.predictions import Predictions

SIDES = {"train": 12, "val": 4, "test": 8}


def split_table():
    names = [f"{side} {i}" for side, count in SIDES.items() for i in range(count)]
    table = pd.DataFrame({"id": names, "split": [name.split()[0] for name in names]})
    return table.assign(
        sha256=[f"file {n}" for n in names],
        pixel_sha256=[f"pixels {n}" for n in names],
        group=np.arange(len(names)).astype(str),
    )


def examples(domains=("hr",)):
    rows = [
        (side, domain, f"{side} {i}", i % 2)
        for side in ("train", "val")
        for domain in domains
        for i in range(SIDES[side])
    ]
    return pd.DataFrame(rows, columns=["split", "domain", "id", "label"])


TESTED = [f"test {i}" for i in range(8)]


def test_the_ledger_counts_ids_and_images():
    found = seen(split_table(), {"a": examples(), "b_plus": examples(("hr", "sr"))}, TESTED)
    assert found["shared_between_splits"] == dict.fromkeys(
        ("id", "sha256", "pixel_sha256", "group"), 0
    )
    assert found["test"] == {"ids": 8}
    assert found["arms"]["a"] == {
        "test_ids_seen": 0,
        "train": {"ids": 12, "images": 12, "positive": 0.5, "domains": ["hr"]},
        "val": {"ids": 4, "images": 4, "positive": 0.5, "domains": ["hr"]},
    }
    assert found["arms"]["b_plus"]["train"] == {
        "ids": 12,
        "images": 24,
        "positive": 0.5,
        "domains": ["hr", "sr"],
    }


@pytest.mark.parametrize("name", ["sha256", "pixel_sha256", "group"])
def test_a_picture_in_two_splits_is_told(name):
    table = split_table()
    table.loc[20, name] = table.loc[3, name]
    with pytest.raises(UserError, match=f"has 1 values of {name} in more than one split"):
        seen(table, {"a": examples()}, TESTED)


@pytest.mark.parametrize(
    ("row", "name", "words"),
    [
        (5, "test 1", r"models/a has used the train image 'test 1', which data/split.csv"),
        (5, "val 1", r"models/a has used the train image 'val 1'"),
        (13, "train 1", r"models/a has used the val image 'train 1'"),
        (0, "unheard of", r"models/a has used the train image 'unheard of'"),
    ],
)
def test_an_image_on_another_side_is_told(row, name, words):
    table = examples()
    table.loc[row, "id"] = name
    with pytest.raises(UserError, match=words):
        seen(split_table(), {"a": table}, TESTED)


def test_a_training_image_among_the_tested_is_told():
    with pytest.raises(UserError, match=r"predictions\.csv holds the test image 'train 3'"):
        seen(split_table(), {"a": examples()}, [*TESTED, "train 3"])


def test_crops_are_of_the_side_of_their_image():
    tested = [f"{name}#{crop}" for name in TESTED for crop in (0, 1)]
    assert seen(split_table(), {"a": examples()}, tested)["test"]["ids"] == 16
    with pytest.raises(UserError, match="'train 3#1'"):
        seen(split_table(), {"a": examples()}, [*tested, "train 3#1"])


def fold_table(count=12):
    return pd.DataFrame({"id": [f"train {i}" for i in range(count)], "fold": np.arange(count) % 3})


def test_folds_are_counted():
    folds = fold_table()
    folds.loc[0, "fold"] = 1
    found = cross_fitted(split_table(), folds, {"a": examples(), "b": examples(("sr",))})
    assert found == {"folds": 3, "smallest": 3, "largest": 5, "seen_by_generator": 0}


@pytest.mark.parametrize("other", [3, 4])
def test_a_near_duplicate_in_another_fold_is_told(other):
    """Images 0 and 3 are of fold 0, 4 of fold 1."""
    table = split_table()
    table.loc[other, "group"] = table.loc[0, "group"]
    if other == 3:
        assert cross_fitted(table, fold_table(), {"b": examples()})["seen_by_generator"] == 0
    else:
        with pytest.raises(UserError, match=r"folds\.csv does not give the train image 'train 0'"):
            cross_fitted(table, fold_table(), {"b": examples()})


def test_an_image_without_a_fold_or_of_another_side_is_told():
    with pytest.raises(UserError, match="does not give the train image 'train 11'"):
        cross_fitted(split_table(), fold_table(11), {"b": examples()})
    folds = fold_table()
    folds.loc[11, "id"] = "test 2"
    with pytest.raises(UserError, match=r"folds\.csv holds the train image 'test 2', which"):
        cross_fitted(split_table(), folds, {"b": examples()})


def test_crops_of_an_image_stay_in_one_fold():
    folds = pd.DataFrame({"id": ["train 3#0", "train 3#1", "train 4"], "fold": [0, 0, 1]})
    used = pd.DataFrame({"id": folds["id"], "split": "train"})
    assert cross_fitted(split_table(), folds, {"b": used})["largest"] == 2
    with pytest.raises(UserError, match="'train 3#0'"):
        cross_fitted(split_table(), folds.assign(fold=[0, 1, 1]), {"b": used})


def test_what_the_first_generator_had_seen_is_counted():
    """A near-duplicate of what it has seen counts as seen; other pictures of its list do not."""
    table = split_table()
    table.loc[17, "group"] = table.loc[18, "group"]  # test 1 and test 2
    seen = [f"pixels {name}" for name in ("test 2", "test 5", "train 3", "val 1", "elsewhere")]
    found = seen_before(table, TESTED, {"generator": "photo", "seen": seen})
    assert found == {"generator": "photo", "images": 5, "test_ids_seen": 3, "train_ids_seen": 1}
    crops = [f"{name}#{crop}" for name in TESTED for crop in (0, 1)]
    found = seen_before(table, crops, {"generator": "photo", "seen": seen})
    assert found["test_ids_seen"] == 6
    found = seen_before(table, TESTED, {"generator": "photo", "seen": ["elsewhere"]})
    assert (found["test_ids_seen"], found["train_ids_seen"]) == (0, 0)


def test_of_a_generator_without_a_list_nothing_is_known():
    found = seen_before(split_table(), TESTED, {"generator": "mine.safetensors", "seen": None})
    assert found == {
        "generator": "mine.safetensors",
        "images": None,
        "test_ids_seen": None,
        "train_ids_seen": None,
    }


def predictions(flagged):
    return Predictions(
        ids=np.arange(4).astype(str),
        groups=np.arange(4),
        flagged=np.array(flagged),
        labels=np.array([0, 1, 0, 1]),
        probabilities={("a", "hr"): np.array([[0.1, 0.9, 0.8, 0.9], [0.1, 0.2, 0.8, 0.9]])},
    )


def test_accuracy_without_flagged_images_by_hand():
    found = accuracy_without_flagged(predictions([False, False, True, False]))
    assert found["flagged"] == 1
    assert found["a"] == pytest.approx({"all": 5 / 8, "without_flagged": 5 / 6})
    found = accuracy_without_flagged(predictions([True] * 4))
    assert np.isnan(found["a"]["without_flagged"])


def test_the_generators_gap_is_train_less_test():
    quality = {
        "train": {"srresnet": {"psnr_rgb": 29.0}, "srgan": {"psnr_rgb": 28.0}},
        "test": {"srresnet": {"psnr_rgb": 28.5}, "srgan": {"psnr_rgb": 28.25}},
    }
    found = generator_gap(quality, {"n_train": 12, "n_val": 4})
    assert (found["train_images"], found["val_images"]) == (12, 4)
    assert (found["srresnet"]["gap"], found["srgan"]["gap"]) == (0.5, -0.25)
    assert "folds" not in found
    folded = generator_gap(quality, {"n_train": 12, "n_val": 4, "folds": 3})
    assert folded == found | {"folds": 3}
    for side, psnr in (("train", 28.75), ("test", 28.5)):
        quality[side]["perceptual"] = {"psnr_rgb": psnr}
    more = generator_gap(quality, {"n_train": 12, "n_val": 4})
    assert {key: more[key] for key in found} == found
    assert more["perceptual"]["gap"] == 0.25
