"""What a picture carries beside its pixels is in the larger one, and right for it."""

from io import BytesIO
from pathlib import Path

import exifread
import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from srgan_ab.app.carried import enlarged
from srgan_ab.app.formats import write
from srgan_ab.app.originals import read_original

CAMERA, ORIENTATION, X, Y, UNIT = 0x010F, 0x0112, 0x011A, 0x011B, 0x0128
DETAILS, PLACE = 0x8769, 0x8825
EXPOSURE, NOTE, WIDTH, HEIGHT = 0x829A, 0x927C, 0xA002, 0xA003
WITH_EXIF = ["jpg", "png", "webp", "tif", "avif"]


def exif(orientation: int = 6) -> bytes:
    tags = Image.Exif()
    tags[CAMERA], tags[ORIENTATION], tags[UNIT] = "Maker", orientation, 2
    tags[X], tags[Y] = 72.0, 36.0
    tags[DETAILS] = {WIDTH: 12, HEIGHT: 8, EXPOSURE: 0.01, NOTE: b"of the maker"}
    tags[PLACE] = {1: "N", 2: (48.0, 8.0, 0.0)}
    return tags.tobytes()


def picture() -> Image.Image:
    values = np.zeros((8, 12, 3), np.uint8)
    values[:4, :6] = 255  # left upper corner as it is stored
    return Image.fromarray(values)


def directories(path) -> tuple[dict, dict, dict]:
    with Image.open(path) as image:
        if path.endswith("tif"):  # upright by itself, once it is loaded
            tags = image.getexif()
            return dict(tags), tags.get_ifd(DETAILS), tags.get_ifd(PLACE)
        image.load()
        tags = image.getexif()
        return dict(tags), tags.get_ifd(DETAILS), tags.get_ifd(PLACE)


@pytest.mark.parametrize("ending", WITH_EXIF)
@pytest.mark.parametrize("keep", [False, True])
def test_exif_is_kept_upright_and_of_the_new_size(upscale, ending, keep):
    picture().save("a.jpg", exif=exif(), dpi=(72, 36), quality=95)
    result = upscale("a.jpg", "-o", f"b.{ending}", *(["--keep-gps"] if keep else []))
    assert result.code == 0, result.sentence
    main, details, place = directories(f"b.{ending}")
    assert main[CAMERA] == "Maker" and main.get(ORIENTATION, 1) == 1
    assert details[EXPOSURE] == pytest.approx(0.01)
    assert (details[WIDTH], details[HEIGHT]) == (32, 48)
    assert NOTE not in details
    assert place == ({1: "N", 2: (48.0, 8.0, 0.0)} if keep else {})
    assert (main[X], main[Y]) == (36 * 4, 72 * 4)  # it lay on its side
    image = Image.open(f"b.{ending}").convert("L")
    assert image.size == (32, 48)
    corners = [image.getpixel(at) > 128 for at in ((4, 4), (27, 4), (4, 43), (27, 43))]
    assert corners == [False, True, False, False]


@pytest.mark.parametrize("came", WITH_EXIF)
def test_exif_of_every_format_is_read(upscale, came):
    picture().save(f"a.{came}", exif=exif(1))
    assert upscale(f"a.{came}", "-o", "b.jpg").code == 0
    main, details, place = directories("b.jpg")
    assert main[CAMERA] == "Maker" and (details[WIDTH], details[HEIGHT]) == (48, 32)
    assert place == {}
    for tag in main:  # none that describes how a TIFF stores its pixels
        assert tag in (CAMERA, ORIENTATION, X, Y, UNIT, DETAILS, 0x0100, 0x0101)


def test_no_byte_of_the_place_is_left(upscale, tmp_path):
    tags = Image.Exif()
    tags.load(exif())
    tags[PLACE] = {1: "N", 29: "2001:02:03"}
    picture().save("a.jpg", exif=tags.tobytes(), xmp=b"<x:xmpmeta>2001:02:03</x:xmpmeta>")
    assert b"2001:02:03" in (tmp_path / "a.jpg").read_bytes()
    for ending in WITH_EXIF:
        assert upscale("a.jpg", "-o", f"b.{ending}").code == 0
        assert b"2001:02:03" not in (tmp_path / f"b.{ending}").read_bytes()


def test_a_thumbnail_is_left_out(upscale, tmp_path):
    """It would show the small picture; here it is the second directory of EXIF, by hand."""
    first = TiffImagePlugin.ImageFileDirectory_v2()
    first[CAMERA] = "Maker"
    data = bytearray(first.tobytes(8))
    second = TiffImagePlugin.ImageFileDirectory_v2()
    second[0x0103], second[0x0201], second[0x0202] = 6, 0, 9
    end = 8 + 2 + 12  # after the only entry: where the next directory begins
    data[end - 8 : end - 4] = (8 + len(data)).to_bytes(4, "little")
    start = 8 + len(data)
    body = second.tobytes(start)
    tags = b"Exif\0\0II*\0\x08\0\0\0" + bytes(data) + body + b"THUMBNAIL"
    picture().save("a.jpg", exif=tags)
    assert upscale("a.jpg").code == 0
    assert b"THUMBNAIL" in (tmp_path / "a.jpg").read_bytes()
    assert b"THUMBNAIL" not in (tmp_path / "a-x4.jpg").read_bytes()
    assert directories("a-x4.jpg")[0] == {CAMERA: "Maker"}


