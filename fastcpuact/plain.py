"""Activations as one writes them without fastcpuact: the yardstick of the demo and benchmarks."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit, log_expit, log_softmax, logsumexp, ndtr

Array = NDArray[Any]


@dataclass(frozen=True)
class Plain:
    """An activation in NumPy and SciPy expressions, with its forms by the names of an `Activation`.

    Parameters keep their defaults; those without one follow x.

    Parameters
    ----------
    value : callable
        f, as an expression in x; the ufunc itself where one is enough.
    of_x, of_y : callable
        f', as an expression in x, or in y = f(x) where that is the shorter one.
    """

    value: Callable[..., Array]
    of_x: Callable[..., Array] | None = None
    of_y: Callable[[Array], Array] | None = None

    @property
    def takes_out(self) -> bool:
        """Whether the value is a single ufunc, with ``out``."""
        if isinstance(self.value, np.ufunc):
            return True
        kinds = (p.kind for p in inspect.signature(self.value).parameters.values())
        return inspect.Parameter.VAR_KEYWORD in kinds

    def __call__(self, x: Array, /, *params: float) -> Array:
        """Return f(x)."""
        return self.value(x, *params)

    def grad(self, x: Array, /, *params: float) -> Array:
        """Return f'(x)."""
        return self.slope(x, None if self.of_x else self.value(x, *params), *params)

    def backward(self, dy: Array, x: Array, /, *params: float) -> Array:
        """Return dy·f'(x)."""
        return dy * self.grad(x, *params)

    def value_and_grad(self, x: Array, /, *params: float) -> tuple[Array, Array]:
        """Return f(x) and f'(x)."""
        y = self.value(x, *params)
        return y, self.slope(x, y, *params)

    def slope(self, x: Array, y: Array | None, *params: float) -> Array:
        """Return f'(x) from x or from y = f(x), whichever the expression takes."""
        if self.of_x is not None:
            return self.of_x(x, *params)
        assert self.of_y is not None and y is not None
        return self.of_y(y)


