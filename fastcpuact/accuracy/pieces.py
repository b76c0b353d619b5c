"""Curves as polynomials through exact values, which makes judging many inputs affordable.

A span of consecutive floats is a binade or a small part of one.  There a curve without kinks is a
polynomial, which is compared with the curve between the points that it was made from.  Where none
is good enough there is none, and the curve itself has to be evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from . import inputs
from .reference import Curve
from .ulp import Dtype, Floats

# Numbers of more bits than float64 has, on machines that have them.
Wide = np.longdouble
HAS_WIDE = bool(np.finfo(Wide).nmant >= 63)

DEGREE = 11
# Points of [-1, 1] in units of 2^-12, for which x is exact: those that a polynomial goes through,
# about the zeros of a Chebyshev polynomial, and those where it is compared with the curve.
UNIT = 2.0**-12
NODES = np.rint(np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1)) / UNIT) * UNIT
BETWEEN = np.array([-4093, -3567, -1556, 287, 2171, 3843, 4094]) * UNIT


# The least value in a span relative to the largest.
STEEP = 2.0**-6


def wide(ball: arb) -> Any:
    """Round a ball to more than float64 has; beyond the range of float64 it is an infinity."""
    high = float(ball)
    return Wide(high) + Wide(float(ball - high)) if math.isfinite(high) else Wide(high)


# From values at the nodes to terms of Chebyshev polynomials, which keeps their digits, and on to
# powers.
with ctx.workprec(256):
    _TERMS = arb_mat([[arb(t).chebyshev_t(k) for k in range(DEGREE + 1)] for t in NODES.tolist()])
    TO_TERMS = np.array([[wide(c) for c in row] for row in _TERMS.inv().tolist()])
TO_POWERS = np.zeros((DEGREE + 1, DEGREE + 1), Wide)
for _k, _term in enumerate(np.eye(DEGREE + 1)):
    TO_POWERS[: _k + 1, _k] = chebyshev.cheb2poly(_term[: _k + 1])


@dataclass(frozen=True)
class Piece:
    """A polynomial in (x - centre)·scale; one without coefficients is all but 0."""

    coefficients: NDArray[Any]
    centre: float
    scale: float

    def __call__(self, x: Floats) -> NDArray[Any]:
        """Evaluate it."""
        t = (x.astype(np.float64, copy=False) - self.centre).astype(Wide) * Wide(self.scale)
        y = np.zeros(len(x), Wide)
        for c in self.coefficients[::-1]:
            y *= t
            y += c
        return y


@dataclass(frozen=True)
class Kind:
    """What is asked of the polynomials for a dtype.

    Attributes
    ----------
    dtype
        Of x.
    good
        The largest relative error, far below an ULP.
    vanishing
        Exact values up to it are surely rounded to 0; as float64, those below its range are 0.
    ordinary
        Between these, they have neighbours on both sides that are floats.
    spans
        Sizes of spans in ranks; the next one where one is too long.
    """

    dtype: Dtype
    good: float
    vanishing: float
    ordinary: tuple[float, float]
    spans: tuple[int, ...]

    @lru_cache(2**14)  # noqa: B019  the two instances are constants
    def fit(self, curve: Curve, span: int, size: int) -> Piece | None:
        """Return a polynomial that is the curve in a span, given by number and size, if any is."""
        sign, low, high = self._ends(range(span * size, (span + 1) * size))
        special = [*(float(x) for x, _ in curve.facts.kinks), *curve.facts.landmarks]
        if not np.isfinite(high) or any(low <= sign * x < high for x in special):
            return None
        half = (high - low) / 2
        centre, scale = sign * (low + half), 1 / half
        exact = np.array(
            [wide(y) for y in curve.exactly(centre + half * np.concatenate([NODES, BETWEEN]))]
        )
        amount = np.abs(exact)
        if np.all(amount <= self.vanishing):
            return Piece(exact[:0], centre, scale)
        least, most = self.ordinary
        if not np.all((amount > least) & (amount < most) & (np.sign(exact) == np.sign(exact[0]))):
            return None
        # Next to a root, be it on the edge, a polynomial has no relative precision.
        if amount.min() < STEEP * amount.max():
            return None
        at_nodes, between = np.split(exact, [DEGREE + 1])
        piece = Piece(TO_POWERS @ (TO_TERMS @ at_nodes), centre, scale)
        error = np.abs(piece(centre + half * BETWEEN) - between)
        return piece if np.all(error <= self.good * np.abs(between)) else None

    def _ends(self, ranks: range) -> tuple[int, float, float]:
        """The sign of a span, and the ends of its magnitudes, the second of which is outside."""
        bits = 8 * np.dtype(self.dtype).itemsize
        sign = 1 if ranks.start >> (bits - 1) else -1
        first = ranks.start if sign > 0 else ranks.stop - 1
        after = ranks.stop if sign > 0 else ranks.start - 1
        if not 0 <= after < 1 << bits:
            return sign, 0.0, np.inf
        low, high = inputs.from_ranks(np.array([first, after], np.uint64), self.dtype)
        return sign, abs(float(low)), abs(float(high))


KINDS = {
    np.float32: Kind(np.float32, 2.0**-38, 2.0**-152, (2.0**-148, 2.0**127), (2**20, 2**17)),
    np.float64: Kind(np.float64, 2.0**-61, 0.0, (2.0**-950, 2.0**1000), (2**52, 2**49, 2**46)),
}


def divide(curve: Curve, dtype: Dtype, ranks: range) -> Iterator[tuple[Piece | None, range]]:
    """Divide ranks into spans, each with a polynomial if one is the curve there."""
    kind = KINDS[dtype]
    start = ranks.start
    while start < ranks.stop:
        for size in kind.spans:
            piece = kind.fit(curve, start // size, size) if start % kind.spans[-1] == 0 else None
            if piece:
                break
        stop = min((start // size + 1) * size, ranks.stop)
        yield piece, range(start, stop)
        start = stop


def evaluate(curve: Curve, x: Floats) -> NDArray[Any]:
    """Return the exact values at ascending x, NaN where no polynomial tells them."""
    kind = KINDS[x.dtype.type]
    exact = np.full(len(x), np.nan, Wide)
    ranks = inputs.ranks(x)
    unknown = np.flatnonzero(np.isfinite(x) & (x != 0))
    for size in kind.spans:
        spans = ranks[unknown] // np.uint64(size)
        starts = np.flatnonzero(np.concatenate([[True], spans[1:] != spans[:-1]]))
        for some in np.split(unknown, starts[1:]):
            # Fewer inputs than what a polynomial takes are better evaluated themselves.
            if len(some) > len(NODES) + len(BETWEEN):
                piece = kind.fit(curve, int(ranks[some[0]]) // size, size)
                if piece:
                    exact[some] = piece(x[some])
        unknown = unknown[np.isnan(exact[unknown])]
    return exact
