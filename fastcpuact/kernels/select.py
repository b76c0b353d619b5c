"""Chooses the level of the compiled kernels, once, when the package is imported."""

from __future__ import annotations

import importlib
import os

from .driver import cpu_level, set_level
from .levels import LIGHT, PORTABLE, VECTOR_BYTES, X86_64_LEVELS, module_name

_VARIABLE = "FASTCPUACT_LEVEL"


def _choose() -> str:
    offered = cpu_level()
    levels = [f"v{number}" for number in range(2, offered + 1)] if offered else [PORTABLE]
    wanted = os.environ.get(_VARIABLE) or levels[-1]
    if wanted not in (X86_64_LEVELS if offered else (PORTABLE,)):
        raise ImportError(f"{_VARIABLE}={wanted!r} is no level; this processor has {levels}")
    if wanted not in levels:
        raise ImportError(f"{_VARIABLE}={wanted!r}, but this processor has only {levels}")
    return wanted


LEVEL = _choose()
_module = importlib.import_module(module_name(LEVEL))
_light = importlib.import_module(module_name(LEVEL, LIGHT))

set_level(_module.WIDEN, _module.NARROW, VECTOR_BYTES[LEVEL])

# The address of a kernel, its operations per element, how many parameters it takes, and the address
# of its loop for parameters that are numbers, or 0.
Entry = tuple[int, int, int, int]
# The kernels by (activation, form, dtype), and addresses of the row kernels by (name, dtype).
KERNELS: dict[tuple[str, str, str], Entry] = _module.KERNELS | _light.KERNELS
ROWS: dict[tuple[str, str], int] = _module.ROWS
# Row kernels that have a form for columns: its address, and for how many it is.
COLUMNS: dict[tuple[str, str], tuple[int, int]] = _module.COLUMNS
