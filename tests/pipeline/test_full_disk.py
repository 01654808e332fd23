"""A disk that is full, or may not be written: one sentence in every stage, and nothing is lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.long]

ROOM = 2**15  # bytes that are left: less than any stage writes, but for the small ones
STAGES = (
    *("download", "split", "downscale", "train_a", "train_srgan", "train_perceptual"),
    *(
        "train_task_sr",
        "generate_sr",
        "train_b",
        "train_controls@c",
        "evaluate",
        "compare",
        "report",
    ),
)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a small disk here: run it as root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def run(root: Path, environment: dict, name: str) -> subprocess.CompletedProcess:
    stage, _, item = name.partition("@")
    script = [sys.executable, f"stages/{stage}.py", *([item] if item else [])]
    return subprocess.run(script, cwd=root, env=environment, capture_output=True, text=True)


def outputs(root: Path, name: str) -> list[Path]:
    stage, _, item = name.partition("@")
    entry = yaml.safe_load((root / "dvc.yaml").read_text())["stages"][stage]
    named = [
        o if isinstance(o, str) else next(iter(o))
        for kind in ("outs", "metrics", "plots")
        for o in entry.get(kind, [])
    ]
    return [root / o.replace("${item.arm}", item) for o in named]


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {str(file): file.read_bytes() for file in files}


def fill(disk: Path, room: int) -> None:
    """Leave so many bytes of the disk free."""
    free = shutil.disk_usage(disk).free
    with (disk / "filling").open("wb") as stream:
        stream.write(bytes(max(0, free - room)))


def test_a_full_disk_is_one_sentence_and_costs_no_output(project, small_disk):
    root = small_disk / "project"
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns(".git", "cache", ".dvc"))
    # Python itself leaves half a .pyc on a full disk, and fails on it later (docs/reliability.md)
    environment = project.environment | {"TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    full = 0
    for name in STAGES:
        before = {path: content(path) for path in outputs(root, name)}
        fill(small_disk, ROOM)
        done = run(root, environment, name)
        (small_disk / "filling").unlink()
        if done.returncode:  # the smallest outputs find room
            full += 1
            assert "Traceback" not in done.stderr, done.stderr
            assert "the disk is full" in done.stderr.splitlines()[-1], done.stderr
            # curves grow while a training runs, so they may be shorter now
            kept = {p: c for p, c in before.items() if p.parent.name != "plots"}
            assert {path: content(path) for path in kept} == kept, name
        assert not [path for path in root.rglob("*") if ".part" in path.name], name
        assert run(root, environment, name).returncode == 0, name  # with room it goes on
        assert {path: content(path) for path in before} == before, name
    assert full >= 8


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount of its own: run it as root")
def test_outputs_that_may_not_be_written_are_one_sentence(project, small_disk):
    root = small_disk / "project"
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns(".git", "cache", ".dvc"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for name in ("split", "compare"):
        done = run(root, project.environment, name)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "Read-only file system" in done.stderr.splitlines()[-1]
