"""Self-gated functions: x times a sigmoid of x.

The product with x is made before the power of two of e^x is applied, so that the tail on the left
keeps its digits until the result itself is subnormal.  Where a gradient changes sign, its root
is factored out.
"""

from __future__ import annotations

from .elementary import exp_parts, expm1, scale_down
from .language import Exact, fabs, fma, formula
from .registry import activation


@formula
def limited(x):
    """X between -1000 and 1000, beyond which every tail here has ended; keeps NaN."""
    above = -1000 if x < -1000 else x
    return 1000 if above > 1000 else above


@activation(aliases=("swish1",), domain=(-20, 20), ulp={"float32": 3.0, "float64": 3.0})
def silu(x):
    """x·σ(x)."""
    z = limited(x)
    p, n = exp_parts(-fabs(z), 0)
    e = scale_down(p, n)
    return (scale_down(z * p, n) if x < 0 else x) / (1 + e)


# The root of 1 + x + e^x, and e^root, from mpmath.findroot at 60 digits.
_SILU_ROOT = Exact("-1.27846454276107379510935873902298015543947748")
_SILU_EXP_ROOT = Exact("0.27846454276107379510935873902298015543947748")


@silu.gradient(ulp={"float32": 4.5, "float64": 4.5})
def silu_grad(x):
    """σ(x)·(1 + x·σ(-x))."""
    z = limited(x)
    p, n = exp_parts(-fabs(z), 0)
    e = scale_down(p, n)
    # With r the root of 1 + x + e^x: 1 + x + e^x = (x - r) + e^r (e^(x-r) - 1), two terms of
    # one sign.
    d = (z - _SILU_ROOT.hi) - _SILU_ROOT.lo
    factor = fma(_SILU_EXP_ROOT.hi, expm1(d), d)
    left = scale_down(p * factor, n)
    right = fma(e, 1 + z, 1)
    q = 1 + e
    return (left if x < 0 else right) / (q * q)


@activation(domain=(-20, 20), ulp={"float32": 4.0, "float64": 4.0})
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


@mish.gradient(ulp={"float32": 4.5, "float64": 4.5})
def mish_grad(x):
    """TODO."""
    return x
