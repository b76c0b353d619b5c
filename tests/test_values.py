"""What every value and gradient promises beside accuracy: limits, NaN, zeros, range, order."""

from math import inf
from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact import engines
from fastcpuact.accuracy.reference import REFERENCES, Case
from fastcpuact.accuracy.samples import uniform
from fastcpuact.numeric.ordinals import from_ordinals, ordinals
from forms import CASES, CURVES, DTYPES, FORMS, ONE_OF_EACH_KIND, function

N = 2**12


@pytest.fixture(autouse=True)
def one_of_each_kind(engine: str, request: pytest.FixtureRequest) -> None:
    """On Numba, whose bits are those of the compiled kernels where these are (test_engines)."""
    case = request.getfixturevalue("case") if "case" in request.fixturenames else None
    if engine == "numba" and engines.COMPILED and case and case.name not in ONE_OF_EACH_KIND:
        pytest.skip("one of each kind is enough for bits that are the same")


every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_form = pytest.mark.parametrize("form", FORMS)
every_curve = pytest.mark.parametrize(("case", "curve"), CURVES)
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def test_every_activation_has_a_reference() -> None:
    assert set(REFERENCES) == set(act.activations)


@pytest.mark.parametrize("name", act.names())
def test_defaults_are_those_of_the_reference(name: str) -> None:
    assert dict(act.get(name).params) == dict(REFERENCES[name].params)


@every_dtype
@every_curve
def test_limits(case: Case, curve: str, dtype: Any) -> None:
    limits = np.array(case.reference(dtype).curves[curve].limits, dtype)
    defined = ~np.isnan(limits)
    result = function(case, curve)(np.array([-inf, inf], dtype)[defined])
    assert np.array_equal(result, limits[defined])
    if curve == "value" and not case.params:
        assert np.array_equal(np.signbit(result), np.signbit(limits[defined]))


@every_dtype
@every_form
@every_case
def test_result_at_zero_is_correctly_rounded(case: Case, form: str, dtype: Any) -> None:
    zeros = np.array([0.0, -0.0], dtype)
    exact = case.reference(dtype).curves[form].exactly(zeros).astype(np.float64)
    assert np.array_equal(function(case, form)(zeros), exact.astype(dtype))


@every_dtype
@every_form
@every_case
def test_nan_at_every_position(case: Case, form: str, dtype: Any) -> None:
    f = function(case, form)
    x = uniform(dtype, half_widths=[8], n=130)
    for n in range(1, 131):
        rows = np.tile(x[:n], (n, 1))
        expected = np.tile(f(x[:n]), (n, 1))
        np.fill_diagonal(rows, np.nan)
        np.fill_diagonal(expected, np.nan)
        result = np.empty_like(rows)
        for row, out in zip(rows, result, strict=True):
            f(row, out=out)
        assert np.array_equal(result, expected, equal_nan=True)


@every_dtype
@every_form
@every_case
def test_every_kind_of_nan(case: Case, form: str, dtype: Any) -> None:
    ends = np.array([inf, -inf, np.nan, -np.nan], dtype).view(f"u{np.dtype(dtype).itemsize}")
    nans = np.concatenate([ends + 1, ends + 2]).view(dtype)  # after inf they are signalling
    assert np.isnan(nans).all()
    with np.errstate(invalid="ignore"):
        assert np.isnan(function(case, form)(nans)).all()


@every_dtype
@every_curve
def test_results_stay_in_the_image(case: Case, curve: str, dtype: Any) -> None:
    reference = case.reference(dtype).curves[curve]
    x = reference.inputs(dtype, N)
    low, high = np.array(reference.image, dtype)
    with np.errstate(over="ignore"):
        y = function(case, curve)(x[~np.isnan(x)])
    assert low <= y.min()
    assert y.max() <= high


@every_dtype
@pytest.mark.parametrize("case", [case for case in CASES if not case.params], ids=str)
def test_values_keep_the_sign_when_they_underflow(case: Case, dtype: Any) -> None:
    curve = case.reference(dtype).value
    x = curve.inputs(dtype, N)
    x = x[np.isfinite(x) & (x != 0)]
    assert np.array_equal(np.signbit(act.get(case.name)(x)), np.signbit(curve(x)))


SYMMETRIC = [
    pytest.param(*param.values, id=param.id)
    for param in CURVES
    if param.values[0].reference().curves[param.values[1]].parity
]


@every_dtype
@pytest.mark.parametrize(("case", "curve"), SYMMETRIC)
def test_symmetric_functions_are_so_to_the_last_bit(case: Case, curve: str, dtype: Any) -> None:
    reference = case.reference(dtype)
    x = reference.curves[curve].inputs(dtype, N)
    x = np.abs(x[~np.isnan(x) & (x != 0)])
    x = x[~np.isin(x, np.abs([dtype(kink) for kink, _ in reference.kinks]))]
    parity = reference.curves[curve].parity
    with np.errstate(over="ignore"):
        y, mirrored = function(case, curve)(x), parity * function(case, curve)(-x)
    assert np.array_equal(y, mirrored, equal_nan=True)
    if curve == "value":
        assert np.array_equal(np.signbit(y), np.signbit(mirrored))


@every_dtype
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.reference().value.parity == -1], ids=str
)
def test_odd_functions_keep_the_sign_of_zero(case: Case, dtype: Any) -> None:
    assert np.signbit(function(case, "value")(np.array([-0.0, 0.0], dtype))).tolist() == [1, 0]


# Curves that never decrease, and those that never increase.
MONOTONE = [
    pytest.param(case, curve, direction, id=f"{case}.{curve}")
    for case, curve in (param.values for param in CURVES)
    for reference in [case.reference().curves[curve]]
    for direction, holds in ((1, reference.rising), (-1, reference.falling))
    if holds
]


@every_dtype
@pytest.mark.parametrize(("case", "curve", "direction"), MONOTONE)
def test_monotone_functions_are_so(case: Case, curve: str, direction: int, dtype: Any) -> None:
    x = case.reference(dtype).curves[curve].inputs(dtype, N)
    with np.errstate(over="ignore"):
        y = direction * function(case, curve)(np.sort(x[~np.isnan(x)]))
    assert np.all(y[:-1] <= y[1:])


@every_dtype
@pytest.mark.parametrize(("case", "curve", "direction"), MONOTONE)
def test_monotone_functions_are_so_between_neighbours(
    case: Case, curve: str, direction: int, dtype: Any
) -> None:
    starts = uniform(dtype, half_widths=(2, 16, 100), n=40)
    x = from_ordinals(ordinals(starts)[:, None] + np.arange(1024), dtype)
    with np.errstate(over="ignore"):
        y = direction * function(case, curve)(x)
    wrong = x[:, :-1][y[:, :-1] > y[:, 1:]]
    assert len(wrong) == 0, f"{len(wrong)} of {x.size}, first at x = {wrong[0]!r}"
