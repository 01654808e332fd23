"""`--model URL#sha256=DIGEST`: downloaded once, and nothing but what the digest says."""

import hashlib
import io
import json
import zipfile
from functools import partial

import pytest
import torch
from command_line import ARCHITECTURE, files, run_command, save, small_generator
from hypothesis import example, given
from hypothesis import strategies as st
from servers import serve

from srgan_ab import load_generator
from srgan_ab.app import models
from srgan_ab.app.models import IN_RELEASE, weights_of
from srgan_ab.common.errors import UserError
from srgan_ab.common.weights import load_network, read_weights
from srgan_ab.data import fetch
from srgan_ab.srgan.generator import Generator


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def weights(tmp_path):
    """Bytes of a generator."""
    return small_generator(tmp_path / "own.safetensors").read_bytes()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of downloaded models, of this test alone; an empty current folder beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "BACK_OFF", 0)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "cache/srgan-ab"


def release(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["#sha256={}", "#{}"])
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_it_is_fetched_once_and_then_found_without_a_network(cache, weights, form, change):
    digest = sha256(weights)
    with serve(**{"mine.safetensors": weights}) as server:
        named = f"{server.address}/mine.safetensors" + form.format(change(digest))
        for _ in range(2):
            path = weights_of(named)
            assert path == cache / digest / "mine.safetensors"
            assert path.read_bytes() == weights
        assert len(server.requests) == 1
    assert weights_of(named) == path  # nobody answers there now
    assert [name for name in files(cache) if not name.endswith(".lock")] == [
        f"{digest}/mine.safetensors"
    ]


