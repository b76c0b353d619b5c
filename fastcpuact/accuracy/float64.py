"""The curves in float64, fast enough for every float32.

``NAME_CURVE(x, *parameters)`` is the curve of that name: ``gelu_grad``; for values the bare name.
It is good to a relative error of 2**-30 where x and the parameters are float32, whose products are
exact in float64, down to half the smallest float32. Where it would not be, as next to a root, it is
NaN, and the exact value is taken in its place. What infinities give is of no account.
"""

from math import factorial, pi, sqrt
from typing import Any

import numpy as np
from flint import arb_series
from numpy.typing import NDArray
from scipy.special import erf, ndtr

from . import definitions
from .balls import precision
from .definitions import SELU_LAMBDA, SELU_LAMBDA_ALPHA

Floats = NDArray[np.float64]
Number = Any  # an array or a float


def total(*terms: Number) -> Floats:
    """The sum; NaN where it cancels by more than 20 bits."""
    result = sum(terms)
    largest = np.abs(terms[0])
    for term in terms[1:]:
        largest = np.maximum(largest, np.abs(term))
    return np.where(np.abs(result) < 2.0**-20 * largest, np.nan, result)


# Straight lines.


def identity(x):
    return x


def identity_grad(x):
    return 1.0


def identity_grad2(x):
    return 0.0


def step(x, at_zero):
    return np.where(x == 0, at_zero, x > 0)


def step_grad(x, at_zero):
    return 0.0


def step_grad2(x, at_zero):
    return 0.0


def step_grad_at_zero(x, at_zero):
    return x == 0


def relu(x):
    return np.maximum(x, 0)


def relu_grad(x):
    return x > 0


def relu_grad2(x):
    return 0.0


def relu_grad_from_output(y):
    return y > 0


def relu6(x):
    return np.clip(x, 0, 6)


def relu6_grad(x):
    return (x > 0) & (x < 6)


def relu6_grad2(x):
    return 0.0


def relu6_grad_from_output(y):
    return (y > 0) & (y < 6)


def relu_squared(x):
    return np.maximum(x, 0) ** 2


def relu_squared_grad(x):
    return 2 * np.maximum(x, 0)


def relu_squared_grad2(x):
    return np.where(x > 0, 2.0, 0.0)


def leaky_relu(x, negative_slope):
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_grad(x, negative_slope):
    return np.where(x > 0, 1.0, negative_slope)


def leaky_relu_grad2(x, negative_slope):
    return 0.0


def leaky_relu_grad_from_output(y, negative_slope):
    return np.where(y > 0, 1.0, negative_slope)


def leaky_relu_grad_negative_slope(x, negative_slope):
    return np.minimum(x, 0)


prelu = leaky_relu
prelu_grad = leaky_relu_grad
prelu_grad2 = leaky_relu_grad2
prelu_grad_weight = leaky_relu_grad_negative_slope


def hardswish(x):
    return np.where(x < 3, x * np.maximum(x + 3, 0) / 6, x)


def hardswish_grad(x):
    return np.where(x < 3, np.where(x > -3, (2 * x + 3) / 6, 0.0), 1.0)


def hardswish_grad2(x):
    return np.where(np.abs(x) < 3, 1 / 3, 0.0)


def hardsigmoid(x, slope, offset):
    return np.clip(slope * x + offset, 0, 1)


def hardsigmoid_grad(x, slope, offset):
    line = slope * x + offset
    return np.where((line > 0) & (line < 1), slope, 0.0)


def hardsigmoid_grad2(x, slope, offset):
    return 0.0


def hardsigmoid_grad_from_output(y, slope, offset):
    return np.where((y > 0) & (y < 1), slope, 0.0)


def hardsigmoid_grad_slope(x, slope, offset):
    line = slope * x + offset
    return np.where((line > 0) & (line < 1), x, 0.0)


def hardsigmoid_grad_offset(x, slope, offset):
    line = slope * x + offset
    return (line > 0) & (line < 1)


def hardtanh(x, min_val, max_val):
    return np.clip(x, min_val, max_val)


def hardtanh_grad(x, min_val, max_val):
    return (x > min_val) & (x < max_val)


def hardtanh_grad2(x, min_val, max_val):
    return 0.0


hardtanh_grad_from_output = hardtanh_grad


