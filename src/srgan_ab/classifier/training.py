"""Training of one classifier: a loop that knows nothing of arms or files."""

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from srgan_ab.classifier.augmentation import augment, normalise
from srgan_ab.classifier.backbones import training_mode
from srgan_ab.classifier.prediction import logits
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Classifier
from srgan_ab.common.seeds import seed_for
from srgan_ab.common.tensors import as_float

HISTORY = ("epoch", "train_loss", "val_loss", "val_accuracy", "val_f1", "val_auc")


@dataclass(frozen=True)
class Examples:
    """Images and their classes.

    Attributes:
        images: anything of length N that gives (n, H, W, 3) uint8 RGB for a slice or an index
            array: an array, a memory map, a mixture of several.
        labels: (N,) int64, 0 or 1.
    """

    images: Any
    labels: np.ndarray


def fit(
    network: nn.Module,
    train: Examples,
    validation: Examples,
    settings: Classifier,
    updates_per_epoch: int,
    runtime: Runtime,
    seed: int,
    on_epoch: Callable[[pd.DataFrame], None] = lambda history: None,
) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """Train by AdamW with a cosine schedule; keep the state of the lowest validation loss.

    Args:
        network: on the runtime's device; ends in the state of the last epoch.
        train: on the runtime's device, see `resident`.
        validation: the same; never augmented.
        settings: `classifier` of params.yaml.
        updates_per_epoch: of the HR training set, the same for every arm.
        runtime: where to compute.
        seed: of the order, the augmentation and dropout.
        on_epoch: receives the history so far.

    Returns:
        The best state, and the history: one row per epoch, columns `HISTORY`.

    Raises:
        UserError: the loss is no longer finite.
    """
    torch.manual_seed(seed_for("dropout", seed))
    chance = runtime.generator(seed_for("augmentation", seed))
    order = _batches(len(train.labels), settings.batch_size, seed_for("order", seed))
    labels = torch.from_numpy(train.labels).to(runtime.device)

    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    updates = settings.epochs * updates_per_epoch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)

    rows, best, best_state = [], None, {}
    with tqdm(total=updates, unit="update", file=sys.stderr, disable=None) as bar:
        for epoch in range(1, settings.epochs + 1):
            training_mode(network)  # again: the validation below has switched dropout off
            total = torch.zeros((), device=runtime.device)  # no step waits for its loss
            # (updates, batch) row numbers, in one transfer
            for chosen in torch.stack(list(islice(order, updates_per_epoch))).to(runtime.device):
                batch = as_float(_rows(train.images, chosen), runtime.device)
                batch = normalise(augment(batch, settings.augmentation, chance))
                with runtime.autocast():
                    loss = functional.cross_entropy(
                        network(batch.contiguous(memory_format=torch.channels_last)),
                        labels[chosen],
                    )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.detach()
                bar.update()

            row = {"epoch": epoch, "train_loss": total.item() / updates_per_epoch}
            row |= _validate(network, validation, runtime)
            if not (math.isfinite(row["train_loss"]) and math.isfinite(row["val_loss"])):
                raise UserError(
                    f"the classifier's loss is no longer finite in epoch {epoch}: lower "
                    "classifier.learning_rate, or set runtime.precision to fp32"
                )
            rows.append(row)
            on_epoch(pd.DataFrame(rows))
            bar.set_postfix_str(f"val_loss {row['val_loss']:.3f} acc {row['val_accuracy']:.3f}")
            if best is None or row["val_loss"] < best["val_loss"]:
                best = row
                best_state = {k: v.clone() for k, v in network.state_dict().items()}
            if settings.patience is not None and epoch - best["epoch"] >= settings.patience:
                break
    return best_state, pd.DataFrame(rows)


def _batches(count: int, batch_size: int, seed: int) -> Iterator[torch.Tensor]:
    """Row numbers of full batches without end, from reshuffled passes over all rows."""
    generator = torch.Generator().manual_seed(seed)
    rest = torch.empty(0, dtype=torch.int64)
    while True:
        while len(rest) < batch_size:
            rest = torch.cat([rest, torch.randperm(count, generator=generator)])
        yield rest[:batch_size]
        rest = rest[batch_size:]


def resident(examples: Examples, device: torch.device) -> Examples:
    """Examples as `fit` wants them, once for all replicates.

    On the CPU as they are, read batch by batch; elsewhere as one uint8 tensor on the device.
    """
    if device.type == "cpu":
        return examples
    images = examples.images
    store = torch.empty((len(images), *images[:1].shape[1:]), dtype=torch.uint8, device=device)
    for start in range(0, len(images), 1024):
        part = images[start : start + 1024]
        store[start : start + len(part)] = torch.tensor(part)
    return Examples(store, examples.labels)


def _rows(images: Any, chosen: torch.Tensor) -> np.ndarray | torch.Tensor:
    return images[chosen] if isinstance(images, torch.Tensor) else images[chosen.numpy()]


def _validate(network: nn.Module, examples: Examples, runtime: Runtime) -> dict[str, float]:
    """Loss, and accuracy and F1 at one half, and AUC from the probabilities."""
    outputs = logits(network, examples.images, runtime)
    loss = functional.cross_entropy(outputs, torch.from_numpy(examples.labels)).item()
    if not math.isfinite(loss):
        return {"val_loss": loss}
    probabilities = outputs.softmax(dim=1)[:, 1].numpy()
    decisions = probabilities >= 0.5
    # scikit-learn has no types, and the default of zero_division is a word
    f1 = f1_score(examples.labels, decisions, zero_division=0)  # pyright: ignore[reportArgumentType]
    return {
        "val_loss": loss,
        "val_accuracy": float(accuracy_score(examples.labels, decisions)),
        "val_f1": float(f1),
        "val_auc": float(roc_auc_score(examples.labels, probabilities)),
    }
