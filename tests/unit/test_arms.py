"""What each arm is trained on, and what training an arm leaves behind."""

import json
import tempfile

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from repository import ROOT, default_params

from srgan_ab.classifier import arms, training
from srgan_ab.classifier.left_out import leave_arm_out
from srgan_ab.classifier.prediction import load_classifiers, predict
from srgan_ab.classifier.records import HISTORY, Record
from srgan_ab.common.errors import UserError
from srgan_ab.common.params import Declared, parse
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.seeds import seed_for
from srgan_ab.common.stage import definition
from srgan_ab.common.weights import read_weights, save_weights

SIZE, CPU = 16, Runtime(torch.device("cpu"), "fp32")
# the green channel names the domain
SOURCE = {"hr": 0, "sr": 1, "bicubic": 2, "srresnet": 3, "perceptual": 4}
COUNTS = {"train": (24, 16), "val": (6, 4)}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Packs whose pixels say split, domain and row; class 1 is bright in red."""
    values = default_params()
    values["classifier"] |= {"epochs": 2, "batch_size": 16}
    values["runtime"] |= {"device": "cpu", "precision": "fp32"}
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    for split, (negatives, positives) in COUNTS.items():
        labels = np.random.default_rng(0).permutation([0] * negatives + [1] * positives)
        count = len(labels)
        for domain, number in SOURCE.items():
            images = np.zeros((count, SIZE, SIZE, 3), np.uint8)
            images[..., 0] = 40 + 150 * labels[:, None, None]
            images[..., 1] = number
            images[..., 2] = np.arange(count)[:, None, None]
            directory = tmp_path / "data" / ("" if domain == "hr" else "generated") / split
            directory.mkdir(parents=True, exist_ok=True)
            np.save(directory / f"{domain}.npy", images)
        directory = tmp_path / "data" / split
        np.save(directory / "lr.npy", np.zeros((count, SIZE // 4, SIZE // 4, 3), np.uint8))
        np.save(directory / "labels.npy", labels.astype(np.int64))
        columns = {"id": np.arange(count).astype(str), "label": np.array(["cat", "dog"])[labels]}
        pd.DataFrame(columns | {"group": 0, "flagged": 0}).to_csv(
            directory / "index.csv", index=False
        )
    return values


def declared(values, stage):
    return Declared(parse(values), definition(stage)["params"])


def seen(examples):
    """(domain, row, label) of every image, read from its pixels."""
    images = examples.images[np.arange(len(examples.images))]
    assert (images[:, 0, 0, 0] == 40 + 150 * examples.labels).all()
    return list(zip(images[:, 0, 0, 1], images[:, 0, 0, 2], examples.labels, strict=True))


@pytest.mark.parametrize(
    ("arm", "domains"),
    [
        ("a", ["hr"]),
        ("b_plus", ["hr", "sr"]),
        ("c", ["bicubic"]),
        ("c_plus", ["hr", "bicubic"]),
        ("r", ["srresnet"]),
        ("p", ["perceptual"]),
    ],
)
@pytest.mark.parametrize("split", ["train", "val"])
def test_each_arm_sees_every_image_of_its_domains_once(project, arm, domains, split):
    stage = "train_a" if arm == "a" else f"train_controls@{arm}"
    found = seen(arms.examples(arms.composition(arm, split, declared(project, stage))))
    assert sorted((d, r) for d, r, _ in found) == sorted(
        (SOURCE[d], r) for d in domains for r in range(sum(COUNTS[split]))
    )


@pytest.mark.parametrize("images", ["sr", "hr+sr"])
@pytest.mark.parametrize(
    ("per_class", "train", "val"),
    [
        (None, (24, 16), (6, 4)),
        (1, (1, 1), (1, 1)),
        (8, (8, 8), (2, 2)),
        (20, (20, 16), (5, 4)),
        (999, (24, 16), (6, 4)),
    ],
)
def test_per_class_limits_the_sr_images_alone(project, images, per_class, train, val):
    project["b"] = {"images": images, "per_class": per_class}
    params = declared(project, "train_b")
    for split, expected in (("train", train), ("val", val)):
        found = seen(arms.examples(arms.composition("b", split, params)))
        sr = [label for domain, _, label in found if domain == SOURCE["sr"]]
        assert (sr.count(0), sr.count(1)) == expected
        assert len({(d, r) for d, r, _ in found}) == len(found)
        hr = [1 for domain, _, _ in found if domain == SOURCE["hr"]]
        assert len(hr) == (sum(COUNTS[split]) if images == "hr+sr" else 0)


def test_the_choice_is_seeded_and_a_larger_one_holds_a_smaller(project):
    def rows(per_class, seed=7):
        values = project | {"seed": seed, "b": {"images": "sr", "per_class": per_class}}
        found = seen(arms.examples(arms.composition("b", "train", declared(values, "train_b"))))
        return {row for _, row, _ in found}

    assert rows(5) == rows(5) != rows(5, seed=8)
    assert rows(5) < rows(9)


def test_a_mixture_gathers_in_the_order_asked_for_and_by_slices():
    first = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(3, -1)
    mixture = arms.Mixture([first, first + 100], np.array([0, 1, 1, 0]), np.array([3, 0, 2, 1]))
    assert len(mixture) == 4
    assert mixture[np.array([2, 0, 0, 1])][:, 0, 0, 0].tolist() == [102, 3, 3, 100]
    assert mixture[1:][:, 0, 0, 0].tolist() == [100, 102, 1]


def run(arm, values):
    stage = arm if arm in "ab" else f"controls@{arm}"
    arms.train_arm(arm, declared(values, f"train_{stage}"), tempfile.mkdtemp(dir="."))
    return json.loads((arms.paths.METRICS / f"train_{arm}.json").read_text())


def test_an_arm_leaves_weights_history_and_metrics(project):
    metrics = run("a", project)
    history = pd.read_csv("plots/train_a.csv")
    best = history.loc[history.val_loss.idxmin()]
    assert history.epoch.tolist() == [1, 2]
    assert metrics["best_epoch"] == best.epoch
    for key in ("val_loss", "val_accuracy", "val_f1", "val_auc"):
        assert metrics[key] == pytest.approx(best[key])
    assert (metrics["n_train"], metrics["n_val"]) == (40, 10)
    assert metrics["updates"] == 2 * 3  # ceil(40 / 16)

    path = arms.paths.classifier("a") / "replicate_0.safetensors"
    state, architecture = read_weights(path)
    assert architecture["backbone"] == "small_cnn"
    assert architecture["classes"] == ["cat", "dog"]
    assert architecture["normalisation"]["mean"] == [0.485, 0.456, 0.406]
    counted = sum(v.numel() for k, v in state.items() if "running" not in k and "num" not in k)
    assert metrics["parameters"] == counted

    images = np.load("data/val/hr.npy", mmap_mode="r")
    labels = np.load("data/val/labels.npy")
    (probabilities,) = predict(load_classifiers(path.parent, CPU.device), images, CPU)
    picked = np.where(labels == 1, probabilities, 1 - probabilities)
    assert -np.log(picked).mean() == pytest.approx(metrics["val_loss"], abs=1e-4)

    record = Record.load(path.parent)
    assert record.recipe == project["classifier"]
    assert record.replicates == [{"seed": seed_for("replicate", 7), "updates": 6}]
    for split, counts in COUNTS.items():
        rows = record.examples[record.examples["split"] == split]
        assert rows["id"].tolist() == [str(i) for i in range(sum(counts))]
        assert rows["label"].tolist() == np.load(f"data/{split}/labels.npy").tolist()
        assert set(rows["domain"]) == {"hr"}


def test_every_arm_makes_as_many_updates_from_the_same_start(project, monkeypatch):
    starts = {}
    genuine = arms.fit

    def spy(network, *arguments, **named):
        starts[arm] = {k: v.clone() for k, v in network.state_dict().items()}
        return genuine(network, *arguments, **named)

    monkeypatch.setattr(arms, "fit", spy)
    updates = {}
    project["b"] = {"images": "sr", "per_class": 3}
    for arm in ("a", "b", "b_plus", "r", "p"):
        updates[arm] = run(arm, project)["updates"]
    assert set(updates.values()) == {6}
    for arm in ("b", "b_plus", "r", "p"):
        assert all(torch.equal(v, starts["a"][k]) for k, v in starts[arm].items())


def test_replicates_differ_and_a_rerun_repeats_every_byte(project):
    project["classifier"]["replicates"] = 2
    run("c", project)
    files = ["models/c/replicate_0.safetensors", "models/c/replicate_1.safetensors"]
    files += ["plots/train_c.csv", "metrics/train_c.json"]

    def contents():
        return [(arms.paths.classifier("c").parents[1] / name).read_bytes() for name in files]

    first = contents()
    assert first[0] != first[1]
    run("c", project)
    assert contents() == first
    assert len(pd.read_csv("plots/train_c.csv")) == 2  # the mean over replicates


def test_replicates_and_neighbouring_seeds_share_no_stream(project, monkeypatch):
    """Weights, dropout, augmentation and order, of two networks each; 1007 was 7's second."""
    project["classifier"]["replicates"] = 2
    drawn = []
    generator, manual, order = Runtime.generator, torch.manual_seed, training.Order
    monkeypatch.setattr(Runtime, "generator", lambda s, x: drawn.append(x) or generator(s, x))
    monkeypatch.setattr(torch, "manual_seed", lambda x: drawn.append(x) or manual(x))
    monkeypatch.setattr(training, "Order", lambda *a: drawn.append(a[-1]) or order(*a))
    for seed in (7, 8, 1007):
        run("a", project | {"seed": seed})
    found = [seed for seed in drawn if seed not in (7, 8, 1007)]  # a stage begins with these
    assert len(found) == len(set(found)) == 3 * 2 * 4


