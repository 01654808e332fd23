"""Files are whole or absent; metrics are rounded JSON."""

import json

import numpy as np
import pytest

from srgan_ab.common.files import (
    atomic_directory,
    atomic_file,
    remove_parts,
    sha256,
    write_metrics,
)


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
