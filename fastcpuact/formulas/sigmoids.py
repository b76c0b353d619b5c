"""Sigmoids: from one constant to another."""

from __future__ import annotations

from .coefficients import ROUND
from .elementary import exp, exp_parts_near, expm1, scale_down
from .language import copysign, exp2_shifted, fabs, formula, per_precision
from .registry import activation

# Where 1 + e^|x| rounds to e^|x|, and 1 + e^-|x| to 1.
_END = per_precision(float32=18.0, float64=38.0)
# Where the logistic function rounds to 0.
_LOWEST = per_precision(float32=-105.0, float64=-750.0)


@formula
def sigmoid_of_sum(x, low):
    """1/(1 + e^-(x + low)) for low a rounding error of x.

    One chain of steps that each keep the order of their arguments: so σ never falls.
    """
    below = _END if x > _END else x
    z = _LOWEST if below < _LOWEST else below
    p, n = exp_parts_near(-z, -low)
    # In the tail σ = e^x; dividing before the power of two is applied rounds a subnormal once.
    q = 1 / (p if z < -_END else 1 + p * exp2_shifted(n))
    return scale_down(q, 2 * ROUND - n) if z < -_END else q


@activation(aliases=("logistic", "expit"), domain=(-20, 20), ulp={"float32": 2.5, "float64": 2.5})
def sigmoid(x):
    """1/(1 + e^-x)."""
    return sigmoid_of_sum(x, 0)


@sigmoid.gradient(ulp={"float32": 4.5, "float64": 4.0})
def sigmoid_grad(x):
    """σ(x)·σ(-x) = e/(1+e)², e = e^-|x|."""
    e = exp(-fabs(x))
    d = 1 + e
    q = e / (d * d)
    return 0.25 if q > 0.25 else q


@activation(domain=(-10, 10), ulp={"float32": 2.6, "float64": 2.6})
def tanh(x):
    """(e^x - e^-x)/(e^x + e^-x)."""
    # expm1 keeps the leading digits where e^-2|x| is near 1.
    m = expm1(-2 * fabs(x))
    return copysign(m / (m + 2), x)


@tanh.gradient(ulp={"float32": 4.5, "float64": 4.0})
def tanh_grad(x):
    """1/cosh²(x) = 4e/(1+e)², e = e^-2|x|."""
    e = exp(-2 * fabs(x))
    d = 1 + e
    q = 4 * e / (d * d)
    return 1 if q > 1 else q
