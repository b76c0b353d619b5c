"""Where a function of one variable jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What is left of an interval then is shorter than the spacing of floats around 1.
_HALVINGS = 64
# Kinks are numbers that somebody wrote down: what bisection adds in the last digits is not theirs.
_DIGITS = 12


def jumps(
    g: Callable[[Any], Any], low: float, high: float, *, count: int = 4096, least: float = 1e-6
) -> Floats:
    """Return where a function jumps.

    Every interval of a grid is halved again and again towards the larger change of the function:
    what is left of the change of a continuous function is nothing.

    Parameters
    ----------
    g : callable
        Of an array of float64.
    low, high : float
        Where to look.
    count : int, default 4096
        Number of intervals of the grid; of two jumps in one the larger is found.
    least : float, default 1e-6
        What counts as a jump, relative to values larger than 1.

    Returns
    -------
    ndarray
        The places, ascending.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcpuact.numeric import jumps
    >>> jumps(np.floor, -1.5, 1.5)
    array([-1.,  0.,  1.])
    """
    # An odd shift keeps the numbers that people write down from being points of the grid.
    x = np.linspace(low, high + (high - low) / count * 0.37, count + 1)
    y = np.asarray(g(x), np.float64)
    steep = np.abs(np.diff(y)) > least
    a, b, ya, yb = x[:-1][steep], x[1:][steep], y[:-1][steep], y[1:][steep]
    for _ in range(_HALVINGS):
        middle = (a + b) / 2
        y = np.asarray(g(middle), np.float64)
        in_left = np.abs(y - ya) >= np.abs(yb - y)
        a, ya = np.where(in_left, a, middle), np.where(in_left, ya, y)
        b, yb = np.where(in_left, middle, b), np.where(in_left, y, yb)
    places = np.round(b[np.abs(yb - ya) > least * np.maximum(1, np.abs(yb))], _DIGITS)
    return np.unique(places[(places >= low) & (places <= high)]) + 0.0
