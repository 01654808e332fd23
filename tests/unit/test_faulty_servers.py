"""Servers that stall, lie, move and answer nonsense, and what stands between them and us."""

import hashlib
import random
import shutil
import ssl
import subprocess
from types import SimpleNamespace

import httpx
import pytest
from servers import serve

from srgan_ab.common.errors import UserError
from srgan_ab.data import fetch as module
from srgan_ab.data.fetch import fetch

BODY = random.Random(1).randbytes(300_000)
SHA256 = "sha256:" + hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def waits(monkeypatch) -> list[float]:
    """Seconds that would have been waited between attempts."""
    waited: list[float] = []
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def server():
    with serve(file=BODY) as running:
        yield running


def leavings(folder):
    return sorted(path.name for path in folder.iterdir())


def test_back_off_doubles_and_ends(server, tmp_path, waits):
    server.statuses["/file"] = 500
    with pytest.raises(UserError, match="broke off 5 times after 0 bytes"):
        fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert waits == [1, 2, 4, 8]


@pytest.mark.parametrize(("asked", "waited"), [("7", 7), ("0", 1), ("90000", 60), ("soon", 1)])
def test_a_server_may_say_when_to_come_back(server, tmp_path, waits, asked, waited):
    server.statuses["/file"], server.headers["Retry-After"] = 429, asked
    with pytest.raises(UserError, match="429"):
        fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert waits[0] == waited


def test_a_stalled_connection_is_cut_and_continued(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", httpx.Timeout(0.5))
    server.silences = [3]
    target = fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert target.read_bytes() == BODY
    assert [headers.get("Range") for _, headers in server.requests] == [None, "bytes=150000-"]


def test_a_length_that_lies_is_not_believed(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", httpx.Timeout(1))
    server.headers["Content-Length"] = "299000"
    with pytest.raises(UserError, match="has sha256"):
        fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert leavings(tmp_path) == []
    server.headers["Content-Length"] = "301000"  # then it says that there are no bytes beyond
    assert fetch(f"{server.address}/file", tmp_path / "file", SHA256).read_bytes() == BODY


def test_a_web_page_is_no_file(server, tmp_path):
    server.headers["Content-Type"] = "text/html; charset=utf-8"
    with pytest.raises(UserError, match="answers with a web page in place of a file"):
        fetch(f"{server.address}/file", tmp_path / "file")
    assert leavings(tmp_path) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_moved_files_are_followed_to_other_hosts_too(server, tmp_path, status):
    with serve() as first:
        first.statuses["/old"] = status
        first.headers["Location"] = f"{server.address}/file"
        target = fetch(f"{first.address}/old", tmp_path / "file", SHA256)
    assert target.read_bytes() == BODY


def test_a_password_does_not_follow_to_another_host(server, tmp_path):
    with serve() as first:
        first.statuses["/old"] = 302
        first.headers["Location"] = server.address.replace("127.0.0.1", "localhost") + "/file"
        fetch(f"{first.address}/old", tmp_path / "file", SHA256, token=lambda: ("me", "secret"))
    assert "Authorization" in first.requests[0][1]
    assert "Authorization" not in server.requests[0][1]


def test_moving_round_in_a_circle_ends(server, tmp_path):
    server.statuses["/file"] = 302
    server.headers["Location"] = f"{server.address}/file"
    with pytest.raises(UserError, match="redirect"):
        fetch(f"{server.address}/file", tmp_path / "file", SHA256)
    assert len(server.requests) < 200


def test_a_file_that_is_replaced_between_two_requests_is_fetched_whole(server, tmp_path):
    server.cuts = [100_000, 0, 0, 0, 0, 0]
    with pytest.raises(UserError):
        fetch(f"{server.address}/file", tmp_path / "file")
    server.cuts, new = [], BODY[::-1]
    server.files["/file"] = new
    assert fetch(f"{server.address}/file", tmp_path / "file").read_bytes() == new


def test_a_proxy_is_asked_where_one_is_set(server, tmp_path, monkeypatch):
    server.files["http://nowhere.invalid/file"] = BODY  # proxies are asked for whole addresses
    monkeypatch.setenv("HTTP_PROXY", server.address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    fetch("http://nowhere.invalid/file", tmp_path / "file", SHA256)
    assert server.requests[0][0] == "http://nowhere.invalid/file"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl: install it")
def test_certificates_of_ssl_cert_file_are_believed_and_no_others(tmp_path, monkeypatch):
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "certificate.pem"]
    command = ["openssl", "req", "-x509", *made, *name]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with serve(context, file=BODY) as server:
        with pytest.raises(UserError, match=r"cannot be reached .*certificate"):
            fetch(f"{server.address}/file", tmp_path / "file", SHA256)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        assert fetch(f"{server.address}/file", tmp_path / "file", SHA256).read_bytes() == BODY
