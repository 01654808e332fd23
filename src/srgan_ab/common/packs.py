"""Packs: one directory per split, its images as memory-mapped uint8 arrays in one row order.

Mapped copy-on-write: torch warns of arrays that it could not write to, and the files stay safe.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Pack:
    """One split.

    Attributes:
        hr: (N, H, H, 3) uint8 RGB in [0, 255], memory-mapped.
        lr: (N, H/4, H/4, 3) uint8 RGB in [0, 255], memory-mapped.
        labels: (N,) int64: 0 and 1 in the order of `data.classes`, -1 where there are no classes.
        index: one row per image: `id label group` and what else `data/split.csv` says of it.
    """

    hr: np.ndarray
    lr: np.ndarray
    labels: np.ndarray
    index: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)


def open_pack(split: str) -> Pack:
    """Open one split's pack without reading its images."""
    directory = paths.pack(split)
    return Pack(
        hr=np.load(directory / "hr.npy", mmap_mode="c"),
        lr=np.load(directory / "lr.npy", mmap_mode="c"),
        labels=np.load(directory / "labels.npy"),
        index=pd.read_csv(
            directory / "index.csv",
            dtype={"id": str, "label": str},
            keep_default_na=False,  # a class may be called "None"
        ),
    )


def open_images(split: str, domain: str) -> np.ndarray:
    """Images of one split in one domain: (N, H, H, 3) uint8 RGB in [0, 255], memory-mapped."""
    directory = paths.pack(split) if domain == "hr" else paths.generated(split)
    return np.load(directory / f"{domain}.npy", mmap_mode="c")


@contextmanager
def new_array(path: Path, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """A uint8 `.npy` file of `shape`, filled in place: memory stays bounded as N grows."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    yield array
    array.flush()


def require_two_classes(pack: Pack) -> None:
    """Classifiers need both classes.

    Raises:
        UserError: fewer than two classes are present.
    """
    if len(np.unique(pack.labels[pack.labels >= 0])) < 2:
        raise UserError(
            "classifiers need images of two classes, and this data set has fewer: name two class "
            "folders in data.classes, or stop at `dvc repro generate_sr`"
        )
