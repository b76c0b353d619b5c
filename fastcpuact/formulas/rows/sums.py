"""Sums over a row.

They run in `LANES` independent float64 accumulators, element i in lane i mod LANES, and end in a
sum of the lanes in pairs, lanes[0] + lows[0].  The order is fixed, so the bits are too: they depend
neither on the vector width nor on the engine.  In float64 each lane carries the rounding errors of
its additions along (Ogita, Rump, Oishi 2005), so that a sum of a million terms is as good as one of
two.
"""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from ..algebraic import LARGEST
from ..language import fabs, fma, formula, per_precision
from ..pairs import pair_quotient, two_sum
from .language import LANES, InFloat64, row_kernel


@formula
def added(total, low, term):
    """(total + term, low): what float32 needs, whose terms float64 holds with digits to spare."""
    return total + term, low


@formula
def added_with_error(total, low, term):
    """(s, e): s + e = total + low + term, but for the rounding of low + term (Kahan 1965)."""
    rest = low + term
    s = total + rest
    return s, rest - (s - total)


@formula
def added_product(total, low, a, b):
    """(total + a·b, low)."""
    return fma(a, b, total), low


@formula
def added_product_with_error(total, low, a, b):
    """(s, e): s + e = total + low + a·b, but for the rounding of low + a·b."""
    rest = fma(a, b, low)
    s = total + rest
    return s, rest - (s - total)


@formula
def added_exactly(total, low, term):
    """(s, e): s + e = total + low + term, but for the rounding of the errors' own sum."""
    s, error = two_sum(total, term)
    return s, low + error


@formula
def ratio(a, a_low, b, b_low):
    """(a/b, 0)."""
    return a / b, 0


add = per_precision(float32=InFloat64(added), float64=InFloat64(added_with_error))
add_product = per_precision(
    float32=InFloat64(added_product), float64=InFloat64(added_product_with_error)
)
add_exactly = InFloat64(added_exactly)
add_lanes = per_precision(float32=InFloat64(added), float64=add_exactly)
quotient = per_precision(float32=InFloat64(ratio), float64=InFloat64(pair_quotient))


@row_kernel(exported=False)
def clear(lanes: Lanes, lows: Lanes, n: Index) -> None:
    """Start a sum of n terms."""
    # Loops of constant length are unrolled.
    if n >= LANES:
        for j in range(LANES):
            lanes[j] = 0.0
            lows[j] = 0.0
    else:
        for j in range(n):
            lanes[j] = 0.0
            lows[j] = 0.0


@row_kernel(exported=False)
def fold(lanes: Lanes, lows: Lanes, half: Index, n: Index) -> None:
    """Add the lanes from half on, of those that n terms came to, to the first ones."""
    if n > half:
        left: Index = n - half if n < half + half else half
        if left == half:
            for j in range(half):
                lanes[j], lows[j] = add_lanes(lanes[j], lows[j] + lows[j + half], lanes[j + half])
        else:
            for j in range(left):
                lanes[j], lows[j] = add_lanes(lanes[j], lows[j] + lows[j + half], lanes[j + half])


@row_kernel(exported=False)
def fold_quarters(lanes: Lanes, lows: Lanes, quarter: Index) -> None:
    """Add the lanes of four quarters in pairs, as two steps of `fold` do."""
    for j in range(quarter):
        even: Wide
        even_low: Wide
        even, even_low = add_lanes(
            lanes[j], lows[j] + lows[j + 2 * quarter], lanes[j + 2 * quarter]
        )
        odd: Wide
        odd_low: Wide
        odd, odd_low = add_lanes(
            lanes[j + quarter],
            lows[j + quarter] + lows[j + 3 * quarter],
            lanes[j + 3 * quarter],
        )
        lanes[j], lows[j] = add_lanes(even, even_low + odd_low, odd)


@row_kernel(exported=False)
def finish(lanes: Lanes, lows: Lanes, n: Index) -> None:
    """Finish a sum of n terms, to a pair in the first place of both arrays."""
    # Every step waits for what the one before it has stored.
    if n >= LANES:
        fold_quarters(lanes, lows, 8)
        fold_quarters(lanes, lows, 2)
        lanes[0], lows[0] = add_lanes(lanes[0], lows[0] + lows[1], lanes[1])
    else:
        fold(lanes, lows, 16, n)
        fold(lanes, lows, 8, n)
        fold(lanes, lows, 4, n)
        fold(lanes, lows, 2, n)
        fold(lanes, lows, 1, n)


# For lanes that are pairs in either precision.
fold_pairs = fold.variant("fold_pairs", add_lanes=add_exactly)
fold_pairs_quarters = fold_quarters.variant("fold_pairs_quarters", add_lanes=add_exactly)
finish_pairs = finish.variant(
    "finish_pairs", fold=fold_pairs, fold_quarters=fold_pairs_quarters, add_lanes=add_exactly
)


@formula
def rest_of_pair(high, low, rounded):
    """What a pair leaves beside its rounded sum, which may be infinite."""
    return (high - rounded) + low if fabs(rounded) <= LARGEST else 0


low_part = InFloat64(rest_of_pair)
