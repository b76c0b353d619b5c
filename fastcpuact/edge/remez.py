"""Minimax fits by Remez' exchange, many at once, in the widest floats that NumPy has.

That is 64 bits of significand on x86-64, or more. A fit is one on points, dense enough that the
error between them hardly exceeds that on them (`POINTS` for each coefficient).
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Wide = NDArray[np.longdouble]

# Between neighbours of so many Chebyshev points for each coefficient, an error curve that
# equioscillates exceeds its values on them by less than (pi / 2 / 24)² / 2 = 0.2 %.
POINTS = 24
_ROUNDS = 100
# Passes over all coefficients and pairs of them, which seldom move after the third.
SWEEPS = 8


class Fit(NamedTuple):
    """Fits of a batch.

    Attributes
    ----------
    coefficients : ndarray of shape (batch, n)
        Of the basis functions.
    level : ndarray of shape (batch,)
        Lower bounds of the maximum error of any such fit (de la Vallée-Poussin).
    error : ndarray of shape (batch,)
        The maximum errors reached.
    """

    coefficients: Wide
    level: Wide
    error: Wide


def chebyshev_points(n: int) -> Wide:
    """Return about `POINTS` * (n + 1) points in [0, 1], dense towards both ends, for n unknowns."""
    last = POINTS * (n + 1)
    angles = np.arange(last + 1, dtype=np.longdouble) * (np.longdouble(np.pi) / last)
    points = np.asarray((1 - np.cos(angles)) / 2, np.longdouble)
    points[[0, -1]] = 0, 1
    return points


def solve(matrices: Wide, right: Wide) -> Wide:
    """Solve systems of linear equations, (batch, n, n) and (batch, n), by Gaussian elimination."""
    a = np.concatenate([matrices, right[..., None]], axis=-1)
    batch, n = np.arange(len(a)), a.shape[1]
    for k in range(n):
        pivot = k + np.argmax(np.abs(a[:, k:, k]), axis=1)
        a[batch, k], a[batch, pivot] = a[batch, pivot].copy(), a[:, k].copy()
        with np.errstate(all="ignore"):  # a singular system gives NaN
            a[:, k] /= a[:, k, k, None]
        others = np.arange(n) != k
        a[:, others] -= a[:, others, k, None] * a[:, k, None]
    return a[..., -1]


def minimax(basis: ArrayLike, target: ArrayLike, tolerance: float = 1e-7) -> Fit:
    """Fit linear combinations of basis functions so that the largest error is the smallest.

    Parameters
    ----------
    basis : array_like of shape (points, n) or (batch, points, n)
        The functions on the points, in ascending order. No combination but 0 may have n zeros.
    target : array_like of shape (batch, points)
        What to fit.
    tolerance : float
        Relative excess of the error over its lower bound at which to stop.

    Returns
    -------
    Fit
        One for each row of ``target``.

    Notes
    -----
    E. Remez, Sur la détermination des polynômes d'approximation de degré donnée (1934): on n + 1
    reference points the error is levelled to alternate with equal size; the point of the largest
    error takes the place of one of them, until no error is larger than the level.
    """
    target = np.asarray(target, np.longdouble)
    count, points = target.shape
    basis = np.broadcast_to(np.asarray(basis, np.longdouble), (count, *np.shape(basis)[-2:]))
    n = basis.shape[-1]
    if n == 0:
        error = np.max(np.abs(target), axis=1)
        return Fit(np.zeros((count, 0), np.longdouble), error, error)
    reference = np.tile(np.round(np.linspace(0, points - 1, n + 1)).astype(np.intp), (count, 1))
    signs = (-1.0) ** np.arange(n + 1, dtype=np.longdouble)
    # Noise of the target, of one part in 2**52, may hold the exchange up.
    noise = 4 * np.max(np.abs(target), axis=1) * np.finfo(np.float64).eps
    fit = Fit(
        np.zeros((count, n), np.longdouble),
        np.zeros(count, np.longdouble),
        np.full(count, np.inf, np.longdouble),
    )
    going = np.arange(count)
    for _ in range(_ROUNDS):
        rows = np.arange(len(going))
        picked = basis[going[:, None], reference]
        alternating = np.broadcast_to(signs[:, None], (len(going), n + 1, 1))
        system = np.concatenate([picked, alternating], axis=-1)
        solution = solve(system, target[going[:, None], reference])
        errors = target[going] - np.einsum("bpn,bn->bp", basis[going], solution[:, :-1])
        worst = np.argmax(np.abs(errors), axis=1)
        size = np.abs(errors[rows, worst])
        better = size < fit.error[going]
        fit.error[going[better]] = size[better]
        fit.coefficients[going[better]] = solution[better, :-1]
        error = fit.error[going]
        fit.level[going] = np.maximum(fit.level[going], np.minimum(abs(solution[:, -1]), error))
        left = error > fit.level[going] * (1 + tolerance) + noise[going]
        if not np.any(left):
            break
        reference = _exchange(reference[left], errors[left], worst[left])
        going = going[left]
    return fit


def _exchange(reference: NDArray[np.intp], errors: Wide, worst: NDArray[np.intp]) -> Any:
    """Let the worst point of each row take the place of a neighbour whose error has its sign."""
    rows = np.arange(len(reference))
    last = reference.shape[1] - 1
    present = np.any(reference == worst[:, None], axis=1)
    place = np.sum(reference < worst[:, None], axis=1)
    positive = errors[rows, worst] > 0
    left = np.clip(place - 1, 0, last)
    same_left = (errors[rows, reference[rows, left]] > 0) == positive
    same_right = (errors[rows, reference[rows, np.minimum(place, last)]] > 0) == positive
    at_start, at_end = place == 0, place == last + 1
    new = reference.copy()
    # Before all others with the sign that none is due there: the references move up by one.
    up = at_start & ~same_right & ~present
    new[up] = np.concatenate([worst[up, None], reference[up, :-1]], axis=1)
    down = at_end & ~same_left & ~present
    new[down] = np.concatenate([reference[down, 1:], worst[down, None]], axis=1)
    simple = ~(up | down | present)
    slot = np.where(at_start | (~at_end & ~same_left), np.minimum(place, last), left)
    new[rows[simple], slot[simple]] = worst[simple]
    return new


def rounded(
    basis: ArrayLike, target: ArrayLike, dtype: np.dtype[Any], scale: ArrayLike = 1.0
) -> NDArray[Any]:
    """Fit with coefficients of a working precision.

    The last coefficient is rounded, the others are fitted anew to what that leaves, and so on:
    each makes up for the rounding of those after it.  Then one or two at a time move to their
    neighbours as long as the largest error falls.

    Parameters
    ----------
    basis, target : array_like
        As for `minimax`.
    dtype : numpy.dtype
        The working precision.
    scale : array_like of shape (n,) or (batch, n)
        What coefficients are multiplied with before they are rounded.

    Returns
    -------
    ndarray of shape (batch, n)
        The coefficients, scaled and rounded.
    """
    left = np.array(target, np.longdouble)
    count = len(left)
    basis = np.broadcast_to(np.asarray(basis, np.longdouble), (count, *np.shape(basis)[-2:]))
    n = basis.shape[-1]
    scale = np.broadcast_to(np.asarray(scale, np.longdouble), (count, n))
    result = np.empty((count, n), dtype)
    for k in reversed(range(n)):
        fit = minimax(basis[..., : k + 1], left)
        result[:, k] = (fit.coefficients[:, k] * scale[:, k]).astype(dtype)
        left -= basis[..., k] * (result[:, k] / scale[:, k])[:, None]
    _descend(basis, left, result, scale)
    return result


def _descend(
    basis: NDArray[Any], left: NDArray[Any], result: NDArray[Any], scale: NDArray[Any]
) -> None:
    """Move coefficients to neighbours, one or two at a time, while the largest error falls."""
    n = result.shape[1]
    ways = [(k, k) for k in range(n)] + [(j, k) for k in range(n) for j in range(k)]
    signs = [(1, 1), (-1, -1), (1, -1), (-1, 1)]
    error = np.max(np.abs(left), axis=1)
    for _ in range(SWEEPS):
        moved = False
        for places, (first, second) in itertools.product(ways, signs):
            tried = result.copy()
            for k, sign in zip(sorted(set(places)), (first, second), strict=False):
                tried[:, k] = np.nextafter(result[:, k], np.asarray(sign * np.inf, result.dtype))
            change = (tried.astype(np.longdouble) - result) / scale
            after = left - np.einsum("bik,bk->bi", basis, change)
            height = np.max(np.abs(after), axis=1)
            better = height < error
            if better.any():
                result[better], left[better], error[better] = (
                    tried[better],
                    after[better],
                    height[better],
                )
                moved = True
        if not moved:
            return
