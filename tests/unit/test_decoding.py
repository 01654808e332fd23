import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from repository import ROOT

from srgan_ab.common.errors import UserError
from srgan_ab.data import decoding
from srgan_ab.data.decoding import Rejected, decode, decode_folder, decode_native


def encoded(image: Image.Image, form: str = "PNG", **options) -> bytes:
    stream = BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def photograph(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    """Smooth colours, so that a JPEG of it stays close."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def rejection(data: bytes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_rgb_survives_unchanged(form):
    image = photograph()
    decoded = decode(encoded(image, form))
    assert decoded.mode == "RGB"
    np.testing.assert_array_equal(decoded, image)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_agrees_with_pillow(orientation, form):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photograph(), form, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(BytesIO(data))).convert("RGB")
    np.testing.assert_array_equal(decode(data), expected)
    assert decode(data).size == ((40, 60) if orientation > 4 else (60, 40))


def test_damaged_exif_does_not_cost_the_picture():
    data = encoded(photograph(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\x01\x02")
    assert decode(data).size == (60, 40)


def test_16_bit_grey_is_scaled_not_clipped():
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    ramp[-1, -1] = 65535
    for data in (encoded(Image.fromarray(ramp)), encoded(Image.fromarray(ramp), "TIFF")):
        decoded = np.asarray(decode(data))
        assert (decoded[..., 0] == decoded[..., 1]).all()
        np.testing.assert_allclose(decoded[..., 0], ramp / 65535 * 255, atol=0.501)


def test_32_bit_grey_has_no_white():
    assert rejection(encoded(Image.new("I", (8, 8), 2**20), "TIFF")).kind == "unsupported"
    assert rejection(encoded(Image.new("F", (8, 8), 0.5), "TIFF")).kind == "unsupported"


def test_grey_and_bilevel():
    grey = photograph().convert("L")
    np.testing.assert_array_equal(decode(encoded(grey)), np.stack([np.asarray(grey)] * 3, -1))
    black = decode(encoded(Image.new("1", (9, 9), 0)))
    assert black.getextrema() == ((0, 0),) * 3


def test_alpha_is_laid_over_white():
    layer = photograph().convert("RGBA")
    alpha = np.tile(np.linspace(0, 255, 60).astype(np.uint8), (40, 1))
    layer.putalpha(Image.fromarray(alpha))
    colours, share = np.asarray(photograph(), float), alpha[..., None] / 255
    expected = colours * share + 255 * (1 - share)
    np.testing.assert_allclose(decode(encoded(layer)), expected, atol=1)
    grey = decode(encoded(Image.merge("LA", [Image.new("L", (5, 5)), Image.new("L", (5, 5))])))
    assert grey.getextrema() == ((255, 255),) * 3


def test_palettes_with_and_without_transparency():
    palette = photograph().quantize(32)
    np.testing.assert_array_equal(decode(encoded(palette)), palette.convert("RGB"))
    see_through = Image.new("P", (4, 4), 0)
    see_through.putpalette([10, 20, 30, 200, 100, 50])
    see_through.putpixel((0, 0), 1)
    decoded = decode(encoded(see_through, transparency=0))
    assert decoded.getpixel((1, 1)) == (255, 255, 255)
    assert decoded.getpixel((0, 0)) == (200, 100, 50)


def test_transparent_colour_of_an_rgb_png():
    image = Image.new("RGB", (4, 4), (10, 20, 30))
    image.putpixel((0, 0), (200, 100, 50))
    decoded = decode(encoded(image, transparency=(10, 20, 30)))
    assert decoded.getpixel((1, 1)) == (255, 255, 255)
    assert decoded.getpixel((0, 0)) == (200, 100, 50)


def test_cmyk_jpeg_keeps_its_colours():
    image = Image.new("RGB", (32, 32), (200, 60, 20))
    decoded = decode(encoded(image.convert("CMYK"), "JPEG", quality=95))
    np.testing.assert_allclose(decoded.getpixel((16, 16)), (200, 60, 20), atol=4)


@pytest.mark.parametrize(
    ("mode", "native"),
    [("1", "L"), ("L", "L"), ("LA", "LA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA")],
)
def test_native_decoding_keeps_the_channels(mode, native):
    image = photograph().convert(mode)
    if mode[-1] == "A":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    decoded = decode_native(encoded(image))
    assert decoded.mode == native
    np.testing.assert_array_equal(decoded, image.convert(native))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_native_decoding_keeps_16_bits_of_grey(form):
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    decoded = decode_native(encoded(Image.fromarray(ramp), form))
    assert decoded.mode == "I;16"
    np.testing.assert_array_equal(decoded, ramp)


def test_native_decoding_makes_alpha_of_a_transparent_colour():
    image = Image.new("RGB", (4, 4), (10, 20, 30))
    image.putpixel((0, 0), (200, 100, 50))
    decoded = decode_native(encoded(image, transparency=(10, 20, 30)))
    assert (decoded.getpixel((0, 0)), decoded.getpixel((1, 1))[3]) == ((200, 100, 50, 255), 0)
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    assert decode_native(encoded(palette, transparency=0)).getpixel((0, 0))[3] == 0
    deep = np.full((4, 4), 257, np.uint16)
    deep[0, 0] = 65535
    decoded = decode_native(encoded(Image.fromarray(deep), transparency=257))
    assert (decoded.getpixel((0, 0)), decoded.getpixel((1, 1))) == ((255, 255), (1, 0))


def test_native_decoding_is_upright_and_keeps_the_profile_of_unchanged_colours():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(photograph(), "JPEG", exif=exif, icc_profile=b"profile")
    decoded = decode_native(data)
    np.testing.assert_array_equal(decoded, decode(data))
    assert decoded.size == (40, 60)
    assert decoded.info == {"icc_profile": b"profile"}
    cmyk = encoded(photograph().convert("CMYK"), "JPEG", icc_profile=b"profile")
    assert (decode_native(cmyk).mode, decode_native(cmyk).info) == ("RGB", {})


def test_native_decoding_refuses_what_decoding_refuses():
    for data in (
        b"",
        b"no image",
        encoded(Image.new("F", (8, 8), 0.5), "TIFF"),
        encoded(Image.new("I", (8, 8), 2**20), "TIFF"),
        encoded(photograph(), "JPEG")[:300],
    ):
        expected = rejection(data)
        with pytest.raises(Rejected) as caught:
            decode_native(data)
        assert (caught.value.kind, caught.value.reason) == (expected.kind, expected.reason)


def test_a_folder_gives_its_pictures_by_name_as_rgb(tmp_path):
    grey = photograph().convert("L")
    (tmp_path / "b.png").write_bytes(encoded(grey))
    (tmp_path / "a.jpg").write_bytes(encoded(photograph(), "JPEG"))
    (tmp_path / "readme.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(encoded(grey))
    (tmp_path / "LR").mkdir()
    found = dict(decode_folder(tmp_path))
    assert list(found) == ["a.jpg", "b.png"]
    np.testing.assert_array_equal(found["b.png"], np.stack([np.asarray(grey)] * 3, -1))


def test_a_folder_without_usable_pictures_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="none is no folder"):
        list(decode_folder(tmp_path / "none"))
    (tmp_path / "readme.txt").write_text("no image")
    with pytest.raises(UserError, match="holds no picture"):
        list(decode_folder(tmp_path))
    (tmp_path / "c.jpg").write_bytes(encoded(photograph(), "JPEG")[:300])
    with pytest.raises(UserError, match=r"c\.jpg cannot be read \(truncated"):
        list(decode_folder(tmp_path))


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data).getpixel((0, 0)) == (255, 0, 0)


def test_draft_stays_twice_as_large_as_asked():
    data = encoded(photograph(640, 480), "JPEG", quality=95)
    sizes = {30: (80, 60), 31: (160, 120), 60: (160, 120), 61: (320, 240), 121: (640, 480)}
    for smallest, size in sizes.items():
        assert decode(data, smallest).size == size
    small, whole = decode(data, 30), decode(data)
    difference = np.asarray(small, float) - np.asarray(whole.resize(small.size, Image.BOX), float)
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (b"hello, world\n" * 100, "not an image"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "not an image"),  # Thumbs.db
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n", "not an image"),
        (encoded(photograph(), "JPEG")[:-200], "truncated"),
        (encoded(photograph(), "PNG")[:200], "truncated"),
        (encoded(photograph(), "BMP")[:200], "truncated"),
    ],
)
def test_defects_have_kinds(data, kind):
    found = rejection(data)
    assert found.kind == kind
    assert str(found).startswith(f"{kind}: ") and "\n" not in str(found)


def test_bombs_are_refused_before_pixels_are_decoded(monkeypatch):
    bomb = encoded(Image.new("1", (9000, 9000)))
    assert len(bomb) < 20_000

    def load(self):
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    assert rejection(bomb).kind == "too many pixels"
    monkeypatch.setattr(decoding, "MAX_PIXELS", 10**9)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 10**6)  # Pillow's own limit
    assert rejection(bomb).kind == "too many pixels"


@settings(max_examples=150, deadline=None)
@given(
    form=st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000"]),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=6),
)
def test_damage_never_raises_anything_else(form, cut, flips):
    data = bytearray(encoded(photograph(24, 16), form))
    for place, value in flips:
        data[int(place * len(data))] ^= value
    try:
        image = decode(bytes(data[: int(cut * len(data))]))
    except Rejected as problem:
        assert problem.kind and problem.reason
    else:
        assert image.mode == "RGB"


def test_nothing_reaches_stderr(tmp_path):
    """Pillow warns of bombs, damaged EXIF and TIFF tags, by two different means."""
    tiff = bytearray(encoded(photograph(), "TIFF"))
    tiff[-40:] = bytes(40)
    corrupt_exif = encoded(photograph(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01")
    (tmp_path / "0").write_bytes(encoded(Image.new("1", (10_000, 10_000))))
    (tmp_path / "1").write_bytes(bytes(tiff))
    (tmp_path / "2").write_bytes(corrupt_exif)
    script = (
        "import sys; from pathlib import Path; from srgan_ab.data.decoding import *\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    try: decode(path.read_bytes())\n"
        "    except Rejected: print('rejected')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
