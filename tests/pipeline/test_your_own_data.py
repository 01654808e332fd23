"""docs/your_own_data.md, from its commands alone: from a folder to a report, at a tiny scale."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from repository import copy_checkout

from .conftest import TINY, Project

pytestmark = pytest.mark.slow

# small networks and few epochs, as key=value behind the document's own
OWN = TINY | {
    "srgan.generator.initial": "none",
    "srgan.pretraining.learning_rate": 0.0001,
    "srgan.adversarial.warm_up": 4,
}
SMALL = " ".join(
    f"{key}={json.dumps(value, separators=(',', ':'))}".replace('"', "")
    for key, value in OWN.items()
    if key.split(".")[0] not in ("data", "images", "benchmarks")
)


@pytest.fixture
def fresh(tmp_path):
    """The project as one gets it, with its own params.yaml, before any run."""
    project = Project(tmp_path / "project")
    copy_checkout(project.root)
    shutil.copy(project.root / "tests/documented.yaml", project.root / "params.yaml")
    project.run("git", "init", "--quiet", "--initial-branch=main")
    for key in ("user.name", "user.email"):
        project.run("git", "config", key, "test@localhost")
    project.commit("start")
    return project


def draw(folder: Path, folders: tuple[str, ...], size: tuple[int, int], count: int = 12) -> None:
    """Write pictures of coloured patches, each unlike the others, into folders in turn."""
    for number in range(count):
        path = folder / folders[number % len(folders)] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(number).integers(0, 256, (8, 9, 3), np.uint8)
        Image.fromarray(values).resize(size, Image.Resampling.NEAREST).save(path)


def numbers(project: Project, name: str) -> dict:
    return json.loads((project.root / f"metrics/{name}.json").read_text())


@pytest.mark.long
def test_two_classes_that_are_no_cats_and_dogs_get_a_report(fresh):
    said = fresh.shell("python tools/digits.py digits")
    assert "digits/three: 183 pictures" in said and "digits/eight: 174 pictures" in said
    fresh.shell(
        'make preset NAME=folder SET="data.path=digits data.classes=[three,eight] images.hr=32 '
        "srgan.crop=32 split.hash_distance=0 split.correlation=1.0 classifier.backbone=small_cnn "
        'pretrained.classifier=null classifier.epochs=20 classifier.learning_rate=0.002"',
        {'learning_rate=0.002"': f'learning_rate=0.002 {SMALL}"'},
    )
    fresh.make("repro")
    found = numbers(fresh, "data")
    assert (found["accepted_three"], found["accepted_eight"]) == (183, 174)
    assert found["rejected"] == found["flagged"] == 0
    assert numbers(fresh, "split")["duplicates"] == 0
    assert np.load(fresh.root / "data/test/lr.npy", mmap_mode="r").shape == (107, 8, 8, 3)
    report = (fresh.root / "plots/report.html").read_text()
    assert "three" in report and "eight" in report
    assert not {"cat", "cats", "dog", "dogs"} & set(report.lower().split())
    assert "up to date" in fresh.dvc("status")

    # a third class folder beside them is no part of the run
    shutil.copytree(fresh.root / "digits/three", fresh.root / "digits/other")
    fresh.run("python", "tools/note_inputs.py")
    fresh.dvc("repro", "download")
    assert numbers(fresh, "data") == found


@pytest.mark.long
def test_textures_get_a_report(fresh):
    said = fresh.shell("python tools/textures.py textures", more="--count 24")
    assert "textures/stripes: 24 pictures" in said and "textures/checks: 24 pictures" in said
    fresh.shell(
        'make preset NAME=folder SET="data.path=textures data.classes=[stripes,checks] '
        'split.hash_distance=0 split.correlation=1.0"',
        {'correlation=1.0"': f'correlation=1.0 {SMALL}"'},
    )
    fresh.make("repro")
    found = numbers(fresh, "data")
    assert (found["accepted_stripes"], found["accepted_checks"]) == (24, 24)
    assert found["rejected"] == found["flagged"] == 0
    assert "of stripes and checks, 128" in (fresh.root / "plots/report.html").read_text()


@pytest.mark.long
@pytest.mark.parametrize("side", [64, 256, 512])
def test_the_whole_chain_at_other_sizes(fresh, side):
    """Of pictures that are 512 pixels wide: the networks, every measure, and the page."""
    fresh.shell("python tools/textures.py large --side 512 --count 40", {"40": "24"})
    fresh.shell(
        'make preset NAME=folder SET="data.path=large data.classes=[stripes,checks] images.hr=512 '
        'split.hash_distance=0 split.correlation=1.0"',
        {'correlation=1.0"': f'correlation=1.0 {SMALL}"', "images.hr=512": f"images.hr={side}"},
    )
    fresh.make("repro")
    for name, wide in (("hr", side), ("lr", side // 4)):
        packed = np.load(fresh.root / f"data/test/{name}.npy", mmap_mode="r")
        assert packed.shape[1:] == (wide, wide, 3)
    enlarged = np.load(fresh.root / "data/generated/test/sr.npy", mmap_mode="r")
    assert enlarged.shape[1:] == (side, side, 3)
    quality = numbers(fresh, "sr")["test"]
    assert quality["bicubic"]["psnr_rgb"] > 10 and quality["srgan"]["psnr_rgb"] > 10
    report = (fresh.root / "plots/report.html").read_text()
    assert f"stripes and checks, {side} pixels wide, from {side // 4} enlarged ×4" in report
    assert "up to date" in fresh.dvc("status")


@pytest.mark.long
def test_photographs_without_classes_get_a_generator(fresh, tmp_path):
    draw(tmp_path / "photographs", ("mine", "others"), (144, 130))
    place = "/path/to/photographs"
    without_t = SMALL.replace("controls.t=true", "controls.t=false")  # which is for classifiers
    fresh.shell(
        'make preset NAME=folder SET="data.path=/path/to/photographs data.classes=[]"',
        {f'{place} data.classes=[]"': f'{tmp_path}/photographs data.classes=[] {without_t}"'},
    )
    fresh.shell("python tools/note_inputs.py && dvc repro generate_sr benchmark")
    quality = numbers(fresh, "sr")["test"]
    assert quality["srgan"]["psnr_rgb"] > 0 and quality["bicubic"]["psnr_rgb"] > 0
    assert np.load(fresh.root / "data/test/hr.npy", mmap_mode="r").shape[1:] == (128, 128, 3)
    rows = fresh.shell("srgan-ab info")
    assert "models/srgan/generator.safetensors" in rows
    assert not any((fresh.root / "models/a").iterdir())
    refused = fresh.run(sys.executable, "-m", "dvc", "repro", "train_b", code=255)
    assert "train_b: " in refused and "data.classes" in refused


@pytest.mark.long
def test_a_folder_of_ones_own_in_several_sizes(fresh, tmp_path):
    draw(tmp_path / "pictures", ("Ham/old", "Ham/new", "egg"), (200, 210))
    places = {"/path/to/pictures": str(tmp_path / "pictures")}

    def made() -> tuple[list[int], dict]:
        """Sides of HR and of LR, and what is counted of the pictures."""
        fresh.run("python", "tools/note_inputs.py")
        fresh.dvc("repro", "downscale")
        packs = (np.load(fresh.root / f"data/train/{name}.npy") for name in ("hr", "lr"))
        return [side for pack in packs for side in pack.shape[1:3]], numbers(fresh, "data")

    fresh.shell(
        'make preset NAME=folder SET="data.path=/path/to/pictures data.classes=[ham,egg]"',
        places | {'[ham,egg]"': f'[ham,egg] {SMALL}"'},
    )
    sides, counted = made()
    assert sides == [128, 128, 32, 32]
    assert (counted["accepted_ham"], counted["accepted_egg"], counted["flagged"]) == (8, 4, 0)
    fresh.shell(
        'make preset NAME=folder SET="data.path=/path/to/pictures data.classes=[ham,egg] '
        'images.hr=64"',
        places | {'images.hr=64"': f'images.hr=64 {SMALL}"'},
    )
    sides, counted = made()
    assert (sides, counted["flagged"]) == ([64, 64, 16, 16], 0)
    fresh.shell(
        'make preset NAME=folder SET="data.path=/path/to/pictures data.classes=[ham,egg] '
        'images.hr=256"',
        places | {'images.hr=256"': f'images.hr=256 {SMALL}"'},
    )
    sides, counted = made()
    assert (sides, counted["flagged"]) == ([256, 256, 64, 64], 12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data.classes": ["three", "eight", "other"]}, "data.classes has 3 names"),
        ({"images.scale": 3}, "images.scale is 3"),
    ],
)
def test_more_classes_and_other_scales_are_one_sentence(fresh, changes, said):
    """By the first stage, before an output is gone, and by `download` itself."""
    text = fresh.params_with(changes | {"data.source": "folder", "data.path": "pictures"})
    with fresh.edited("params.yaml", text):
        for stage in ("check", "download"):
            refused = fresh.run(sys.executable, f"stages/{stage}.py", code=1)
            assert (
                refused.startswith(f"{stage}: params.yaml: {said}: ") and refused.count("\n") == 1
            )
    assert not (fresh.root / "data").exists()
