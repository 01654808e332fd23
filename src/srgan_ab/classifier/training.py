"""Training of one classifier: a loop that knows nothing of arms or files."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from torch import nn
from torch.nn import functional

from srgan_ab.classifier.augmentation import augment, normalise
from srgan_ab.classifier.backbones import training_mode
from srgan_ab.classifier.prediction import logits
from srgan_ab.common.bars import bar
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Classifier
from srgan_ab.common.seeds import seed_for
from srgan_ab.common.tensors import as_float, sent


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


class Order:
    """Row numbers of full batches without end, from reshuffled passes over all rows.

    Args:
        count: how many rows there are.
        batch_size: rows in each batch.
        seed: of the shuffling.
    """

    def __init__(self, count: int, batch_size: int, seed: int):
        self.count, self.batch_size = count, batch_size
        self._random = torch.Generator().manual_seed(seed)
        self._rest = torch.empty(0, dtype=torch.int64)

    def take(self, batches: int) -> torch.Tensor:
        """The next batches: (batches, batch_size) int64."""
        wanted = batches * self.batch_size
        while len(self._rest) < wanted:
            passed = torch.randperm(self.count, generator=self._random)
            self._rest = torch.cat([self._rest, passed])
        taken, self._rest = self._rest[:wanted], self._rest[wanted:]
        return taken.view(batches, self.batch_size)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Where it stands."""
        return {"random": self._random.get_state(), "rest": self._rest.clone()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from there."""
        self._random.set_state(state["random"])
        self._rest = state["rest"]


class Randomness:
    """What augmentation and dropout draw from: a generator of its own, and torch's.

    Args:
        runtime: where to compute.
        seed: of both.
    """

    def __init__(self, runtime: Runtime, seed: int):
        torch.manual_seed(seed_for("dropout", seed))
        self.augmentation = runtime.generator(seed_for("augmentation", seed))
        self._cuda = runtime.device if runtime.device.type == "cuda" else None

    def state_dict(self) -> dict[str, torch.Tensor | None]:
        """Where both stand."""
        return {
            "augmentation": self.augmentation.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self._cuda) if self._cuda else None,
        }

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from there."""
        self.augmentation.set_state(state["augmentation"])
        torch.set_rng_state(state["torch"])
        if self._cuda:
            torch.cuda.set_rng_state(state["cuda"], self._cuda)


def fit(
    network: nn.Module,
    train: Examples,
    validation: Examples,
    settings: Classifier,
    updates_per_epoch: int,
    runtime: Runtime,
    seed: int,
    checkpoints: Checkpoints | None = None,
    on_epoch: Callable[[pd.DataFrame], None] = lambda history: None,
) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """Train by AdamW with a cosine schedule; keep the state of the lowest validation loss.

    Args:
        network: on the runtime's device; ends in the state of the last epoch.
        train: as `resident` gives them.
        validation: the same; never augmented.
        settings: `classifier` of params.yaml.
        updates_per_epoch: of the HR training set, the same for every arm.
        runtime: where to compute.
        seed: of the order, the augmentation and dropout.
        checkpoints: where the state is kept, at the end too; a training that finds one there goes
            on from it, to the same bits.
        on_epoch: receives the history so far.

    Returns:
        The best state, and the history: one row per epoch, columns `records.HISTORY`.

    Raises:
        UserError: the loss is no longer finite, or processes cannot share the batches.
    """
    random, processes = Randomness(runtime, seed), runtime.processes
    processes.check(settings.batch_size, "classifier.batch_size")
    order = Order(len(train.labels), settings.batch_size, seed_for("order", seed))
    labels = torch.from_numpy(train.labels).to(runtime.device)

    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    updates = settings.epochs * updates_per_epoch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule, "random": random}

    rows: list[dict[str, float]] = []
    best_state: dict[str, torch.Tensor] = {}
    done, before = 0, order.state_dict()  # updates in all, and the order when this epoch began
    total = torch.zeros((), device=runtime.device)  # of this epoch; no step waits for its loss

    def state() -> dict[str, Any]:
        return {name: part.state_dict() for name, part in parts.items()} | {
            **{"rows": rows, "best_state": best_state, "done": done, "order": before},
            "total": total,
        }

    if checkpoints and (saved := checkpoints.load()):
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        rows, best_state, done = saved["rows"], saved["best_state"], saved["done"]
        order.load_state_dict(saved["order"])
        before, total = saved["order"], saved["total"].to(runtime.device)

    with bar(total=updates, initial=done, label="classifier", unit="update") as progress:
        while len(rows) < settings.epochs and not _patience_ends(rows, settings.patience):
            training_mode(network)  # again: the validation below has switched dropout off
            before = order.state_dict()
            batches = order.take(updates_per_epoch)[done - len(rows) * updates_per_epoch :]
            # to the device in one transfer; images that are not there are read by the CPU's numbers
            for on_cpu, on_device in zip(batches, batches.to(runtime.device), strict=True):
                chosen = processes.share(on_device)
                images = _rows(train.images, processes.share(on_cpu), chosen)
                batch = as_float(images, runtime.device)
                batch = augment(batch, settings.augmentation, random.augmentation, processes)
                batch = normalise(batch)
                with runtime.autocast():
                    loss = functional.cross_entropy(
                        network(batch.contiguous(memory_format=torch.channels_last)),
                        labels[chosen],
                    )
                optimizer.zero_grad()
                loss.backward()
                processes.average_gradients(trained)
                optimizer.step()
                schedule.step()
                total += processes.mean(loss.detach())
                done += 1
                progress.update()
                if checkpoints and checkpoints.due():
                    checkpoints.save(state())

            row = {"epoch": len(rows) + 1, "train_loss": total.item() / updates_per_epoch}
            row |= _validate(network, validation, runtime)
            if not (math.isfinite(row["train_loss"]) and math.isfinite(row["val_loss"])):
                if checkpoints:  # to go on from there would end so again
                    checkpoints.discard()
                raise UserError(
                    f"the classifier's loss is no longer finite in epoch {row['epoch']}: lower "
                    "classifier.learning_rate, or set runtime.precision to fp32"
                )
            rows.append(row)
            total.zero_()
            before = order.state_dict()
            on_epoch(pd.DataFrame(rows))
            reached = f"val_loss {row['val_loss']:.3f} acc {row['val_accuracy']:.3f}"
            progress.set_postfix_str(reached, refresh=False)
            if _best(rows) is row:
                best_state = {k: v.clone() for k, v in network.state_dict().items()}
    if checkpoints:
        checkpoints.save(state())
    return best_state, pd.DataFrame(rows)


