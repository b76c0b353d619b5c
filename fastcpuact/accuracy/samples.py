"""Floats to test with, sampled by bit pattern."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from ..numeric.ordinals import from_ordinals, ordinals
from .ulp import Dtype, Floats


def bit_patterns(dtype: Dtype, n: int, seed: int = 0) -> Floats:
    """Draw one float from each of `n` equal slices of all bit patterns, and add `extremes`.

    Every exponent is as likely as any other, with both signs; NaNs are quiet. `n` is a power of two
    and at most the number of patterns: then the slices cover them all.
    """
    bits = np.dtype(dtype).itemsize * 8
    unsigned = np.dtype(f"u{bits // 8}")
    width = 2**bits // n
    first = np.arange(n, dtype=np.uint64) * np.uint64(width)
    inside = np.random.default_rng(seed).integers(0, width, n, np.uint64)
    return np.concatenate([quiet((first + inside).astype(unsigned).view(dtype)), extremes(dtype)])


def quiet(x: Floats) -> Floats:
    """Replace signalling NaNs, on which even a cast warns."""
    return np.where(np.isnan(x), x.dtype.type(np.nan), x)


def extremes(dtype: Dtype) -> Floats:
    """Zeros, ones, the ends of the subnormal, normal and finite numbers, infinities and NaNs."""
    info = np.finfo(dtype)
    largest_subnormal = np.nextafter(info.smallest_normal, dtype(0))
    magnitudes = [0, info.smallest_subnormal, largest_subnormal, info.smallest_normal, 1, info.max]
    positive = np.array([*magnitudes, np.inf, np.nan], dtype)
    return np.concatenate([positive, -positive])


def neighbours(points: ArrayLike, dtype: Dtype, n: int = 16) -> Floats:
    """Return the `n` floats on either side of each point, and others in steps of 2**k floats."""
    info = np.finfo(dtype)
    steps = np.concatenate([np.arange(n + 1), 2 ** np.arange(5, info.nmant)])
    steps = np.concatenate([-steps, steps])
    return from_ordinals((ordinals(np.asarray(points, dtype))[:, None] + steps).ravel(), dtype)


def uniform(dtype: Dtype, half_widths: Iterable[float], n: int, seed: int = 0) -> Floats:
    """`n` floats drawn uniformly from each of the intervals [-w, w]."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.uniform(-w, w, n).astype(dtype) for w in half_widths])