def softmax(x: Array, axis: int = -1) -> Array:
    """Return the softmax along an axis."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(dy: Array, y: Array, axis: int = -1) -> Array:
    """Return the gradient of `softmax` with respect to x."""
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


def softmin(x: Array, axis: int = -1) -> Array:
    """Return the softmin along an axis."""
    return softmax(-x, axis)


def log_softmax_backward(dy: Array, y: Array, axis: int = -1) -> Array:
    """Return the gradient of the logarithm of `softmax` with respect to x."""
    return dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)


def logsumexp_backward(dy: Array, x: Array, axis: int = -1) -> Array:
    """Return the gradient of logsumexp with respect to x."""
    return np.expand_dims(dy, axis) * softmax(x, axis)


def sparsemax(x: Array, axis: int = -1) -> Array:
    """Return the projection of rows along an axis on the simplex (Martins and Astudillo, 2016)."""
    z = np.moveaxis(x, axis, -1)
    ordered = -np.sort(-z, axis=-1)
    k = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    excess = np.cumsum(ordered, axis=-1) - 1
    count = np.sum(k * ordered > excess, axis=-1, keepdims=True)
    threshold = np.take_along_axis(excess, count - 1, axis=-1) / count.astype(x.dtype)
    return np.moveaxis(np.maximum(z - threshold, 0), -1, axis)


def sparsemax_backward(dy: Array, y: Array, axis: int = -1) -> Array:
    """Return the gradient of `sparsemax` with respect to x."""
    support = _one_where(y > 0, y)
    mean = (dy * support).sum(axis=axis, keepdims=True) / support.sum(axis=axis, keepdims=True)
    return support * (dy - mean)


def entmax15(x: Array, axis: int = -1) -> Array:
    """Return the 1.5-entmax along an axis, by sorting (Peters, Niculae and Martins, 2019)."""
    z = np.moveaxis(x, axis, -1)
    z = (z - z.max(axis=-1, keepdims=True)) / 2
    ordered = -np.sort(-z, axis=-1)
    k = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    mean = np.cumsum(ordered, axis=-1) / k
    spread = k * (np.cumsum(ordered * ordered, axis=-1) / k - mean * mean)
    threshold = mean - np.sqrt(np.maximum((1 - spread) / k, 0))
    count = np.sum(threshold <= ordered, axis=-1, keepdims=True)
    root = np.maximum(z - np.take_along_axis(threshold, count - 1, axis=-1), 0)
    return np.moveaxis(root * root, -1, axis)


def entmax15_backward(dy: Array, y: Array, axis: int = -1) -> Array:
    """Return the gradient of `entmax15` with respect to x."""
    root = np.sqrt(y)
    mean = (dy * root).sum(axis=axis, keepdims=True) / root.sum(axis=axis, keepdims=True)
    return root * (dy - mean)


@dataclass(frozen=True)
class PlainRows:
    """A function along an axis in NumPy and SciPy expressions.

    Parameters
    ----------
    value : callable
        ``value(x, axis)``.
    backward : callable
        ``backward(dy, y, axis)``; of logsumexp ``backward(dy, x, axis)``.
    """

    value: Callable[..., Array]
    backward: Callable[..., Array]


PLAIN_ROWS = {
    "softmax": PlainRows(softmax, softmax_backward),
    "softmin": PlainRows(softmin, lambda dy, y, axis: -softmax_backward(dy, y, axis)),
    "log_softmax": PlainRows(log_softmax, log_softmax_backward),
    "logsumexp": PlainRows(logsumexp, logsumexp_backward),
    "sparsemax": PlainRows(sparsemax, sparsemax_backward),
    "entmax15": PlainRows(entmax15, entmax15_backward),
}


def _either(condition: Array, a: float | Array, b: float | Array, x: Array) -> Array:
    """Choose between numbers; NumPy alone would make float64 of them."""
    return np.where(condition, x.dtype.type(a), x.dtype.type(b))


def _one_where(condition: Array, x: Array) -> Array:
    return condition.astype(x.dtype)


def _swish(x: Array, beta: float) -> Array:
    return x * expit(beta * x)


def _swish_of_x(x: Array, beta: float) -> Array:
    s = expit(beta * x)
    return s * (1 + beta * x * (1 - s))


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _elu_of_x(x: Array) -> Array:
    return np.where(x > 0, x.dtype.type(1), np.exp(np.minimum(x, 0)))


_PEAK = 1 / math.sqrt(2 * math.pi)  # of the normal density
_SELU, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_GELU, _GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(_GELU * (x + _GELU_CUBIC * x * x * x)))


def _gelu_tanh_of_x(x: Array) -> Array:
    square = x * x
    t = np.tanh(_GELU * x * (1 + _GELU_CUBIC * square))
    return 0.5 * (1 + t + _GELU * x * (1 - t * t) * (1 + 3 * _GELU_CUBIC * square))


def _mish_of_x(x: Array) -> Array:
    t = np.tanh(np.logaddexp(x, 0))
    return t + x * expit(x) * (1 - t * t)


def _serf_of_x(x: Array) -> Array:
    s = np.logaddexp(x, 0)
    return erf(s) + 2 / math.sqrt(math.pi) * x * np.exp(-s * s) * expit(x)


def _dish_of_x(x: Array) -> Array:
    square = x * x
    return 0.5 * (1 + x * (square + 2) / ((square + 1) * np.sqrt(square + 1)))


def _squareplus(x: Array) -> Array:
    return 0.5 * (x + np.sqrt(x * x + 4))


def _square(x: Array) -> Array:
    return x * x


# fmt: off
PLAIN = {
    # straight lines
    "identity": Plain(
        np.positive,
        of_x=np.ones_like),
    "step": Plain(
        lambda x: _one_where(x > 0, x),
        of_x=np.zeros_like),
    "spike_atan": Plain(
        lambda x: _one_where(x > 0, x),
        of_x=lambda x: 1 / (1 + _square(math.pi * x))),
    "spike_fast_sigmoid": Plain(
        lambda x: _one_where(x > 0, x),
        of_x=lambda x: 1 / _square(1 + 25 * np.abs(x))),
    "relu": Plain(
        lambda x, **out: np.maximum(x, 0, **out),
        of_x=lambda x: _one_where(x > 0, x)),
    "relu6": Plain(
        lambda x, **out: np.clip(x, 0, 6, **out),
        of_x=lambda x: _one_where((x > 0) & (x < 6), x)),
    "relu_squared": Plain(
        lambda x: _square(np.maximum(x, 0)),
        of_x=lambda x: 2 * np.maximum(x, 0)),
    "leaky_relu": Plain(
        lambda x: np.maximum(x, 0.01 * x),
        of_x=lambda x: _either(x > 0, 1, 0.01, x)),
    "prelu": Plain(
        lambda x: np.where(x > 0, x, 0.25 * x),
        of_x=lambda x: _either(x > 0, 1, 0.25, x)),
    "threshold": Plain(
        lambda x, threshold, value: np.where(x > threshold, x, x.dtype.type(value)),
        of_x=lambda x, threshold, value: _one_where(x > threshold, x)),
    "hardtanh": Plain(
        lambda x, **out: np.clip(x, -1, 1, **out),
        of_x=lambda x: _one_where(np.abs(x) < 1, x)),
    "hardsigmoid": Plain(
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
        of_x=lambda x: _either(np.abs(x) < 3, 1 / 6, 0, x)),
    "hardswish": Plain(
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        of_x=lambda x: np.where(np.abs(x) < 3, (2 * x + 3) / 6, _one_where(x > 0, x))),
    "softshrink": Plain(
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
        of_x=lambda x: _one_where(np.abs(x) > 0.5, x)),
    "hardshrink": Plain(
        lambda x: x * (np.abs(x) > 0.5),
        of_x=lambda x: _one_where(np.abs(x) > 0.5, x)),
    "sparse_sigmoid": Plain(
        lambda x: np.clip(0.5 * x + 0.5, 0, 1),
        of_x=lambda x: _either(np.abs(x) < 1, 0.5, 0, x)),
    "sparse_plus": Plain(
        lambda x: np.where(x < 1, 0.25 * _square(np.maximum(x + 1, 0)), x),
        of_x=lambda x: np.clip(0.5 * x + 0.5, 0, 1)),

    # sigmoids
    "sigmoid": Plain(
        expit,
        of_y=lambda y: y * (1 - y)),
    "tanh": Plain(
        np.tanh,
        of_y=lambda y: 1 - y * y),
    "softsign": Plain(
        lambda x: x / (1 + np.abs(x)),
        of_x=lambda x: 1 / _square(1 + np.abs(x))),
    "tanhshrink": Plain(
        lambda x: x - np.tanh(x),
        of_x=lambda x: _square(np.tanh(x))),

    # exponential tails
    "exponential": Plain(
        np.exp,
        of_y=lambda y: y),
    "gaussian": Plain(
        lambda x: np.exp(-x * x),
        of_x=lambda x: -2 * x * np.exp(-x * x)),
    "elu": Plain(
        _elu,
        of_x=_elu_of_x),
    "celu": Plain(
        _elu,
        of_x=_elu_of_x),
    "selu": Plain(
        lambda x: _SELU * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        of_x=lambda x: _SELU * np.where(
            x > 0, x.dtype.type(1), _SELU_ALPHA * np.exp(np.minimum(x, 0)))),
    "softplus": Plain(
        lambda x, **out: np.logaddexp(x, 0, **out),
        of_x=expit),
    "logsigmoid": Plain(
        log_expit,
        of_x=lambda x: expit(-x)),
    "squareplus": Plain(
        _squareplus,
        of_x=lambda x: 0.5 * (1 + x / np.sqrt(x * x + 4))),

    # self-gated
    "silu": Plain(
        lambda x: x * expit(x),
        of_x=lambda x: (s := expit(x)) * (1 + x * (1 - s))),
    "swish": Plain(
        lambda x: x * expit(x),
        of_x=lambda x: (s := expit(x)) * (1 + x * (1 - s))),
    "gelu": Plain(
        lambda x: x * ndtr(x),
        of_x=lambda x: ndtr(x) + x * np.exp(-0.5 * x * x) * _PEAK),
    "gelu_tanh": Plain(_gelu_tanh, of_x=_gelu_tanh_of_x),
    "gelu_sigmoid": Plain(
        lambda x: _swish(x, 1.702),
        of_x=lambda x: _swish_of_x(x, 1.702)),
    "mish": Plain(
        lambda x: x * np.tanh(np.logaddexp(x, 0)),
        of_x=_mish_of_x),
    "serf": Plain(
        lambda x: x * erf(np.logaddexp(x, 0)),
        of_x=_serf_of_x),
    "dish": Plain(
        lambda x: 0.5 * x * (x / np.sqrt(x * x + 1) + 1),
        of_x=_dish_of_x),
    "snake": Plain(
        lambda x: x + _square(np.sin(x)),
        of_x=lambda x: 1 + np.sin(2 * x)),
}
# fmt: on
