"""The predictions file and the compare stage, run as DVC runs it, on invented predictions."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from repository import ROOT, default_params

from srgan_ab.common.arms import ARMS, DOMAINS
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import write_metrics
from srgan_ab.statistics.classification import scores
from srgan_ab.statistics.predictions import Predictions

CLASSES = ["cat", "dog"]


def invented(n: int = 80, replicates: int = 1, arms=ARMS, domains=DOMAINS) -> Predictions:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    return Predictions(
        ids=np.array([f"image {i}, of many" if i else "NA" for i in range(n)]),
        groups=np.arange(n) // 2 * 3,
        flagged=np.arange(n) % 5 == 0,
        labels=labels,
        probabilities={
            (arm, domain): 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1, (replicates, n))))
            for arm in arms
            for domain in domains
        },
    )


def test_predictions_come_back_from_disk_bit_for_bit(tmp_path):
    written = invented(replicates=2)
    written.save(tmp_path / "predictions.csv", CLASSES)
    read = Predictions.load(tmp_path / "predictions.csv", CLASSES)
    for name in ("ids", "groups", "flagged", "labels"):
        assert np.array_equal(getattr(read, name), getattr(written, name))
    assert read.probabilities.keys() == written.probabilities.keys()
    for subject, rows in written.probabilities.items():
        assert np.array_equal(read.probabilities[subject], rows)
    header = (tmp_path / "predictions.csv").read_text().splitlines()[0]
    assert header == "id,group,flagged,label,arm,domain,replicate,probability"


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: table[table["arm"] != "r"],
        lambda table: table.drop(index=5),
        lambda table: table.replace({"id": {"image 7, of many": "another"}}).where(
            table["arm"] == "b", table
        ),
    ],
    ids=["an arm is missing", "a row is missing", "an arm has another image"],
)
def test_arms_must_have_been_tested_on_the_same_images(tmp_path, damage):
    file = tmp_path / "predictions.csv"
    invented().save(file, CLASSES)
    damage(pd.read_csv(file, keep_default_na=False)).to_csv(file, index=False)
    with pytest.raises(UserError, match="same images"):
        Predictions.load(file, CLASSES)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of what the stage depends on, with invented inputs."""
    root = tmp_path_factory.mktemp("project")
    for name in ("dvc.yaml", "stages/compare.py", "stages/_bootstrap.py"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for name in ("common", "reporting", "statistics"):
        shutil.copytree(ROOT / "src/srgan_ab" / name, root / "src/srgan_ab" / name)
    shutil.copy(ROOT / "src/srgan_ab/__init__.py", root / "src/srgan_ab")
    params = default_params()
    params["data"]["classes"] = CLASSES
    params["compare"] |= {"bootstrap": 100}
    params["controls"]["t"] = True
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    predictions = invented()
    predictions.save(root / "data/predictions.csv", CLASSES)
    invented(40, domains=["hr"]).save(root / "data/predictions_val.csv", CLASSES)
    write_metrics(root / "data/ledger.json", {"test": {"ids": 80}})
    write_metrics(root / "metrics/train_srgan.json", {"n_train": 70, "n_val": 10})
    quality = {m: {"psnr_rgb": 28.0} for m in ("srresnet", "srgan")}
    better = {m: {"psnr_rgb": 28.5} for m in ("srresnet", "srgan")}
    write_metrics(root / "metrics/sr.json", {"train": better, "test": quality})
    for arm in ("a", "b"):
        result = scores(predictions.labels, predictions.probabilities[arm, "hr"])
        write_metrics(root / f"metrics/{arm}.json", result)
    return root


def run(project: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *options, "stages/compare.py"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


def outputs(project: Path) -> dict[str, str]:
    stage = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]["compare"]
    names = [next(iter(out)) for out in stage["outs"] + stage["metrics"]]
    return {n: hashlib.sha256((project / n).read_bytes()).hexdigest() for n in names}


@pytest.mark.slow
def test_the_stage_compares_and_repeats_itself(project):
    first = run(project, "-X", "importtime")
    assert first.returncode == 0, first.stderr[-2000:]
    loaded = {line.rpartition("|")[2].strip() for line in first.stderr.splitlines()}
    assert "scipy" in loaded and "torch" not in loaded
    before = outputs(project)

    params = yaml.safe_load((project / "params.yaml").read_text())
    params["compare"]["model"] = "a"
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    model = json.loads((project / "metrics/model.json").read_text())
    assert model == json.loads((project / "metrics/b.json").read_text())
    second = run(project)
    assert second.returncode == 0, second.stderr
    after = outputs(project)
    assert [name for name in before if before[name] != after[name]] == ["metrics/model.json"]
    model = json.loads((project / "metrics/model.json").read_text())
    assert model == json.loads((project / "metrics/a.json").read_text())

    differences = json.loads((project / "metrics/comparison.json").read_text())
    a, b = (json.loads((project / f"metrics/{arm}.json").read_text()) for arm in "ab")
    assert {"b_minus_a", "b_minus_c", "b_minus_r", "b_plus_minus_a"} <= set(differences)
    for name, found in differences["b_minus_a"].items():
        assert found["difference"] == pytest.approx(b[name] - a[name], abs=2e-5)
        assert found["low"] <= found["high"]
        assert 0 < found["p"] <= 1

    for arm in "ab":
        rows = pd.read_csv(project / f"plots/confusion_{arm}.csv")
        assert len(rows) == 80
        assert (rows["actual"] == rows["predicted"]).mean() == (b if arm == "b" else a)["accuracy"]
        roc = pd.read_csv(project / f"plots/roc_{arm}.csv")
        area = np.trapezoid(roc["tpr"], roc["fpr"])
        assert area == pytest.approx((b if arm == "b" else a)["roc_auc"], abs=1e-4)

    matrix = json.loads((project / "metrics/matrix.json").read_text())
    interval = {key: matrix["a"]["hr"][key] for key in ("accuracy_low", "accuracy_high")}
    assert matrix["a"]["hr"] == a | interval | {"accuracy_of_replicates": [a["accuracy"]]}
    assert interval["accuracy_low"] < a["accuracy"] < interval["accuracy_high"]
    verdict = (project / "metrics/verdict.md").read_text()
    assert "80 synthetic test images, one network per arm" in verdict
    ledger = json.loads((project / "metrics/ledger.json").read_text())
    assert ledger["test"] == {"ids": 80}
    assert ledger["generator"]["srgan"]["gap"] == 0.5
    assert ledger["accuracy"]["a"]["all"] == a["accuracy"]
    calibrated = json.loads((project / "metrics/calibration.json").read_text())
    assert list(calibrated) == list(ARMS)
    assert calibrated["b"]["log_loss"] == b["log_loss"]
    assert pd.read_csv(project / "plots/reliability_a.csv")["n"].sum() == 80


@pytest.mark.slow
def test_arms_left_out_are_left_out_everywhere(project, tmp_path):
    root = tmp_path / "project"
    shutil.copytree(project, root)
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["controls"] |= {"b_plus": False, "c_plus": False, "r": False, "p": False, "t": False}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    result = run(root)
    assert result.returncode == 1
    assert "data/predictions.csv does not hold the same images for every arm" in result.stderr

    arms = ("a", "b", "c")
    domains = [domain for domain in DOMAINS if domain not in ("perceptual", "task")]
    invented(arms=arms, domains=domains).save(root / "data/predictions.csv", CLASSES)
    invented(40, arms=arms, domains=["hr"]).save(root / "data/predictions_val.csv", CLASSES)
    result = run(root)
    assert result.returncode == 0, result.stderr
    for name in ("matrix", "calibration"):
        found = json.loads((root / f"metrics/{name}.json").read_text())
        assert list(found) == list(arms), name
    found = json.loads((root / "metrics/comparison.json").read_text())
    assert {"b_minus_a", "b_minus_c", "b_sr_minus_c_bicubic"} <= set(found)
    assert "b_minus_r" not in found
    assert "added to real ones: **not tested**" in (root / "metrics/verdict.md").read_text()


def test_missing_predictions_are_one_sentence(project):
    (project / "data/predictions.csv").rename(project / "data/away.csv")
    result = run(project)
    (project / "data/away.csv").rename(project / "data/predictions.csv")
    assert result.returncode == 1
    assert "data/predictions.csv is missing" in result.stderr
    assert "Traceback" not in result.stderr
