"""The one place where it is decided which image trains, validates and tests."""

import math
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import count_members, damaged, read_csv, whole
from srgan_ab.common.packs import SPLITS
from srgan_ab.common.seeds import seed_for

TEXT = ("path", "label", "sha256", "status", "pixel_sha256", "phash", "phash_mirror")


def images_in_use(flagged: str) -> pd.DataFrame:
    """Rows of `data/manifest.csv` that are to be split, sorted by path.

    Args:
        flagged: `keep` or `drop` images smaller than `images.hr`.

    Returns:
        Columns `path label sha256 pixel_sha256 phash phash_mirror width height flagged`, and what
        else the file has.

    Raises:
        UserError: the file is missing or damaged, does not list what is in `data/raw.zip`, or no
            image is left.
    """
    manifest = read_csv(paths.MANIFEST, dict.fromkeys(("width", "height", *TEXT), str))
    images = manifest[manifest["status"].isin(["accepted", "flagged"])]
    if images.empty:
        raise damaged(paths.MANIFEST, "it lists no accepted image")
    if len(images) != (packed := count_members(paths.RAW)):
        raise damaged(
            paths.MANIFEST,
            f"it lists {len(images):,} images in use, and {paths.RAW} holds {packed:,}",
        )
    with whole(paths.MANIFEST):
        for column in ("phash", "phash_mirror"):
            if not images[column].str.fullmatch("[0-9a-f]{16}").all():
                raise ValueError(f"a {column} is none")
        images = images.sort_values("path", ignore_index=True)
        images = images.astype({"width": int, "height": int})
        images["flagged"] = (images["status"] == "flagged").astype(int)
    if flagged == "drop":
        images = images[images["flagged"] == 0].reset_index(drop=True)
    if images.empty:
        raise UserError(
            "every image has a side below images.hr, and split.flagged drops those: lower "
            "images.hr, keep them, or give larger images"
        )
    return images


def image_ids(paths: Sequence[str]) -> list[str]:
    """Name images by their path without suffix, or by the whole path where two would clash."""
    stems = pd.Series([str(PurePosixPath(path).with_suffix("")) for path in paths], dtype=str)
    ids = stems.where(~stems.duplicated(keep=False), pd.Series(paths, dtype=str))
    return list(paths) if ids.duplicated().any() else ids.tolist()


def assign_splits(
    groups: np.ndarray, codes: np.ndarray, test: float, validation: float, seed: int
) -> np.ndarray:
    """Deal whole groups to the splits, so that each class is divided as asked.

    Groups come largest first, in random order among equals; each goes to the split that lacks the
    largest share of what it should hold of the group's classes. The single images that come last
    make up what larger groups left uneven, so with enough of them every class is divided exactly.

    Args:
        groups: (N,) integers: images of one group stay together.
        codes: (N,) integers: class of each image.
        test: fraction of all images.
        validation: fraction of all images.
        seed: of the order among groups of equal size.

    Returns:
        (N,) strings: `train`, `val` or `test`.

    Raises:
        UserError: a split would hold no image of some class.
    """
    groups = pd.factorize(groups)[0]
    classes, strata = np.unique(codes, return_inverse=True)
    counts = np.zeros((groups.max(initial=-1) + 1, len(classes)), np.int64)
    np.add.at(counts, (groups, strata), 1)

    totals = counts.sum(axis=0)
    parts = np.array([[1 - validation - test], [validation], [test]])  # in the order of SPLITS
    wanted = np.maximum(1, np.round(totals * parts)).astype(np.int64)
    wanted[0] = np.maximum(1, totals - wanted[1] - wanted[2])
    lacking = wanted.copy()
    # shares over one denominator, in Python's integers: ties are ties whatever the processor
    denominator = math.lcm(*wanted.ravel().tolist())
    weights = denominator // wanted.astype(object)

    order = np.random.default_rng(seed_for("split", seed)).permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    chosen = np.empty(len(counts), np.int64)
    for group in order:
        split = np.argmax((lacking * weights * counts[group]).sum(axis=1))
        lacking[split] -= counts[group]
        chosen[group] = split

    held = wanted - lacking
    if len(groups) == 0 or (held < 1).any():
        raise UserError(
            f"{len(groups)} images in {len(counts)} groups of near-duplicates are too few for a "
            "train, a validation and a test split with every class in each: give more images"
        )
    return np.array(SPLITS)[chosen][groups]


def split_table(images: pd.DataFrame, classes: Sequence[str], **fractions) -> pd.DataFrame:
    """Make `data/split.csv` from the images in use.

    Args:
        images: columns `path label sha256 pixel_sha256 width height group flagged`.
        classes: names of class 0 and 1; images of no class get code -1.
        fractions: `test`, `validation` and `seed` of `assign_splits`.

    Returns:
        One row per image, sorted by path:
        `id path label code sha256 pixel_sha256 width height group split flagged`.
    """
    table = images.sort_values("path", ignore_index=True)
    table["id"] = image_ids(table["path"].tolist())
    table["code"] = table["label"].map({name: c for c, name in enumerate(classes)}).fillna(-1)
    table["code"] = table["code"].astype(int)
    table["group"] = pd.factorize(table["group"])[0]
    table["split"] = assign_splits(table["group"].to_numpy(), table["code"].to_numpy(), **fractions)
    columns = "id path label code sha256 pixel_sha256 width height group split flagged"
    return table[columns.split()]


def split_metrics(table: pd.DataFrame) -> dict[str, int]:
    """Count images, groups and classes of a split table."""
    sizes = table.groupby("group")["path"].transform("size")
    labels = table.groupby("group")["label"].nunique()
    metrics = {
        "images": len(table),
        "groups": table["group"].nunique(),
        "duplicates": int((sizes > 1).sum()),
        "largest_group": int(sizes.max()),
        "conflicting_groups": int((labels > 1).sum()),
    }
    for split in SPLITS:
        rows = table[table["split"] == split]
        metrics[split] = len(rows)
        for label in sorted(set(table["label"]) - {""}):
            metrics[f"{split}_{label}"] = int((rows["label"] == label).sum())
    return metrics
