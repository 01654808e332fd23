"""Groups of near-duplicates, so that no copy of a test image is trained on."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from srgan_ab.data.decoding import decode
from srgan_ab.data.hamming import close_pairs

THUMBNAIL = 32  # pixels
FLAT = 1  # grey levels of standard deviation below which a thumbnail shows nothing


def similar_hashes(
    hashes: np.ndarray, mirrored: np.ndarray, distance: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find every pair of images whose hashes differ in at most `distance` bits.

    Args:
        hashes: (N,) uint64 perceptual hashes.
        mirrored: (N,) uint64 perceptual hashes of the mirror images.
        distance: bits of 64.

    Returns:
        `first < second`: rows of each pair, sorted; `flipped`: whether one of the two was mirrored.
        A pair that matches both ways is listed twice.
    """
    found = []
    for others, flip in ((hashes, False), (mirrored, True)):
        pairs = np.sort(close_pairs(hashes, others, distance), axis=1)
        pairs = np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)
        found.append((*pairs.T, np.full(len(pairs), flip)))
    first, second, flipped = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return first, second, flipped


def thumbnail(data: bytes) -> np.ndarray:
    """Decode an image file to (32, 32, 3) uint8 RGB, whatever its aspect ratio."""
    image = decode(data, smallest=THUMBNAIL)
    return np.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC))


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson correlation of each pair of thumbnails, over pixels and channels.

    A flat picture has none: two flat ones of one brightness count as alike (1), a flat one and
    another picture as different (0). Sums are of integers, so that a pair near the threshold falls
    on the same side of it on every machine.

    Args:
        first: (P, 32, 32, 3) uint8 RGB.
        second: as `first`.

    Returns:
        (P,) float64 in [-1, 1].
    """
    # sums of 3,072 products of bytes fit 32 bits; n^2 times a variance does not
    a, b = (images.reshape(len(images), -1).astype(np.int32) for images in (first, second))
    n = a.shape[1]
    sums = [x.sum(axis=1, dtype=np.int64) for x in (a, b)]

    def covariance(i: int, j: int) -> np.ndarray:  # times n^2
        products = np.einsum("pv,pv->p", (a, b)[i], (a, b)[j]).astype(np.int64)
        return n * products - sums[i] * sums[j]

    variances = np.stack([covariance(0, 0), covariance(1, 1)])
    flat = variances < (FLAT * n) ** 2
    scale = np.sqrt(np.maximum(variances, 1).astype(np.float64))
    result = covariance(0, 1) / (scale[0] * scale[1])
    result[flat.any(axis=0)] = 0
    result[flat.all(axis=0) & (np.abs(sums[0] - sums[1]) < FLAT * n)] = 1
    return result


def components(count: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number the connected components of a graph of `count` nodes by their first node."""
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    return pd.factorize(connected_components(graph, directed=False)[1])[0]


def duplicate_groups(
    images: pd.DataFrame,
    read: Callable[[str], bytes],
    distance: int,
    correlation: float,
    chunk: int = 4096,
) -> np.ndarray:
    """Give each image the number of its group of duplicates.

    Images with equal pixels (and so equal files) are duplicates. So are images whose perceptual
    hashes lie close, straight or mirrored, if their thumbnails correlate. Groups are closed under
    chains: where A is like B and B like C, all three form one group even if A is unlike C, because
    a test image must have no near-copy in training. A chain errs on that safe side; `split`
    reports the largest group.

    Args:
        images: columns `path pixel_sha256 phash phash_mirror`, hashes in hexadecimal.
        read: gives the bytes of the file of a `path`.
        distance: bits of 64.
        correlation: least Pearson correlation of two thumbnails of near-duplicates.
        chunk: pairs of thumbnails compared at a time.

    Returns:
        (N,) integers, numbered by the first image of each group.
    """
    # one image stands for all with equal pixels: a thousand equal placeholders make no pairs
    same = pd.factorize(images["pixel_sha256"])[0]
    unique = np.unique(same, return_index=True)[1]
    hashes, mirrored = (
        np.array([int(x, 16) for x in images[column].iloc[unique]], np.uint64)
        for column in ("phash", "phash_mirror")
    )
    first, second, flipped = similar_hashes(hashes, mirrored, distance)
    seen = np.unique(np.concatenate([first, second]))
    thumbnails = np.empty((len(seen), THUMBNAIL, THUMBNAIL, 3), np.uint8)
    for row, path in enumerate(images["path"].iloc[unique[seen]]):
        thumbnails[row] = thumbnail(read(path))
    alike = np.zeros(len(first), bool)
    for start in range(0, len(first), chunk):
        part = slice(start, start + chunk)
        left = thumbnails[np.searchsorted(seen, first[part])]
        right = thumbnails[np.searchsorted(seen, second[part])]
        left = np.where(flipped[part, None, None, None], left[:, :, ::-1], left)
        alike[part] = correlations(left, right) >= correlation
    return components(len(unique), first[alike], second[alike])[same]
