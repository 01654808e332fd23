"""The leakage ledger: what each model has seen, checked against the one split, not assumed."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import read_csv, read_metrics
from srgan_ab.statistics.classification import THRESHOLD
from srgan_ab.statistics.predictions import Predictions

IDENTITIES = ("id", "sha256", "pixel_sha256", "group")  # what no two splits may share


def overlaps(split: pd.DataFrame) -> dict[str, int]:
    """How many ids, files, pictures and groups of near-duplicates are in more than one split.

    Raises:
        UserError: any is.
    """
    counts = {name: int((split.groupby(name)["split"].nunique() > 1).sum()) for name in IDENTITIES}
    for name, count in counts.items():
        if count:
            raise UserError(
                f"{paths.SPLIT} has {count} values of {name} in more than one split, so test "
                "images would be seen in training: run `dvc repro --force split`"
            )
    return counts


def _look_up(ids: pd.Series, of_image: pd.Series) -> np.ndarray:
    """A value per id from one per image; crops of an image are named `id#0`, `id#1`, ..."""
    image = ids.where(ids.isin(of_image.index), ids.str.rsplit("#", n=1).str[0])
    return of_image.reindex(image).to_numpy()


def _check_side(ids: pd.Series, side: str, split_of: pd.Series, who: str) -> None:
    """Every id is of one split."""
    elsewhere = ids[_look_up(ids, split_of) != side]
    if len(elsewhere):
        raise UserError(
            f"{who} {side} image {elsewhere.iloc[0]!r}, which {paths.SPLIT} does not assign to "
            f"{side}: run `dvc repro` again"
        )


def seen(
    split: pd.DataFrame, examples: Mapping[str, pd.DataFrame], tested: Sequence[str]
) -> dict[str, dict]:
    """What every classifier was trained on, chosen by and tested on.

    Args:
        split: `data/split.csv`.
        examples: arm to one row per image in its training: `split` (`train`, or `val`, by which the
            best epoch is chosen), `domain`, `id` and `label`.
        tested: ids of the test images.

    Returns:
        `shared_between_splits`, all zero; `test`: `ids`; `arms`: arm to `train` and `val`, each
        with `ids`, `images` (an id counts once per domain), `positive` (share) and `domains`, and
        `test_ids_seen`, zero.

    Raises:
        UserError: the splits overlap, or an image is used on a side that is not its own.
    """
    shared = overlaps(split)
    split_of = split.set_index("id")["split"]
    _check_side(pd.Series(tested, dtype=str), "test", split_of, "data/predictions.csv holds the")
    arms = {}
    for arm, table in examples.items():
        arms[arm] = {"test_ids_seen": int(table["id"].isin(tested).sum())}
        for side, rows in table.groupby("split", sort=False):
            _check_side(rows["id"], str(side), split_of, f"{paths.classifier(arm)} has used the")
            arms[arm][str(side)] = {
                "ids": rows["id"].nunique(),
                "images": len(rows),
                "positive": rows["label"].mean(),
                "domains": list(rows["domain"].unique()),
            }
    return {"shared_between_splits": shared, "test": {"ids": len(set(tested))}, "arms": arms}


def cross_fitted(
    split: pd.DataFrame, folds: pd.DataFrame, examples: Mapping[str, pd.DataFrame]
) -> dict[str, int]:
    """That no training image was enlarged by a generator that saw it or a near-duplicate of it.

    The images of a fold were enlarged by the generators that were trained on all other folds.

    Args:
        split: `data/split.csv`.
        folds: `models/srgan/folds.csv`: `id` and `fold` of every training image.
        examples: as for `seen`.

    Returns:
        `folds`: their number; `smallest` and `largest`: images in a fold; `seen_by_generator`:
        images with a near-duplicate, or themselves, in another fold, zero.

    Raises:
        UserError: a group is in several folds, a classifier was trained on an image of none, or a
            fold holds an image that is not for training.
    """
    images = split.set_index("id")
    _check_side(folds["id"], "train", images["split"], f"{paths.FOLDS} holds the")
    group = pd.Series(_look_up(folds["id"], images["group"]))
    divided = folds.groupby(group)["fold"].transform("nunique") > 1
    used = pd.concat([table[table["split"] == "train"]["id"] for table in examples.values()])
    without_one = [*folds["id"][divided], *used[~used.isin(folds["id"])]]
    if without_one:
        raise UserError(
            f"{paths.FOLDS} does not give the train image {without_one[0]!r} and its "
            "near-duplicates one fold, so a generator may have seen what it enlarged: run `dvc "
            "repro --force train_srgan`"
        )
    sizes = folds["fold"].value_counts()
    return {
        "folds": len(sizes),
        "smallest": sizes.min(),
        "largest": sizes.max(),
        "seen_by_generator": int(divided.sum()),
    }


def seen_before(
    split: pd.DataFrame, tested: Sequence[str], initial: Mapping[str, str | Sequence[str] | None]
) -> dict[str, str | int | None]:
    """What the generator that SRGAN's training started from had seen of these images.

    A picture is known by its pixels: a copy that was scaled or compressed anew is not found.

    Args:
        split: `data/split.csv`.
        tested: ids of the test images.
        initial: `models/srgan/initial.json`: `generator`, its name, and `seen`, the SHA-256s of the
            pixels of the pictures that it has seen, or null.

    Returns:
        `generator`; `images` that it has seen; `test_ids_seen` and `train_ids_seen`: images of the
        test and of the training set of which it has seen a near-duplicate, or themselves. All but
        the name are None where nothing says what it has seen.
    """
    found: dict[str, str | int | None] = {"generator": str(initial["generator"])}
    seen = initial["seen"]
    if seen is None:
        return found | dict.fromkeys(("images", "test_ids_seen", "train_ids_seen"))
    images = split.set_index("id")
    groups = images["group"][images["pixel_sha256"].isin(list(seen))]
    known = images["group"].isin(groups)
    return found | {
        "images": len(seen),
        "test_ids_seen": int(_look_up(pd.Series(tested, dtype=str), known).sum()),
        "train_ids_seen": int(known[images["split"] == "train"].sum()),
    }


def accuracy_without_flagged(predictions: Predictions) -> dict[str, int | dict[str, float]]:
    """Accuracy on real HR with and without the images whose originals are smaller than HR.

    Returns:
        `flagged`: their number, and for every arm `all` and `without_flagged` (NaN if all are
        flagged), means over replicates.
    """
    whole = ~predictions.flagged
    result: dict[str, int | dict[str, float]] = {"flagged": int(predictions.flagged.sum())}
    for arm in predictions.arms:
        right = (predictions.probabilities[arm, "hr"] >= THRESHOLD) == predictions.labels
        result[arm] = {
            "all": right.mean(),
            "without_flagged": right[:, whole].mean() if whole.any() else np.nan,
        }
    return result


def generator_gap(
    quality: Mapping[str, Mapping], training: Mapping[str, float]
) -> dict[str, float | dict[str, float]]:
    """How much better training images come out than test images, as the classifiers see them.

    Without folds, training images are enlarged by the generators that were trained on them; with
    folds, by those that were trained without them. A gap says that the SR images a classifier is
    trained on are better than those it is tested on.

    Args:
        quality: `metrics/sr.json`: split to method to `psnr_rgb` (dB) and others.
        training: `metrics/train_srgan.json`.

    Returns:
        `train_images` and `val_images` that the generators of val and test have seen, with folds
        the number of `folds`, and for `srresnet`, `perceptual`, `srgan` and `task` (those that
        `quality` has) `psnr_rgb_train`, `psnr_rgb_test` and `gap`, in dB.
    """
    result: dict[str, float | dict[str, float]] = {
        "train_images": training["n_train"],
        "val_images": training["n_val"],
    }
    if "folds" in training:
        result["folds"] = training["folds"]
    for method in ("srresnet", "perceptual", "srgan", "task"):
        if method not in quality["test"]:
            continue
        train, test = (quality[side][method]["psnr_rgb"] for side in ("train", "test"))
        result[method] = {"psnr_rgb_train": train, "psnr_rgb_test": test, "gap": train - test}
    return result


def read_ledger(examples: Mapping[str, pd.DataFrame], tested: Sequence[str]) -> dict[str, dict]:
    """What classifiers have seen, and generators with folds or initial weights, by the run's files.

    Args:
        examples: as for `seen`.
        tested: ids of the test images.

    Raises:
        UserError: somebody has seen what it should not.
    """
    split = read_csv(paths.SPLIT, dict.fromkeys((*IDENTITIES, "split"), str))
    ledger = seen(split, examples, tested)
    if paths.FOLDS.exists():
        folds = read_csv(paths.FOLDS, {"id": str, "fold": int})
        ledger["cross_fitting"] = cross_fitted(split, folds, examples)
    if paths.INITIAL.exists():
        initial = read_metrics(paths.INITIAL, "generator", "seen")
        ledger["initial"] = seen_before(split, tested, initial)
    return ledger


def completed(
    ledger: Mapping[str, Mapping], predictions: Predictions, quality: Mapping, training: Mapping
) -> dict[str, Mapping]:
    """The ledger of `evaluate` with what only results can tell.

    Args:
        ledger: of `read_ledger`.
        predictions: of the test images.
        quality, training: as for `generator_gap`.
    """
    return {
        **ledger,
        "generator": generator_gap(quality, training),
        "accuracy": accuracy_without_flagged(predictions),
    }
