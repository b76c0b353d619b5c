"""Tells whether what was checked before is what would be checked now."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np

import fastcpuact as act
from fastcpuact.emit.cython import CythonPrinter
from fastcpuact.emit.reader import Reader
from fastcpuact.engines import LEVEL
from fastcpuact.formulas.language import FLOAT32, FLOAT64

from .sweep import Sweep

# To be raised when `judge` comes to judge otherwise.
CRITERIA = 1


def fingerprint(sweep: Sweep) -> str:
    """Return a digest of all that the statistics of a sweep depend on.

    That is the text of the kernel, the engine and level that run it, and, from a sample of inputs,
    what the kernel computes and what the oracle says.
    """
    digest = hashlib.sha256()
    text = kernel_text(sweep.name, sweep.formula, sweep.dtype, sweep.fast)
    for part in (repr(sweep), CRITERIA, sweep.units, text, *engine()):
        digest.update(f"{part}\0".encode())
    for array in sweep.traits():
        # The sign and payload of a NaN are promised by nobody.
        digest.update(np.where(np.isnan(array), array.dtype.type(np.nan), array).tobytes())
    return digest.hexdigest()


def engine() -> tuple[str, str]:
    """Return the engine, and the level of the compiled one."""
    name = act.current_engine()
    return name, LEVEL if name == "compiled" else ""


@cache
def kernel_text(name: str, formula: str, dtype: str, fast: bool) -> str:
    """Print a formula and all that it calls, without the comments that say where it stands."""
    reader = Reader(FLOAT64 if dtype == "float64" else FLOAT32, fast)
    reader.read(act.get(name).record.formulas[formula])
    printer = CythonPrinter()
    lines = (
        line
        for function in reader.functions.values()
        for line in printer.function(function).splitlines()
    )
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))