@pytest.mark.parametrize("ending", WITH_EXIF)
def test_a_directory_in_a_directory_is_kept_or_left_out_whole(upscale, ending):
    """What nearly every camera writes; an offset alone would lead anywhere."""
    tags = Image.Exif()
    tags[DETAILS] = {EXPOSURE: 0.01, 0xA005: {1: "R98", 2: b"0100"}}
    picture().save("a.jpg", exif=tags.tobytes())
    assert upscale("a.jpg", "-o", f"b.{ending}").out == f"b.{ending}: 48x32 pixels\n"
    with Image.open(f"b.{ending}") as image:
        found = image.getexif()
        assert found.get_ifd(DETAILS)[EXPOSURE] == pytest.approx(0.01)
        if ending == "tif":
            assert 0xA005 not in found.get_ifd(DETAILS)
        else:
            assert found.get_ifd(0xA005) == {1: "R98", 2: b"0100"}


@pytest.mark.slow
def test_no_damage_of_exif_stops_a_picture():
    """Bytes turned at random: what is left is written in every format, or none of it."""
    tags = Image.Exif()
    tags.load(exif())
    tags[DETAILS] = {WIDTH: 12, EXPOSURE: 0.01, 0xA005: {1: "R98"}}
    good, rng = tags.tobytes(), np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(good)
        for place in rng.integers(6, len(data), rng.integers(1, 5)):
            data[place] = rng.integers(256)
        stream = BytesIO()
        picture().save(stream, "JPEG", exif=bytes(data))
        original = read_original(stream.getvalue(), "a.jpg")
        carried = enlarged(original.carried, (12, 8), (48, 32), keep_gps=True)
        for format in ("jpeg", "png", "webp", "tiff", "avif"):
            result = BytesIO()
            write(original.image, carried, format, None, result)
            Image.open(result).load()


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_dots_per_inch_grow_with_the_picture(upscale, ending):
    picture().save(f"a.{ending}", dpi=(300, 150))
    for scale in (4, 1.5):
        assert upscale(f"a.{ending}", "-o", f"b.{ending}", "--scale", scale, "-f").code == 0
        found = Image.open(f"b.{ending}").info["dpi"]
        assert found == pytest.approx((300 * scale, 150 * scale), abs=0.6)


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "bmp"])
def test_no_dots_per_inch_come_from_nowhere(upscale, ending):
    picture().save(f"a.{ending}")
    assert upscale(f"a.{ending}", "-o", "b.png").code == 0
    assert Image.open("b.png").info.get("dpi", (96, 96)) == pytest.approx((384, 384), 0.1) or (
        "dpi" not in Image.open("b.png").info
    )


def test_text_of_png_is_kept_but_not_what_repeats_exif(upscale):
    text = PngInfo()
    text.add_text("Title", "A wall")
    text.add_itxt("Comment", "größer", "de", "Kommentar")
    text.add_text("Raw profile type exif", "\nexif\n       2\n4d4d\n")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    picture().save("a.png", pnginfo=text)
    assert upscale("a.png").code == 0
    image = Image.open("a-x4.png")
    image.load()
    assert image.text == {"Title": "A wall", "Comment": "größer"}
    assert (image.text["Comment"].lang, image.text["Comment"].tkey) == ("de", "Kommentar")


@pytest.mark.parametrize("ending", WITH_EXIF)
def test_the_profile_is_kept(upscale, ending):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture().save(f"a.{ending}", icc_profile=profile)
    assert upscale(f"a.{ending}").code == 0
    assert Image.open(f"a-x4.{ending}").info["icc_profile"] == profile


def test_a_profile_of_grey_does_not_go_with_three_channels(upscale):
    grey = bytearray(128)
    grey[16:20] = b"GRAY"
    picture().convert("L").save("a.png", icc_profile=bytes(grey))
    for ending, kept in (("png", True), ("webp", False), ("avif", False), ("jpg", True)):
        assert upscale("a.png", "-o", f"b.{ending}").code == 0
        assert (Image.open(f"b.{ending}").info.get("icc_profile") is not None) == kept


