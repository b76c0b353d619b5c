"""Functions along an axis, as loops over one row.

A row kernel takes contiguous arrays that do not overlap and is printed for each engine by
`fastcpuact.emit.rows`, and if nothing in its loops depends on the numbers, once more for many rows
at a time by `fastcpuact.emit.columns`.  Beside formulas and other row kernels it may call ``real``
(round to the working precision) and ``wide`` (float64).  Annotations declare

* arrays: ``In`` and ``Out`` of the working precision, ``Places`` of indices; an ``Index`` parameter
  ``n`` of an exported kernel is the length of the first array, and ``n_y`` that of ``y``;
* scratch arrays: ``Lanes``, `LANES` float64, and of the working precision ``Tops``, `LANES`, and
  ``Terms``, `BLOCK`;
* numbers: an ``Index``, a ``Real`` of the working precision, a ``Wide`` of float64, and a ``Flag``,
  1 or 0, for a choice that does no harm if it is made where the flag is 0: with many rows at a time
  it is made if one of them asks for it.

Sums run in `LANES` independent float64 accumulators, element i in lane i mod LANES, and end in a
sum of the lanes in pairs.  The order is fixed, so the bits are too: they depend neither on the
vector width nor on the engine.  In float64 each lane carries the rounding errors of its additions
along (Ogita, Rump, Oishi 2005), so that a sum of a million terms is as good as one of two.
"""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .algebraic import LARGEST
from .coefficients import ROUND
from .elementary import STEP, STEP_DOWN, exp, exp_pair_parts, exp_reduced, log1p_pair
from .language import Formula, Word, exp2_shifted, fabs, fma, formula, per_precision, sqrt
from .pairs import (
    fast_two_sum,
    pair_product,
    pair_quotient,
    pair_root,
    pair_sum,
    two_product,
    two_sum,
)

LANES = 32
# Elements of a row that are exponentiated before they are summed, so that the sum finds them in the
# first-level cache; a multiple of LANES.
BLOCK = 128


class RowKernel(Word):
    """A loop over one row."""

    def __init__(self, function: Callable[..., Any], exported: bool) -> None:
        self.function = function
        self.name = function.__name__
        self.exported = exported


