"""The commands without a checkout: what a wheel and the image are made of."""

import re
import shutil
import zipfile

import pytest
from repository import ROOT, build_wheel

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def instructions():
    """Each instruction of the Dockerfile: its name, and the rest of it on one line."""
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines()]


def copied():
    """What it takes from the checkout."""
    sources = [rest.split()[:-1] for name, rest in instructions() if name == "COPY"]
    return {name for names in sources if not names[0].startswith("--from") for name in names}


def test_bases_are_pinned_to_a_version_that_the_package_takes():
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(bases) == 2 and set(bases) == {"python:3.12-slim"}
    assert "Python :: 3.12" in (ROOT / "pyproject.toml").read_text()
    (uv,) = re.findall(r"^uv==(\S+)", (ROOT / "requirements.in").read_text(), re.M)
    assert f"uv=={uv}\n" in DOCKERFILE


def test_the_image_runs_as_a_user_without_rights():
    last = instructions()[[name for name, _ in instructions()].index("FROM", 1) :]
    users = [rest for name, rest in last if name == "USER"]
    assert users and int(users[-1]) > 0
    assert f"useradd --create-home --uid {users[-1]} " in DOCKERFILE
    assert last.index(("USER", users[-1])) > max(
        i for i, (name, _) in enumerate(last) if name in ("RUN", "COPY")
    )
    assert ("ENTRYPOINT", '["srgan-ab"]') in last


def test_nothing_of_this_machine_gets_into_it():
    assert not re.search(r"secret|token|password|api_?key", DOCKERFILE, re.I)
    assert not [rest for name, rest in instructions() if name == "ADD"]
    rules = [line for line in IGNORED if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied()


@pytest.mark.slow
def test_a_wheel_is_built_of_what_the_image_copies(tmp_path):
    for name in copied():
        if (ROOT / name).is_dir():
            litter = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, tmp_path / name, ignore=litter)
        else:
            shutil.copy(ROOT / name, tmp_path)
    with zipfile.ZipFile(build_wheel(tmp_path)) as archive:
        names = set(archive.namelist())
        (points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "srgan-ab = srgan_ab.app.cli:main" in archive.read(points).decode()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        said = archive.read(metadata).decode()
        assert 'onnxruntime>=1.23; extra == "onnx"' in said and "gradio==6" in said
    packed = {name for name in names if name.startswith("srgan_ab/") and name.endswith(".py")}
    source = (ROOT / "src").rglob("*.py")
    assert packed == {path.relative_to(ROOT / "src").as_posix() for path in source}
    assert {"srgan_ab/generators/photo.safetensors", "srgan_ab/generators/photo.md"} <= names
