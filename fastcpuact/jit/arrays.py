"""Numba kernels on contiguous arrays: serial, or parallel where the work is long enough."""

from __future__ import annotations

import functools
import itertools
import threading
from typing import Any

import numba
import numpy as np
from numba.core import config

from ..emit.kernels import kernel_name
from ..formulas import Record
from ..formulas.language import PRECISIONS, Precision
from ..formulas.registry import Form
from ..threads import get_num_threads as threads_wanted
from .leaves import parallel
from .module import generated, module_of

# Elements from which a parallel kernel is no slower than the serial one, for the cheapest function
# on two idle cores (bench/parallel_threshold.py).
PARALLEL_MIN = 1 << 18

# Numba's workqueue threading layer aborts the process when two threads launch parallel kernels
# at once; whoever finds it busy runs serially.
_launching = threading.Lock()

_BY_DTYPE = {np.dtype(precision.dtype): precision for precision in PRECISIONS}


@functools.cache
def _parallel(kernel: Any) -> Any:
    return parallel(kernel.py_func)


def launch(kernel: Any, size: int, operands: tuple[Any, ...]) -> None:
    """Run a kernel of a generated module on its operands."""
    threads = min(threads_wanted(), config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    if size >= PARALLEL_MIN and threads > 1 and _launching.acquire(blocking=False):
        before = numba.get_num_threads()
        try:
            numba.set_num_threads(threads)
            _parallel(kernel)(*operands)
        finally:
            numba.set_num_threads(before)
            _launching.release()
    else:
        kernel(*operands)


def precision_of(dtype: np.dtype[Any]) -> Precision | None:
    """Return the precision that a native dtype computes in, if it is one of ours."""
    return _BY_DTYPE.get(dtype) if dtype.isnative else None


def call(record: Record, form: Form, fast: bool, operands: tuple[Any, ...], out: Any) -> Any:
    """Run a form on exact contiguous arrays and numbers, or return None if they are not."""
    arrays, params = operands[: len(form.operands)], operands[len(form.operands) :]
    first = arrays[0]
    if type(first) is not np.ndarray or first.ndim == 0:
        return None
    precision = precision_of(first.dtype)
    if precision is None or not all(_alike(array, first) for array in arrays):
        return None
    numbers = all(type(param) is float for param in params)
    given = params if numbers else tuple(_spread(param, first) for param in params)
    if any(param is None for param in given):
        return None
    if out is None:
        results = tuple(np.empty_like(first, order="C") for _ in form.results)
    else:
        results = out if isinstance(out, tuple) else (out,)
        if len(results) != len(form.results):
            return None
        if not all(_alike(array, first) and array.flags.writeable for array in results):
            return None
        # Exactly in place is well defined; two results in one place are not.
        in_and_out = [(a, b) for a, b in itertools.product(results, arrays) if a is not b]
        if any(
            np.may_share_memory(a, b) for a, b in (*in_and_out, *itertools.combinations(results, 2))
        ):
            return None
    at_defaults = numbers and record.defaults is not None and params == record.defaults
    launch(
        getattr(module_of(record), kernel_name(record, form.key(fast, at_defaults), precision)),
        first.size,
        (
            *(array.reshape(-1) for array in arrays),
            *(() if at_defaults else (_one_or_flat(param, first) for param in given)),
            *(array.reshape(-1) for array in results),
        ),
    )
    return results[0] if len(results) == 1 else results


def _spread(param: Any, first: np.ndarray) -> Any:
    """Return a number, or an array as one of the first one's shape; None if it is neither."""
    if type(param) is float:
        return param
    if type(param) is not np.ndarray or param.dtype != first.dtype or param.ndim > first.ndim:
        return None
    pairs = zip(reversed(param.shape), reversed(first.shape), strict=False)
    if not all(length in (1, whole) for length, whole in pairs):
        return None
    # A copy, which no result overlaps.
    return np.broadcast_to(param, first.shape).copy()


def _one_or_flat(param: Any, first: np.ndarray) -> Any:
    return first.dtype.type(param) if type(param) is float else param.reshape(-1)


def call_rows(kernel: str, precision: str, arrays: tuple[np.ndarray, ...]) -> None:
    """Run a row kernel on contiguous arrays of shape (rows, length of a row)."""
    size = max(array.size for array in arrays)
    name = f"{kernel}_{_BY_DTYPE[np.dtype(precision)].suffix}_kernel"
    launch(getattr(generated(), name), size, arrays)


def _alike(array: Any, first: np.ndarray) -> bool:
    """Whether an object is an exact, aligned, contiguous array of the first one's kind."""
    return (
        type(array) is np.ndarray
        and array.dtype == first.dtype
        and array.dtype.isnative
        and array.shape == first.shape
        and array.flags.c_contiguous
        and array.flags.aligned
    )
