"""x times a function of softplus that rises from 0 to 1: mish and serf.

All is written in e = e^-|x|, or in e^|x| = (1 + q)/(a·b), so that nothing overflows; powers of two
are applied last, and the tails keep their digits until the result itself is subnormal.
"""

from __future__ import annotations

from .coefficients import (
    MISH_BEND_LEFT_ROOT,
    MISH_BEND_LEFT_SERIES,
    MISH_BEND_LEFT_TANGENT,
    MISH_BEND_RIGHT_ROOT,
    MISH_BEND_RIGHT_SERIES,
    MISH_BEND_RIGHT_TANGENT,
    MISH_SLOPE_ROOT,
    MISH_SLOPE_SERIES,
    MISH_SLOPE_TANGENT,
)
from .elementary import exp_pair_parts
from .language import copysign, fabs, fma, formula, polynomial
from .pairs import fast_two_sum, pair_product, reciprocal, two_sum
from .registry import activation
from .roots import near_root
from .self_gated import growth_parts, magnitude


@activation(domain=(-20, 20), ulp={"float32": 1.9, "float64": 1.9})
def mish(x):
    """x·tanh(log(1 + e^x))."""
    # With p = e^|x|/2^n, s = 2^-n, v = s/2 on the left and s on the right, u = p + v:
    # f(x) = x·s·u/(u² + v²) on the left, f(x) = x - 2x·s²/(u² + v²) on the right.
    t = magnitude(x)
    q, a, b = growth_parts(t, -0.0)
    s = a * b
    v = 0.5 * s if x < 0 else s
    one = 1 + v
    u = one + (q + (v - (one - 1)))
    square = v * v
    d = fma(q, fma(2, one, q), fma(one, one, square))
    inverse = 1 / d
    y = t * (u if x < 0 else 2 * s) * inverse
    # The remainder of the quotient: t·u - y·(u² + v²), where v is small beside u, and 2t·s - y·d.
    left = fma(u, fma(-y, u, t), -(y * square))
    right = fma(-y, d, t * (2 * s))
    tail = fma(left if x < 0 else right, inverse, y) * a * b
    return (-0.0 if x < 0 else x) - tail


@formula
def mish_denominator(h, h_low):
    """(y, low): 1/(1 + h + h²/2)."""
    half, half_low = fast_two_sum(1, 0.5 * h)
    d = fma(h, half, 1)
    d_low = fma(h, half, 1 - d) + fma(h, half_low, h_low * (1 + h))
    y, low = reciprocal(d, d_low)
    return y, low


@mish.gradient(ulp={"float32": 2.0, "float64": 2.0})
def mish_grad(x):
    """e^x w(x)/(1 + e^x + e^2x/2)², w(x) = (x+1) + (x + 3/2) e^x + e^2x + e^3x/4."""
    t = magnitude(x)
    z = copysign(t, x)
    p, p_low, a, b = exp_pair_parts(-t, -0.0)
    e = p * a * b
    e_low = p_low * a * b
    # On the right all is divided by e^4x, and the halves of 1 + 2e + 2e² are those of h = 2e.
    h = e if x < 0 else 2 * e
    y, y_low = mish_denominator(h, e_low if x < 0 else 2 * e_low)
    square, square_low = pair_product(y, y_low, y, y_low)
    start = z - MISH_SLOPE_ROOT.hi
    d, d_low = fast_two_sum(start, -MISH_SLOPE_ROOT.lo)
    series = polynomial(d, MISH_SLOPE_SERIES)
    near, near_low = near_root(d, d_low, MISH_SLOPE_TANGENT.hi, MISH_SLOPE_TANGENT.lo, series)
    k0 = z + 1 if x < 0 else 1
    k1 = z + 1.5 if x < 0 else 4
    k2 = 1 if x < 0 else fma(4, z, 6)
    k3 = 0.25 if x < 0 else fma(4, z, 4)
    inner = fma(e, k3, k2)
    slope = fma(e, inner, k1)
    curve, curve_low = pair_product(e, e_low, slope, fma(e, inner, k1 - slope))
    far, far_low = two_sum(k0, curve)
    w = near if fabs(d) < 0.375 else far
    w_low = near_low if fabs(d) < 0.375 else far_low + curve_low
    f, f_low = pair_product(w, w_low, square, square_low)
    left, left_low = pair_product(f, f_low, p, p_low)
    return (left + left_low) * a * b if x < 0 else f + f_low


@mish.second_gradient(ulp={"float32": 4.0, "float64": 4.0})
def mish_grad2(x):
    """e^x·(4 + 8E + 6E² + 2E³ + x·(2 + 2E - 3E² - 2E³))/(2·(1 + E + E²/2)³), E = e^x."""
    t = magnitude(x)
    z = copysign(t, x)
    p, p_low, a, b = exp_pair_parts(-t, -0.0)
    e = p * a * b
    e_low = p_low * a * b
    # On the right the sum is divided by E³: the coefficients of its powers change places.
    h = e if x < 0 else 2 * e
    y, y_low = mish_denominator(h, e_low if x < 0 else 2 * e_low)
    square, square_low = pair_product(y, y_low, y, y_low)
    cube, cube_low = pair_product(square, square_low, y, y_low)
    k0 = fma(2, z, 4) if x < 0 else fma(-2, z, 2)
    k1 = fma(2, z, 8) if x < 0 else fma(-3, z, 6)
    k2 = fma(-3, z, 6) if x < 0 else fma(2, z, 8)
    k3 = fma(-2, z, 2) if x < 0 else fma(2, z, 4)
    far = fma(e, fma(e, fma(e, k3, k2), k1), k0)
    start_left = z - MISH_BEND_LEFT_ROOT.hi
    start_right = z - MISH_BEND_RIGHT_ROOT.hi
    left = start_left - MISH_BEND_LEFT_ROOT.lo
    right = start_right - MISH_BEND_RIGHT_ROOT.lo
    series_left = polynomial(left, MISH_BEND_LEFT_SERIES)
    series_right = polynomial(right, MISH_BEND_RIGHT_SERIES)
    d = left if x < 0 else right
    near = fma(
        d * d,
        series_left if x < 0 else series_right,
        d * (MISH_BEND_LEFT_TANGENT.hi if x < 0 else MISH_BEND_RIGHT_TANGENT.hi),
    )
    w = near if fabs(d) < 0.5 else far
    f, f_low = pair_product(w, -0.0, cube, cube_low)
    once, once_low = pair_product(f, f_low, p, p_low)
    twice, twice_low = pair_product(once, once_low, 4 * p, 4 * p_low)
    first = (once + once_low) * (0.5 * a) * b
    return first if x < 0 else (twice + twice_low) * a * b * a * b