class InFloat64(Word):
    """A formula that row kernels of either precision compute in float64."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.name = formula.name


ROW_KERNELS: dict[str, RowKernel] = {}


def row_kernel(*, exported: bool) -> Callable[[Callable[..., Any]], RowKernel]:
    """Declare a loop over one row; ``exported`` ones are called by the rest of the package."""

    def declare(function: Callable[..., Any]) -> RowKernel:
        kernel = RowKernel(function, exported)
        ROW_KERNELS[kernel.name] = kernel
        return kernel

    return declare


# Sums.  The total is lanes[0] + lows[0] in the end.


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
                lanes[j], lows[j] = add_exactly(lanes[j], lows[j] + lows[j + half], lanes[j + half])
        else:
            for j in range(left):
                lanes[j], lows[j] = add_exactly(lanes[j], lows[j] + lows[j + half], lanes[j + half])


@row_kernel(exported=False)
def finish(lanes: Lanes, lows: Lanes, n: Index) -> None:
    """Finish a sum of n terms, to a pair in the first place of both arrays."""
    fold(lanes, lows, 16, n)
    fold(lanes, lows, 8, n)
    fold(lanes, lows, 4, n)
    fold(lanes, lows, 2, n)
    fold(lanes, lows, 1, n)


# The exponentials of a row.

# Below these, e^x adds nothing to a sum, even if there are a million and no others.
_NOTHING = per_precision(float32=-130.0, float64=-780.0)


@formula
def difference(x, largest):
    """(d, low): d + low = x - largest.  Equal infinities count as equal."""
    d = x - largest
    part = d - x
    error = (x - (d - part)) - (largest + part)
    # From an infinite difference there is no error to carry.
    return 0 if x == largest else d, error if d > -1000 else 0


@formula
def row_term(x, largest):
    """e^(x - largest)·2^STEP, which keeps its digits where e^(x - largest) is subnormal.

    The rounding error of the difference is carried into the exponential.
    """
    d, low = difference(x, largest)
    q, n = exp_reduced(_NOTHING if d < _NOTHING else d, low, ROUND + STEP)
    power = exp2_shifted(n)
    return 0 if d < _NOTHING else fma(power, q, power)


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


# Softmax.


@formula
def row_share(y, scale, rest):
    """y·(scale + rest)."""
    return fma(y, scale, y * rest)


@row_kernel(exported=False)
def shares(
    x: In, sign: Real, y: Out, factor: Wide, tops: Tops, lanes: Lanes, lows: Lanes, n: Index
) -> None:
    """Factor·e^(sign·x - max) / sum of e^(sign·x - max)."""
    largest: Real = largest_of(x, sign, tops, n)
    clear(lanes, lows, n)
    for start in range(0, n, BLOCK):
        stop: Index = start + BLOCK if start + BLOCK < n else n
        whole: Index = stop - (stop - start) % LANES
        for i in range(start, stop):
            y[i] = row_term(sign * x[i], largest)
        for i in range(start, whole, LANES):
            for j in range(LANES):
                lanes[j], lows[j] = add(lanes[j], lows[j], wide(y[i + j]))
        for j in range(stop - whole):
            lanes[j], lows[j] = add(lanes[j], lows[j], wide(y[whole + j]))
    finish(lanes, lows, n)
    down: Wide = wide(lowered(real(1.0)))
    lanes[0] *= down
    lows[0] *= down
    # One +inf takes all; two, or nothing but -inf, have no limit.
    if largest - largest != 0.0 and (largest < 0.0 or lanes[0] > 1.0):
        lanes[0] = wide(largest - largest)
    high: Wide
    low: Wide
    high, low = quotient(factor, 0.0, lanes[0], lows[0])
    # The terms come down together with the factor, unless it is so small that it would lose digits.
    before: Real = lowered(real(1.0))
    if high > 1e-9 or high < -1e-9:
        before = real(1.0)
        high *= down
        low *= down
    scale: Real = real(high)
    rest: Real = real(low_part(high, low, wide(scale)))
    for i in range(n):
        y[i] = row_share(before * y[i], scale, rest)


@row_kernel(exported=True)
def softmax_row(x: In, y: Out, tops: Tops, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """e^x / sum of e^x."""
    shares(x, real(1.0), y, 1.0, tops, lanes, lows, n)


@row_kernel(exported=True)
def softmin_row(x: In, y: Out, tops: Tops, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """e^-x / sum of e^-x."""
    shares(x, real(-1.0), y, 1.0, tops, lanes, lows, n)


@row_kernel(exported=True)
def logsumexp_backward_row(
    dy: In, x: In, dx: Out, tops: Tops, lanes: Lanes, lows: Lanes, n_x: Index
) -> None:
    """dy·softmax(x), for one dy."""
    shares(x, real(1.0), dx, wide(dy[0]), tops, lanes, lows, n_x)


@formula
def rest_of_pair(high, low, rounded):
    """What a pair leaves beside its rounded sum, which may be infinite."""
    return (high - rounded) + low if fabs(rounded) <= LARGEST else 0


low_part = InFloat64(rest_of_pair)


@formula
def weighted_rest(weight, dy, mean, mean_low):
    """weight·(dy - mean); never -0."""
    return fma(weight, (dy - mean) - mean_low, 0)


centred = InFloat64(weighted_rest)


@row_kernel(exported=False)
def centre(sign: Real, dy: In, y: In, dx: Out, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """sign·y·(dy - sum of y·dy)."""
    clear(lanes, lows, n)
    whole: Index = n - n % LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            lanes[j], lows[j] = add_product(lanes[j], lows[j], wide(y[i + j]), wide(dy[i + j]))
    for j in range(n - whole):
        lanes[j], lows[j] = add_product(lanes[j], lows[j], wide(y[whole + j]), wide(dy[whole + j]))
    finish(lanes, lows, n)
    mean: Real = real(lanes[0])
    mean_low: Real = real(low_part(lanes[0], lows[0], wide(mean)))
    for i in range(n):
        dx[i] = weighted_rest(sign * y[i], dy[i], mean, mean_low)


@row_kernel(exported=True)
def softmax_backward_row(dy: In, y: In, dx: Out, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """y·(dy - sum of y·dy)."""
    centre(real(1.0), dy, y, dx, lanes, lows, n)


@row_kernel(exported=True)
def softmin_backward_row(dy: In, y: In, dx: Out, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """-y·(dy - sum of y·dy)."""
    centre(real(-1.0), dy, y, dx, lanes, lows, n)


# Logarithms.


log1p = InFloat64(log1p_pair)
add_numbers = InFloat64(two_sum)
add_pairs = InFloat64(pair_sum)


@formula
def term_of_other(x, largest):
    """As `row_term`, and 0 for the largest."""
    return 0 if x == largest else row_term(x, largest)


@formula
def one_if_equal(total, x, largest):
    """Total + 1 if x is the largest, else total."""
    return total + 1 if x == largest else total


count_largest = InFloat64(one_if_equal)


@row_kernel(exported=False)
def add_half(counts: Lanes, half: Index, n: Index) -> None:
    """Add the lanes from half on, of those that n elements came to, to the first ones."""
    if n > half:
        left: Index = n - half if n < half + half else half
        if left == half:
            for j in range(half):
                counts[j] += counts[j + half]
        else:
            for j in range(left):
                counts[j] += counts[j + half]


@row_kernel(exported=False)
def sum_of_others(
    x: In, largest: Real, terms: Terms, counts: Lanes, lanes: Lanes, lows: Lanes, n: Index
) -> Wide:
    """Sum e^(x - largest) over all elements but the first of the largest."""
    clear(lanes, lows, n)
    clear(counts, lows, n)
    for start in range(0, n, BLOCK):
        stop: Index = start + BLOCK if start + BLOCK < n else n
        length: Index = stop - start
        whole: Index = length - length % LANES
        for i in range(start, stop):
            terms[i - start] = term_of_other(x[i], largest)
        for i in range(0, whole, LANES):
            for j in range(LANES):
                lanes[j], lows[j] = add(lanes[j], lows[j], wide(terms[i + j]))
                counts[j] = count_largest(counts[j], wide(x[start + i + j]), wide(largest))
        for j in range(length - whole):
            lanes[j], lows[j] = add(lanes[j], lows[j], wide(terms[whole + j]))
            counts[j] = count_largest(counts[j], wide(x[start + whole + j]), wide(largest))
    finish(lanes, lows, n)
    others: Wide = (lanes[0] + lows[0]) * wide(lowered(real(1.0)))
    add_half(counts, 16, n)
    add_half(counts, 8, n)
    add_half(counts, 4, n)
    add_half(counts, 2, n)
    add_half(counts, 1, n)
    return others + (counts[0] - 1.0)


@formula
def log_share(x, largest, log, log_low):
    """x - largest - log."""
    d, low = difference(x, largest)
    return (d - log) + (low - log_low)


@row_kernel(exported=True)
def log_softmax_row(
    x: In, y: Out, tops: Tops, terms: Terms, counts: Lanes, lanes: Lanes, lows: Lanes, n: Index
) -> None:
    """x - max - log(1 + sum of e^(x - max) over the others)."""
    largest: Real = largest_of(x, real(1.0), tops, n)
    others: Wide = sum_of_others(x, largest, terms, counts, lanes, lows, n)
    # One +inf takes all; two, or nothing but -inf, have no limit.
    if largest - largest != 0.0 and (largest < 0.0 or others > 0.0):
        others = wide(largest - largest)
    high: Wide
    low: Wide
    high, low = log1p(others)
    log: Real = real(high)
    log_low: Real = real((high - wide(log)) + low)
    for i in range(n):
        y[i] = log_share(x[i], largest, log, log_low)


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
    x: In, y: Out, tops: Tops, terms: Terms, counts: Lanes, lanes: Lanes, lows: Lanes, n: Index
) -> None:
    """max + log(1 + sum of e^(x - max) over the others)."""
    largest: Real = largest_of(x, real(1.0), tops, n)
    others: Wide = sum_of_others(x, largest, terms, counts, lanes, lows, n)
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
    bound: Wide = 0.25 * log if log < 1.0 else 0.25
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
        finish(lanes, lows, n)
        near: Wide
        near_low: Wide
        near, near_low = add_pairs(lanes[0], lows[0], -1.0, 0.0)
        near, near_low = log1p(near + near_low)
        total = near if cancels != 0.0 else total
        total_low = near_low if cancels != 0.0 else total_low
    y[0] = real(total + total_low)


# Projections on the simplex.  With s = x - max, sparsemax is (s - τ)₊ and entmax15 ((s - τ)/2)₊²,
# where τ makes the row sum to one.  Only few elements lie so near the largest that they can be
# above τ; these are collected in y.  From below, Newton's method on the sum (or on its root: both
# are convex) never passes τ, so an element that it leaves behind is out for good, and when none is
# left behind, τ solves a linear or quadratic equation.  Each step makes the product of the sum's
# excess and its slope at least four times smaller, so even the worst row takes no hundred steps.
# Everything is computed in pairs of float64, since an element just above τ is the difference of
# nearly equal numbers.


@formula
def distance_pair(x, largest, threshold, threshold_low):
    """(d, low): d + low = x - largest - threshold."""
    s, s_low = difference(x, largest)
    # Far below every threshold there may be infinities.
    d, error = two_sum(-4 if s < -4 else s, -threshold)
    return d, error + (s_low - threshold_low)


@formula
def distance_above(x, largest, threshold, threshold_low):
    """x - largest - threshold."""
    d, low = distance_pair(x, largest, threshold, threshold_low)
    return d + low


@formula
def part_above(x, largest, threshold, threshold_low):
    """max(x - largest - threshold, 0); NaN stays."""
    above = distance_above(x, largest, threshold, threshold_low)
    return 0 if above <= 0 else above


@formula
def quarter_square_above(x, largest, threshold, threshold_low):
    """max((x - largest - threshold)/2, 0)²; NaN stays."""
    d, low = distance_pair(x, largest, threshold, threshold_low)
    above, rest = fast_two_sum(d, low)
    return 0 if above <= 0 else 0.25 * fma(above, above, 2 * above * rest)


@formula
def added_above(squares, total, x, largest, threshold):
    """(squares + d², total + d), d = max(x - largest - threshold, 0)."""
    s = (0 if x == largest else x - largest) - threshold
    d = 0 if s <= 0 else s
    return fma(d, d, squares), total + d


@formula
def newton_step(squares, total):
    """The step from where √squares is to where it would be 2, if its slope were constant."""
    root = sqrt(squares)
    return (root - 2) * root / total


@formula
def added_difference(total, low, x, largest):
    """(s, e): s + e = total + low + x - largest."""
    d, d_low = difference(x, largest)
    s, error = two_sum(total, d)
    return s, low + (error + d_low)


@formula
def added_square(total, low, x, largest):
    """(s, e): s + e = total + low + (x - largest)²."""
    d, d_low = difference(x, largest)
    square, square_low = two_product(d, d)
    s, error = two_sum(total, square)
    return s, low + (error + fma(2 * d, d_low, square_low))


@formula
def sparsemax_threshold(total, total_low, count):
    """(total - 1)/count, as a pair."""
    a, a_low = pair_sum(total, total_low, -1, 0)
    high, low = pair_quotient(a, a_low, count, 0)
    return high, low


@formula
def entmax15_threshold(total, total_low, squares, squares_low, count):
    """The smaller τ with squares - 2τ·total + τ²·count = 4, as a pair; 0 if there is none."""
    a, a_low = pair_product(total, total_low, total, total_low)
    b, b_low = pair_sum(squares, squares_low, -4, 0)
    c, c_low = pair_product(b, b_low, count, 0)
    d, d_low = pair_sum(a, a_low, -c, -c_low)
    root, root_low = pair_root(d if d > 0 else 1, d_low)
    e, e_low = pair_sum(total, total_low, -root, -root_low)
    high, low = pair_quotient(e, e_low, count, 0)
    return 0 if d <= 0 else high, 0 if d <= 0 else low


@formula
def entmax15_step(total, total_low, squares, squares_low, count, threshold, threshold_low):
    """A step of Newton's method for √(squares - 2τ·total + τ²·count) = 2, from τ = threshold."""
    a, a_low = pair_product(threshold, threshold_low, count, 0)
    slope, slope_low = pair_sum(total, total_low, -a, -a_low)
    b, b_low = pair_sum(total, total_low, slope, slope_low)
    c, c_low = pair_product(b, b_low, threshold, threshold_low)
    f, f_low = pair_sum(squares, squares_low, -c, -c_low)
    root, root_low = pair_root(f, f_low)
    # (√f - 2)·√f/slope
    d, d_low = pair_sum(root, root_low, -2, 0)
    e, e_low = pair_product(d, d_low, root, root_low)
    g, g_low = pair_quotient(e, e_low, slope, slope_low)
    high, low = pair_sum(threshold, threshold_low, g, g_low)
    return high, low


