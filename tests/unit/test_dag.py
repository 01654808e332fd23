"""dvc.yaml against the code: what stages read, import and write is what they declare."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml
from repository import NOTES, ROOT, default_params

from srgan_ab.common import paths

SOURCE = ROOT / "src"
FRONT_DOOR = SOURCE / "srgan_ab/__init__.py"
PARAMS = default_params()


def expanded() -> dict[str, dict]:
    """Stages of dvc.yaml, a matrix as one stage per item; outputs of all kinds in `outs`."""
    stages = {}
    for name, entry in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        items = [(name, yaml.safe_dump(entry))]
        for key, values in entry.get("matrix", {}).items():
            items = [
                (f"{name}@{value}", text.replace(f"${{item.{key}}}", value))
                for _, text in items
                for value in values
            ]
        for item, text in items:
            stage = yaml.safe_load(text)
            outs = [
                out if isinstance(out, dict) else {out: {}}
                for kind in ("outs", "metrics", "plots")
                for out in stage.get(kind, [])
            ]
            stage["outs"] = {name: options for out in outs for name, options in out.items()}
            stages[item] = stage
    return stages


STAGES = expanded()
NO_RUN_CACHE = ("benchmark", "compare", "report")  # small nested results, in git instead
TRAINING = [name for name in STAGES if name.startswith("train_")]


def script(stage: str) -> Path:
    return ROOT / "stages" / f"{stage.partition('@')[0]}.py"


@cache
def imports(file: Path) -> set[str]:
    """Dotted names that a file imports, wherever in it; `from a import b` gives a and a.b."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_of(name: str) -> set[Path]:
    """Files that importing a dotted name of this project executes, packages included."""
    parts = name.split(".")
    if parts == ["_bootstrap"]:
        return {ROOT / "stages/_bootstrap.py"}
    if parts[0] != "srgan_ab":
        return set()
    candidates = [SOURCE.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    return {
        file for file in [*candidates, SOURCE.joinpath(*parts).with_suffix(".py")] if file.exists()
    }


def closure(file: Path) -> set[Path]:
    """Every file of this project that runs when `file` does; empty `__init__.py` left out.

    So is FRONT_DOOR, which imports what programs ask it for, and stages ask for nothing.
    """
    found, waiting = set(), [file]
    while waiting:
        current = waiting.pop()
        if current not in found and current != FRONT_DOOR:
            found.add(current)
            waiting += [file for name in imports(current) for file in files_of(name)]
    return {file for file in found if file.name != "__init__.py" or file.read_text().strip()}


def test_the_front_door_imports_nothing_by_itself():
    code = "import sys, srgan_ab; print([name for name in sys.modules if 'srgan_ab.' in name])"
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(SOURCE)}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert said.stdout == "[]\n"


def test_no_stage_asks_the_front_door():
    for file in set().union(*(closure(script(stage)) for stage in STAGES)):
        tree = ast.parse(file.read_text())
        asked = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        assert "srgan_ab" not in {node.module for node in asked}, file


def test_the_closure_follows_imports():
    found = {str(file.relative_to(ROOT)) for file in closure(ROOT / "stages/split.py")}
    assert {
        "stages/split.py",
        "stages/_bootstrap.py",
        "src/srgan_ab/common/stage.py",
        "src/srgan_ab/common/errors.py",  # through others
        "src/srgan_ab/data/duplicates.py",  # imported inside a function
    } <= found
    assert "src/srgan_ab/common/runtime.py" not in found


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_it_runs_and_on_no_other(stage):
    code = [ROOT / dep for dep in STAGES[stage]["deps"] if dep.startswith(("src/", "stages/"))]
    needed = closure(script(stage))
    covered = {file: [dep for dep in code if file == dep or dep in file.parents] for file in needed}
    assert [str(file) for file, by in covered.items() if not by] == []
    assert set(code) == {dep for by in covered.values() for dep in by}


@pytest.mark.parametrize("stage", TRAINING)
def test_no_training_stage_sees_a_test_image(stage):
    data = [dep for dep in STAGES[stage]["deps"] if dep.startswith("data/")]
    assert data
    assert {Path(dep).name for dep in data} <= {"train", "val"}


def test_test_images_are_read_where_they_are_upscaled_and_judged_only():
    readers = {
        name
        for name, stage in STAGES.items()
        if any(Path(dep).name == "test" for dep in stage["deps"])
    }
    assert readers == {"generate_sr", "evaluate"}


ARROWS = {  # room to the other rooms that it may import from; app may from all
    "common": set(),
    "data": {"common"},
    "accelerate": {"common"},
    "classifier": {"common", "accelerate"},
    "srgan": {"common", "accelerate"},
    "quality": {"common"},
    "statistics": {"common"},
    "reporting": {"common", "statistics", "quality"},
}


def test_arrows_between_rooms_run_one_way():
    rooms = {file.parent.name for file in (SOURCE / "srgan_ab").glob("*/__init__.py")}
    assert rooms == {*ARROWS, "app"}
    for file in sorted((SOURCE / "srgan_ab").rglob("*.py")):
        room = file.relative_to(SOURCE / "srgan_ab").parts[0]
        if room in ARROWS:
            used = {n.split(".")[1] for n in imports(file) if n.startswith("srgan_ab.")}
            assert used <= ARROWS[room] | {room}, f"{file.relative_to(ROOT)} imports {used}"


