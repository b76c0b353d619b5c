"""Holds results against a curve of the oracle."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from . import inputs, pieces
from .reference import Curve
from .statistics import Count, Largest, Place, Statistics
from .ulp import Floats, spacing, ulp_error

Float64 = NDArray[np.float64]


# ULP of float64 by which a polynomial may err.
CLOSE = 2.0**-8


def judge(
    curve: Curve, x: Floats, result: Floats, *, before: float = np.nan, fast: bool = False
) -> Statistics:
    """Judge results.

    Parameters
    ----------
    curve
        What they should be.
    x
        The inputs, ascending if the parameters of the curve are numbers.
    result
        What a kernel made of them: float64 is judged by balls around the exact values, or
        polynomials through them, float32 and float16 by the float64 values of the curve.
    before
        The result of the input before the first of `x`, if it is known.
    fast
        Take the error relative to the exact value, as it is stated for the fast tier, which
        promises no order.
    """
    if result.dtype != x.dtype or result.shape != x.shape:
        raise TypeError(f"{x.dtype}{x.shape} became {result.dtype}{result.shape}")
    with np.errstate(all="ignore"):  # signalling NaNs
        error, exact = errors(curve, x, result)
        if fast:
            error = relative_error(result, exact)
        else:
            error = curve.in_its_scale(error, exact, x, result.dtype.type)
        # Nothing is asked of an infinity where there is no limit.
        error[np.isnan(exact) & ~np.isnan(x)] = 0
        low, high = (np.asarray(end, np.float64).astype(x.dtype) for end in curve.image)
        previous = np.concatenate([np.array([before], x.dtype), result[:-1]])
        faults = {
            "outside": (result < low) | (result > high),
            "signs": has_wrong_sign(curve, x, result, exact),
            "limits": np.isinf(x) & ~np.isnan(exact) & (result != exact.astype(x.dtype)),
        }
        if not fast:
            faults["misrounded"] = error > 0.5
            if curve.rising and is_one(curve):
                faults["order"] = result < previous
            elif curve.falling and is_one(curve):
                faults["order"] = result > previous
    params = np.broadcast_arrays(x, *curve.params.values())[1:]

    def place(i: int) -> Place:
        return (inputs.rank(x[i]), *(float(param[i]) for param in params))

    return Statistics(
        len(x),
        Largest.of(error, place),
        **{name: Count.of(fault, place) for name, fault in faults.items()},
    )


def errors(curve: Curve, x: Floats, result: Floats) -> tuple[Float64, Float64]:
    """Return the errors of results in ULP, and the exact values as float64."""
    if result.dtype != np.float64:
        exact = curve(x)
        return ulp_error(result, exact), exact
    wide = np.full(len(x), np.nan, pieces.Wide)
    if pieces.HAS_WIDE and is_one(curve):
        wide = pieces.evaluate(curve, x)
    exact = wide.astype(np.float64)
    error = (np.abs(result - wide) / spacing(exact, np.float64)).astype(np.float64)
    error[np.isnan(error) | np.isinf(result)] = np.inf
    error[error < CLOSE] = 0
    # Polynomials do not tell on which side of a middle between two floats an exact value lies.
    rest = np.isnan(wide) | (np.abs(error - 0.5) < CLOSE)
    if rest.any():
        where = {name: p[rest] if np.ndim(p) else p for name, p in curve.params.items()}
        balls = replace(curve, params=where).exactly(x[rest])
        error[rest] = ulp_error(result[rest], balls)
        exact[rest] = balls.astype(np.float64)
    return error, exact


def is_one(curve: Curve) -> bool:
    """Whether all inputs have the same parameters."""
    return all(np.ndim(param) == 0 for param in curve.params.values())


def relative_error(result: Floats, exact: Float64) -> Float64:
    """|result - exact| relative to |exact|, or to the smallest normal number if that is larger.

    What is larger than the largest float counts as the power of two that follows it, infinities
    too. NaN for NaN is right, any other infinitely wrong.
    """
    info = np.finfo(result.dtype)
    # A quarter, since float64 does not have its own power.
    beyond = 2.0 ** (info.maxexp - 2)
    least = float(info.smallest_normal) / 4
    given, right = (np.clip(y / 4, -beyond, beyond) for y in (result.astype(np.float64), exact))
    error = np.abs(given - right) / np.maximum(np.abs(right), least)
    error[np.isnan(error)] = np.inf
    error[np.isnan(result) & np.isnan(exact)] = 0
    return error


def has_wrong_sign(curve: Curve, x: Floats, result: Floats, exact: Float64) -> NDArray[np.bool_]:
    """Whether the sign of a result, which may be a zero, is not that of the curve.

    A zero of an odd activation has the sign of x. Where another curve is zero, or too small for
    float64, and tends to zero, the sign is that of the limit. No other zero has one.
    """
    negative = np.signbit(result)
    wrong = (negative != np.signbit(exact)) & ~np.isnan(exact)
    zero = exact == 0
    if zero.any():
        wrong &= ~zero
        if is_one(curve):
            is_odd = curve.name == "value" and curve.parity < 0
            on_the_left = np.signbit(x)
            zero &= is_odd | (x != 0)
            for side, sign in zip((on_the_left, ~on_the_left), signs_of_zeros(curve), strict=True):
                if sign is not None:
                    wrong |= zero & side & (negative != sign)
    return wrong


@cache
def signs_of_zeros(curve: Curve) -> tuple[bool | None, bool | None]:
    """Whether zeros on the left and on the right are negative; None if they have no sign."""
    if curve.name == "value" and curve.parity < 0:
        return True, False
    left, right = (bool(np.signbit(limit)) if limit == 0 else None for limit in curve.limits)
    return left, right
