"""The first stage: what it refuses; its output is the same for all params that are good."""

import os
import shutil
import subprocess
import sys

import pytest
from repository import PARAMS, ROOT


@pytest.fixture
def project(tmp_path):
    for name in ("stages/check.py", "stages/_bootstrap.py", "dvc.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "src/srgan_ab/common", tmp_path / "src/srgan_ab/common")
    (tmp_path / "src/srgan_ab/__init__.py").touch()
    shutil.copy(PARAMS, tmp_path)
    return tmp_path


def check(project, old="seed: 7", new="seed: 7", **environment):
    """Run the stage with a line of the params changed: exit code, what it printed, its output."""
    text = PARAMS.read_text(encoding="utf-8")
    assert text.count(old) == 1
    (project / "params.yaml").write_text(text.replace(old, new), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "stages/check.py"],
        cwd=project,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""} | environment,
        capture_output=True,
        text=True,
    )
    output = project / "data/checked"
    return done.returncode, done.stderr, output.read_bytes() if output.exists() else None


def test_good_params_leave_the_same_whatever_they_are(project):
    code, _, output = check(project)
    assert code == 0
    assert check(project, "crop: 48", "crop: 64")[::2] == (0, output)
    assert check(project, "paths: []", "paths: [stages]")[::2] == (0, output)


def test_params_are_utf_8_whatever_the_locale(project):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    names = ("layer: conv5_4", "layer: Kätzchen犬")  # of a weight of 0: not looked at
    done = check(project, *names)
    assert done[0] == 0 and check(project, *names, **ascii_only) == done
    assert check(project, "  fit: cover", "  fit: größe", **ascii_only)[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("crop: 48", "crop: 49", "check: params.yaml: srgan.crop must be a multiple of 4"),
        ("device: auto", "device: gpu", "check: params.yaml: runtime.device is 'gpu': "),
        ("paths: []", "paths: [/absent]", "check: benchmarks.paths: /absent is no folder: mend it"),
        ("device: auto", "device: cuda", "check: runtime.device is cuda, but torch sees no GPU"),
        (
            "initial: none",
            "initial: absent.safetensors",
            "check: srgan.generator.initial: absent.safetensors is missing",
        ),
        (
            "initial: none",
            "initial: photo",
            "check: srgan.generator.initial: the generator photo does not come with this version",
        ),
    ],
)
def test_what_is_refused_is_one_sentence_and_leaves_nothing(project, old, new, sentence):
    code, err, output = check(project, old, new)
    assert code == 1 and err.startswith(sentence) and err.count("\n") == 1
    assert output is None
