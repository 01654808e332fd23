import hashlib
import io
import json
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from servers import serve
from test_archives import tarred, zipped

from srgan_ab.common.errors import UserError
from srgan_ab.data import remotes, sources
from srgan_ab.data.sources import natural, open_source

CLASSES = ["cat", "dog"]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def settings(source, path=None, classes=CLASSES, per_class=None, sha256=None):
    return SimpleNamespace(
        source=source,
        path=None if path is None else str(path),
        classes=classes,
        per_class=per_class,
        sha256=sha256,
    )


def contents(data, seed=0, workers=1) -> dict[str, tuple]:
    """Label and bytes, or kind of problem, by path; in the order of the source."""
    with open_source(data, seed, workers) as source:
        files = list(source.files)
        assert source.total == len(files)
    assert [f.path for f in files] == sorted(f.path for f in files)
    return {f.path: (f.label, f.data if f.problem is None else f.problem.kind) for f in files}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    for path in ("Cat/10.jpg", "Cat/2.jpg", "Cat/more/dog/1.jpg", "dog/1.jpg", "other/1.jpg"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    return root


def test_class_folders(folder):
    assert contents(settings("folder", folder)) == {
        "Cat/10.jpg": ("cat", b"Cat/10.jpg"),
        "Cat/2.jpg": ("cat", b"Cat/2.jpg"),
        "Cat/more/dog/1.jpg": ("dog", b"Cat/more/dog/1.jpg"),
        "dog/1.jpg": ("dog", b"dog/1.jpg"),
    }


def test_one_class_and_none(folder):
    assert set(contents(settings("folder", folder, ["dog"]))) == {"dog/1.jpg"}
    everything = contents(settings("folder", folder, []))
    assert len(everything) == 5 and {label for label, _ in everything.values()} == {""}


def test_at_most_so_many_in_natural_order(folder):
    assert natural("a/2.jpg") < natural("a/10.jpg") < natural("b/1.jpg")
    assert natural("a/007.jpg") == natural("a/7.jpg") < natural("a/007b.jpg")
    paths = list(contents(settings("folder", folder, per_class=1)))
    assert paths == ["Cat/2.jpg", "Cat/more/dog/1.jpg"]
    assert list(contents(settings("folder", folder, [], per_class=2))) == [
        "Cat/10.jpg",
        "Cat/2.jpg",
    ]


def test_digits_of_other_scripts_are_text(folder):
    names = ["1²2.jpg", "1²10.jpg", "١.jpg", "x.jpg", "²³.jpg", "9" * 200 + ".jpg"]
    for name in names:
        (folder / "dog" / name).touch()
    found = contents(settings("folder", folder, ["dog"]))
    assert set(found) == {f"dog/{name}" for name in names} | {"dog/1.jpg"}
    assert natural("1²2.jpg") < natural("1²10.jpg")
    assert natural("9" * 9000) < natural("1" + "0" * 9000)  # more digits than `int` takes


def test_files_that_cannot_be_read(folder, monkeypatch):
    (folder / "dog/link.jpg").symlink_to("nowhere")
    os.mkfifo(folder / "dog/pipe.jpg")
    (folder / "dog" / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(b"x")
    (folder / "dog/large.jpg").write_bytes(bytes(100))
    monkeypatch.setattr("srgan_ab.data.archives.MAX_FILE", 50)
    found = contents(settings("folder", folder))
    assert found["dog/link.jpg"][1] == found["dog/pipe.jpg"][1] == "not a file"
    assert found["dog/\\xff\\xfe.jpg"] == ("dog", b"x")
    assert found["dog/large.jpg"][1] == "too large"


def test_folders_that_lack_something(folder):
    with pytest.raises(UserError, match="nowhere is no folder"):
        contents(settings("folder", folder / "nowhere"))
    with pytest.raises(UserError, match=r"1\.jpg is no folder"):
        contents(settings("folder", folder / "dog/1.jpg"))
    with pytest.raises(UserError, match=r"no folder horse \(it has Cat, dog, other\):"):
        contents(settings("folder", folder, ["cat", "horse"]))
    (folder / "horse").mkdir()
    with pytest.raises(UserError, match="no file of class horse"):
        contents(settings("folder", folder, ["cat", "horse"]))


def test_an_archive_with_class_folders_anywhere(tmp_path):
    path = tmp_path / "pets.zip"
    path.write_bytes(
        zipped(
            {
                "readme.txt": b"r",
                "PetImages/Cat/1.jpg": b"c",
                "PetImages/Cat/notes.txt": b"t",
                "PetImages/Dog/1.jpg": b"d",
                "../Dog/up.jpg": b"u",
                "cat.jpg": b"a file is no folder",
            }
        )
    )
    expected = {
        "../Dog/up.jpg": ("dog", "unsafe path"),
        "PetImages/Cat/1.jpg": ("cat", b"c"),
        "PetImages/Cat/notes.txt": ("cat", b"t"),  # found out later, by decoding it
        "PetImages/Dog/1.jpg": ("dog", b"d"),
        "cat.jpg": ("", "no class"),
        "readme.txt": ("", "no class"),
    }
    assert contents(settings("archive", path)) == expected
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert contents(settings("archive", path, sha256=digest)) == expected
    unlabelled = contents(settings("archive", path, []))
    assert unlabelled["readme.txt"] == ("", b"r") and len(unlabelled) == 6


def test_archives_that_will_not_do(tmp_path):
    path = tmp_path / "x.zip"
    with pytest.raises(UserError, match=r"data\.path: .*x\.zip is no file"):
        contents(settings("archive", path))
    path.write_bytes(zipped({"Cat/1.jpg": b"c"}))
    with pytest.raises(UserError, match="no file of class dog"):
        contents(settings("archive", path))
    with pytest.raises(UserError, match="sha256"):
        contents(settings("archive", path, sha256="0" * 64))
    path.write_text("no archive")
    with pytest.raises(UserError, match="no zip or tar"):
        contents(settings("archive", path))


def test_an_archive_at_an_address(tmp_path):
    files = {"a/cat/1.jpg": b"c", "a/dog/1.jpg": b"d"}
    with serve(**{"pets.tar.gz": tarred(files, "w:gz")}) as server:
        address = f"{server.address}/pets.tar.gz?download=1"
        server.files["/pets.tar.gz?download=1"] = server.files["/pets.tar.gz"]
        for _ in range(2):
            found = contents(settings("archive", address))
            assert found == {"a/cat/1.jpg": ("cat", b"c"), "a/dog/1.jpg": ("dog", b"d")}
        assert len(server.requests) == 1
    (kept,) = (tmp_path / "data/downloads").iterdir()
    assert kept.name.endswith("-pets.tar.gz")


LAYOUTS = {
    "asirra": (
        zipped({"PetImages/Cat/0.jpg": b"c", "PetImages/Dog/0.jpg": b"d", "readme[1].txt": b"r"}),
        {
            "PetImages/Cat/0.jpg": ("cat", b"c"),
            "PetImages/Dog/0.jpg": ("dog", b"d"),
            "readme[1].txt": ("", "no class"),
        },
    ),
    "oxford_pets": (
        tarred({"images/Abyssinian_1.jpg": b"c", "images/english_setter_2.jpg": b"d"}, "w:gz"),
        {
            "images/Abyssinian_1.jpg": ("cat", b"c"),
            "images/english_setter_2.jpg": ("dog", b"d"),
        },
    ),
    "mirflickr": (
        zipped({"mirflickr/im1.jpg": b"1", "mirflickr/doc/readme.txt": b"r"}),
        {"mirflickr/doc/readme.txt": ("", b"r"), "mirflickr/im1.jpg": ("", b"1")},
    ),
    "coco": (
        zipped({"val2017/000000000139.jpg": b"1"}),
        {"val2017/000000000139.jpg": ("", b"1")},
    ),
    "div2k": (
        zipped({"DIV2K_train_HR/0001.png": b"1"}),
        {"DIV2K_train_HR/0001.png": ("", b"1")},
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_public_data_sets(name, monkeypatch):
    data, expected = LAYOUTS[name]
    remote = remotes.REMOTES[name]
    assert (
        len(remote.checksum.partition(":")[2])
        == {"sha256": 64, "md5": 32}[remote.checksum.partition(":")[0]]
    )
    with serve() as server:
        file = remote.address.rpartition("/")[2]
        server.files[f"/{file}"] = data
        here = replace(remote, address=f"{server.address}/{file}")
        monkeypatch.setitem(remotes.REMOTES, name, here)
        with pytest.raises(UserError, match="changed or the download was damaged"):
            contents(settings(name))
        digest = hashlib.sha256(data).hexdigest()
        assert contents(settings(name, sha256=digest)) == expected
        renamed = contents(settings(name, classes=["DOG", "Cat"], sha256=digest))
        assert [label.lower() for label, _ in renamed.values()] == [
            label for label, _ in expected.values()
        ]


@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    inner = zipped({"train/cat.0.jpg": b"c", "train/dog.0.jpg": b"d", "train/dog.1.jpg": b"e"})
    outer = zipped({"train.zip": inner, "test1.zip": b"", "sampleSubmission.csv": b""})
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "token"))
    with serve(download=outer) as server:
        monkeypatch.setattr(remotes, "KAGGLE", f"{server.address}/download")
        yield server


def test_kaggle_with_a_token(kaggle, tmp_path):
    (tmp_path / "token").mkdir()
    (tmp_path / "token/kaggle.json").write_text(json.dumps({"username": "me", "key": "secret"}))
    assert contents(settings("kaggle")) == {
        "train/cat.0.jpg": ("cat", b"c"),
        "train/dog.0.jpg": ("dog", b"d"),
        "train/dog.1.jpg": ("dog", b"e"),
    }
    ((_, headers),) = kaggle.requests
    assert headers["Authorization"] == "Basic bWU6c2VjcmV0"  # base64 of me:secret
    assert [path.name for path in (tmp_path / "data/downloads").iterdir()] == ["dogs-vs-cats.zip"]


def test_kaggle_with_a_token_in_the_environment(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    assert len(contents(settings("kaggle"))) == 3


def test_kaggle_without_a_token_or_the_rules_accepted(kaggle, monkeypatch, tmp_path):
    with pytest.raises(UserError, match=r"no Kaggle token at .*kaggle\.json: make one at https"):
        contents(settings("kaggle"))
    (tmp_path / "token").mkdir()
    (tmp_path / "token/kaggle.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        contents(settings("kaggle"))
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    kaggle.statuses["/download"] = 403
    with pytest.raises(UserError, match="accept the competition's rules at https"):
        contents(settings("kaggle"))
    kaggle.statuses = {}
    kaggle.files["/download"] = zipped({"other.zip": b""})
    with pytest.raises(UserError, match=r"does not hold .* train\.zip"):
        contents(settings("kaggle"))


def test_synthetic_pictures():
    found = contents(settings("synthetic", per_class=18), seed=3, workers=2)
    assert next(iter(found)) == "cat/cat.0000.bmp" and list(found)[-1] == "dog/dog.0017.bmp"
    assert [label for label, _ in found.values()] == ["cat"] * 18 + ["dog"] * 18
    assert len({data for _, data in found.values()}) == 36
    from srgan_ab.data.rendering.synthetic import render

    data = found["dog/dog.0017.bmp"][1]
    picture = Image.open(io.BytesIO(data))
    expected = render(np.array([1]), np.array([17]), 3, sources.RENDERED_SIDE)[0]
    np.testing.assert_array_equal(picture, expected)
    assert data[54:] == expected[::-1, :, ::-1].tobytes()  # no compressor that could differ


@pytest.mark.slow
def test_synthetic_classes_may_stand_in_either_order_or_be_absent():
    swapped = contents(settings("synthetic", classes=["dog", "cat"], per_class=1))
    plain = contents(settings("synthetic", per_class=1))
    assert swapped == plain
    unlabelled = contents(settings("synthetic", classes=[], per_class=1))
    assert {path: ("", data) for path, (_, data) in plain.items()} == unlabelled
