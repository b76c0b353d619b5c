"""Logarithms of softmax and of its sum."""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from ..elementary import exp, exp_pair_parts, log1p_pair
from ..language import fma, formula
from ..pairs import pair_sum, two_sum
from .exponentials import (
    join_lanes,
    larger_half,
    larger_quarter,
    largest_of,
    row_scale,
    row_term,
)
from .language import BLOCK, LANES, InFloat64, row_kernel
from .sums import add, clear, finish, finish_pairs, low_part

log1p = InFloat64(log1p_pair)
add_numbers = InFloat64(two_sum)
add_pairs = InFloat64(pair_sum)


@formula
def term_of_other(x, largest, base, floor, shift):
    """e^(x - base)·2^(STEP - k) as `scaled_term`, and 0 for the largest."""
    return 0 if x == largest else row_term(x - base, -0.0, floor, shift)


@formula
def one_if_equal(total, x, largest):
    """Total + 1 if x is the largest, else total."""
    return total + 1 if x == largest else total


@formula
def both(a, b):
    """a + b."""
    return a + b


add_half = larger_half.variant("add_half", joined=both)
add_quarter = larger_quarter.variant("add_quarter", joined=both)
add_counts = join_lanes.variant(
    "add_counts", joined=both, larger_half=add_half, larger_quarter=add_quarter
)


@row_kernel(exported=False)
def clear_counts(counts: Tops, n: Index) -> None:
    """Start counting among n elements."""
    if n >= LANES:
        for j in range(LANES):
            counts[j] = real(0.0)
    else:
        for j in range(n):
            counts[j] = real(0.0)


@row_kernel(exported=False)
def sum_of_others(
    x: In, largest: Real, counts: Tops, terms: Terms, lanes: Lanes, lows: Lanes, n: Index
) -> Wide:
    """Sum e^(x - largest) over all elements but the first of the largest."""
    base: Real
    top: Real
    floor: Real
    shift: Real
    base, top, floor, shift = row_scale(largest)
    clear(lanes, lows, n)
    clear_counts(counts, n)
    for start in range(0, n, BLOCK):
        stop: Index = start + BLOCK if start + BLOCK < n else n
        length: Index = stop - start
        whole: Index = length - length % LANES
        for i in range(start, stop):
            terms[i - start] = term_of_other(x[i], largest, base, floor, shift)
        for i in range(0, whole, LANES):
            for j in range(LANES):
                lanes[j], lows[j] = add(lanes[j], lows[j], wide(terms[i + j]))
                counts[j] = one_if_equal(counts[j], x[start + i + j], largest)
        for j in range(length - whole):
            lanes[j], lows[j] = add(lanes[j], lows[j], wide(terms[whole + j]))
            counts[j] = one_if_equal(counts[j], x[start + whole + j], largest)
    finish(lanes, lows, n)
    others: Wide = (lanes[0] + lows[0]) / wide(row_term(top, real(-0.0), floor, shift))
    add_counts(counts, n)
    return others + (wide(counts[0]) - 1.0)


@formula
def log_share(x, largest, log, normalizer, normalizer_low):
    """x - normalizer, where that of the largest would cancel: it is -log."""
    return 0 - log if x == largest else (x - normalizer) - normalizer_low


@row_kernel(exported=True)
def log_softmax_row(
    x: In, y: Out, tops: Tops, terms: Terms, lanes: Lanes, lows: Lanes, n: Index
) -> None:
    """x - max - log(1 + sum of e^(x - max) over the others)."""
    largest: Real = largest_of(x, real(1.0), tops, n)
    others: Wide = sum_of_others(x, largest, tops, terms, lanes, lows, n)
    # One +inf takes all; two, or nothing but -inf, have no limit.
    if largest - largest != 0.0 and (largest < 0.0 or others > 0.0):
        others = wide(largest - largest)
    high: Wide
    low: Wide
    high, low = log1p(others)
    log: Real = real(high + low)
    total: Wide
    total_low: Wide
    total, total_low = add_numbers(wide(largest), high)
    normalizer: Real = real(total)
    normalizer_low: Real = real(low_part(total, total_low + low, wide(normalizer)))
    for i in range(n):
        y[i] = log_share(x[i], largest, log, normalizer, normalizer_low)


@formula
def rest_of_product(dy, e, total, total_low):
    """dy - e·total."""
    return fma(-e, total_low, fma(-e, total, dy))


@row_kernel(exported=True)
def log_softmax_backward_row(dy: In, y: In, dx: Out, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """dy - e^y·sum of dy."""
    clear(lanes, lows, n)
    whole: Index = n - n % LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            lanes[j], lows[j] = add(lanes[j], lows[j], wide(dy[i + j]))
    for j in range(n - whole):
        lanes[j], lows[j] = add(lanes[j], lows[j], wide(dy[whole + j]))
    finish(lanes, lows, n)
    total: Real = real(lanes[0])
    total_low: Real = real(low_part(lanes[0], lows[0], wide(total)))
    for i in range(n):
        dx[i] = rest_of_product(dy[i], exp(y[i]), total, total_low)


@formula
def added_exponential(total, low, x):
    """(s, e): s + e = total + low + e^x, for x <= 0."""
    p, p_low, a, b = exp_pair_parts(x, 0)
    s, error = two_sum(total, p * a * b)
    return s, low + (error + p_low * a * b)


add_exponential = InFloat64(added_exponential)


@row_kernel(exported=True)
def logsumexp_row(
    x: In, y: Out, tops: Tops, terms: Terms, lanes: Lanes, lows: Lanes, n: Index
) -> None:
    """max + log(1 + sum of e^(x - max) over the others)."""
    largest: Real = largest_of(x, real(1.0), tops, n)
    others: Wide = sum_of_others(x, largest, tops, terms, lanes, lows, n)
    log: Wide
    log_low: Wide
    log, log_low = log1p(others)
    total: Wide
    total_low: Wide
    total, total_low = add_numbers(wide(largest), log)
    total_low = total_low + log_low
    if largest - largest != 0.0:
        # An infinity is the limit, but for a NaN among the others.
        total, total_low = wide(largest), 0.0 * others
    bound: Wide = 0.5 * log if log < 1.0 else 0.5
    cancels: Flag = 1.0 if -bound < total and total < bound else 0.0
    if cancels != 0.0:
        # The sum cancels.  As the sum of all e^x is about 1, its distance from there is found
        # directly, and by exponentials of more digits.
        clear(lanes, lows, n)
        whole: Index = n - n % LANES
        for i in range(0, whole, LANES):
            for j in range(LANES):
                lanes[j], lows[j] = add_exponential(lanes[j], lows[j], wide(x[i + j]))
        for j in range(n - whole):
            lanes[j], lows[j] = add_exponential(lanes[j], lows[j], wide(x[whole + j]))
        finish_pairs(lanes, lows, n)
        near: Wide
        near_low: Wide
        near, near_low = add_pairs(lanes[0], lows[0], -1.0, 0.0)
        near, near_low = log1p(near + near_low)
        total = near if cancels != 0.0 else total
        total_low = near_low if cancels != 0.0 else total_low
    y[0] = real(total + total_low)