def test_a_download_that_was_cut_off_goes_on(cache, weights):
    with serve(**{"g.safetensors": weights}) as server:
        server.cuts = [len(weights) // 2]
        path = weights_of(f"{server.address}/g.safetensors#{sha256(weights)}")
        assert path.read_bytes() == weights
        assert server.sent < 1.2 * len(weights) and len(server.requests) == 2


@pytest.mark.parametrize("fragment", ["", "#", "#sha256=", "#md5=" + "0" * 32, "#" + "0" * 63])
def test_without_a_digest_nothing_is_fetched(cache, weights, fragment):
    with serve(**{"g.safetensors": weights}) as server:
        with pytest.raises(UserError, match="without the digest of what lies there: write http"):
            weights_of(f"{server.address}/g.safetensors{fragment}")
        assert server.requests == []
    assert not cache.exists()


def test_another_file_than_the_digest_says_is_refused_and_not_kept(cache, weights):
    with serve(**{"g.safetensors": weights}) as server:
        named = f"{server.address}/g.safetensors#{'0' * 64}"
        for count in (1, 2):
            with pytest.raises(UserError, match=r"sha256 \w{64}, not 0{64}: .* ask its owner"):
                weights_of(named)
            assert len(server.requests) == count
    assert [name for name in files(cache) if not name.endswith(".lock")] == []


def test_a_file_that_was_changed_in_the_cache_is_refused(cache, weights):
    with serve(**{"g.safetensors": weights}) as server:
        named = f"{server.address}/g.safetensors#{sha256(weights)}"
        path = weights_of(named)
        path.write_bytes(weights[:-1] + b"x")
        with pytest.raises(UserError, match=r"delete it, and it is fetched again"):
            weights_of(named)
        path.unlink()
        assert weights_of(named).read_bytes() == weights


@pytest.mark.parametrize("scheme", ["ftp", "s3", "file"])
def test_addresses_of_other_kinds_are_refused(cache, scheme):
    with pytest.raises(UserError, match="is no http or https address: download it yourself"):
        weights_of(f"{scheme}://host/g.safetensors#{'0' * 64}")


@pytest.mark.parametrize("name", ["mine.zip", "mine.safetensors"])
def test_a_release_gives_its_generator_whatever_was_done_to_the_copy(cache, weights, name):
    packed = release({"srgan-ab/SHA256SUMS": b"", IN_RELEASE: weights})
    with serve(**{name: packed}) as server:
        named = f"{server.address}/{name}#sha256={sha256(packed)}"
        for _ in range(3):
            path = weights_of(named)
            assert (path.name, path.read_bytes()) == ("mine.safetensors", weights)
            path.write_bytes(b"changed")
        assert len(server.requests) == 1


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_release_that_was_packed_otherwise_is_refused(cache, weights, method):
    packed = release({IN_RELEASE: weights}, method)
    with (
        serve(**{"mine.zip": packed}) as server,
        pytest.raises(UserError, match=r"no release .*\(it is compressed there\)"),
    ):
        weights_of(f"{server.address}/mine.zip#{sha256(packed)}")


@pytest.mark.parametrize("members", [{}, {"archive/data.pkl": b"\x80\x04."}])
def test_another_archive_is_refused(cache, members):
    packed = release(members)
    with (
        serve(**{"mine.zip": packed}) as server,
        pytest.raises(UserError, match="is an archive, and no release of this project"),
    ):
        weights_of(f"{server.address}/mine.zip#{sha256(packed)}")


def test_a_release_that_would_fill_the_memory_is_refused(cache, weights, monkeypatch):
    packed = release({IN_RELEASE: weights})
    monkeypatch.setattr(models, "LARGEST", len(weights) - 1)
    with (
        serve(**{"a.zip": packed}) as server,
        pytest.raises(UserError, match=r"no release .* bytes there\)"),
    ):
        weights_of(f"{server.address}/a.zip#{sha256(packed)}")


def test_a_damaged_release_is_refused(cache, weights):
    broken = release({IN_RELEASE: weights}).replace(b"architecture", b"Architecture", 1)
    with serve(**{"b.zip": broken}) as server, pytest.raises(UserError, match=r"no release .*CRC"):
        weights_of(f"{server.address}/b.zip#{sha256(broken)}")


def test_an_address_that_is_none_is_refused(cache):
    with pytest.raises(UserError, match=r"http://\[x/g\.safetensors is no address"):
        weights_of(f"http://[x/g.safetensors#{'0' * 64}")


@given(name=st.text(max_size=300))
@example(name="字" * 150)
def test_no_name_leads_out_of_the_cache(name):
    """Whatever the server's path is, the file lies in the folder of its digest."""
    digest, asked = "0" * 64, []

    def fetched(address, found, target):
        asked.append((found, target))
        return target

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "_fetched", fetched)
        patch.setenv("XDG_CACHE_HOME", "/nowhere")
        try:
            weights_of(f"http://host/{name}#sha256={digest}")
        except UserError as error:  # a name with # in it takes the digest's place
            assert "without the digest" in str(error)
            return
    ((found, target),) = asked
    assert found == digest and target.parent == models.Path(f"/nowhere/srgan-ab/{digest}")
    assert target.name not in ("", ".", "..") and len(target.name.encode()) < 250


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for given_ in (None, "", "relative"):
        if given_ is None:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", given_)
        assert models.cache() == tmp_path / ".cache/srgan-ab"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert models.cache() == models.Path("/var/cache/me/srgan-ab")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(models.Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    with pytest.raises(UserError, match="XDG_CACHE_HOME"):
        models.cache()


@pytest.mark.slow
def test_every_command_that_takes_a_model_takes_an_address(
    cache, weights, monkeypatch, capsysbinary, tmp_path
):
    run = partial(run_command, monkeypatch, capsysbinary)
    save(tmp_path / "here/set/a.png", (24, 24))
    with serve(**{"mine.safetensors": weights}) as server:
        named = f"{server.address}/mine.safetensors#sha256={sha256(weights)}"
        done = run("upscale", "set/a.png", "-o", "a.png", "--model", named, "--device", "cpu")
        assert (done.code, done.out) == (0, "a.png: 96x96 pixels\n"), done.sentence
        done = run("export", named, "--to", "safetensors")
        assert done.code == 0, done.sentence
        expected, architecture = read_weights(tmp_path / "own.safetensors")
        state, made = read_weights(tmp_path / "here/mine.safetensors")
        assert made == architecture and all(torch.equal(state[k], v) for k, v in expected.items())
        assert "license: unknown" in (tmp_path / "here/mine.safetensors.md").read_text()
        done = run("benchmark", "set", "--srgan", named, "--output", "set.json", "--device", "cpu")
        assert done.code == 0, done.sentence
        assert (
            "srgan"
            in json.loads((tmp_path / "here/set.json").read_text())["folders"]["set"]["mean"]
        )
        network = load_generator(named, "cpu", "fp32").network
        assert len(network.body) == ARCHITECTURE["blocks"]
        assert len(server.requests) == 1
        said = run("upscale", "set/a.png", "--model", f"{server.address}/mine.safetensors").sentence
    assert "without the digest" in said and "\n" not in said
    assert load_network(weights_of(named), "generator", Generator)