add_above = InFloat64(added_above)
rough_step = InFloat64(newton_step)
distance = InFloat64(distance_above)
part = InFloat64(part_above)
quarter_square = InFloat64(quarter_square_above)
add_difference = InFloat64(added_difference)
add_square = InFloat64(added_square)
linear_threshold = InFloat64(sparsemax_threshold)
quadratic_threshold = InFloat64(entmax15_threshold)
quadratic_step = InFloat64(entmax15_step)


@row_kernel(exported=False)
def count_near(x: In, largest: Real, reach: Real, start: Index, stop: Index) -> Index:
    """Return how many elements are at most ``reach`` below the largest; NaN counts."""
    count: Index = 0
    for i in range(start, stop):
        count += 0 if x[i] - largest < -reach else 1
    return count


@row_kernel(exported=False)
def collect_near(x: In, y: Out, largest: Real, reach: Real, n: Index) -> Index:
    """Collect what is at most ``reach`` below the largest element, and NaN; return how many."""
    count: Index = 0
    for start in range(0, n, LANES):
        stop: Index = start + LANES if start + LANES < n else n
        if count_near(x, largest, reach, start, stop) > 0:
            for k in range(start, stop):
                y[count] = x[k]
                count += 0 if x[k] - largest < -reach else 1
    return count


