"""Files are whole or absent; metrics are rounded JSON."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from repository import ROOT

from srgan_ab.common.errors import sentence
from srgan_ab.common.files import (
    LITTER,
    atomic_directory,
    atomic_file,
    content,
    link_or_copy,
    remove_parts,
    sha256,
    write_metrics,
)
from srgan_ab.common.packs import new_array


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with atomic_file(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_rename_that_is_slow_or_fails_shows_nobody_half_a_file(tmp_path, monkeypatch):
    """As those of network file systems."""
    path, seen, rename = tmp_path / "a.txt", [], Path.replace
    path.write_text("old")

    def slow(self, target):
        seen.append(target.read_text())
        return rename(self, target)

    def lost(self, target):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(self))

    monkeypatch.setattr(Path, "replace", slow)
    with atomic_file(path) as temporary:
        temporary.write_text("new")
    assert (seen, path.read_text()) == (["old"], "new")
    monkeypatch.setattr(Path, "replace", lost)
    with pytest.raises(OSError, match="handle") as failed, atomic_file(path) as temporary:
        temporary.write_text("newer")
    assert "look after the disk" in sentence(failed.value)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_directory_leaves_the_old_one(tmp_path):
    path = tmp_path / "d"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(RuntimeError), atomic_directory(path) as temporary:
        (temporary / "half").touch()
        raise RuntimeError
    assert [p.name for p in path.iterdir()] == ["old"]
    with atomic_directory(path) as temporary:
        (temporary / "new").touch()
    assert [p.name for p in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_metrics_are_rounded_and_valid_json(tmp_path):
    values = {
        "a": 1 / 3,
        "n": np.int64(4),
        "none": None,
        "nan": float("nan"),
        "deep": {"x": [0.1234567]},
    }
    write_metrics(tmp_path / "m.json", values)
    assert json.loads((tmp_path / "m.json").read_text()) == {
        "a": 0.33333,
        "n": 4,
        "none": None,
        "nan": None,
        "deep": {"x": [0.12346]},
    }


def test_sha256_of_the_published_vector(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
    assert sha256(tmp_path / "abc") == digest


def test_parts_of_killed_writers_are_removed_and_nothing_else(tmp_path):
    with atomic_file(tmp_path / "a.zip") as part:
        part.touch()
        litter = part.name
    with atomic_directory(tmp_path / "d") as part:
        litter_directory = part.name
    (tmp_path / litter).touch()
    (tmp_path / litter_directory).mkdir()
    (tmp_path / "other.part").touch()
    remove_parts([tmp_path / "a.zip", tmp_path / "d"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "d", "other.part"]


LITTER_SEEN = [
    *(".DS_Store", "._a.py", ".a.py.swp", "a.swp", ".#a.py", "#a.py#", "a.py~", "4913"),
    *("a.py.bak", "a.py.orig", "a.py.rej", "a.tmp", "Thumbs.db", "desktop.ini", "a.pyc"),
    *("__pycache__/a.cpython-312.pyc", ".ipynb_checkpoints/a.py", "below/.DS_Store"),
]
CONTENT = ["a.py", "report.html.jinja", "hr.npy", "below/index.csv", "tmp.py", "bak/a.json"]


def test_content_is_all_but_litter(tmp_path):
    for name in LITTER_SEEN + CONTENT:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert content(tmp_path) == sorted(tmp_path / name for name in CONTENT)
    assert content(tmp_path / "a.py") == [tmp_path / "a.py"]


def test_dvc_passes_over_the_same_litter():
    lines = (ROOT / ".dvcignore").read_text().splitlines()
    patterns = {line.removeprefix("\\") for line in lines if line and not line.startswith("# ")}
    assert patterns == {*LITTER, "metrics/provenance/"}


@pytest.fixture(params=["fallocate", "none", "unsupported"])
def allocation(request, monkeypatch):
    """A system that reserves, one that has no call for it, a file system that refuses."""

    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "not supported")

    if request.param == "none":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    elif request.param == "unsupported":
        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    elif not hasattr(os, "posix_fallocate"):
        pytest.skip("this system has no posix_fallocate")


def test_room_is_reserved_and_content_stays(tmp_path, allocation):
    path = tmp_path / "a.npy"
    shape = (3, 1000, 1000, 3)
    with new_array(path, shape) as array:
        assert path.stat().st_blocks * 512 >= array.nbytes  # not sparse
        assert not array.any()
        array[1] = 7
    assert np.array_equal(np.load(path)[:, 0, 0, 0], [0, 7, 0])


def test_a_full_disk_is_an_error_before_anything_is_mapped(tmp_path):
    """On a file system of a megabyte, which none but the process that writes to it sees."""
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=1m tmpfs "$1"'
    if (
        not shutil.which("unshare")
        or subprocess.run([*own, mount, "-", tmp_path], capture_output=True, check=False).returncode
    ):
        pytest.skip("a file system for one process is not to be had here")
    code = (
        "import pathlib, sys\n"
        "from srgan_ab.common.errors import sentence\n"
        "from srgan_ab.common.packs import new_array\n"
        "try:\n"
        "    with new_array(pathlib.Path(sys.argv[1], 'a.npy'), (300, 100, 100, 3)) as array:\n"
        "        array[:] = 1\n"
        "except OSError as error:\n"
        "    sys.exit(sentence(error))\n"
    )
    ended = subprocess.run(
        [*own, f'{mount} && exec "$2" -c "$3" "$1"', "-", tmp_path, sys.executable, code],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "the disk is full: make room, then run again\n")


@pytest.mark.parametrize("links", [True, False])
def test_a_second_name_or_where_there_are_no_links_a_copy(tmp_path, monkeypatch, links):
    def refuse(source, target):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    source, target = tmp_path / "a.npy", tmp_path / "b.npy"
    source.write_bytes(b"images")
    link_or_copy(source, target)
    assert target.read_bytes() == b"images"
    assert source.samefile(target) == links
    source.unlink()
    assert target.read_bytes() == b"images"
