"""The kernels of approximants in floating point: compiled, or Numba's, as the engine says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import engines
from .symmetry import NAMES

# In the order of the enumerations in kernels/curves.h.
METHODS = ("table", "taylor", "piecewise", "rational")
IDENTITIES = ("tanh", "sigmoid", "exponential")

# Choices, numbers, knots, data, denominator.
Arguments = tuple[tuple[int, ...], tuple[float, ...], NDArray[Any], NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The data of an approximant in floating point, as kernels take them.

    Attributes
    ----------
    dtype : numpy.dtype
        The working precision.
    method, symmetry : str
        One of `METHODS`, and of the names of symmetries.
    start, end, total : float
        The domain of the core; the sum of a complement.
    below, above : tuple of float
        Slope and intercept of the tails.
    image : tuple of float or None
        What the core is clipped to, if it is.
    knots, data, denominator : ndarray
        Knots; values or coefficients.
    segments, degree : int
        How many segments there are, and the degree in them.
    grid : tuple of float or None
        Start, width and inverse width of equal segments.
    identity : str or None
        One of `IDENTITIES`, for the method "taylor".
    negated : bool
        Whether its core is f(-t).
    square, times_t, line, center
        As in `fastcpuact.edge.rationals.Rational`.
    """

    dtype: np.dtype[Any]
    method: str
    symmetry: str
    start: float
    end: float
    total: float
    below: tuple[float, float]
    above: tuple[float, float]
    image: tuple[float, float] | None
    data: NDArray[Any]
    denominator: NDArray[Any] | None = None
    knots: NDArray[Any] | None = None
    segments: int = 1
    degree: int = 0
    grid: tuple[float, float, float] | None = None
    identity: str | None = None
    negated: bool = False
    square: bool = False
    times_t: bool = False
    line: tuple[float, float] = (0.0, 0.0)
    center: float = 0.0

    def choices(self) -> tuple[int, ...]:
        """The integers of a curve, in the order that kernels take them."""
        return (
            METHODS.index(self.method),
            NAMES.index(self.symmetry),
            0 if self.identity is None else IDENTITIES.index(self.identity),
            self.degree,
            int(self.symmetry != "none"),
            int(self.image is not None),
            int(self.grid is not None),
            int(self.square),
            int(self.times_t),
            int(self.negated),
            self.segments,
        )

    def numbers(self) -> tuple[float, ...]:
        """The real numbers of a curve, in the order that kernels take them."""
        low, high = self.image or (0.0, 0.0)
        grid = self.grid or (0.0, 0.0, 0.0)
        ends = (self.start, self.end, self.total)
        return (*ends, *self.below, *self.above, low, high, *grid, *self.line, self.center)

    def arguments(self) -> Arguments:
        """All of a curve, in the order that kernels take it."""
        return self.choices(), self.numbers(), *self.arrays()

    def arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The arrays of a curve: knots, data, denominator; one number stands for none."""
        none = np.ones(1, self.dtype)
        found = (self.knots, self.data, self.denominator)
        knots, data, denominator = (none if a is None else np.ascontiguousarray(a) for a in found)
        return knots, data, denominator


def evaluate(arguments: Arguments, x: NDArray[Any], y: NDArray[Any], slope: bool) -> None:
    """Evaluate a curve, or its slope, on a flat contiguous array into another, or into itself.

    ``arguments`` are those that `Curve.arguments` returns.
    """
    if engines.current_engine() == "compiled":
        from ..kernels.curves import evaluate as run

        run(*arguments, x, y, slope)
    else:
        from ..jit.curves import evaluate as run_jit

        run_jit(*arguments, x, y, slope)
