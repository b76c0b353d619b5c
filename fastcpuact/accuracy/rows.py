"""The oracle of the functions along an axis, for rows of finite numbers.

Those that end in ``_exactly`` take one row and return balls.
"""

from collections.abc import Callable, Iterable

import numpy as np
from flint import arb
from numpy.typing import ArrayLike, NDArray

from .balls import exp, is_sharp, sharply

Float64 = NDArray[np.float64]
Row = list[arb]


def softmax(x: ArrayLike) -> Float64:
    """Softmax along the last axis, in float64."""
    x = np.asarray(x, np.float64)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_exactly(x: ArrayLike) -> NDArray[np.object_]:
    """Softmax of a row."""
    return _evaluate(_softmax, x)


def softmax_backward_exactly(dy: ArrayLike, y: ArrayLike) -> NDArray[np.object_]:
    """The gradient of softmax from its output `y`."""
    return _evaluate(_softmax_backward, dy, y)


def _softmax(x: Row) -> Row:
    e = [exp(v) for v in x]
    total = _sum(e)
    return [v / total for v in e]


def _softmax_backward(dy: Row, y: Row) -> Row:
    total = _sum(a * b for a, b in zip(dy, y, strict=True))
    return [b * (a - total) for a, b in zip(dy, y, strict=True)]


def _sum(terms: Iterable[arb]) -> arb:
    return sum(terms, arb(0))


def _evaluate(function: Callable[..., Row], *rows: ArrayLike) -> NDArray[np.object_]:
    operands = tuple([arb(v) for v in np.asarray(row, np.float64).tolist()] for row in rows)
    [balls] = sharply(function, [operands], enough=lambda row: all(map(is_sharp, row)))
    made = np.empty(len(balls), object)
    made[:] = balls
    return made