def test_the_mean_history_ends_where_the_first_network_stopped(project, monkeypatch):
    """Else its end would be the mean of whichever networks were the slowest."""
    project["classifier"]["replicates"] = 3
    lengths, written = iter([3, 4, 2]), []

    def fit(network, *arguments, on_epoch, **named):
        epochs = next(lengths)
        rows = {name: np.arange(1.0, epochs + 1) * epochs for name in HISTORY}
        history = pd.DataFrame(rows | {"epoch": range(1, epochs + 1)})
        for epoch in history["epoch"]:
            on_epoch(history[:epoch])
            written.append(pd.read_csv("plots/train_c.csv"))
        return network.state_dict(), history

    monkeypatch.setattr(arms, "fit", fit)
    run("c", project)
    assert [len(table) for table in written] == [1, 2, 3, 1, 2, 3, 3, 1, 2]
    assert written[6]["val_loss"].tolist() == [3.5, 7.0, 10.5]  # of 3 and 4
    last = pd.read_csv("plots/train_c.csv")
    assert last["epoch"].tolist() == [1, 2] and last["val_loss"].tolist() == [3.0, 6.0]


def test_what_cannot_be_trained_is_said_before_the_first_update(project, monkeypatch):
    monkeypatch.setattr(arms, "fit", lambda *a, **named: pytest.fail("an update"))
    project["classifier"] |= {"backbone": "alexnet"}
    with pytest.raises(UserError, match=r"alexnet cannot look at images of 16 pixels: raise"):
        run("a", project)
    assert not arms.paths.classifier("a").exists()


