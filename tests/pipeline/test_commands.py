"""Commands of README and docs, word for word, that test_pipeline.py does not run already."""

import json
import re
import shutil
import sys
import time

import pandas as pd
import pytest
import yaml
from PIL import Image
from repository import PARAMS

from .conftest import Project

pytestmark = pytest.mark.slow

STUDY_MINUTES = 60  # half a minute where nothing else runs; this only ends a queue that hangs


@pytest.fixture
def study(project, tmp_path):
    """A clone with the cache of the project and no experiments."""
    clone = project.clone(tmp_path / "study", cached=True)
    clone.dvc("checkout", "--quiet")
    return clone


def test_the_arms_side_by_side(project):
    table = project.shell("dvc metrics show metrics/{a,b,b_plus,c,c_plus,r,p,t}.json")
    header, *rows = (line.split() for line in table.splitlines())
    column = header.index("accuracy")
    for arm, row in zip(("a", "b", "b_plus", "c", "c_plus", "r", "p", "t"), rows, strict=True):
        metrics = json.loads((project.root / f"metrics/{arm}.json").read_text())
        assert (row[0], float(row[column])) == (f"metrics/{arm}.json", metrics["accuracy"])


def test_the_experiments_fit_the_screen(study):
    made = study.run("make", "-o", ".venv/.ready", f"PYTHON={sys.executable}", "experiments")
    lines = made.splitlines()  # DVC's warnings too
    (at,) = [number for number, line in enumerate(lines) if line.startswith("workspace ")]
    workspace, head = lines[at : at + 2]
    assert max(map(len, (workspace, head))) <= 120
    a, b, quality = (
        json.loads((study.root / f"metrics/{name}.json").read_text()) for name in ("a", "b", "sr")
    )
    assert head.split()[1:] == workspace.split()[1:], made
    accuracy, f1, auc, *others = workspace.split()[1:]
    assert (accuracy, f1) == (f"{100 * a['accuracy']:.1f}", f"{100 * a['f1']:.1f}")
    assert auc == f"{a['roc_auc']:.3f}" and others[0] == f"{100 * b['accuracy']:.1f}"
    gain = 100 * (b["accuracy"] - a["accuracy"])
    assert others[3] == f"{gain:+.1f}".replace("-", "−")
    psnr = f"{quality['test']['srgan']['psnr_rgb']:.2f}"
    assert others[4:] == [psnr, "–", "–"]  # no LPIPS, and too few images for realism


def test_a_run_is_judged_against_the_committed_one(project):
    said = project.shell("make verify")
    assert "verify: every output is identical to the committed one" in said
    metrics = project.root / "metrics/split.json"
    lock = (project.root / "dvc.lock").read_text()
    digest = re.search(r"path: metrics/split.json\n\s+hash: md5\n\s+md5: (\w+)", lock)[1]
    changed = metrics.read_text().replace('"images": 48', '"images": 47')
    assert changed != metrics.read_text()
    with (
        project.edited("metrics/split.json", changed),
        project.edited("dvc.lock", lock.replace(digest, "0" * 32)),
    ):
        said = project.run(sys.executable, "tools/verify.py", code=1)
    assert "metrics/split.json: images 47 for 48" in said
    assert "the first stage that departs is split" in said


