"""Elementary functions, over the leaves, on the arguments that activations need.

An activation's tail is e^(-something), so the exponential is given for arguments up to 0, in two
parts: e^x = p·2^n with p near 1.  A factor multiplied to p before `scale_down` applies 2^n is
rounded once, however deep in the subnormals the product ends.
"""

from __future__ import annotations

from .coefficients import (
    EXP,
    EXPM1,
    LN2_HI,
    LN2_LO,
    LOG1P,
    LOG2_E,
    NORMAL_A,
    NORMAL_B,
    NORMAL_W,
    NORMAL_W0,
    ROUND,
)
from .language import exp2_shifted, fabs, fma, formula, per_precision, polynomial

# Below these, x e^x rounds to zero, and so does all that activations multiply e^x with.
_LOWEST = per_precision(float32=-115.0, float64=-760.0)
# Where 2^n comes near the end of the normal numbers, it is applied in two steps.
_DEEP = per_precision(float32=-60.0, float64=-700.0)
_STEP = per_precision(float32=100.0, float64=500.0)
_STEP_DOWN = per_precision(float32=2.0**-100, float64=2.0**-500)
# e^x - 1 rounds to -1 below these.
_EXPM1_LOWEST = per_precision(float32=-18.0, float64=-40.0)


@formula
def exp_parts_near(x, low):
    """(p, n): e^(x + low) = p·2^n for |x| <= -_LOWEST and low a rounding error of x.

    n comes shifted by ROUND, as `exp2_shifted` takes it.
    """
    shifted = fma(x, LOG2_E, ROUND)
    n = shifted - ROUND
    r = fma(n, -LN2_HI, x) + fma(n, -LN2_LO, low)
    series = polynomial(r, EXP)
    return fma(r * r, series, r) + 1, shifted


@formula
def exp_parts(x, low):
    """(p, n): e^(x + low) = p·2^n as `exp_parts_near`, for all x <= 0."""
    above = _LOWEST if x < _LOWEST else x
    p, n = exp_parts_near(above, low)
    return p, n


@formula
def scale_down(a, shifted):
    """a·2^n, rounded once, for n <= 0 as `exp_parts` gives it."""
    deep = ROUND + _DEEP
    normal = shifted + _STEP if shifted < deep else shifted
    rest = _STEP_DOWN if shifted < deep else 1
    return a * exp2_shifted(normal) * rest


@formula
def exp_of_sum(x, low):
    """e^(x + low) for x <= 0 and low a rounding error of x."""
    p, n = exp_parts(x, low)
    return scale_down(p, n)


@formula
def exp(x):
    """e^x for x <= 0."""
    return exp_of_sum(x, 0)


@formula
def expm1(x):
    """e^x - 1 for x <= 0."""
    above = _EXPM1_LOWEST if x < _EXPM1_LOWEST else x
    shifted = fma(above, LOG2_E, ROUND)
    n = shifted - ROUND
    r = fma(n, -LN2_LO, fma(n, -LN2_HI, above))
    series = polynomial(r, EXPM1)
    power = exp2_shifted(shifted)
    return fma(fma(r * r, series, r), power, power - 1)


@formula
def log1p_rest(e):
    """log(1 + e)/e - 1 for 0 <= e <= exp(-3/4)."""
    series = polynomial(e, LOG1P)
    return e * series


@formula
def normal_tail_parts(t):
    """(B, Q): Φ(-t)·e^(t²/2) = B/Q for 0 <= t <= NORMAL_END, Φ the normal distribution function.

    Q/B grows like (2π)^½ t and is nearly the straight line of W, so the rounding errors of the two
    polynomials fade as t grows.
    """
    b = polynomial(t, NORMAL_B)
    a = polynomial(t, NORMAL_A)
    return b, fma(fma(NORMAL_W, t, NORMAL_W0), b, a)


@formula
def product_low(a, b, product):
    """The rounding error of product = a·b; 0 where the product is beyond any exponential."""
    return fma(a, b, -product) if fabs(product) < 10000 else 0
