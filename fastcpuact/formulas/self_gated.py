"""Self-gated functions: x times a sigmoid of x.

The product with x is made before the power of two of e^x is applied, so that the tail on the left
keeps its digits until the result itself is subnormal.  Around the point where a gradient changes
sign, its root is factored out.
"""

from __future__ import annotations

from .coefficients import (
    GELU_C,
    GELU_M,
    GELU_M0,
    GELU_ROOT,
    MISH_ROOT,
    MISH_SLOPE,
    NORMAL_END,
    SILU_ROOT,
    SILU_SLOPE,
)
from .elementary import exp_parts, normal_tail_parts
from .language import Exact, fabs, fma, formula, polynomial
from .registry import activation

# φ(0) = 1/√(2π).
_DENSITY_AT_0 = Exact("0.39894228040143267793994605993438186847585863116493")

# Every tail here has ended beyond these, where infinities would make NaN of 0·inf.
_FAR = 1000.0


@formula
def not_too_low(x):
    """max(x, -_FAR); keeps NaN."""
    return -_FAR if x < -_FAR else x


@formula
def limited(x):
    """x between -_FAR and _FAR; keeps NaN."""
    above = not_too_low(x)
    return _FAR if above > _FAR else above


@activation(aliases=("swish1",), domain=(-20, 20), ulp={"float32": 2.5, "float64": 2.0})
def silu(x):
    """x·σ(x)."""
    q, a, b = exp_parts(-fabs(limited(x)), -0.0)
    e = fma(a, q, a) * b
    # x/(1+e) as x less a small part of it, which rounds little.
    y = fma(-limited(x), e / (1 + e), not_too_low(x))
    # Where y underflows, fma(y, q, y) may be +0.
    return -fabs(fma(y, q, y) * a * b) if x < 0 else y


@silu.gradient(ulp={"float32": 3.9, "float64": 2.9})
def silu_grad(x):
    """σ(x)·(1 + x·σ(-x))."""
    z = limited(x)
    q, a, b = exp_parts(-fabs(z), -0.0)
    e = fma(a, q, a) * b
    d = (z - SILU_ROOT.hi) - SILU_ROOT.lo
    series = polynomial(d, SILU_SLOPE)
    left = fma(d, series, d) if fabs(d) < 0.25 else (1 + z) + e
    right = fma(e, 1 + z, 1)
    y = (left if x < 0 else right) / fma(e, e + 2, 1)
    return fma(y, q, y) * a * b if x < 0 else y


@formula
def within_normal_tails(x):
    """x between -NORMAL_END and NORMAL_END, beyond which Φ(-|x|) has ended; keeps NaN."""
    above = -NORMAL_END if x < -NORMAL_END else x
    return NORMAL_END if above > NORMAL_END else above


@formula
def normal_weight(z):
    """(q, a, b): e^(-z²/2) = (1 + q)·a·b as `exp_parts`."""
    square = z * z
    # Half an ULP of z² = 200 would be many of the exponential: its rounding error goes along.
    q, a, b = exp_parts(-0.5 * square, -0.5 * fma(z, z, -square))
    return q, a, b


@activation(domain=(-14, 14), ulp={"float32": 3.8, "float64": 3.2})
def gelu(x):
    """x·Φ(x), Φ the normal distribution function."""
    z = within_normal_tails(x)
    q, a, b = normal_weight(z)
    numerator, denominator = normal_tail_parts(fabs(z))
    y = z * numerator / denominator
    tail = fma(y, q, y) * a * b
    return x - tail if x > 0 else tail


@gelu.gradient(ulp={"float32": 4.7, "float64": 4.0})
def gelu_grad(x):
    """Φ(x) + x·φ(x), φ the normal density."""
    z = within_normal_tails(x)
    q, a, b = normal_weight(z)
    t = fabs(z)
    numerator, denominator = normal_tail_parts(t)
    d = (GELU_ROOT.hi - t) + GELU_ROOT.lo
    factor = fma(fma(GELU_M, t, GELU_M0), numerator, polynomial(t, GELU_C))
    # R(t) - t/√(2π), R the tail over the weight; near its root as a product.
    quotient = (factor if fabs(d) < 0.375 else numerator) / denominator
    y = d * quotient if fabs(d) < 0.375 else fma(-_DENSITY_AT_0.hi, t, quotient)
    left = fma(y, q, y) * a * b
    return left if x < 0 else 1 - left


@activation(domain=(-20, 20), ulp={"float32": 3.0, "float64": 2.3})
def mish(x):
    """x·tanh(log(1 + e^x))."""
    # tanh(log(1 + E)) = (E² + 2E)/(E² + 2E + 2): on the left e·(1 - c), on the right 1 - c.
    q, a, b = exp_parts(-fabs(limited(x)), -0.0)
    e = fma(a, q, a) * b
    h = e if x < 0 else 2 * e
    half = 0.5 * h
    c = fma(h, half, half if x < 0 else 0) / fma(h, half + 1, 1)
    y = fma(-limited(x), c, not_too_low(x))
    return fma(y, q, y) * a * b if x < 0 else y


@mish.gradient(ulp={"float32": 4.3, "float64": 3.2})
def mish_grad(x):
    """e^x w(x)/(1 + e^x + e^2x/2)², w(x) = (x+1) + (x + 3/2) e^x + e^2x + e^3x/4."""
    z = limited(x)
    q, a, b = exp_parts(-fabs(z), -0.0)
    e = fma(a, q, a) * b
    d = (z - MISH_ROOT.hi) - MISH_ROOT.lo
    series = polynomial(d, MISH_SLOPE)
    direct = fma(e, fma(e, fma(e, 0.25, 1), z + 1.5), z + 1)
    left = fma(d, series, d) if fabs(d) < 0.1875 else direct
    # On the right everything is divided by e^4x, and e = e^-x.
    right = fma(e, fma(e, fma(e, fma(4, z, 4), fma(4, z, 6)), 4), 1)
    h = e if x < 0 else 2 * e
    square = fma(h, fma(h, fma(h, fma(h, 0.25, 1), 2), 2), 1)
    y = (left if x < 0 else right) / square
    return fma(y, q, y) * a * b if x < 0 else y
