"""Packs: one directory per split, its images as memory-mapped uint8 arrays in one row order.

Mapped copy-on-write: torch warns of arrays that it could not write to, and the files stay safe.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import damaged, read_csv, read_metrics, reserve, whole
from srgan_ab.common.launch import is_first

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Pack:
    """One split.

    Attributes:
        hr: (N, H, H, 3) uint8 RGB in [0, 255], memory-mapped.
        lr: (N, H/scale, H/scale, 3) uint8 RGB in [0, 255], memory-mapped.
        labels: (N,) int64: 0 and 1 in the order of `data.classes`, -1 where there are no classes.
        index: one row per image: `id label group flagged`, as `data/split.csv` has them.
    """

    hr: np.ndarray
    lr: np.ndarray
    labels: np.ndarray
    index: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def scale(self) -> int:
        """How much larger HR is than LR, along each side."""
        return self.hr.shape[1] // self.lr.shape[1]


def _open_array(path: Path, dtype: type, dimensions: int) -> np.ndarray:
    with whole(path):
        array = np.load(path, mmap_mode="c")
        if array.dtype != dtype or array.ndim != dimensions:
            raise ValueError(
                f"it holds {array.dtype} of {array.ndim} dimensions, not {np.dtype(dtype)} of "
                f"{dimensions}"
            )
    return array


def open_pack(split: str) -> Pack:
    """Open one split's pack without reading its images.

    Raises:
        UserError: a file of it is missing, damaged, or does not fit the others.
    """
    directory = paths.pack(split)
    hr, lr = (_open_array(directory / f"{name}.npy", np.uint8, 4) for name in ("hr", "lr"))
    labels = _open_array(directory / "labels.npy", np.int64, 1)
    n, (large, small) = len(labels), (hr.shape[1], lr.shape[1])
    fitting = (n, large, large, 3), (n, small, small, 3)
    if (hr.shape, lr.shape) != fitting or large % small:
        raise damaged(
            directory,
            f"its files do not fit together: hr.npy has the shape {hr.shape}, lr.npy {lr.shape}, "
            f"labels.npy {labels.shape}",
        )
    columns: dict[str, type] = {"id": str, "label": str, "group": int, "flagged": int}
    index = read_csv(directory / "index.csv", columns, rows=n)
    return Pack(hr, lr, labels, index)


def open_packs(*splits: str) -> list[Pack]:
    """Open packs that are used together.

    Raises:
        UserError: as `open_pack`, or their images are of several sizes or scales.
    """
    packs = [open_pack(split) for split in splits]
    sides = [(pack.hr.shape[1], pack.lr.shape[1]) for pack in packs]
    for split, (large, small) in zip(splits, sides, strict=True):
        if (large, small) != sides[0]:
            raise damaged(
                paths.pack(split),
                f"its hr.npy has images of {large} pixels and its lr.npy of {small}, those of "
                f"{splits[0]} {sides[0][0]} and {sides[0][1]}",
            )
    return packs


def open_images(split: str, domain: str) -> np.ndarray:
    """Images of one split in one domain: (N, H, H, 3) uint8 RGB in [0, 255], memory-mapped.

    Raises:
        UserError: the file is missing, damaged, or does not fit the HR images.
    """
    hr = _open_array(paths.pack(split) / "hr.npy", np.uint8, 4)
    if domain == "hr":
        return hr
    path = paths.generated(split) / f"{domain}.npy"
    images = _open_array(path, np.uint8, 4)
    if images.shape != hr.shape:
        raise damaged(path, f"it has the shape {images.shape}, the HR images {hr.shape}")
    return images


def read_split() -> pd.DataFrame:
    """`data/split.csv`: one row per image, and to which split it belongs.

    Raises:
        UserError: the file is missing or damaged, has not as many rows as `metrics/split.json`
            says, or names a split that is none.
    """
    text: dict[str, type] = dict.fromkeys(
        ("id", "path", "label", "sha256", "pixel_sha256", "split"), str
    )
    numbers: dict[str, type] = dict.fromkeys(("code", "width", "height", "group", "flagged"), int)
    images = read_metrics(paths.METRICS / "split.json", "images")["images"]
    table = read_csv(paths.SPLIT, text | numbers, rows=images)
    for name in table["split"].unique():
        if name not in SPLITS:
            raise UserError(
                f"{paths.SPLIT} has {name!r} in its column split: write {', '.join(SPLITS)}, or "
                "delete the file and run `dvc repro`, which makes it anew"
            )
    for name in SPLITS:
        if name not in set(table["split"]):
            raise damaged(paths.SPLIT, f"it has no {name} image")
    return table


@contextmanager
def new_array(path: Path, shape: tuple[int, ...]) -> Generator[np.ndarray]:
    """A uint8 `.npy` file of `shape`, filled in place: memory stays bounded as N grows.

    Of several processes the first alone has a file. The others get an array whose rows are all the
    same memory, so that they may do what the first does.

    Raises:
        OSError: the disk has no room for all of it.
    """
    if not is_first():
        image = np.empty(shape[1:], np.uint8)
        yield np.lib.stride_tricks.as_strided(image, shape, (0, *image.strides))
        return
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    reserve(path)
    yield array
    array.flush()


def require_two_classes(pack: Pack, classes: Sequence[str]) -> None:
    """Classifiers need both classes.

    Args:
        pack: any.
        classes: `data.classes`, which labels count.

    Raises:
        UserError: fewer than two classes are present, or labels are not those of the images.
    """
    code = {name: number for number, name in enumerate(classes)}
    if not np.array_equal(pack.labels, [code.get(name, -1) for name in pack.index["label"]]):
        raise UserError(
            f"labels.npy and index.csv disagree on which of the {len(pack)} images are of "
            f"data.classes ({', '.join(classes)}): run `dvc repro`, or delete data/train, data/val "
            "and data/test first"
        )
    if len(np.unique(pack.labels[pack.labels >= 0])) < 2:
        raise UserError(
            "classifiers need images of two classes, and this data set has fewer: name two class "
            "folders in data.classes, or stop at `dvc repro generate_sr`"
        )
