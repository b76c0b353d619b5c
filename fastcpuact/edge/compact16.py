"""A format for int16 of about 250 bytes: cubic pieces, in 32-bit integers with guard bits.

A piece covers ``2**width`` codes. With ``u`` the distance of a code from the first piece, as many
bits of it as the device needs::

    i, t = u >> width, (u & (2**width - 1)) - 2**(width - 1)
    p = cubic[i]
    p = quadratic[i] + ((p * t) >> shifts[0])
    p = linear[i] + ((p * t) >> shifts[1])
    y = (constant[i] + ((p * t) >> shifts[2]) + 2**(guard - 1)) >> guard

Before the first and after the last piece the result is constant. A function that is odd about a
code and a whole result is stored for the codes above, and reflected. Every product fits 32 bits.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .integers import check_array

Floats = NDArray[np.float64]
Codes = NDArray[np.int16]

LOW, HIGH = -(2**15), 2**15 - 1
# Fraction bits of the constant terms; more change nothing.
GUARD = 8
# The widest pieces whose products fit 32 bits, and the narrowest that are worth their bytes.
WIDEST, NARROWEST = 13, 7


# Fields of a table that are numbers, and the arrays with their types.
NUMBERS = ("width", "start", "stop", "origin", "reflected", "centre", "low", "high", "guard")
ARRAYS = {"constant": "int32", "linear": "int16", "quadratic": "int16", "cubic": "int16"}


@dataclass(frozen=True, eq=False)
class Cubics:
    """The data of a table, as the device has them.

    Attributes
    ----------
    width : int
        Bits of a code within a piece.
    start, stop : int
        Distances between which the pieces lie, counted from ``origin``.
    origin : int
        The code at distance 0.
    reflected : bool
        Whether codes below ``origin`` give ``2 * centre`` minus the result of their mirror image.
    centre : int
        What is added to every result.
    low, high : int
        The results before the first piece and after the last.
    guard : int
        Fraction bits of the constant terms.
    shifts : tuple of int
        By how many bits the three products are shifted.
    constant, linear, quadratic, cubic : array
        The coefficients of the pieces: the first int32, the others int16.
    """

    width: int
    start: int
    stop: int
    origin: int
    reflected: bool
    centre: int
    low: int
    high: int
    guard: int
    shifts: tuple[int, int, int]
    constant: NDArray[np.int32]
    linear: NDArray[np.int16]
    quadratic: NDArray[np.int16]
    cubic: NDArray[np.int16]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The single numbers but for the shifts, in the order of the fields."""
        return tuple(int(getattr(self, name)) for name in NUMBERS)

    @property
    def nbytes(self) -> int:
        """Bytes of the coefficients."""
        return sum(getattr(self, name).nbytes for name in ARRAYS)


def evaluate(data: Cubics, codes: Codes) -> Codes:
    """Return what the device makes of codes."""
    v = codes.astype(np.int32) - data.origin
    u = np.abs(v) if data.reflected else v
    i = np.clip((u - data.start) >> data.width, 0, len(data.constant) - 1)
    t = u - data.start - (i << data.width) - (1 << (data.width - 1))
    p = data.cubic[i].astype(np.int32)
    for coefficients, shift in zip((data.quadratic, data.linear), data.shifts[:2], strict=True):
        p = coefficients[i] + ((p * t) >> shift)
    y = data.constant[i] + ((p * t) >> data.shifts[2])
    y = (y + ((1 << data.guard) >> 1)) >> data.guard
    y = np.where(u < data.start, data.low, np.where(u >= data.stop, data.high, y))
    if data.reflected:
        y = np.where(v < 0, -y, y)
    return np.clip(y + data.centre, LOW, HIGH).astype(np.int16)


def fit(target: Floats, bound: float) -> Cubics:
    """Return the table with the fewest pieces whose largest error is at most a bound.

    Parameters
    ----------
    target : array
        What the 65,536 codes should give, from the lowest code, in units of the output, not
        clipped to its range.
    bound : float
        The largest error to aim for; it is above 0.5, which rounding the results takes. Where no
        width of the pieces reaches it, the narrowest is returned.
    """
    codes = np.arange(LOW, HIGH + 1)
    clipped = np.clip(target, LOW, HIGH)
    for width in range(WIDEST, NARROWEST - 1, -1):
        data = fit_width(target, width)
        worst = np.abs(evaluate(data, codes.astype(np.int16)) - clipped).max()
        if worst <= bound:
            break
    return data


