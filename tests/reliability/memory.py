"""Nothing is read or written outside of the arrays."""

from __future__ import annotations

import ctypes
import itertools
import math
import mmap
import os
import signal
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact import engines

from . import check
from .processes import in_process, run
from .targets import DTYPES, as_tuple, elementwise, rowwise, same_bits, sample

LENGTHS = range(1, 131)

# More columns than are worked on together, and not a multiple.
_COLUMNS = 39
# Elements of elementwise results that are long enough to be stored in aligned vectors.
_LONG = [1031, 2055]

_PROT_NONE = 0  # of <sys/mman.h>; the module mmap has no name for it

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Fence:
    """Memory between two pages that may be neither read nor written."""

    def __init__(self, size: int) -> None:
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        whole = self.size + 2 * mmap.PAGESIZE
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = _libc.mmap(None, whole, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
        assert start != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
        self.start = start + mmap.PAGESIZE
        for page in (start, self.start + self.size):
            assert _libc.mprotect(page, mmap.PAGESIZE, _PROT_NONE) == 0

    def array(self, shape: tuple[int, ...], dtype: Any, at_end: bool = True) -> np.ndarray:
        """Return an array whose last byte, or first, touches a forbidden page."""
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        address = self.start + (self.size - size if at_end else 0)
        memory = (ctypes.c_char * size).from_address(address)
        return np.frombuffer(memory, dtype).reshape(shape)


def _fenced(fences: list[Fence], values: tuple[np.ndarray, ...], at_end: bool) -> list[np.ndarray]:
    made = []
    for fence, value in zip(fences, values, strict=False):
        array = fence.array(value.shape, value.dtype, at_end)
        array[...] = value
        made.append(array)
    return made


def _apart(fence: Fence, values: np.ndarray, step: int, at_end: bool) -> np.ndarray:
    """Return values with so many elements from one to the next, the outermost at the fences."""
    distance = abs(step)
    whole = fence.array((values.size * distance - (distance - 1),), values.dtype, at_end)
    strides = tuple(distance * stride for stride in values.strides)
    array = np.lib.stride_tricks.as_strided(whole, values.shape, strides)[..., :: step // distance]
    array[...] = values
    return array


def call_apart_at_fences(lengths: list[int]) -> int:
    """Call with elements that do not lie side by side at forbidden pages; return how often.

    How they are brought together does not depend on the function.
    """
    fences = [Fence(max(lengths) * _COLUMNS * 3 * 8) for _ in range(3)]
    calls = 0
    for n, dtype, step, at_end in itertools.product(lengths, DTYPES, (2, -2, 3), (True, False)):
        for form, shape, axes in (
            *((form, (n,), (None,)) for form in (act.relu, act.relu.backward)),
            *((act.softmax, shape, (0, -1)) for shape in ((2, n), (n, 2), (n, _COLUMNS))),
            *((act.softmax.backward, shape, (0, -1)) for shape in ((n, 9), (n, _COLUMNS))),
        ):
            count = 2 if form in (act.relu.backward, act.softmax.backward) else 1
            values = [sample(math.prod(shape), dtype, seed=k).reshape(shape) for k in range(count)]
            for axis in axes:
                along = {} if axis is None else {"axis": axis}
                expected = form(*values, **along)
                given = [
                    _apart(fence, x, step, at_end) for fence, x in zip(fences, values, strict=False)
                ]
                out = _apart(fences[2], np.zeros(shape, dtype), step, at_end)
                form(*given, out=out, **along)
                assert same_bits(out, expected), (form, dtype, shape, step)
                calls += 1
    return calls


def call_at_fences(lengths: list[int]) -> tuple[int, int]:
    """Call everything with every operand at a forbidden page; return numbers of calls and forms."""
    longest = max(*lengths, *_LONG)
    fences = [Fence(max(max(lengths) * _COLUMNS, longest) * 8) for _ in range(8)]
    for_numbers = [Fence(8) for _ in range(8)]
    calls = forms = 0
    for target in elementwise():
        forms += 1
        for dtype in DTYPES:
            operands = tuple(sample(longest, dtype, seed=k) for k in range(target.nin))
            whole = as_tuple(target.ufunc(*operands))
            params = tuple(np.full(1, value, dtype) for value in target.params)
            for n in [*lengths, *_LONG]:
                for at_end in (True, False):
                    given = _fenced(fences, tuple(x[:n] for x in operands), at_end)
                    out = tuple(
                        fence.array((n,), dtype, at_end) for fence in fences[4 : 4 + target.nout]
                    )
                    results = out if len(out) > 1 else out[0]
                    if (n + at_end) % 2:
                        numbers = _fenced(for_numbers, params, at_end)
                        target.form.ufunc(*given, *numbers, out=results)
                    else:
                        target.short(*given, out=results)
                    # That they are right shows that the fenced arrays were used.
                    assert same_bits(out, tuple(r[:n] for r in whole)), (target.name, dtype, n)
                    calls += 1
    for row in rowwise():
        forms += 1
        for dtype in DTYPES:
            for n in lengths:
                # One row, two, as many as are worked on together and some more, and a few.
                for shape, axis in (
                    *(((n,), -1), ((2, n), -1), ((n, 2), 0)),
                    *(((_COLUMNS, n), -1), ((n, _COLUMNS), 0), ((9, n), -1), ((n, 9), 0)),
                ):
                    size = int(np.prod(shape))
                    x = tuple(sample(size, dtype, k) for k in range(row.nin))
                    x = tuple(np.nan_to_num(a, posinf=1, neginf=-1).reshape(shape) for a in x)
                    expected = row(*x, axis=axis)
                    for at_end in (True, False):
                        given = _fenced(fences, x, at_end)
                        out = fences[4].array(np.shape(expected), dtype, at_end)
                        row(*given, axis=axis, out=out)
                        assert same_bits(out, np.asarray(expected)), (row.name, dtype, shape)
                        calls += 1
                        if not row.to_numbers:  # in place, which passes through a buffer
                            row(*given, axis=axis, out=given[0])
                            assert same_bits(given[0], expected), (row.name, dtype, shape)
                            calls += 1
    return calls, forms


def read_past_the_end() -> None:
    """Touch a forbidden page, which must end the process."""
    array = Fence(8).array((4,), np.float32)
    ctypes.string_at(array.ctypes.data, array.nbytes + 1)


def levels() -> list[str]:
    """The levels that this processor runs."""
    if not engines.COMPILED:
        return []
    from fastcpuact.kernels.driver import cpu_level

    offered = cpu_level()
    return [f"v{number}" for number in range(2, offered + 1)] if offered else ["portable"]


@check(
    "guard pages",
    "Memory",
    "no byte before the first or after the last element of any operand is touched: arrays of 1 to "
    "130 elements, and of 1,031 and 2,055, end and begin at pages that may not be accessed; so do "
    "elements that do not lie side by side",
)
def guard_pages(full: bool) -> str:
    assert run(read_past_the_end).returncode == -signal.SIGSEGV, "a forbidden page can be read"
    lengths = list(LENGTHS) if full else [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 130]
    chosen = levels() if full else levels()[-1:]
    calls = 0
    for level in chosen:
        made, forms = in_process(call_at_fences, lengths, FASTCPUACT_LEVEL=level)
        calls += made + in_process(call_apart_at_fences, lengths, FASTCPUACT_LEVEL=level)
    return f"{calls:,} calls of {forms} forms in three dtypes at {', '.join(chosen)}: no fault"
