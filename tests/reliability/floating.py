"""The floating-point environment: whatever somebody else has set, the bits are the same."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.kernels.driver import set_parallel_ns

from . import Unavailable, check
from .processes import in_process
from .targets import DTYPES, as_tuple, bits, elementwise, rowwise, sample

# Bits of MXCSR (Intel 64 manual, volume 1, 10.2.3).
FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 0x8000, 0x0040
ROUNDING = {"nearest": 0, "down": 0x2000, "up": 0x4000, "to zero": 0x6000}
DEFAULT, FLAGS = 0x1F80, 0x3F
STATES = {
    f"{mode}{', FTZ and DAZ' * bool(flush)}": DEFAULT | rounding | flush
    for mode, rounding in ROUNDING.items()
    for flush in (0, FLUSH_TO_ZERO | DENORMALS_ARE_ZERO)
}

_libm = ctypes.CDLL("libm.so.6" if platform.libc_ver()[0] == "glibc" else None)


def control(state: int | None = None) -> int:
    """Return MXCSR without the flags, and set it if a state is given."""
    # fenv_t of x86-64: MXCSR stands at its end.
    environment = (ctypes.c_uint32 * 8)()
    _libm.fegetenv(environment)
    before = environment[7] & ~FLAGS
    if state is not None:
        environment[7] = state
        _libm.fesetenv(environment)
    return before


@contextmanager
def environment(state: int) -> Iterator[None]:
    """Run a block of code in a floating-point environment, and find it unchanged at the end."""
    before = control(state)
    try:
        yield
        assert control() == state, "the caller's state was changed"
    finally:
        control(before)


Call = tuple[str, Callable[..., Any], tuple[np.ndarray, ...]]


def strided(x: np.ndarray) -> np.ndarray:
    """Return a copy that takes the way through NumPy's ufunc machinery."""
    return np.repeat(x, 2)[::2]


def calls(n: int) -> list[Call]:
    """Return names, functions and operands of everything, by the short way and by the ufunc."""
    made: list[Call] = []
    for target in elementwise():
        for dtype in DTYPES:
            name = f"{target.name} {np.dtype(dtype)}"
            operands = tuple(sample(n, dtype, seed=k) for k in range(target.nin))
            made.append((name, target.short, operands))
            made.append((f"{name} strided", target.short, tuple(map(strided, operands))))
    for row in rowwise():
        for dtype in DTYPES:
            name = f"{row.name} {np.dtype(dtype)}"
            x = [np.nan_to_num(sample(3 * n, dtype, k), posinf=1, neginf=-1) for k in (0, 1)]
            operands = tuple(a.reshape(3, n) for a in x[: row.nin])
            for axis in (0, 1):
                made.append((name, partial(row, axis=axis), operands))
    return made


def compare(n: int, threads: int) -> tuple[int, int]:
    """Compare results in every environment with those in the default one."""
    set_parallel_ns(0 if threads > 1 else 10**12)
    act.set_num_threads(threads)
    assert control() == DEFAULT
    made = calls(n)
    expected = [[bits(r) for r in as_tuple(f(*operands))] for _, f, operands in made]
    compared = 0
    for state, word in STATES.items():
        # Workers of the pool are started in this environment, and inherit it.
        with environment(word):
            found = [as_tuple(f(*operands)) for _, f, operands in made]
        for (name, *_), results, wanted in zip(made, found, expected, strict=True):
            for got, right in zip(results, wanted, strict=True):
                assert np.array_equal(bits(got), right), (state, name)
                compared += np.size(got)
    # That the state was really there: half the smallest normal number, and 1 + 2**-60.
    with environment(DEFAULT | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO):
        assert np.multiply(np.finfo(np.float64).tiny, 0.5) == 0
    with environment(DEFAULT | ROUNDING["up"]):
        assert np.add(1.0, 2.0**-60) > 1
    return compared, len(STATES)


@check(
    "floating-point environment",
    "Floating-point environment",
    "the same bits in every rounding mode, with and without FTZ and DAZ set by somebody else, on "
    "one thread and on several that inherit it; the caller's state is as it was",
)
def environments(full: bool) -> str:
    if platform.machine() != "x86_64":
        raise Unavailable("sets MXCSR")
    sizes = (700, 5000) if full else (60,)
    compared = 0
    for n in sizes:
        for threads in (1, 3):
            count, states = in_process(compare, n, threads, timeout=3600)
            compared += count
    return f"{compared:,} results in {states} states: 0 differences"
