"""Enlarging pictures with a trained generator: many of one size, or one of any size in tiles."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.tensors import as_float, as_uint8
from srgan_ab.srgan.generator import Generator


def fill(
    out: np.ndarray,
    rows: np.ndarray,
    make: Callable[[np.ndarray], torch.Tensor],
    batch_size: int,
    on_batch: Callable[[int], object] = lambda images: None,
    processes: Processes = ALONE,
) -> None:
    """Write rows of an array batch by batch: memory is bounded by the batch.

    Args:
        out: (N, ...) uint8, written in place by every process: of `new_array`, or one of its own.
        rows: (n,) which rows, in ascending order.
        make: a part of them to the tensor that is written there, on the CPU.
        batch_size: rows per batch.
        on_batch: receives the number of rows that were just written.
        processes: that make a batch each; all take part.
    """
    starts = range(0, len(rows), batch_size)
    for first in range(0, len(starts), processes.size):
        turn = starts[first : first + processes.size]
        made = [make(rows[start : start + batch_size]) for start in processes.mine(turn)]
        for start, images in zip(turn, processes.collect(made), strict=True):
            out[rows[start : start + batch_size]] = images.numpy()
            on_batch(len(images))


@torch.inference_mode()
def upscale(
    generator: Generator,
    lr: np.ndarray,
    out: np.ndarray,
    runtime: Runtime,
    batch_size: int = 64,
    rows: np.ndarray | None = None,
    on_batch: Callable[[int], object] = lambda images: None,
    processes: Processes = ALONE,
) -> None:
    """Fill `out` with the enlarged images; memory is bounded by the batch.

    Args:
        generator: in evaluation mode, on the runtime's device.
        lr: (N, h, w, 3) uint8 RGB in [0, 255].
        out: (N, scale · h, scale · w, 3) uint8, written in place.
        runtime: where to compute.
        batch_size: images per batch.
        rows: which images, in ascending order; None = all.
        on_batch, processes: as of `fill`.
    """

    def make(some: np.ndarray) -> torch.Tensor:
        with runtime.autocast():
            sr = generator(as_float(np.asarray(lr[some]), runtime.device))
        return as_uint8(sr).cpu()

    rows = np.arange(len(lr)) if rows is None else rows
    fill(out, rows, make, batch_size, on_batch, processes)


def halo(generator: Generator) -> int:
    """LR pixels on each side that an output pixel depends on, rounded up: 40 for 16 blocks.

    4 from the first 9x9 convolution, 2 per block and 1 after them, less than 2 from the doublings,
    and from the last 9x9 convolution 4 HR pixels: with one doubling 8 in all beside the blocks,
    with more of them less.
    """
    return 2 * len(generator.body) + 8


@torch.inference_mode()
def bands(
    generator: Generator,
    lr: np.ndarray,
    runtime: Runtime,
    tile: int = 256,
    on_share: Callable[[float], object] = lambda share: None,
) -> Iterator[np.ndarray]:
    """One picture of any size, enlarged by the generator's scale, from top to bottom.

    It is computed in tiles that overlap by the receptive field, so that none shows.

    Args:
        generator: in evaluation mode, on the runtime's device.
        lr: (h, w, 3) RGB or (h, w, 1) grey: uint8, uint16, or float32 in [0, 1]. The network sees
            grey as three equal channels, and the result is the mean of the three that it gives.
        runtime: where to compute. bf16 has 8 significant bits: use fp32 for uint16.
        tile: side of a tile in LR pixels.
        on_share: receives the share that is done, up to 1, after every tile.

    Yields:
        (scale · rows, scale · w, channels) of the same type and range, of at most `tile` LR rows.
    """
    height, width, channels = lr.shape
    white = np.iinfo(lr.dtype).max if lr.dtype.kind == "u" else 1
    margin, scale = halo(generator), generator.scale
    for y in range(0, height, tile):
        rows = min(tile, height - y)
        band = np.empty((scale * rows, scale * width, channels), lr.dtype)
        top = max(0, y - margin)
        for x in range(0, width, tile):
            columns, left = min(tile, width - x), max(0, x - margin)
            piece = lr[top : y + tile + margin, left : x + tile + margin].astype(np.float32)
            batch = torch.from_numpy(piece).to(runtime.device).permute(2, 0, 1)[None] / white
            with runtime.autocast():
                sr = generator(batch.expand(-1, 3, -1, -1))[0]  # (3, scale · h', scale · w')
            down, right = scale * (y - top), scale * (x - left)
            sr = sr[:, down : down + scale * rows, right : right + scale * columns]
            sr = sr.float().clamp(0, 1)
            if channels == 1:
                sr = sr.mean(0, keepdim=True)
            if white > 1:
                sr = sr.mul(white).round()
            band[:, scale * x : scale * (x + columns)] = sr.permute(1, 2, 0).cpu().numpy()
            on_share((y * width + rows * (x + columns)) / (height * width))
        yield band


def upscale_picture(
    generator: Generator, lr: np.ndarray, runtime: Runtime, tile: int = 256
) -> np.ndarray:
    """All `bands` of a picture; memory beside it is bounded by a band."""
    height, width, channels = lr.shape
    scale = generator.scale
    out = np.empty((scale * height, scale * width, channels), lr.dtype)
    done = 0
    for band in bands(generator, lr, runtime, tile):
        out[done : done + len(band)] = band
        done += len(band)
    return out
