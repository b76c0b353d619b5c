"""Arrays with more than 2³¹ elements, in a few megabytes of memory."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from typing import Any

import numpy as np

import fastcpuact as act

from . import Unavailable, check
from .targets import sample

LENGTH = 2**31 + 12_345
WINDOW = 1 << 21

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_MAP_FIXED = 0x10  # Linux, x86-64 and aarch64


class Repeated:
    """A long array whose first and last window are memory of their own.

    All windows between are one piece of memory, mapped again and again.
    """

    def __init__(self, length: int, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.windows = -(-length * self.dtype.itemsize // WINDOW)
        file = os.memfd_create("windows")
        os.ftruncate(file, 3 * WINDOW)
        whole = self.windows * WINDOW
        reserve = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.address = _libc.mmap(None, whole, 0, reserve, -1, 0)
        assert self.address != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
        access = mmap.PROT_READ | mmap.PROT_WRITE
        for k in range(self.windows):
            piece = 0 if k == 0 else 2 if k == self.windows - 1 else 1
            to = self.address + k * WINDOW
            flags = mmap.MAP_SHARED | _MAP_FIXED
            assert _libc.mmap(to, WINDOW, access, flags, file, piece * WINDOW) == to
        os.close(file)
        memory = (ctypes.c_char * (length * self.dtype.itemsize)).from_address(self.address)
        self.array = np.frombuffer(memory, self.dtype)
        self.per_window = WINDOW // self.dtype.itemsize

    def pieces(self) -> list[np.ndarray]:
        """Return the first window, the one in the middle, and the last one as far as it is used."""
        n = self.per_window
        return [self.array[:n], self.array[n : 2 * n], self.array[(self.windows - 1) * n :]]

    def close(self) -> None:
        """Give the addresses back."""
        del self.array
        _libc.munmap(self.address, self.windows * WINDOW)


def _call(f: Any, dtype: Any, step: int = 1, row: int = 1) -> None:
    """Call on a large array, of rows of some length, and compare what is not repeated."""
    x = Repeated(LENGTH // row * row, dtype)
    y = Repeated(x.array[::step].size + row, dtype)
    try:
        for k, piece in enumerate(x.pieces()):
            piece[:] = np.nan_to_num(sample(piece.size, dtype, seed=k))
        for piece in y.pieces():
            piece[:] = 77
        inputs, outputs = x.array[::step], y.array[:-row]
        if row > 1:
            inputs, outputs = inputs.reshape(-1, row), outputs.reshape(-1, row)
        f(inputs, out=outputs)
        n = x.per_window // row
        last = len(outputs) // n * n
        for part in (slice(0, n), slice(n, 2 * n), slice(last, None)):
            assert np.array_equal(outputs[part], f(inputs[part].copy())), (f.__name__, dtype, part)
        assert np.all(y.array[-row:] == 77)
    finally:
        del inputs, outputs
        x.close()
        y.close()


@check(
    "more than 2³¹ elements",
    "NumPy contract",
    "arrays of 2³¹ + 12,345 elements, contiguous, strided and of short rows, have the bits of "
    "short arrays from the first to the last element",
)
def large(full: bool) -> str:
    if sys.platform != "linux" or sys.maxsize < 2**40:
        raise Unavailable("maps memory as Linux does")
    cases: list[tuple[Any, ...]] = [(act.relu, np.float16)]
    if full:
        cases += [
            (act.gelu.grad, np.float32),
            (act.gelu.grad, np.float32, 3),
            (act.gelu.grad, np.float16, 3),
            (act.tanh, np.float64),
            (act.softmax, np.float32, 1, 8),
        ]
    for case in cases:
        _call(*case)
    return f"{len(cases)} calls: the right bits"