@pytest.mark.parametrize("damaged", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"])
def test_damaged_exif_stops_nothing(upscale, damaged):
    picture().save("a.jpg", exif=damaged)
    result = upscale("a.jpg")
    assert result.code == 0, result.sentence
    assert directories("a-x4.jpg") == ({}, {}, {})


def cmyk_profile() -> bytes:
    """By hand, ICC.1:2001-04: every ink alone is the same red, Lab (53, 80, 67), paper white."""

    def tag(kind: bytes, body: bytes) -> bytes:
        return kind + bytes(4) + body + bytes(-len(body) % 4)

    def lab(n: int) -> bytes:
        level, a, b = (100, 0, 0) if n == 0 else (53, 80, 67)
        return bytes([round(level * 2.55), a + 128, b + 128])

    identity = bytes(range(256))
    one = (65536).to_bytes(4, "big")
    matrix = b"".join(one if n % 4 == 0 else bytes(4) for n in range(9))
    corners = b"".join(lab(n) for n in range(16))  # two points along each of four inks
    table = bytes([4, 3, 2, 0]) + matrix + identity * 4 + corners + identity * 3
    white = b"".join(round(65536 * v).to_bytes(4, "big") for v in (0.9642, 1.0, 0.8249))
    name = (4).to_bytes(4, "big") + b"ink\0" + bytes(4 + 4 + 2 + 1 + 67)
    tags = {
        b"desc": tag(b"desc", name),
        b"cprt": tag(b"text", b"none\0"),
        b"wtpt": tag(b"XYZ ", white),
        b"A2B0": tag(b"mft1", table),
    }
    start = 128 + 4 + 12 * len(tags)
    index, body = len(tags).to_bytes(4, "big"), b""
    for key, value in tags.items():
        index += key + (start + len(body)).to_bytes(4, "big") + len(value).to_bytes(4, "big")
        body += value
    header = (
        *((start + len(body)).to_bytes(4, "big"), b"lcms", b"\x02\x40\0\0", b"prtr", b"CMYK"),
        *(b"Lab ", bytes(12), b"acsp", bytes(28), white, bytes(48)),
    )
    return b"".join(header) + index + body


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_is_converted_by_its_own_profile(upscale, ending):
    """Cyan ink that the profile says is red comes out red."""
    profile = cmyk_profile()
    Image.new("CMYK", (6, 4), (255, 0, 0, 0)).save(f"a.{ending}", icc_profile=profile)
    result = upscale(f"a.{ending}", "-o", "b.png")
    assert result.code == 0 and "rough guess" not in result.out
    image = Image.open("b.png")
    assert image.mode == "RGB" and "icc_profile" not in image.info
    red, green, blue = image.getpixel((10, 8))
    assert red > 230 and green < 40 and blue < 40


def test_cmyk_that_lies_on_its_side_is_turned_with_its_profile(upscale):
    image = Image.new("CMYK", (12, 8), (0, 0, 0, 0))
    image.paste((255, 0, 0, 0), (0, 0, 6, 4))
    image.save("a.jpg", icc_profile=cmyk_profile(), exif=exif(6), quality=95)
    assert upscale("a.jpg", "-o", "b.png").code == 0
    image = Image.open("b.png")
    assert image.size == (32, 48)
    assert image.getpixel((27, 4))[1] < 60 and image.getpixel((4, 4))[1] > 200


def test_cmyk_with_a_profile_that_is_none_is_told(upscale):
    Image.new("CMYK", (6, 4), (255, 0, 0, 0)).save("a.jpg", icc_profile=b"no profile")
    assert "its CMYK profile is not valid" in upscale("a.jpg").out
    assert Image.open("a-x4.jpg").getpixel((9, 9))[0] < 20


OTHERS = {
    "Artist": ("Ünal", "ASCII"),
    "UserComment": ("a note", "UNDEFINED"),
    "ExposureBiasValue": ("1/3", "SIGNED_RATIO"),
    "Orientation": ("Horizontal (normal)", "SHORT"),
    "ExifImageWidth": ("32", "SHORT"),
    "FileSource": ("Digital Camera", "UNDEFINED"),
    "LensModel": ("50 mm", "ASCII"),
}


@pytest.mark.parametrize("ending", WITH_EXIF)
def test_another_reader_finds_text_and_types_as_they_were(upscale, ending):
    tags = Image.Exif()
    tags[0x013B] = "Ünal".encode()  # the artist: ASCII by the standard, UTF-8 by most programs
    tags[ORIENTATION] = 6
    tags[DETAILS] = {
        WIDTH: 12,
        0x9286: b"ASCII\0\0\0a note",  # the user's comment: undefined bytes
        0x9204: TiffImagePlugin.IFDRational(1, 3),  # exposure bias: a signed ratio
        0xA300: b"\x03",  # the source, a digital camera
        0xA434: "50 mm",
    }
    picture().save("a.jpg", exif=tags.tobytes())
    assert upscale("a.jpg", "-o", f"b.{ending}").code == 0
    assert "Ünal\0".encode() in Path(f"b.{ending}").read_bytes()
    if ending in ("webp", "avif"):  # which it does not read
        return
    with Path(f"b.{ending}").open("rb") as file:
        read = {key.split()[1]: tag for key, tag in exifread.process_file(file).items()}
    assert {key: (str(read[key]), read[key].field_type.name) for key in OTHERS} == OTHERS
