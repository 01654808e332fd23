"""Curves and pictures of a run in TensorBoard or MLflow, as they grow."""

import os
import subprocess
import sys

import pytest
from PIL import Image
from repository import ROOT

FIRST = "epoch,loss,val_lpips\n1,0.5,\n"
SECOND = FIRST + "2,0.25,0.75\n"


@pytest.fixture
def track(monkeypatch, tmp_path):
    """The tool, in the folder of a run with one curve of one epoch."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    import track

    monkeypatch.chdir(tmp_path)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/srgan.csv").write_text(FIRST)
    (tmp_path / "plots/roc_a.csv").write_text("fpr,tpr\n0,0\n1,1\n")  # no curve over epochs
    return track


@pytest.fixture
def followed(track):
    """What is passed on, and who does it."""
    passed: list[tuple] = []
    tracker = track.Tracker(
        lambda *scalars: passed.append(scalars), lambda name, path: passed.append((name,))
    )
    return passed, track.Follower(tracker)


def test_each_epoch_is_passed_on_once_as_it_comes(track, followed):
    passed, follower = followed
    follower.look()
    assert passed == [("srgan", 1, {"loss": 0.5})]
    follower.look()
    (track.PLOTS / "srgan.csv").write_text(SECOND)
    follower.look()
    assert passed[1:] == [("srgan", 2, {"loss": 0.25, "val_lpips": 0.75})]


@pytest.mark.parametrize("anew", ["epoch,loss,val_lpips\n1,0.4,\n", FIRST.replace("0.5", "0.1")])
def test_a_training_that_starts_anew_is_a_run_of_its_own(track, followed, anew):
    passed, follower = followed
    (track.PLOTS / "srgan.csv").write_text(SECOND)
    follower.look()
    (track.PLOTS / "srgan.csv").write_text(anew)
    follower.look()
    assert [name for name, *_ in passed] == ["srgan", "srgan", "srgan-2"]
    assert passed[-1][1] == 1


def test_a_picture_is_passed_on_when_it_is_drawn_anew(track, followed):
    passed, follower = followed
    path = track.PLOTS / "snapshots.png"
    for second, colour in enumerate(("red", "red", "blue")):
        Image.new("RGB", (4, 4), colour).save(path)
        os.utime(path, (second, second))  # some file systems count in steps of milliseconds
        follower.look()
        follower.look()
    assert passed.count(("snapshots",)) == 3


def test_files_that_are_gone_or_being_written_are_passed_over(track, followed):
    passed, follower = followed
    (track.PLOTS / "gone.csv").symlink_to("nowhere.csv")
    (track.PLOTS / "gone.png").symlink_to("nowhere.png")
    (track.PLOTS / ".snapshots.1.part.png").write_bytes(b"\x89PNG")
    (track.PLOTS / ".srgan.1.part.csv").touch()
    follower.look()
    assert [name for name, *_ in passed] == ["srgan"]


@pytest.mark.slow
@pytest.mark.extra("track", "tensorboard")
def test_tensorboard_reads_it(track):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (track.PLOTS / "srgan.csv").write_text(SECOND)
    Image.new("RGB", (6, 4), "red").save(track.PLOTS / "snapshots.png")
    track.main("tensorboard", once=True)
    (started,) = track.TRACKING.iterdir()
    read = EventAccumulator(str(started / "srgan")).Reload()
    assert [(event.step, event.value) for event in read.Scalars("loss")] == [(1, 0.5), (2, 0.25)]
    assert [event.step for event in read.Scalars("val_lpips")] == [2]
    pictures = EventAccumulator(str(started / "pictures")).Reload()
    (picture,) = pictures.Images("snapshots")
    assert (picture.width, picture.height) == (6, 4)


@pytest.mark.slow
@pytest.mark.extra("track", "mlflow")
@pytest.mark.parametrize("elsewhere", [False, True])
def test_mlflow_reads_it(track, monkeypatch, tmp_path, elsewhere):
    from mlflow import MlflowClient

    (track.PLOTS / "srgan.csv").write_text(SECOND)
    Image.new("RGB", (6, 4), "red").save(track.PLOTS / "snapshots.png")
    if elsewhere:
        address = f"sqlite:///{tmp_path}/elsewhere.db"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", str(tmp_path / "elsewhere"))
    else:
        address = f"sqlite:///{track.TRACKING}/mlflow.db"
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    track.main("mlflow", once=True)
    assert (track.TRACKING / "mlflow.db").exists() != elsewhere
    assert elsewhere or {path.name for path in tmp_path.iterdir()} == {"plots", "tracking"}
    client = MlflowClient(address)
    experiment = client.get_experiment_by_name("srgan-ab")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"srgan", "pictures"}
    losses = client.get_metric_history(runs["srgan"].info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in losses] == [(1, 0.5), (2, 0.25)]
    (picture,) = client.list_artifacts(runs["pictures"].info.run_id)
    assert picture.path == "snapshots.png"


def test_elsewhere_it_says_what_is_missing(tmp_path):
    command = [sys.executable, str(ROOT / "tools/track.py"), "tensorboard", "--once"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == ("track: there is no folder plots here: run it in the project's folder\n")
