"""Periodic functions: snake, a straight line with a wave on it.

The value needs the phase αx only as far as the wave is not negligible beside x.  Its slope needs it
for every x: the phase is reduced with as many digits of 2/π as the largest numbers ask for (Payne
and Hanek 1983), without a branch or a table in memory.
"""

from __future__ import annotations

from .algebraic import LARGEST
from .coefficients import (
    HALF_PI,
    HALF_PI_SQUARED,
    OVER_SNAKE_ROOT,
    PI,
    ROUND,
    SINE,
    SINE_REST,
    SINE_SQUARED,
    SNAKE_ROOT,
    SNAKE_SLOPE,
    TWO_OVER_PI_FLOAT32,
    TWO_OVER_PI_FLOAT64,
    WAVE,
)
from .language import Exact, copysign, fabs, fma, formula, per_precision, polynomial
from .pairs import fast_two_sum, two_sum
from .registry import activation

_TWO_OVER_PI = Exact("0.63661977236758134307553505349005744813783858296182579")
_TWO_THIRDS = Exact("0.66666666666666666666666666666666666666666666666666667")
# 2^(p-1), p the digits of the precision: sums of more than that are integers.
_INTEGERS = per_precision(float32=2.0**23, float64=2.0**52)
# Beyond it a wave is no longer than a few numbers, and its mean does for it.
_MEAN = per_precision(float32=1.5 * 2.0**23, float64=1.5 * 2.0**52)
# Numbers from 2^p on are even; sums with 6·2^p are rounded to multiples of 4.
_EVEN = per_precision(float32=2.0**24, float64=2.0**53)
_FOURS = per_precision(float32=1.5 * 2.0**25, float64=1.5 * 2.0**54)
_SMALLEST_NORMAL = per_precision(float32=2.0**-126, float64=2.0**-1022)


@formula
def inverse_or_zero(alpha):
    """1/alpha, or 0 where that overflows: the wave is then no larger than a rounding error."""
    return 0 if fabs(alpha) < _SMALLEST_NORMAL else 1 / alpha


@formula
def nearest_integer(t):
    """t to the nearest integer, for |t| <= 2^(p-1), p the digits of the precision."""
    magic = copysign(_INTEGERS, t)
    return (t + magic) - magic


@activation(domain=(-20, 20), ulp={"float32": 1.2, "float64": 1.2})
def snake(x, alpha=1.0):
    """x + sin²(αx)/α."""
    u = alpha * x
    u_low = -0.0 if alpha == 1 else fma(alpha, x, -u)
    # u + u_low = (k - 1/2)·π/2 + v + v_low: the first step is exact.
    k = nearest_integer(fma(u, _TWO_OVER_PI.hi, 0.5))
    turns = 0.5 - k
    nearly = fma(turns, HALF_PI.hi, u)
    reduced = fma(turns, HALF_PI.lo, nearly)
    v = reduced + u_low
    v_low = fma(turns, HALF_PI.lo, nearly - reduced) + ((reduced - v) + u_low)
    # sin² u = 1/2 - sin(2v)/2 for even k, 1/2 + sin(2v)/2 for odd k.  Where the slope of snake is 0
    # v is, and there its rest v - sin(2v)/2 rounds so little that snake never falls.
    odd = 0.5 * k - nearest_integer(0.5 * k)
    signed = v if odd == 0 else -v
    square = v * v
    cube = signed * square
    cube_low = fma(signed, square, -cube) + signed * fma(v, v, -square)
    series = polynomial(square, SINE_REST)
    rest = cube * _TWO_THIRDS.hi
    rest_low = fma(cube, _TWO_THIRDS.hi, -rest) + fma(
        cube, fma(square, series, _TWO_THIRDS.lo), cube_low * _TWO_THIRDS.hi
    )
    line, line_low = fast_two_sum(0.5, -signed)
    far, far_low = two_sum(line, rest)
    signed_low = v_low if odd == 0 else -v_low
    # Near 0 the wave has to be accurate beside x.
    q = u * u
    near_series = polynomial(q, SINE_SQUARED)
    near_low = fma(q * q, near_series, fma(2 * u, u_low, fma(u, u, -q)))
    wave = q if fabs(u) < 0.4375 else far
    far_rest = fma(signed_low, fma(2, square, -1), (far_low + line_low) + rest_low)
    wave_low = near_low if fabs(u) < 0.4375 else far_rest
    inverse = inverse_or_zero(alpha)
    y = wave * inverse
    y_low = (fma(-y, alpha, wave) + wave_low) * inverse
    # |y| < |x|, so that nothing is lost of the sum.
    total, total_low = fast_two_sum(x, y)
    low = total_low + y_low if fabs(total) <= LARGEST else -0.0
    size = fabs(u) if alpha != 0 else 2 * _MEAN
    return x + 0.5 * inverse if size > _MEAN else total + low


