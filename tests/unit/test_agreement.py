"""How alike classifiers call, against counts by hand and formulas of the papers."""

import numpy as np
import pytest

from srgan_ab.statistics.agreement import agreement
from srgan_ab.statistics.predictions import Predictions


def found(labels, a, b, pair="b_minus_a"):
    """Of B and A on real HR; rows are networks."""
    rows = {"b": b, "a": a}
    probabilities = {
        (arm, domain): np.atleast_2d(rows[arm])
        for arm in rows
        for domain in ("hr", "sr", "bicubic", "srresnet")
    }
    n = len(labels)
    ids, groups = np.arange(n).astype(str), np.arange(n)
    return agreement(Predictions(ids, groups, groups < 0, np.array(labels), probabilities))[pair]


def test_shares_and_kappa_are_those_counted_by_hand():
    labels = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    b = np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.3, 0.2, 0.1, 0.6, 0.8])  # wrong: 3 4 8 9
    a = np.array([0.9, 0.9, 0.3, 0.4, 0.6, 0.1, 0.2, 0.3, 0.4, 0.9])  # wrong: 2 3 9
    result = found(labels, a, b)
    assert result["only_first"] == pytest.approx(0.1)  # image 2
    assert result["only_second"] == pytest.approx(0.2)  # 4 and 8
    assert result["both_wrong"] == pytest.approx(0.2)  # 3 and 9
    assert result["both_wrong_by_chance"] == pytest.approx(0.4 * 0.3)
    # B calls 5 of 10 the one class, A 4; alike about 7: Cohen 1960, (p_o - p_e) / (1 - p_e)
    alike, chance = 0.7, 0.5 * 0.4 + 0.5 * 0.6
    assert result["kappa"] == pytest.approx((alike - chance) / (1 - chance))
    ranks = [np.array([[(x > y) + (x == y) / 2 for y in p] for x in p]).sum(1) for p in (b, a)]
    assert result["rank_correlation"] == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_a_shifted_threshold_moves_kappa_and_not_the_rank_correlation():
    labels, a = np.arange(20) % 2, np.linspace(0.02, 0.98, 20)
    result = found(labels, a, a**3)
    assert result["rank_correlation"] == pytest.approx(1)
    assert 0 < result["kappa"] < 1
    same = found(labels, a, a)
    assert same["kappa"] == pytest.approx(1) and same["only_first"] == same["only_second"] == 0


def test_networks_are_taken_one_by_one_and_averaged():
    labels = np.array([1, 0, 1, 0])
    a = np.array([[0.9, 0.1, 0.9, 0.1], [0.9, 0.1, 0.9, 0.9]])
    b = np.array([[0.9, 0.1, 0.1, 0.1], [0.9, 0.1, 0.9, 0.1]])
    result = found(labels, a, b)
    assert result["only_first"] == pytest.approx(0.125)
    assert result["only_second"] == pytest.approx(0.125)


def test_of_a_constant_answer_no_likeness_is_claimed():
    labels, a = np.array([1, 0, 1, 0]), np.array([0.9, 0.1, 0.8, 0.2])
    result = found(labels, a, np.full(4, 0.7))
    assert result["kappa"] is None and result["rank_correlation"] is None
    assert result["only_second"] == pytest.approx(0.5)
