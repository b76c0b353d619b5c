"""Blocks of strided operands, copied to contiguous arrays and back: LLVM vectorises only those."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, float64

from .leaves import apart, array_f32, array_f64, pointer_to, sizeof_f32, sizeof_f64

__all__ = [
    "block_length",
    "buffer",
    "load_f32",
    "load_f64",
    "place_f32",
    "place_f64",
    "store_f32",
    "store_f64",
]

# Elements that are copied at a time: a few operands of a block stay in the first-level cache, and
# the next block is on its way from memory before this one is done.
BLOCK = 256


def _moves(real: Any, array_at: Any, itemsize: int) -> tuple[Any, Any, Any]:
    """Return the functions that bring blocks of a type, say where results go, and take them there.

    Each gets the address and the stride of an operand in bytes, the first element of the block and
    how many it has, and a buffer, which operands that are contiguous do not need.
    """
    pointer = pointer_to(real)

    @apart
    def load(address, step, start, n, to):
        first = address + start * step
        if step == itemsize:
            return array_at(first, n)
        # One number for all stays in the buffer, unless it is the result before, in blocks of one.
        if step != 0 or start == 0 or n == 1:
            for i in range(n):
                to[i] = pointer(first + i * step)[0]
        return to[:n]

    @apart
    def place(address, step, start, n, to):
        return array_at(address + start * step, n) if step == itemsize else to[:n]

    @apart
    def store(address, step, start, n, source):
        if step != itemsize:
            for i in range(n):
                pointer(address + (start + i) * step)[0] = source[i]

    return load, place, store


load_f32, place_f32, store_f32 = _moves(float32, array_f32, sizeof_f32)
load_f64, place_f64, store_f64 = _moves(float64, array_f64, sizeof_f64)


@apart
def block_length(args, steps, n, inputs, operands, itemsize, converted):
    """Elements that may be computed at a time.

    All of them, if all operands are contiguous and not converted; one, where an output feeds a
    later input.
    """
    together = not converted
    for k in range(operands):
        together = together and steps[k] == itemsize
    length = max(1, n if together else min(n, BLOCK))
    for k in range(inputs, operands):
        for j in range(inputs):
            step = abs(steps[j])
            gap = abs(args[k] - args[j])
            # Columns of one table: the elements of one lie between those of the other.
            between = step == abs(steps[k]) and itemsize <= gap % max(step, 1) <= step - itemsize
            if steps[k] == 0 or (0 < gap < step * n and not between):
                length = 1
    return length


@apart
def buffer(length, dtype):
    """Return room for a block."""
    return np.empty(min(length, BLOCK), dtype)
