"""The index finds every close pair, however the hashes are cut and however many there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srgan_ab.data import hamming
from srgan_ab.data.hamming import close_pairs, pieces

HASH = st.integers(0, 2**64 - 1)


def by_hand(a, b, distance):
    return [
        [i, j]
        for i, x in enumerate(a)
        for j, y in enumerate(b)
        if (int(x) ^ int(y)).bit_count() <= distance
    ]


@given(
    st.lists(HASH, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.sets(st.integers(0, 63), max_size=14)), max_size=12),
    st.integers(0, 14),
    st.sampled_from([0, 3, 4, 5, 8]),
)
def test_every_way_of_cutting_finds_what_comparing_all_finds(a, changes, distance, cut):
    # the second set: hashes of the first with some bits changed, in every number about the limit
    b = [a[i] ^ sum(1 << bit for bit in bits) for i, bits in changes if i < len(a)]
    a, b = np.array(a, np.uint64), np.array(b, np.uint64)
    assert close_pairs(a, b, distance, cut).tolist() == by_hand(a, b, distance)


@pytest.mark.parametrize("cut", [0, 4])
def test_memory_is_bounded_where_thousands_are_alike(monkeypatch, cut):
    monkeypatch.setattr(hamming, "AT_ONCE", 7)
    a = np.zeros(30, np.uint64)
    a[20:] = np.arange(10) * 2**40
    assert close_pairs(a, a, 1, cut).tolist() == by_hand(a, a, 1)


def test_many_hashes_are_not_all_compared_and_wide_distances_are():
    """Work for a thousand times as many grows by far less than a million."""
    assert pieces(100, 100, 10) == 0 and pieces(10**5, 10**5, 28) == 0
    assert pieces(10**4, 10**4, 10) > 0

    def work(n):
        m = pieces(n, n, 10)
        bits = 64 // m
        return m * hamming._ways(bits, 10 // m) * (8 * n + 20 * n * n / 2**bits)

    assert work(10**7) < 10**5 * work(10**4)


def test_one_and_none():
    none, one = np.array([], np.uint64), np.array([5], np.uint64)
    for cut in (None, 0, 4):
        assert close_pairs(none, one, 10, cut).shape == (0, 2)
        assert close_pairs(one, one, 0, cut).tolist() == [[0, 0]]
