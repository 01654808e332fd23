"""Cross-fitting: the training images cut into folds, and who enlarges the images of each."""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from srgan_ab.common.errors import UserError
from srgan_ab.common.packs import Pack
from srgan_ab.common.seeds import seed_for


def assign_folds(pack: Pack, folds: int, seed: int) -> pd.DataFrame:
    """Deal whole groups of near-duplicates to folds that are alike in size and classes.

    Args:
        pack: the training images.
        folds: 2 or more.
        seed: of the order among groups that are alike.

    Returns:
        `id` and `fold`, 0 ... folds - 1, in the rows of the pack; no fold is empty.

    Raises:
        UserError: more folds than groups, or than images of the larger class.
    """
    groups = pack.index["group"].to_numpy()
    most = min(len(np.unique(groups)), np.unique(pack.labels, return_counts=True)[1].max())
    if folds > most:
        raise UserError(
            f"srgan.folds is {folds}, but near-duplicates stay together and classes are dealt "
            f"evenly, so the {len(pack)} training images make at most {most} folds: lower it, or "
            "set it to 1"
        )
    fold = np.empty(len(pack), np.int64)
    chance = seed_for("folds", seed)
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=chance)
    for number, (_, rows) in enumerate(dealer.split(groups, pack.labels, groups)):
        fold[rows] = number
    _fill_empty(fold, groups, folds)
    return pd.DataFrame({"id": pack.index["id"], "fold": fold})


def _fill_empty(fold: np.ndarray, groups: np.ndarray, folds: int) -> None:
    """Give each fold that the dealer left empty, as it rarely does, a group of another.

    Args:
        fold: (N,) of each image, changed in place.
        groups: (N,) of each image; there are at least as many as folds.
        folds: how many.
    """
    for empty in sorted(set(range(folds)) - set(fold)):
        group_of = pd.Series(groups).groupby(fold)
        richest = group_of.nunique().idxmax()  # it has two groups or more
        smallest = group_of.get_group(richest).value_counts().idxmin()
        fold[groups == smallest] = empty


def rows_without(folds: pd.DataFrame, fold: int, seed: int) -> np.ndarray:
    """Rows to train on without one fold: as many as there are images, so that epochs stay as long.

    The fold's place is taken by a random part of the others, a second time (of two folds, by all of
    the other). With fewer updates a generator would differ by more than what it has seen.

    Args:
        folds: of `assign_folds`.
        fold: that is left out.
        seed: of the choice.
    """
    kept = np.flatnonzero(folds["fold"] != fold)
    random = np.random.default_rng(seed_for("refill", seed, fold))
    return np.resize(random.permutation(kept), len(folds))
