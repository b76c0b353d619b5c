"""The oracle of the functions along an axis, for rows of finite numbers.

`ROWS` has them by name: ``ROWS["softmax"].exactly(x)`` are balls around the exact values of one
row, and ``backward_exactly`` those of its gradient.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb
from numpy.typing import ArrayLike, NDArray

from .balls import ball, exp, is_sharp, sharply

Row = list[float]
Balls = list[arb]


@dataclass(frozen=True)
class RowFunction:
    """A function of a row, and its gradient by dy and by what was saved: output or input."""

    value: Callable[[Row], Balls]
    backward: Callable[[Row, Row], Balls]

    def exactly(self, x: ArrayLike) -> NDArray[np.object_]:
        """Balls around the exact values, of logsumexp one."""
        return _evaluate(self.value, x)

    def backward_exactly(self, dy: ArrayLike, saved: ArrayLike) -> NDArray[np.object_]:
        """Balls around the exact gradient; `saved` is y, of logsumexp x."""
        return _evaluate(self.backward, dy, saved)


def _evaluate(function: Callable[..., Balls], *rows: ArrayLike) -> NDArray[np.object_]:
    operands = tuple(np.atleast_1d(np.asarray(row, np.float64)).tolist() for row in rows)
    [balls] = sharply(function, [operands], enough=lambda row: all(map(is_sharp, row)))
    made = np.empty(len(balls), object)
    made[:] = balls
    return made


def _sum(terms: Iterable[arb]) -> arb:
    return sum(terms, arb(0))


def _dot(a: Row, b: Row) -> arb:
    return ball(sum((Fraction(u) * Fraction(v) for u, v in zip(a, b, strict=True)), Fraction(0)))


# Exponentials.


def softmax(x: ArrayLike) -> NDArray[np.float64]:
    """Softmax along the last axis, in float64."""
    x = np.asarray(x, np.float64)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _softmax(x: Row) -> Balls:
    e = [exp(arb(v)) for v in x]
    total = _sum(e)
    return [v / total for v in e]


def _softmax_backward(dy: Row, y: Row) -> Balls:
    mean = _dot(dy, y)
    return [b * (a - mean) for a, b in zip(dy, y, strict=True)]


def _softmin(x: Row) -> Balls:
    return _softmax([-v for v in x])


def _softmin_backward(dy: Row, y: Row) -> Balls:
    return [-v for v in _softmax_backward(dy, y)]


def _logsumexp(x: Row) -> Balls:
    return [_sum(exp(arb(v)) for v in x).log()]


def _logsumexp_backward(dy: Row, x: Row) -> Balls:
    return [dy[0] * v for v in _softmax(x)]


def _log_softmax(x: Row) -> Balls:
    [total] = _logsumexp(x)
    return [v - total for v in x]


def _log_softmax_backward(dy: Row, y: Row) -> Balls:
    total = _dot(dy, [1.0] * len(dy))
    return [a - exp(arb(b)) * total for a, b in zip(dy, y, strict=True)]


# Projections on the simplex: all decisions are made in rational numbers.


def _sparsemax(x: Row) -> Balls:
    """max(x - τ, 0) of sum 1."""
    exact = [Fraction(v) for v in x]
    total = Fraction(0)
    threshold = Fraction(0)
    for k, v in enumerate(sorted(exact, reverse=True), start=1):
        total += v
        if 1 + k * v <= total:
            break
        threshold = (total - 1) / k
    return [ball(max(v - threshold, Fraction(0))) for v in exact]


def _sparsemax_backward(dy: Row, y: Row) -> Balls:
    support = [Fraction(a) for a, b in zip(dy, y, strict=True) if b > 0]
    mean = sum(support, Fraction(0)) / len(support)
    return [ball(Fraction(a) - mean if b > 0 else Fraction(0)) for a, b in zip(dy, y, strict=True)]


def _entmax15(x: Row) -> Balls:
    """max(x/2 - τ, 0)² of sum 1."""
    halves = [Fraction(v) / 2 for v in x]
    total = squares = mean = share = Fraction(0)
    # τ = mean - √share on the support, which holds all that is not below it.
    for k, v in enumerate(sorted(halves, reverse=True), start=1):
        total, squares = total + v, squares + v * v
        new_mean, new_share = total / k, (1 - squares + total * total / k) / k
        if new_share < (new_mean - v) ** 2:
            break
        mean, share = new_mean, new_share
    root = ball(share).sqrt()
    roots = [
        ball(v - mean) + root if v > mean or (mean - v) ** 2 < share else arb(0) for v in halves
    ]
    return [root * root for root in roots]


def _entmax15_backward(dy: Row, y: Row) -> Balls:
    roots = [arb(v).sqrt() for v in y]
    mean = _sum(r * a for r, a in zip(roots, dy, strict=True)) / _sum(roots)
    return [r * (a - mean) for r, a in zip(roots, dy, strict=True)]


ROWS: dict[str, RowFunction] = {
    "softmax": RowFunction(_softmax, _softmax_backward),
    "softmin": RowFunction(_softmin, _softmin_backward),
    "log_softmax": RowFunction(_log_softmax, _log_softmax_backward),
    "logsumexp": RowFunction(_logsumexp, _logsumexp_backward),
    "sparsemax": RowFunction(_sparsemax, _sparsemax_backward),
    "entmax15": RowFunction(_entmax15, _entmax15_backward),
}
