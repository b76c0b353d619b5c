"""Softplus and its relatives: the smooth maximum of 0 and x."""

from __future__ import annotations

from .elementary import exp_of_sum, log1p, product_low
from .language import fabs
from .registry import activation
from .sigmoids import sigmoid_of_sum


@activation(domain=(-20, 20), ulp={"float32": 3.0, "float64": 3.0})
def softplus(x, beta=1.0):
    """log(1 + e^(βx))/β = max(x, 0) + log(1 + e^-|βx|)/β."""
    product = beta * x
    low = product_low(beta, x, product)
    e = exp_of_sum(-fabs(product), low if product < 0 else -low)
    return (x if product > 0 else 0) + log1p(e) / beta


@softplus.gradient(ulp={"float32": 2.5, "float64": 2.5})
def softplus_grad(x, beta=1.0):
    """σ(βx)."""
    product = beta * x
    return sigmoid_of_sum(product, product_low(beta, x, product))
