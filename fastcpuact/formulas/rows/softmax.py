"""Softmax and softmin, and their gradients."""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from ..language import fma, formula
from .exponentials import largest_of, lowered, row_scale, scaled_term
from .language import BLOCK, LANES, row_kernel
from .sums import add, add_product, clear, finish, low_part, quotient


@formula
def row_share(y, scale, rest):
    """y·(scale + rest)."""
    return fma(y, scale, y * rest)


@row_kernel(exported=False)
def shares(
    x: In, sign: Real, y: Out, factor: Wide, tops: Tops, lanes: Lanes, lows: Lanes, n: Index
) -> None:
    """Factor·e^(sign·x) / sum of e^(sign·x)."""
    largest: Real = largest_of(x, sign, tops, n)
    base: Real
    top: Real
    floor: Real
    shift: Real
    base, top, floor, shift = row_scale(largest)
    clear(lanes, lows, n)
    for start in range(0, n, BLOCK):
        stop: Index = start + BLOCK if start + BLOCK < n else n
        whole: Index = stop - (stop - start) % LANES
        for i in range(start, stop):
            y[i] = scaled_term(sign * x[i], base, top, floor, shift)
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
def weighted_rest(weight, dy, mean, mean_low):
    """weight·(dy - mean); never -0."""
    return fma(weight, (dy - mean) - mean_low, 0)


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
