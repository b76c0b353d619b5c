"""The kernels on integer codes for Numba: the arithmetic of `fastcpuact.kernels.quantized`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int32, int64, uint32, uint64
from numpy.typing import NDArray

from .leaves import device, serial


@serial
def _lookup_bytes(table: Any, x: Any, y: Any) -> None:
    for k in range(x.size):
        y[k] = table[x[k]]


def lookup_bytes(table: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> None:
    """Set ``y[i] = table[x[i]]``, of flat arrays whose elements have one byte."""
    _lookup_bytes(table.view(np.uint8), x.view(np.uint8), y.view(np.uint8))


def look_up(table: NDArray[Any], x: Any, out: Any) -> None:
    """Return None: calls have no short way here."""


@serial
def interpolate(table: Any, x: Any, y: Any) -> None:
    """Apply a table of 513 entries, as `fastcpuact.edge.int16` says."""
    for k in range(x.size):
        v = int32(x[k])
        base = int32(table[256 + (v >> 7)])
        slope = int32(table[257 + (v >> 7)]) - base
        y[k] = base + ((slope * (v & 127) + 64) >> 7)


@serial
def cubic_pieces(
    numbers: Any,
    shifts: Any,
    constant: Any,
    linear: Any,
    quadratic: Any,
    cubic: Any,
    x: Any,
    y: Any,
) -> None:
    """Apply cubic pieces, as `fastcpuact.edge.compact16` says."""
    width, start, stop, origin, reflected, centre, low, high, guard = numbers
    half, rounding = 1 << (width - 1), (1 << guard) >> 1
    for k in range(x.size):
        v = int64(x[k]) - origin
        negative = reflected != 0 and v < 0
        u = -v if negative else v
        if u < start:
            result = low
        elif u >= stop:
            result = high
        else:
            i = min((u - start) >> width, constant.size - 1)
            t = u - start - (i << width) - half
            p = int64(cubic[i])
            p = quadratic[i] + ((p * t) >> shifts[0])
            p = linear[i] + ((p * t) >> shifts[1])
            result = (constant[i] + ((p * t) >> shifts[2]) + rounding) >> guard
        y[k] = min(max(centre + (-result if negative else result), -32768), 32767)


@device
def _exp_of(high: Any, low: Any, split: Any, distance: Any) -> Any:
    product = uint64(high[distance >> split]) * uint64(low[distance & ((1 << split) - 1)])
    return uint32((product + uint64(1 << 30)) >> uint64(31))


@serial
def _softmax(high: Any, low: Any, numbers: Any, x: Any, y: Any) -> None:
    split, multiplier, exponent, zero_point, highest = numbers
    for row in range(x.shape[0]):
        largest = int64(x[row, 0])
        for k in range(x.shape[1]):
            largest = max(largest, int64(x[row, k]))
        total = uint64(0)
        for k in range(x.shape[1]):
            total += _exp_of(high, low, split, largest - int64(x[row, k]))
        bits = 32
        while total >> uint64(bits) > 0 and bits < 63:
            bits += 1
        shift = bits + exponent - 1
        reciprocal = uint64(2**63 - 1) // (total >> uint64(bits - 32))
        factor = (reciprocal * uint64(multiplier) + uint64(1 << 31)) >> uint64(32)
        for k in range(x.shape[1]):
            rounded = uint64(0)
            if shift <= 63:
                product = uint64(_exp_of(high, low, split, largest - int64(x[row, k]))) * factor
                rounded = (product + (uint64(1) << uint64(shift - 1))) >> uint64(shift)
            y[row, k] = min(int64(rounded) + zero_point, highest)


def softmax(
    high: NDArray[np.uint32],
    low: NDArray[np.uint32],
    numbers: tuple[int, ...],
    x: NDArray[Any],
    y: NDArray[Any],
) -> None:
    """Apply softmax to the rows of an array, as `fastcpuact.edge.integer_softmax` says."""
    if x.size:
        _softmax(high, low, numbers, x, y)
