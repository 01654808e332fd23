"""The evaluate stage on tiny arms: what it leaves for `compare`, and when it refuses."""

import json
import tempfile
from pathlib import Path

import evaluate
import numpy as np
import pandas as pd
import pytest
from repository import ROOT, default_params

from srgan_ab.classifier import arms
from srgan_ab.classifier.left_out import leave_arm_out
from srgan_ab.classifier.prediction import load_classifiers, predict
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import write_metrics
from srgan_ab.common.params import Declared, parse
from srgan_ab.common.runtime import prepare
from srgan_ab.common.stage import definition
from srgan_ab.statistics.predictions import Predictions

SIZE = 16
COUNTS = {"train": 24, "val": 8, "test": 12}
CLASSES = ["cat", "dog"]
DOMAINS = ("hr", "sr", "bicubic", "srresnet")  # of a run without p


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """Packs of noise, brighter for dogs, and the arms a, b and c trained on them."""
    values = default_params()
    values["classifier"] |= {"epochs": 1, "batch_size": 8, "replicates": 2}
    values["controls"] |= {"b_plus": False, "c": True, "c_plus": False, "r": False, "p": False}
    values["runtime"] |= {"device": "cpu", "precision": "fp32"}
    directory = tmp_path_factory.mktemp("project")
    (directory / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    rng, tables = np.random.default_rng(0), []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for split, count in COUNTS.items():
            labels = np.arange(count) % 2
            ids = [f"{split} {i}" for i in range(count)]
            paths.pack(split).mkdir(parents=True)
            paths.generated(split).mkdir(parents=True)
            for domain in DOMAINS:
                images = (
                    60
                    + 60 * labels[:, None, None, None]
                    + rng.normal(0, 30, (count, SIZE, SIZE, 3))
                )
                folder = paths.pack(split) if domain == "hr" else paths.generated(split)
                np.save(folder / f"{domain}.npy", images.clip(0, 255).astype(np.uint8))
            np.save(paths.pack(split) / "lr.npy", np.zeros((count, 4, 4, 3), np.uint8))
            np.save(paths.pack(split) / "labels.npy", labels.astype(np.int64))
            table = pd.DataFrame({"id": ids, "label": np.array(CLASSES)[labels]})
            table["group"] = range(sum(map(len, tables)), sum(map(len, tables)) + count)
            table["flagged"] = (np.arange(count) == 1).astype(int)
            table.to_csv(paths.pack(split) / "index.csv", index=False)
            tables.append(table.assign(split=split, sha256=table["id"], pixel_sha256=table["id"]))
        pd.concat(tables).to_csv(paths.SPLIT, index=False)
        for arm, stage in (("a", "train_a"), ("b", "train_b"), ("c", "train_controls@c")):
            declared = Declared(parse(values), definition(stage)["params"])
            arms.train_arm(arm, declared, Path(".checkpoints") / arm)
        for arm in ("b_plus", "c_plus", "r", "p"):
            leave_arm_out(arm)
        yield values


def run(values):
    declared = Declared(parse(values), definition("evaluate")["params"])
    evaluate.evaluate(declared, Path(tempfile.mkdtemp(dir=".")))


def test_it_leaves_probabilities_metrics_and_the_ledger(values):
    run(values)
    chosen = ("a", "b", "c")
    test = Predictions.load(paths.PREDICTIONS, CLASSES, chosen, DOMAINS)
    runtime = prepare(parse(values).runtime, 0)
    for (arm, domain), rows in test.probabilities.items():
        folder = paths.pack("test") if domain == "hr" else paths.generated("test")
        networks = load_classifiers(paths.classifier(arm), runtime.device)
        expected = predict(networks, np.load(folder / f"{domain}.npy"), runtime)
        assert np.array_equal(rows, expected)
    assert test.ids.tolist() == [f"test {i}" for i in range(12)]
    assert test.flagged.tolist() == [i == 1 for i in range(12)]
    assert test.labels.tolist() == [0, 1] * 6
    validation = Predictions.load(paths.PREDICTIONS_VAL, CLASSES, chosen, ["hr"])
    assert validation.ids.tolist() == [f"val {i}" for i in range(8)]
    assert validation.replicates == test.replicates == 2

    ledger = json.loads(paths.LEDGER.read_text())
    assert list(ledger["arms"]) == list(chosen)
    for facts in ledger["arms"].values():
        assert (facts["train"]["ids"], facts["val"]["ids"], facts["test_ids_seen"]) == (24, 8, 0)
    assert ledger["arms"]["b"]["train"]["domains"] == ["sr"]
    metrics = {arm: json.loads((paths.METRICS / f"{arm}.json").read_text()) for arm in "abcr"}
    assert metrics["r"] == {} and metrics["a"]["n"] == 12


def test_folds_are_checked_and_counted_where_there_are_any(values):
    run(values)
    assert "cross_fitting" not in json.loads(paths.LEDGER.read_text())
    table = pd.DataFrame({"id": [f"train {i}" for i in range(24)], "fold": np.arange(24) % 4})
    paths.FOLDS.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(paths.FOLDS, index=False)
    run(values)
    counts = {"folds": 4, "smallest": 6, "largest": 6, "seen_by_generator": 0}
    assert json.loads(paths.LEDGER.read_text())["cross_fitting"] == counts
    table[:-1].to_csv(paths.FOLDS, index=False)
    with pytest.raises(UserError, match="does not give the train image 'train 23'"):
        run(values)
    paths.FOLDS.unlink()


def test_what_the_first_generator_had_seen_is_told_where_there_was_one(values):
    run(values)
    assert "initial" not in json.loads(paths.LEDGER.read_text())
    told = {"generator": "photo", "seen": ["test 3", "test 4", "train 0", "elsewhere"]}
    write_metrics(paths.INITIAL, told)
    run(values)
    counts = {"generator": "photo", "images": 4, "test_ids_seen": 2, "train_ids_seen": 1}
    assert json.loads(paths.LEDGER.read_text())["initial"] == counts
    paths.INITIAL.write_text('{"generator": "photo"}')
    with pytest.raises(UserError, match=r"initial\.json is damaged \(it lacks seen\)"):
        run(values)
    paths.INITIAL.unlink()


def test_arms_that_were_trained_differently_are_not_compared(values):
    file = paths.classifier("c") / "training.json"
    before = file.read_text()
    facts = json.loads(before)
    facts["recipe"]["batch_size"] = 16
    file.write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"models/c and models/a cannot be compared.*batch_size"):
        run(values)
    file.write_text(before)


def test_an_arm_that_was_left_out_cannot_be_evaluated(values):
    wanted = values | {"controls": values["controls"] | {"r": True}}
    with pytest.raises(UserError, match="models/r does not say how it was trained"):
        run(wanted)


def test_a_test_image_in_training_stops_everything(values):
    before = paths.SPLIT.read_text()
    paths.SPLIT.write_text(before.replace("train 3,", "test 99,", 1))
    with pytest.raises(UserError, match="has used the train image 'train 3'"):
        run(values)
    paths.SPLIT.write_text(before)
