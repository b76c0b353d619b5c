"""Floats by rank: the inputs of a check, every one or sampled, in ascending order."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ulp import Dtype, Floats

# Inputs at once: few enough for float64 temporaries to stay in a cache.
CHUNK = 2**14

Ranks = NDArray[np.uint64]


def from_ranks(ranks: Ranks, dtype: Dtype) -> Floats:
    """Return the floats of some ranks.

    The rank numbers all bit patterns in ascending order: NaNs with the sign bit, -inf, the negative
    numbers, -0.0, 0.0, the positive numbers, inf, NaNs without it.
    """
    unsigned, sign = _layout(dtype)
    narrow = ranks.astype(unsigned, copy=False)
    return (narrow ^ (((narrow >> sign) - 1) | (1 << sign))).view(dtype)


def ranks(x: Floats) -> Ranks:
    """Inverse of `from_ranks`."""
    unsigned, sign = _layout(x.dtype.type)
    pattern = x.view(unsigned)
    return (pattern ^ (-(pattern >> sign) | (1 << sign))).astype(np.uint64)


def rank(x: np.floating) -> int:
    """Return the rank of one float."""
    return int(ranks(np.array([x]))[0])


def _layout(dtype: Dtype) -> tuple[np.dtype, Any]:
    """The integer of the size of a float, and the place of the sign bit."""
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    return unsigned, unsigned.type(8 * unsigned.itemsize - 1)


def in_order(x: Floats) -> Floats:
    """Sort by rank, which np.sort does not do with zeros and NaNs."""
    return from_ranks(np.sort(ranks(x)), x.dtype.type)


def interval(dtype: Dtype, low: float, high: float) -> range:
    """Return the ranks from `low` to `high`, both zeros included; of all patterns if infinite."""
    if np.isneginf(low) and np.isposinf(high):
        return range(1 << (8 * np.dtype(dtype).itemsize))
    ends = np.array([low if low else -0.0, high if high else 0.0]).astype(dtype)
    first, last = map(rank, ends)
    return range(first + (float(ends[0]) < low), last + 1 - (float(ends[1]) > high))


def part(ranks: range, k: int, n: int) -> range:
    """Return the k-th of n parts of a range, as equal as they can be."""
    size = ranks.stop - ranks.start
    return range(ranks.start + size * k // n, ranks.start + size * (k + 1) // n)


def every(dtype: Dtype, ranks: range) -> Iterator[Floats]:
    """Yield all floats of these ranks, in chunks."""
    unsigned, _ = _layout(dtype)
    for start in range(ranks.start, ranks.stop, CHUNK):
        n = min(CHUNK, ranks.stop - start)
        yield from_ranks(np.arange(n, dtype=unsigned) + unsigned.type(start), dtype)


def by_pattern(dtype: Dtype, ranks: range, n: int, random: np.random.Generator) -> Floats:
    """Draw one float from each of `n` equal parts of a range of ranks."""
    width = max((ranks.stop - ranks.start) // n, 1)
    starts = np.uint64(ranks.start) + np.arange(n, dtype=np.uint64) * np.uint64(width)
    return from_ranks(starts + random.integers(0, width, n, np.uint64), dtype)


def by_value(dtype: Dtype, low: float, high: float, n: int, random: np.random.Generator) -> Floats:
    """Draw one float from each of `n` equal parts of an interval."""
    return (low + (high - low) * (np.arange(n) + random.random(n)) / n).astype(dtype)


def chunks(x: Floats) -> Iterator[Floats]:
    """Yield an array in parts."""
    for start in range(0, len(x), CHUNK):
        yield x[start : start + CHUNK]
