"""What lies outside the project is noted, so that a change there makes its stage run."""

import os
from pathlib import Path

import pytest
from repository import NOTES, ROOT, default_params

from srgan_ab.common.params import parse


@pytest.fixture
def noted(monkeypatch, tmp_path):
    """Text of the notes for each of `NOTES`, made anew of the params given."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    import note_inputs

    def noted(settings) -> list[bytes]:
        note_inputs.note(settings)
        return [(tmp_path / name).read_bytes() for name in NOTES]

    monkeypatch.chdir(tmp_path)
    return noted


@pytest.fixture
def photos(tmp_path):
    for name in ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "photos"


def params(**changes):
    values = default_params()
    for key, value in changes.items():
        *sections, leaf = key.split("__")
        node = values
        for section in sections:
            node = node[section]
        node[leaf] = value
    return parse(values)


def test_the_default_run_has_nothing_outside(noted):
    assert noted(params()) == [b"{}\n"] * len(NOTES)


CHANGES = {
    "more": lambda photos: (photos / "dog/2.jpg").touch(),
    "fewer": lambda photos: (photos / "dog/1.jpg").unlink(),
    "another name": lambda photos: (photos / "dog/1.jpg").rename(photos / "dog/3.jpg"),
    "another class": lambda photos: (photos / "cat/2.jpg").rename(photos / "dog/2.jpg"),
    "another size": lambda photos: (photos / "dog/1.jpg").write_text("another"),
    "another file of the same size": lambda photos: os.utime(photos / "dog/1.jpg", ns=(1, 1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_photographs_are_seen_by_the_stage_that_reads_them(noted, photos, change):
    folder = params(data__source="folder", data__path=str(photos))
    measured = params(benchmarks__paths=[str(photos)])
    before, before_measured = noted(folder), noted(measured)
    assert noted(folder) == before
    (photos / "cat/.DS_Store").touch()
    assert noted(folder) == before
    CHANGES[change](photos)
    after, after_measured = noted(folder), noted(measured)
    assert after[0] != before[0] and after[1] == before[1]
    assert after_measured[1] != before_measured[1] and after_measured[0] == before_measured[0]


@pytest.mark.parametrize("use", ["classifier", "perceptual", "lpips"])
def test_changed_weights_are_seen(noted, photos, use):
    file = photos / "w.safetensors"
    file.write_bytes(b"1")
    settings = params(**{f"pretrained__{use}": str(file)})
    before = noted(settings)
    os.utime(file, ns=(1, 1))
    assert noted(settings)[0] != before[0]


def test_what_is_fetched_or_missing_is_left_to_the_stage(noted, photos):
    for weights, backbone in (("imagenet", "resnet18"), ("pip", "timm/tf_efficientnet_lite0")):
        trained = params(pretrained__classifier=weights, classifier__backbone=backbone)
        assert noted(trained)[0] == b"{}\n"
    for path in ("https://localhost/photos.zip", str(photos / "none.zip")):
        assert noted(params(data__source="archive", data__path=path))[0] == b"{}\n"


def test_changed_weights_that_a_generator_starts_from_are_seen(noted, tmp_path):
    for start, folder in (("g.safetensors", "."), ("photo", "src/srgan_ab/generators")):
        weights = tmp_path / folder / f"{Path(start).stem}.safetensors"
        weights.parent.mkdir(parents=True, exist_ok=True)
        settings = params(srgan__generator__initial=start)
        notes = [noted(settings)]
        weights.write_bytes(b"1")
        notes.append(noted(settings))
        (weights.parent / f"{weights.stem}.seen.txt.xz").write_bytes(b"1")
        notes.append(noted(settings))
        weights.write_bytes(b"2")
        notes.append(noted(settings))
        assert [note[:2] for note in notes] == [[b"{}\n"] * 2] * 4
        assert notes[0][2] == b"{}\n" and len({note[2] for note in notes}) == 4
        os.utime(weights, ns=(1, 1))
        # git gives the files of every clone times of their own
        assert (noted(settings) == notes[-1]) is (start == "photo")
        assert str(tmp_path).encode() not in notes[-1][2]
