"""Correct rounding of a function to integer codes, decided by exact arithmetic.

float64 decides almost all codes: the value of an activation is known to some units in the last
place, and is seldom that near to the middle of two codes. Where it is, as for a rectifier whose
output scale is twice the input scale, ball arithmetic decides, with as many bits as it takes; what
no precision tells from the middle lies there, and is a tie.
"""

from __future__ import annotations

from fractions import Fraction
from math import copysign, floor, isnan

import numpy as np
from numpy.typing import NDArray

from ..formulas import ACTIVATIONS
from .affine import Affine, Rounding, round_away
from .function import Function

Floats = NDArray[np.float64]

# float64 decides where the distance from the nearest tie is above this part of the terms: more than
# a thousand times what kernels with errors of a few ULP, and inputs rounded to float64, leave open.
MARGIN = 2.0**-40
# Every output saturates long before.
VAST = 2.0**62
# Two numbers that so many bits do not tell apart are the same: they are roots of polynomials of low
# degree with coefficients of about a hundred bits, or else differ far earlier.
LAST_PRECISION = 2**13


def rounded_codes(
    function: Function, codes: NDArray[np.int64], input: Affine, output: Affine, rounding: Rounding
) -> NDArray[np.int64]:
    """Return the nearest output code for each input code, without limits.

    The results of a user's function, of which nothing is known beyond float64, are taken as they
    come, and are rounded exactly.

    Raises
    ------
    ValueError
        If the function is NaN at a code.
    ImportError
        If a code needs ball arithmetic, and python-flint is not installed.
    """
    x = input.dequantize(codes)
    y = function(x)
    with np.errstate(over="ignore", invalid="ignore"):  # infinities saturate
        t = y / output.scale
        about = round_away(t)
        distance = np.abs(np.abs(t - np.trunc(t)) - 0.5)
        terms = (1 + np.abs(x)) * (1 + np.abs(t) + np.abs(x) / output.scale)
    vast = np.abs(t) >= VAST
    about = np.where(vast, np.copysign(VAST, t), about)
    rounded = about.astype(np.int64)
    open_ = ~vast & ~(distance > MARGIN * terms)
    name = "" if function.activation is None else function.activation.name
    if name in ACTIVATIONS:
        open_ |= _jumps(function, codes, input, x, y, MARGIN * terms * output.scale)
    for i in np.flatnonzero(open_):
        if name in ACTIVATIONS:
            rounded[i] = _decide(name, input.real(int(codes[i])), output.scale, rounding)
        else:
            rounded[i] = _round(Fraction(y[i]) / Fraction(output.scale), rounding)
    return rounded + output.zero_point


def _jumps(
    function: Function,
    codes: NDArray[np.int64],
    input: Affine,
    x: Floats,
    y: Floats,
    tolerance: Floats,
) -> NDArray[np.bool_]:
    """Whether the input had to be rounded, and the function jumps between its neighbours."""
    inexact = np.array(
        [Fraction(float(v)) != input.real(int(code)) for v, code in zip(x, codes, strict=True)]
    )
    found = np.zeros(x.shape, bool)
    for side in (-np.inf, np.inf):
        with np.errstate(invalid="ignore"):  # infinities, which saturate
            found |= ~(np.abs(function(np.nextafter(x, side)) - y) <= tolerance)
    return inexact & found


def _round(t: Fraction, rounding: Rounding) -> int:
    """Round a rational number."""
    if rounding == "even":
        return round(t)
    whole = floor(abs(t) + Fraction(1, 2))
    return whole if t >= 0 else -whole


def _decide(name: str, x: Fraction, scale: float, rounding: Rounding) -> int:
    """Round f(x)/scale to a whole number."""
    try:
        from flint import arb, fmpq

        from ..accuracy.balls import FIRST_PRECISION, UndecidedError, coefficient, precision
        from ..accuracy.definitions import DEFINITIONS
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{name} at {float(x)!r} lies so near to the middle of two codes that rounding it "
            "needs exact arithmetic: pip install 'fastcpuact[edge]'"
        ) from error
    definition = DEFINITIONS[name]
    bits, below = FIRST_PRECISION, 0
    while bits <= LAST_PRECISION:
        with precision(bits):
            params = [arb(float(p)) for p in definition.params.values() if p is not None]
            try:
                value = definition.value(arb(fmpq(x.numerator, x.denominator)), *params)
            except UndecidedError:
                bits *= 2
                continue
            y = coefficient(value, 0)
            about = float(y) / scale
            if isnan(about):
                bits *= 2
                continue
            if abs(about) >= VAST:
                return int(copysign(VAST, about))
            below = floor(about)
            # The values are compared with the middle of two codes, so nothing is divided.
            middle = (below + Fraction(1, 2)) * Fraction(scale)
            tie = arb(fmpq(middle.numerator, middle.denominator))
            if y > tie:
                return below + 1
            if y < tie:
                return below
        bits *= 2
    return _round(below + Fraction(1, 2), rounding)