def hardtanh_grad_min_val(x, min_val, max_val):
    return x <= min_val


def hardtanh_grad_max_val(x, min_val, max_val):
    return x >= max_val


def softshrink(x, lambd):
    return np.copysign(np.maximum(np.abs(x) - lambd, 0), x)


def softshrink_grad(x, lambd):
    return np.abs(x) > lambd


def softshrink_grad2(x, lambd):
    return 0.0


def softshrink_grad_lambd(x, lambd):
    return np.where(np.abs(x) > lambd, -np.sign(x), 0.0)


def hardshrink(x, lambd):
    return np.where(np.abs(x) > lambd, x, 0 * x)


hardshrink_grad = softshrink_grad
hardshrink_grad2 = softshrink_grad2


def hardshrink_grad_lambd(x, lambd):
    return 0.0


def threshold(x, threshold, value):
    return np.where(x > threshold, x, value)


def threshold_grad(x, threshold, value):
    return x > threshold


def threshold_grad2(x, threshold, value):
    return 0.0


def threshold_grad_threshold(x, threshold, value):
    return 0.0


def threshold_grad_value(x, threshold, value):
    return x <= threshold


def sparse_plus(x):
    return np.where(x < 1, np.maximum(x + 1, 0) ** 2 / 4, x)


def sparse_plus_grad(x):
    return np.clip(x + 1, 0, 2) / 2


def sparse_plus_grad2(x):
    return np.where(np.abs(x) < 1, 0.5, 0.0)


def sparse_sigmoid(x):
    return np.clip(x + 1, 0, 2) / 2


def sparse_sigmoid_grad(x):
    return np.where(np.abs(x) < 1, 0.5, 0.0)


def sparse_sigmoid_grad2(x):
    return 0.0


# Sigmoids.


def sigmoids(x):
    """σ(x) and σ(-x)."""
    e = np.exp(-np.abs(x))
    large = 1 / (1 + e)
    small = e * large
    return np.where(x < 0, small, large), np.where(x < 0, large, small)


def sigmoid(x):
    return sigmoids(x)[0]


def sigmoid_grad(x):
    e = np.exp(-np.abs(x))
    return e / (1 + e) ** 2


def sigmoid_grad2(x):
    return -sigmoid_grad(x) * np.tanh(x / 2)


def sigmoid_grad_from_output(y):
    return y * (1 - y)


def tanh(x):
    return np.tanh(x)


def tanh_grad(x):
    return 4 * sigmoid_grad(2 * x)


def tanh_grad2(x):
    return -2 * np.tanh(x) * tanh_grad(x)


def tanh_grad_from_output(y):
    return (1 - y) * (1 + y)


with precision(128, terms=14):
    _TANHSHRINK = np.array(
        [float(c) for c in definitions.tanhshrink(arb_series([0, 1])).coeffs()[3::2]]
    )


def tanhshrink(x):
    square = x * x
    series = x * square * np.polynomial.polynomial.polyval(square, _TANHSHRINK)
    return np.where(np.abs(x) < 0.125, series, x - np.tanh(x))


def tanhshrink_grad(x):
    return np.tanh(x) ** 2


def tanhshrink_grad2(x):
    return 2 * np.tanh(x) * tanh_grad(x)


def softsign(x):
    return x / (1 + np.abs(x))


def softsign_grad(x):
    return 1 / (1 + np.abs(x)) ** 2


def softsign_grad2(x):
    rest = 1 + np.abs(x)
    return np.where(x > 0, -2.0, 2.0) / (rest * rest * rest)


def softsign_grad_from_output(y):
    return (1 - np.abs(y)) ** 2


def logsigmoid(x):
    return -log1p_exp(-x)


def logsigmoid_grad(x):
    return sigmoid(-x)


def logsigmoid_grad2(x):
    return -sigmoid_grad(x)


def logsigmoid_grad_from_output(y):
    return -np.expm1(y)


# Smooth and exponential rectifiers.


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(x))


def elu_grad(x, alpha):
    return np.where(x > 0, 1.0, alpha * np.exp(x))


def elu_grad2(x, alpha):
    return np.where(x > 0, 0.0, alpha * np.exp(x))


def elu_grad_from_output(y, alpha):
    return np.where(y > 0, 1.0, y + alpha)


def elu_grad_alpha(x, alpha):
    return np.where(x > 0, 0.0, np.expm1(x))


