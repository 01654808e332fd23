"""A copy of the project in a git repository of its own, at a tiny scale, run once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from filelock import FileLock
from repository import PARAMS, copy_checkout

TINY = {
    "data.source": "synthetic",
    "data.path": None,
    "data.per_class": 24,
    "pretrained.classifier": None,
    "pretrained.perceptual": None,
    "pretrained.lpips": None,
    "images.hr": 64,
    "classifier.backbone": "small_cnn",
    "classifier.epochs": 2,
    "classifier.batch_size": 16,
    "classifier.replicates": 1,
    "controls.t": True,
    "srgan.generator.blocks": 1,
    "srgan.generator.channels": 8,
    "srgan.discriminator.channels": 4,
    "srgan.crop": 32,
    "srgan.batch_size": 8,
    "srgan.pretraining.epochs": 2,
    "srgan.adversarial.epochs": 2,
    "srgan.perceptual.weight": 0.0,
    "srgan.select": "last",
    "srgan.snapshots": [1, 2],
    "benchmarks.paths": [],
    "compare.model": "b",
    "compare.bootstrap": 100,
}


class Project:
    """A checkout and the commands that a user types in it."""

    def __init__(self, root: Path, cache: Path | None = None):
        self.root = root
        self.cache = cache or root / ".dvc/cache"
        # within a hook of git, its variables name the user's repository
        own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        self.environment = own | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,  # the user's own settings stay out of it
        }

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command to its end; return stdout and stderr."""
        result = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert result.returncode == code, f"{' '.join(command)}:\n{result.stdout}"
        return result.stdout

    def dvc(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments)

    def make(self, *targets: str) -> str:
        """Run make with this Python in place of `.venv`, which counts as ready."""
        return self.run("make", "-o", ".venv/.ready", f"PYTHON={sys.executable}", *targets)

    def shell(self, command: str, places: dict[str, str] | None = None, more: str = "") -> str:
        """Run a command of README or docs word for word; tests/unit/test_commands.py counts it.

        Args:
            command: as the document has it.
            places: what stands for paths and values that the document leaves to its reader.
            more: arguments to come after it, `--queue` for one.
        """
        for place, own in (places or {}).items():
            assert place in command, place
            command = command.replace(place, own)
        ours = f'''
            make() {{ command make -o .venv/.ready PYTHON="{sys.executable}" "$@"; }}
            dvc() {{ "{sys.executable}" -m dvc "$@"; }}
        '''
        return self.run("bash", "-ec", f"{ours}\n{command} {more}")

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def clone(self, root: Path, cached: bool = False) -> "Project":
        """A clone, with a cache of its own or with that of this project."""
        self.run("git", "clone", "--quiet", str(self.root), str(root))
        clone = Project(root, self.cache if cached else None)
        if cached:
            clone.dvc("cache", "dir", "--local", str(self.cache))
        for key in ("user.name", "user.email"):
            clone.run("git", "config", key, "test@localhost")
        return clone

    def planned(self) -> set[str]:
        """Stages that `dvc repro` would run."""
        return started(self.dvc("repro", "--dry"))

    @contextmanager
    def edited(self, file: str, text: str) -> Iterator[None]:
        """Give a file other text for a while."""
        path = self.root / file
        before = path.read_bytes()
        path.write_text(text)
        try:
            yield
        finally:
            path.write_bytes(before)

    def params_with(self, changes: dict[str, object]) -> str:
        """Text of params.yaml with some dotted keys set."""
        params = yaml.safe_load((self.root / "params.yaml").read_text())
        for key, value in changes.items():
            *sections, leaf = key.split(".")
            node = params
            for section in sections:
                node = node[section]
            node[leaf] = value
        return yaml.safe_dump(params, sort_keys=False)


def started(output: str) -> set[str]:
    """Stages that a `dvc repro` says it runs."""
    lines = [line for line in output.splitlines() if line.startswith("Running stage '")]
    return {line.split("'")[1] for line in lines}


def make(root: Path) -> Project:
    """The tiny project after one `dvc repro`, committed; what that said goes into a file."""
    copy_checkout(root)
    project = Project(root)
    shutil.copy(PARAMS, root)
    (root / "params.yaml").write_text(project.params_with(TINY))
    project.run("git", "init", "--quiet", "--initial-branch=main")
    project.run("git", "config", "user.name", "test")
    project.run("git", "config", "user.email", "test@localhost")
    project.commit("start")
    said = project.dvc("repro")
    project.commit("run")
    (root.parent / "first_run.txt").write_text(said)
    return project


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id) -> Path:
    """A folder that all processes that test know."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def project(shared, tmp_path_factory) -> Project:
    """The tiny project, run once for all processes that test; who comes later gets a clone."""
    with FileLock(shared / "pipeline.lock"):
        if not (shared / "first_run.txt").exists():
            return make(shared / "project")
    own = tmp_path_factory.mktemp("pipeline") / "project"
    clone = Project(shared / "project").clone(own, cached=True)
    clone.dvc("checkout", "--quiet")
    return clone


@pytest.fixture(scope="session")
def first_run(project, shared) -> str:
    """What the first `dvc repro` said."""
    return (shared / "first_run.txt").read_text()
