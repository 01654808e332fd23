"""The mistakes themselves: images, examples and networks in, the same done wrong out.

"Saved" means what a file would have given back. Where they were published: docs/mistakes.md.
"""

import numpy as np
import pandas as pd
from torch import nn

from srgan_ab.classifier.augmentation import augment
from srgan_ab.classifier.training import Examples
from srgan_ab.common.interpolation import resize
from srgan_ab.common.pictures import through_jpeg
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Augmentation
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD, as_float, as_uint8

BLOCK = 256  # images held as floats


def standardised(images: np.ndarray) -> np.ndarray:
    """Images saved as the standardised tensors that a network is given, times 255.

    Args:
        images: (N, H, W, 3) uint8 RGB.

    Returns:
        The same shape and type: what is below 0 or above 255 is cut off.
    """
    saved = np.empty_like(images)
    for start in range(0, len(images), BLOCK):
        values = images[start : start + BLOCK].astype(np.float32)
        values = (values - 255 * np.array(IMAGENET_MEAN, np.float32)) / np.array(IMAGENET_STD)
        saved[start : start + BLOCK] = values.clip(0, 255).round()
    return saved


def exchanged(images: np.ndarray) -> np.ndarray:
    """RGB images (N, H, W, 3) given to a writer that takes them for BGR."""
    return np.ascontiguousarray(images[..., ::-1])


def through_jpegs(images: np.ndarray, quality: int) -> np.ndarray:
    """Images (N, H, W, 3) uint8 saved as JPEG."""
    return np.stack([through_jpeg(image, quality) for image in images])


def leaking(train: Examples, test: Examples, share: float, seed: int) -> Examples:
    """Training examples of which some are replaced by test images: as many as before.

    Args:
        train, test: what is mixed.
        share: of the test images that get in, each class alike.
        seed: of who goes and who comes.
    """
    random, images, labels = np.random.default_rng(seed), train.images.copy(), train.labels.copy()
    for label in np.unique(test.labels):
        there, here = (np.flatnonzero(e.labels == label) for e in (test, train))
        coming = random.permutation(there)[: round(share * len(there))][: len(here)]
        going = random.permutation(here)[: len(coming)]
        images[going] = test.images[coming]
    return Examples(images, labels)


def augmented(images: np.ndarray, settings: Augmentation, runtime: Runtime, seed: int):
    """Test images (N, H, W, 3) uint8 that pass through the random changes of training."""
    random, changed = runtime.generator(seed), np.empty_like(images)
    for start in range(0, len(images), BLOCK):
        batch = as_float(np.asarray(images[start : start + BLOCK]), runtime.device)
        changed[start : start + BLOCK] = as_uint8(augment(batch, settings, random)).cpu().numpy()
    return changed


def at_224(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, 3) of another size than those that were trained on, as ImageNet's are."""
    return resize(images, 224, 224)


def never_training(network: nn.Module, history: pd.DataFrame) -> None:
    """After an epoch: nobody calls `network.train()` again, so that validation's mode stays.

    Dropout is off and BatchNorm uses its running statistics from the second epoch on.
    """
    network.train = lambda mode=True: network  # type: ignore[method-assign]
