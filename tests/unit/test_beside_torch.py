"""`tools/beside_torch.py`: which torch it takes, what it asks pip for, and what it leaves alone."""

import json
import re
import subprocess
import sys
from importlib.metadata import Distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from repository import ROOT

PINNED = (ROOT / "requirements.txt").read_text(encoding="utf-8")
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import beside_torch

    return beside_torch


class Installed(Distribution):
    """A package that is not there."""

    def __init__(self, name: str, version: str, *requires: str):
        self.lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        self.lines += [f"Requires-Dist: {line}" for line in requires]

    def read_text(self, filename: str) -> str | None:
        return "\n".join(self.lines) + "\n" if filename == "METADATA" else None

    def locate_file(self, path: object) -> str:
        return f"/elsewhere/{path}"


def packages(*given: tuple[str, ...]) -> dict[str, Distribution]:
    return {canonicalize_name(each[0]): Installed(*each) for each in given}


TORCH = ("torch", "2.12.0+cu128")
VISION = ("torchvision", "0.27.0+cu128")


def test_torch_and_what_belongs_to_it_is_held(tool):
    others = [("triton", "3.6.0"), ("nvidia-cublas-cu12", "12.8"), ("cuda-bindings", "12.9")]
    found = packages(TORCH, VISION, *others, ("torchmetrics", "1.9.0"), ("numpy", "2.0.2"))
    assert list(tool.held(found)) == sorted(name for name, _ in [TORCH, VISION, *others])


def test_what_is_installed_here_is_found(tool):
    found = tool.installed()
    assert {"torch", "torchvision"} <= set(tool.held(found))
    tool.require_torch(found, tool.project_ranges(PYPROJECT))


@pytest.mark.parametrize("version", ["2.11.0", "2.14.1+cu130", "2.12.0.dev20260101+cu128"])
def test_a_torch_in_the_range_is_taken(tool, version):
    found = packages(("torch", version), VISION)
    tool.require_torch(found, tool.project_ranges(PYPROJECT))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([VISION], "this Python has no torch to install beside: run `make setup`"),
        ([TORCH], "this Python has no torchvision to install beside: run `make setup`"),
        ([("torch", "2.9.0+cu126"), VISION], "torch 2.9.0+cu126 is installed, and the project "),
        ([("torch", "2.15.0"), VISION], "torch 2.15.0 is installed, and the project needs torch "),
        ([TORCH, ("torchvision", "0.20.1")], "torchvision 0.20.1 is installed, and the project "),
    ],
)
def test_another_is_refused_in_a_sentence(tool, found, said):
    with pytest.raises(tool.UserError) as refused:
        tool.require_torch(packages(*found), tool.project_ranges(PYPROJECT))
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_everything_else_is_asked_for_as_pinned(tool):
    asked = tool.project_ranges(PYPROJECT)
    lines = tool.requirements(PINNED, packages(TORCH, VISION), asked)
    names = {canonicalize_name(Requirement(line).name) for line in lines}
    assert not any(re.match(r"(torch|torchvision|triton)$|nvidia|cuda", name) for name in names)
    direct = re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements.in").read_text())
    assert {canonicalize_name(name) for name in direct} - names == {"torch", "torchvision"}
    pins = {str(Requirement(x)) for x in PINNED.splitlines() if x and x[0] not in "# "}
    assert set(lines) <= pins
    assert len(pins) - len(lines) == sum(
        bool(tool.HELD.fullmatch(Requirement(pin).name)) for pin in pins
    )


def test_a_pin_that_torch_refuses_becomes_what_torch_and_the_project_take(tool):
    torch = (*TORCH, "setuptools<82", "sympy>=1.13.3", 'numpy==1.0; extra == "old"')
    pinned = "numpy==2.4.6\nsetuptools==84.2.1  # newer\nsympy==1.14.0 ; sys_platform == 'linux'\n"
    lines = tool.requirements(pinned, packages(torch, VISION), tool.project_ranges(PYPROJECT))
    assert lines[0] == "numpy==2.4.6"
    assert set(Requirement(lines[1]).specifier) == set(Requirement("x>=77,<82").specifier)
    assert lines[2] == str(Requirement("sympy==1.14.0; sys_platform == 'linux'"))


def test_an_environment_with_a_torch_of_its_own_is_left_alone(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "ENVIRONMENT", tmp_path)
    with pytest.raises(tool.UserError, match=r"\.venv is there, and has a torch of its own"):
        tool.make_environment(packages(TORCH, VISION))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo oops >&2; exit 1", "torch cannot be imported beside what was installed: oops"),
        (
            "echo '{}'".format(json.dumps({"torch": "2.14.1", "torchvision": VISION[1]})),
            "torch was 2.12.0+cu128, and is 2.14.1 in .venv: remove .venv, then run again",
        ),
    ],
)
def test_a_torch_that_is_not_the_same_afterwards_is_refused(tool, tmp_path, script, said):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    with pytest.raises(tool.UserError) as refused:
        tool.require_unchanged(python, packages(TORCH, VISION))
    assert str(refused.value) == said


def test_the_same_torch_afterwards_is_said(tool, tmp_path, capsys):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps(dict([TORCH, VISION]))}'\n")
    python.chmod(0o755)
    tool.require_unchanged(python, packages(TORCH, VISION))
    assert "torch 2.12.0+cu128, as before\n" in capsys.readouterr().out


def test_a_command_that_fails_is_named(tool):
    with pytest.raises(tool.UserError, match=r"`-c raise SystemExit\(3\) …` ended with 3"):
        tool.run(sys.executable, "-c", "raise SystemExit(3)")


def test_a_mistake_is_one_sentence(tmp_path):
    """A Python without torch: one that sees no packages but packaging."""
    import packaging

    (tmp_path / "packaging").symlink_to(next(iter(packaging.__path__)))
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "tools/beside_torch.py")],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert done.stderr == (
        "beside_torch: this Python has no torch to install beside: run `make setup`\n"
    )
