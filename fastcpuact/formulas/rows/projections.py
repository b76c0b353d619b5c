"""Projections on the simplex: sparsemax and entmax15.

With s = x - max, sparsemax is (s - τ)₊ and entmax15 ((s - τ)/2)₊²,
where τ makes the row sum to one.  Only few elements lie so near the largest that they can be
above τ; these are collected in y.  From below, Newton's method on the sum (or on its root: both
are convex) never passes τ, so an element that it leaves behind is out for good, and when none is
left behind, τ solves a linear or quadratic equation.  Each step makes the product of the sum's
excess and its slope at least four times smaller, so even the worst row takes no hundred steps.
Everything is computed in pairs of float64, since an element just above τ is the difference of
nearly equal numbers.
"""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from ..language import fma, formula, sqrt
from ..pairs import (
    fast_two_sum,
    pair_product,
    pair_quotient,
    pair_root,
    pair_sum,
    two_product,
    two_sum,
)
from .exponentials import largest_of
from .language import LANES, InFloat64, row_kernel
from .softmax import weighted_rest
from .sums import add, add_product, clear, finish_pairs, quotient


@formula
def difference(x, largest):
    """(d, low): d + low = x - largest.  Equal infinities count as equal."""
    d = x - largest
    part = d - x
    error = (x - (d - part)) - (largest + part)
    # From an infinite difference there is no error to carry.
    return 0 if x == largest else d, error if d > -1000 else 0


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
    finish_pairs(lanes, lows, n)


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
    finish_pairs(lanes, lows, n)


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
        finish_pairs(lanes, lows, n)
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
centred = InFloat64(weighted_rest)


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
    finish_pairs(lanes, lows, n)
    finish_pairs(weights, weight_lows, n)
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
