"""The generated Numba module: printed, executed and shown in tracebacks."""

from __future__ import annotations

import functools
import linecache
import types

from ..emit.numba import numba_module
from ..formulas import RECORDS, Record


def generated() -> types.ModuleType:
    """Return the module that holds every device function, kernel and row kernel."""
    return _generated(None)


def module_of(record: Record) -> types.ModuleType:
    """Return the module that holds the device functions and kernels of a record."""
    return _generated(None if record.is_compiled else record)


@functools.cache
def _generated(record: Record | None) -> types.ModuleType:
    if record is None:
        text, of = numba_module(RECORDS), "formulas"
    else:
        text, of = numba_module([record], with_rows=False), f"{record.name} at {id(record):#x}"
    file = f"<fastcpuact: {of} printed for Numba>"
    # inspect and tracebacks find the text of a module without a file here.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    # Numba imports the module of a function when it loads what it has cached of the callers: it
    # must be one that a new process finds, and soon has.
    module = types.ModuleType(__name__)
    exec(compile(text, file, "exec"), vars(module))
    return module