# From here on the slopes, which need the phase for every x.  2/π·αx = u·Σ d(k)·base^-k, and the
# products of u with its first digits are even numbers, whole waves: they are left out.  The six
# digits beginning with the one before the first that counts are chosen from all of them by
# comparisons, sixteen, eight, four, two and one at a time, and u is divided by as many bases.
(_S0, _S1, _S2, _S3, _S4, _S5, _S6, _S7, _S8, _S9, _S10, _S11) = TWO_OVER_PI_FLOAT32
(
    _D0,
    _D1,
    _D2,
    _D3,
    _D4,
    _D5,
    _D6,
    _D7,
    _D8,
    _D9,
    _D10,
    _D11,
    _D12,
    _D13,
    _D14,
    _D15,
    _D16,
    _D17,
    _D18,
    _D19,
    _D20,
    _D21,
    _D22,
    _D23,
) = TWO_OVER_PI_FLOAT64
# n digits are left out from base^(n-1)·4^p on, p the digits of the precision.
_BASE = per_precision(float32=2.0**25, float64=2.0**54)
_OVER_BASE = per_precision(float32=2.0**-25, float64=2.0**-54)
_OVER_BASE_2 = per_precision(float32=2.0**-50, float64=2.0**-108)
_LIMIT_1 = per_precision(float32=2.0**48, float64=2.0**106)
_LIMIT_2 = per_precision(float32=2.0**73, float64=2.0**160)
_FAR_SHORT = 2.0**123
_OVER_FAR_SHORT = 2.0**-100
_LARGE_SHORT = 2.0**99
_LIMIT_4 = 2.0**268
_OVER_BASE_4 = 2.0**-216
_LIMIT_8 = 2.0**484
_OVER_BASE_8 = 2.0**-432
_FAR_LONG = 2.0**916
_OVER_FAR_LONG = 2.0**-864
_LARGE_LONG = 2.0**860


@formula
def scaled_product(x, alpha, scale):
    """(u, u_low): αx·scale, without overflow of αx."""
    factor = alpha * scale
    u = factor * x
    return u, -0.0 if alpha == 1 else fma(factor, x, -u)


@formula
def first_digits_short(x, alpha):
    """(u, u_low, dm, d0, …): of float32, with up to 3 digits still to leave out."""
    size = fabs(alpha * x)
    # αx beyond all digits: any phase is as good as another.
    scale = _OVER_FAR_SHORT if fabs(alpha) < _LARGE_SHORT else 0
    u, u_low = scaled_product(x, alpha, scale if size >= _FAR_SHORT else 1)
    dm = _S3 if size >= _FAR_SHORT else 0
    d0 = _S4 if size >= _FAR_SHORT else _S0
    d1 = _S5 if size >= _FAR_SHORT else _S1
    d2 = _S6 if size >= _FAR_SHORT else _S2
    d3 = _S7 if size >= _FAR_SHORT else _S3
    d4 = _S8 if size >= _FAR_SHORT else _S4
    d5 = _S9 if size >= _FAR_SHORT else _S5
    d6 = _S10 if size >= _FAR_SHORT else _S6
    d7 = _S11 if size >= _FAR_SHORT else _S7
    return u, u_low, dm, d0, d1, d2, d3, d4, d5, d6, d7


