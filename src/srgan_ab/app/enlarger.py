"""From a file to a larger file: what `srgan-ab upscale` does with each picture."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from srgan_ab.app.batch import Result
from srgan_ab.app.carried import Carried, enlarged
from srgan_ab.app.doctor import GIGABYTE, free_memory
from srgan_ab.app.formats import refuse_what_it_cannot_hold, write
from srgan_ab.app.inputs import STREAM, Task
from srgan_ab.app.originals import Original, read_original
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.enlarging import enlarge, enlarged_size
from srgan_ab.srgan.generator import Generator

BYTES = {"L": 1, "I;16": 2}  # of a pixel in memory; Pillow keeps four for every other mode


@dataclass
class Enlarger:
    """A generator, and how pictures are enlarged by it.

    Attributes:
        generator: in evaluation mode, on the runtime's device.
        runtime: where it is computed.
        scale: of results.
        tile: side of a tile in pixels of the original.
        wrap: whether opposite edges go on at each other.
        first_frame: whether the first of several frames may stand for all.
        keep_gps: whether EXIF keeps the place.
        quality: of formats with loss; None = the usual one.
        on_pixels: receives how many pixels of the original were just enlarged.
    """

    generator: Generator
    runtime: Runtime
    scale: float
    tile: int = 256
    wrap: bool = False
    first_frame: bool = False
    keep_gps: bool = False
    quality: int | None = None
    on_pixels: Callable[[int], object] = lambda pixels: None

    def read(self, task: Task) -> Original:
        """Read a picture.

        Raises:
            UserError: it is none, is damaged, or has several frames that nobody excused.
            OSError: the file cannot be read.
        """
        if task.source == STREAM:
            data = sys.stdin.buffer.read()
        elif task.source.is_file():
            data = task.source.read_bytes()
        else:
            raise UserError(f"{task.source} is no file: check the path")
        return read_original(data, task.name, self.first_frame)

    def compute(self, task: Task, original: Original) -> Result:
        """Enlarge a picture that was read; writing it comes later.

        Raises:
            UserError: the format cannot hold the result, or memory cannot.
        """
        image = original.image
        size = enlarged_size(image.size, self.scale)
        format = task.format or original.format or "png"
        refuse_what_it_cannot_hold(task.name, image, size, format)
        needed = size[0] * size[1] * BYTES.get(image.mode, 4) / GIGABYTE
        if needed > (free := free_memory()):
            raise UserError(
                f"{task.name} would take {needed:.1f} GB of memory, and {free:.1f} are free: lower "
                "--scale or --jobs"
            )
        whole, done = image.width * image.height, 0

        def on_share(share: float) -> None:
            nonlocal done
            self.on_pixels(round(share * whole) - done)
            done = round(share * whole)

        larger = enlarge(
            *(self.generator, image, self.runtime, self.scale, self.tile, self.wrap), on_share
        )
        carried = enlarged(original.carried, image.size, size, self.keep_gps)

        def write_it() -> str:
            self._write(larger, carried, format, task)
            shown = "standard output" if task.target == STREAM else task.target
            return "; ".join([f"{shown}: {size[0]}x{size[1]} pixels", *original.notes])

        return Result(size[0] * size[1], write_it)

    def _write(self, image: Image.Image, carried: Carried, format: str, task: Task) -> None:
        if task.target == STREAM:
            stream = BytesIO()
            write(image, carried, format, self.quality, stream)
            sys.stdout.buffer.write(stream.getbuffer())
            sys.stdout.buffer.flush()
        else:
            with atomic_file(task.target) as temporary:
                write(image, carried, format, self.quality, temporary)
