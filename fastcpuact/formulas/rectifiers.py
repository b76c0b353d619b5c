"""Rectifiers: straight lines, and straight lines that meet at zero or at a threshold.

None of them rounds more than once, in a product with a parameter.
"""

from __future__ import annotations

from .pieces import clip, finite_where, inside, one, zero
from .registry import activation

_EXACT = {"float32": 0.5, "float64": 0.5}


@activation(aliases=("linear",), domain=(-2, 2), ulp=_EXACT)
def identity(x):
    """x."""
    return x


@identity.gradient(ulp=_EXACT)
def identity_grad(x):
    """1."""
    return one(x)


@identity.second_gradient(ulp=_EXACT)
def identity_grad2(x):
    """0."""
    return zero(x)


@activation(domain=(-2, 2), ulp=_EXACT)
def relu(x):
    """max(x, 0)."""
    return 0 if x <= 0 else x


@relu.gradient(ulp=_EXACT)
def relu_grad(x):
    """1 for x > 0, 0 for x <= 0."""
    return 1 if x > 0 else (0 if x <= 0 else x)


@relu.second_gradient(ulp=_EXACT)
def relu_grad2(x):
    """0."""
    return zero(x)


@relu.gradient_from_output(ulp=_EXACT)
def relu_grad_from_output(y):
    """1 for y > 0, 0 for y = 0."""
    return relu_grad(y)


@activation(domain=(-2, 8), ulp=_EXACT)
def relu6(x):
    """min(max(x, 0), 6)."""
    return clip(x, 0, 6)


@relu6.gradient(ulp=_EXACT)
def relu6_grad(x):
    """1 for 0 < x < 6, else 0."""
    return inside(x, 0, 6)


@relu6.second_gradient(ulp=_EXACT)
def relu6_grad2(x):
    """0."""
    return zero(x)


@relu6.gradient_from_output(ulp=_EXACT)
def relu6_grad_from_output(y):
    """1 for 0 < y < 6, else 0."""
    return inside(y, 0, 6)


@activation(aliases=("squared_relu", "relu2"), domain=(-2, 4), ulp=_EXACT)
def relu_squared(x):
    """max(x, 0)²."""
    above = relu(x)
    return above * above


@relu_squared.gradient(ulp=_EXACT)
def relu_squared_grad(x):
    """2·max(x, 0)."""
    return 2 * relu(x)


@relu_squared.second_gradient(ulp=_EXACT)
def relu_squared_grad2(x):
    """2 for x > 0, 0 for x <= 0."""
    return 2 * relu_grad(x)


@activation(domain=(-2, 2), ulp=_EXACT)
def leaky_relu(x, negative_slope=0.01):
    """x if x > 0 else negative_slope·x."""
    return x if x > 0 else negative_slope * finite_where(negative_slope, x)


@leaky_relu.gradient(ulp=_EXACT)
def leaky_relu_grad(x, negative_slope=0.01):
    """1 for x > 0, negative_slope for x <= 0."""
    return 1 if x > 0 else (negative_slope if x <= 0 else x)


@leaky_relu.second_gradient(ulp=_EXACT)
def leaky_relu_grad2(x, negative_slope=0.01):
    """0."""
    return zero(x)


@leaky_relu.gradient_from_output(ulp=_EXACT, not_negative=("negative_slope",))
def leaky_relu_grad_from_output(y, negative_slope=0.01):
    """1 for y > 0, negative_slope for y <= 0."""
    return leaky_relu_grad(y, negative_slope)


@leaky_relu.parameter_gradient("negative_slope", ulp=_EXACT)
def leaky_relu_grad_negative_slope(x, negative_slope=0.01):
    """min(x, 0)."""
    return 0 if x >= 0 else x


@activation(domain=(-2, 2), ulp=_EXACT)
def prelu(x, weight=0.25):
    """x if x > 0 else weight·x."""
    return leaky_relu(x, weight)


@prelu.gradient(ulp=_EXACT)
def prelu_grad(x, weight=0.25):
    """1 for x > 0, weight for x <= 0."""
    return leaky_relu_grad(x, weight)


@prelu.second_gradient(ulp=_EXACT)
def prelu_grad2(x, weight=0.25):
    """0."""
    return zero(x)


@prelu.parameter_gradient("weight", ulp=_EXACT)
def prelu_grad_weight(x, weight=0.25):
    """min(x, 0)."""
    return leaky_relu_grad_negative_slope(x, weight)


@activation(domain=(-2, 2), ulp=_EXACT)
def threshold(x, threshold, value):
    """x if x > threshold else value."""
    return value if x <= threshold else x


@threshold.gradient(ulp=_EXACT)
def threshold_grad(x, threshold, value):
    """1 for x > threshold, 0 for x <= threshold."""
    return 0 if x <= threshold else one(x)


@threshold.second_gradient(ulp=_EXACT)
def threshold_grad2(x, threshold, value):
    """0."""
    return zero(x)


@threshold.parameter_gradient("threshold", ulp=_EXACT)
def threshold_grad_threshold(x, threshold, value):
    """0."""
    return zero(x)


@threshold.parameter_gradient("value", ulp=_EXACT)
def threshold_grad_value(x, threshold, value):
    """0 for x > threshold, 1 for x <= threshold."""
    return 1 if x <= threshold else zero(x)
