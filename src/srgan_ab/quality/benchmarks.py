"""Enlargers compared on folders of HR pictures, as super-resolution papers do.

A picture is cropped to a multiple of the scale and made smaller by it; each method enlarges that,
and the result, rounded to 8 bits, is compared with the original.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from PIL import Image

from srgan_ab.common.bars import bar
from srgan_ab.common.errors import UserError
from srgan_ab.common.interpolation import FILTERS, resize
from srgan_ab.common.pictures import contact_sheet, save_png, through_jpeg
from srgan_ab.quality.image_quality import (
    WINDOW,
    Lpips,
    Resize,
    lr_psnr,
    measure,
    smallest,
)
from srgan_ab.quality.realism import Patches
from srgan_ab.quality.resizing import resize_bicubic

SHOWN = 160  # pixels, side of the crops in a sheet

Kernel = Literal["matlab", "pillow"]
Pictures = Iterable[tuple[str, np.ndarray]]  # name and (H, W, 3) uint8 RGB
Enlarge = Callable[[np.ndarray], np.ndarray]  # (h, w, 3) to (scale · h, scale · w, 3) uint8
Scores = dict[str, dict[str, float | None]]  # method -> metric -> value

BICUBIC: dict[Kernel, Resize] = {"matlab": resize_bicubic, "pillow": resize}
LR = {
    "matlab": "MATLAB's imresize (bicubic, antialiased, edges reflected, rounded to 8 bits)",
    "pillow": "Pillow's resize (bicubic, antialiased, rounded to 8 bits)",
}


def convention(lr: Kernel, scale: int, jpeg: int | None = None) -> str:
    """What the numbers mean, to stand beside each table of them."""
    compressed = "" if jpeg is None else f", LR then through JPEG of quality {jpeg} (4:2:0)"
    return (
        f"x{scale}; sides cropped to multiples of {scale}; LR, and the method bicubic, by "
        f"{LR[lr]}{compressed}; nearest, bilinear, lanczos by Pillow. Means over pictures. "
        "PSNR in dB, peak 1.0 (255 in 8 bits): psnr_y on BT.601 luma (16 to 235), unrounded, "
        f"{scale} pixels cut off each side; psnr_rgb on the whole picture. "
        f"SSIM on Y, {scale} pixels cut off, Gaussian window of {WINDOW} pixels, sigma 1.5. "
        "LPIPS v0.1 (SqueezeNet) on the whole picture. lr_psnr: RGB, between LR and the result "
        "made small again as LR was, at most 100. realism: how often a network that was trained on "
        f"patches of {Patches.SIDE} pixels of every second picture tells those of the others from "
        "photographs, 0.5 if it cannot. Grey pictures count as RGB."
    )


def interpolations(lr: Kernel, scale: int) -> dict[str, Enlarge]:
    """The methods that need no training; bicubic by the convention that makes the LR pictures."""

    def by(resizer: Resize) -> Enlarge:
        return lambda image: resizer(image[None], scale * len(image), scale * image.shape[1])[0]

    return {method: by(partial(resize, method=method)) for method in FILTERS} | {
        "bicubic": by(BICUBIC[lr])
    }


def benchmark_folders(
    folders: Iterable[Path],
    read: Callable[[Path], Pictures],
    lr: Kernel,
    scale: int,
    networks: Mapping[str, Enlarge],
    lpips: Lpips | None,
    device: torch.device,
    sheets: Path | None = None,
    jpeg: int | None = None,
) -> Iterator[tuple[str, dict[str, Scores], dict[str, float]]]:
    """`benchmark` of the pictures in each folder, one folder after another, and their realism.

    Args:
        folders: of HR pictures.
        read: gives the pictures of a folder.
        lr, scale, networks, lpips, device, jpeg: as of `benchmark`.
        sheets: a directory; if given, each folder's sheets go to one of its name there.

    Yields:
        The folder's name, what `benchmark` returns, and realism by method, as of
        `realism.Patches`: of bicubic, the networks, and photographs against photographs.

    Raises:
        UserError: two folders have the same name, or a picture is too small to measure.
    """
    folders = list(folders)
    by_name = {_name(folder): folder for folder in folders}
    if len(by_name) < len(folders):
        raise UserError("two of the folders have the same name: rename one, or measure it apart")
    for name, folder in by_name.items():
        place, patches = sheets / name if sheets else None, Patches()
        scores = benchmark(read(folder), lr, scale, networks, lpips, device, place, jpeg, patches)
        yield name, scores, patches.realism(device)


def _name(folder: Path) -> str:
    """As it was given; `.` and `..` say none."""
    return folder.resolve().name if folder.name in ("", "..") else folder.name


def benchmark(
    pictures: Pictures,
    lr: Kernel,
    scale: int,
    networks: Mapping[str, Enlarge],
    lpips: Lpips | None,
    device: torch.device,
    sheets: Path | None = None,
    jpeg: int | None = None,
    patches: Patches | None = None,
) -> dict[str, Scores]:
    """Measure every method on every picture, one picture in memory at a time.

    Args:
        pictures: to be measured.
        lr: which kernel makes the LR pictures.
        scale: how much smaller they are than HR, along each side.
        networks: methods besides the interpolations, by name.
        lpips: from `image_quality.load_lpips`.
        device: where to measure.
        sheets: a directory; if given, the middle of each picture by every method is drawn there.
        jpeg: quality of the JPEG that the LR pictures are read from; None = of none.
        patches: gets those of bicubic and the networks.

    Returns:
        picture -> method -> `psnr_rgb psnr_y ssim_y lpips` as of `image_quality.measure`, and
        `lr_psnr` as of `image_quality.lr_psnr` with the kernel `lr`.

    Raises:
        UserError: a picture is too small to measure.
    """
    shrink, methods = BICUBIC[lr], interpolations(lr, scale) | dict(networks)
    scores = {}
    for name, original in bar(pictures, label="benchmark", unit="picture"):
        height, width = (side // scale * scale for side in original.shape[:2])
        hr = original[:height, :width]
        if min(height, width) < smallest(scale):
            raise UserError(
                f"{name} is {original.shape[1]}x{original.shape[0]} pixels, too small to measure: "
                f"both sides must have {smallest(scale)} after cropping to a multiple of {scale}"
            )
        small = shrink(hr[None], height // scale, width // scale)[0]
        if jpeg is not None:
            small = through_jpeg(small, jpeg)
        enlarged = {method: enlarge(small) for method, enlarge in methods.items()}
        scores[name] = {
            method: measure(sr[None], hr[None], lpips, device, border=scale)
            | {"lr_psnr": lr_psnr(sr[None], small[None], device, shrink)}
            for method, sr in enlarged.items()
        }
        if patches:
            patches.add(hr, {m: enlarged[m] for m in ("bicubic", *networks)})
        if sheets:
            file = name if name.endswith(".png") else f"{name}.png"
            save_png(_sheet(enlarged | {"HR": hr}, scores[name]), sheets / file)
    return scores


def _sheet(images: dict[str, np.ndarray], scores: Scores) -> Image.Image:
    height, width = images["HR"].shape[:2]
    side = min(SHOWN, height, width)
    y, x = (height - side) // 2, (width - side) // 2
    captions = [f"{scores[m]['psnr_y']:.2f} dB (Y)" if m in scores else "" for m in images]
    crops = [image[y : y + side, x : x + side] for image in images.values()]
    return contact_sheet([crops], list(images), [captions], SHOWN)


def means(scores: Mapping[str, Scores], realism: Mapping[str, float] | None = None) -> Scores:
    """Averages over pictures, with realism where there is any: method -> metric -> value.

    `n` is the number of pictures. LPIPS is None where it was not measured. Photographs against
    photographs have realism alone.
    """

    def mean(values: Sequence[float | None]) -> float | None:
        measured = [value for value in values if value is not None]
        return float(np.mean(measured)) if len(measured) == len(values) else None

    methods = next(iter(scores.values()))
    average: Scores = {
        method: {"n": len(scores)}
        | {
            metric: mean([picture[method][metric] for picture in scores.values()])
            for metric in metrics
        }
        for method, metrics in methods.items()
    }
    for method, accuracy in (realism or {}).items():
        average.setdefault(method, {})["realism"] = accuracy
    return average


def table(
    scores: Mapping[str, Scores], per_image: bool, realism: Mapping[str, float] | None = None
) -> str:
    """Text with a row per method, or per picture and method with the means last."""
    average = means(scores, realism)
    rows = {("mean", method): values for method, values in average.items()}
    if per_image:
        rows = {(name, m): v for name, s in scores.items() for m, v in s.items()} | rows
    places = {"psnr_y": 2, "psnr_rgb": 2, "ssim_y": 4, "lpips": 4, "lr_psnr": 2}
    places |= {"realism": 3} if realism else {}
    frame = pd.DataFrame.from_dict(rows, orient="index")[list(places)]
    if not per_image:
        frame = frame.droplevel(0)
    formats = {column: f"{{:.{n}f}}".format for column, n in places.items()}
    return frame.astype(float).to_string(formatters=formats, na_rep="-")
