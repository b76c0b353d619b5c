"""The generated Numba modules: printed, executed and shown in tracebacks."""

from __future__ import annotations

import linecache
import threading
import types
from collections.abc import Callable
from weakref import WeakKeyDictionary

from ..emit.numba import NumbaModule
from ..formulas import Record


class _Generated:
    """A module that is printed and executed part by part, when something in it is asked for."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._text = NumbaModule()
        # Numba imports the module of a function when it loads what it has cached of the callers: it
        # must be one that a new process finds, and soon has.
        self._module = types.ModuleType(__name__)
        self._parts: set[str] = set()
        self._lock = threading.Lock()

    def part(self, name: str, text: Callable[[NumbaModule], str]) -> types.ModuleType:
        """Return the module once it has a part."""
        with self._lock:
            if not self._parts:
                self._execute("head", self._text.head())
            if name not in self._parts:
                self._execute(name, text(self._text))
        return self._module

    def _execute(self, name: str, text: str) -> None:
        file = f"<fastcpuact: {name} of {self._of} printed for Numba>"
        # inspect and tracebacks find the text of a module without a file here.
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), vars(self._module))
        self._parts.add(name)


_built_in = _Generated("formulas")
_defined: WeakKeyDictionary[Record, _Generated] = WeakKeyDictionary()


def module_of(record: Record) -> types.ModuleType:
    """Return a module that holds the device functions and kernels of a record."""
    found = _built_in
    if not record.is_compiled:
        found = _defined.setdefault(record, _Generated(f"{record.name} at {id(record):#x}"))
    return found.part(record.name, lambda text: text.record(record))


def module_of_rows() -> types.ModuleType:
    """Return the module that holds the row kernels."""
    return _built_in.part("rows", NumbaModule.rows)
