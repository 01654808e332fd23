"""Enlarging pictures from Python: `from srgan_ab import load_generator, upscale`."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

from PIL import Image

from srgan_ab.app.machine import chosen_runtime
from srgan_ab.app.models import weights_of
from srgan_ab.app.originals import plain, read_original
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.shipped import SHIPPED
from srgan_ab.srgan.enlarging import enlarge
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.generator import load_generator as load_network


@dataclass(frozen=True)
class Loaded:
    """A generator that is ready to compute.

    Attributes:
        network: maps (N, 3, h, w) float32 in [0, 1] to (N, 3, scale · h, scale · w), not clamped.
        runtime: its device and precision.
    """

    network: Generator
    runtime: Runtime


def load_generator(
    model: str | PathLike[str] = SHIPPED[0],
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
) -> Loaded:
    """Load a generator once, for as many pictures as there are.

    >>> generator = load_generator("small", device="cpu", precision="fp32")
    >>> len(generator.network.body)
    16

    Args:
        model: `photo`, `faithful`, `rough` or `small`, which come with the project, the path of a
            `.safetensors` file, or `URL#sha256=DIGEST` of one, which is downloaded once.
        device: where to compute; `auto` takes a GPU if there is one.
        precision: `auto` is bf16 where the processor computes in it.

    Raises:
        UserError: the file is missing or holds no generator, its address gives another one, or the
            device is not there.
    """
    runtime = chosen_runtime(device, precision)
    return Loaded(load_network(weights_of(str(model)), runtime.device), runtime)


def upscale(
    picture: Image.Image | str | PathLike[str],
    generator: Loaded | None = None,
    scale: float | None = None,
    tile: int = 256,
    wrap: bool = False,
) -> Image.Image:
    """Enlarge one picture.

    >>> from PIL import Image
    >>> generator = load_generator("small", device="cpu", precision="fp32")
    >>> upscale(Image.new("RGB", (6, 4), "olive"), generator).size
    (24, 16)
    >>> upscale(Image.new("L", (6, 4)), generator, scale=1.5).size
    (9, 6)

    Args:
        picture: an image of Pillow's, as it lies, or the path of a file, which comes out upright.
        generator: what `load_generator` gave; None = `photo`, loaded anew at each call.
        scale: above 0, up to 8; None = that of the network, 4 for those that come with the
            project. For another scale its result is resized by Lanczos.
        tile: side of a tile in pixels of the picture; memory beside the result depends on it.
        wrap: whether opposite edges go on at each other, as in a texture that tiles.

    Returns:
        RGB, RGBA, L, LA or, for 16-bit grey, I;16; without `info`.

    Raises:
        UserError: the file is no picture or is damaged, or the scale is out of range.
    """
    if scale is not None and not 0 < scale <= 8:
        raise UserError(f"scale is {scale:g}: give a number above 0, up to 8")
    if isinstance(picture, Image.Image):
        image = plain(picture)
    else:
        path = Path(picture)
        if not path.is_file():
            raise UserError(f"{path} is no file: check the path")
        image = read_original(path.read_bytes(), str(path), first_frame=True).image
    generator = generator or load_generator()
    return enlarge(generator.network, image, generator.runtime, scale, tile, wrap)
