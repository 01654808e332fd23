"""Formats that pictures are written in: names, what each can hold, and how it is asked to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from srgan_ab.app.carried import DETAILS, PLACE, Carried, in_tiff
from srgan_ab.common.errors import UserError
from srgan_ab.data.decoding import FORMATS

Format = Literal["png", "jpeg", "webp", "tiff", "avif"]
SUFFIXES = {
    ".png": "png",
    **{".jpg": "jpeg", ".jpeg": "jpeg"},
    ".webp": "webp",
    **{".tif": "tiff", ".tiff": "tiff"},
    ".avif": "avif",
}
FORMAT_OF_PILLOW = {"JPEG": "jpeg", "MPO": "jpeg"} | {
    name.upper(): name for name in get_args(Format)
}
USUAL = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "tiff": ".tif", "avif": ".avif"}
LONGEST = {"jpeg": 65535, "webp": 16383, "avif": 65535}  # pixels of a side
LOSSY = {"jpeg": 90, "webp": 90, "avif": 80}  # and the quality that is not asked for
EXIF_OF_JPEG = 65533  # bytes
LARGEST_TIFF = 2**32 - 2**24  # bytes of pixels; beyond it, addresses of 64 bits are written


def readable() -> list[str]:
    """Pillow's names of the formats that are read, as far as this build of Pillow has them."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def format_of(path: Path) -> str | None:
    """The format that a file's name means, or None."""
    return SUFFIXES.get(path.suffix.lower())


def refuse_what_it_cannot_hold(
    name: str, image: Image.Image, size: tuple[int, int], format: str
) -> None:
    """Before anything is computed.

    Args:
        name: of the original, for the sentence.
        image: the original.
        size: of the result.
        format: of the result.

    Raises:
        UserError: the result is too large for the format, or it knows no transparency.
    """
    longest = LONGEST.get(format, max(size))
    if max(size) > longest:
        raise UserError(
            f"{name} would become {size[0]}x{size[1]} pixels, and {format} holds at most {longest} "
            "a side: give --format png or a lower --scale"
        )
    if format == "jpeg" and image.mode in ("LA", "RGBA"):
        lowest, _ = image.getchannel("A").getextrema()
        if isinstance(lowest, (int, float)) and lowest < 255:
            raise UserError(
                f"{name} is partly transparent, which jpeg cannot be: give --format png or webp"
            )


def write(
    image: Image.Image, carried: Carried, format: str, quality: int | None, to: Path | BinaryIO
) -> None:
    """Write a picture with what it carries, as far as the format can hold it.

    Args:
        image: of mode L, LA, RGB, RGBA or I;16. Only PNG and TIFF hold 16 bits, others get 8.
        carried: as it is to be written.
        format: a key of `USUAL`.
        quality: 1 to 100 for formats with loss, WebP at 100 without it; None = the usual one.
        to: the file.

    Raises:
        UserError: the format cannot hold it.
    """
    image, profile = _fitted(image, carried.profile, format)
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    too_long = format == "jpeg" and carried.exif and len(carried.exif.tobytes()) > EXIF_OF_JPEG
    if carried.exif and format != "tiff" and not too_long:
        options["exif"] = carried.exif  # itself, as of its bytes Pillow would read the text anew
    if format == "tiff":
        options["tiffinfo"] = in_tiff(carried.exif) if carried.exif else {}
        # of Pillow's two encoders, the one that compresses knows neither directories in a
        # directory nor addresses beyond four gigabytes
        nested = carried.exif and not {DETAILS, PLACE}.isdisjoint(carried.exif)
        large = image.width * image.height * _depth(image) > LARGEST_TIFF
        options["compression"] = None if nested or large else "tiff_adobe_deflate"
        options["big_tiff"] = large
    if carried.dpi and format in ("png", "jpeg", "tiff"):
        options["dpi"] = carried.dpi
    try:
        image.save(to, format, **options, **_OPTIONS[format](carried, quality))
    except (
        ValueError,
        RuntimeError,
        SystemError,
    ) as error:  # encoders say so what they cannot hold
        reason = " ".join(str(error).split())
        raise UserError(
            f"the result cannot be written as {format} ({reason}): give another --format"
        ) from None


def _png(carried: Carried, quality: int | None) -> dict[str, Any]:
    text = PngInfo()
    for key, value in carried.text:
        text.add_text(key, value)
    return {"pnginfo": text}


def _webp(carried: Carried, quality: int | None) -> dict[str, Any]:
    return {"lossless": True} if quality == 100 else {"quality": quality or LOSSY["webp"]}


_OPTIONS: dict[str, Callable[[Carried, int | None], dict[str, Any]]] = {
    "png": _png,
    "jpeg": lambda _, quality: {"quality": quality or LOSSY["jpeg"]},
    "webp": _webp,
    "tiff": lambda _, quality: {},
    "avif": lambda _, quality: {"quality": quality or LOSSY["avif"]},
}


def _depth(image: Image.Image) -> int:
    """Bytes of a pixel in a file without compression."""
    return 2 if image.mode == "I;16" else len(image.getbands())


def _fitted(
    image: Image.Image, profile: bytes | None, format: str
) -> tuple[Image.Image, bytes | None]:
    """The picture in a mode that the format has, and the profile if it still describes it."""
    if image.mode == "I;16" and format not in ("png", "tiff"):
        levels = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((levels + 128) // 257).astype(np.uint8))  # 65535 becomes 255
    if format == "jpeg" and image.mode in ("LA", "RGBA"):
        image = image.convert(image.mode[:-1])  # all of it is opaque
    if format in ("webp", "avif") and image.mode in ("L", "LA"):
        image = image.convert("RGB" + image.mode[1:])
        if profile and profile[16:20] == b"GRAY":
            profile = None  # of one channel, and now there are three
    return image, profile
