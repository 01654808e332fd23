"""`make setup`: what it asks uv for, what it says where something is missing; the pins."""

import re
import shutil
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from repository import ROOT

UV = """
case "$1" in
  venv) mkdir -p .venv/bin && : > .venv/bin/python && chmod +x .venv/bin/python ;;
  cache) echo "$HOME/cache" ;;
  pip) echo "$@ | ${UV_CACHE_DIR-shared}" >> asked; [ -z "$FAIL" ] ;;
esac
"""


@pytest.fixture
def machine(tmp_path):
    """A folder with a space and an umlaut, and a PATH of programs that a test puts there."""
    project, programs = tmp_path / "grüne katze", tmp_path / "bin"
    project.mkdir()
    programs.mkdir()
    for name in ("Makefile", "requirements.in", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, project)
    for name in ("sh", "rm", "mkdir", "touch", "chmod", "ln"):
        (programs / name).symlink_to(shutil.which(name))
    home = tmp_path / "home"
    home.mkdir()

    class Machine:
        root = project

        @staticmethod
        def has(name: str, script: str) -> None:
            (programs / name).write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
            (programs / name).chmod(0o755)

        @staticmethod
        def setup(code: int, **environment: str) -> str:
            environment = {"PATH": str(programs), "HOME": str(home)} | environment
            command = [shutil.which("make"), "setup"]
            result = subprocess.run(
                command,
                cwd=project,
                env=environment,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            assert result.returncode == code, result.stderr
            return result.stdout + result.stderr

        @staticmethod
        def asked() -> str:
            return (project / "asked").read_text(encoding="utf-8")

    return Machine


def test_uv_of_the_path_makes_the_environment_and_installs_once(machine):
    machine.has("uv", UV)
    machine.setup(0)
    expected = (
        "pip install --compile-bytecode --python .venv/bin/python "
        "--constraint requirements.txt --requirement requirements.in --editable . | shared\n"
    )
    assert machine.asked() == expected
    assert "Nothing to be done" in machine.setup(0)
    assert machine.asked() == expected


def test_torch_chooses_the_build_and_a_failure_says_so(machine):
    machine.has("uv", UV)
    said = machine.setup(2, TORCH="cpu", FAIL="yes")
    assert "--torch-backend cpu " in machine.asked()
    assert "make: TORCH=cpu is for who can reach PyTorch's own index" in said
    assert not (machine.root / ".venv/.ready").exists()
    assert "PyTorch's own index" not in machine.setup(2, FAIL="yes")


def test_a_home_that_cannot_be_written_needs_no_cache_there(machine):
    machine.has("uv", UV)
    machine.setup(0, HOME="/dev/null")
    assert machine.asked().endswith("| .venv/cache\n")


def test_without_uv_pip_fetches_the_pinned_one(machine):
    """A Python whose pip "installs" the uv above."""
    machine.has("uv-of-pip", UV)
    machine.has(
        "python3",
        """
[ "$1" = -c ] && exit
if [ "$2" = venv ]; then mkdir -p .venv/bin && ln -s "$0" .venv/bin/python; exit; fi
echo "$@" > pip
ln -s "$(command -v uv-of-pip)" .venv/bin/uv
""",
    )
    said = machine.setup(0)
    assert said.startswith("make: making .venv with python3\nmake: fetching uv")
    assert (machine.root / "pip").read_text(encoding="utf-8") == (
        "-m pip install -qq --disable-pip-version-check --no-deps "
        "--constraint requirements.txt uv\n"
    )
    assert machine.asked().startswith("pip install ")


def test_a_python_that_is_too_old_is_passed_over(machine):
    machine.has("python3", "exit 1")
    said = machine.setup(2)
    assert said.startswith("make: Python 3.11 to 3.14 is needed, and none is on the PATH: install")
    assert not (machine.root / ".venv").exists()


def test_a_python_without_its_venv_module(machine):
    machine.has("python3", '[ "$1" = -c ] && exit 0; mkdir .venv; exit 1')
    assert "make: python3 cannot make .venv: install its venv module" in machine.setup(2)
    assert not (machine.root / ".venv").exists()


def test_help_lists_every_target_a_user_may_give():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, re.M)) - {"git", "commit"}
    command = ["make", "--no-print-directory", "help"]
    listed = subprocess.check_output(command, cwd=ROOT, encoding="utf-8")
    assert {line.split()[1] for line in listed.splitlines()} == targets


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    lines = [re.sub(r"(^|\s)#.*", "", line) for line in lines]
    return [Requirement(line) for line in lines if line.strip()]


def test_every_requirement_is_pinned_and_comes_from_the_ordinary_index():
    installed = {canonicalize_name(pin.name): pin for pin in requirements("requirements.txt")}
    added = {canonicalize_name(pin.name): pin for pin in requirements("requirements-extras.txt")}
    assert not installed.keys() & added.keys()
    pins = installed | added
    for pin in pins.values():
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)) and not pin.url, pin
    for wanted in requirements("requirements.in"):
        assert installed[canonicalize_name(wanted.name)].specifier == wanted.specifier, wanted
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    others = (line for extra in extras.values() for line in extra)
    for line in [*project["dependencies"], *others]:
        wanted = Requirement(line)
        if wanted.name != project["name"]:
            (version,) = pins[canonicalize_name(wanted.name)].specifier
            assert wanted.specifier.contains(version.version), wanted