def celu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


def celu_grad(x, alpha):
    return np.where(x > 0, 1.0, np.exp(x / alpha))


def celu_grad2(x, alpha):
    return np.where(x > 0, 0.0, np.exp(x / alpha) / alpha)


def celu_grad_from_output(y, alpha):
    return np.where(y > 0, 1.0, (alpha + y) / alpha)


# expm1(t) - t·e^t = -Σ (k - 1)/k!·t^k
_CELU_ALPHA = [(1 - k) / factorial(k) for k in range(2, 12)]


def celu_grad_alpha(x, alpha):
    t = x / alpha
    series = t * t * np.polynomial.polynomial.polyval(t, _CELU_ALPHA)
    plain = np.expm1(t) - t * np.exp(t)
    return np.where(x > 0, 0.0, np.where(t > -0.25, series, plain))


def selu(x):
    return np.where(x > 0, float(SELU_LAMBDA) * x, float(SELU_LAMBDA_ALPHA) * np.expm1(x))


def selu_grad(x):
    return np.where(x > 0, float(SELU_LAMBDA), float(SELU_LAMBDA_ALPHA) * np.exp(x))


def selu_grad2(x):
    return np.where(x > 0, 0.0, float(SELU_LAMBDA_ALPHA) * np.exp(x))


def selu_grad_from_output(y):
    plain = total(y, float(SELU_LAMBDA_ALPHA))
    return np.where(y > 0, float(SELU_LAMBDA), plain)