@row_kernel(exported=False)
def sum_differences(y: Out, largest: Wide, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """Sum y - largest."""
    clear(lanes, lows, n)
    whole: Index = n - n % LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            lanes[j], lows[j] = add_difference(lanes[j], lows[j], wide(y[i + j]), largest)
    for j in range(n - whole):
        lanes[j], lows[j] = add_difference(lanes[j], lows[j], wide(y[whole + j]), largest)
    finish(lanes, lows, n)


@row_kernel(exported=False)
def sum_squares(y: Out, largest: Wide, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """Sum (y - largest)²."""
    clear(lanes, lows, n)
    whole: Index = n - n % LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            lanes[j], lows[j] = add_square(lanes[j], lows[j], wide(y[i + j]), largest)
    for j in range(n - whole):
        lanes[j], lows[j] = add_square(lanes[j], lows[j], wide(y[whole + j]), largest)
    finish(lanes, lows, n)


@row_kernel(exported=False)
def keep_above(y: Out, largest: Wide, threshold: Wide, threshold_low: Wide, n: Index) -> Index:
    """Keep what is above the threshold; return how many."""
    count: Index = 0
    for k in range(n):
        y[count] = y[k]
        count += 1 if distance(wide(y[k]), largest, threshold, threshold_low) > 0.0 else 0
    return count


@row_kernel(exported=False)
def count_above(y: Out, largest: Wide, threshold: Wide, threshold_low: Wide, n: Index) -> Index:
    """Return how many elements are above the threshold."""
    count: Index = 0
    for k in range(n):
        count += 1 if distance(wide(y[k]), largest, threshold, threshold_low) > 0.0 else 0
    return count


@row_kernel(exported=True)
def sparsemax_row(x: In, y: Out, tops: Tops, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """The point of the simplex that is nearest to x."""
    largest: Real = largest_of(x, real(1.0), tops, n)
    base: Wide = wide(largest)
    left: Index = collect_near(x, y, largest, real(1.0), n)
    before: Index = left + 1
    # One +inf takes all; two, or nothing but -inf, have no limit.
    threshold: Wide = base - base if base < 0.0 or left > 1 else 0.0
    threshold_low: Wide = 0.0
    if threshold == 0.0:
        # Without elements above it, the threshold is NaN.
        while left < before and left > 0:
            sum_differences(y, base, lanes, lows, left)
            threshold, threshold_low = linear_threshold(lanes[0], lows[0], left * 1.0)
            before = left
            left = keep_above(y, base, threshold, threshold_low, before)
    for start in range(0, n, LANES):
        stop: Index = start + LANES if start + LANES < n else n
        if threshold != threshold or count_near(x, largest, real(1.0), start, stop) > 0:
            for i in range(start, stop):
                y[i] = real(part(wide(x[i]), base, threshold, threshold_low))
        else:
            for k in range(start, stop):
                y[k] = real(0.0)


@row_kernel(exported=False)
def approach(y: Out, largest: Wide, lanes: Lanes, lows: Lanes, n: Index) -> Wide:
    """Return a number just below the τ of entmax15, by Newton's method in float64."""
    whole: Index = n - n % LANES
    threshold: Wide = -2.0
    step: Wide = 1.0
    while step > 1e-9:
        clear(lanes, lows, n)
        for i in range(0, whole, LANES):
            for j in range(LANES):
                lanes[j], lows[j] = add_above(lanes[j], lows[j], wide(y[i + j]), largest, threshold)
        for j in range(n - whole):
            lanes[j], lows[j] = add_above(lanes[j], lows[j], wide(y[whole + j]), largest, threshold)
        finish(lanes, lows, n)
        step = rough_step(lanes[0], lows[0])
        threshold += step
    return threshold - 1e-9


@row_kernel(exported=True)
def entmax15_row(x: In, y: Out, tops: Tops, lanes: Lanes, lows: Lanes, n: Index) -> None:
    """The α-entmax of Peters, Niculae, Martins 2019 for α = 3/2."""
    largest: Real = largest_of(x, real(1.0), tops, n)
    base: Wide = wide(largest)
    left: Index = collect_near(x, y, largest, real(2.0), n)
    # One +inf takes all; two, or nothing but -inf, have no limit.
    threshold: Wide = base - base if base < 0.0 or left > 1 else 0.0
    threshold_low: Wide = 0.0
    if threshold == 0.0:
        threshold = approach(y, base, lanes, lows, left)
        lower: Wide = threshold
        lower_low: Wide = 0.0
        squares: Wide
        squares_low: Wide
        certain: Index = 0
        left = keep_above(y, base, lower, lower_low, left)
        # NaN leaves no element.
        while certain < left:
            sum_squares(y, base, lanes, lows, left)
            squares, squares_low = lanes[0], lows[0]
            sum_differences(y, base, lanes, lows, left)
            threshold, threshold_low = quadratic_threshold(
                lanes[0], lows[0], squares, squares_low, left * 1.0
            )
            certain = count_above(y, base, threshold, threshold_low, left)
            if certain < left:
                # The equation of too many elements has its root above τ.
                last: Wide = lower
                last_low: Wide = lower_low
                lower, lower_low = quadratic_step(
                    lanes[0], lows[0], squares, squares_low, left * 1.0, lower, lower_low
                )
                left = keep_above(y, base, lower, lower_low, left)
                # No step any more: what is left lies at τ to the last digit.
                if lower < last or (lower == last and lower_low <= last_low):
                    certain = left
    for start in range(0, n, LANES):
        stop: Index = start + LANES if start + LANES < n else n
        if threshold != threshold or count_near(x, largest, real(2.0), start, stop) > 0:
            for i in range(start, stop):
                y[i] = real(quarter_square(wide(x[i]), base, threshold, threshold_low))
        else:
            for k in range(start, stop):
                y[k] = real(0.0)


# Their gradients: w·(dy - mean of dy), the mean weighted by w = y^(2 - α).


@formula
def support_weight(y):
    """y^0: 1 where y is not 0, and there 0; NaN stays."""
    return (0 if y == 0 else 1) + (y - y)


@formula
def root_weight(y):
    """y^½."""
    return sqrt(y)


weight_of_sparsemax = InFloat64(support_weight)
weight_of_entmax15 = InFloat64(root_weight)


@row_kernel(exported=False)
def weight(y: Real, root: Index) -> Wide:
    """The weight of an element of the output of entmax15, or else of sparsemax."""
    return weight_of_entmax15(wide(y)) if root else weight_of_sparsemax(wide(y))


@row_kernel(exported=False)
def centre_by_weight(
    dy: In,
    y: In,
    root: Index,
    dx: Out,
    lanes: Lanes,
    lows: Lanes,
    weights: Lanes,
    weight_lows: Lanes,
    n: Index,
) -> None:
    """w·(dy - sum of w·dy / sum of w)."""
    whole: Index = n - n % LANES
    w: Wide
    clear(lanes, lows, n)
    clear(weights, weight_lows, n)
    for i in range(0, whole, LANES):
        for j in range(LANES):
            w = weight(y[i + j], root)
            weights[j], weight_lows[j] = add(weights[j], weight_lows[j], w)
            lanes[j], lows[j] = add_product(lanes[j], lows[j], w, wide(dy[i + j]))
    for j in range(n - whole):
        w = weight(y[whole + j], root)
        weights[j], weight_lows[j] = add(weights[j], weight_lows[j], w)
        lanes[j], lows[j] = add_product(lanes[j], lows[j], w, wide(dy[whole + j]))
    finish(lanes, lows, n)
    finish(weights, weight_lows, n)
    mean: Wide
    mean_low: Wide
    mean, mean_low = quotient(lanes[0], lows[0], weights[0], weight_lows[0])
    for i in range(n):
        dx[i] = real(centred(weight(y[i], root), wide(dy[i]), mean, mean_low))


@row_kernel(exported=True)
def sparsemax_backward_row(
    dy: In,
    y: In,
    dx: Out,
    lanes: Lanes,
    lows: Lanes,
    weights: Lanes,
    weight_lows: Lanes,
    n: Index,
) -> None:
    """dy less its mean over the support of y, and 0 elsewhere."""
    centre_by_weight(dy, y, 0, dx, lanes, lows, weights, weight_lows, n)


@row_kernel(exported=True)
def entmax15_backward_row(
    dy: In,
    y: In,
    dx: Out,
    lanes: Lanes,
    lows: Lanes,
    weights: Lanes,
    weight_lows: Lanes,
    n: Index,
) -> None:
    """√y·(dy - mean of dy, weighted by √y)."""
    centre_by_weight(dy, y, 1, dx, lanes, lows, weights, weight_lows, n)


# Maxout.


@row_kernel(exported=True)
def maxout_row(x: In, y: Out, which: Places, n: Index, n_y: Index) -> None:
    """The largest of each group of neighbours, and its place in the group."""
    pieces: Index = n // n_y
    for k in range(n_y):
        best: Real = x[k * pieces]
        at: Index = 0
        for p in range(1, pieces):
            candidate: Real = x[k * pieces + p]
            # The first NaN counts as largest.
            if candidate > best or (candidate != candidate and best == best):
                best = candidate
                at = p
        y[k] = best
        which[k] = at


@row_kernel(exported=True)
def maxout_backward_row(dy: In, which: Places, dx: Out, n: Index, n_dx: Index) -> None:
    """dy where the largest was, and 0 elsewhere."""
    pieces: Index = n_dx // n
    for k in range(n_dx):
        dx[k] = real(0.0)
    for k in range(n):
        dx[k * pieces + which[k]] = dy[k]
