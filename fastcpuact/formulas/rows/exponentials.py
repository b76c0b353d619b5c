"""The largest of a row, and what exponentials of the others beside it have in common."""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from ..elementary import STEP_DOWN, exp_reduced
from ..language import exp2_shifted, fma, formula, per_precision
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
def row_term(d, low, floor, shift):
    """e^(d + low)·2^k, 0 below the floor; shift is ROUND + k, and d at most 0 or a little above.

    A k of STEP and more keeps the digits where e^d is subnormal.
    """
    q, n = exp_reduced(floor if d < floor else d, low, shift)
    power = exp2_shifted(n)
    return 0 if d < floor else fma(power, q, power)


@formula
def lowered(x):
    """x·2^-STEP."""
    return x * STEP_DOWN


@formula
def larger(a, b):
    """The larger of two numbers; a if b is NaN."""
    return b if b > a else a


joined = larger


@row_kernel(exported=False)
def larger_half(tops: Tops, half: Index, n: Index) -> None:
    """Leave the larger of tops[j] and tops[j + half], where n elements came to both."""
    if n > half:
        left: Index = n - half if n < half + half else half
        if left == half:
            for j in range(half):
                tops[j] = joined(tops[j], tops[j + half])
        else:
            for j in range(left):
                tops[j] = joined(tops[j], tops[j + half])


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