def _best(rows: list[dict[str, float]]) -> dict[str, float]:
    """The first epoch of the lowest validation loss."""
    return min(rows, key=lambda row: row["val_loss"])


def _patience_ends(rows: list[dict[str, float]], patience: int | None) -> bool:
    return bool(rows) and patience is not None and len(rows) - _best(rows)["epoch"] >= patience


def resident(examples: Examples, runtime: Runtime) -> Examples:
    """Examples as `fit` wants them, once for all replicates.

    On the CPU, and where the device has no room, as they are, read batch by batch; elsewhere as one
    uint8 tensor on the device.
    """
    images, device = examples.images, runtime.device
    size = len(images) * images[:1].nbytes
    if device.type == "cpu" or not runtime.has_room(size):
        return examples
    store = torch.empty((len(images), *images[:1].shape[1:]), dtype=torch.uint8, device=device)
    for start in range(0, len(images), 1024):
        part = images[start : start + 1024]
        store[start : start + len(part)] = torch.tensor(part)
    return Examples(store, examples.labels)


def _rows(images: Any, on_cpu: torch.Tensor, on_device: torch.Tensor) -> torch.Tensor:
    """Those that are asked for, on the device, by their numbers here and there."""
    if isinstance(images, torch.Tensor):
        return images[on_device]
    return sent(torch.from_numpy(images[on_cpu.numpy()]), on_device.device)


def _validate(network: nn.Module, examples: Examples, runtime: Runtime) -> dict[str, float]:
    """Loss, and accuracy and F1 at one half, and AUC from the probabilities."""
    outputs = logits(network, examples.images, runtime, processes=runtime.processes)
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
