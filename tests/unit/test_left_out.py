"""Hidden files, and what systems leave in folders and archives, are nobody's photographs."""

import os
import shutil
from pathlib import Path

from test_sources import contents, folder, settings  # noqa: F401

from srgan_ab.data.sources import open_source

LEFT_BEHIND = [
    "Cat/.DS_Store",
    "Cat/.hidden.jpg",
    "Cat/._2.jpg",
    "Cat/.ipynb_checkpoints/2-checkpoint.jpg",
    "Cat/more/.thumbnails/deep/2.jpg",
    "Cat/@eaDir/2.jpg/SYNOPHOTO_THUMB_B.jpg",
    "dog/Thumbs.db",
    "dog/desktop.ini",
    "dog/lost+found/1.jpg",
    "dog/$RECYCLE.BIN/1.jpg",
    "__MACOSX/Cat/._2.jpg",
    ".Trash-1000/Cat/2.jpg",
]


def test_hidden_files_and_leavings_are_left_out_and_counted(folder, tmp_path):  # noqa: F811
    meant = contents(settings("folder", folder))
    for path in LEFT_BEHIND:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
    assert contents(settings("folder", folder)) == meant
    inside = [path for path in LEFT_BEHIND if path.startswith(("Cat", "dog"))]
    with open_source(settings("folder", folder), 0, 1) as source:
        assert source.left_out == len(inside)
    packed = shutil.make_archive(str(tmp_path / "photos"), "zip", folder)
    archive = settings("archive", Path(packed))
    assert contents(archive) == meant | {"other/1.jpg": ("", "no class")}
    with open_source(archive, 0, 1) as source:
        assert source.left_out == len(LEFT_BEHIND)


def test_no_folder_is_passed_over_in_silence(folder, monkeypatch):  # noqa: F811
    """Links to folders, which may lead round in a circle, and folders that may not be read."""
    (folder / "dog/again").symlink_to(folder)
    (folder / "dog/closed").mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = contents(settings("folder", folder))
    assert found["dog/again"] == ("dog", "link")
    assert found["dog/closed"] == ("dog", "unreadable")
    assert ("dog", b"dog/1.jpg") in found.values()  # the others are read
