"""The whole pipeline at a tiny scale, through the commands that a user types."""

import json
import re
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from .conftest import started

pytestmark = pytest.mark.slow

ARMS = {"a", "b", "b_plus", "c", "c_plus", "r", "p", "t"}
ENLARGED = ("sr", "bicubic", "srresnet", "perceptual", "task")
CONTROLS = {f"train_controls@{arm}" for arm in ARMS - {"a", "b"}}


def tree(project, directory):
    return sorted((project.root / directory).rglob("*"))


def test_one_command_makes_everything(project, first_run):
    stages = yaml.safe_load((project.root / "dvc.yaml").read_text())["stages"]
    assert {name.partition("@")[0] for name in started(first_run)} == set(stages)
    for arm in ARMS:
        metrics = json.loads((project.root / f"metrics/{arm}.json").read_text())
        assert metrics
    assert "metrics/model.json" in project.dvc("metrics", "show")
    assert "Traceback" not in first_run


def test_a_second_run_does_nothing(project):
    by_make = project.shell("make repro")
    for output in (by_make, project.shell("dvc repro")):
        assert started(output) == set()
    assert re.search(r"^all that ran now +0\.0 s$", by_make, re.MULTILINE)
    assert project.run("git", "status", "--porcelain") == ""


# params, stages that run for them, and some that do not
CHANGES = [
    ({"srgan.adversarial.weight": 0.02}, {"train_srgan"}, {"train_a", "downscale"}),
    ({"srgan.generator.channels": 12}, {"train_srgan"}, {"train_a", "downscale"}),
    (
        {"srgan.seed": 8},
        {"train_srgan", "train_perceptual", "train_task_sr"},
        {"train_a", "downscale"},
    ),
    ({"task.weight": 2.0}, {"train_task_sr"}, {"train_a", "train_srgan", "train_perceptual"}),
    (
        {"classifier.learning_rate": 0.01},
        {"train_a", "train_b", *CONTROLS},
        {"download", "split", "downscale", "train_srgan", "train_perceptual"},
    ),
    ({"b.per_class": 10}, {"train_b"}, {"train_a", "train_srgan", "generate_sr", *CONTROLS}),
    ({"split.test": 0.25}, {"split"}, {"download"}),
    ({"images.fit": "squash"}, {"downscale"}, {"download", "split"}),
    (
        {"controls.r": False},
        {"train_controls@r", "evaluate"},
        {"train_a", "train_b", *CONTROLS} - {"train_controls@r"},
    ),
    ({"benchmarks.lr": "pillow"}, {"benchmark"}, {"train_srgan", "generate_sr"}),
    ({"compare.bootstrap": 150}, {"compare"}, {"evaluate", "train_a", "train_b"}),
    ({"seed": 8}, {"download", "split", "train_a", "train_srgan"}, set()),
]


@pytest.mark.parametrize(
    ("changes", "runs", "untouched"), CHANGES, ids=[str(changes) for changes, *_ in CHANGES]
)
def test_a_changed_param_runs_what_it_touches(project, changes, runs, untouched):
    with project.edited("params.yaml", project.params_with(changes)):
        planned = project.planned()
    assert runs | {"check"} <= planned
    assert not untouched & planned


@pytest.mark.parametrize("changes", [{"split.test": 0.95}, {"srgan.select": "lpips"}], ids=str)
def test_refused_params_cost_no_output(project, changes):
    results = [path for name in ("metrics", "plots", "models") for path in tree(project, name)]
    with project.edited("params.yaml", project.params_with(changes)):
        output = project.run(sys.executable, "-m", "dvc", "repro", code=255)
        assert started(output) == {"check"} and "check: params.yaml: " in output
        assert [
            p for name in ("metrics", "plots", "models") for p in tree(project, name)
        ] == results
        assert project.run("git", "status", "--porcelain").split() == ["M", "params.yaml"]
    project.dvc("repro")
    assert project.run("git", "status", "--porcelain") == ""


def test_make_refuses_a_wrong_machine_where_dvc_has_nothing_to_run(project):
    with project.edited("params.yaml", project.params_with({"runtime.device": "gpu"})):
        output = project.run(
            "make", "-o", ".venv/.ready", f"PYTHON={sys.executable}", "repro", code=2
        )
    assert "check: params.yaml: runtime.device is 'gpu'" in output and "Traceback" not in output


