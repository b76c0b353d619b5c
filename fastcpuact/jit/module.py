"""The generated Numba module: printed, executed and shown in tracebacks."""

from __future__ import annotations

import functools
import linecache
import types

from ..emit.numba import numba_module
from ..formulas import RECORDS

_FILE = "<fastcpuact: formulas printed for Numba>"


@functools.cache
def generated() -> types.ModuleType:
    """Return the module that holds every device function, kernel and row kernel."""
    text = numba_module(RECORDS)
    # inspect and tracebacks find the text of a module without a file here.
    linecache.cache[_FILE] = (len(text), None, text.splitlines(keepends=True), _FILE)
    # Numba imports the module of a function when it loads what it has cached of the callers: it
    # must be one that a new process finds, and soon has.
    module = types.ModuleType(__name__)
    exec(compile(text, _FILE, "exec"), vars(module))
    return module
