"""Every pair of 64-bit hashes that differ in a few bits, without comparing all pairs.

Multi-index hashing (Norouzi, Punjani & Fleet 2012, arXiv 1307.2982): of two hashes that differ in
at most d bits, cut into m pieces, one piece differs in at most d/m. So for every piece, and every
way of changing so few of its bits, only those hashes are compared that have the piece in common.
Nothing is missed, and with pieces of log2(N) bits the work grows far slower than N squared.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise
from math import comb

import numpy as np

AT_ONCE = 2**22  # candidates; memory is about 40 bytes for each
# nanoseconds for two hashes that are compared in a block, for one that is looked up in an index,
# and for a candidate that is found there
COMPARED, LOOKED_UP, CANDIDATE = 2, 8, 20


def _ways(bits: int, changed: int) -> int:
    return sum(comb(bits, k) for k in range(changed + 1))


def pieces(n: int, others: int, distance: int) -> int:
    """Into how many pieces to cut the hashes, for the least work; 0 to compare all pairs.

    Args:
        n, others: numbers of hashes.
        distance: bits.
    """
    work = {0: COMPARED * n * others}
    for m in range(3, 9):  # of 22 bits or fewer, so that an array can count them
        bits = 64 // m
        each = LOOKED_UP * n + CANDIDATE * n * others / 2**bits
        work[m] = m * _ways(bits, distance // m) * each
    return min(work, key=lambda m: work[m])


def _all_pairs(a: np.ndarray, b: np.ndarray, distance: int) -> Iterator[np.ndarray]:
    step = max(1, AT_ONCE // max(1, len(b)))
    for start in range(0, len(a), step):
        near = np.bitwise_count(a[start : start + step, None] ^ b) <= distance
        yield np.argwhere(near) + np.array([start, 0])


def _by_piece(
    a: np.ndarray, b: np.ndarray, distance: int, low: int, bits: int, changed: int
) -> Iterator[np.ndarray]:
    """Pairs whose pieces, `bits` from bit `low` on, differ in at most `changed` bits."""
    mask = np.uint64(2**bits - 1)
    keys, others = ((x >> np.uint64(low) & mask).astype(np.int64) for x in (a, b))
    order = np.argsort(others, kind="stable")
    ends = np.zeros(2**bits + 1, np.int64)  # of each key's rows in that order
    np.cumsum(np.bincount(others, minlength=2**bits), out=ends[1:])
    for k in range(changed + 1):
        for places in combinations(range(bits), k):
            key = keys ^ sum(1 << place for place in places)
            start, counts = ends[key], ends[key + 1] - ends[key]
            rows = np.flatnonzero(counts)
            through = np.cumsum(counts[rows])
            while len(rows):
                some = max(1, int(np.searchsorted(through, AT_ONCE)))
                left = np.repeat(rows[:some], counts[rows[:some]])
                before = np.repeat(through[:some] - counts[rows[:some]], counts[rows[:some]])
                right = order[
                    np.repeat(start[rows[:some]], counts[rows[:some]])
                    + np.arange(len(left))
                    - before
                ]
                near = np.bitwise_count(a[left] ^ b[right]) <= distance
                yield np.stack([left[near], right[near]], axis=1)
                through, rows = through[some:] - through[some - 1], rows[some:]


def close_pairs(a: np.ndarray, b: np.ndarray, distance: int, cut: int | None = None) -> np.ndarray:
    """Rows of every pair, one of `a` and one of `b`, that differ in at most `distance` bits.

    Args:
        a: (N,) uint64.
        b: (M,) uint64.
        distance: bits of 64.
        cut: into so many pieces; None for what is fastest, 0 to compare all pairs.

    Returns:
        (P, 2) int64 rows in `a` and `b`, sorted, each pair once.
    """
    m = pieces(len(a), len(b), distance) if cut is None else cut
    if m == 0:
        found = list(_all_pairs(a, b, distance))
    else:
        edges = [64 * i // m for i in range(m + 1)]
        found = [
            pairs
            for low, high in pairwise(edges)
            for pairs in _by_piece(a, b, distance, low, high - low, distance // m)
        ]
    return np.unique(np.concatenate([np.empty((0, 2), np.int64), *found]), axis=0)
