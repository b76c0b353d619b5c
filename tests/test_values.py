"""What every value and gradient promises beside accuracy: limits, NaN, zeros, range, order."""

from math import inf
from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact.accuracy.reference import CASES, REFERENCES, Case, defaults
from fastcpuact.accuracy.ulp import from_ordinals, ordinals, uniform
from forms import DTYPES, FORMS, function

N = 2**12

pytestmark = pytest.mark.usefixtures("engine")
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_form = pytest.mark.parametrize("form", FORMS)
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def test_every_activation_has_a_reference() -> None:
    assert set(REFERENCES) == set(act.activations)


@pytest.mark.parametrize("name", REFERENCES)
def test_defaults_are_those_of_the_reference(name: str) -> None:
    assert dict(act.get(name).params) == defaults(REFERENCES[name])


@every_dtype
@every_form
@every_case
def test_limits(case: Case, form: str, dtype: Any) -> None:
    limits = np.array(getattr(case.reference(dtype), form).limits, dtype)
    result = function(case, form)(np.array([-inf, inf], dtype))
    assert np.array_equal(result, limits)
    if form == "value" and not case.params:
        assert np.array_equal(np.signbit(result), np.signbit(limits))


@every_dtype
@every_form
@every_case
def test_result_at_zero_is_correctly_rounded(case: Case, form: str, dtype: Any) -> None:
    curve = getattr(case.reference(dtype), form)
    zeros = np.array([0.0, -0.0], dtype)
    assert np.array_equal(function(case, form)(zeros), curve(zeros).astype(dtype))


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
@every_form
@every_case
def test_results_stay_in_the_image(case: Case, form: str, dtype: Any) -> None:
    curve = getattr(case.reference(dtype), form)
    x = curve.inputs(dtype, N)
    low, high = np.array(curve.image, dtype)
    y = function(case, form)(x[~np.isnan(x)])
    assert low <= y.min()
    assert y.max() <= high


@every_dtype
@pytest.mark.parametrize("name", REFERENCES)
def test_values_keep_the_sign_when_they_underflow(name: str, dtype: Any) -> None:
    curve = REFERENCES[name]().value
    x = curve.inputs(dtype, N)
    x = x[np.isfinite(x) & (x != 0)]
    assert np.array_equal(np.signbit(act.get(name)(x)), np.signbit(curve(x)))


@every_dtype
@pytest.mark.parametrize("name", [n for n, build in REFERENCES.items() if build().value.odd])
def test_odd_functions_are_odd_to_the_last_bit(name: str, dtype: Any) -> None:
    x = REFERENCES[name]().value.inputs(dtype, N)
    x = x[~np.isnan(x)]
    y, mirrored = act.get(name)(x), -act.get(name)(-x)
    assert np.array_equal(y, mirrored)
    assert np.array_equal(np.signbit(y), np.signbit(mirrored))
    assert np.array_equal(np.signbit(y), np.signbit(x))


INCREASING = [
    pytest.param(case, form, id=f"{case}.{form}")
    for case in CASES
    for form in FORMS
    if getattr(case.reference(), form).increasing
]


@every_dtype
@pytest.mark.parametrize(("case", "form"), INCREASING)
def test_increasing_functions_never_decrease(case: Case, form: str, dtype: Any) -> None:
    curve = getattr(case.reference(dtype), form)
    x = curve.inputs(dtype, N)
    y = function(case, form)(np.sort(x[~np.isnan(x)]))
    assert np.all(y[:-1] <= y[1:])


@every_dtype
@pytest.mark.parametrize(("case", "form"), INCREASING)
def test_increasing_functions_never_decrease_between_neighbours(
    case: Case, form: str, dtype: Any
) -> None:
    starts = uniform(dtype, half_widths=(2, 16, 100), n=40)
    x = from_ordinals(ordinals(starts)[:, None] + np.arange(1024), dtype)
    y = function(case, form)(x)
    descents = x[:, :-1][y[:, :-1] > y[:, 1:]]
    assert len(descents) == 0, f"{len(descents)} of {x.size}, first at x = {descents[0]!r}"


@pytest.mark.exhaustive
@pytest.mark.parametrize(("case", "form"), INCREASING)
def test_increasing_functions_never_decrease_on_any_float32(case: Case, form: str) -> None:
    end = int(ordinals(np.array([np.finfo(np.float32).max], np.float32))[0])
    step = 2**22
    for first in range(-end, end, step):
        numbers = np.arange(first, min(first + step, end) + 1)
        with np.errstate(over="ignore"):
            y = function(case, form)(from_ordinals(numbers, np.float32))
        assert np.all(y[:-1] <= y[1:]), f"between the {first}th and the {first + step}th float"
