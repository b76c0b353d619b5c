"""Self-gated functions: x times a sigmoid of x.

The product with x is made before the power of two of e^x is applied, so that the tail on the left
keeps its digits until the result itself is subnormal.  Where a gradient changes sign, its root
is factored out.
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
from .elementary import exp_parts, normal_tail_parts, scale_down
from .language import fabs, fma, formula, polynomial
from .registry import activation


@formula
def limited(x):
    """x between -1000 and 1000, beyond which every tail here has ended; keeps NaN."""
    above = -1000 if x < -1000 else x
    return 1000 if above > 1000 else above


@activation(aliases=("swish1",), domain=(-20, 20), ulp={"float32": 3.4, "float64": 3.0})
def silu(x):
    """x·σ(x)."""
    z = limited(x)
    p, n = exp_parts(-fabs(z), 0)
    e = scale_down(p, n)
    return (scale_down(z * p, n) if x < 0 else x) / (1 + e)


@silu.gradient(ulp={"float32": 6.0, "float64": 4.6})
def silu_grad(x):
    """σ(x)·(1 + x·σ(-x))."""
    z = limited(x)
    p, n = exp_parts(-fabs(z), 0)
    e = scale_down(p, n)
    d = (z - SILU_ROOT.hi) - SILU_ROOT.lo
    series = polynomial(d, SILU_SLOPE)
    factor = fma(d, series, d) if fabs(d) < 0.25 else (1 + z) + e
    left = scale_down(p * factor, n)
    right = fma(e, 1 + z, 1)
    q = 1 + e
    return (left if x < 0 else right) / (q * q)


@formula
def within_normal_tails(x):
    """x between -NORMAL_END and NORMAL_END, beyond which Φ(-|x|) has ended; keeps NaN."""
    above = -NORMAL_END if x < -NORMAL_END else x
    return NORMAL_END if above > NORMAL_END else above


@formula
def normal_weight(z):
    """(p, n): e^(-z²/2) = p·2^n as `exp_parts`."""
    square = z * z
    # Half an ULP of z² = 200 would be many of the exponential: its rounding error goes along.
    p, n = exp_parts(-0.5 * square, -0.5 * fma(z, z, -square))
    return p, n


@activation(domain=(-14, 14), ulp={"float32": 4.8, "float64": 3.8})
def gelu(x):
    """x·Φ(x), Φ the normal distribution function."""
    z = within_normal_tails(x)
    p, n = normal_weight(z)
    b, q = normal_tail_parts(fabs(z))
    tail = scale_down(z * (p * b / q), n)
    return x - tail if x > 0 else tail


@gelu.gradient(ulp={"float32": 5.8, "float64": 4.6})
def gelu_grad(x):
    """Φ(x) + x·φ(x), φ the normal density."""
    z = within_normal_tails(x)
    p, n = normal_weight(z)
    t = fabs(z)
    b, q = normal_tail_parts(t)
    factor = fma(fma(GELU_M, t, GELU_M0), b, polynomial(t, GELU_C))
    left = scale_down(p * (((GELU_ROOT.hi - t) + GELU_ROOT.lo) * factor / q), n)
    return left if x < 0 else 1 - left


@activation(domain=(-20, 20), ulp={"float32": 4.6, "float64": 4.2})
def mish(x):
    """x·tanh(log(1 + e^x))."""
    # tanh(log(1 + E)) = m/(m + 1) with m = E + E²/2, in powers of e = e^-|x|.
    z = limited(x)
    p, n = exp_parts(-fabs(z), 0)
    e = scale_down(p, n)
    h = fma(e, 0.5, 1)
    left = scale_down(z * (p * h), n)
    k = e + 0.5
    right = x * k
    return (left if x < 0 else right) / (fma(e, h, 1) if x < 0 else fma(e, e, k))


@mish.gradient(ulp={"float32": 5.8, "float64": 4.8})
def mish_grad(x):
    """e^x w(x)/(1 + e^x + e^2x/2)², w(x) = (x+1) + (x + 3/2) e^x + e^2x + e^3x/4."""
    z = limited(x)
    p, n = exp_parts(-fabs(z), 0)
    e = scale_down(p, n)
    d = (z - MISH_ROOT.hi) - MISH_ROOT.lo
    series = polynomial(d, MISH_SLOPE)
    direct = fma(e, fma(e, fma(e, 0.25, 1), z + 1.5), z + 1)
    factor = fma(d, series, d) if fabs(d) < 0.1875 else direct
    left = scale_down(p * factor, n)
    left_root = fma(e, fma(e, 0.5, 1), 1)
    # On the right everything is divided by e^4x.
    right = fma(e, fma(e, fma(e, fma(4, z, 4), fma(4, z, 6)), 4), 1)
    right_root = fma(2 * e, e + 1, 1)
    root = left_root if x < 0 else right_root
    return (left if x < 0 else right) / (root * root)
