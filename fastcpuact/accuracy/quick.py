"""Judges float32 results against polynomials, as `judgement` does against the curve itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numba
import numpy as np

from . import inputs, judgement
from .pieces import DEGREE, Piece
from .reference import Curve
from .statistics import Count, Largest, Statistics
from .ulp import Floats

# Elements for which the temporary arrays of `_measure` stay in the first level of a cache.
BLOCK = 2**10

# ULP that a polynomial may err by.
LEAST = 2.0**-13

_INFINITY = np.float32(np.inf)
_EXPONENT = np.int64(0x7FF) << 52
# 2^(23 - e) has the exponent 2·1023 + 23 less that of 2^e, which is at least that of float32.
_FROM = np.int64(2 * 1023 + 23) << 52
_SMALLEST = np.int64(1023 - 126) << 52


def judge(
    curve: Curve, piece: Piece, x: Floats, result: Floats, before: float
) -> Statistics | None:
    """Judge results, or return None if anything is special.

    Special is what may be a fault: zeros, infinities, NaNs, results outside the range, with the
    wrong sign or out of order.
    """
    if not len(piece.coefficients):
        return _judge_zeros(curve, x, result, before)
    plain, worst, worst_at, wrong, wrong_at = _measure(
        x,
        result,
        piece.coefficients.astype(np.float64),
        piece.centre,
        piece.scale,
        np.float32(curve.image[0]),
        np.float32(curve.image[1]),
        curve.rising - curve.falling,
        np.float32(before),
    )
    if not plain:
        return None

    def place(i: int) -> tuple[float, ...]:
        return (inputs.rank(x[i]), *map(float, curve.params.values()))

    # A polynomial does not tell smaller errors from none.
    largest = Largest(worst, place(worst_at)) if worst > LEAST else Largest(0.0, place(0))
    return Statistics(
        len(x),
        largest,
        misrounded=Count(wrong, place(wrong_at)) if wrong else Count(),
    )


def _judge_zeros(curve: Curve, x: Floats, result: Floats, before: float) -> Statistics | None:
    bits = result.view(np.uint32)
    if result[0] != 0 or np.any(bits != bits[0]):
        return None
    ends = np.array([0, -1])
    found = judgement.judge(curve, x[ends], result[ends], before=before)
    return replace(found, inputs=len(x), misrounded=Count())


@numba.njit(error_model="numpy")
def _measure(
    x: Any, y: Any, c: Any, centre: Any, scale: Any, low: Any, high: Any, order: Any, before: Any
) -> Any:
    """Whether all is plain, the largest error and where, the number misrounded and the first."""
    exact = np.empty(BLOCK)
    bits = exact.view(np.int64)
    per_ulp_bits = np.empty(BLOCK, np.int64)
    per_ulp = per_ulp_bits.view(np.float64)
    worst, worst_at, wrong, wrong_at = -1.0, np.int64(0), 0, np.int64(0)
    previous = before
    for start in range(0, x.size, BLOCK):
        n = min(BLOCK, x.size - start)
        some, results = x[start : start + n], y[start : start + n]
        for i in range(n):
            t = (np.float64(some[i]) - centre) * scale
            p = c[DEGREE]
            for k in range(DEGREE - 1, -1, -1):
                p = p * t + c[k]
            exact[i] = p
        for i in range(n):
            per_ulp_bits[i] = _FROM - max(bits[i] & _EXPONENT, _SMALLEST)
        special, largest, beside = 0, 0.0, 0
        for i in range(n):
            r = results[i]
            within = (r >= low) & (r <= high) & (r < _INFINITY) & (r > -_INFINITY)
            special += not (within & (np.float64(r) * exact[i] > 0))
            error = abs(np.float64(r) - exact[i]) * per_ulp[i]
            exact[i] = error
            largest = error if error > largest else largest
            beside += error > 0.5
        if order > 0:
            special += results[0] < previous
            for i in range(1, n):
                special += results[i] < results[i - 1]
        elif order < 0:
            special += results[0] > previous
            for i in range(1, n):
                special += results[i] > results[i - 1]
        if special:
            return False, 0.0, 0, 0, 0
        if largest > worst:
            worst = largest
            worst_at = start + np.argmax(exact[:n])
        if beside and not wrong:
            wrong_at = start + np.argmax(exact[:n] > 0.5)
        wrong += beside
        previous = results[n - 1]
    return True, worst, worst_at, wrong, wrong_at
