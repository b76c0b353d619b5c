"""Gelu: x times the normal distribution function of x.

As gelu(x) - gelu(-x) = x, both sides come from the tail on the left: the weight e^(-t²/2), t = |x|,
times a quotient of polynomials with its remainder.  Powers of two are applied last.
"""

from __future__ import annotations

from .coefficients import GELU_SLOPE_ROOT, GELU_SLOPE_SERIES, GELU_SLOPE_TANGENT, ROUND
from .elementary import (
    STEP,
    STEP_DOWN,
    exp_reduced,
    exp_terms_reduced,
    normal_tail,
    normal_tail_pair,
    times_normal_tail,
)
from .language import Exact, exp2_shifted, fabs, fma, formula, per_precision, polynomial
from .pairs import fast_two_sum, two_product
from .registry import activation
from .roots import near_root

# Where t² e^(-t²/2) has rounded to zero.  2^n·2^STEP, 2^n the power of two in e^(-t²/2), is still a
# normal number there.
_END = per_precision(float32=16.0, float64=46.0)
# φ(0) = 1/√(2π).
_DENSITY_AT_0 = Exact("0.39894228040143267793994605993438186847585863116493")


@formula
def magnitude_of_normal(x):
    """|x|, at most _END; keeps NaN."""
    t = fabs(x)
    return _END if t > _END else t


@formula
def normal_weight(t):
    """(r, m, a, b): e^(-t²/2) = (1 + r + m)·a·b for 0 <= t <= _END, as `exp_terms_reduced`."""
    half = 0.5 * t
    h, h_low = two_product(t, half)
    # Half an ULP of t²/2 = 100 would be many of the exponential: its rounding error goes along.
    r, m, n = exp_terms_reduced(-h, -h_low, ROUND + STEP)
    return r, m, exp2_shifted(n), STEP_DOWN


@formula
def gelu_tail_parts(t):
    """(y, low, a, b): -gelu(-t) = t·Φ(-t) = (y + low)·a·b for 0 <= t <= _END, |low| < |y|."""
    r, m, a, b = normal_weight(t)
    y, low = times_normal_tail(t)
    return y, fma(y, r, fma(y, m, low)), a, b


@activation(domain=(-14, 14), ulp={"float32": 2.0, "float64": 2.0})
def gelu(x):
    """x·Φ(x), Φ the normal distribution function."""
    y, low, a, b = gelu_tail_parts(magnitude_of_normal(x))
    tail = (y + low) * a * b
    return (-0.0 if x < 0 else x) - tail


@formula
def gelu_slope_parts(t):
    """(y, low, a, b): gelu'(-t) = (y + low)·a·b for 0 <= t <= _END, |low| < |y|."""
    r, m, a, b = normal_weight(t)
    # On the left Φ(-t) - t·φ(t) = e^(-t²/2)·(R(t) - t/√(2π)), R the tail over the weight.  Up to
    # t = 3/2 a series about its zero.
    start = t - GELU_SLOPE_ROOT.hi
    z, z_low = fast_two_sum(start, -GELU_SLOPE_ROOT.lo)
    series = polynomial(z, GELU_SLOPE_SERIES)
    near, near_low = near_root(z, z_low, GELU_SLOPE_TANGENT.hi, GELU_SLOPE_TANGENT.lo, series)
    line = -_DENSITY_AT_0.hi * t
    tail, tail_low = normal_tail_pair(t)
    far, far_low = fast_two_sum(line, tail)
    line_low = fma(-_DENSITY_AT_0.lo, t, fma(-_DENSITY_AT_0.hi, t, -line))
    y = near if t < 1.5 else far
    low = near_low if t < 1.5 else far_low + (line_low + tail_low)
    return y, fma(y, r, fma(y, m, low)), a, b


@formula
def gelu_slope_tail(t):
    """gelu'(-t) = Φ(-t) - t·φ(t) for 0 <= t <= _END, with the rounding errors of all terms."""
    y, low, a, b = gelu_slope_parts(t)
    return (y + low) * a * b


@gelu_slope_tail.fast
def gelu_slope_tail_fast(t):
    """The same without them."""
    q, n = exp_reduced(-t * (0.5 * t), -0.0, ROUND + STEP)
    # e^(-t²/2)·(R(t) - t/√(2π)), R the tail over the weight: near its zero a series.
    z = (t - GELU_SLOPE_ROOT.hi) - GELU_SLOPE_ROOT.lo
    series = polynomial(z, GELU_SLOPE_SERIES)
    near = fma(z * z, series, z * GELU_SLOPE_TANGENT.hi)
    y = near if t < 1.5 else fma(-_DENSITY_AT_0.hi, t, normal_tail(t))
    return fma(y, q, y) * exp2_shifted(n) * STEP_DOWN


@gelu.gradient(ulp={"float32": 2.0, "float64": 2.0})
def gelu_grad(x):
    """Φ(x) + x·φ(x), φ the normal density."""
    left = gelu_slope_tail(magnitude_of_normal(x))
    return left if x < 0 else 1 - left


@gelu.second_gradient(ulp={"float32": 3.1, "float64": 3.1})
def gelu_grad2(x):
    """φ(x)·(2 - x²)."""
    t = magnitude_of_normal(x)
    r, m, a, b = normal_weight(t)
    # 1 - t²/2 is exact around its zero, and the rounding error of t²/2 all that is left there.
    half = 0.5 * t
    h, h_low = two_product(t, half)
    y = 2 * _DENSITY_AT_0.hi * ((1 - h) - h_low)
    return (y + fma(y, r, y * m)) * a * b
