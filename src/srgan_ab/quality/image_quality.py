"""PSNR, SSIM, LPIPS and LR consistency of up-scaled images, averaged over images.

Conventions move these numbers by more than methods differ, so here they are once and for all:

- Images are in [0, 1] and already rounded to the 256 steps of the files that people see.
- Y is luma by ITU-R BT.601 with "studio swing", (16 + 65.481 R + 128.553 G + 24.966 B) / 255, not
  rounded again: the Y of MATLAB's rgb2ycbcr, on which the super-resolution literature reports.
- The peak is 1.0 for every channel (255 in 8-bit terms), for Y too, although it spans 219 steps.
- Each image gets a number, and the numbers are averaged (not the squared errors).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure
from torchmetrics.functional.image.lpips import _LPIPS

from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.errors import UserError
from srgan_ab.common.interpolation import Interpolated, resize
from srgan_ab.common.tensors import as_float
from srgan_ab.common.weights import load_weights, read_weights

WINDOW = 11  # pixels, SSIM
IDENTICAL = 100.0  # dB that stand for "no error at all", so that a mean stays finite

Lpips = Callable[[Tensor, Tensor], Tensor]
Resize = Callable[[np.ndarray, int, int], np.ndarray]  # images, height, width -> images


def smallest(border: int) -> int:
    """Pixels that a side must have to be measured without that border."""
    return WINDOW + 2 * border


def luma(rgb: Tensor) -> Tensor:
    """Y of BT.601: (N, 3, H, W) in [0, 1] to (N, 1, H, W) in [16/255, 235/255]."""
    weights = rgb.new_tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1)
    return ((rgb * weights).sum(1, keepdim=True) + 16) / 255


def _inside(images: Tensor, border: int) -> Tensor:
    height, width = images.shape[-2:]
    return images[..., border : height - border, border : width - border]


def psnr(sr: Tensor, hr: Tensor, channel: str, border: int) -> Tensor:
    """Peak signal-to-noise ratio of each image, 10 log10(1 / MSE).

    Args:
        sr: (N, 3, H, W) in [0, 1].
        hr: the same shape and range.
        channel: `rgb` (MSE over the three channels) or `y`.
        border: pixels left out on each side.

    Returns:
        (N,) dB, at most 100, which is what identical images get.
    """
    if channel == "y":
        sr, hr = luma(sr), luma(hr)
    error = (_inside(sr, border) - _inside(hr, border)).square().flatten(1).mean(1)
    return -10 * error.clamp(min=10 ** (-IDENTICAL / 10)).log10()


def ssim(sr: Tensor, hr: Tensor, border: int) -> Tensor:
    """Structural similarity of each image on Y (Wang et al. 2004, doi:10.1109/TIP.2003.819861).

    The original's Gaussian window of 11 pixels, sigma 1.5, k = (0.01, 0.03), averaged over the
    places where the window lies wholly inside. `sr`, `hr`, `border` as for `psnr`.

    Returns:
        (N,) at most 1.
    """
    # variances are small differences of large means: TF32, CUDA's default here, would spoil them
    precise = torch.float64 if sr.is_cuda else torch.float32
    sr, hr = (_inside(luma(x), border).to(precise) for x in (sr, hr))
    _, places = structural_similarity_index_measure(
        sr,
        hr,
        sigma=1.5,
        kernel_size=WINDOW,
        data_range=1.0,
        reduction="none",
        return_full_image=True,
    )
    return _inside(places, WINDOW // 2).flatten(1).mean(1).float()


def load_lpips(directory: Path, device: torch.device) -> Lpips | None:
    """`read_lpips` of the `weights.safetensors` in a directory; None where it holds none."""
    path = Path(directory) / "weights.safetensors"
    return read_lpips(path, device) if path.exists() else None


def read_lpips(path: Path, device: torch.device) -> Lpips:
    """LPIPS v0.1 on SqueezeNet 1.1 (Zhang et al. 2018, arXiv 1801.03924); lower is more alike.

    The heads come with torchmetrics; the file is the backbone: torchvision's `squeezenet1_1` keys,
    with or without its classifier. Values compare with published ones only if those weights are
    torchvision's own.

    Returns:
        A function of two batches (N, 3, H, W) in [0, 1] that gives (N,), differentiable.

    Raises:
        UserError: the file is missing, no safetensors file or does not fit SqueezeNet 1.1.
    """
    with torch.random.fork_rng(devices=[]):  # its random start must not move a training's draws
        network = _LPIPS(net="squeeze", pnet_rand=True)
    state, _ = read_weights(path)
    # torchmetrics files the layers as slices.<slice>.<layer>.*, torchvision as features.<layer>.*
    slices = {k.split(".", 2)[2]: k for k in network.net.state_dict()}
    state = {
        slices.get(k.removeprefix("features."), k): v.float()
        for k, v in state.items()
        if not k.startswith("classifier.")
    }
    load_weights(network.net, state, str(path))
    # torch's overloads leave out memory_format
    network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def lpips(sr: Tensor, hr: Tensor) -> Tensor:
        return network(sr, hr, normalize=True).flatten()

    return lpips


@torch.no_grad()
def measure(
    sr: np.ndarray | Interpolated,
    hr: np.ndarray,
    lpips: Lpips | None,
    device: torch.device,
    border: int,
    batch_size: int = 64,
    processes: Processes = ALONE,
) -> dict[str, float | None]:
    """Mean image quality over a set, read batch by batch.

    Args:
        sr: (N, H, W, 3) uint8 RGB, may be memory-mapped, or interpolated as it is read.
        hr: the same shape and type.
        lpips: from `load_lpips`.
        device: where to compute.
        border: pixels cut off each side before Y is measured: the scale, as in the literature.
        batch_size: images at a time.
        processes: that share the batches; all take part.

    Returns:
        `psnr_rgb` (dB, whole image), `psnr_y` (dB) and `ssim_y` (both without the border),
        `lpips` (whole image; None without weights): means over images.

    Raises:
        UserError: the images are too small for SSIM's window.
    """
    if min(hr.shape[1:3]) < smallest(border):
        raise UserError(
            f"images.hr is {min(hr.shape[1:3])} pixels, too small to measure: SSIM's window and "
            f"the border need {smallest(border)}"
        )

    def of_images(rows: slice) -> Tensor:
        a, b = (as_float(x[rows], device) for x in (sr, hr))
        values = [psnr(a, b, "rgb", 0), psnr(a, b, "y", border), ssim(a, b, border)]
        if lpips:
            values.append(lpips(a, b))
        return torch.stack(values, 1)

    values = processes.by_batches(len(hr), batch_size, of_images)
    means = values.T.contiguous().cpu().double().mean(1).tolist()
    return dict(zip(("psnr_rgb", "psnr_y", "ssim_y", "lpips"), [*means, None], strict=False))


@torch.no_grad()
def lr_psnr(
    sr: np.ndarray | Interpolated,
    lr: np.ndarray,
    device: torch.device,
    shrink: Resize = resize,
    batch_size: int = 64,
    processes: Processes = ALONE,
) -> float:
    """LR consistency: how near SR images, made small again, come to the images they were made of.

    Args:
        sr: as for `measure`.
        lr: (N, h, w, 3) uint8 RGB, what `sr` was made of.
        device: where to compute.
        shrink: what made `lr` of HR; it rounds to 8 bits.
        batch_size, processes: as for `measure`.

    Returns:
        PSNR RGB of whole LR images in dB, mean over images, each at most 100: no pixel differs.
    """

    def of_images(rows: slice) -> Tensor:
        again = shrink(sr[rows], *lr.shape[1:3])
        return psnr(as_float(again, device), as_float(lr[rows], device), "rgb", 0)

    return processes.by_batches(len(lr), batch_size, of_images).cpu().double().mean().item()
