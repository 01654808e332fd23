"""Where a lattice would be seen: smooth dark parts of pictures, enlarged and shown large.

    python benchmarks/smooth_areas.py areas.png bicubic photo plays=generator.safetensors

Each name is a column: `bicubic`, a generator that comes with the project, or NAME=FILE. The
pictures are of the embedded data set, so that they may be shown; what is shown is brightened.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy.ndimage import uniform_filter

from srgan_ab.app.machine import runtime_of
from srgan_ab.common.interpolation import resize
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.shipped import weights_of
from srgan_ab.data.rendering.synthetic import render
from srgan_ab.srgan.generator import load_generator
from srgan_ab.srgan.upscaling import upscale_picture

SIZE, AREA = 128, 40  # pixels: sides of the pictures and of what is shown of each
PICTURES, ROWS = 200, 4
DARK = (15, 50)  # mean of an area, of 255
SHOWN = 4 * AREA
BRIGHTER = 2.5


def smooth_areas(pictures: np.ndarray) -> list[tuple[int, int, int]]:
    """The smoothest dark area of each of the ROWS pictures that have the smoothest: n, top, left.

    Args:
        pictures: (N, H, W, 3) uint8.
    """
    grey = pictures.mean(3)
    mean = uniform_filter(grey, AREA, axes=(1, 2))
    spread = uniform_filter(grey * grey, AREA, axes=(1, 2)) - mean * mean
    half = AREA // 2
    inside = np.zeros_like(grey, bool)
    inside[:, half : SIZE - half + 1, half : SIZE - half + 1] = True
    spread[~inside | (mean < DARK[0]) | (mean > DARK[1])] = np.inf
    chosen = spread.min((1, 2)).argsort()[:ROWS]
    places = (np.unravel_index(spread[n].argmin(), grey.shape[1:]) for n in chosen)
    return [
        (int(n), int(y) - half, int(x) - half) for n, (y, x) in zip(chosen, places, strict=True)
    ]


def main(
    output: Annotated[Path, typer.Argument(help="The PNG to write.")],
    names: Annotated[list[str], typer.Argument(help="bicubic, a shipped name, or NAME=FILE.")],
) -> None:
    """Draw a row for each area: as it is, then by each of the names."""
    runtime = runtime_of("auto", "fp32")
    hr = render(np.zeros(PICTURES, int), np.arange(PICTURES), seed=0, size=SIZE)
    areas = smooth_areas(hr)
    hr = hr[[n for n, _, _ in areas]]
    lr = resize(hr, SIZE // 4, SIZE // 4)
    columns = {"original": hr}
    for name in names:
        label, _, file = name.rpartition("=")
        if name == "bicubic":
            columns[name] = resize(lr, SIZE, SIZE)
        else:
            generator = load_generator(weights_of(file), runtime.device)
            larger = [upscale_picture(generator, image, runtime) for image in lr]
            columns[label or name] = np.stack(larger)
    rows = [
        [
            np.clip(
                images[row, y : y + AREA, x : x + AREA].astype(np.float32) * BRIGHTER, 0, 255
            ).astype(np.uint8)
            for images in columns.values()
        ]
        for row, (_, y, x) in enumerate(areas)
    ]
    save_png(contact_sheet(rows, list(columns), cell=SHOWN), output)


if __name__ == "__main__":
    typer.run(main)
