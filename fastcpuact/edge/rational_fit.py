"""Minimax fits by rational functions: a start by weighted least squares, then Remez' exchange."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .remez import Wide, minimax, rounded, solve


class RationalFit(NamedTuple):
    """A fit P/Q, with the first coefficient of Q being 1.

    Attributes
    ----------
    numerator, denominator : ndarray
        Coefficients of the basis functions.
    level : float
        A lower bound of the maximum error of any such function without a pole.
    error : float
        The maximum error reached.
    """

    numerator: Wide
    denominator: Wide
    level: float
    error: float


def rational_minimax(above: Wide, below: Wide, target: Wide) -> RationalFit:
    """Fit (above @ p) / (below @ q) with q[0] = 1 so that the largest error is the smallest.

    Parameters
    ----------
    above, below : ndarray of shape (points, m), (points, n)
        Basis functions of numerator and denominator; the first one of the denominator is 1.
    target : ndarray of shape (points,)
        What to fit.

    Raises
    ------
    ArithmeticError
        If no fit without a pole was found.
    """
    if below.shape[1] == 1:
        polynomial = minimax(above, target[None])
        one = np.ones(1, np.longdouble)
        level, error = float(polynomial.level[0]), float(polynomial.error[0])
        return RationalFit(polynomial.coefficients[0], one, level, error)
    best = _start(above, below, target)
    size = above.shape[1] + below.shape[1]
    level = 0.0
    for _ in range(40):
        reference = _alternating_peaks(_errors(best, above, below, target), size)
        if reference is None:
            break
        found = _level(best, above[reference], below[reference], target[reference])
        if found is None or np.min(below @ found.denominator) <= 0:
            break
        error = float(np.max(np.abs(_errors(found, above, below, target))))
        found = found._replace(error=error)
        level = max(level, min(found.level, error))
        if error >= best.error * (1 - 1e-9):
            break
        best = found
    return best._replace(level=min(level, best.error))


def _errors(fit: RationalFit, above: Wide, below: Wide, target: Wide) -> Wide:
    return target - (above @ fit.numerator) / (below @ fit.denominator)


def _start(above: Wide, below: Wide, target: Wide) -> RationalFit:
    """Fit by least squares, whose weights rise where the error is large (Lawson 1961).

    The equations are P - f Q, divided by the Q of the round before (Sanathanan, Koerner 1963).
    """
    m = above.shape[1]
    equations = np.concatenate([above, -target[:, None] * below[:, 1:]], axis=1).astype(np.float64)
    right = target.astype(np.float64)
    scale = np.max(np.abs(equations), axis=0)
    scale[scale == 0] = 1  # of a function that is 0 on nearly all of its domain
    weights, last = np.ones(len(target)), np.ones(len(target))
    best: RationalFit | None = None
    for _ in range(60):
        factor = np.sqrt(weights) / last
        solution, *_ = np.linalg.lstsq(
            equations / scale * factor[:, None], right * factor, rcond=None
        )
        solution = (solution / scale).astype(np.longdouble)
        q = np.concatenate([[np.longdouble(1)], solution[m:]])
        fit = RationalFit(solution[:m], q, 0.0, 0.0)
        bottom = (below @ q).astype(np.float64)
        if np.min(bottom) <= 0:
            last = np.maximum(np.abs(bottom), 1e-3 * np.max(np.abs(bottom)))
            continue
        last = bottom
        errors = np.abs(_errors(fit, above, below, target)).astype(np.float64)
        fit = fit._replace(error=float(np.max(errors)))
        if best is None or fit.error < best.error:
            best = fit
        weights = weights * (errors + 1e-3 * fit.error)
        weights /= np.mean(weights)
    if best is None:
        raise ArithmeticError("no rational function of these degrees without a pole fits")
    return best


def _level(fit: RationalFit, above: Wide, below: Wide, target: Wide) -> RationalFit | None:
    """Level the error on as many points as there are unknowns, near a fit.

    P - (f - s E) Q = 0 with alternating signs s is solved by Newton's method, which doubles the
    good digits in each round.
    """
    m = above.shape[1]
    signs = (-1.0) ** np.arange(len(target), dtype=np.longdouble)
    q = fit.denominator
    height = np.mean(signs * _errors(fit, above, below, target))
    for _ in range(30):
        lowered = target - signs * height
        others = below[:, 1:] @ q[1:]
        system = np.concatenate(
            [above, -lowered[:, None] * below[:, 1:], (signs * (1 + others))[:, None]], axis=1
        )
        right = target + signs * height * others
        solution = solve(system[None], right[None])[0]
        if not np.all(np.isfinite(solution)):
            return None
        before, height = height, solution[-1]
        q = np.concatenate([[np.longdouble(1)], solution[m:-1]])
        if abs(height - before) <= 1e-12 * abs(height):
            return RationalFit(solution[:m], q, float(abs(height)), 0.0)
    return None


def _alternating_peaks(errors: Wide, size: int) -> NDArray[np.intp] | None:
    """Choose `size` points where the error peaks with alternating sign, the largest ones."""
    changes = np.flatnonzero(np.diff(errors > 0)) + 1
    runs = pairwise([0, *changes.tolist(), len(errors)])
    peaks = [a + int(np.argmax(np.abs(errors[a:b]))) for a, b in runs]
    if len(peaks) < size:
        return None
    height = [abs(errors[i]) for i in peaks]
    while len(peaks) > size:
        low = int(np.argmin(height))
        if len(peaks) == size + 1:  # only an end can go without breaking the alternation
            low = 0 if height[0] < height[-1] else len(peaks) - 1
        elif 0 < low < len(peaks) - 1:  # a peak inside goes with its lower neighbour
            other = low + 1 if height[low + 1] < height[low - 1] else low - 1
            low = min(low, other)
            del peaks[low + 1], height[low + 1]
        del peaks[low], height[low]
    return np.array(peaks)


def rounded_rational(
    fit: RationalFit,
    above: Wide,
    below: Wide,
    target: Wide,
    dtype: np.dtype[Any],
    scales: tuple[Wide, Wide],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Round the coefficients of a fit to a working precision.

    Those of Q are rounded, those of P fitted anew, one rounded after the other.

    Parameters
    ----------
    scales : pair of ndarray
        What coefficients are multiplied with before they are rounded.
    """
    denominator = (fit.denominator * scales[1]).astype(dtype)
    bottom = below @ (denominator / scales[1])
    numerator = rounded(above / bottom[:, None], target[None], dtype, scales[0])[0]
    return numerator, denominator
