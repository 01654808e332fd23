import hashlib
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from servers import serve

from srgan_ab.common.errors import UserError
from srgan_ab.data import fetch as module
from srgan_ab.data.fetch import fetch

BODY = random.Random(1).randbytes(300_000)
SHA256 = "sha256:" + hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(module, "BACK_OFF", 0)


@pytest.fixture
def server():
    with serve(file=BODY) as running:
        yield running


def test_downloads_once(server, tmp_path):
    target = tmp_path / "new" / "file"
    for _ in range(2):
        assert fetch(f"{server.address}/file", target, SHA256) == target
    assert target.read_bytes() == BODY
    assert len(server.requests) == 1
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_cut_connections_resume_with_the_missing_bytes_only(server, tmp_path):
    server.cuts = [100_000, 50_000]
    target = fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert target.read_bytes() == BODY
    assert server.sent == len(BODY)
    ranges = [headers.get("Range") for _, headers in server.requests]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_run_resumes(server, tmp_path):
    server.cuts = [200_000, *[0] * 10]
    with pytest.raises(UserError, match=r"broke off .* after 200000 bytes"):
        fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert not (tmp_path / "file").exists()
    assert len(server.requests) < 10, "attempts are bounded"
    server.cuts = []
    fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.sent == len(BODY)


def test_killed_between_the_last_byte_and_the_rename(server, tmp_path):
    server.cuts = [100_000, *[0] * 10]
    with pytest.raises(UserError):
        fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    (tmp_path / "file.part").write_bytes(BODY)
    server.cuts = []
    assert fetch(f"{server.address}/file", tmp_path / "file", SHA256).read_bytes() == BODY
    assert server.sent == 100_000


@pytest.mark.parametrize("lacking", ["ranges", "tags"])
def test_restarts_where_resuming_is_not_safe(server, tmp_path, lacking):
    setattr(server, lacking, False)
    server.cuts = [100_000]
    fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.sent == 100_000 + len(BODY)


@pytest.mark.parametrize("guards", [True, False])  # S3's servers do not all know If-Range
def test_a_file_that_changed_meanwhile_is_not_mixed_with_the_old_one(server, tmp_path, guards):
    server.guards = guards
    server.cuts = [100_000, *[0] * 10]
    with pytest.raises(UserError):
        fetch(f"{server.address}/file", tmp_path / "file")
    server.cuts = []
    server.files["/file"] = BODY[::-1]
    assert fetch(f"{server.address}/file", tmp_path / "file").read_bytes() == BODY[::-1]


def test_wrong_checksum_names_both_and_leaves_nothing(server, tmp_path):
    wrong = "0" * 64
    with pytest.raises(UserError) as error:
        fetch(f"{server.address}/file", tmp_path / "file", f"sha256:{wrong}")
    assert wrong in str(error.value) and SHA256.partition(":")[2] in str(error.value)
    assert "changed" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_messages_do_not_show_an_address_that_holds_a_signature(server, tmp_path):
    server.statuses["/secret"] = 403
    with pytest.raises(UserError, match=r"^s3://bucket/file answers with HTTP status 403") as error:
        fetch(f"{server.address}/secret", tmp_path / "file", name="s3://bucket/file")
    assert "secret" not in str(error.value)


def test_md5_is_understood(server, tmp_path):
    fetch(f"{server.address}/file", tmp_path / "file", "md5:" + hashlib.md5(BODY).hexdigest())
    with pytest.raises(UserError, match="delete it"):
        fetch(f"{server.address}/file", tmp_path / "file", "md5:" + "0" * 32)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
def test_refusals_are_one_sentence_and_not_retried(server, tmp_path, status):
    server.statuses["/file"] = status
    with pytest.raises(UserError, match=f"HTTP status {status}"):
        fetch(f"{server.address}/file", tmp_path / "file")
    assert len(server.requests) == 1


def test_a_server_in_trouble_is_asked_again(server, tmp_path):
    server.statuses["/file"] = 503
    with pytest.raises(UserError, match="503"):
        fetch(f"{server.address}/file", tmp_path / "file")
    assert 1 < len(server.requests) < 10


def test_unreachable_host(server, tmp_path):
    with serve() as gone:
        address = gone.address
    with pytest.raises(UserError, match="cannot be reached") as error:
        fetch(f"{address}/file", tmp_path / "file")
    assert str(tmp_path / "file") in str(error.value), "says where to put it by hand"


def test_disk_full_is_noticed_before_it_is(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match="make room"):
        fetch(f"{server.address}/file", tmp_path / "file")


def test_disk_full_while_writing(server, tmp_path, monkeypatch):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "file.part").symlink_to("/dev/full")
    monkeypatch.setattr(module, "_forget", lambda part: None)  # it would remove the link
    with pytest.raises(UserError, match="disk is full"):
        fetch(f"{server.address}/file", tmp_path / "file")
