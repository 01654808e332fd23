"""Damaged files given to a stage: one sentence that names the file, and nothing half-written."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import compare
import downscale
import numpy as np
import pandas as pd
import pytest
import split
from PIL import Image
from repository import ROOT, default_params

from srgan_ab.classifier.records import Record
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import read_metrics, write_metrics
from srgan_ab.common.packs import open_images, open_pack, open_packs, require_two_classes
from srgan_ab.common.params import Declared, parse
from srgan_ab.common.stage import definition
from srgan_ab.data import manifest as manifests
from srgan_ab.data.sources import open_source
from srgan_ab.data.verification import verify
from srgan_ab.statistics.predictions import Predictions

CLASSES = ["cat", "dog"]
SIDE = 32


def run(module, **changes):
    """Run a stage in this process, here."""
    values = default_params()
    values["images"]["hr"] = values["srgan"]["crop"] = SIDE
    values["runtime"]["workers"] = 1
    values["split"] |= changes
    name = module.__name__
    getattr(module, name)(Declared(parse(values), definition(name)["params"]))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What `download`, `split` and `downscale` make of 24 pictures of noise."""
    root = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(0)
    for n in range(24):
        path = root / "photos" / CLASSES[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)).save(path)
    data = parse(default_params()).data.model_copy(
        update={"source": "folder", "path": str(root / "photos"), "per_class": None}
    )
    shutil.copy(ROOT / "dvc.yaml", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        with open_source(data, 0, 1) as source:
            verified = ((file, verify(file.data)) for file in source.files)
            manifests.write_manifest(verified, source.total, CLASSES, SIDE)
        run(split)
        run(downscale)
        for part in ("train", "val", "test"):
            paths.generated(part).mkdir(parents=True)
            shutil.copy(paths.pack(part) / "hr.npy", paths.generated(part) / "sr.npy")
        test = open_pack("test")
        chance = {("a", "hr"): np.full((2, len(test)), 0.5)}  # of two networks
        Predictions.of(test, chance).save(paths.PREDICTIONS, CLASSES)
        examples = pd.DataFrame({"split": "train", "domain": "hr", "id": ["x"], "label": [0]})
        paths.classifier("a").mkdir(parents=True)
        Record({"epochs": 1}, [{"seed": 1}], examples).save(paths.classifier("a"))
        write_metrics(paths.METRICS / "sr.json", {"train": {}, "val": {}, "test": {}})
    return root


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    root = tmp_path / "project"
    shutil.copytree(made, root, ignore=shutil.ignore_patterns("photos"))
    monkeypatch.chdir(root)
    return root


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3 + 1)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(128, 256)) * 4)


def without_column(name):
    def damage(path: Path) -> None:
        pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns=name).to_csv(
            path, index=False
        )

    return damage


def with_value(name, value, row=0):
    def damage(path: Path) -> None:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.loc[row, name] = value
        table.to_csv(path, index=False)

    return damage


def header_alone(path: Path) -> None:
    path.write_text(path.read_text().splitlines()[0] + "\n")


def last_row_cut(path: Path) -> None:
    path.write_text(path.read_text().rstrip("\n").rsplit(",", 2)[0] + "\n")


