"""`make verify`: outputs identical to the committed ones, within tolerance, or different."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from PIL import Image
from repository import committed_run

TOOLS = Path(__file__).resolve().parents[2] / "tools"
RULES = {"follows": ["^plots/"], "tolerances": {r"^metrics/a\.json:accuracy$": 0.02}}
AUTHOR = ["-c", "user.name=t", "-c", "user.email=t@t"]
MADE_ON = {
    "processor": "Some Processor",
    "versions": {"torch": "2.0"},
    "instructions": "AVX2",
    "threads": 2,
    "precision": "fp32",
}


@pytest.fixture
def verify(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    import verify

    return verify


def lock(**digests: str) -> str:
    """dvc.lock of two stages in which `a` makes weights and metrics, and `b` a curve and a page."""
    digests = {
        name: digests.get(name, "0") for name in ("code", "weights", "metrics", "curve", "page")
    }
    stages = {
        "b": {
            "deps": [{"path": "models/a", "md5": digests["weights"]}],
            "outs": [
                {"path": "plots/b.csv", "md5": digests["curve"]},
                {"path": "plots/b.html", "md5": digests["page"]},
            ],
        },
        "a": {
            "deps": [{"path": "src", "md5": digests["code"]}],
            "params": {"params.yaml": {"seed": int(digests.get("seed", "0"))}},
            "outs": [
                {"path": "models/a", "md5": digests["weights"]},
                {"path": "metrics/a.json", "md5": digests["metrics"]},
            ],
        },
    }
    return yaml.safe_dump({"schema": "2.0", "stages": stages})


@pytest.fixture
def checkout(verify, tmp_path, monkeypatch):
    """A repository with committed results, which the test then replaces by others."""
    files = {
        "dvc.yaml": yaml.safe_dump({"stages": {"a": {}, "b": {}}}, sort_keys=False),
        "dvc.lock": lock(),
        "docs/made_on.json": json.dumps(MADE_ON),
        "metrics/a.json": json.dumps({"accuracy": 0.9, "n": 100, "lpips": None}),
        "plots/b.csv": "epoch,loss\n1,0.5\n2,0.4\n",
        "plots/b.html": "<p>0.9</p>",
        "tools/tolerances.yaml": yaml.safe_dump(RULES),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        [*AUTHOR, "commit", "--quiet", "-m", "results"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(verify, "ROOT", tmp_path)
    monkeypatch.setattr(verify, "TOLERANCES", tmp_path / "tools/tolerances.yaml")
    return tmp_path


def test_equal_digests_are_identical(verify, checkout, capsys):
    assert verify.verify() == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == ["a: 2 of 2 outputs identical", "b: 2 of 2 outputs identical"]
    assert "made on Some Processor, torch 2.0, kernels for AVX2, 2 threads, fp32" in said
    assert said.endswith("every output is identical to the committed one\n")


def test_numbers_within_their_tolerance_pass_and_the_first_stage_that_departs_is_named(
    verify, checkout, capsys
):
    (checkout / "dvc.lock").write_text(lock(weights="1", metrics="1", curve="1", page="1"))
    (checkout / "metrics/a.json").write_text('{"accuracy": 0.885, "n": 100, "lpips": null}')
    (checkout / "plots/b.csv").write_text("epoch,loss\n1,0.55\n2,0.4\n")
    assert verify.verify() == 0
    said = capsys.readouterr().out
    assert "metrics/a.json: accuracy 0.885 for 0.9, allowed ±0.02" in said
    assert "within tolerance; the first stage that departs is a" in said


@pytest.mark.parametrize(
    "metrics",
    [
        {"accuracy": 0.87, "n": 100, "lpips": None},  # too far
        {"accuracy": 0.9, "n": 101, "lpips": None},  # no tolerance declared
        {"accuracy": 0.9, "n": 100, "lpips": 0.1},  # was not measured
        {"accuracy": None, "n": 100, "lpips": None},  # no longer a number
        {"accuracy": 0.9, "n": 100},
        {"accuracy": 0.9, "n": 100, "lpips": None, "f1": 1.0},
    ],
)
def test_numbers_beyond_their_tolerance_fail(verify, checkout, capsys, metrics):
    (checkout / "dvc.lock").write_text(lock(metrics="1"))
    (checkout / "metrics/a.json").write_text(json.dumps(metrics))
    assert verify.verify() == 1
    said = capsys.readouterr().out
    assert "a: DIFFERENT, 1 of 2 outputs identical" in said
    assert "verify: different; the first stage that departs is a" in said


def test_pictures_with_equal_pixels_are_the_same_however_compressed(verify, checkout, capsys):
    picture = Image.linear_gradient("L").convert("RGB")
    picture.save(checkout / "plots/b.png", compress_level=1)
    for command in (["add", "."], [*AUTHOR, "commit", "--quiet", "-m", "a picture"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    picture.save(checkout / "plots/b.png", compress_level=9)
    judged = verify.judge_output("plots/b.png", False, RULES)
    assert (judged.kind, judged.detail) == (verify.WITHIN, "equal pixels, compressed differently")
    picture.transpose(Image.Transpose.ROTATE_90).save(checkout / "plots/b.png")
    assert verify.judge_output("plots/b.png", False, RULES).kind == verify.FOLLOWS


def test_what_follows_from_other_files_is_named_but_not_judged(verify, checkout, capsys):
    (checkout / "dvc.lock").write_text(lock(curve="1", page="1"))
    (checkout / "plots/b.csv").write_text("epoch,loss\n1,0.5\n")
    assert verify.verify() == 0
    assert "the first stage that departs is b" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"code": "1"}, "src, which a runs, is not what made the committed results"),
        ({"seed": "1"}, "params of a are not the committed ones"),
    ],
)
def test_another_recipe_cannot_be_compared(verify, checkout, capsys, change, said):
    text = lock(**change)
    if "seed" in change:
        text = text.replace("seed: 0", "seed: 1")
    (checkout / "dvc.lock").write_text(text)
    with pytest.raises(SystemExit, match="2"):
        verify.verify()
    assert said in capsys.readouterr().err


def test_without_a_run_there_is_nothing_to_judge(verify, checkout, capsys):
    (checkout / "dvc.lock").unlink()
    with pytest.raises(SystemExit, match="2"):
        verify.verify()
    assert "run `make repro` first" in capsys.readouterr().err


def test_the_record_is_of_one_machine_and_one_lock(verify, checkout, capsys):
    directory = checkout / "metrics/provenance"
    directory.mkdir()
    facts = MADE_ON | {"machine": "Linux", "python": "3", "portable": True, "seconds": 1.234}
    for name in ("a", "b"):
        (directory / f"{name}.json").write_text(json.dumps(facts))
    assert verify.record() == 0
    made_on = json.loads((checkout / "docs/made_on.json").read_text())
    assert made_on["seconds"] == {"a": 1.2, "b": 1.2}
    assert made_on["processor"] == "Some Processor"
    (directory / "b.json").write_text(json.dumps(facts | {"processor": "Another"}))
    with pytest.raises(SystemExit, match="2"):
        verify.record()
    assert "different processor" in capsys.readouterr().err


def test_the_rules_name_files_of_the_project_and_positive_numbers():
    rules = yaml.safe_load((TOOLS / "tolerances.yaml").read_text())
    stages = yaml.safe_load((TOOLS.parent / "dvc.yaml").read_text())["stages"].values()
    outs = [
        out if isinstance(out, str) else next(iter(out))
        for stage in stages
        for kind in ("outs", "metrics", "plots")
        for out in stage.get(kind, [])
    ]
    for pattern in rules["follows"]:
        assert any(re.search(pattern, out.replace("${item.arm}", "c")) for out in outs), pattern
    for pattern, allowed in rules["tolerances"].items():
        assert any(re.search(pattern.partition(":")[0] + "$", out) for out in outs), pattern
        assert 0 < allowed <= 1


def test_the_record_is_of_the_committed_lock():
    made_on = json.loads(committed_run("docs/made_on.json"))
    lock = committed_run("dvc.lock").encode()
    assert made_on["dvc.lock"] == hashlib.sha256(lock).hexdigest(), "run `make results`"
    assert made_on["portable"] is True and made_on["instructions"] == "AVX2"