def test_presets_merge_into_the_params_of_the_repository(project):
    text = PARAMS.read_text(encoding="utf-8")

    def merged() -> dict:
        return yaml.safe_load((project.root / "params.yaml").read_text())

    with project.edited("params.yaml", text):
        project.shell('make preset NAME=photos SET="data.path=/path/to/a/folder/with/cat/and/dog"')
        assert merged()["data"]["path"] == "/path/to/a/folder/with/cat/and/dog"
        project.shell("make preset NAME=full")
        assert merged()["srgan"]["adversarial"]["epochs"] == 150
        project.shell("make preset NAME=full-cpu")
        assert merged()["data"]["source"] == "asirra"
        project.shell(
            'make preset NAME=full-cpu SET="controls.p=false data.source=archive data.path=ARCHIVE '
            'pretrained.classifier=MOBILENET pretrained.lpips=SQUEEZENET"'
        )
        assert merged()["data"]["path"] == "ARCHIVE"
        project.shell(
            'make preset NAME=answer SET="controls.p=false data.source=archive data.path=ARCHIVE '
            'pretrained.lpips=SQUEEZENET"'
        )
        assert merged()["classifier"]["replicates"] == 3
        project.shell(
            'make preset NAME=answer SET="controls.p=false controls.r=false data.source=archive '
            "data.path=ARCHIVE pretrained.lpips=SQUEEZENET srgan.generator.channels=32 "
            "srgan.batch_size=4 srgan.pretraining.epochs=2 srgan.adversarial.epochs=1 "
            'srgan.snapshots=[1]"'
        )
        assert merged()["srgan"]["batch_size"] == 4
        project.shell(
            'make preset NAME=folder SET="data.source=archive data.path=ARCHIVE '
            "data.classes=[cat,dog] data.per_class=2000 runtime.portable=false "
            "classifier.replicates=2 srgan.pretraining.epochs=1 srgan.adversarial.epochs=2 "
            "srgan.snapshots=[1,2] controls.b_plus=false controls.c_plus=false controls.p=false "
            'controls.t=true"'
        )
        assert merged()["controls"]["t"] and merged()["srgan"]["snapshots"] == [1, 2]
        project.shell('make preset NAME=generator SET="data.path=/path/to/photographs"')
        assert merged()["srgan"]["generator"]["blocks"] == 16
        project.shell('make preset NAME=benchmark SET="data.path=/path/to/photographs"')
        assert merged()["images"]["fit"] == "crops"
        project.shell(
            'make preset NAME=photos SET="data.path=PHOTOS pretrained.classifier=MOBILENET '
            "pretrained.perceptual=VGG19 pretrained.lpips=SQUEEZENET classifier.replicates=3 "
            "srgan.generator.initial=none srgan.generator.blocks=8 "
            "srgan.discriminator.channels=32 srgan.discriminator.normalization=batch "
            "srgan.adversarial.warm_up=0 srgan.adversarial.learning_rate=0.0004 "
            "srgan.adversarial.discriminator_learning_rate=null "
            "srgan.adversarial.weight=0.1 controls.p=false "
            "srgan.perceptual.network=vgg19 srgan.perceptual.layer=conv3_1 "
            "srgan.adversarial.epochs=10 srgan.snapshots=[1,4,10] "
            "srgan.crop=48 srgan.batch_size=16 srgan.gradient_clip=null "
            'srgan.pretraining.epochs=16 srgan.pretraining.learning_rate=0.001"'
        )
        assert merged()["pretrained"]["lpips"] == "SQUEEZENET"
        assert merged()["classifier"]["replicates"] == 3
        project.shell(
            'make preset NAME=photos SET="data.path=PHOTOS pretrained.classifier=MOBILENET '
            "pretrained.perceptual=VGG19 pretrained.lpips=SQUEEZENET classifier.replicates=3 "
            "srgan.generator.initial=none srgan.generator.blocks=8 "
            "srgan.pretraining.epochs=4 srgan.pretraining.learning_rate=0.0004 "
            "srgan.discriminator.channels=32 srgan.discriminator.normalization=batch "
            "srgan.adversarial.warm_up=0 srgan.adversarial.learning_rate=0.0004 "
            "srgan.adversarial.discriminator_learning_rate=null "
            "srgan.adversarial.weight=0.1 controls.p=false "
            'runtime.threads=1"'
        )
        assert merged()["classifier"]["replicates"] == 3
        project.shell(
            'make preset NAME=photos SET="data.path=PHOTOS pretrained.classifier=MOBILENET '
            "pretrained.perceptual=VGG19 pretrained.lpips=SQUEEZENET "
            'runtime.threads=1"'
        )
        assert merged()["runtime"]["threads"] == 1
        project.shell(
            'make preset NAME=benchmark SET="data.path=PHOTOS pretrained.perceptual=VGG19 '
            "pretrained.lpips=SQUEEZENET benchmarks.paths=[SET5,SET14] split.test=0.02 "
            "split.validation=0.02 srgan.generator.blocks=8 "
            "srgan.generator.upsampler=nearest_conv srgan.discriminator.channels=32 "
            "srgan.crop=64 srgan.gradient_clip=1.0 srgan.ema=0.995 "
            "srgan.pretraining.epochs=60 srgan.pretraining.learning_rate=0.0005 "
            "srgan.adversarial.epochs=10 srgan.adversarial.learning_rate=0.0004 "
            "srgan.adversarial.weight=0.1 srgan.pixel.weight=0.1 "
            'srgan.perceptual.layer=conv3_1 srgan.snapshots=[1,4,10] runtime.threads=1"'
        )
        assert merged()["benchmarks"]["paths"] == ["SET5", "SET14"]
        assert merged()["srgan"]["snapshots"] == [1, 4, 10]
    assert "up to date" in project.shell("dvc repro downscale")
    assert "up to date" in project.shell("dvc repro benchmark")


