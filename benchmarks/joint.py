"""A generator and a classifier trained for each other: S+T at once, or SR4IR by turns.

Kim, Oh and Lee 2024 (SR4IR, CVPR, arXiv 2404.01692) call the first S+T, and propose the second.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srgan_ab.classifier.augmentation import augment, normalise
from srgan_ab.classifier.backbones import training_mode
from srgan_ab.classifier.prediction import logits
from srgan_ab.classifier.training import Order, Randomness
from srgan_ab.common.bars import bar
from srgan_ab.common.packs import Pack
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Classifier
from srgan_ab.common.seeds import seed_for
from srgan_ab.common.tensors import as_float
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.task import TaskLoss
from srgan_ab.srgan.upscaling import upscale

PATCHES = 4  # along each side of an image, of the cross-quality patch mix


def cross_quality_mix(sr: Tensor, hr: Tensor, random: torch.Generator) -> Tensor:
    """Images whose every patch is that of SR or of HR, each as likely as the other.

    So a classifier cannot tell the classes by traces that the generator leaves (SR4IR's CQMix).

    Args:
        sr, hr: (N, 3, S, S), S at least `PATCHES`.
        random: of the choice, on their device.
    """
    shape = (len(hr), 1, PATCHES, PATCHES)
    grid = torch.rand(shape, generator=random, device=hr.device)
    return torch.where(F.interpolate(grid, hr.shape[2:]) < 0.5, sr, hr)


@dataclass
class Pair:
    """Both networks and what trains them.

    Attributes:
        generator, classifier: on the runtime's device.
        by_turns: SR4IR; else S+T.
        layer: whose features SR4IR compares, as `TaskLoss` takes it.
        side: of the HR images, in pixels.
        settings: of the classifiers: augmentation, learning rate, weight decay.
        rate: the generator's learning rate. All its losses have the weight 1, as in SR4IR.
        updates: in all, over which both rates fall to 0 by a cosine.
        runtime: where to compute.
        seed: of every draw.
    """

    generator: Generator
    classifier: nn.Module
    by_turns: bool
    layer: str | None
    side: int
    settings: Classifier
    rate: float
    updates: int
    runtime: Runtime
    seed: int

    def __post_init__(self):
        self.random = Randomness(self.runtime, self.seed)
        self.mixing = self.runtime.generator(seed_for("mix", self.seed))
        rate, decay = self.settings.learning_rate, self.settings.weight_decay
        self._trained = [p for p in self.classifier.parameters() if p.requires_grad]
        self._optimizers = (
            torch.optim.Adam(self.generator.parameters(), self.rate),
            torch.optim.AdamW(self._trained, rate, weight_decay=decay),
        )
        self.task = TaskLoss([self.classifier], self.layer, 1.0, self.side)
        self._freeze(False)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR
        self._schedules = [cosine(each, self.updates) for each in self._optimizers]

    def update(self, lr: Tensor, hr: Tensor, labels: Tensor) -> None:
        """Both networks, once.

        Args:
            lr: (N, 3, h, w) in [0, 1].
            hr: (N, 3, scale · h, scale · w) in [0, 1].
            labels: (N,) int64.
        """
        self.generator.train()
        if self.by_turns:
            self._generator_for_classifier(lr, hr)
            self._classifier_for_generator(lr, hr, labels)
        else:
            self._at_once(lr, hr, labels)
        for schedule in self._schedules:
            schedule.step()

    def _at_once(self, lr: Tensor, hr: Tensor, labels: Tensor) -> None:
        training_mode(self.classifier)
        sr = self._enlarged(lr)
        self._descend(F.l1_loss(sr, hr) + self._entropy(sr, labels), *self._optimizers)

    def _generator_for_classifier(self, lr: Tensor, hr: Tensor) -> None:
        """Phase 1 of SR4IR: the classifier stands still."""
        self.classifier.eval()
        self._freeze(True)
        sr = self._enlarged(lr)
        with self.runtime.autocast():
            distance = self.task(sr, hr)
        self._descend(F.l1_loss(sr, hr) + distance, self._optimizers[0])
        self._freeze(False)

    def _classifier_for_generator(self, lr: Tensor, hr: Tensor, labels: Tensor) -> None:
        """Phase 2: the generator stands still."""
        training_mode(self.classifier)
        with torch.no_grad():
            sr = self._enlarged(lr)
        mixed = cross_quality_mix(sr, hr, self.mixing)
        # each quality in a batch of its own, as BatchNorm will meet it
        losses = [self._entropy(images, labels) for images in (sr, hr, mixed)]
        self._descend(torch.stack(losses).mean(), self._optimizers[1])

    def _enlarged(self, lr: Tensor) -> Tensor:
        with self.runtime.autocast():
            return self.generator(lr).float()

    def _entropy(self, images: Tensor, labels: Tensor) -> Tensor:
        seen = augment(images, self.settings.augmentation, self.random.augmentation)
        seen = normalise(seen).contiguous(memory_format=torch.channels_last)
        with self.runtime.autocast():
            return F.cross_entropy(self.classifier(seen), labels)

    def _freeze(self, still: bool) -> None:
        for parameter in self._trained:
            parameter.requires_grad_(not still)

    @staticmethod
    def _descend(loss: Tensor, *optimizers: torch.optim.Optimizer) -> None:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    @torch.no_grad()
    def probabilities(self, lr: np.ndarray) -> np.ndarray:
        """What the classifier says of small images that the generator enlarged: (N,) float64."""
        self.generator.eval()
        side = self.generator.scale * lr.shape[1]
        sr = np.empty((len(lr), side, side, 3), np.uint8)
        upscale(self.generator, lr, sr, self.runtime)
        return logits(self.classifier, sr, self.runtime).softmax(1)[:, 1].numpy()


def fit(pair: Pair, train: Pack, validation: Pack, updates_per_epoch: int) -> pd.DataFrame:
    """Train a pair for all its updates; it ends in the state of the lowest validation loss.

    Returns:
        The history: one row per epoch, `epoch val_loss val_accuracy`, of validation images that
        the generator enlarged.
    """
    settings, device = pair.settings, pair.runtime.device
    labelled = np.flatnonzero(train.labels >= 0)
    order = Order(len(labelled), settings.batch_size, seed_for("order", pair.seed))
    rows, kept = [], ({}, {})
    networks = pair.generator, pair.classifier
    with bar(total=pair.updates, label="joint", unit="update") as progress:
        while len(rows) * updates_per_epoch < pair.updates:
            for chosen in order.take(updates_per_epoch):
                seen = labelled[chosen.numpy()]
                lr, hr = (as_float(images[seen], device) for images in (train.lr, train.hr))
                pair.update(lr, hr, torch.from_numpy(train.labels[seen]).to(device))
                progress.update()
            positive = pair.probabilities(validation.lr)
            right = np.where(validation.labels == 1, positive, 1 - positive)
            loss = -np.log(np.maximum(right, np.finfo(float).tiny)).mean()
            row = {"epoch": len(rows) + 1, "val_loss": loss, "val_accuracy": (right > 0.5).mean()}
            if not rows or row["val_loss"] < min(r["val_loss"] for r in rows):
                kept = tuple({k: v.clone() for k, v in n.state_dict().items()} for n in networks)
            rows.append(row)
    for network, state in zip(networks, kept, strict=True):
        network.load_state_dict(state)
    return pd.DataFrame(rows)