def test_the_machine_runs_nothing_again(project):
    runtime = {"device": "cpu", "precision": "fp32", "threads": 1, "workers": 1}
    changes = {f"runtime.{key}": value for key, value in runtime.items()}
    with project.edited("params.yaml", project.params_with(changes)):
        assert project.planned() == set()


@pytest.mark.parametrize(
    ("file", "runs", "untouched"),
    [
        ("src/srgan_ab/srgan/losses.py", {"train_srgan", "generate_sr"}, {"train_a", "train_b"}),
        ("src/srgan_ab/classifier/training.py", {"train_a", "train_b"}, {"train_srgan", "split"}),
        ("src/srgan_ab/data/packing.py", {"download", "downscale"}, {"train_srgan"}),
        ("stages/compare.py", {"compare"}, {"evaluate"}),
    ],
)
def test_edited_code_runs_what_uses_it(project, file, runs, untouched):
    text = (project.root / file).read_text()
    with project.edited(file, text + "\n# a comment\n"):
        planned = project.planned()
    assert runs <= planned
    assert not untouched & planned


@pytest.mark.parametrize(
    ("changes", "target", "runs", "kept", "left"),
    [
        (
            {"srgan.seed": 8},
            "generate_sr",
            {"check", "train_srgan", "train_perceptual", "train_task_sr", "generate_sr"},
            "models/a",
            {"benchmark", "train_b", "train_controls@b_plus", "train_controls@r"},
        ),
        (
            {"b.per_class": 6},
            "report",
            {"check", "train_b", "evaluate", "compare", "report"},
            "models/srgan",
            set(),
        ),
    ],
    ids=["srgan", "b"],
)
def test_a_change_runs_its_part_and_the_way_back_is_free(
    project, changes, target, runs, kept, left
):
    """Real runs: only what the change touches, then everything restored from the run cache."""
    before = {f: f.read_bytes() for f in sorted((project.root / "models").rglob("*.safetensors"))}
    with project.edited("params.yaml", project.params_with(changes)):
        assert started(project.dvc("repro", target)) == runs
        assert left <= project.planned()
        after = {f: f.read_bytes() for f in before}
        moved = {
            f.relative_to(project.root).parent.as_posix() for f in before if before[f] != after[f]
        }
    assert moved and kept not in moved
    # these have no run cache: their small results are in git instead
    assert started(project.dvc("repro")) <= {"benchmark", "compare", "report"}
    assert {f: f.read_bytes() for f in before} == before
    assert project.run("git", "status", "--porcelain") == ""


def test_no_image_is_on_both_sides(project):
    table = pd.read_csv(project.root / "data/split.csv", dtype=str)
    assert set(table["split"]) == {"train", "val", "test"}
    for column in ("id", "sha256", "pixel_sha256", "group"):
        sides = [set(rows[column]) for _, rows in table.groupby("split")]
        assert sum(map(len, sides)) == len(set.union(*sides)), column


def test_every_array_of_a_split_holds_that_split_and_no_other(project):
    table = pd.read_csv(project.root / "data/split.csv", dtype=str)
    for split, rows in table.groupby("split"):
        index = pd.read_csv(project.root / f"data/{split}/index.csv", dtype=str)
        assert set(index["id"]) == set(rows["id"])
        arrays = [f"data/{split}/{name}.npy" for name in ("hr", "lr", "labels")]
        arrays += [f"data/generated/{split}/{n}.npy" for n in ENLARGED]
        assert {len(np.load(project.root / array)) for array in arrays} == {len(rows)}
    predictions = pd.read_csv(project.root / "data/predictions.csv", dtype=str)
    assert set(predictions["id"]) == set(table.loc[table["split"] == "test", "id"])


def psnr_rgb(images, others):
    errors = [((a.astype(float) - b) ** 2).mean() for a, b in zip(images, others, strict=True)]
    return np.mean([10 * np.log10(255**2 / error) for error in errors])


def resized(images, side, method):
    size, resampling = (side, side), Image.Resampling[method.upper()]
    return [np.asarray(Image.fromarray(image).resize(size, resampling)) for image in images]