@formula
def first_digits_long(x, alpha):
    """(u, u_low, dm, d0, …): of float64, with up to 3 digits still to leave out."""
    size = fabs(alpha * x)
    scale = _OVER_FAR_LONG if fabs(alpha) < _LARGE_LONG else 0
    v, v_low = scaled_product(x, alpha, scale if size >= _FAR_LONG else 1)
    bm = _D15 if size >= _FAR_LONG else 0
    b0 = _D16 if size >= _FAR_LONG else _D0
    b1 = _D17 if size >= _FAR_LONG else _D1
    b2 = _D18 if size >= _FAR_LONG else _D2
    b3 = _D19 if size >= _FAR_LONG else _D3
    b4 = _D20 if size >= _FAR_LONG else _D4
    b5 = _D21 if size >= _FAR_LONG else _D5
    b6 = _D22 if size >= _FAR_LONG else _D6
    b7 = _D23 if size >= _FAR_LONG else _D7
    size_8 = fabs(v)
    by_8 = _OVER_BASE_8 if size_8 >= _LIMIT_8 else 1
    cm = b7 if size_8 >= _LIMIT_8 else bm
    c0 = _D8 if size_8 >= _LIMIT_8 else b0
    c1 = _D9 if size_8 >= _LIMIT_8 else b1
    c2 = _D10 if size_8 >= _LIMIT_8 else b2
    c3 = _D11 if size_8 >= _LIMIT_8 else b3
    c4 = _D12 if size_8 >= _LIMIT_8 else b4
    c5 = _D13 if size_8 >= _LIMIT_8 else b5
    c6 = _D14 if size_8 >= _LIMIT_8 else b6
    c7 = _D15 if size_8 >= _LIMIT_8 else b7
    c8 = _D16 if size_8 >= _LIMIT_8 else _D8
    c9 = _D17 if size_8 >= _LIMIT_8 else _D9
    c10 = _D18 if size_8 >= _LIMIT_8 else _D10
    c11 = _D19 if size_8 >= _LIMIT_8 else _D11
    w = v * by_8
    size_4 = fabs(w)
    by_4 = _OVER_BASE_4 if size_4 >= _LIMIT_4 else 1
    dm = c3 if size_4 >= _LIMIT_4 else cm
    d0 = c4 if size_4 >= _LIMIT_4 else c0
    d1 = c5 if size_4 >= _LIMIT_4 else c1
    d2 = c6 if size_4 >= _LIMIT_4 else c2
    d3 = c7 if size_4 >= _LIMIT_4 else c3
    d4 = c8 if size_4 >= _LIMIT_4 else c4
    d5 = c9 if size_4 >= _LIMIT_4 else c5
    d6 = c10 if size_4 >= _LIMIT_4 else c6
    d7 = c11 if size_4 >= _LIMIT_4 else c7
    return w * by_4, v_low * by_8 * by_4, dm, d0, d1, d2, d3, d4, d5, d6, d7


first_digits = per_precision(float32=first_digits_short, float64=first_digits_long)


@formula
def digits(x, alpha):
    """(u, u_low, dm, d0, …, d4): all that counts."""
    u, u_low, dm, d0, d1, d2, d3, d4, d5, d6, d7 = first_digits(x, alpha)
    size_2 = fabs(u)
    by_2 = _OVER_BASE_2 if size_2 >= _LIMIT_2 else 1
    em = d1 if size_2 >= _LIMIT_2 else dm
    e0 = d2 if size_2 >= _LIMIT_2 else d0
    e1 = d3 if size_2 >= _LIMIT_2 else d1
    e2 = d4 if size_2 >= _LIMIT_2 else d2
    e3 = d5 if size_2 >= _LIMIT_2 else d3
    e4 = d6 if size_2 >= _LIMIT_2 else d4
    e5 = d7 if size_2 >= _LIMIT_2 else d5
    v = u * by_2
    size_1 = fabs(v)
    by_1 = _OVER_BASE if size_1 >= _LIMIT_1 else 1
    fm = e0 if size_1 >= _LIMIT_1 else em
    f0 = e1 if size_1 >= _LIMIT_1 else e0
    f1 = e2 if size_1 >= _LIMIT_1 else e1
    f2 = e3 if size_1 >= _LIMIT_1 else e2
    f3 = e4 if size_1 >= _LIMIT_1 else e3
    f4 = e5 if size_1 >= _LIMIT_1 else e4
    return v * by_1, u_low * by_2 * by_1, fm, f0, f1, f2, f3, f4


@formula
def part_of_waves(t):
    """t without a multiple of 4, for |t| < 2^p."""
    return t - ((t + _FOURS) - _FOURS)


@formula
def sum_of_digits(u, d0, b, b_low, c):
    """(y, y1, y2, y3): u·d0 + b + b_low + c without a multiple of 2, falling by p bits or so.

    u·d0 may be as large as 4^p, b as 2^p, and b_low and c are less than 1.
    """
    a = u * d0
    t, t_low = two_sum(part_of_waves(a if fabs(a) < _EVEN else 0), part_of_waves(fma(u, d0, -a)))
    s, s_low = two_sum(t, part_of_waves(b))
    r, r_low = two_sum(b_low, c)
    y, y_low = two_sum(s, r)
    z, z_low = two_sum(t_low, s_low)
    y1, y2 = two_sum(z, y_low)
    return y, y1, y2 + z_low, r_low


@formula
def half_waves_of_low(u, dm, d0, d1, d2):
    """(y, y1, y2): u·(dm·base + d0 + …) without a multiple of 2, for the lower part of a pair."""
    b = u * d0
    c_factor = u * _OVER_BASE
    c = c_factor * d1
    y, y1, y2, r = sum_of_digits(u * _BASE, dm, b, fma(u, d0, -b), c)
    z, z_low = two_sum(y1, r + fma(c_factor * _OVER_BASE, d2, fma(c_factor, d1, -c)))
    return y, z, y2 + z_low


