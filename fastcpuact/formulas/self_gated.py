"""Self-gated functions: x times a sigmoid of x.

The product with x is made before the power of two of e^x is applied, so that the tail on the left
keeps its digits until the result itself is subnormal.  Where a gradient changes sign, its root
is factored out.
"""

from __future__ import annotations

from .coefficients import GELU_C, GELU_M, GELU_M0, GELU_ROOT, NORMAL_END
from .elementary import exp_parts, expm1, normal_tail_parts, scale_down
from .language import Exact, fabs, fma, formula, polynomial
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


# The root of 1 + x + e^x, and e^root, from mpmath.findroot at 60 digits.
_SILU_ROOT = Exact("-1.27846454276107379510935873902298015543947748")
_SILU_EXP_ROOT = Exact("0.27846454276107379510935873902298015543947748")


@silu.gradient(ulp={"float32": 6.0, "float64": 5.0})
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


# The root of w(x) = 4(x+1) + (4x+6) e^x + 4 e^2x + e^3x from mpmath.findroot at 60 digits,
# E = e^root, and 4 root + 6 + 4E + E².
_MISH_ROOT = Exact("-1.19243121451549521213758834042073940560068640932")
_MISH_E = Exact("0.303482535281528928821436743539643058364490752")
_MISH_QUARTER_E = Exact("0.0758706338203822322053591858849107645911226879")
_MISH_K = Exact("2.53630693228503931780378052078207170408224618")


@mish.gradient(ulp={"float32": 6.8, "float64": 5.5})
def mish_grad(x):
    """e^x w(x)/(2 + 2e^x + e^2x)², w(x) = 4(x+1) + (4x+6) e^x + 4 e^2x + e^3x."""
    z = limited(x)
    p, n = exp_parts(-fabs(z), 0)
    e = scale_down(p, n)
    # With r the root of w, E = e^r and m = e^(x-r) - 1:
    # w/4 = (x-r)(1 + e^x) + m E/4 (4r + 6 + 4E + E² + e^x (4 + E + e^x)), two terms of one sign.
    d = (z - _MISH_ROOT.hi) - _MISH_ROOT.lo
    b = fma(e, e + (4 + _MISH_E.hi), _MISH_K.hi)
    factor = fma(d, 1 + e, expm1(d) * (_MISH_QUARTER_E.hi * b))
    left = scale_down(p * factor, n)
    left_root = fma(e, fma(e, 0.5, 1), 1)
    # On the right everything is divided by e^4x.
    right = fma(e, fma(e, fma(e, fma(4, z, 4), fma(4, z, 6)), 4), 1)
    right_root = fma(2 * e, e + 1, 1)
    root = left_root if x < 0 else right_root
    return (left if x < 0 else right) / (root * root)
