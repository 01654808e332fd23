"""Test images with what the classifiers said of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from srgan_ab.common import paths
from srgan_ab.common.arms import ARM_NAMES
from srgan_ab.common.packs import Pack
from srgan_ab.common.pictures import contact_sheet, save_png
from srgan_ab.common.seeds import seed_for
from srgan_ab.statistics.classification import THRESHOLD

COLUMNS = 6  # of a sheet
FRAME = 4  # pixels
WRONG = (213, 94, 0)  # RGB of the frame: vermilion of Okabe & Ito


def choose_images(
    labels: np.ndarray, a: np.ndarray, b: np.ndarray, seed: int, count: int = 24
) -> np.ndarray:
    """Rows of the test images worth showing, the same for A and for B.

    At most a quarter of them are images that both get wrong, a quarter that only A, and a quarter
    that only B gets wrong, in this order; the rest are any others. All are drawn at random.

    Args:
        labels: (N,) of 0 and 1.
        a: (N,) probabilities of the positive class by A.
        b: the same by B.
        seed: of the draw.
        count: of images.
    """
    order = np.random.default_rng(seed_for("galleries", seed)).permutation(len(labels))
    a_wrong, b_wrong = (((p >= THRESHOLD) != labels)[order] for p in (a, b))
    kinds = (a_wrong & b_wrong, a_wrong & ~b_wrong, ~a_wrong & b_wrong)
    telling = np.concatenate([order[kind][: count // 4] for kind in kinds])
    others = order[~np.isin(order, telling)]
    return np.concatenate([telling, others])[:count]


def _framed(image: np.ndarray) -> np.ndarray:
    framed = np.array(image)
    for edge in (np.s_[:FRAME], np.s_[-FRAME:], np.s_[:, :FRAME], np.s_[:, -FRAME:]):
        framed[edge] = WRONG
    return framed


def prediction_sheet(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    title: str,
) -> Image.Image:
    """Images under which stands what they show and what was said of them; errors are framed.

    Args:
        images: (N, H, W, 3) uint8 RGB.
        labels: (N,) of 0 and 1.
        probabilities: (N,) of class 1.
        classes: names of class 0 and 1.
        title: whose predictions these are, and of what images.
    """
    said = (probabilities >= THRESHOLD).astype(int)
    share = np.where(said == 1, probabilities, 1 - probabilities)
    captions = [
        f"{classes[truth]}, called {classes[call]} {p:.0%}"
        for truth, call, p in zip(labels, said, share, strict=True)
    ]
    tiles = [
        _framed(image) if call != truth else image
        for image, call, truth in zip(images, said, labels, strict=True)
    ]
    starts = range(0, len(tiles), COLUMNS)
    return contact_sheet(
        [tiles[start : start + COLUMNS] for start in starts],
        columns=[f"{title}. Below: truth, call and its probability. Framed: wrong."],
        captions=[captions[start : start + COLUMNS] for start in starts],
    )


def save_galleries(
    test: Pack, probabilities: Mapping[str, np.ndarray], classes: Sequence[str], seed: int
) -> None:
    """Write `plots/predictions_a.png` and `..._b.png`: the same test images under A and under B.

    Args:
        test: the test images.
        probabilities: `a` and `b` to (N,) of class 1.
        classes: names of class 0 and 1.
        seed: of the choice of images.
    """
    rows = choose_images(test.labels, probabilities["a"], probabilities["b"], seed)
    for arm, said in probabilities.items():
        title = f"Classifier {ARM_NAMES[arm]} on real HR test images"
        sheet = prediction_sheet(test.hr[rows], test.labels[rows], said[rows], classes, title)
        save_png(sheet, paths.PLOTS / f"predictions_{arm}.png")
