"""Whether the networks of a training do what they should: SRResNet, and the discriminator.

How often the discriminator is right is told on training and validation images by one protocol. In
the history, `d_accuracy` is the mean over an epoch's updates, while both networks move;
`d_accuracy_train` and `d_accuracy_val` are measured here when it is over, and can be compared.
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from srgan_ab.common.balance import LAST, state_of
from srgan_ab.common.packs import Pack
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.losses import compared
from srgan_ab.srgan.phase import Diverged
from srgan_ab.srgan.progress import Measure, interpolated, on_device
from srgan_ab.srgan.steps import shifted

Samples = dict[str, tuple[Tensor, Tensor]]  # split to lr and hr, of which crops are judged
JUDGED = 128  # images at most
FAILED = 1.0  # dB below bicubic; a good network that adds to nothing may lack half of it at first
REMEDIES = {  # of a discriminator that does not play
    "won": "it has won, and its gradient says little: lower its learning rate or raise "
    "srgan.adversarial.label_smoothing",
    "lost": "it has lost, and its gradient is noise: raise srgan.adversarial.warm_up or "
    "discriminator_learning_rate, lower srgan.adversarial.learning_rate or weight, or set "
    "srgan.discriminator.normalization to none",
}


def refuse_far_below_bicubic(psnr: float, val: Pack, measure: Measure) -> None:
    """A pre-training that failed: what starts from it never recovers (docs/ablations.md).

    Args:
        psnr: RGB, of SRResNet on validation images, in dB.
        val: these images.
        measure: image quality of (sr, hr).

    Raises:
        Diverged: bicubic interpolation is better by more than `FAILED`.
    """
    bicubic = measure(interpolated(val), val.hr)["psnr_rgb"]
    if bicubic is not None and psnr < bicubic - FAILED:
        raise Diverged(
            f"after its pre-training SRResNet reaches {psnr:.2f} dB on validation images, and "
            f"bicubic interpolation {bicubic:.2f}: lower "
            "srgan.pretraining.learning_rate, set srgan.gradient_clip, or give it more "
            "srgan.pretraining.epochs; the training then starts anew"
        )


def even_sample(labels: np.ndarray) -> np.ndarray:
    """Rows of at most `JUDGED` images, as many of each class, evenly spaced within it."""
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    share = min(JUDGED // len(classes), *map(len, classes))
    places = [np.linspace(0, len(rows) - 1, share).astype(int) for rows in classes]
    return np.concatenate([rows[here] for rows, here in zip(classes, places, strict=True)])


def judged_images(
    lr: Tensor, hr: Tensor, labels: np.ndarray, val: Pack, runtime: Runtime
) -> Samples:
    """Images of either split by which the discriminator is judged, on the device.

    Args:
        lr, hr: training images, (N, h, w, 3) and (N, H, W, 3) uint8.
        labels: (N,) their classes.
        val: the others.
        runtime: the device.
    """
    rows, of_val = even_sample(labels), even_sample(val.labels)
    images = lr[rows], hr[rows], val.lr[of_val], val.hr[of_val]
    lr, hr, *others = (on_device(some, runtime) for some in images)
    return {"train": (lr, hr), "val": (others[0], others[1])}


@torch.no_grad()
def accuracy(
    generator: nn.Module,
    discriminator: nn.Module,
    kind: str,
    crops: Crops,
    runtime: Runtime,
) -> float:
    """How often the discriminator is right about crops, seen as in training; nothing is learnt.

    BatchNorm of both networks looks at the batch, and the generator is not the averaged one.

    Args:
        generator, discriminator: left as they are.
        kind: of the discriminator's loss.
        crops: one pass of them is judged, batch by batch.
        runtime: precision.
    """
    # copies, whose statistics may move; and no copy is compiled
    generator, discriminator = (
        copy.deepcopy(generator).train(),
        copy.deepcopy(discriminator).train(),
    )
    right = []
    for _ in range(len(crops)):
        lr, hr = crops.next()
        with runtime.autocast():
            sr = generator(lr)
        sr, hr = shifted(sr.float(), hr, crops.scale, crops.generator)
        with runtime.autocast():
            real, fake = compared(kind, discriminator(hr).float(), discriminator(sr).float())
        right += [real > 0, fake <= 0]
    return torch.cat(right).float().mean().item()


def warn_if_decided(accuracies: Sequence[float], over: bool) -> None:
    """Say that one of the two networks has nothing to learn from the other.

    Args:
        accuracies: of the discriminator, `d_accuracy` of every epoch so far.
        over: whether there is no other epoch to come.
    """
    state = state_of(accuracies)
    if state and (over or len(accuracies) >= LAST):
        recent = accuracies[-LAST:]
        tqdm.write(
            f"the discriminator has been right {min(recent):.0%} to {max(recent):.0%} of the time "
            f"for {len(recent)} epochs: {REMEDIES[state]}"
        )
