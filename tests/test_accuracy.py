"""No result is further from the exact one than the registry states."""

from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact.accuracy.reference import REFERENCES, Case, Curve
from fastcpuact.accuracy.samples import bit_patterns, quiet, uniform
from forms import CURVES, DTYPES, function

SAMPLES = {np.float32: 2**17, np.float64: 2**12}
PAIRS = {np.float32: 2**17, np.float64: 2**14}
CHUNK = 2**22

every_curve = pytest.mark.parametrize(("case", "curve"), CURVES)


def assert_within_bound(case: Case, reference: Curve, x: Any, **params: Any) -> None:
    with np.errstate(over="ignore"):  # results can exceed the largest float
        result = function(case, reference.name, **params)(x)
    assert result.dtype == x.dtype
    error = reference.ulp_errors(result, x)
    worst = error.argmax()
    bound = act.get(case.name).record.bounds[reference.name, x.dtype.name]
    at = f"x = {x[worst]!r}, {[f'{name} = {p[worst]!r}' for name, p in params.items()]}"
    assert error[worst] <= bound, f"{error[worst]:.3f} ULP at {at}: {result[worst]!r}"


@pytest.mark.parametrize("dtype", DTYPES)
@every_curve
def test_error_is_within_the_stated_bound(case: Case, curve: str, dtype: Any) -> None:
    reference = case.reference(dtype).curves[curve]
    assert_within_bound(case, reference, reference.inputs(dtype, SAMPLES[dtype]))


DRAWN = [
    pytest.param(Case(name, {}), curve, id=f"{name}.{curve}")
    for name in act.names()
    if REFERENCES[name].params
    for curve in act.activations[name].record.formulas
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("case", "curve"), DRAWN)
def test_error_is_within_the_stated_bound_for_any_parameters(
    case: Case, curve: str, dtype: Any
) -> None:
    n = PAIRS[dtype]
    x = np.concatenate([bit_patterns(dtype, n // 2), uniform(dtype, (4, 64), n // 4)])
    params = REFERENCES[case.name].draw(len(x), dtype, curve)
    reference = REFERENCES[case.name](**params).curves[curve]
    assert_within_bound(case, reference, np.clip(x, *reference.domain).astype(dtype), **params)


@pytest.mark.exhaustive
@every_curve
def test_error_is_within_the_stated_bound_for_every_float32(case: Case, curve: str) -> None:
    reference = case.reference(np.float32).curves[curve]
    for first in range(0, 2**32, CHUNK):
        bits = np.arange(first, first + CHUNK, dtype=np.uint64).astype(np.uint32)
        x = quiet(bits.view(np.float32))
        x = x[~((x < reference.domain[0]) | (x > reference.domain[1]))]
        if len(x):
            assert_within_bound(case, reference, x)
