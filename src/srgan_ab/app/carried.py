"""What a picture carries beside its pixels: read from the original, put right for the larger one.

XMP, maker notes, thumbnails and raw profiles in PNG text are left out: they speak of the small
picture, hold offsets that would be wrong, or the place that `--keep-gps` is asked for.
"""

from dataclasses import dataclass, field

from PIL import Image, TiffTags
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import IFDRational

WIDTH, HEIGHT, ORIENTATION = 0x0100, 0x0101, 0x0112
X_RESOLUTION, Y_RESOLUTION = 0x011A, 0x011B
DETAILS, PLACE = 0x8769, 0x8825  # directories of their own: camera and exposure; GPS
INTEROPERABILITY = 0xA005  # a directory within DETAILS
PIXELS_X, PIXELS_Y = 0xA002, 0xA003
DOTS = 1e6  # per inch: more are a mistake
LEFT_OUT = (
    *(0x927C, 0x9214, 0xA214),  # maker's notes; the subject's area and place, in pixels
    *(0x00FE, 0x00FF, 0x0102, 0x0103, 0x0106, 0x010A, 0x0111, 0x0115, 0x0116, 0x0117, 0x011C),
    *(0x013D, 0x0140, 0x0142, 0x0143, 0x0144, 0x0145, 0x014A, 0x0152, 0x0153, 0x015B),  # TIFF's
    *(0x0201, 0x0202, 0x0211, 0x0212, 0x0213, 0x0214),  # JPEG's within TIFF, and thumbnails
    *(0x02BC, 0x83BB, 0x8649, 0x8773),  # XMP, IPTC, Photoshop's, ICC
)
TYPES = {  # of Exif 2.32, table 8: Pillow would guess another from the value, and write that
    TiffTags.UNDEFINED: (0x8828, 0x9101, 0x9286, 0xA20C, 0xA300, 0xA301, 0xA40B, 0xA462),
    TiffTags.SIGNED_RATIONAL: (0x9201, 0x9203, 0x9204, 0x9400, 0x9403, 0x9405),
    TiffTags.LONG: (0x8831, 0x8832, 0x8833, 0x8834, 0x8835),
}
for _type, _tags in TYPES.items():
    for _tag in _tags:
        TiffTags.TAGS_V2_GROUPS[DETAILS][_tag] = TiffTags.TagInfo(_tag, type=_type)


class AsItCame(str):
    """Text of EXIF: Pillow reads it by Latin-1, but writes ASCII and `?` for all else."""

    def encode(self, encoding: str = "latin-1", errors: str = "strict") -> bytes:
        """The bytes that were read, whatever Pillow asks for."""
        return super().encode("latin-1", "replace")


@dataclass
class Carried:
    """EXIF, ICC profile, dots per inch and PNG text of one picture.

    Attributes:
        exif: directory by directory, or None.
        profile: bytes of the ICC profile that describes the pixels, or None.
        dpi: dots per inch along width and height, or None.
        text: of PNG, by keyword; a keyword may come twice.
    """

    exif: Image.Exif | None = None
    profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    text: list[tuple[str, str]] = field(default_factory=list)


def read_carried(image: Image.Image, profile: bytes | None) -> tuple[Carried, str | None]:
    """Read what an opened file carries.

    Args:
        image: as `Image.open` gives it, loaded.
        profile: the ICC profile of the pixels as they were decoded.

    Returns:
        What it carries, and what is to be said of it: None, or that its EXIF is damaged.
    """
    carried, said, sideways = Carried(profile=profile), None, False
    try:
        sideways = image.getexif().get(ORIENTATION) in (5, 6, 7, 8)
        carried.exif = _exif(image, sideways)
    except Exception as error:  # damaged EXIF raises about everything; the pixels are as they are
        said = f"its EXIF is damaged and left out ({' '.join(str(error).split())})"
    x, y = image.info.get("dpi", (0, 0))
    if 1 < x < DOTS and 1 < y < DOTS:  # 1 is Pillow's for TIFF that does not say
        carried.dpi = (float(y), float(x)) if sideways else (float(x), float(y))
    if isinstance(image, PngImageFile):
        carried.text = [
            (key, value)
            for key, value in image.text.items()
            if not key.startswith("Raw profile type ") and key != "XML:com.adobe.xmp"
        ]
    return carried, said


def _exif(image: Image.Image, sideways: bool) -> Image.Exif | None:
    """EXIF without what is left out; dots per inch along the sides that were turned upright."""
    found, result = image.getexif(), Image.Exif()
    for tag, value in found.items():
        if tag not in (*LEFT_OUT, DETAILS, PLACE):
            result[tag] = _as_it_came(value)
    dots = [result.pop(tag, None) for tag in (X_RESOLUTION, Y_RESOLUTION)]
    for tag, value in zip(
        (X_RESOLUTION, Y_RESOLUTION), dots[::-1] if sideways else dots, strict=True
    ):
        if isinstance(value, (int, float, IFDRational)) and 0 < float(value) < DOTS:
            result[tag] = float(value)
    for directory in (DETAILS, PLACE):
        values = {
            tag: _as_it_came(value)
            for tag, value in found.get_ifd(directory).items()
            if tag not in LEFT_OUT
        }
        if values.pop(INTEROPERABILITY, None) and (nested := found.get_ifd(INTEROPERABILITY)):
            values[INTEROPERABILITY] = nested  # in place of an offset, which would be another
        if values:
            result[directory] = values
    result.tobytes()  # raises where a value is not of its tag's type
    return result if len(result) else None


def _as_it_came(value: object) -> object:
    return AsItCame(value) if isinstance(value, str) else value


def enlarged(
    carried: Carried, before: tuple[int, int], after: tuple[int, int], keep_gps: bool = False
) -> Carried:
    """What the larger picture is to carry.

    Args:
        carried: what the original did.
        before: its width and height, upright.
        after: those of the result.
        keep_gps: whether EXIF keeps the place.
    """
    scales = after[0] / before[0], after[1] / before[1]
    dpi = carried.dpi and (carried.dpi[0] * scales[0], carried.dpi[1] * scales[1])
    exif = carried.exif and _put_right(carried.exif, scales, after, keep_gps)
    return Carried(exif, carried.profile, dpi, carried.text)


def _put_right(
    exif: Image.Exif, scales: tuple[float, float], size: tuple[int, int], keep_gps: bool
) -> Image.Exif | None:
    result = Image.Exif()
    for tag, value in exif.items():
        if tag != PLACE or keep_gps:
            result[tag] = dict(value) if isinstance(value, dict) else value
    details = result.get(DETAILS, {})
    for directory, tags in ((result, (WIDTH, HEIGHT)), (details, (PIXELS_X, PIXELS_Y))):
        for tag, length in zip(tags, size, strict=True):
            if tag in directory:
                directory[tag] = length
    if ORIENTATION in result:
        result[ORIENTATION] = 1  # the pixels are upright
    for tag, scale in zip((X_RESOLUTION, Y_RESOLUTION), scales, strict=True):
        if tag in result:
            result[tag] *= scale
    return result if len(result) else None


def in_tiff(exif: Image.Exif) -> dict[int, object]:
    """EXIF as Pillow can write it in TIFF: without a directory within the details' one."""
    result = dict(exif)
    if isinstance(details := result.get(DETAILS), dict):
        result[DETAILS] = {k: v for k, v in details.items() if k != INTEROPERABILITY}
    return result
