"""One picture from its bytes: pixels as the network wants them, and what they carry."""

from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image, ImageCms

from srgan_ab.app.carried import Carried, read_carried
from srgan_ab.app.formats import FORMAT_OF_PILLOW, readable
from srgan_ab.common.errors import UserError
from srgan_ab.data.decoding import UPRIGHT, Rejected, decode_native

SEVERAL = {  # what more than one frame means; in MPO the others are views of the same picture
    "GIF": "is an animation",
    "PNG": "is an animation",
    "WEBP": "is an animation",
    "AVIF": "is an animation",
    "TIFF": "has several pages",
}
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


@dataclass
class Original:
    """A picture as it was read.

    Attributes:
        image: upright, of mode L, LA, RGB, RGBA or I;16, without `info`.
        carried: what it carries beside its pixels.
        format: the key of `srgan_ab.app.formats.FORMATS` that it came in, or None.
        notes: what the user should know of it, each the end of a sentence.
    """

    image: Image.Image
    carried: Carried
    format: str | None
    notes: list[str] = field(default_factory=list)


def read_original(
    data: bytes,
    name: str,
    first_frame: bool = False,
    mend: str = "--first-frame enlarges the first alone",
) -> Original:
    """Decode a picture, and read what it carries.

    Args:
        data: the file's bytes.
        name: of the file, for sentences.
        first_frame: whether only the first of several frames or pages is wanted.
        mend: what to do about several, for a sentence.

    Raises:
        UserError: the file is no picture, is damaged, or has several frames that nobody excused.
    """
    try:
        image = decode_native(data)
    except Rejected as rejected:
        raise UserError(f"{name} cannot be read: {rejected}") from None
    with Image.open(BytesIO(data), formats=readable()) as opened:
        several = SEVERAL.get(opened.format or "")
        if several and not first_frame and getattr(opened, "n_frames", 1) > 1:
            raise UserError(f"{name} {several}: {mend}")
        if opened.format == "PNG":
            opened.load()  # it may carry text and EXIF at its end
        notes = []
        profile = image.info.get("icc_profile")
        carried, said = read_carried(opened, profile)
        if said:
            notes.append(said)
        if opened.mode == "CMYK" and (embedded := opened.info.get("icc_profile")):
            converted = _by_profile(opened, embedded)
            if converted:
                image = converted
            else:
                notes.append("its CMYK profile is not valid, so its colours are a rough guess")
        image.info = {}
        return Original(image, carried, FORMAT_OF_PILLOW.get(opened.format or ""), notes)


def _by_profile(image: Image.Image, embedded: bytes) -> Image.Image | None:
    """CMYK as upright sRGB, by its own profile; None where that is none of CMYK."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(embedded))
        converted = ImageCms.profileToProfile(
            image, profile, ImageCms.createProfile("sRGB"), INTENT, "RGB", flags=FLAGS
        )
    except (ImageCms.PyCMSError, OSError):
        return None
    if converted is None:
        return None
    turn = UPRIGHT.get(image.getexif().get(0x0112, 1))
    return converted if turn is None else converted.transpose(turn)


def plain(image: Image.Image) -> Image.Image:
    """A picture of any mode of Pillow's as one that the network can enlarge."""
    if image.mode in ("L", "LA", "RGB", "RGBA", "I;16"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
