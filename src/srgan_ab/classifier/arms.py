"""The arms of the experiment: one recipe, and which images each arm is trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.classifier.augmentation import transformed_sheet
from srgan_ab.classifier.backbones import build, check_trainable, pretrained_weights
from srgan_ab.classifier.records import Record
from srgan_ab.classifier.training import Examples, fit, resident
from srgan_ab.common import paths
from srgan_ab.common.arms import domains_of
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_directory, atomic_file, write_metrics
from srgan_ab.common.packs import Pack, open_images, open_pack, require_two_classes
from srgan_ab.common.pictures import save_png
from srgan_ab.common.runtime import prepare
from srgan_ab.common.schema import Params
from srgan_ab.common.seeds import seed_for
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD
from srgan_ab.common.weights import save_weights


@dataclass(frozen=True)
class Mixture:
    """Images of several arrays behind one index; only what is asked for is read.

    Attributes:
        arrays: each (_, H, W, 3) uint8 RGB, memory-mapped.
        array: (N,) which array each image is in.
        row: (N,) its row there.
    """

    arrays: list[np.ndarray]
    array: np.ndarray
    row: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, index: slice | np.ndarray) -> np.ndarray:
        """(n, H, W, 3) uint8 RGB."""
        array, row = self.array[index], self.row[index]
        images = np.empty((len(row), *self.arrays[0].shape[1:]), np.uint8)
        for number, source in enumerate(self.arrays):
            here = array == number
            images[here] = source[row[here]]
        return images


def composition(arm: str, split: str, params: Params) -> pd.DataFrame:
    """Which images an arm is trained on (`train`) or chosen by (`val`).

    `b.per_class` takes that many SR images per class from the training split, and the same share
    of each class from the validation split: both have the same composition.

    Returns:
        One row per image: `split domain row id label`, where `row` is the image's in its pack.

    Raises:
        UserError: the split has fewer than two classes.
    """
    pack = open_pack(split)
    require_two_classes(pack, params.data.classes)
    parts = []
    for domain in domains_of(arm, params):
        rows = np.flatnonzero(pack.labels >= 0)
        if arm == "b" and domain == "sr" and params.b.per_class is not None:
            rows = _limited(pack, params.b.per_class, params.seed)
        ids = pack.index["id"].to_numpy()[rows]
        columns = {"domain": domain, "row": rows, "id": ids, "label": pack.labels[rows]}
        parts.append(pd.DataFrame({"split": split, **columns}))
    return pd.concat(parts, ignore_index=True)


def examples(table: pd.DataFrame) -> Examples:
    """Images and labels of a `composition`."""
    (split,) = table["split"].unique()
    array, domains = pd.factorize(table["domain"])
    images = [open_images(split, domain) for domain in domains]
    return Examples(Mixture(images, array, table["row"].to_numpy()), np.array(table["label"]))


def _limited(pack: Pack, per_class: int, seed: int) -> np.ndarray:
    """Rows of a seeded choice; a larger `per_class` holds the choice of a smaller one."""
    all_train = np.bincount(_train_labels(), minlength=2)
    generator = np.random.default_rng(seed_for("b.per_class", seed))
    chosen = []
    for label in (0, 1):
        rows = generator.permutation(np.flatnonzero(pack.labels == label))
        share = min(per_class, all_train[label]) / all_train[label]
        chosen.append(rows[: max(1, round(share * len(rows)))])
    return np.sort(np.concatenate(chosen))


def _train_labels() -> np.ndarray:
    labels = open_pack("train").labels
    return labels[labels >= 0]


def train_arm(arm: str, params: Params, directory: Path) -> None:
    """Train every replicate of one arm; write its weights, record, history and metrics.

    Replicate r of every arm starts from the same weights, and every arm makes as many updates:
    epochs are counted in the HR training set. Replicates share the images in memory. The history
    is the mean over networks, as far as all of them came: `patience` stops each at its own epoch.

    Args:
        arm: its name.
        params: of the stage.
        directory: where the state of each replicate is kept, for a run after one that was stopped.

    Raises:
        UserError: fewer than two classes, an unknown backbone, one that such images or batches do
            not fit, weights that do not fit it, or a loss that is no longer finite.
    """
    settings, weights = params.classifier, pretrained_weights()
    own = params.seed if settings.seed is None else settings.seed
    runtime = prepare(params.runtime, own, together=True)
    if settings.freeze == "features" and weights is None:
        raise UserError(
            f"classifier.freeze is features, but {paths.pretrained('classifier')} holds no "
            "weights, so the features would stay random: run `dvc repro`, which fetches them"
        )
    compositions = [composition(arm, split, params) for split in ("train", "val")]
    train, validation = (resident(examples(table), runtime) for table in compositions)
    updates_per_epoch = -(-len(_train_labels()) // settings.batch_size)

    histories: list[pd.DataFrame] = []
    runs: list[dict[str, int]] = []

    def write_history(current: pd.DataFrame) -> None:
        networks = pd.concat([*histories, current]).groupby("epoch", as_index=False)
        mean = networks.mean()[networks.size()["size"] == len(histories) + 1]
        with atomic_file(paths.PLOTS / f"train_{arm}.csv") as temporary:
            mean.round(5).to_csv(temporary, index=False)

    checkpoints = Checkpoints(directory, runtime)
    with atomic_directory(paths.classifier(arm)) as written:
        for replicate in range(settings.replicates):
            seed = seed_for("replicate", own, replicate)
            torch.manual_seed(seed_for("weights", seed))
            network = build(settings.backbone, weights, settings.freeze)
            size = train.images[:1].shape[1:3]
            check_trainable(network, settings.backbone, size, settings.batch_size)
            accelerate(network, runtime.device)
            state, history = fit(
                network,
                train,
                validation,
                settings,
                updates_per_epoch,
                runtime,
                seed,
                checkpoints.part(f"replicate_{replicate}"),
                on_epoch=write_history,
            )
            # again, as no epoch is run of a replicate that was finished before
            write_history(history)
            histories.append(history)
            runs.append({"seed": seed, "updates": len(history) * updates_per_epoch})
            network.load_state_dict(state)
            save_weights(
                written / f"replicate_{replicate}.safetensors",
                network,
                {
                    "backbone": settings.backbone,
                    "classes": params.data.classes,
                    "normalisation": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD},
                },
                "classifier",
            )

        table = pd.concat(compositions).drop(columns="row")
        Record(settings.model_dump(), runs, table).save(written)

    best = [history.iloc[history["val_loss"].argmin()] for history in histories]
    scores = pd.DataFrame(best).drop(columns=["epoch", "train_loss"])
    write_metrics(
        paths.METRICS / f"train_{arm}.json",
        {
            "best_epoch": round(np.mean([row.epoch for row in best])),
            "updates": sum(run["updates"] for run in runs) // settings.replicates,
            "n_train": len(train.labels),
            "n_val": len(validation.labels),
            **{str(score): mean for score, mean in scores.mean().items()},
            "parameters": sum(p.numel() for p in network.parameters()),
        },
    )


def write_transformed(params: Params) -> None:
    """Picture of eight training images as they are, augmented and normalised."""
    pack, classes = open_pack("train"), params.data.classes
    labels = range(len(classes)) or [-1]  # of photographs without classes
    of_each = [np.flatnonzero(pack.labels == label)[: 8 // len(labels)] for label in labels]
    rows = np.concatenate(of_each)
    names = [classes[label] if classes else "" for label in pack.labels[rows]]
    chance = seed_for("transformed.png", params.seed)
    sheet = transformed_sheet(pack.hr[rows], names, params.classifier.augmentation, chance)
    save_png(sheet, paths.PLOTS / "transformed.png")
