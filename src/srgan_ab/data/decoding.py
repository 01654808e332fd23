"""From the bytes of an image file to pixels: the only place where files are decoded."""

import logging
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from srgan_ab.common.errors import UserError

# Not every format Pillow knows: EPS would start Ghostscript, TGA takes arbitrary bytes for images.
FORMATS = (
    *("JPEG", "MPO", "JPEG2000", "PNG", "GIF", "BMP", "DIB"),
    *("TIFF", "WEBP", "AVIF", "PPM"),
)
MAX_PIXELS = 64 * 1024**2  # 192 MiB once decoded

# EXIF 2.32, tag 0x0112: what puts each orientation upright
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow has to say of a damaged file goes into `Rejected`, not to stderr. Set once:
# `warnings.catch_warnings` around each call would not be safe in threads.
warnings.filterwarnings("ignore", module="PIL")
logging.getLogger("PIL").addHandler(logging.NullHandler())


class Rejected(Exception):
    """A file that cannot be used.

    Attributes:
        kind: one of a few words that are counted, such as "truncated".
        reason: what exactly is wrong.
    """

    def __init__(self, kind: str, reason: str):
        super().__init__(kind, reason)
        self.kind, self.reason = kind, reason

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


def decode(data: bytes, smallest: int | None = None) -> Image.Image:
    """Decode the first frame, upright, as 8-bit RGB.

    Grey, palette and CMYK are converted, 16-bit grey is scaled (not clipped), alpha is laid over
    white.

    Args:
        data: the file's bytes.
        smallest: if given, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size (in the DCT
            domain, far faster) as long as both sides stay at least twice as long as this.

    Raises:
        Rejected: with `kind` "empty", "not an image", "too many pixels", "truncated",
            "unsupported" or "undecodable".
    """
    return _decode(data, _rgb, smallest)


def decode_native(data: bytes) -> Image.Image:
    """Decode the first frame, upright, with the channels and the depth that it has.

    The result has no `info` but the ICC profile, where the pixels are still what it describes.

    Returns:
        A picture of mode L, LA, RGB, RGBA or, for 16-bit grey, I;16. Palettes and CMYK become RGB,
        a transparent colour becomes alpha. Pillow itself reads 16 bits of colour or beside alpha
        as 8, and so is 16-bit grey with a transparent level.

    Raises:
        Rejected: as `decode`.
    """
    return _decode(data, _native)


def decode_folder(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name and RGB pixels, (H, W, 3) uint8, of each picture directly in a folder, by name.

    Hidden files and files that are no images are passed over.

    Raises:
        UserError: there is no such folder, no picture in it, or one that cannot be decoded.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: give one that holds pictures")
    found = False
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] != "."):
        try:
            image = decode(path.read_bytes())
        except Rejected as rejected:
            if rejected.kind == "not an image":
                continue
            raise UserError(f"{path} cannot be read ({rejected}): mend or remove it") from None
        found = True
        yield path.name, np.asarray(image)
    if not found:
        raise UserError(f"{folder} holds no picture: give a folder with pictures directly in it")


def _decode(
    data: bytes, convert: Callable[[Image.Image], Image.Image], smallest: int | None = None
) -> Image.Image:
    if not data:
        raise Rejected("empty", "the file has no bytes")
    try:
        image = Image.open(BytesIO(data), formats=_formats())
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise Rejected("too many pixels", f"{width}x{height} is over {MAX_PIXELS} pixels")
        if smallest and image.format in ("JPEG", "MPO"):
            image.draft("RGB", (2 * smallest, 2 * smallest))
        image.load()
        return convert(_upright(image))
    except Rejected:
        raise
    except UnidentifiedImageError:
        raise Rejected("not an image", "no known image format") from None
    except Image.DecompressionBombError:
        raise Rejected("too many pixels", f"it is over {MAX_PIXELS} pixels") from None
    except Exception as error:  # decoders of damaged files raise about everything
        reason = " ".join(str(error).split()) or type(error).__name__
        kind = "truncated" if "truncated" in reason.lower() else "undecodable"
        raise Rejected(kind, reason) from None


def _formats() -> list[str]:
    Image.init()  # imports the plugins once; a build of Pillow may lack some
    return [name for name in FORMATS if name in Image.OPEN]


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(0x0112, 1)  # after load(): PNG may carry it at its end
    except Exception:  # damaged EXIF says nothing about the pixels
        return image
    turn = UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if _is_deep(image):
        return _eight_bits(_sixteen_bits(image)).convert("RGB")
    _refuse_unbounded(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(layer, mask=layer)
        return white
    return image.convert("RGB")


def _native(image: Image.Image) -> Image.Image:
    transparent = image.has_transparency_data
    if _is_deep(image):
        values = _sixteen_bits(image)
        result = Image.fromarray(values)
        if transparent:
            result = _eight_bits(values)
            result.putalpha(Image.fromarray(values != image.info["transparency"]).convert("L"))
    else:
        _refuse_unbounded(image)
        grey = image.mode in ("1", "L", "LA", "La")
        result = image.convert(("L" if grey else "RGB") + ("A" if transparent else ""))
    profile = image.info.get("icc_profile")
    described = profile and image.mode not in ("CMYK", "YCbCr")  # those are no longer its colours
    result.info = {"icc_profile": profile} if described else {}
    return result


def _refuse_unbounded(image: Image.Image) -> None:
    if image.mode in ("F", "LAB"):
        raise Rejected("unsupported", f"pixels of mode {image.mode}")


def _is_deep(image: Image.Image) -> bool:
    return image.mode == "I" or image.mode.startswith("I;16")


def _sixteen_bits(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise Rejected("unsupported", "32-bit grey has no defined white")
    return values.astype(np.uint16)


def _eight_bits(values: np.ndarray) -> Image.Image:
    grey = (values.astype(np.uint32) + 128) // 257  # 65535 / 257 = 255
    return Image.fromarray(grey.astype(np.uint8))
