"""The largest of a row, and what exponentials of the others beside it have in common."""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from ..algebraic import LARGEST
from ..coefficients import LOG2_E, ROUND
from ..elementary import STEP, STEP_DOWN, exp_reduced
from ..language import exp2_shifted, fabs, fma, formula, per_precision
from .language import LANES, row_kernel

# Below these, e^x adds nothing to a sum, even if there are a million and no others.
NOTHING = per_precision(float32=-130.0, float64=-780.0)
# -2·NOTHING: up to here nothing is subtracted from x, and beyond it the differences that count are
# exact, since they are less than half of the largest (Sterbenz 1974).
_NEAR = per_precision(float32=260.0, float64=1560.0)
# More than finite numbers leave beside an infinite one, and e^x of it is 1.
_INFINITE = 2.0**-100


@formula
def row_term(d, low, floor, shift):
    """e^(d + low)·2^k, 0 below the floor; shift is ROUND + k, and d at most 0 or a little above.

    A k of STEP and more keeps the digits where e^d is subnormal.
    """
    q, n = exp_reduced(floor if d < floor else d, low, shift)
    power = exp2_shifted(n)
    return 0 if d < floor else fma(power, q, power)


@formula
def row_scale(largest):
    """(base, top, floor, shift): what all terms of a row have in common, for `scaled_term`.

    Terms need not be e^(x - largest), whose difference would round: e^x, or e^(x - base), over the
    power of two next to the largest of them does as well.
    """
    size = fabs(largest)
    base = 0 if size <= _NEAR else (LARGEST if largest > LARGEST else largest)
    top = _INFINITE if size > LARGEST else largest - base
    floor = top if size > LARGEST else top + NOTHING
    return base, top, floor, (ROUND + STEP) - (fma(top, LOG2_E, ROUND) - ROUND)


@formula
def scaled_term(x, base, top, floor, shift):
    """e^(x - base)·2^(STEP - k), k next to top/log 2; 2^STEP keeps digits of subnormal numbers."""
    d = x - base
    return row_term(top if d > top else d, -0.0, floor, shift)


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
def larger_quarter(tops: Tops, quarter: Index) -> None:
    """Leave the largest of tops[j] and those that lie one, two and three quarters behind."""
    for j in range(quarter):
        even: Real = joined(tops[j], tops[j + 2 * quarter])
        odd: Real = joined(tops[j + quarter], tops[j + 3 * quarter])
        tops[j] = joined(even, odd)


@row_kernel(exported=False)
def join_lanes(tops: Tops, n: Index) -> None:
    """Leave the largest of all, that n elements came to, in the first place."""
    # Every step waits for what the one before it has stored.
    if n >= LANES:
        larger_quarter(tops, 8)
        larger_quarter(tops, 2)
        tops[0] = joined(tops[0], tops[1])
    else:
        larger_half(tops, 16, n)
        larger_half(tops, 8, n)
        larger_half(tops, 4, n)
        larger_half(tops, 2, n)
        larger_half(tops, 1, n)


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
    join_lanes(tops, n)
    return tops[0]
