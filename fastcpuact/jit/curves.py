"""The Numba engine's kernels of approximants in floating point: those of kernels/curves.h."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .leaves import device, serial

_TABLE, _TAYLOR, _PIECEWISE, _RATIONAL = range(4)
_NONE, _ODD, _EVEN, _COMPLEMENT, _RECTIFIED = range(5)
_TANH, _SIGMOID, _EXPONENTIAL = range(3)


@device
def _real(number, like):
    """A number in the type of another array: Python's would make float64 of all that it meets."""
    return like.dtype.type(number)


@device
def _find(t, uniform, segments, origin, scale, knots):
    last = segments - 1
    if uniform:
        return min(np.int64((t - origin) * scale), np.int64(last))
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        if knots[middle + 1] <= t:
            low = middle + 1
        else:
            high = middle
    return np.int64(low)


@device
def _horner(a, first, terms, z, slope):
    """The polynomial of `terms` coefficients from `first` on, or its slope."""
    y = _real(0, a)
    bottom = 1 if slope else 0
    for k in range(terms - 1, bottom - 1, -1):
        c = a[first + k]
        if slope:
            c = _real(k, a) * c
        y = c if k == terms - 1 else y * z + c
    return y


@device
def _interpolate(t, i, degree, uniform, origin, scale, knots, v, slope, one):
    zero, half, sixth = _real(0, v), _real(0.5, v), one / _real(6, v)
    if degree == 0:
        if not slope:
            return v[i]
        a, b = max(i - 1, 0), min(i + 1, len(v) - 1)
        distance = (knots[b] + knots[b + 1]) * half - (knots[a] + knots[a + 1]) * half
        return (v[b] - v[a]) / distance if distance != zero else zero
    if uniform:
        s, rate = (t - origin) * scale - _real(i, v), scale
    else:
        width = knots[i + 1] - knots[i]
        s, rate = (t - knots[i]) / width, one / width
    rate = rate * _real(degree, v)
    p = s * _real(degree, v)
    w = degree * i
    d1 = v[w + 1] - v[w]
    if degree == 1:
        return d1 * rate if slope else v[w] + p * d1
    second = v[w + 2] - v[w + 1]
    d2 = second - d1
    h = d2 * half
    if degree == 2:
        if slope:
            return (d1 + (p + p - one) * h) * rate
        return v[w] + p * (d1 + (p - one) * h)
    d3 = (((v[w + 3] - v[w + 2]) - second) - d2) * sixth
    two, three, six = _real(2, v), _real(3, v), _real(6, v)
    if slope:
        return ((d1 + (p + p - one) * h) + ((p * p) * three - (p * six - two)) * d3) * rate
    return v[w] + p * (d1 + (p - one) * (h + (p - two) * d3))


@device
def _taylor(r, y, identity, degree, negated, slope, one):
    two, three = one + one, one + one + one
    half, third, sixth = one / two, one / three, one / (two * three)
    x = -r if negated else r
    if identity == _TANH:
        d1 = one - y * y
        d2 = -(y * d1)
        d3 = d1 * (y * y - third)
    elif identity == _SIGMOID:
        d1 = y * (one - y)
        d2 = d1 * (half - y)
        d3 = d1 * (sixth - d1)
    else:
        d1 = y
        d2 = y * half
        d3 = y * sixth
    if degree == 2:
        result = d1 + x * (d2 + d2) if slope else y + x * (d1 + x * d2)
    elif slope:
        result = d1 + x * ((d2 + d2) + x * (d3 * three))
    else:
        result = y + x * (d1 + x * (d2 + x * d3))
    return -result if slope and negated else result


@device
def _rational(t, a, b, square, times_t, offset, rise, center, slope, one):
    zero = _real(0, a)
    z = t * t if square else t
    if center != zero:
        z = z - center
    p = _horner(a, 0, len(a), z, False)
    divides = len(b) > 1
    q = _horner(b, 0, len(b), z, False) if divides else one
    top = p * t if times_t else p
    if divides:
        top = top / q
    if not slope:
        if rise != zero:
            return top + t * rise
        return top + offset if offset != zero else top
    dp = _horner(a, 0, len(a), z, True)
    dq = _horner(b, 0, len(b), z, True)
    if square:
        dz = t + t
        dp = dp * dz
        dq = dq * dz
    if times_t:
        dp = dp * t + p
    if divides:
        dp = (dp - top * dq) / q
    return dp + rise if rise != zero else dp


@serial
def _run(choices, numbers, knots, data, denominator, x, y, slope):
    method, symmetry, identity, degree, folded, clipped = choices[:6]
    uniform, square, times_t, negated, segments = choices[6:]
    start, end, total, below, below_at, above, above_at = numbers[:7]
    low, high, origin, width, scale, offset, rise, center, one = numbers[7:]
    zero, half = _real(0, x), _real(0.5, x)
    for k in range(len(x)):
        value = x[k]
        t = abs(value) if folded else value
        u = t if t >= start else start  # also for NaN
        u = u if u <= end else end
        if method == _RATIONAL:
            core = _rational(
                u, data, denominator, square, times_t, offset, rise, center, slope, one
            )
        elif method == _TAYLOR:
            if uniform:
                distance = u - origin
                i = min(np.int64(distance * scale + half), np.int64(segments))
                r = distance - _real(i, x) * width
            else:
                i = _find(u, uniform, segments, origin, scale, knots)
                r = u - (knots[i] + knots[i + 1]) * half
            core = _taylor(r, data[i], identity, degree, negated, slope, one)
        else:
            i = _find(u, uniform, segments, origin, scale, knots)
            if method == _TABLE:
                core = _interpolate(u, i, degree, uniform, origin, scale, knots, data, slope, one)
            else:
                r = (u - origin) * scale - _real(i, x) if uniform else u - knots[i]
                core = _horner(data, i * (degree + 1), degree + 1, r, slope)
                if slope and uniform and degree > 0:
                    core = core * scale
        if clipped and not slope:
            core = low if core < low else core
            core = high if core > high else core
        if t < start:
            core = below if slope else (below_at if below == zero else t * below + below_at)
        elif t > end:
            core = above if slope else (above_at if above == zero else t * above + above_at)
        negative = np.signbit(value)
        if symmetry in (_ODD, _EVEN):
            if (symmetry == _EVEN) == slope and negative:
                core = -core
        elif symmetry == _COMPLEMENT:
            if slope:
                core = -core
            elif not negative:
                core = total - core
        elif symmetry == _RECTIFIED:
            if not slope:
                core = core + (value if value > zero else zero)
            elif negative:
                core = -core
            else:
                core = core + one
        y[k] = core if value == value else value


def evaluate(
    choices: tuple[int, ...],
    numbers: tuple[float, ...],
    knots: NDArray[Any],
    data: NDArray[Any],
    denominator: NDArray[Any],
    x: NDArray[Any],
    y: NDArray[Any],
    slope: bool,
) -> None:
    """Evaluate a curve, or its slope, on x into y."""
    real = x.dtype.type
    typed = tuple(real(number) for number in (*numbers, 1.0))
    _run(choices, typed, knots, data, denominator, x, y, slope)
