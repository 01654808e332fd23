"""A folder of everything that goes wrong with pictures: each file ends as the table says.

The stages run as a user runs them, from the folder to the packs.
"""

import os
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from test_decoding import encoded, photograph
from test_download import download, project, rows  # noqa: F401

GOOD = photograph(160, 130)
JPEG, PNG = encoded(GOOD, "JPEG"), encoded(GOOD)


def png(width: int, height: int, depth: int, colour: int, pixels: bytes) -> bytes:
    """A PNG by hand, of kinds that Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


FRAMES = [photograph(160, 130, seed) for seed in range(1, 4)]
DEEP = png(140, 130, 16, 2, (b"\0" + bytes(range(210)) * 4) * 130)
FLOAT = GOOD.convert("L").convert("F")
ACCEPTED, FLAGGED = "accepted", "flagged"
DAMAGED = {"truncated", "not an image", "undecodable"}

FILES: dict[str, tuple[bytes, str | set[str]]] = {
    "empty.jpg": (b"", "empty"),
    **{f"jpeg cut at {n}.jpg": (JPEG[: n * len(JPEG) // 10], DAMAGED) for n in range(1, 10)},
    **{f"png cut at {n}.png": (PNG[: n * len(PNG) // 10], DAMAGED) for n in range(1, 10)},
    "text.jpg": (b"no picture\n" * 99, "not an image"),
    "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "not an image"),
    "zeros.jpg": (bytes(5000), "not an image"),
    "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    "svg.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "not an image"),
    "a gif.jpg": (encoded(GOOD.quantize(), "GIF"), ACCEPTED),
    "a png.jpg": (PNG, ACCEPTED),
    "a jpeg.png": (encoded(GOOD, "JPEG", quality=80), ACCEPTED),
    "no extension": (encoded(GOOD, "JPEG", quality=70), ACCEPTED),
    "bytes before the end.jpg": (JPEG[:-2] + bytes(200) + JPEG[-2:], ACCEPTED),
    "bytes after the end.jpg": (JPEG + b"trailer" * 99, ACCEPTED),
    "bytes before the start.jpg": (bytes(9) + JPEG, "not an image"),
    "animated.gif": (encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES), ACCEPTED),
    "animated.webp": (encoded(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES), ACCEPTED),
    "animated.png": (encoded(FRAMES[0], "PNG", save_all=True, append_images=FRAMES), ACCEPTED),
    "pages.tiff": (encoded(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES), ACCEPTED),
    "two views.mpo": (encoded(FRAMES[0], "MPO", save_all=True, append_images=FRAMES), ACCEPTED),
    "1x1.png": (encoded(photograph(1, 1)), FLAGGED),
    "1 high.png": (encoded(photograph(300, 1)), FLAGGED),
    "small.png": (encoded(photograph(40, 300)), FLAGGED),
    "declared.png": (png(20_000, 20_000, 8, 2, b"\0" * 9), "too many pixels"),
    "no pixels.png": (png(0, 0, 8, 2, b""), DAMAGED | {"unsupported"}),
    "bomb.png": (encoded(Image.new("1", (20_000, 20_000))), "too many pixels"),
    "bomb.tiff": (encoded(Image.new("1", (9_000, 9_000)), "TIFF"), "too many pixels"),
    "cmyk.jpg": (encoded(GOOD.convert("CMYK"), "JPEG"), ACCEPTED),
    "cmyk with profile.jpg": (
        encoded(GOOD.convert("CMYK"), "JPEG", icc_profile=b"no profile" * 20),
        ACCEPTED,
    ),
    "lab.tiff": (encoded(Image.new("LAB", (130, 130)), "TIFF"), "unsupported"),
    "float.tiff": (encoded(FLOAT, "TIFF"), "unsupported"),
    "32 bits.tiff": (encoded(Image.new("I", (130, 130), 1 << 20), "TIFF"), "unsupported"),
    "16 bits of grey.png": (encoded(Image.new("I;16", (130, 130), 9999)), ACCEPTED),
    "16 bits of colour.png": (DEEP, ACCEPTED),
    "grey.jpg": (encoded(GOOD.convert("L"), "JPEG"), ACCEPTED),
    "one bit.png": (encoded(GOOD.convert("1")), ACCEPTED),
    "grey and alpha.png": (encoded(GOOD.convert("LA")), ACCEPTED),
    "alpha.webp": (encoded(GOOD.convert("RGBA"), "WEBP"), ACCEPTED),
    "transparent palette.png": (encoded(FRAMES[1].quantize(), transparency=3), ACCEPTED),
    "turned.jpg": (encoded(FRAMES[2], "JPEG", exif=exif(6)), ACCEPTED),
    "damaged exif.jpg": (encoded(FRAMES[2], "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05"), ACCEPTED),
    "damaged profile.png": (encoded(FRAMES[2], icc_profile=b"x" * 300), ACCEPTED),
    "progressive.jpg": (encoded(GOOD, "JPEG", progressive=True), ACCEPTED),
    "avif.avif": (encoded(GOOD, "AVIF"), ACCEPTED),
    "jpeg 2000.jp2": (encoded(GOOD, "JPEG2000"), ACCEPTED),
    "portable.ppm": (encoded(GOOD, "PPM"), ACCEPTED),
    # names
    "ünïcödé 猫.png": (encoded(photograph(130, 130, 10)), ACCEPTED),
    "new\nline.png": (encoded(photograph(130, 130, 11)), ACCEPTED),
    "tab\tand \"quotes' , ;.png": (encoded(photograph(130, 130, 12)), ACCEPTED),
    "=formula().png": (encoded(photograph(130, 130, 13)), ACCEPTED),
    "-rf.png": (encoded(photograph(130, 130, 14)), ACCEPTED),
    "%s %n {x}.png": (encoded(photograph(130, 130, 15)), ACCEPTED),
    "<script>alert(1)<.png": (encoded(photograph(130, 130, 16)), ACCEPTED),
    "n" * 240 + ".png": (encoded(photograph(130, 130, 17)), ACCEPTED),
    os.fsdecode(b"no utf-8 \xff.png"): (encoded(photograph(130, 130, 18)), ACCEPTED),
}
LINKS = {
    "broken link.jpg": ("nowhere", "not a file"),
    "circle.jpg": ("circle.jpg", "not a file"),
    "device.jpg": ("/dev/zero", "not a file"),
    "link to a folder": (".", "link"),
    "link to a picture.png": ("../../outside.png", ACCEPTED),  # as many keep their data sets
}
SPECIAL = {"pipe.jpg": "not a file", "socket.jpg": "not a file"}
EXPECTED = {name: kind for name, (_, kind) in FILES.items()}
EXPECTED |= {name: kind for name, (_, kind) in LINKS.items()} | SPECIAL


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("pictures") / "pictures"
    cats, dogs = root / "cat", root / "dog"
    for directory in (cats / "folder.jpg", dogs / "empty.jpg"):
        directory.mkdir(parents=True)
    for name, (data, _) in FILES.items():
        (cats / name).write_bytes(data)
    (root.parent / "outside.png").write_bytes(encoded(photograph(130, 130, 20)))
    for name, (target, _) in LINKS.items():
        (cats / name).symlink_to(target)
    os.mkfifo(cats / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(cats)  # names of sockets are short
        listening.bind("socket.jpg")
        os.chdir(here)
    for n in range(60):
        (dogs / f"{n}.png").write_bytes(encoded(photograph(130, 130, 100 + n)))
    (dogs / "a cat.jpg").write_bytes(JPEG)  # the same as one of the cats
    (cats / "folder.jpg/a cat.jpg").write_bytes(JPEG)
    return root


def stage(project: Path, name: str) -> str:  # noqa: F811
    done = subprocess.run(
        [sys.executable, f"stages/{name}.py"], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done.stderr


@pytest.mark.slow
def test_every_file_ends_as_the_table_says(project, folder):  # noqa: F811
    assert len(EXPECTED) >= 60
    said = download(project, source="folder", path=str(folder), per_class=None).stderr
    assert "Traceback" not in said
    found = {}
    for row in rows(project):
        label, name = row["path"].split("/", 1)
        if label == "cat" and "/" not in name:
            rejected = row["status"] == "rejected"
            found[name] = row["reason"].partition(":")[0] if rejected else row["status"]
            assert bool(row["reason"]) == (row["status"] != ACCEPTED)
            assert row["reason"].count("\n") == 0
    expected = {name.replace("\udcff", "\\xff"): kind for name, kind in EXPECTED.items()}
    assert found.keys() == expected.keys()
    wrong = {
        name: (found[name], kind)
        for name, kind in expected.items()
        if found[name] not in (kind if isinstance(kind, set) else {kind})
    }
    assert wrong == {}
    upright = next(row for row in rows(project) if row["path"] == "cat/turned.jpg")
    assert (upright["width"], upright["height"]) == ("130", "160")

    stage(project, "split")
    stage(project, "downscale")
    table = pd.read_csv(project / "data/split.csv", keep_default_na=False)
    same = table[table["path"].isin(["dog/a cat.jpg", "cat/folder.jpg/a cat.jpg"])]
    assert len(same) == 2 and same["group"].nunique() == same["split"].nunique() == 1
    assert [path for path in project.rglob("*") if ".part" in path.name] == []
