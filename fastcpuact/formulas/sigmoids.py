"""Sigmoids: from one constant to another, through e^-|x|, which never overflows."""

from __future__ import annotations

from .elementary import exp, expm1, exp_of_sum
from .language import copysign, fabs, formula
from .registry import activation


@formula
def sigmoid_of_sum(x, low):
    """1/(1 + e^-(x + low)) for low a rounding error of x."""
    e = exp_of_sum(-fabs(x), low if x < 0 else -low)
    # e/(1+e) on the left is small to full relative accuracy, where 1 - 1/(1+e) is not.
    return (e if x < 0 else 1) / (1 + e)


@activation(
    aliases=("logistic", "expit"), domain=(-20, 20), ulp={"float32": 2.5, "float64": 2.5}
)
def sigmoid(x):
    """1/(1 + e^-x)."""
    return sigmoid_of_sum(x, 0)


@sigmoid.gradient(ulp={"float32": 3.5, "float64": 3.5})
def sigmoid_grad(x):
    """σ(x)·σ(-x) = e/(1+e)², e = e^-|x|."""
    e = exp(-fabs(x))
    d = 1 + e
    return e / (d * d)


@activation(domain=(-10, 10), ulp={"float32": 2.5, "float64": 2.5})
def tanh(x):
    """(e^x - e^-x)/(e^x + e^-x)."""
    # expm1 keeps the leading digits where e^-2|x| is near 1.
    m = expm1(-2 * fabs(x))
    return copysign(m / (m + 2), x)


@tanh.gradient(ulp={"float32": 3.5, "float64": 3.5})
def tanh_grad(x):
    """1/cosh²(x) = 4e/(1+e)², e = e^-2|x|."""
    e = exp(-2 * fabs(x))
    d = 1 + e
    return 4 * e / (d * d)
