"""Photographs in a bucket: a server of S3's protocol on this machine serves them."""

import hashlib
import io
import math
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from repository import ROOT, default_params

from srgan_ab.common import addresses
from srgan_ab.common.errors import UserError
from srgan_ab.common.params import parse
from srgan_ab.common.schema import Data
from srgan_ab.data import fetch as fetching
from srgan_ab.data.sources import open_source

needs_s3 = pytest.mark.extra("s3", "s3fs", "moto", "flask")


def picture(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (24, 24, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


PHOTOS = {f"{name}/{n} ü+.png": picture(n) for n, name in enumerate(("Cat", "dog") * 10)}


def archive(photos=PHOTOS) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, data in photos.items():
            packed.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


class Bucket:
    """What lies in `s3://bucket`, and what was asked for."""

    def __init__(self, endpoint: str):
        from botocore.session import get_session

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.client = get_session().create_client(
            "s3", region_name="us-east-1", endpoint_url=endpoint, **keys
        )
        self.client.create_bucket(Bucket="bucket")
        self.asked: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket="bucket", Key=key, Body=data)


@pytest.fixture(scope="module")
def endpoint():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for key, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",  # none of the user's own
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(key, value)
    httpx.post(f"{endpoint}/moto-api/reset")
    made = Bucket(endpoint)
    send = httpx.Client.send

    def watched(client, request, **options):
        made.asked.append(request.headers.get("Range", "all of it"))
        return send(client, request, **options)

    monkeypatch.setattr(httpx.Client, "send", watched)
    return made


@pytest.fixture
def photos(bucket):
    for name, data in PHOTOS.items():
        bucket.put(f"photos/{name}", data)
    return bucket


def watch_objects(monkeypatch, most=math.inf) -> list[str]:
    """Which objects are asked for from now on; after so many the server goes away."""
    from s3fs import S3FileSystem

    asked = []

    async def watched(self, path, get=S3FileSystem._cat_file, **more):
        asked.append(path)
        if len(asked) > most:
            raise OSError("the server went away")
        return await get(self, path, **more)

    monkeypatch.setattr(S3FileSystem, "_cat_file", watched)
    return asked


def read(source: str, path: str, **more) -> dict[str, bytes | None]:
    classes = more.pop("classes", ["cat", "dog"])
    data = Data(source=source, path=path, classes=classes, per_class=None, sha256=None)
    with open_source(data.model_copy(update=more), 0, 1) as opened:
        return {file.path: file.data for file in opened.files}


@needs_s3
@pytest.mark.slow
def test_a_folder_is_read_as_a_local_one_and_each_photograph_is_fetched_once(photos, monkeypatch):
    photos.put("photos/readme.txt", b"right below it, as a local one's")
    photos.put("photos/.DS_Store", b"")
    photos.put("photos/bird/1.png", picture(99))
    assert read("folder", "s3://bucket/photos") == PHOTOS
    assert read("folder", "s3://bucket/photos/", per_class=3).items() <= PHOTOS.items()
    assert len(read("folder", "s3://bucket/photos", classes=[])) == len(PHOTOS) + 2

    asked = watch_objects(monkeypatch)
    assert read("folder", "s3://bucket/photos") == PHOTOS and not asked
    changed = next(name for name in PHOTOS if name.startswith("dog"))
    photos.put(f"photos/{changed}", picture(100))
    assert read("folder", "s3://bucket/photos") == PHOTOS | {changed: picture(100)}
    assert asked == [f"bucket/photos/{changed}"]
    kept = [file for file in Path("data/downloads").rglob("*") if file.is_file()]
    assert len(kept) == len(PHOTOS) + 2  # the older one of that name is gone


@needs_s3
@pytest.mark.slow
def test_a_server_that_fails_midway_is_a_sentence_and_no_photograph_is_taken_for_damaged(
    photos, monkeypatch
):
    with monkeypatch.context() as broken:
        watch_objects(broken, most=10)
        with pytest.raises(UserError, match=r"s3://bucket/photos/.* cannot be reached .*run again"):
            read("folder", "s3://bucket/photos")
    kept = {file for file in Path("data/downloads").rglob("*") if file.is_file()}
    assert len(kept) == 10
    assert read("folder", "s3://bucket/photos") == PHOTOS


@needs_s3
def test_keys_that_lead_elsewhere_are_listed_as_rejected(bucket):
    bucket.put("photos/cat/1.png", picture(1))
    bucket.put("photos/dog/1.png", picture(2))
    bucket.put("photos/cat/../../2.png", picture(3))
    found = read("folder", "s3://bucket/photos")
    assert {path: data is None for path, data in found.items()} == {
        "cat/1.png": False,
        "dog/1.png": False,
        "cat/../../2.png": True,
    }
    assert not list(Path().rglob("2.png"))


@needs_s3
@pytest.mark.slow
def test_an_archive_goes_on_where_it_was_cut(bucket, monkeypatch):
    """Moto passes If-Range over, so that only the answer's tag keeps two versions apart."""
    monkeypatch.setattr(fetching, "BACK_OFF", 0)
    body, receive = archive(), httpx.Response.iter_raw
    half = len(body) // 2 + 1
    bucket.put("photos.zip", b"another one" + body)
    bucket.asked.clear()

    def cut(response):
        yield next(receive(response, chunk_size=half))
        bucket.put("photos.zip", body)  # the first time, another object
        if len(bucket.asked) < 4:
            raise httpx.ReadError("cut")

    monkeypatch.setattr(httpx.Response, "iter_raw", cut)
    digest = hashlib.sha256(body).hexdigest()
    assert read("archive", "s3://bucket/photos.zip", sha256=digest) == PHOTOS
    assert bucket.asked == ["all of it", f"bytes={half}-", "all of it", f"bytes={half}-"]


@needs_s3
@pytest.mark.slow
def test_an_archive_is_fetched_once_and_again_when_it_was_replaced(bucket):
    bucket.put("photos.zip", archive())
    for _ in range(2):
        assert read("archive", "s3://bucket/photos.zip") == PHOTOS
    assert bucket.asked == ["all of it"]
    with pytest.raises(UserError, match="has sha256"):
        read("archive", "s3://bucket/photos.zip", sha256="0" * 64)
    fewer = dict(list(PHOTOS.items())[:4])
    bucket.put("photos.zip", archive(fewer))
    assert read("archive", "s3://bucket/photos.zip") == fewer


@needs_s3
@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "path", "settings", "said"),
    [
        ("folder", "s3://no-such/a", {}, r"^s3://no-such/a is not there .*bucket does not exist"),
        ("archive", "s3://no-such/a", {}, r"^s3://no-such/a is not there .*data\.path"),
        ("folder", "s3://bucket/none", {}, r"^s3://bucket/none is not there .*data\.path"),
        ("archive", "s3://bucket/none", {}, r"^s3://bucket/none is not there .*data\.path"),
        ("archive", "s3://bucket/photos", {}, "is not there .*a folder, not a zip"),
        ("folder", "s3://bucket/photos", {"AWS_ACCESS_KEY_ID": None}, "no keys .*AWS_ACCESS_KEY"),
        ("folder", "s3://bucket/photos", {"AWS_PROFILE": "absent"}, "no keys .*absent"),
        (
            *("folder", "s3://bucket/photos", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}),
            "cannot be reached .*AWS_ENDPOINT_URL",
        ),
    ],
)
def test_what_cannot_be_had_is_one_sentence(bucket, monkeypatch, source, path, settings, said):
    bucket.put("photos/cat/1.png", picture(1))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for key, value in settings.items():
        monkeypatch.setenv(key, value) if value else monkeypatch.delenv(key)
    with pytest.raises(UserError, match=said) as error:
        read(source, path, classes=[])
    assert "\n" not in str(error.value)
    assert not Path("data").exists()


