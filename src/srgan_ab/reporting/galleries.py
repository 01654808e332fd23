"""Test images with what the classifiers said of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from srgan_ab.common import paths
from srgan_ab.common.arms import ARM_NAMES, DOMAINS, Subject
from srgan_ab.common.packs import Pack, open_images
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


def rescued_sheet(
    versions: Mapping[str, np.ndarray],
    labels: np.ndarray,
    said: Mapping[str, np.ndarray],
    classes: Sequence[str],
    count: int = 4,
) -> Image.Image:
    """The images of which a classifier is much surer in one version than in another, and less sure.

    On the left those that the change from the first version to the second makes most likely to be
    what they are, on the right those that it makes least likely; each in all versions.

    Args:
        versions: name to (N, H, W, 3) uint8 RGB: before, after, and others to compare with.
        labels: (N,) of 0 and 1.
        said: name to (N,) probabilities of class 1.
        classes: names of class 0 and 1.
        count: of images on each side.
    """
    true = {name: np.where(labels == 1, p, 1 - p) for name, p in said.items()}
    before, after, *_ = true.values()
    order = np.argsort(before - after, kind="stable")  # the greatest gain first
    gains, losses = order[:count], order[::-1][:count]
    tiles, captions = [], []
    for pair in zip(gains, losses, strict=True):
        cells = [(row, name) for row in pair for name in versions]
        shares = [true[name][row] for row, name in cells]
        images = [versions[name][row] for row, name in cells]
        right = [share >= THRESHOLD for share in shares]
        tiles.append([i if ok else _framed(i) for i, ok in zip(images, right, strict=True)])
        captions.append(
            [
                f"{name}: {classes[int(labels[row])]} {share:.0%}"
                for (row, name), share in zip(cells, shares, strict=True)
            ]
        )
    columns = [""] * (2 * len(versions))
    first, second = list(versions)[:2]
    columns[0] = f"What gains from {first} to {second}"
    columns[len(versions)] = "What loses. Below: truth and its probability. Framed: wrong."
    return contact_sheet(tiles, columns, captions)


def save_galleries(
    test: Pack, probabilities: Mapping[Subject, np.ndarray], classes: Sequence[str], seed: int
) -> None:
    """Write `plots/predictions_a.png` and `..._b.png`: the same test images under A and under B.

    And `plots/rescued.png`: those that A reads far better or worse on SRGAN's than on bicubic ones.

    Args:
        test: the test images.
        probabilities: arm and domain to (N,) of class 1: A and B on `hr`, A on `bicubic` and `sr`.
        classes: names of class 0 and 1.
        seed: of the choice of images.
    """
    names = {"bicubic": DOMAINS["bicubic"], "sr": DOMAINS["sr"], "hr": "HR"}
    versions = {name: open_images("test", domain) for domain, name in names.items()}
    by_a = {name: probabilities["a", domain] for domain, name in names.items()}
    sheet = rescued_sheet(versions, test.labels, by_a, classes)
    save_png(sheet, paths.PLOTS / "rescued.png")

    on_hr = {arm: probabilities[arm, "hr"] for arm in ("a", "b")}
    rows = choose_images(test.labels, on_hr["a"], on_hr["b"], seed)
    for arm, said in on_hr.items():
        title = f"Classifier {ARM_NAMES[arm]} on real HR test images"
        sheet = prediction_sheet(test.hr[rows], test.labels[rows], said[rows], classes, title)
        save_png(sheet, paths.PLOTS / f"predictions_{arm}.png")