@formula
def half_waves(x, alpha, offset):
    """(g, g_low, odd): 2αx/π + offset = k + g + g_low, |g| <= 1/2; odd is 0 if k is even."""
    u, u_low, dm, d0, d1, d2, d3, d4 = digits(x, alpha)
    u1 = u * _OVER_BASE
    b = u1 * d1
    u2 = u1 * _OVER_BASE
    c = u2 * d2
    u3 = u2 * _OVER_BASE
    d = u3 * d3
    main, y1, y2, r = sum_of_digits(u, d0, b, fma(u1, d1, -b), c)
    low, z1, z2 = half_waves_of_low(u_low, dm, d0, d1, d2)
    sum_, sum_low = two_sum(main, low)
    v, v_low = two_sum(y1, sum_low)
    w, w_low = two_sum(v, z1)
    # If α is the constant 1, there is no lower part, and no work for it.
    turns = main if alpha == 1 else sum_
    turns1 = y1 if alpha == 1 else w
    turns2 = y2 if alpha == 1 else (y2 + z2) + (v_low + w_low)
    k = ((turns + offset) + ROUND) - ROUND
    top, top_low = fast_two_sum(offset - k, turns)
    # What is left is exact next to the zeros of the slopes, where the top is nearly 0.
    p, p_low = two_sum(r, d)
    q, q_low = two_sum(p, fma(u2, d2, -c))
    y, y_low = two_sum(turns1 + top_low, q)
    last = (turns2 + y_low) + ((p_low + q_low) + fma(u3 * _OVER_BASE, d4, fma(u3, d3, -d)))
    g, g_low = two_sum(top, y)
    half = 0.5 * k
    return g, g_low + last, half - ((half + ROUND) - ROUND)


@formula
def one_less_cosine(g, g_low, odd):
    """1 - cos(π(g + g_low)), or 1 + cos if odd is not 0."""
    q = g * g
    q_low = fma(2 * g, g_low, fma(g, g, -q))
    series = polynomial(q, WAVE)
    rest = fma(q, fma(q, series, HALF_PI_SQUARED.lo), q_low * HALF_PI_SQUARED.hi)
    y = fma(q, HALF_PI_SQUARED.hi, rest)
    return y if odd == 0 else 2 - y


@formula
def signed_sine(g, g_low, odd):
    """sin(π(g + g_low)), or -sin if odd is not 0."""
    q = g * g
    series = polynomial(q, SINE)
    y = fma(g, PI.hi, fma(g, fma(q, series, PI.lo), g_low * PI.hi))
    within = copysign(1, y) if fabs(y) > 1 else y
    return within if odd == 0 else -within


@snake.gradient(ulp={"float32": 1.6, "float64": 1.6})
def snake_grad(x, alpha=1.0):
    """1 + sin(2αx) = 1 - cos(2αx + π/2)."""
    g, g_low, odd = half_waves(x, alpha, 0.5)
    # At infinities the wave has no phase, and the straight line is left.
    return 1 if fabs(x) > LARGEST else one_less_cosine(g, g_low, odd)


@snake.second_gradient(ulp={"float32": 3.1, "float64": 3.1})
def snake_grad2(x, alpha=1.0):
    """2α·cos(2αx) = 2α·sin(2αx + π/2)."""
    g, g_low, odd = half_waves(fabs(x), alpha, 0.5)
    return 0 if fabs(x) > LARGEST else 2 * alpha * signed_sine(g, g_low, odd)


@snake.parameter_gradient("alpha", ulp={"float32": 3.7, "float64": 3.7})
def snake_grad_alpha(x, alpha=1.0):
    """(x·sin(2αx) - sin²(αx)/α)/α.

    Next to its zeros tan(αx) = 2αx but the first, |αx| = 1.1656, the error is 1.5 ULP of x/α.
    """
    u = alpha * x
    # Around 0 a series, with the first zero taken out.
    q = u * u
    q_low = fma(u, u, -q) + (-0.0 if alpha == 1 else 2 * u * fma(alpha, x, -u))
    series = polynomial(q, SNAKE_SLOPE)
    slope = OVER_SNAKE_ROOT.hi + fma(q, series, OVER_SNAKE_ROOT.lo)
    d = (SNAKE_ROOT.hi - q) + (SNAKE_ROOT.lo - q_low)
    h = d * slope
    y = x * h
    y_low = fma(x, h, -y) + x * fma(d, slope, -h)
    centre = fma(x, y, x * y_low)
    g, g_low, odd = half_waves(x, alpha, 0)
    inverse = inverse_or_zero(alpha)
    wave = 0.5 * one_less_cosine(g, g_low, odd)
    elsewhere = fma(x, signed_sine(g, g_low, odd), -wave * inverse) * inverse
    return centre if fabs(u) < 1.5 else (0 if fabs(x) > LARGEST else elsewhere)
