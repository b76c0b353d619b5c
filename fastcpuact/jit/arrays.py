"""Calls of Numba kernels where no driver is compiled: parallel if they are long."""

from __future__ import annotations

import functools
import threading
from typing import Any

import numba
import numpy as np
from numba.core import config

from ..emit.kernels import kernel_name
from ..formulas import Record
from ..formulas.language import PRECISIONS
from ..formulas.registry import Form
from ..threads import get_num_threads as threads_wanted
from .leaves import parallel
from .module import module_of, module_of_rows

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
    if size >= PARALLEL_MIN:
        threads = min(threads_wanted(), config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
        if threads > 1 and _launching.acquire(blocking=False):
            before = numba.get_num_threads()
            try:
                numba.set_num_threads(threads)
                _parallel(kernel)(*operands)
            finally:
                numba.set_num_threads(before)
                _launching.release()
            return
    kernel(*operands)


class Caller:
    """Calls the kernels of a form on exact contiguous arrays and numbers.

    Parameters
    ----------
    record : Record
        The activation.
    form : Form
        One of its forms.
    fast : bool
        Whether the fast tier is meant.
    """

    def __init__(self, record: Record, form: Form, fast: bool) -> None:
        self._record, self._form, self._fast = record, form, fast
        self._operands, self._results = len(form.operands), len(form.results)
        self._defaults = record.defaults
        self._kernels: dict[tuple[str, bool], Any] = {}

    def __call__(self, operands: tuple[Any, ...], out: Any) -> Any:
        """Return the results, or None if the operands are something else."""
        first = operands[0]
        if type(first) is not np.ndarray or first.ndim == 0:
            return None
        dtype = first.dtype
        if dtype.char not in "fd" or not dtype.isnative:
            return None
        given, params = operands[: self._operands], operands[self._operands :]
        arrays = given
        if params:
            arrays += tuple([param for param in params if type(param) is not float])
        for array in arrays:
            if not _alike(array, first):
                return None
        if out is None:
            results = tuple([np.empty_like(first, order="C") for _ in range(self._results)])
        else:
            results = out if isinstance(out, tuple) else (out,)
            if len(results) != self._results or not _may_hold(results, arrays):
                return None
        # Which is not so if one of them is an array.
        at_defaults = len(arrays) == len(given) and params == self._defaults
        kernel = self._kernels.get((dtype.char, at_defaults)) or self._find(dtype, at_defaults)
        if params and not at_defaults:
            real = dtype.type
            given += tuple([real(param) if type(param) is float else param for param in params])
        passed = given + results
        if first.ndim > 1:
            passed = tuple([_flat(operand) for operand in passed])
        launch(kernel, first.size, passed)
        return results[0] if len(results) == 1 else results

    def _find(self, dtype: np.dtype, at_defaults: bool) -> Any:
        key = self._form.key(self._fast, at_defaults)
        name = kernel_name(self._record, key, _BY_DTYPE[dtype])
        kernel = getattr(module_of(self._record), name)
        self._kernels[dtype.char, at_defaults] = kernel
        return kernel


def _flat(operand: Any) -> Any:
    return operand.reshape(-1) if isinstance(operand, np.ndarray) else operand


def _may_hold(results: tuple[Any, ...], arrays: tuple[Any, ...]) -> bool:
    """Whether results may be written while the arrays are read."""
    for k, result in enumerate(results):
        if not _alike(result, arrays[0]) or not result.flags.writeable:
            return False
        # Exactly in place is well defined; two results in one place are not.
        for array in arrays:
            if array is not result and np.may_share_memory(array, result):
                return False
        for other in results[:k]:
            if np.may_share_memory(other, result):
                return False
    return True


def call_rows(kernel: str, precision: str, arrays: tuple[np.ndarray, ...]) -> None:
    """Run a row kernel on contiguous arrays of shape (rows, length of a row)."""
    size = max(array.size for array in arrays)
    name = f"{kernel}_{_BY_DTYPE[np.dtype(precision)].suffix}_kernel"
    launch(getattr(module_of_rows(), name), size, arrays)


def _alike(array: Any, first: np.ndarray) -> bool:
    """Whether an object is an exact, aligned, contiguous array of the first one's kind."""
    if type(array) is not np.ndarray:
        return False
    if array is not first and (array.dtype != first.dtype or array.shape != first.shape):
        return False
    flags = array.flags
    return bool(flags.c_contiguous and flags.aligned)
