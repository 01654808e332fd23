"""Enlarged copies of a split, by generators and bicubic, row by row like the pack itself."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from srgan_ab.common import paths
from srgan_ab.common.arms import DOMAINS
from srgan_ab.common.bars import bar
from srgan_ab.common.files import atomic_directory, damaged, link_or_copy, read_csv
from srgan_ab.common.interpolation import Interpolated
from srgan_ab.common.packs import new_array, open_images, open_pack
from srgan_ab.common.parts import Parts
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator, load_generator
from srgan_ab.srgan.upscaling import fill, upscale

WEIGHTS = {
    **{"sr": paths.GENERATOR, "srresnet": paths.SRRESNET, "perceptual": paths.PERCEPTUAL},
    "task": paths.TASK,
}
# as metrics and pictures have them: method to the domain of its images, in this order
METHODS = {
    **{"bicubic": "bicubic", "srresnet": "srresnet", "perceptual": "perceptual", "srgan": "sr"},
    "task": "task",
}
SHOWN = 8  # test images in the picture
BLOCK = 256  # images held in memory


@dataclass(frozen=True)
class Share:
    """Images of a split, and the generators that enlarge them, in evaluation mode, by domain."""

    rows: np.ndarray
    generators: dict[str, Generator]


def shares_of(split: str, domains: Collection[str], device: torch.device) -> list[Share]:
    """Who enlarges what: the same generators every image, or each fold those that never saw it.

    Args:
        split: `train`, `val` or `test`; where `models/srgan/folds.csv` is, `train` has folds.
        domains: that are wanted; those that no generator makes do no harm.
        device: of the generators.

    Raises:
        UserError: weights are missing or do not fit.
    """
    whole = {domain: path for domain, path in WEIGHTS.items() if domain in domains}
    index = open_pack(split).index
    if split != "train" or not paths.FOLDS.exists():
        networks = {domain: load_generator(path, device) for domain, path in whole.items()}
        return [Share(np.arange(len(index)), networks)]
    table = read_csv(paths.FOLDS, {"id": str, "fold": int})
    if set(table["id"]) != set(index["id"]):
        raise damaged(paths.FOLDS, "its images are not those of data/train")
    fold = table.set_index("id")["fold"].loc[index["id"]].to_numpy()
    return [
        Share(
            np.flatnonzero(fold == n),
            {d: load_generator(paths.without_fold(p, n), device) for d, p in whole.items()},
        )
        for n in np.unique(fold)
    ]


def generate(split: str, shares: Sequence[Share], runtime: Runtime, parts: Parts) -> None:
    """Write `data/generated/<split>/`: `bicubic.npy`, and a file for each domain of a generator.

    Args:
        split: `train`, `val` or `test`.
        shares: every image is in one; all make the same domains, on the runtime's device.
        runtime: where to compute, and the processes that share it.
        parts: where each file is kept until the stage is done.
    """
    pack, processes = open_pack(split), runtime.processes
    height, width = pack.hr.shape[1:3]
    enlarged = Interpolated(pack.lr, height, width, "bicubic")

    def interpolate(rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(enlarged[rows])

    def write(domain: str, path: Path) -> None:
        progress = bar(total=len(pack), label=f"{split}, {DOMAINS[domain]}", unit="image")
        with new_array(path, pack.hr.shape) as out, progress:
            step = {"on_batch": progress.update, "processes": processes}
            if domain == "bicubic":
                fill(out, np.arange(len(out)), interpolate, BLOCK, **step)
            else:
                for share in shares:
                    generator = share.generators[domain]
                    upscale(generator, pack.lr, out, runtime, rows=share.rows, **step)

    with atomic_directory(paths.generated(split)) as directory:
        for domain in (*shares[0].generators, "bicubic"):
            kept = parts.file(f"{split}/{domain}.npy", partial(write, domain))
            link_or_copy(kept, directory / f"{domain}.npy")
    processes.wait()


def save_samples(split: str, domains: Collection[str]) -> None:
    """Draw `plots/sr_samples.png`: LR, the domains, HR of evenly spaced images."""
    pack = open_pack(split)
    rows = np.linspace(0, len(pack) - 1, min(SHOWN, len(pack))).astype(int)
    made = {DOMAINS[d]: open_images(split, d) for d in METHODS.values() if d in domains}
    images = {"LR": pack.lr, **made, "HR": pack.hr}
    sheet = contact_sheet([[x[i] for x in images.values()] for i in rows], list(images))
    save_png(sheet, paths.PLOTS / "sr_samples.png")
