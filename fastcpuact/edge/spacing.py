"""Where to put knots so that a fit is equally good in all segments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .domains import Core
from .function import Floats
from .remez import chebyshev_points, minimax

_ROUNDS = 60


def sampled(core: Core, knots: Floats, unknowns: int) -> tuple[Floats, Floats]:
    """Values of a core in each segment, and the points in [0, 1] where they are.

    Returns
    -------
    points : ndarray of shape (points,)
    values : ndarray of shape (segments, points)
    """
    points = chebyshev_points(unknowns).astype(np.float64)
    return points, core(knots[:-1, None] + np.diff(knots)[:, None] * points)


def minimax_errors(core: Core, knots: Floats, degree: int) -> Floats:
    """Return the error of the best polynomial of a degree in each segment."""
    points, values = sampled(core, knots, degree + 1)
    if degree == 0:
        return np.ptp(values, axis=1) / 2
    fit = minimax(points[:, None] ** np.arange(degree + 1), values, tolerance=1e-4)
    return fit.level.astype(np.float64)


def equalized(
    errors: Callable[[Floats], Floats], start: float, end: float, count: int, degree: int
) -> Floats:
    """Return knots for which the errors of all segments are as equal as can be.

    Parameters
    ----------
    errors : callable
        Errors of the segments between knots.
    degree : int
        The error of a segment goes with its width to the power degree + 1.

    Notes
    -----
    The largest error is the smallest where all are equal: in any other choice of as many segments,
    one contains a whole one of these.
    """
    knots = np.linspace(start, end, count + 1)
    best, least = knots, np.inf
    for _ in range(_ROUNDS):
        found = errors(knots)
        largest = float(np.max(found))
        if largest < least:
            best, least = knots, largest
        if largest <= 1.002 * np.min(found) or largest == 0:
            break
        # A segment of no error still takes its place.
        mass = np.maximum(found / largest, 1e-9) ** (1 / (degree + 1))
        knots = _shared(knots, mass)
    return best


def _shared(knots: Floats, mass: NDArray[np.float64]) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(mass)])
    moved = np.interp(np.linspace(0, total[-1], len(knots)), total, knots)
    moved[[0, -1]] = knots[[0, -1]]
    return moved
