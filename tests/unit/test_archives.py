import gzip
import io
import random
import stat
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srgan_ab.common.errors import UserError
from srgan_ab.data import archives
from srgan_ab.data.archives import open_archive
from srgan_ab.data.decoding import Rejected

GOOD = {"PetImages/Cat/1.jpg": b"one", "PetImages/Dog/2.jpg": b"two" * 1000, "notes.txt": b""}


def zipped(files: dict, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """Keys: names or ZipInfo."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(files: dict, mode: str = "w") -> bytes:
    """Keys: names or TarInfo."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def special(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = "/etc/passwd"
    return info


def listed(data: bytes, scratch) -> tuple[dict[str, bytes], dict[str, str]]:
    """Contents of good members, and kind of problem of bad ones."""
    good, bad = {}, {}
    with open_archive(io.BytesIO(data), "x.zip", scratch) as entries:
        for entry in entries:
            try:
                if entry.problem:
                    raise entry.problem
                good[entry.path] = entry.read()
            except Rejected as problem:
                bad[entry.path] = problem.kind
    return good, bad


@pytest.mark.parametrize(
    "data",
    [
        zipped(GOOD),
        zipped(GOOD, zipfile.ZIP_STORED),
        zipped(GOOD, zipfile.ZIP_LZMA),
        tarred(GOOD),
        tarred(GOOD, "w:gz"),
        tarred(GOOD, "w:bz2"),
        tarred(GOOD, "w:xz"),
    ],
    ids=["zip", "stored", "lzma", "tar", "gz", "bz2", "xz"],
)
def test_every_kind_is_read_and_leaves_nothing_behind(data, tmp_path):
    assert listed(data, tmp_path / "scratch") == (GOOD, {})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_members_are_read_in_any_order(tmp_path):
    stream = io.BytesIO(tarred(GOOD, "w:gz"))
    with open_archive(stream, "x.tar.gz", tmp_path) as entries:
        contents = {entry.path: entry.read() for entry in reversed(entries)}
    assert contents == GOOD


HOSTILE = {
    "../up.jpg": b"x",
    "a/../../up.jpg": b"x",
    "/etc/absolute.jpg": b"x",
    "..\\windows.jpg": b"x",
    "C:\\drive.jpg": b"x",
    "\\\\server\\share\\unc.jpg": b"x",
}


@pytest.mark.parametrize("make", [zipped, tarred])
def test_paths_that_lead_outside(make, tmp_path):
    good, bad = listed(make(HOSTILE | {"fine/..dots..jpg": b"y", "./a//b.jpg": b"z"}), tmp_path)
    assert good == {"fine/..dots..jpg": b"y", "a/b.jpg": b"z"}
    assert list(bad.values()) == ["unsafe path"] * len(HOSTILE)


def test_links_in_a_zip(tmp_path):
    link = zipfile.ZipInfo("cat/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert listed(zipped({link: "/etc/passwd"}), tmp_path) == ({}, {"cat/link.jpg": "link"})


def test_links_and_devices_in_a_tar(tmp_path):
    kinds = {
        "symbolic": tarfile.SYMTYPE,
        "hard": tarfile.LNKTYPE,
        "character": tarfile.CHRTYPE,
        "block": tarfile.BLKTYPE,
        "pipe": tarfile.FIFOTYPE,
    }
    data = tarred({special(name, kind): b"" for name, kind in kinds.items()})
    assert listed(data, tmp_path)[1] == {
        **{"symbolic": "link", "hard": "link", "character": "special file"},
        **{"block": "special file", "pipe": "special file"},
    }


def test_folders_are_no_files(tmp_path):
    assert listed(zipped({"cat/": b"", "cat/1.jpg": b"1"}), tmp_path) == ({"cat/1.jpg": b"1"}, {})
    folder = special("cat", tarfile.DIRTYPE)
    assert listed(tarred({folder: b"", "cat/1.jpg": b"1"}), tmp_path) == ({"cat/1.jpg": b"1"}, {})


def test_of_two_members_of_one_name_the_first_counts(tmp_path):
    for make in (zipped, tarred):
        data = make({"cat/1.jpg": b"first", "./cat/1.jpg": b"second"})
        with open_archive(io.BytesIO(data), "x", tmp_path) as (first, second):
            assert first.path == second.path
            assert (first.read(), first.problem) == (b"first", None)
            assert second.problem.kind == "duplicate name"


def test_bombs_in_a_zip(tmp_path, monkeypatch):
    bomb = zipped({"bomb.bmp": bytes(4 * 1024**2), "flat.bmp": bytes(1024**2)})
    assert len(bomb) < 10_000
    good, bad = listed(bomb, tmp_path)
    assert list(good) == ["flat.bmp"] and bad == {"bomb.bmp": "archive bomb"}
    monkeypatch.setattr(archives, "MAX_FILE", 500)
    assert listed(zipped(GOOD), tmp_path)[1] == {"PetImages/Dog/2.jpg": "too large"}
    monkeypatch.setattr(archives, "MAX_TOTAL", 1000)
    with pytest.raises(UserError, match="archive bomb"):
        listed(zipped(GOOD), tmp_path)


def test_a_size_that_lies_reads_no_more_than_it_says(tmp_path):
    data = zipped({"cat/1.jpg": bytes(100_000)})
    lie = data.replace(struct.pack("<I", 100_000), struct.pack("<I", 10))
    assert listed(lie, tmp_path) == ({}, {"cat/1.jpg": "damaged member"})


def test_a_compressed_tar_that_explodes(tmp_path):
    bomb = gzip.compress(bytes(64 * 1024**2))
    with pytest.raises(UserError, match="archive bomb"):
        listed(bomb, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_encrypted_members(tmp_path):
    data = bytearray(zipped({"cat/1.jpg": b"x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    assert listed(bytes(data), tmp_path)[1] == {"cat/1.jpg": "encrypted"}


def test_a_member_with_a_wrong_checksum(tmp_path):
    data = zipped({"cat/1.jpg": b"photograph", "cat/2.jpg": b"other"}, zipfile.ZIP_STORED)
    good, bad = listed(data.replace(b"photograph", b"phot0graph"), tmp_path)
    assert good == {"cat/2.jpg": b"other"} and bad == {"cat/1.jpg": "damaged member"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>not found</html>" * 99,
        zipped(GOOD)[:-30],
        tarred(GOOD, "w:gz")[:-30],
        tarred(GOOD, "w:xz")[:-30],
        gzip.compress(b"no tar"),
    ],
    ids=["empty", "html", "cut-zip", "cut-gz", "cut-xz", "gz"],
)
def test_no_archive_is_one_sentence(data, tmp_path):
    with pytest.raises(UserError, match=r"^x\.zip is (no zip or tar|a damaged)"):
        listed(data, tmp_path)


NOISE = {"cat/1.jpg": random.Random(0).randbytes(900), "dog/2.jpg": random.Random(1).randbytes(900)}
SAMPLES = [zipped(NOISE), tarred(NOISE), tarred(NOISE, "w:gz"), tarred(NOISE, "w:xz")]


@settings(max_examples=300, deadline=None)
@given(
    which=st.integers(0, len(SAMPLES) - 1),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=6),
)
def test_damage_is_a_sentence_or_a_rejected_member(which, cut, flips, tmp_path_factory):
    data = bytearray(SAMPLES[which])
    for place, value in flips:
        data[int(place * len(data))] ^= value
    try:
        listed(bytes(data[: int(cut * len(data))]), tmp_path_factory.getbasetemp())
    except UserError as error:
        assert "\n" not in str(error)