def test_image_quality_is_that_of_each_methods_images(project):
    quality = json.loads((project.root / "metrics/sr.json").read_text())
    interpolations = ("nearest", "bilinear", "bicubic", "lanczos")
    networks = {"srresnet": "srresnet", "perceptual": "perceptual", "srgan": "sr", "task": "task"}
    tested = len(np.load(project.root / "data/test/labels.npy"))
    for split in ("train", "val", "test"):
        hr, lr = (np.load(project.root / f"data/{split}/{name}.npy") for name in ("hr", "lr"))
        step = -(-len(hr) // tested) if split == "train" else 1  # as many as there are to test
        assert len(hr[::step]) <= tested
        hr, lr = hr[::step], lr[::step]
        shown = ("bicubic",) if split == "train" else interpolations
        assert list(quality[split]) == [*shown, *networks]
        images = {method: resized(lr, hr.shape[1], method) for method in shown}
        for method, domain in networks.items():
            made = np.load(project.root / f"data/generated/{split}/{domain}.npy")
            images[method] = made[::step]
        for method, sr in images.items():
            found = quality[split][method]
            assert found["psnr_rgb"] == pytest.approx(psnr_rgb(sr, hr), abs=1e-3)
            again = resized(sr, lr.shape[1], "bicubic")
            assert found["lr_psnr"] == pytest.approx(psnr_rgb(again, lr), abs=1e-3)


@pytest.mark.long
def test_compare_puts_a_beside_b(project):
    output = project.shell("make compare")
    assert started(output) <= {"check", "compare", "report"}
    # the workspace is where it was: params, metrics and lock as committed
    assert project.run("git", "status", "--porcelain") == ""

    table = project.shell("dvc metrics diff a b")
    header, *rows = table.splitlines()
    assert header.split() == ["Path", "Metric", "a", "b", "Change"]
    accuracy = {
        arm: json.loads((project.root / f"metrics/{arm}.json").read_text()) for arm in ("a", "b")
    }
    assert any(row.startswith("metrics/model.json") for row in rows)
    for metric, a in accuracy["a"].items():
        b = accuracy["b"][metric]
        if isinstance(a, float) and a != b:
            cells = [row.split() for row in rows if row.split()[1].split(".")[-1] == metric]
            assert [str(a), str(b)] in [row[2:4] for row in cells], (metric, a, b, table)


def test_charts_need_no_network(project, tmp_path):
    clone = project.clone(tmp_path / "clone")
    clone.run("git", "commit", "--quiet", "--allow-empty", "--message", "HEAD~1 has results too")
    for show, revision in (
        (lambda: clone.make("plots"), "workspace"),
        (lambda: clone.shell("dvc plots show"), "workspace"),
        (lambda: clone.shell("dvc plots diff HEAD~1"), "HEAD~1"),
    ):
        assert "failed" not in show()
        page = clone.root / "dvc_plots/index.html"
        html = page.read_text()
        assert "vega" in html.lower() and f'"{revision}"' in html
        assert not re.search(r"<(script|link)[^>]+(src|href)=.https?:", html)
        shutil.rmtree(page.parent)


def test_a_clone_without_the_cache_is_up_to_date_and_shows_its_results(project, tmp_path):
    clone = project.clone(tmp_path / "clone")
    assert started(clone.dvc("repro", "--allow-missing", "--dry")) == set()
    assert "metrics/model.json" in clone.dvc("metrics", "show")


@pytest.mark.long
def test_a_clone_makes_the_same_bits_whatever_surrounds_it(project, tmp_path):
    clone = project.clone(tmp_path / "another folder, überall")
    (tmp_path / "home").mkdir()
    clone.environment |= {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "1",
        "HOME": str(tmp_path / "home"),
        "USER": "another",
    }
    clone.dvc("repro")
    assert clone.run("git", "status", "--porcelain") == ""


def test_a_remote_shares_data_and_models(project, tmp_path):
    giver = project.clone(tmp_path / "giver", cached=True)
    giver.dvc("remote", "add", "-d", "store", str(tmp_path / "store"))
    giver.dvc("push")
    giver.commit("a remote")
    taker = giver.clone(tmp_path / "taker")
    taker.dvc("pull")
    assert (taker.root / "models/srgan/generator.safetensors").is_file()
    assert taker.planned() == set()
