"""Functions along an axis, as loops over one row.

A row kernel takes contiguous arrays that do not overlap and is printed for each engine by
`fastcpuact.emit.rows`.  Beside formulas and other row kernels it may call ``real`` (round to the
working precision) and ``wide`` (float64).  Annotations declare: ``In`` and ``Out`` arrays, the
scratch array ``Lanes``, an ``Index``, a ``Real`` of the working precision, a ``Wide`` of float64.

Sums run in `LANES` independent float64 accumulators, element i in lane i mod LANES, and end in a
pairwise sum of the lanes.  The order is fixed, so the bits are too: they depend neither on the
vector width nor on the engine.
"""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .elementary import exp_of_sum
from .language import Word, formula

LANES = 32
# Elements of a row that are exponentiated before they are summed, so that the sum finds them in the
# first-level cache; a multiple of LANES.
BLOCK = 512


class RowKernel(Word):
    """A loop over one row."""

    def __init__(self, function: Callable[..., Any], exported: bool) -> None:
        self.function = function
        self.name = function.__name__
        self.exported = exported


ROW_KERNELS: dict[str, RowKernel] = {}


def row_kernel(*, exported: bool) -> Callable[[Callable[..., Any]], RowKernel]:
    """Declare a loop over one row; ``exported`` ones are called by the rest of the package."""

    def declare(function: Callable[..., Any]) -> RowKernel:
        kernel = RowKernel(function, exported)
        ROW_KERNELS[kernel.name] = kernel
        return kernel

    return declare


@formula
def softmax_term(x, largest):
    """e^(x - largest), with the rounding error of the difference carried into the exponential."""
    difference = x - largest
    part = difference - x
    error = (x - (difference - part)) - (largest + part)
    # Equal infinities count as equal; from -inf there is no error to carry.
    same = 0 if x == largest else difference
    return exp_of_sum(same, error if difference > -1000 else 0)


@row_kernel(exported=False)
def row_max(x: In, lanes: Lanes, n: Index) -> Wide:
    """Return the largest element; a NaN after the first element does not count."""
    for j in range(LANES):
        lanes[j] = x[0]
    whole: Index = n - n % LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            lanes[j] = x[i + j] if x[i + j] > lanes[j] else lanes[j]
    for j in range(n - whole):
        lanes[j] = x[whole + j] if x[whole + j] > lanes[j] else lanes[j]
    for j in range(LANES):
        lanes[0] = lanes[j] if lanes[j] > lanes[0] else lanes[0]
    return lanes[0]


@row_kernel(exported=False)
def clear_lanes(lanes: Lanes) -> None:
    """Start a sum."""
    for j in range(LANES):
        lanes[j] = 0.0


@row_kernel(exported=False)
def sum_of_lanes(lanes: Lanes) -> Wide:
    """Finish a sum, in pairs."""
    half: Index = LANES // 2
    while half > 0:
        for j in range(half):
            lanes[j] += lanes[j + half]
        half = half // 2
    return lanes[0]


@row_kernel(exported=True)
def softmax_row(x: In, y: Out, lanes: Lanes, n: Index) -> None:
    """e^(x - max) / sum of the same."""
    largest: Real = real(row_max(x, lanes, n))
    clear_lanes(lanes)
    for start in range(0, n, BLOCK):
        stop: Index = start + BLOCK if start + BLOCK < n else n
        whole: Index = stop - (stop - start) % LANES
        for i in range(start, stop):
            y[i] = softmax_term(x[i], largest)
        for i in range(start, whole, LANES):
            for j in range(LANES):
                lanes[j] += y[i + j]
        for j in range(stop - whole):
            lanes[j] += y[whole + j]
    total: Wide = sum_of_lanes(lanes)
    # One +inf takes all; two, or nothing but -inf, have no limit.
    if largest - largest != 0.0 and (largest < 0.0 or total > 1.0):
        total = largest - largest
    divisor: Real = real(total)
    for i in range(n):
        y[i] = y[i] / divisor


@row_kernel(exported=True)
def softmax_backward_row(dy: In, y: In, dx: Out, lanes: Lanes, n: Index) -> None:
    """y·(dy - sum of y·dy)."""
    clear_lanes(lanes)
    whole: Index = n - n % LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            lanes[j] += wide(dy[i + j]) * y[i + j]
    for j in range(n - whole):
        lanes[j] += wide(dy[whole + j]) * y[whole + j]
    total: Wide = sum_of_lanes(lanes)
    for i in range(n):
        dx[i] = real(y[i] * (dy[i] - total))
