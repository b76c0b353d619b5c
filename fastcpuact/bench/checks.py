"""How wrong a result is: nothing is timed before it is known what it computes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcpuact.accuracy.reference import REFERENCES
from fastcpuact.accuracy.rows import ROWS

from .cases import Case, Operands

Float64 = NDArray[np.float64]

# Elements, and rows, that are looked at; all are drawn alike.
ELEMENTS = 4_096
CHECKED_ROWS = 2
# A larger relative error than this means that a result, or its tail, is lost.
LOST = 1e-2


def worst_error(case: Case, operands: Operands, result: NDArray[Any]) -> float:
    """Return the largest relative error among the first elements of a result.

    An exact value below the normal numbers counts as the smallest of these.

    Parameters
    ----------
    case : Case
        What was computed.
    operands : Operands
        From what.
    result : ndarray
        What a library made of it.

    Returns
    -------
    float
        Infinity where a result is NaN or infinite and should not be.
    """
    exact, part = _exact(case, operands)
    least = np.finfo(case.dtype).smallest_normal
    got = _part(case, result, part).astype(np.float64)
    with np.errstate(all="ignore"):
        errors = np.abs(got - exact) / np.maximum(np.abs(exact), least)
    errors[np.isnan(errors)] = np.inf
    return float(errors.max(initial=0))


def _part(case: Case, array: NDArray[Any], count: int) -> NDArray[Any]:
    """Return the elements or rows that are looked at, rows along the last axis."""
    if case.axis is None:
        return array[:count]
    # Where rows are reduced to numbers, there is no axis to move.
    rows = array if array.ndim == 1 else np.moveaxis(array, case.axis, -1)
    return rows[:count].reshape(min(count, len(rows)), -1)


def _exact(case: Case, operands: Operands) -> tuple[Float64, int]:
    if case.axis is None:
        curve = "value" if case.form == "value" else "grad"
        size = min(case.size, ELEMENTS)
        given = tuple(case.given.items())
        exact = _curve(case.name, given, curve, case.dtype, operands.x[:size].tobytes())
        return exact if case.form == "value" else exact * operands.dy[:size], size
    oracle = ROWS[case.name]
    exactly = oracle.exactly if case.form == "value" else oracle.backward_exactly
    parts = [_part(case, array, CHECKED_ROWS) for array in operands.along_axis(case)]
    return np.array([exactly(*row) for row in zip(*parts, strict=True)], np.float64), CHECKED_ROWS


@lru_cache(maxsize=64)
def _curve(
    name: str, given: tuple[tuple[str, float], ...], curve: str, dtype: str, inputs: bytes
) -> Float64:
    """Evaluate a curve of the oracle, once for the many cases that begin with the same inputs."""
    return REFERENCES[name](**dict(given)).curves[curve](np.frombuffer(inputs, dtype))
