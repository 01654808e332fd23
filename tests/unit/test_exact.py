"""Functions and random numbers of exactly rounded operations: as accurate as they say."""

import ast
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from srgan_ab.data import exact, rendering

ALLOWED = {
    *("abs", "arange", "array", "asarray", "ascontiguousarray", "broadcast_to", "clip", "empty"),
    *("flatnonzero", "float32", "full", "full_like", "gradient", "indices", "inf", "int32"),
    *("maximum", "meshgrid", "minimum", "ndarray", "rint", "sign", "sqrt", "square", "uint8"),
    *("where", "zeros_like"),
}
FILES = sorted(Path(rendering.__path__[0]).glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_pictures_are_painted_with_exactly_rounded_operations_alone(file):
    """No power, product of matrices, sum or function of another library, by name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Pow | ast.MatMult)
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "np":
                assert node.attr in ALLOWED
            assert node.attr not in ("mean", "std", "sum", "var", "dot")
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if node.module == "math":
                assert names == {"pi"}
            elif node.module.startswith("scipy"):
                assert names == {"uniform_filter"}


@pytest.mark.parametrize(
    ("name", "least", "most"), [("exp", -86, 86), ("sin", -200, 200), ("cos", -200, 200)]
)
def test_functions_are_as_accurate_as_they_say(name, least, most):
    x = np.linspace(least, most, 1_000_001).astype(np.float32)
    found = getattr(exact, name)(x)
    assert found.dtype == np.float32
    expected = getattr(np, name)(x.astype(np.float64))
    error = np.abs(found - expected) / (expected if name == "exp" else 1)
    assert (error / (1 + np.abs(x))).max() < 2e-7
    one = getattr(exact, name)(float(x[7]))
    assert type(one) is float and one == found[7]


def test_exp_of_anything_is_finite_and_not_negative():
    x = np.array([-np.inf, -1e30, -100, 0, 100, 1e30], np.float32)
    found = exact.exp(x)
    assert (found >= 0).all() and np.isfinite(found).all()
    assert found[0] < 1e-37 and found[3] == pytest.approx(1, abs=2e-7) and found[5] > 1e37


def test_draws_follow_their_distributions_and_their_seed():
    rng = exact.draws(1, 2, 3)
    normal = rng.standard_normal((1000, 200))
    assert normal.dtype == np.float32
    assert stats.kstest(normal.ravel(), "norm").pvalue > 0.01
    assert normal.std() == pytest.approx(1, abs=0.005)
    assert np.abs(np.corrcoef(normal[:-1].ravel(), normal[1:].ravel())[0, 1]) < 0.01
    uniform = rng.uniform(-3, 5, 100_000)
    assert stats.kstest(uniform, stats.uniform(-3, 8).cdf).pvalue > 0.01
    assert type(rng.uniform(-3, 5)) is float and type(rng.normal(1, 2)) is float
    several = [rng.normal(10, 2) for _ in range(20_000)]
    assert stats.kstest(several, stats.norm(10, 2).cdf).pvalue > 0.01

    assert np.array_equal(exact.draws(1, 2, 3).standard_normal((1000, 200)), normal)
    assert not np.array_equal(exact.draws(1, 2, 4).standard_normal((1000, 200)), normal)


def test_no_last_bit_moves_a_normal_number():
    """The quantiles' errors are below 1e-9 of the grid that they are rounded to."""
    quantiles = stats.norm.ppf((np.arange(2**15) + 0.5) / 2**16) * 2**16
    to_a_tie = np.abs(np.abs(quantiles) % 1 - 0.5)
    assert to_a_tie.min() > 1e-7
    expected = np.concatenate([quantiles, -quantiles[::-1]]) / 2**16
    np.testing.assert_allclose(exact._quantiles(), expected, atol=0.51 / 2**16)


def test_a_standardized_field_has_no_mean_and_unit_deviation_in_any_order():
    field = np.random.default_rng(0).normal(3, 0.7, (160, 160)).astype(np.float32)
    found = exact.standardized(field)
    assert found.dtype == np.float32
    assert found.mean(dtype=float) == pytest.approx(0, abs=1e-5)
    assert found.std(dtype=float) == pytest.approx(1, abs=1e-5)
    order = np.random.default_rng(1).permutation(field.size)
    shuffled = exact.standardized(field.ravel()[order].reshape(field.shape))
    assert np.array_equal(shuffled.ravel(), found.ravel()[order])
