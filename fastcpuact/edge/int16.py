"""The 513-entry table of int16, as TensorFlow Lite, CMSIS-NN and Ethos-U read it, at its best.

The device interpolates between every 128th of the 65,536 codes::

    i, r = 256 + (v >> 7), v & 127
    y = table[i] + (((table[i + 1] - table[i]) * r + 64) >> 7)

`optimal_table` finds the entries for which the largest error over all codes is as small as it can
be, by dynamic programming over the entries: an error depends on two neighbours only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int16]

ENTRIES, STEP = 513, 128
SHIFT, HALF = 7, 64
LOW, HIGH = -(2**15), 2**15 - 1


def interpolate(table: NDArray[np.int16], codes: Codes) -> Codes:
    """Return what the device makes of codes."""
    wide = table.astype(np.int32)
    v = codes.astype(np.int32)
    i, r = 256 + (v >> SHIFT), v & (STEP - 1)
    base = wide[i]
    return (base + (((wide[i + 1] - base) * r + HALF) >> SHIFT)).astype(np.int16)


def errors(table: NDArray[np.int16], target: Floats) -> Floats:
    """Return the errors of a table over all codes, from the lowest, in units of the output."""
    codes = np.arange(LOW, HIGH + 1).astype(np.int16)
    return interpolate(table, codes) - target


def optimal_table(target: Floats) -> tuple[NDArray[np.int16], bool]:
    """Return the entries with the smallest maximum error, and whether that is proven.

    Among the tables with that error it is the one with the smallest sum of squares.

    Parameters
    ----------
    target : array
        What the 65,536 codes should give, from the lowest code, within the range of int16.

    Notes
    -----
    At a code that is a multiple of 128 the device returns an entry as it is. So an entry that is
    farther from its target than the best maximum error is in no optimal table, and searching all
    nearer ones proves the optimum: the candidates are widened until they hold those. The last
    entry, which no code reads alone, counts for 127/128 at the highest code, from which follows how
    near it must be. Where the best error is above some 6 units, far more than rounding gives, the
    search is refined from coarse candidates instead, and nothing is proven.
    """
    knots = np.append(target[::STEP], (STEP * target[-1] - target[-STEP]) / (STEP - 1))
    rounded = np.clip(np.rint(knots), LOW, HIGH)
    # The best error is at most that of plain rounding, and seldom less than a third of it.
    plain = float(np.abs(errors(rounded.astype(np.int16), target)).max())
    for reach in (4, 8):
        if plain <= 3 * reach:
            table, best = _search(rounded, reach, 1, target)
            if best * (STEP + 1) / (STEP - 1) + 1.01 <= reach:
                return table, True
    spacing = 1
    while 8 * spacing < plain:
        spacing *= 2
    table, _ = _search(rounded, 8, spacing, target)
    while spacing > 1:
        spacing //= 2
        table, _ = _search(table.astype(np.float64), 3, spacing, target)
    return table, False


def _search(
    centres: Floats, reach: int, spacing: int, target: Floats
) -> tuple[NDArray[np.int16], float]:
    """Return the best table with entries about given ones, and its largest error."""
    candidates = centres[:, None] + spacing * np.arange(-reach, reach + 1)
    entries = np.clip(candidates, LOW, HIGH).astype(np.int32)
    worst, squares = _costs(entries, target)
    best = _bottleneck(worst)
    path = _least(np.where(worst <= best, squares, np.inf))
    return entries[np.arange(ENTRIES), path].astype(np.int16), best


def _costs(candidates: NDArray[np.int32], target: Floats) -> tuple[Floats, Floats]:
    """Largest error and sum of squares in each segment, by the candidates at its two ends."""
    width = candidates.shape[1]
    worst = np.empty((ENTRIES - 1, width, width))
    squares = np.empty_like(worst)
    offsets = np.arange(STEP, dtype=np.int32)
    for i in range(ENTRIES - 1):
        base, following = candidates[i][:, None, None], candidates[i + 1][None, :, None]
        slope = following - base
        y = base + ((slope * offsets + HALF) >> SHIFT)
        error = np.abs(y - target[i * STEP : (i + 1) * STEP])
        worst[i] = error.max(axis=2)
        squares[i] = np.einsum("abk,abk->ab", error, error)
        # The device keeps the difference in 16 bits.
        beyond = (slope[..., 0] < LOW) | (slope[..., 0] > HIGH)
        worst[i][beyond] = np.inf
    return worst, squares


def _bottleneck(worst: Floats) -> float:
    """Return the smallest possible largest cost of a path."""
    cost = np.zeros(worst.shape[1])
    for segment in worst:
        cost = np.maximum(cost[:, None], segment).min(axis=0)
    return float(cost.min())


def _least(costs: Floats) -> NDArray[np.intp]:
    """Return the path of the smallest sum of costs."""
    cost = np.zeros(costs.shape[1])
    before = np.empty((len(costs), costs.shape[1]), np.intp)
    for i, segment in enumerate(costs):
        sums = cost[:, None] + segment
        before[i] = sums.argmin(axis=0)
        cost = sums.min(axis=0)
    path = np.empty(len(costs) + 1, np.intp)
    path[-1] = cost.argmin()
    for i in range(len(costs) - 1, -1, -1):
        path[i] = before[i, path[i + 1]]
    return path
