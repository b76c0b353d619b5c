"""Sigmoids: from one constant to another."""

from __future__ import annotations

from .coefficients import ROUND
from .elementary import STEP, STEP_DOWN, exp, exp_reduced, expm1_parts
from .language import copysign, exp2_shifted, fabs, fma, formula, per_precision
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
    q, n = exp_reduced(-z, -low, ROUND)
    power = exp2_shifted(n)
    # In the tail σ = e^x; dividing before the power of two is applied rounds a subnormal once.
    y = 1 / (1 + q if z < -_END else 1 + fma(power, q, power))
    inverse_power = exp2_shifted((2 * ROUND + STEP) - n)
    return y * inverse_power * STEP_DOWN if z < -_END else y


@activation(aliases=("logistic", "expit"), domain=(-20, 20), ulp={"float32": 2.7, "float64": 2.3})
def sigmoid(x):
    """1/(1 + e^-x)."""
    return sigmoid_of_sum(x, 0)


@sigmoid.gradient(ulp={"float32": 2.7, "float64": 2.4})
def sigmoid_grad(x):
    """σ(x)·σ(-x) = e/(1+e)², e = e^-|x|."""
    e = exp(-fabs(x))
    y = e / fma(e, e + 2, 1)
    return 0.25 if y > 0.25 else y


@activation(domain=(-10, 10), ulp={"float32": 2.1, "float64": 2.1})
def tanh(x):
    """(e^x - e^-x)/(e^x + e^-x)."""
    # (e^-2|x| - 1)/(e^-2|x| + 1): one falls and the other rises with the exponential.
    q, a = expm1_parts(-2 * fabs(x))
    return copysign(fma(q, a, a - 1) / fma(q, a, a + 1), x)


@tanh.gradient(ulp={"float32": 3.0, "float64": 2.7})
def tanh_grad(x):
    """1/cosh²(x) = 4e/(1+e)², e = e^-2|x|."""
    e = exp(-2 * fabs(x))
    y = 4 * e / fma(e, e + 2, 1)
    return 1 if y > 1 else y
