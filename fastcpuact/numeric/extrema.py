"""The largest and the smallest value of a function of one variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Each round divides the interval by 32: after a dozen the value is known to its last digits.
_ROUNDS, _POINTS = 12, 65


def largest(g: Callable[[Any], Any], x: NDArray[np.float64]) -> tuple[float, float]:
    """Return (place, value) of the largest value of a function.

    Parameters
    ----------
    g : callable
        Of an array of float64, with one hill at most between two neighbours in ``x``.
    x : ndarray of float64
        Where to look first, ascending.

    Returns
    -------
    tuple of float
        The place to half its digits, as far as a maximum is determined, and the value to all.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcpuact.numeric import largest
    >>> place, value = largest(np.sin, np.linspace(0, 6, 100))
    >>> round(place, 6), round(value, 12)
    (1.570796, 1.0)
    """
    y = np.asarray(g(x), np.float64)
    for _ in range(_ROUNDS):
        best = int(np.nanargmax(y))
        around = np.linspace(x[max(best - 1, 0)], x[min(best + 1, len(x) - 1)], _POINTS)
        x = np.union1d(around, x[best])  # which must not be lost between the points
        y = np.asarray(g(x), np.float64)
    best = int(np.nanargmax(y))
    return float(x[best]), float(y[best])


def smallest(g: Callable[[Any], Any], x: NDArray[np.float64]) -> tuple[float, float]:
    """Return (place, value) of the smallest value of a function; see `largest`."""
    place, value = largest(lambda z: -np.asarray(g(z), np.float64), x)
    return place, -value
