"""Enlarging one picture of any mode to any scale: what the network makes of it is never whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from math import ceil, floor

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt

from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import bands, halo

LANCZOS, BICUBIC = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC
RADIUS = 3  # of Lanczos' kernel, in pixels of the smaller picture

Share = Callable[[float], object]
Box = tuple[float, float, float, float]  # left, top, right, bottom


def enlarged_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Width and height of the result: rounded, and at least 1."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def enlarge(
    generator: Generator,
    image: Image.Image,
    runtime: Runtime,
    scale: float | None = None,
    tile: int = 256,
    wrap: bool = False,
    on_share: Share = lambda share: None,
) -> Image.Image:
    """Enlarge a picture and keep its mode and its alpha; `info` is left out.

    Other scales than the network's are resized from its result by Lanczos. Alpha is
    enlarged by bicubic interpolation: the network has learnt photographs, not masks, and would
    leave what is opaque a little transparent.

    Args:
        generator: in evaluation mode, on the runtime's device.
        image: of mode L, LA, RGB, RGBA or I;16.
        runtime: where to compute; 16-bit grey is always computed in fp32.
        scale: of the result, above 0; None = that of the network.
        tile: side of a tile in pixels of `image`; besides the picture and the result, memory
            depends on it and on the width of the picture alone.
        wrap: whether the right edge goes on at the left one and the lower one at the upper, as in
            a texture that tiles.
        on_share: receives the share that is done, up to 1, after every tile.
    """
    times = generator.scale
    scale = times if scale is None else scale
    size = enlarged_size(image.size, scale)
    # what is seen beyond an edge: the receptive field, and what resizing takes
    beyond = halo(generator) + ceil(RADIUS / min(scale, times)) + 1 if wrap else 0
    values = np.asarray(image)
    if values.ndim == 2:
        values = values[..., None]
    if wrap:
        values = np.pad(values, ((beyond, beyond), (beyond, beyond), (0, 0)), "wrap")
    transparent = image.mode in ("LA", "RGBA")
    colour = _cover_hidden(values[..., :-1], values[..., -1]) if transparent else values
    deep = image.mode == "I;16"
    if deep:
        runtime = replace(runtime, precision="fp32")
    right, lower = beyond + image.width, beyond + image.height
    box = (times * beyond, times * beyond, times * right, times * lower)
    with _without_tf32() if deep else nullcontext():
        larger = bands(generator, colour, runtime, tile, on_share)
        mode = image.mode.removesuffix("A")
        result = _resized(larger, times * colour.shape[0], box, size, mode)
    if transparent:
        alpha = Image.fromarray(np.ascontiguousarray(values[..., -1]))
        result.putalpha(alpha.resize(size, BICUBIC, box=(beyond, beyond, right, lower)))
    return result


@contextmanager
def _without_tf32() -> Iterator[None]:
    """fp32 with all of its bits: convolutions on CUDA keep 11 of 24 unless told not to."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _cover_hidden(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Give wholly transparent pixels the colour of the nearest that is not.

    Nobody sees the colour stored there, often black, but the network would mix it into the edge of
    what is seen.

    Args:
        colour: (h, w, C) uint8.
        alpha: (h, w) uint8.

    Returns:
        (h, w, C) uint8.
    """
    hidden = alpha == 0
    if hidden.all() or not hidden.any():
        return colour
    y, x = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    return colour[y, x]


def _resized(
    parts: Iterator[np.ndarray], height: int, box: Box, size: tuple[int, int], mode: str
) -> Image.Image:
    """What Lanczos makes of a part of a picture that comes in bands, as if it were there whole.

    Args:
        parts: of the picture, from top to bottom.
        height: of all of them.
        box: the part that becomes the result; pixels beyond it are seen at its edges.
        size: width and height of the result.
        mode: of the result: L, RGB or I;16.
    """
    result = Image.new(mode, size)
    left, top, right, bottom = box
    ratio = (bottom - top) / size[1]
    as_it_is = size == (right - left, bottom - top)
    reach = 0.0 if as_it_is else RADIUS * max(1.0, ratio) + 1
    kept: list[np.ndarray] = []
    first = last = done = 0  # rows of the picture that are kept; rows of the result
    for band in parts:
        kept.append(band)
        last += len(band)
        ready = size[1] if last == height else floor((last - reach - top) / ratio - 0.5)
        ready = min(ready, size[1])
        if ready <= done:
            continue
        rows = np.concatenate(kept) if len(kept) > 1 else band
        image = Image.fromarray(rows[..., 0] if rows.shape[2] == 1 else rows)
        lower = min(top + ready * ratio - first, image.height)
        part = (left, top + done * ratio - first, right, lower)
        if as_it_is:
            new = image.crop(part)
        else:
            new = image.resize((size[0], ready - done), LANCZOS, box=part)
        result.paste(new, (0, done))
        done = ready
        keep = min(max(first, floor(top + (done + 0.5) * ratio - reach)), last)
        kept, first = [rows[keep - first :].copy()], keep
    return result