def last_row_missing(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def array(change):
    def damage(path: Path) -> None:
        np.save(path, change(np.load(path)))

    return damage


def damaged_member(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        offset = archive.infolist()[0].header_offset + 100
    data = bytearray(path.read_bytes())
    data[offset] ^= 255
    path.write_bytes(data)


def without_members(path: Path) -> None:
    with zipfile.ZipFile(path, "w"):
        pass


def written(value):
    return lambda path: path.write_text(json.dumps(value))


def read_test() -> None:
    open_pack("test")


def judge_test() -> None:
    require_two_classes(open_pack("test"), CLASSES)


def read_all() -> None:
    open_packs("train", "val", "test")


def read_sr() -> None:
    open_images("test", "sr")


def read_predictions() -> None:
    Predictions.load(paths.PREDICTIONS, CLASSES, ["a"], ["hr"])


def read_record() -> None:
    Record.load(paths.classifier("a"))


def read_quality() -> None:
    read_metrics(paths.METRICS / "sr.json", "train", "test")


def run_split() -> None:
    run(split)


def run_downscale() -> None:
    run(downscale)


half = array(lambda x: x[:, ::2, ::2].copy())
short = array(lambda x: x[:-1])
TABLE = (cut, empty, noise, header_alone, last_row_cut, last_row_missing)
DAMAGES = [
    *[(run_split, "data/manifest.csv", d) for d in TABLE],
    (run_split, "data/manifest.csv", without_column("phash")),
    (run_split, "data/manifest.csv", with_value("phash", "xyz")),
    (run_split, "data/manifest.csv", with_value("width", "wide")),
    # near-duplicates are looked at again, by the first picture alone where none is near: no read
    *[(run_split, "data/raw.zip", d) for d in (cut, empty, noise)],
    *[(run_downscale, "data/raw.zip", d) for d in (cut, empty, noise)],
    *[(run_downscale, "data/raw.zip", d) for d in (damaged_member, without_members)],
    *[(run_downscale, "data/split.csv", d) for d in TABLE],
    (run_downscale, "data/split.csv", without_column("code")),
    (run_downscale, "data/split.csv", with_value("split", "valid")),
    (run_downscale, "data/split.csv", with_value("width", "")),
    *[
        (read_test, f"data/test/{name}", d)
        for name in ("hr.npy", "lr.npy", "labels.npy")
        for d in (cut, empty, noise, Path.unlink)
    ],
    *[
        (read_test, f"data/test/{name}", d)
        for name in ("hr.npy", "lr.npy", "labels.npy")
        for d in (short, array(lambda x: x.astype(np.float32)))
    ],
    # by itself a pack of another size or scale is as good as any: beside the others it is not
    *[(read_all, f"data/test/{name}", half) for name in ("hr.npy", "lr.npy")],
    *[(read_test, "data/test/index.csv", d) for d in (*TABLE, Path.unlink)],
    (judge_test, "labels.npy", array(lambda x: 1 - x)),
    (judge_test, "labels.npy", array(lambda x: np.roll(x, 1))),
    *[(read_sr, "data/generated/test/sr.npy", d) for d in (cut, empty, noise, short, half)],
    *[(read_predictions, "data/predictions.csv", d) for d in TABLE],
    (read_predictions, "data/predictions.csv", without_column("probability")),
    (read_predictions, "data/predictions.csv", with_value("label", "bird")),
    (read_predictions, "data/predictions.csv", with_value("probability", "high")),
    *[(read_record, "models/a/training.json", d) for d in (cut, empty, noise, written([]))],
    (read_record, "models/a/training.json", written({"recipe": {}})),
    *[(read_record, "models/a/examples.csv", d) for d in TABLE],
    *[(read_quality, "metrics/sr.json", d) for d in (cut, empty, noise, written({}), written(3))],
]


@pytest.mark.parametrize(("read", "path", "damage"), DAMAGES)
def test_a_damaged_file_is_named(project, read, path, damage):
    damage(Path(path) if "/" in path else Path("data/test", path))
    with pytest.raises(UserError) as caught:
        read()
    said = str(caught.value)
    folder, name = os.path.split(path)
    assert folder in said and name in said and "dvc repro" in said and "\n" not in said
    assert not list(project.rglob("*.part*"))


def test_whole_files_are_read(project):
    for read in (read_test, judge_test, read_all, read_sr, read_predictions, read_record):
        read()
    read_quality()
    run_split()
    run_downscale()


def test_a_typo_in_the_split_is_shown(project):
    with_value("split", "valid")(paths.SPLIT)
    with pytest.raises(UserError, match=r"split.csv has 'valid' .* write train, val, test"):
        run_downscale()


def test_packs_of_two_sizes_are_not_used_together(project):
    for name in ("hr", "lr"):
        half(paths.pack("val") / f"{name}.npy")
    open_pack("val")
    with pytest.raises(UserError, match=r"data/val .*of 16 pixels .*of 4, those of train 32 and 8"):
        read_all()


def test_no_image_is_left_for_the_split(project):
    rows = pd.read_csv(paths.MANIFEST, dtype=str, keep_default_na=False)
    rows.assign(status="flagged").to_csv(paths.MANIFEST, index=False)
    run(split, flagged="keep")
    with pytest.raises(UserError, match=r"every image has a side below images.hr, and split.flagg"):
        run(split, flagged="drop")
    rows.assign(status="rejected").to_csv(paths.MANIFEST, index=False)
    with pytest.raises(UserError, match=r"manifest.csv .*lists no accepted image"):
        run(split)


def test_text_files_as_images_are_called_that(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in CLASSES:
        Path("photos", name).mkdir(parents=True)
        Path("photos", name, "1.jpg").write_text("no picture")
        Path("photos", name, "2.jpg").touch()
    data = parse(default_params()).data.model_copy(update={"source": "folder", "path": "photos"})
    with (
        open_source(data, 0, 1) as source,
        pytest.raises(UserError, match=r"usable image \(empty, not an image\)"),
    ):
        verified = ((file, verify(file.data)) for file in source.files)
        manifests.write_manifest(verified, source.total, CLASSES, SIDE)
    assert not paths.RAW.exists()


@pytest.mark.parametrize("name", ["a", "b", "sr", "train_srgan"])
def test_compare_does_not_take_empty_metrics(project, monkeypatch, name):
    monkeypatch.setattr(Predictions, "load", lambda *_: None)
    keys = ("accuracy", "train", "test", "n_train", "n_val")
    for path in ("metrics/a.json", "metrics/b.json", "metrics/sr.json", "metrics/train_srgan.json"):
        write_metrics(Path(path), dict.fromkeys(keys, 0))
    write_metrics(paths.LEDGER, {"test": {}})
    write_metrics(paths.METRICS / f"{name}.json", {})
    values = default_params()
    values["compare"]["model"] = "a" if name == "a" else "b"
    with pytest.raises(UserError, match=rf"metrics/{name}.json is damaged \(it lacks"):
        compare.compare(Declared(parse(values), definition("compare")["params"]))
