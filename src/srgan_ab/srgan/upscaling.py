"""Enlarging pictures with a trained generator: many of one size, or one of any size in tiles."""

import numpy as np
import torch
from tqdm import tqdm

from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.crops import as_float, as_uint8
from srgan_ab.srgan.generator import Generator


@torch.inference_mode()
def upscale(
    generator: Generator,
    lr: np.ndarray,
    out: np.ndarray,
    runtime: Runtime,
    batch_size: int = 64,
) -> None:
    """Fill `out` with the enlarged images; memory is bounded by the batch.

    Args:
        generator: in evaluation mode, on the runtime's device.
        lr: (N, h, w, 3) uint8 RGB in [0, 255].
        out: (N, 4h, 4w, 3) uint8, written in place.
        runtime: where to compute.
        batch_size: images per batch.
    """
    for start in range(0, len(lr), batch_size):
        rows = slice(start, start + batch_size)
        batch = torch.from_numpy(np.array(lr[rows])).to(runtime.device)
        with runtime.autocast():
            sr = generator(as_float(batch))
        out[rows] = as_uint8(sr).cpu().numpy()


def halo(generator: Generator) -> int:
    """LR pixels on each side that an output pixel depends on, rounded up: 40 for 16 blocks.

    4 from the first 9x9 convolution, 2 per block and 1 after them, 1 and 1/2 from the doublings,
    1 from the last 9x9 convolution.
    """
    return 2 * len(generator.body) + 8


@torch.inference_mode()
def upscale_picture(
    generator: Generator, lr: np.ndarray, runtime: Runtime, tile: int = 128
) -> np.ndarray:
    """Enlarge one picture of any size; tiles overlap by the receptive field, so none shows.

    Args:
        generator: in evaluation mode, on the runtime's device.
        lr: (h, w, 3) uint8 RGB in [0, 255].
        runtime: where to compute.
        tile: side of a tile in LR pixels: it bounds the memory.

    Returns:
        (4h, 4w, 3) uint8.
    """
    height, width = lr.shape[:2]
    margin = halo(generator)
    out = np.empty((4 * height, 4 * width, 3), np.uint8)
    corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
    for y, x in tqdm(corners, desc="upscale", unit="tile"):
        top, left = max(0, y - margin), max(0, x - margin)
        piece = lr[top : y + tile + margin, left : x + tile + margin]
        sr = np.empty((1, 4 * piece.shape[0], 4 * piece.shape[1], 3), np.uint8)
        upscale(generator, piece[None], sr, runtime)
        inside = sr[0, 4 * (y - top) :, 4 * (x - left) :][: 4 * tile, : 4 * tile]
        out[4 * y : 4 * (y + tile), 4 * x : 4 * (x + tile)] = inside
    return out