def fit_width(target: Floats, width: int) -> Cubics:
    """Return the table with pieces of ``2**width`` codes."""
    # One unit beyond the range at each side: what is clipped at one end may be mirrored to the
    # other, where it is not.
    wanted = np.clip(target, LOW - 1, HIGH + 1)
    centre = _centre(target)
    if centre is None:
        u = np.arange(len(wanted))
        origin, offset = LOW, 0
    else:
        u = np.arange(-LOW + 1)
        origin, offset = 0, centre
        # The mirror image of the lowest code is the only one without a code of its own.
        wanted = np.append(wanted[-LOW:], 2 * centre - wanted[0]) - centre
    low, high = round(wanted[0]), round(wanted[-1])
    size = 1 << width
    varies = np.flatnonzero(np.abs(wanted - low) > 0.5) if centre is None else u
    start = int(varies[0]) >> width << width if len(varies) else 0
    varies = np.flatnonzero(np.abs(wanted - high) > 0.5)
    last = int(varies[-1]) if len(varies) else start
    count = max((last - start) // size + 1, 1)
    # The mirror image of the lowest code belongs to the piece before it.
    count = min(count, (HIGH + 1 if centre is not None else len(wanted)) // size - start // size)
    pieces = [wanted[s : s + size] for s in range(start, start + count * size, size)]
    stop = start + count * size
    if stop == HIGH + 1 and centre is not None:
        stop += 1
        pieces[-1] = wanted[-size - 1 :]
    guard, shifts, coefficients = _fit_pieces(pieces, width)
    return Cubics(
        width,
        start,
        stop,
        origin,
        centre is not None,
        offset,
        low,
        high,
        guard,
        shifts,
        coefficients[:, 0].astype(np.int32),
        *(coefficients[:, k].astype(np.int16) for k in (1, 2, 3)),
    )


def least_error(data: Cubics, target: Floats) -> float:
    """Return a bound that no real cubics on the same pieces come below, in units of the output.

    At five points the best cubic has errors of one size and alternating signs; on a whole piece,
    which holds these points, it can only have larger ones. Taken where Chebyshev polynomials have
    their extrema, they come near to the error of the best cubic.
    """
    size = 1 << data.width
    steps = np.rint((1 - np.cos(np.pi * np.arange(5) / 4)) / 2 * (size - 1)).astype(int)
    steps = np.unique(steps)
    u = data.start + size * np.arange(len(data.constant))[:, None] + steps
    wanted = np.clip(target, LOW, HIGH)[u + data.origin - LOW]
    # The weights of the divided difference, which vanishes for cubics.
    gaps = (steps[:, None] - steps)[~np.eye(len(steps), dtype=bool)].reshape(len(steps), -1)
    weights = 1 / np.prod(gaps / size, axis=1)
    return float(np.max(np.abs(wanted @ weights)) / np.abs(weights).sum())


def to_parts(data: Cubics) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the fields: what JSON can hold, and arrays."""
    numbers = {**dict(zip(NUMBERS, data.numbers, strict=True)), "shifts": list(data.shifts)}
    return numbers, {name: getattr(data, name) for name in ARRAYS}


def from_parts(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Cubics:
    """Inverse of `to_parts`.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the data are not such data.
    """
    numbers: dict[str, Any] = {name: operator.index(header[name]) for name in NUMBERS}
    found: dict[str, Any] = {
        name: check_array(arrays, name, dtype) for name, dtype in ARRAYS.items()
    }
    first, second, third = map(operator.index, header["shifts"])
    count = {len(array) for array in found.values()}
    width, length = numbers["width"], numbers["stop"] - numbers["start"]
    if not 1 <= width <= WIDEST or not 0 <= numbers["guard"] <= GUARD:
        raise ValueError(f"width and guard are out of range: {width}, {numbers['guard']}")
    if not all(0 <= shift <= 31 for shift in (first, second, third)):
        raise ValueError(f"shifts are out of range: {header['shifts']}")
    if len(count) != 1 or 0 in count or length >> width not in count:
        raise ValueError("coefficients of all pieces are needed")
    return Cubics(
        **{**numbers, "reflected": bool(numbers["reflected"])},
        shifts=(first, second, third),
        **found,
    )


def _centre(target: Floats) -> int | None:
    """Return the whole number about which the function is odd, if it is."""
    centre = target[-LOW]
    whole = round(centre)
    sums = target[1:] + target[:0:-1]
    return whole if abs(centre - whole) < 1e-6 and np.ptp(sums) < 1e-6 else None


def _fit_pieces(
    pieces: list[Floats], width: int
) -> tuple[int, tuple[int, int, int], NDArray[np.int64]]:
    """Return guard bits, shifts, and the integer coefficients of all pieces."""
    half = 1 << (width - 1)
    real = np.array([_chebyshev(piece, half) for piece in pieces])
    # Fraction bits of each power, such that the largest coefficient has 15 bits.
    bits = [int(np.floor(np.log2(HIGH / max(np.abs(real[:, k]).max() + 1, 1)))) for k in (1, 2, 3)]
    guard = min(GUARD, bits[0] + width)
    bits = [guard, *bits]
    for k in (1, 2, 3):  # no shift to the left
        bits[k] = max(bits[k], bits[k - 1] - width)
        bits[k] = min(bits[k], bits[k - 1] - width + 31)
    shifts = tuple(bits[k] + width - bits[k - 1] for k in (3, 2, 1))
    coefficients = np.array(
        [_search(piece, r, bits, shifts, half) for piece, r in zip(pieces, real, strict=True)]
    )
    return guard, shifts, coefficients  # type: ignore[return-value]


def _chebyshev(piece: Floats, half: int) -> Floats:
    """Coefficients of a nearly best cubic in t / 2**width: that through Chebyshev's nodes."""
    t = np.arange(len(piece)) - half
    nodes = half * np.cos(np.pi * (np.arange(4) + 0.5) / 4)
    powers = np.vander(nodes / (2 * half), 4, increasing=True)
    return np.linalg.solve(powers, np.interp(nodes, t, piece))


def _search(
    piece: Floats, real: Floats, bits: list[int], shifts: tuple[int, ...], half: int
) -> list[int]:
    """Return the integers about real coefficients with the smallest largest error."""
    t = np.arange(len(piece), dtype=np.int64) - half
    about = [np.rint(np.ldexp(c, b)).astype(int) for c, b in zip(real, bits, strict=True)]
    c3, c2, c1 = (
        about[k] + np.array(list(offsets))
        for k, offsets in zip(
            (3, 2, 1),
            zip(*product((-1, 0, 1), (-1, 0, 1), (-2, -1, 0, 1, 2)), strict=True),
            strict=True,
        )
    )
    inside = (np.abs(c1) <= HIGH) & (np.abs(c2) <= HIGH) & (np.abs(c3) <= HIGH)
    c1, c2, c3 = c1[inside], c2[inside], c3[inside]
    p = c2[:, None] + ((c3[:, None] * t) >> shifts[0])
    p = c1[:, None] + ((p * t) >> shifts[1])
    p = (p * t) >> shifts[2]
    wanted = np.ldexp(piece, bits[0])
    # The constant term that puts the rest in the middle, and some about it: results are rounded.
    rest = wanted - p
    middle = np.rint((rest.max(axis=1) + rest.min(axis=1)) / 2).astype(np.int64)
    nearest = np.argsort(np.ptp(rest, axis=1))[:8]
    best: tuple[float, float, list[int]] = (np.inf, np.inf, [])
    rounding = (1 << bits[0]) >> 1
    spread = max(1, rounding // 16)
    for i in nearest:
        c0 = middle[i] + np.arange(-6, 7) * spread
        y = (c0[:, None] + p[i] + rounding) >> bits[0]
        error = np.abs(y - piece)
        worst, squares = error.max(axis=1), (error * error).sum(axis=1)
        j = np.lexsort((squares, worst))[0]
        found = [int(c0[j]), int(c1[i]), int(c2[i]), int(c3[i])]
        best = min(best, (float(worst[j]), float(squares[j]), found))
    return best[2]