@pytest.mark.slow
def test_pictures_are_painted_by_download_alone():
    rendering = SOURCE / "srgan_ab/data/rendering"
    painters = {
        name for name in STAGES if any(rendering in file.parents for file in closure(script(name)))
    }
    assert painters == {"download"}


def test_every_dependency_is_made_by_a_stage_or_in_the_repository():
    made = {out for stage in STAGES.values() for out in stage["outs"]} | set(NOTES)
    for name, stage in STAGES.items():
        assert len(stage["deps"]) == len(set(stage["deps"])), name
        for dep in stage["deps"]:
            assert dep in made or (ROOT / dep).exists(), f"{name} depends on {dep}"
            assert dep not in stage["outs"], name


def test_paths_are_those_of_dvc_yaml():
    made = {out for stage in STAGES.values() for out in stage["outs"]}
    constants = {
        *(paths.CHECKED, paths.RAW, paths.MANIFEST, paths.SPLIT),
        *(paths.PREDICTIONS, paths.PREDICTIONS_VAL, paths.LEDGER),
        *(paths.GENERATOR.parent, paths.SRRESNET.parent, paths.DISCRIMINATOR.parent),
        *(paths.PERCEPTUAL.parent, paths.TASK.parent),
        *(paths.pack(split) for split in ("train", "val", "test")),
        *(paths.generated(split) for split in ("train", "val", "test")),
        *(paths.classifier(arm) for arm in ("a", "b", "b_plus", "c", "c_plus", "r", "p", "t")),
        *(paths.pretrained(name) for name in ("classifier", "perceptual", "lpips")),
    }
    assert {str(path) for path in constants} == {
        out for out in made if out.startswith(("data/", "models/"))
    }
    assert all(
        out.startswith((f"{paths.METRICS}/", f"{paths.PLOTS}/", "data/", "models/")) for out in made
    )


def test_what_a_clone_shows_is_in_git_and_what_is_large_is_not():
    for name, stage in STAGES.items():
        for out, options in stage["outs"].items():
            in_git = out.startswith(("metrics/", "plots/"))
            assert options.get("cache", True) is not in_git, f"{name}: {out}"


@pytest.mark.parametrize("stage", [name for name in STAGES if name not in NO_RUN_CACHE])
def test_going_back_to_earlier_params_restores_a_stage(stage):
    # DVC keeps no run cache for a stage with `cache: false` under `outs`; metrics and plots may
    entry = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage.partition("@")[0]]
    assert [out for out in entry["outs"] if isinstance(out, dict)] == []


def test_stages_declare_params_that_exist_and_every_param_has_a_stage():
    declared = {key for stage in STAGES.values() for key in stage["params"]}
    for key in declared:
        value = PARAMS
        for part in key.split("."):
            value = value[part]
    unused = {
        section for section in PARAMS if not any(k.split(".")[0] == section for k in declared)
    }
    assert unused == {"runtime"}  # where a stage runs does not change what it makes


def test_the_first_stage_reads_every_param_and_comes_before_every_other():
    assert set(STAGES["check"]["params"]) == set(PARAMS) - {"runtime"}
    made_by = {out: name for name, stage in STAGES.items() for out in stage["outs"]}
    for name in STAGES:
        before, waiting = set(), [name]
        while waiting:
            current = waiting.pop()
            before.add(current)
            waiting += [made_by[dep] for dep in STAGES[current]["deps"] if dep in made_by]
        assert "check" in before, name


def test_every_stage_is_run_by_its_script_and_described():
    for name, stage in STAGES.items():
        stem, _, item = name.partition("@")
        assert stage["cmd"].split() == ["python", f"stages/{stem}.py", *([item] if item else [])]
        assert stage["desc"]
    scripts = {file.stem for file in (ROOT / "stages").glob("*.py")} - {"_bootstrap"}
    assert scripts == {name.partition("@")[0] for name in STAGES}


def test_charts_are_drawn_from_declared_outputs():
    made = {out for stage in STAGES.values() for out in stage["outs"]}
    for chart in yaml.safe_load((ROOT / "dvc.yaml").read_text()).get("plots", []):
        if isinstance(chart, str):
            assert chart in made
        else:
            for title, options in chart.items():
                drawn = options["y"] if isinstance(options.get("y"), dict) else {title: None}
                assert set(drawn) <= made, title


def test_artifacts_are_models_that_a_stage_makes():
    """By the same names that code uses, so that none is left behind."""
    artifacts = yaml.safe_load((ROOT / "dvc.yaml").read_text())["artifacts"]
    made = {Path(out) for stage in STAGES.values() for out in stage["outs"]}
    found = {name: Path(artifact["path"]) for name, artifact in artifacts.items()}
    assert found == {
        "generator": paths.GENERATOR,
        "srresnet": paths.SRRESNET,
        "classifier-a": paths.classifier("a"),
        "classifier-b": paths.classifier("b"),
    }
    for path in found.values():
        assert made & {path, path.parent}
