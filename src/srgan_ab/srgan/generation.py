"""Enlarged copies of a split: SRGAN, SRResNet and bicubic, row by row like the pack itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from srgan_ab.common import paths
from srgan_ab.common.files import atomic_directory, damaged, read_csv
from srgan_ab.common.interpolation import Interpolated
from srgan_ab.common.packs import new_array, open_images, open_pack
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator, load_generator
from srgan_ab.srgan.upscaling import upscale

SHOWN = 8  # test images in the picture
BLOCK = 256  # images held in memory


@dataclass(frozen=True)
class Share:
    """Images of a split, and the generators that enlarge them, in evaluation mode."""

    rows: np.ndarray
    srgan: Generator
    srresnet: Generator


def shares_of(split: str, device: torch.device) -> list[Share]:
    """Who enlarges what: one pair of generators every image, or each fold those that never saw it.

    Args:
        split: `train`, `val` or `test`; where `models/srgan/folds.csv` is, `train` has folds.
        device: of the generators.

    Raises:
        UserError: weights are missing or do not fit.
    """

    def networks(*weights: Path) -> list[Generator]:
        return [load_generator(path, device) for path in weights]

    index = open_pack(split).index
    whole = paths.GENERATOR, paths.SRRESNET
    if split != "train" or not paths.FOLDS.exists():
        return [Share(np.arange(len(index)), *networks(*whole))]
    table = read_csv(paths.FOLDS, {"id": str, "fold": int})
    if set(table["id"]) != set(index["id"]):
        raise damaged(paths.FOLDS, "its images are not those of data/train")
    fold = table.set_index("id")["fold"].loc[index["id"]].to_numpy()
    return [
        Share(np.flatnonzero(fold == n), *networks(*(paths.without_fold(p, n) for p in whole)))
        for n in np.unique(fold)
    ]


def generate(split: str, shares: Sequence[Share], runtime: Runtime) -> None:
    """Write `data/generated/<split>/{sr,srresnet,bicubic}.npy`.

    Args:
        split: `train`, `val` or `test`.
        shares: every image is in one; generators are on the runtime's device.
        runtime: where to compute.
    """
    pack = open_pack(split)
    with atomic_directory(paths.generated(split)) as directory:
        for name, network in (("sr", "srgan"), ("srresnet", "srresnet")):
            with new_array(directory / f"{name}.npy", pack.hr.shape) as out:
                for share in shares:
                    upscale(getattr(share, network), pack.lr, out, runtime, rows=share.rows)
        height, width = pack.hr.shape[1:3]
        enlarged = Interpolated(pack.lr, height, width, "bicubic")
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
