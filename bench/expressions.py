"""What a user writes without this package, in NumPy and SciPy."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, ndtr

Array = np.ndarray[Any, Any]


class Expression(NamedTuple):
    """f and f' of an elementwise activation, for arrays."""

    value: Callable[[Array], Array]
    grad: Callable[[Array], Array]

    def backward(self, dy: Array, x: Array) -> Array:
        return dy * self.grad(x)

    def value_and_grad(self, x: Array) -> tuple[Array, Array]:
        return self.value(x), self.grad(x)


def silu_grad(x: Array) -> Array:
    s = expit(x)
    return s * (1 + x * (1 - s))


def gelu_grad(x: Array) -> Array:
    return ndtr(x) + x * np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))


def mish_grad(x: Array) -> Array:
    t = np.tanh(np.logaddexp(0, x))
    return t + x * expit(x) * (1 - t * t)


def sigmoid_grad(x: Array) -> Array:
    s = expit(x)
    return s * (1 - s)


EXPRESSIONS = {
    "relu": Expression(lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(x.dtype)),
    "leaky_relu": Expression(
        lambda x: np.where(x > 0, x, 0.01 * x),
        lambda x: np.where(x > 0, 1, 0.01).astype(x.dtype),
    ),
    "sigmoid": Expression(expit, sigmoid_grad),
    "tanh": Expression(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "silu": Expression(lambda x: x * expit(x), silu_grad),
    "gelu": Expression(lambda x: x * ndtr(x), gelu_grad),
    "softplus": Expression(lambda x: np.logaddexp(0, x), expit),
    "mish": Expression(lambda x: x * np.tanh(np.logaddexp(0, x)), mish_grad),
}


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dy: Array, y: Array) -> Array:
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))