def experiments(project) -> dict[str, dict]:
    """Experiments of HEAD in the JSON of `dvc exp show`, by name."""
    _, head = json.loads(project.dvc("exp", "show", "--json"))
    return {experiment["name"]: experiment for experiment in head["experiments"] or []}


def test_a_preset_as_an_experiment(study):
    """Queued only: a run would download ImageNet weights."""
    study.shell(
        "dvc exp run -n photos $(python tools/preset.py photos --flags data.path=/path/to/photos)",
        more="--queue",
    )
    experiment = experiments(study)["photos"]
    assert experiment["executor"]["state"] == "queued"
    params = experiment["revs"][0]["data"]["params"]["params.yaml"]["data"]
    assert params["data"]["path"] == "/path/to/photos"
    assert params["classifier"]["backbone"] == "mobilenet_v2"


def test_the_command_line(project, tmp_path):
    photo = Image.open(project.root / "plots/lr_hr.png").convert("RGB").crop((0, 0, 60, 40))
    for folder in (tmp_path, tmp_path / "path/to/Set5", tmp_path / "path/to/Set14"):
        folder.mkdir(parents=True, exist_ok=True)
        photo.save(folder / "photo.jpg")
    shutil.copytree(project.root / "models", tmp_path / "models")
    shutil.copy(project.root / "params.yaml", tmp_path)
    here = Project(tmp_path)
    here.shell("srgan-ab upscale photo.jpg -o photo-x4.png")
    here.shell("srgan-ab upscale --model rough photo.jpg")
    assert Image.open(tmp_path / "photo-x4.png").size == (240, 160)
    (tmp_path / "photo-x4.jpg").unlink()
    here.shell("srgan-ab upscale photo.jpg")
    assert Image.open(tmp_path / "photo-x4.jpg").size == (240, 160)
    for name in ("photos/in/a.webp", "scans/b.png", "brick.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        photo.save(tmp_path / name)
    here.shell('srgan-ab upscale -r photos "scans/*.png" -o larger/ --scale 2')
    for name in ("larger/in/a.webp", "larger/b.png"):
        assert Image.open(tmp_path / name).size == (120, 80)
    here.shell("srgan-ab upscale --wrap brick.png -o brick.webp")
    assert Image.open(tmp_path / "brick.webp").size == (240, 160)
    here.shell("srgan-ab upscale - --format png < photo.jpg > larger.png")
    assert Image.open(tmp_path / "larger.png").format == "PNG"
    verdicts = here.shell("srgan-ab classify photo.jpg --through 32")
    assert len([line for line in verdicts.splitlines() if line.startswith("photo.jpg")]) == 8 * 6
    assert "SRResNet" in here.shell("srgan-ab info")
    here.shell("srgan-ab export small --to torch -o small.pt2")
    here.shell("srgan-ab export rough --to safetensors")
    assert (tmp_path / "small.pt2").exists() and (tmp_path / "rough.safetensors.md").exists()
    assert "params.yaml is valid" in project.shell("srgan-ab doctor")
    output = here.shell("srgan-ab benchmark path/to/Set5 path/to/Set14")
    assert output.index("Set5: 1 pictures") < output.index("Set14: 1 pictures")
    assert output.count("\nsrgan ") == 2


def wait_for(study, queued: set[str]) -> None:
    """Return when no experiment of the queue waits or runs."""
    deadline = time.monotonic() + 60 * STUDY_MINUTES
    while re.search(r"Queued|Running", status := study.shell("dvc queue status")):
        assert time.monotonic() < deadline, status
        time.sleep(2)
    done = {line.split()[1] for line in status.splitlines() if line.endswith("Success")}
    assert done == queued, status


@pytest.mark.long
def test_a_study(study):
    nothing = study.run("make", "-o", ".venv/.ready", f"PYTHON={sys.executable}", "study", code=2)
    assert "study: there is no finished experiment here" in nothing

    study.shell("dvc exp run --queue -n generator -S srgan.seed=1,2,3,4")
    study.shell("dvc exp run --queue -n added -S b.images=hr+sr -S b.per_class=20,60,120")
    study.shell("dvc exp run --queue -n backbone -S classifier.backbone=resnet18,mobilenet_v2")
    study.shell("dvc exp run --queue -n published -S b.images=hr+sr -S b.per_class=1500")
    expected = {"generator": 4, "added": 3, "backbone": 2}
    expected = {f"{name}-{i + 1}" for name, count in expected.items() for i in range(count)}
    assert set(experiments(study)) == expected | {"published"}
    study.dvc("queue", "remove", "--queued")  # they would take minutes

    study.shell("dvc exp run --queue -n fraction -S b.per_class=20,60,120", {"20,60,120": "4,8"})
    study.shell("dvc queue start")
    wait_for(study, {"fraction-1", "fraction-2"})
    assert "train_b: " in study.shell("dvc queue logs fraction-1")

    output = study.shell("make study")
    table = pd.read_csv(study.root / "study/study.csv", keep_default_na=False)
    assert table["experiment"].tolist() == ["main", "fraction-1", "fraction-2"]
    assert table["b.per_class"].tolist() == ["null", "4", "8"]
    assert list(table)[2:5] == ["a", "a_low", "a_high"]  # no other param differs
    commits = {name: made["revs"][0]["rev"] for name, made in experiments(study).items()}
    for _, row in table.iterrows():
        revision = commits.get(row["experiment"], "HEAD")
        metrics = json.loads(study.run("git", "show", f"{revision}:metrics/b.json"))
        comparison = json.loads(study.run("git", "show", f"{revision}:metrics/comparison.json"))
        assert row["b"] == metrics["accuracy"] and row["b_low"] < row["b"] < row["b_high"]
        found = comparison["b_minus_a"]["accuracy"]
        assert row["b_minus_a_low"] == found["low"] and row["b_minus_a_high"] == found["high"]
        assert f"| {row['experiment']} " in output
    with Image.open(study.root / "study/study.png") as figure:
        assert figure.width == 1200
    assert study.run("git", "status", "--porcelain") == ""

    assert "fraction-2" in study.shell("dvc exp show --only-changed")
    lines = study.shell("make experiments").splitlines()
    assert {"b.", "per_class"} <= {word for line in lines[:3] for word in line.split()}
    rows = {line.split()[0]: line.split() for line in lines if line}
    assert rows["fraction-1"][1] == "4" and rows["fraction-2"][1] == "8"
    assert max(map(len, lines)) <= 120
    header, *rows = study.shell("dvc metrics diff fraction-1 fraction-2").splitlines()
    assert header.split()[2:4] == ["fraction-1", "fraction-2"]
    assert ["metrics/train_b.json", "n_train", "8", "16", "8"] in [row.split() for row in rows]
    study.shell("git tag first")
    study.shell("dvc exp apply fraction-1")
    assert "n_train" in study.shell("dvc metrics diff first")
    assert "failed" not in study.shell("dvc plots diff first")
    assert '"first"' in (study.root / "dvc_plots/index.html").read_text()
    assert yaml.safe_load((study.root / "params.yaml").read_text())["b"]["per_class"] == 4
    study.shell("dvc exp branch fraction-1 sparse")
    assert "sparse" in study.run("git", "branch", "--list", "sparse")
    study.shell("dvc exp remove fraction-2")
    assert set(experiments(study)) == {"fraction-1"}
