"""Enlarging pictures with a trained generator: many of one size, or one of any size in tiles."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt

from srgan_ab.common.bars import bar
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.scale import SCALE
from srgan_ab.common.tensors import as_float, as_uint8
from srgan_ab.srgan.generator import Generator, load_generator


@torch.inference_mode()
def upscale(
    generator: Generator,
    lr: np.ndarray,
    out: np.ndarray,
    runtime: Runtime,
    batch_size: int = 64,
    rows: np.ndarray | None = None,
    on_batch: Callable[[int], object] = lambda images: None,
) -> None:
    """Fill `out` with the enlarged images; memory is bounded by the batch.

    Args:
        generator: in evaluation mode, on the runtime's device.
        lr: (N, h, w, 3) uint8 RGB in [0, 255].
        out: (N, 4h, 4w, 3) uint8, written in place.
        runtime: where to compute.
        batch_size: images per batch.
        rows: which images, in ascending order; None = all.
        on_batch: receives the number of images that were just written.
    """
    rows = np.arange(len(lr)) if rows is None else rows
    for start in range(0, len(rows), batch_size):
        some = rows[start : start + batch_size]
        with runtime.autocast():
            sr = generator(as_float(np.asarray(lr[some]), runtime.device))
        out[some] = as_uint8(sr).cpu().numpy()
        on_batch(len(some))


def halo(generator: Generator) -> int:
    """LR pixels on each side that an output pixel depends on, rounded up: 40 for 16 blocks.

    4 from the first 9x9 convolution, 2 per block and 1 after them, 1 and 1/2 from the doublings,
    1 from the last 9x9 convolution.
    """
    return 2 * len(generator.body) + 8


@torch.inference_mode()
def upscale_picture(
    generator: Generator, lr: np.ndarray, runtime: Runtime, tile: int = 256
) -> np.ndarray:
    """Enlarge one picture of any size; tiles overlap by the receptive field, so none shows.

    Besides `lr` and the result, memory is bounded by the tile.

    Args:
        generator: in evaluation mode, on the runtime's device.
        lr: (h, w, 3) RGB or (h, w, 1) grey: uint8, uint16, or float32 in [0, 1]. The network sees
            grey as three equal channels, and the result is the mean of the three that it gives.
        runtime: where to compute. bf16 has 8 significant bits: use fp32 for uint16.
        tile: side of a tile in LR pixels.

    Returns:
        (4h, 4w, channels) of the same type and range.
    """
    height, width, channels = lr.shape
    white = np.iinfo(lr.dtype).max if lr.dtype.kind == "u" else 1
    margin = halo(generator)
    out = np.empty((SCALE * height, SCALE * width, channels), lr.dtype)
    corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
    for y, x in bar(corners, label="upscale", unit="tile"):
        top, left = max(0, y - margin), max(0, x - margin)
        piece = lr[top : y + tile + margin, left : x + tile + margin].astype(np.float32)
        batch = torch.from_numpy(piece).to(runtime.device).permute(2, 0, 1)[None] / white
        with runtime.autocast():
            sr = generator(batch.expand(-1, 3, -1, -1))[0]  # (3, 4h', 4w')
        down, right, side = SCALE * (y - top), SCALE * (x - left), SCALE * tile
        sr = sr[:, down : down + side, right : right + side].float().clamp(0, 1)
        if channels == 1:
            sr = sr.mean(0, keepdim=True)
        if white > 1:
            sr = sr.mul(white).round()
        place = out[SCALE * y :, SCALE * x :][:side, :side]
        place[:] = sr.permute(1, 2, 0).cpu().numpy()
    return out


def enlarger(path: Path, runtime: Runtime, tile: int = 256) -> Callable[[np.ndarray], np.ndarray]:
    """`upscale_picture` by the generator in a file.

    Raises:
        UserError: the file is missing, or holds no generator.
    """
    generator = load_generator(path, runtime.device)
    return lambda lr: upscale_picture(generator, lr, runtime, tile)


@contextmanager
def _without_tf32() -> Iterator[None]:
    """fp32 with all of its bits: convolutions on CUDA keep 11 of 24 unless told not to."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def upscale_image(
    generator: Generator, image: Image.Image, runtime: Runtime, tile: int = 256
) -> Image.Image:
    """Enlarge a picture and keep its mode, its alpha and its `info`.

    Alpha is enlarged by bicubic interpolation: the network has learnt photographs, not masks, and
    would leave what is opaque a little transparent.

    Args:
        generator: in evaluation mode, on the runtime's device.
        image: of mode L, LA, RGB, RGBA or I;16.
        runtime: where to compute; 16-bit grey is always computed in fp32.
        tile: as for `upscale_picture`.
    """
    values = np.asarray(image)
    if image.mode == "I;16":
        runtime = replace(runtime, precision="fp32")
    if image.mode in ("L", "I;16"):
        values = values[..., None]
    if image.mode in ("LA", "RGBA"):
        values = _cover_hidden(values[..., :-1], values[..., -1])
    with _without_tf32() if image.mode == "I;16" else nullcontext():
        sr = upscale_picture(generator, values, runtime, tile)
    result = Image.fromarray(sr[..., 0] if sr.shape[2] == 1 else sr)
    if image.mode in ("LA", "RGBA"):
        alpha = image.getchannel("A").resize(result.size, Image.Resampling.BICUBIC)
        result.putalpha(alpha)
    result.info = dict(image.info)
    return result


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
