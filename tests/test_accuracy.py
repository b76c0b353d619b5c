"""No result is further from the exact one than the registry states."""

from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact.accuracy.reference import CASES, Case
from fastcpuact.accuracy.ulp import quiet, ulp_error
from forms import DTYPES, FORMS, function

SAMPLES = {np.float32: 2**18, np.float64: 2**9}
CHUNK = 2**22


def assert_within_bound(case: Case, form: str, x: Any) -> None:
    dtype = x.dtype.type
    curve = getattr(case.reference(dtype), form)
    with np.errstate(over="ignore"):  # with parameters, results can exceed the largest float
        result = function(case, form)(x)
    assert result.dtype == dtype
    error = ulp_error(result, curve.exactly(x) if dtype is np.float64 else curve(x))
    worst = error.argmax()
    bound = act.get(case.name).record.bounds[form, x.dtype.name]
    assert error[worst] <= bound, f"{error[worst]:.3f} ULP at x = {x[worst]!r}: {result[worst]!r}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_error_is_within_the_stated_bound(case: Case, form: str, dtype: Any) -> None:
    curve = getattr(case.reference(dtype), form)
    assert_within_bound(case, form, curve.inputs(dtype, SAMPLES[dtype]))


@pytest.mark.exhaustive
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_error_is_within_the_stated_bound_for_every_float32(case: Case, form: str) -> None:
    for first in range(0, 2**32, CHUNK):
        bits = np.arange(first, first + CHUNK, dtype=np.uint64).astype(np.uint32)
        assert_within_bound(case, form, quiet(bits.view(np.float32)))