def test_replicates_share_the_images_in_memory(project, monkeypatch):
    project["classifier"]["replicates"] = 3
    moved = []
    genuine = arms.resident
    monkeypatch.setattr(
        arms, "resident", lambda examples, runtime: moved.append(1) or genuine(examples, runtime)
    )
    run("c", project)
    assert len(moved) == 2  # training and validation


def test_an_arm_left_out_leaves_its_outputs_empty(project):
    run("c", project)
    leave_arm_out("c")
    assert list(arms.paths.classifier("c").iterdir()) == []
    assert json.loads((arms.paths.METRICS / "train_c.json").read_text()) == {}
    history = pd.read_csv("plots/train_c.csv")
    assert len(history) == 0 and list(history) == list(HISTORY)


def test_pretrained_weights_are_used_where_they_exist(project):
    project["classifier"] |= {"freeze": "features"}
    project["pretrained"] |= {"classifier": "given.safetensors"}
    with pytest.raises(UserError, match=r"pretrained/classifier holds no weights.*`dvc repro`"):
        run("a", project)
    torch.manual_seed(99)
    given = arms.build("small_cnn", None, "none")
    path = arms.paths.pretrained("classifier") / "weights.safetensors"
    path.parent.mkdir(parents=True)
    save_weights(path, given, {})
    run("a", project)
    state, _ = read_weights(arms.paths.classifier("a") / "replicate_0.safetensors")
    for key, value in given.state_dict().items():
        assert torch.equal(value, state[key]) == key.startswith("features")


def test_one_class_is_told_in_a_sentence_and_leaves_nothing(project):
    np.save("data/train/labels.npy", np.zeros(40, np.int64))
    index = pd.read_csv("data/train/index.csv")
    index.assign(label="cat").to_csv("data/train/index.csv", index=False)
    with pytest.raises(UserError, match="two classes"):
        run("a", project)
    assert not arms.paths.classifier("a").exists()


def test_the_transformed_picture_shows_both_classes(project):
    arms.write_transformed(declared(project, "train_a"))
    with Image.open("plots/transformed.png") as picture:
        red = np.asarray(picture)[..., 0]
    assert 40 in red and 190 in red
    assert picture.size == (8 * 134 + 6, 3 * (128 + 6 + 16) + 6)