def log1p_exp(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus(x, beta):
    return log1p_exp(beta * x) / beta


def softplus_grad(x, beta):
    return sigmoid(beta * x)


def softplus_grad2(x, beta):
    return beta * sigmoid_grad(beta * x)


def softplus_grad_from_output(y, beta):
    return -np.expm1(-beta * y)


def softplus_grad_beta(x, beta):
    t = np.abs(beta * x)
    e = np.exp(-t)
    return -(t * e / (1 + e) + np.log1p(e)) / beta**2


def squareplus(x, b):
    root = np.sqrt(x * x + b)
    return np.where(x < 0, b / (root - x), x + root) / 2


def squareplus_grad(x, b):
    root = np.sqrt(x * x + b)
    return np.where(x < 0, b / (root - x), x + root) / (2 * root)


def squareplus_grad2(x, b):
    square = x * x + b
    return b / (2 * square * np.sqrt(square))


def squareplus_grad_b(x, b):
    return 1 / (4 * np.sqrt(x * x + b))


def exponential(x):
    return np.exp(x)


exponential_grad = exponential
exponential_grad2 = exponential


def exponential_grad_from_output(y):
    return y


# x times a sigmoid.


def silu(x):
    return x * sigmoid(x)


def silu_grad(x):
    gate, rest = sigmoids(x)
    return gate * total(1, x * rest)


def silu_grad2(x):
    return sigmoid_grad(x) * total(2, -x * np.tanh(x / 2))


def swish(x, beta):
    return x * sigmoid(beta * x)


def swish_grad(x, beta):
    return silu_grad(beta * x)


def swish_grad2(x, beta):
    return beta * silu_grad2(beta * x)


def swish_grad_beta(x, beta):
    return x * x * sigmoid_grad(beta * x)


def gelu(x):
    return x * ndtr(x)


def normal_pdf(x):
    return np.exp(-0.5 * x * x) / sqrt(2 * pi)


def gelu_grad(x):
    return total(ndtr(x), x * normal_pdf(x))


def gelu_grad2(x):
    return normal_pdf(x) * total(2, -x * x)


def _gelu_tanh_logit(x):
    """The argument of σ, and its first two derivatives."""
    c = sqrt(8 / pi)
    return c * x * (1 + 0.044715 * x * x), c * (1 + 0.134145 * x * x), c * 0.26829 * x


def gelu_tanh(x):
    t, _, _ = _gelu_tanh_logit(x)
    return x * sigmoid(t)


def gelu_tanh_grad(x):
    t, t1, _ = _gelu_tanh_logit(x)
    gate, rest = sigmoids(t)
    return gate * total(1, x * t1 * rest)


def gelu_tanh_grad2(x):
    t, t1, t2 = _gelu_tanh_logit(x)
    return sigmoid_grad(t) * total(2 * t1, x * t2, -x * t1 * t1 * np.tanh(t / 2))


def gelu_sigmoid(x):
    return x * sigmoid(1.702 * x)


def gelu_sigmoid_grad(x):
    return silu_grad(1.702 * x)


def gelu_sigmoid_grad2(x):
    return 1.702 * silu_grad2(1.702 * x)


def mish(x):
    return x * _mish_gate(x)[0]


def _mish_gate(x):
    """tanh(log(1 + e^x)), which is n/(n + 2) with n = e^x·(e^x + 2), and its derivative."""
    e = np.exp(-np.abs(x))
    is_below = x < 0
    whole = np.where(is_below, 2 + 2 * e + e * e, 1 + 2 * e + 2 * e * e)
    gate = np.where(is_below, e * (2 + e), 1 + 2 * e) / whole
    return gate, 4 * np.where(is_below, e, e * e) * (1 + e) / (whole * whole)


def mish_grad(x):
    gate, slope = _mish_gate(x)
    return total(gate, x * slope)


def mish_grad2(x):
    # The logarithmic derivative of the slope is (2 + 2e - 3e² - 2e³)/((1 + e)(n + 2)).
    e = np.exp(-np.abs(x))
    square, cube = e * e, e * e * e
    below = total(2, 2 * e, -3 * square, -2 * cube) / ((1 + e) * (2 + 2 * e + square))
    above = total(2 * cube, 2 * square, -3 * e, -2) / ((1 + e) * (1 + 2 * e + 2 * square))
    return _mish_gate(x)[1] * total(2, x * np.where(x < 0, below, above))


def serf(x):
    return x * erf(log1p_exp(x))


def serf_grad(x):
    s = log1p_exp(x)
    return total(erf(s), x * 2 / sqrt(pi) * np.exp(-s * s) * sigmoid(x))


def serf_grad2(x):
    s, (gate, rest) = log1p_exp(x), sigmoids(x)
    change = total(rest, -2 * s * gate)
    return 2 / sqrt(pi) * np.exp(-s * s) * gate * total(2, x * change)


def dish(x):
    root = np.sqrt(1 + x * x)
    return np.where(x < 0, x / (2 * root * (root - x)), x / 2 * (x / root + 1))


def dish_grad(x):
    square = x * x
    cube = (1 + square) * np.sqrt(1 + square)
    odd = x * (square + 2)
    # 1 + odd/cube cancels below 0.
    below = total(1, -square, -square * square) / (cube - odd)
    return np.where(x < 0, below, cube + odd) / (2 * cube)


def dish_grad2(x):
    square = 1 + x * x
    return total(2, -x * x) / (2 * square * square * np.sqrt(square))


# Others.


def snake(x, alpha):
    return x + np.sin(alpha * x) ** 2 / alpha


def snake_grad(x, alpha):
    t = alpha * x
    return total(np.sin(t), np.cos(t)) ** 2


def snake_grad2(x, alpha):
    return 2 * alpha * np.cos(2 * alpha * x)


def snake_grad_alpha(x, alpha):
    t = alpha * x
    return np.sin(t) * total(2 * t * np.cos(t), -np.sin(t)) / alpha**2


def gaussian(x):
    return np.exp(-x * x)


def gaussian_grad(x):
    return -2 * x * np.exp(-x * x)


def gaussian_grad2(x):
    return np.exp(-x * x) * total(4 * x * x, -2)


def spike_atan(x, alpha):
    return x > 0


def spike_atan_grad(x, alpha):
    t = pi / 2 * alpha * x
    return alpha / 2 / (1 + t * t)


def spike_atan_grad2(x, alpha):
    t = pi / 2 * alpha * x
    return -pi / 2 * alpha**2 * t / (1 + t * t) ** 2


def spike_atan_grad_alpha(x, alpha):
    return 0.0


def spike_fast_sigmoid(x, slope):
    return x > 0


def spike_fast_sigmoid_grad(x, slope):
    return 1 / (1 + slope * np.abs(x)) ** 2


def spike_fast_sigmoid_grad2(x, slope):
    rest = 1 + slope * np.abs(x)
    return np.where(x > 0, -2.0, 2.0) * slope / (rest * rest * rest)


def spike_fast_sigmoid_grad_slope(x, slope):
    return 0.0
