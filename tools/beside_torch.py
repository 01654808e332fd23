"""Install the project beside the torch that this Python has, which stays as it is.

    python tools/beside_torch.py

For machines that come with a torch built for their GPU, such as hosted notebooks. It makes .venv in
this folder, which sees torch, torchvision and their CUDA libraries where they are, and gets all the
rest of requirements.txt. Nothing is installed into the Python that runs it; afterwards the commands
of .venv/bin and every `make` target work as after `make setup`.
"""

import importlib.metadata
import json
import re
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

if not (3, 11) <= sys.version_info < (3, 15):
    sys.exit(f"beside_torch: Python 3.11 to 3.14 is needed, and {sys.executable} is another one")

import tomllib

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.common.errors import UserError  # noqa: E402

ENVIRONMENT = ROOT / ".venv"
HELD = re.compile(r"torch|torchvision|triton|pytorch-triton.*|(nvidia|cuda)-.*")
BESIDE = "beside.pth"  # tells .venv where torch lies


def installed() -> dict[str, Distribution]:
    """What this Python imports, by name: the first of a name on its path."""
    found = {}
    for each in importlib.metadata.distributions():
        found.setdefault(canonicalize_name(each.metadata["Name"]), each)
    return found


def held(found: dict[str, Distribution]) -> dict[str, Distribution]:
    """Those that are left as they are: torch, torchvision and their parts."""
    return {name: each for name, each in sorted(found.items()) if HELD.fullmatch(name)}


def ranges(lines: list[str]) -> dict[str, SpecifierSet]:
    """Versions that requirements ask for, by name; those for other machines and extras left out."""
    asked = {}
    for wanted in map(Requirement, lines):
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            name = canonicalize_name(wanted.name)
            asked[name] = asked.get(name, SpecifierSet()) & wanted.specifier
    return asked


def project_ranges(pyproject: str) -> dict[str, SpecifierSet]:
    """What the project asks for, to run and to be built."""
    settings = tomllib.loads(pyproject)
    return ranges(settings["project"]["dependencies"] + settings["build-system"]["requires"])


def require_torch(found: dict[str, Distribution], asked: dict[str, SpecifierSet]) -> None:
    """See that torch and torchvision are there, in versions that the project takes.

    Args:
        found: what is installed.
        asked: what the project asks for.

    Raises:
        UserError: one is not.
    """
    for name in ("torch", "torchvision"):
        if name not in found:
            raise UserError(f"this Python has no {name} to install beside: run `make setup`")
        version = found[name].version
        if not asked[name].contains(version, prereleases=True):
            raise UserError(
                f"{name} {version} is installed, and the project needs {name} {asked[name]}: "
                "choose a newer or older version of this machine's software, or run `make setup`, "
                f"which installs a {name} of its own"
            )


def requirements(
    pinned: str, kept: dict[str, Distribution], asked: dict[str, SpecifierSet]
) -> list[str]:
    """Lines for pip: what requirements.txt pins, without what is held.

    Where a held package refuses the pinned version of another, the line has the versions that it
    and the project both take.

    Args:
        pinned: text of requirements.txt.
        kept: what is held.
        asked: what the project asks for.
    """
    by_held = ranges([line for each in kept.values() for line in each.requires or []])
    lines = []
    for line in re.sub(r"(?m)(^|\s)#.*", "", pinned).splitlines():
        if not line.strip():
            continue
        pin = Requirement(line)
        name = canonicalize_name(pin.name)
        if HELD.fullmatch(name):
            continue
        (version,) = (each.version for each in pin.specifier)
        allowed = by_held.get(name, SpecifierSet())
        if not allowed.contains(version, prereleases=True):
            pin.specifier = allowed & asked.get(name, SpecifierSet())
        lines.append(str(pin))
    return lines


def make_environment(kept: dict[str, Distribution]) -> Path:
    """Make .venv, which imports its own packages first and then those beside torch.

    Returns:
        its Python.

    Raises:
        UserError: there is one that was not made here.
    """
    python = ENVIRONMENT / "bin/python"
    places = list(
        dict.fromkeys(str(Path(str(each.locate_file(""))).resolve()) for each in kept.values())
    )
    note = "import site; " + "; ".join(f"site.addsitedir({place!r})" for place in places)
    if ENVIRONMENT.exists():
        if not list(ENVIRONMENT.glob(f"lib/*/site-packages/{BESIDE}")):
            raise UserError(".venv is there, and has a torch of its own: remove it, then run again")
    else:
        run(sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT))
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = subprocess.check_output([python, "-c", where], encoding="utf-8").strip()
    Path(folder, BESIDE).write_text(f"{note}\n", encoding="utf-8")
    return python


def run(*command: str) -> None:
    """Run a command here, its output shown.

    Raises:
        UserError: it failed.
    """
    if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise UserError(f"`{' '.join(command[1:4])} …` ended with {code}: see what it says above")


def require_unchanged(python: Path, kept: dict[str, Distribution]) -> None:
    """See that .venv imports torch and torchvision, and that they are those of this Python.

    Raises:
        UserError: they are not.
    """
    ask = (
        "import json, torch, torchvision; from importlib.metadata import version; "
        "print(json.dumps({name: version(name) for name in ('torch', 'torchvision')}))"
    )
    done = subprocess.run([python, "-c", ask], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise UserError(f"torch cannot be imported beside what was installed: {said}")
    for name, version in json.loads(done.stdout.splitlines()[-1]).items():
        if version != kept[name].version:
            raise UserError(
                f"{name} was {kept[name].version}, and is {version} in .venv: remove .venv, "
                "then run again"
            )
        print(f"{name} {version}, as before")


def main() -> None:
    """Install, and see that torch is the same; a mistake is one sentence."""
    try:
        found, asked = installed(), project_ranges((ROOT / "pyproject.toml").read_text("utf-8"))
        require_torch(found, asked)
        kept = held(found)
        lines = requirements((ROOT / "requirements.txt").read_text("utf-8"), kept, asked)
        python = make_environment(kept)
        wanted = ENVIRONMENT / "requirements.txt"
        wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
        # no dependencies: those that are missing are pinned, and torch's own are not to be fetched
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        pip += ["--disable-pip-version-check", "--no-deps"]
        print(f"{len(lines)} packages for .venv: those that are missing are fetched", flush=True)
        run(*pip, "--requirement", str(wanted))
        run(*pip, "--no-build-isolation", "--editable", str(ROOT))
        require_unchanged(python, kept)
    except UserError as error:
        sys.exit(f"beside_torch: {error}")
    (ENVIRONMENT / ".ready").touch()  # for make


if __name__ == "__main__":
    main()
