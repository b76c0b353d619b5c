"""The largest of a row, and what exponentials of the others beside it have in common."""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from ..elementary import STEP_DOWN
from ..language import formula, per_precision
from .language import LANES, row_kernel

# Below these, e^x adds nothing to a sum, even if there are a million and no others.
NOTHING = per_precision(float32=-130.0, float64=-780.0)


@formula
def difference(x, largest):
    """(d, low): d + low = x - largest.  Equal infinities count as equal."""
    d = x - largest
    part = d - x
    error = (x - (d - part)) - (largest + part)
    # From an infinite difference there is no error to carry.
    return 0 if x == largest else d, error if d > -1000 else 0


@formula
def lowered(x):
    """x·2^-STEP."""
    return x * STEP_DOWN


@row_kernel(exported=False)
def larger_half(tops: Tops, half: Index, n: Index) -> None:
    """Leave the larger of tops[j] and tops[j + half], where n elements came to both."""
    if n > half:
        left: Index = n - half if n < half + half else half
        if left == half:
            for j in range(half):
                tops[j] = tops[j + half] if tops[j + half] > tops[j] else tops[j]
        else:
            for j in range(left):
                tops[j] = tops[j + half] if tops[j + half] > tops[j] else tops[j]


@row_kernel(exported=False)
def largest_of(x: In, sign: Real, tops: Tops, n: Index) -> Real:
    """Return the largest of sign·x; a NaN after the first element does not count."""
    whole: Index = n - n % LANES
    if n >= LANES:
        for j in range(LANES):
            tops[j] = sign * x[0]
    else:
        for j in range(n):
            tops[j] = sign * x[0]
    for i in range(0, whole, LANES):
        for j in range(LANES):
            tops[j] = sign * x[i + j] if sign * x[i + j] > tops[j] else tops[j]
    for j in range(n - whole):
        tops[j] = sign * x[whole + j] if sign * x[whole + j] > tops[j] else tops[j]
    larger_half(tops, 16, n)
    larger_half(tops, 8, n)
    larger_half(tops, 4, n)
    larger_half(tops, 2, n)
    larger_half(tops, 1, n)
    return tops[0]
