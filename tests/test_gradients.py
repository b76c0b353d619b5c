"""Gradients at kinks, and that all forms of a gradient agree to the last bit.

That gradients are derivatives is a matter of accuracy: the oracle differentiates the definitions.
"""

from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact.accuracy.reference import Case
from fastcpuact.accuracy.samples import bit_patterns, uniform
from forms import CASES, DTYPES, function

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def operands(dtype: Any) -> tuple[Any, Any]:
    """Return dy and x, which pair all magnitudes with all magnitudes."""
    x = np.concatenate([bit_patterns(dtype, 2**12), uniform(dtype, (8, 120), n=2**10)])
    return np.random.default_rng(0).permutation(x), x


@every_dtype
@pytest.mark.parametrize("case", [c for c in CASES if c.reference().kinks], ids=str)
def test_gradient_at_a_kink_follows_the_convention(case: Case, dtype: Any) -> None:
    for kink, gradient in case.reference(dtype).kinks:
        x = np.array([kink, -kink] if kink == 0 else [kink], dtype)  # both zeros
        assert np.all(function(case, "grad")(x) == dtype(gradient))


@every_dtype
@every_case
def test_backward_is_one_multiplication_by_the_gradient(case: Case, dtype: Any) -> None:
    dy, x = operands(dtype)
    with np.errstate(all="ignore"):
        result = act.get(case.name).backward(dy, x, **case.params)
        expected = dy * function(case, "grad")(x)
    assert_same_bits(result, expected)


@every_dtype
@every_case
def test_value_and_grad_are_value_and_grad(case: Case, dtype: Any) -> None:
    _, x = operands(dtype)
    with np.errstate(all="ignore"):
        y, d = act.get(case.name).value_and_grad(x, **case.params)
        assert_same_bits(y, function(case, "value")(x))
        assert_same_bits(d, function(case, "grad")(x))


def assert_same_bits(result: Any, expected: Any) -> None:
    """Assert equal bits, except that any NaN is as good as another."""
    assert result.dtype == expected.dtype
    same = (result == expected) & (np.signbit(result) == np.signbit(expected))
    assert np.all(same | (np.isnan(result) & np.isnan(expected)))
