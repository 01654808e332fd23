"""Arms that were not trained alike are not compared."""

from dataclasses import replace

import pandas as pd
import pytest

from srgan_ab.classifier.records import Record, check_comparable
from srgan_ab.common.errors import UserError

RECIPE = {"batch_size": 32, "patience": None, "augmentation": {"flip": 0.5}}
RUNS = [{"seed": 7, "updates": 168}, {"seed": 1007, "updates": 168}]
DOMAINS = {"a": ("hr",), "b": ("sr",), "c_plus": ("hr", "bicubic")}


def record(domains, count=10):
    rows = [
        (split, domain, f"{split} {i}", i % 2)
        for split in ("train", "val")
        for domain in domains
        for i in range(count)
    ]
    return Record(RECIPE, RUNS, pd.DataFrame(rows, columns=["split", "domain", "id", "label"]))


def records():
    return {arm: record(domains) for arm, domains in DOMAINS.items()}


def test_records_come_back_from_disk(tmp_path):
    written = record(("hr", "sr"))
    written.examples.loc[0, "id"] = "NA"
    written.save(tmp_path)
    read = Record.load(tmp_path)
    assert (read.recipe, read.replicates) == (RECIPE, RUNS)
    assert read.examples.to_dict("list") == written.examples.to_dict("list")
    (tmp_path / "training.json").unlink()
    with pytest.raises(UserError, match="does not say how it was trained"):
        Record.load(tmp_path)


def test_arms_trained_alike_pass():
    check_comparable(records(), DOMAINS, None)


def with_recipe(**changes):
    return lambda record: replace(record, recipe=RECIPE | changes)


def with_examples(change):
    return lambda record: replace(record, examples=change(record.examples.copy()))


def relabelled(table):
    table.loc[table.index[-1], "label"] ^= 1
    return table


@pytest.mark.parametrize(
    ("arm", "damage", "words"),
    [
        ("b", with_recipe(batch_size=16), r"classifier\.batch_size, 16 and 32"),
        ("b", with_recipe(augmentation={"flip": 0.0}), r"classifier\.augmentation"),
        ("c_plus", lambda r: replace(r, replicates=RUNS[:1]), "seeds and updates"),
        (
            "c_plus",
            lambda r: replace(r, replicates=[RUNS[0], RUNS[1] | {"updates": 150}]),
            "seeds and updates",
        ),
        ("b", lambda r: replace(r, replicates=[RUNS[0], RUNS[1] | {"seed": 8}]), "seeds"),
        ("b", with_examples(lambda t: t.assign(domain="bicubic")), "b is trained on sr"),
        ("c_plus", with_examples(lambda t: t[t["domain"] == "hr"]), "on hr and bicubic"),
        ("b", with_examples(lambda t: t.iloc[1:]), "ids or classes of the sr images of train"),
        ("b", with_examples(lambda t: t.iloc[:-1]), "ids or classes of the sr images of val"),
        ("c_plus", with_examples(relabelled), "ids or classes of the bicubic images of val"),
    ],
)
def test_an_arm_that_differs_is_named_with_the_difference(arm, damage, words):
    found = records()
    found[arm] = damage(found[arm])
    with pytest.raises(UserError, match=words) as caught:
        check_comparable(found, DOMAINS, None)
    assert f"models/{arm} and models/a cannot be compared" in str(caught.value)


def test_early_stopping_excuses_updates_and_nothing_else():
    found = {arm: with_recipe(patience=3)(record) for arm, record in records().items()}
    found["b"] = replace(found["b"], replicates=[RUNS[0], RUNS[1] | {"updates": 150}])
    check_comparable(found, DOMAINS, None)
    found["b"] = replace(found["b"], replicates=[RUNS[0], RUNS[1] | {"seed": 8}])
    with pytest.raises(UserError, match="seeds"):
        check_comparable(found, DOMAINS, None)


def test_b_may_have_fewer_sr_images_if_asked_to_and_no_others():
    found = records()
    found["b"] = with_examples(lambda t: t.iloc[::2])(found["b"])
    check_comparable(found, DOMAINS, 5)
    found["b"] = with_examples(lambda t: t.assign(id=t["id"] + "x"))(found["b"])
    with pytest.raises(UserError, match="ids or classes"):
        check_comparable(found, DOMAINS, 5)
    found = records()
    found["c_plus"] = with_examples(lambda t: t.iloc[::2])(found["c_plus"])
    with pytest.raises(UserError, match="ids or classes"):
        check_comparable(found, DOMAINS, 5)
