"""Activations as one writes them without fastcpuact: the yardstick of the demo and benchmarks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

Array = NDArray[Any]

_PEAK = 1 / math.sqrt(2 * math.pi)  # of the normal density


@dataclass(frozen=True)
class Plain:
    """An activation in NumPy and SciPy expressions, with its forms by the names of an `Activation`.

    Parameters
    ----------
    value : callable
        f, as an expression in x.
    of_x, of_y : callable
        f', as an expression in x, or in y = f(x) where that is the shorter one.
    """

    value: Callable[[Array], Array]
    of_x: Callable[[Array], Array] | None = None
    of_y: Callable[[Array], Array] | None = None

    def __call__(self, x: Array, /) -> Array:
        """Return f(x)."""
        return self.value(x)

    def grad(self, x: Array, /) -> Array:
        """Return f'(x)."""
        return self.of_y(self.value(x)) if self.of_y else self._of_x(x)

    def backward(self, dy: Array, x: Array, /) -> Array:
        """Return dy·f'(x)."""
        return dy * self.grad(x)

    def value_and_grad(self, x: Array, /) -> tuple[Array, Array]:
        """Return f(x) and f'(x)."""
        y = self.value(x)
        return y, self.of_y(y) if self.of_y else self._of_x(x)

    def _of_x(self, x: Array) -> Array:
        assert self.of_x is not None
        return self.of_x(x)


def softmax(x: Array) -> Array:
    """Return the softmax along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dy: Array, y: Array) -> Array:
    """Return the gradient of `softmax` with respect to x."""
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


# fmt: off
PLAIN = {
    "relu": Plain(
        lambda x: np.maximum(x, 0),
        of_x=lambda x: (x > 0).astype(x.dtype)),
    "leaky_relu": Plain(
        lambda x: np.maximum(x, 0.01 * x),
        of_x=lambda x: np.where(x > 0, x.dtype.type(1), x.dtype.type(0.01))),
    "sigmoid": Plain(
        expit,
        of_y=lambda y: y * (1 - y)),
    "tanh": Plain(
        np.tanh,
        of_y=lambda y: 1 - y * y),
    "silu": Plain(
        lambda x: x * expit(x),
        of_x=lambda x: (s := expit(x)) * (1 + x * (1 - s))),
    "gelu": Plain(
        lambda x: x * ndtr(x),
        of_x=lambda x: ndtr(x) + x * np.exp(-0.5 * x * x) * _PEAK),
    "softplus": Plain(
        lambda x: np.logaddexp(x, 0),
        of_x=expit),
    "mish": Plain(
        lambda x: x * np.tanh(np.logaddexp(x, 0)),
        of_x=lambda x: (t := np.tanh(np.logaddexp(x, 0))) + x * expit(x) * (1 - t * t)),
}
# fmt: on
