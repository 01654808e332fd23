"""`make release`: its bytes depend on what is in it alone, and its cards say what the run did."""

import hashlib
import os
import stat
import zipfile

import pytest
import yaml
from command_line import small_run
from hypothesis import given
from hypothesis import strategies as st
from repository import ROOT

from srgan_ab.app.model_card import classifier_card
from srgan_ab.app.models import IN_RELEASE
from srgan_ab.common import paths
from srgan_ab.common.files import write_metrics

NAMES = st.text("abc/._-é", min_size=1, max_size=12)


@pytest.fixture(scope="module")
def release():
    """The tool."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        import release

        yield release


@pytest.mark.slow
@given(
    texts=st.dictionaries(NAMES.map(lambda name: f"text {name}"), st.text(max_size=40)),
    files=st.dictionaries(NAMES.map(lambda name: f"file {name}"), st.binary(max_size=40)),
    mode=st.sampled_from((0o600, 0o644, 0o755)),
    time=st.integers(0, 2**31),
)
def test_bytes_depend_on_names_and_contents_alone(
    release, tmp_path_factory, texts, files, mode, time
):
    folder = tmp_path_factory.mktemp("release")
    given_ = dict(texts)
    for number, (name, data) in enumerate(files.items()):
        given_[name] = folder / str(number)
        given_[name].write_bytes(data)
    release.pack(given_.items(), folder / "a.zip")
    for path in given_.values():
        if not isinstance(path, str):
            path.chmod(mode)
            os.utime(path, (time, time))
    release.pack(reversed(given_.items()), folder / "b.zip")
    assert (folder / "a.zip").read_bytes() == (folder / "b.zip").read_bytes()
    with zipfile.ZipFile(folder / "a.zip") as archive:
        expected = {name: text.encode() for name, text in texts.items()} | files
        found = {name: archive.read(f"srgan-ab/{name}") for name in expected}
        assert found == expected and len(archive.namelist()) == len(expected) + 1
        sums = archive.read("srgan-ab/SHA256SUMS").decode()
        for member in archive.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert stat.filemode(member.external_attr >> 16) == "-rw-r--r--"
    assert dict(reversed(line.split("  ", 1)) for line in sums.split("\n")[:-1]) == {
        name: hashlib.sha256(data).hexdigest() for name, data in expected.items()
    }


def test_where_it_fails_the_last_release_stays(release, tmp_path):
    target = tmp_path / "a.zip"
    release.pack([("a", "1")], target)
    before = target.read_bytes()
    with pytest.raises(FileNotFoundError):
        release.pack([("a", "2"), ("b", tmp_path / "missing")], target)
    assert target.read_bytes() == before and list(tmp_path.iterdir()) == [target]


def test_the_generator_lies_where_a_release_is_searched_for_it(release):
    assert f"{release.FOLDER}/{paths.GENERATOR.as_posix()}" == IN_RELEASE


def test_a_card_of_classifiers_says_what_they_are_and_how_good(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_run({"b": 2}, 64)
    scores = {"accuracy": 0.9375, "f1": 0.9, "roc_auc": 0.98, "log_loss": 0.25}
    write_metrics(paths.METRICS / "b.json", scores)
    text = classifier_card("b")
    _, matter, body = text.split("---\n", 2)
    assert yaml.safe_load(matter) == {
        "license": "unknown",
        "library_name": "pytorch",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "small_cnn"],
    }
    assert "# Classifier B" in body and "Tells cat, the negative class, from dog" in body
    assert "these images: SRGAN." in body
    assert "`replicate_0.safetensors`, `replicate_1.safetensors`" in body
    assert "| 0.938 | 0.900 | 0.980 | 0.250 |" in body


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("changed command", "changed command"),
        ({"changed outs": {"models/b": "deleted"}}, "changed outs: models/b deleted"),
        (
            {"changed deps": {"params.yaml": {"seed": "modified"}}},
            "changed deps: params.yaml modified",
        ),
    ],
)
def test_reasons_of_dvc_in_words(release, reason, said):
    assert release._reason(reason) == said
