"""Rectifiers: straight lines that meet at zero."""

from __future__ import annotations

from .registry import activation

# Straight lines round once, and products with a parameter once.
_EXACT = {"float32": 0.5, "float64": 0.5}


@activation(domain=(-2, 2), ulp=_EXACT)
def relu(x):
    """max(x, 0)."""
    return 0 if x <= 0 else x


@relu.gradient(ulp=_EXACT)
def relu_grad(x):
    """1 for x > 0, 0 for x <= 0."""
    return 1 if x > 0 else (0 if x <= 0 else x)


@activation(domain=(-2, 2), ulp=_EXACT)
def leaky_relu(x, negative_slope=0.01):
    """x if x > 0 else negative_slope·x."""
    # A slope of 0 makes the limit at -inf 0, which 0·inf would miss.
    below = negative_slope * x if negative_slope != 0 else relu(x)
    return x if x > 0 else below


@leaky_relu.gradient(ulp=_EXACT)
def leaky_relu_grad(x, negative_slope=0.01):
    """1 for x > 0, negative_slope for x <= 0."""
    return 1 if x > 0 else (negative_slope if x <= 0 else x)
