"""How wrong results are: nothing is timed before it is known what it computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcpuact.accuracy.reference import REFERENCES
from fastcpuact.accuracy.rows import ROWS

from .cases import GATES, Case, Operands

Array = NDArray[Any]
Float64 = NDArray[np.float64]

# Elements, and rows, that are looked at; all are drawn alike.
ELEMENTS = 4_096
CHECKED_ROWS = 2
# A larger relative error than this means that a result, or its tail, is lost.
LOST = 1e-2


def worst_error(case: Case, operands: Operands, results: Sequence[Array]) -> float:
    """Return the largest relative error among the first elements of some results.

    An exact value below the normal numbers counts as the smallest of these.

    Parameters
    ----------
    case : Case
        What was computed.
    operands : Operands
        From what.
    results : sequence of ndarray
        What a library made of it.

    Returns
    -------
    float
        Infinity where a result is NaN or infinite and should not be.
    """
    least = np.finfo(case.dtype).smallest_normal
    worst = 0.0
    for exact, result in zip(_exact(case, operands), results, strict=True):
        got = _part(case, result)
        with np.errstate(all="ignore"):
            errors = np.abs(got - exact) / np.maximum(np.abs(exact), least)
            rounded = exact.astype(case.dtype)  # perhaps to an infinity
        errors[np.isnan(errors)] = np.inf
        errors[got == rounded] = 0
        worst = max(worst, float(errors.max(initial=0)))
    return worst


def _part(case: Case, array: Array) -> Array:
    """Return the elements or rows that are looked at, rows along the last axis, in float64."""
    if case.axis is None:
        return array[:ELEMENTS].astype(np.float64)
    # Where rows are reduced to numbers, there is no axis to move.
    rows = array if array.ndim == 1 else np.moveaxis(array, case.axis, -1)
    some = rows[:CHECKED_ROWS]
    return some.reshape(len(some), -1).astype(np.float64)


def _exact(case: Case, operands: Operands) -> Iterator[Float64]:
    """Yield the exact results, in float64."""
    if case.kind == "rowwise":
        oracle = ROWS[case.name]
        exactly = oracle.exactly if case.form == "value" else oracle.backward_exactly
        parts = [_part(case, array) for array in operands.of(case)]
        yield np.array([exactly(*row) for row in zip(*parts, strict=True)], np.float64)
        return
    x, dy = _part(case, operands.x), _part(case, operands.dy)
    if case.kind == "gated":
        gate = operands.gate[:ELEMENTS].tobytes()
        value, slope = (_curve(GATES[case.name], (), c, case.dtype, gate) for c in _CURVES)
        yield from (x * value,) if case.form == "value" else (dy * value, dy * x * slope)
        return
    given, inputs = tuple(case.given.items()), operands.x[:ELEMENTS].tobytes()
    curve = _curve(case.name, given, _CURVES[case.form != "value"], case.dtype, inputs)
    yield curve if case.form == "value" else dy * curve


_CURVES = ("value", "grad")


@lru_cache(maxsize=64)
def _curve(
    name: str, given: tuple[tuple[str, float], ...], curve: str, dtype: str, inputs: bytes
) -> Float64:
    """Evaluate a curve of the oracle, once for the many cases that begin with the same inputs."""
    return REFERENCES[name](**dict(given)).curves[curve](np.frombuffer(inputs, dtype))
