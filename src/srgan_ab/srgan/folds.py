"""Cross-fitting: the training images cut into folds, and who enlarges the images of each."""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from srgan_ab.common.errors import UserError
from srgan_ab.common.packs import Pack


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
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for number, (_, rows) in enumerate(dealer.split(groups, pack.labels, groups)):
        fold[rows] = number
    return pd.DataFrame({"id": pack.index["id"], "fold": fold})


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
    return np.resize(np.random.default_rng((seed, fold)).permutation(kept), len(folds))
