"""Elementary functions of any argument, for formulas that users define, with their derivatives.

The functions of `elementary` are for the arguments that the activations of the package give them.
"""

from __future__ import annotations

import math
from fractions import Fraction

from .algebraic import LARGEST
from .coefficients import LN2_HI, LN2_LO, LOG, ROUND
from .elementary import STEP, STEP_DOWN, normal_tail_pair
from .exponentials import STEP_UP, expm1_parts_of_any, exponential, gaussian
from .gelu import magnitude_of_normal, normal_weight
from .language import (
    Exact,
    copysign,
    exp2_shifted,
    exponent,
    fabs,
    fma,
    formula,
    per_precision,
    polynomial,
    sqrt,
)
from .pairs import fast_two_sum, two_sum
from .periodic import half_waves, signed_sine

_ROOT_2 = Exact("1.4142135623730950488016887242096980785696718753769481")
_SQRT2 = Exact("1.4142135623730950488016887242096980785696718753769481")
_DENSITY_AT_0 = Exact("0.39894228040143267793994605993438186847585863116493")  # 1/√(2π)
_ERF_SLOPE = Exact("1.1283791670955125738961589031215451716881012586580")  # 2/√π
# e^x - 1, sin x and log(1 + x) round to x, or to one of its neighbours.
_LINEAR = per_precision(float32=2.0**-25, float64=2.0**-54)
_SINE_IS_LINEAR = per_precision(float32=2.0**-13, float64=2.0**-28)


@formula
def expm1(x):
    """e^x - 1."""
    _, q, a, one, step = expm1_parts_of_any(x, -0.0)
    most = a - one
    m = most + fma(q, a, (a - most) - one)
    return x if fabs(x) < _LINEAR else m * step


@expm1.partial("x")
def expm1_slope(x):
    """e^x."""
    return exponential(x)


@formula
def log_of_sum(x, low):
    """log(x + low) for positive finite x and low a rounding error of x."""
    # The powers of two below are normal numbers then.
    scale = STEP_UP if x < 1 else STEP_DOWN
    u = x * scale
    below = exponent(u)
    # x + low = (1 + r)·2^n/scale, with 1 + r between √½ and √2.
    n = below + (1 if u * exp2_shifted(ROUND - below) > _ROOT_2.hi else 0)
    down = exp2_shifted(ROUND - n)
    z = fma(u, down, -1)
    r, r_low = fast_two_sum(z, low * scale * down)
    h = 0.5 * r * r
    s = r / (2 + r)
    square = s * s
    series = polynomial(square, LOG)
    k = n - STEP if x < 1 else n + STEP
    rest = r - (h - fma(s, fma(square, series, h), fma(k, LN2_LO, r_low / (1 + r))))
    return fma(k, LN2_HI, rest)


@formula
def log_of_any(u, low):
    """log(u + low): -∞ at 0, NaN for negative u."""
    # √u has the infinity, and the NaN of negative numbers.
    beyond = -1 / fabs(u) if u == 0 else sqrt(u)
    inside = log_of_sum(u, low) if u <= LARGEST else beyond
    return inside if u > 0 else beyond


@formula
def log(x):
    """The natural logarithm; -∞ at 0, NaN for negative x."""
    return log_of_any(x, 0)


@log.partial("x")
def log_slope(x):
    """1/x."""
    return 1 / x


@formula
def log1p(x):
    """log(1 + x); -∞ at -1, NaN below."""
    u, low = two_sum(1, x)
    return x if fabs(x) < _LINEAR else log_of_any(u, low)


@log1p.partial("x")
def log1p_slope(x):
    """1/(1 + x)."""
    return 1 / (1 + x)


@formula
def sin(x):
    """sin x, of x in radians."""
    g, g_low, odd = half_waves(x, 0.5, 0)
    return x if fabs(x) < _SINE_IS_LINEAR else signed_sine(g, g_low, odd)


@formula
def cos(x):
    """cos x, of x in radians."""
    g, g_low, odd = half_waves(x, 0.5, 0.5)
    return signed_sine(g, g_low, odd)


@sin.partial("x")
def sin_slope(x):
    """cos x."""
    return cos(x)


@cos.partial("x")
def cos_slope(x):
    """-sin x."""
    return -sin(x)


@formula
def normal_density(x):
    """e^(-x²/2)/√(2π)."""
    r, m, a, b = normal_weight(magnitude_of_normal(x))
    y = _DENSITY_AT_0.hi
    return (y + fma(y, r, fma(y, m, _DENSITY_AT_0.lo))) * a * b


@normal_density.partial("x")
def normal_density_slope(x):
    """-x·e^(-x²/2)/√(2π)."""
    return -magnitude_of_normal(x) * copysign(normal_density(x), x)


@formula
def normal_cdf(x):
    """Φ(x), the normal distribution function."""
    t = magnitude_of_normal(x)
    r, m, a, b = normal_weight(t)
    y, low = normal_tail_pair(t)
    tail = (y + fma(y, r, fma(y, m, low))) * a * b
    return tail if x < 0 else 1 - tail


@normal_cdf.partial("x")
def normal_cdf_slope(x):
    """e^(-x²/2)/√(2π)."""
    return normal_density(x)


# The Taylor series of erf(x)/x·√π/2 in x², which for |x| < 1/2 leaves less than 2^-60.
_ERF = tuple(float(Fraction((-1) ** k, math.factorial(k) * (2 * k + 1))) for k in range(1, 14))


@formula
def erf(x):
    """The error function."""
    q = x * x
    series = polynomial(q, _ERF)
    near = fma(x, _ERF_SLOPE.hi, x * fma(_ERF_SLOPE.hi, q * series, _ERF_SLOPE.lo))
    far = fma(-2, normal_cdf(-_SQRT2.hi * fabs(x)), 1)
    return near if fabs(x) < 0.5 else copysign(far, x)


@erf.partial("x")
def erf_derivative(x):
    """2/√π·e^(-x²)."""
    return _ERF_SLOPE.hi * gaussian(x)


@formula
def minimum(a, b):
    """The lesser of a and b; keeps NaN."""
    less = a if a < b else b
    return a if a != a else less


@formula
def maximum(a, b):
    """The greater of a and b; keeps NaN."""
    greater = a if a > b else b
    return a if a != a else greater