@needs_s3
@pytest.mark.slow
def test_what_changes_in_a_bucket_is_noted_and_what_cannot_be_asked_stays_noted(
    bucket, monkeypatch, capsys
):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import note_inputs

    def noted(source: str, path: str) -> bytes:
        values = default_params()
        values["data"] |= {"source": source, "path": path}
        note_inputs.note(parse(values))
        return Path("inputs/download.json").read_bytes()

    bucket.put("photos/cat/1.png", picture(1))
    bucket.put("photos.zip", b"1")
    for source, path, key in (
        ("folder", "s3://bucket/photos", "photos/cat/1.png"),
        ("archive", "s3://bucket/photos.zip", "photos.zip"),
    ):
        before = noted(source, path)
        assert path.encode() in before and noted(source, path) == before
        bucket.put("photos-of-others/1.png", b"")
        assert noted(source, path) == before
        bucket.put(key, picture(2))
        after = noted(source, path)
        assert after != before
        with monkeypatch.context() as unplugged:
            unplugged.delenv("AWS_ACCESS_KEY_ID")
            assert noted(source, path) == after
        assert "counts as unchanged" in capsys.readouterr().err


def test_without_the_extra_the_first_stage_says_so(monkeypatch):
    monkeypatch.setattr(addresses, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"s3fs.* is not installed: install the extra s3"):
        addresses.require_s3("s3://bucket/photos")
    with pytest.raises(UserError, match="is not installed"):
        read("folder", "s3://bucket/photos")
