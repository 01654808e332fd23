"""Enlarged copies of a split: SRGAN, SRResNet and bicubic, row by row like the pack itself."""

import numpy as np

from srgan_ab.common import paths
from srgan_ab.common.files import atomic_directory
from srgan_ab.common.interpolation import Interpolated
from srgan_ab.common.packs import new_array, open_images, open_pack
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import upscale

SHOWN = 8  # test images in the picture
BLOCK = 256  # images held in memory


def generate(split: str, srgan: Generator, srresnet: Generator, runtime: Runtime) -> None:
    """Write `data/generated/<split>/{sr,srresnet,bicubic}.npy`.

    Args:
        split: `train`, `val` or `test`.
        srgan, srresnet: in evaluation mode, on the runtime's device.
        runtime: where to compute.
    """
    pack = open_pack(split)
    with atomic_directory(paths.generated(split)) as directory:
        for name, generator in (("sr", srgan), ("srresnet", srresnet)):
            with new_array(directory / f"{name}.npy", pack.hr.shape) as out:
                upscale(generator, pack.lr, out, runtime)
        enlarged = Interpolated(pack.lr, *pack.hr.shape[1:3], "bicubic")
        with new_array(directory / "bicubic.npy", pack.hr.shape) as out:
            for start in range(0, len(out), BLOCK):
                out[start : start + BLOCK] = enlarged[start : start + BLOCK]


def save_samples(split: str) -> None:
    """Draw `plots/sr_samples.png`: LR, bicubic, SRResNet, SRGAN, HR of evenly spaced images."""
    pack = open_pack(split)
    rows = np.linspace(0, len(pack) - 1, min(SHOWN, len(pack))).astype(int)
    domains = {"bicubic": "bicubic", "SRResNet": "srresnet", "SRGAN": "sr", "HR": "hr"}
    images = {"LR": pack.lr} | {k: open_images(split, d) for k, d in domains.items()}
    sheet = contact_sheet([[x[i] for x in images.values()] for i in rows], list(images))
    save_png(sheet, paths.PLOTS / "sr_samples.png")
