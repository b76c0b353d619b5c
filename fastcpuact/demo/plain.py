"""Activations as one writes them without fastcpuact: the yardstick of the demonstration."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from fastcpuact.demo.network import Array

_PEAK = 1 / math.sqrt(2 * math.pi)  # of the normal density


@dataclass(frozen=True)
class Plain:
    """An activation in NumPy and SciPy expressions.

    Parameters
    ----------
    value : callable
        f as an expression in x.
    derivative : callable
        f' as an expression in x and y = f(x), since a forward pass has y at hand.
    """

    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]

    def __call__(self, x: Array, /) -> Array:
        """Return f(x)."""
        return self.value(x)

    def value_and_grad(self, x: Array, /) -> tuple[Array, Array]:
        """Return f(x) and f'(x)."""
        y = self.value(x)
        return y, self.derivative(x, y)


def softmax(x: Array) -> Array:
    """Return the softmax along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# fmt: off
PLAIN = {
    "relu": Plain(
        lambda x: np.maximum(x, 0),
        lambda x, y: x > 0),
    "leaky_relu": Plain(
        lambda x: np.maximum(x, 0.01 * x),
        lambda x, y: np.where(x > 0, np.float32(1), np.float32(0.01))),
    "sigmoid": Plain(
        expit,
        lambda x, y: y * (1 - y)),
    "tanh": Plain(
        np.tanh,
        lambda x, y: 1 - y * y),
    "silu": Plain(
        lambda x: x * expit(x),
        lambda x, y: y + expit(x) * (1 - y)),
    "gelu": Plain(
        lambda x: x * ndtr(x),
        lambda x, y: ndtr(x) + x * np.exp(-0.5 * x * x) * _PEAK),
    "softplus": Plain(
        lambda x: np.logaddexp(x, 0),
        lambda x, y: expit(x)),
    "mish": Plain(
        lambda x: x * np.tanh(np.logaddexp(x, 0)),
        lambda x, y: (t := np.tanh(np.logaddexp(x, 0))) + x * expit(x) * (1 - t * t)),
}
# fmt: on
