"""The formulas of the package in C: the tiers "exact" and "fast"."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import engines
from ..activation import Activation, Form
from ..docs import FAST_ERROR
from ..emit.c99 import C99Printer
from ..emit.reader import Reader, rounded
from ..emit.tree import Call, Const, Name
from ..formulas.language import PRECISIONS
from .c_header import Function, Source, private

# The forms that are exported: suffix of the C function, and what it says.
_FORMS = {"value": ("", "f(x)"), "grad": ("_grad", "f'(x)")}


def formula_source(
    activation: Activation, params: Mapping[str, float], fast: bool, dtype: str, public: str
) -> Source:
    """Return the formulas of an activation, with its parameters as constants."""
    record = activation.record
    (precision,) = (p for p in PRECISIONS if p.dtype == dtype)
    reader, printer = Reader(precision, fast), C99Printer(private(public))
    tier = activation.fast if fast else activation
    functions, errors = [], []
    for form, (suffix, summary) in _FORMS.items():
        if form not in record.formulas:
            continue
        constants = [Const(rounded(value, precision)) for value in params.values()]
        call = Call(reader.read(record.formulas[form]).name, (Name("x"), *constants))
        compute = partial(_fused, tier if form == "value" else getattr(tier, form), params)
        functions.append(Function(suffix, printer.expression(call, precision), summary, compute))
        if (form, dtype) in record.bounds:  # users state none
            errors.append(f"{summary} {record.bounds[form, dtype]:g}")
    body = [printer.function(function) for function in reader.functions.values()]
    title = (record.value.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    given = ", ".join(f"{name} = {value!r}" for name, value in params.items())
    return Source(
        title=f"{record.name}: f(x) = {title}" + (f", for {given}" if given else ""),
        about=_about(dtype, fast, errors),
        input=np.dtype(dtype),
        output=np.dtype(dtype),
        text="\n\n".join(body),
        functions=functions,
    )


def _fused(form: Form, params: Mapping[str, float], x: NDArray[Any]) -> NDArray[Any]:
    """Compute a form with the bits of processors with fused multiply-add, on any processor."""
    level_without = engines.current_engine() == "compiled" and engines.LEVEL == "v2"
    with engines.engine("numba") if level_without else nullcontext():
        return np.asarray(form(x, **params))


def _about(dtype: str, fast: bool, errors: list[str]) -> str:
    lines = [f"Method: the formulas of fastcpuact in {dtype}, {'fast' if fast else 'exact'} tier,"]
    lines.append("with the bits of its kernels on processors with fused multiply-add (FMA).")
    if fast:
        lines.append(f"Relative error at most {FAST_ERROR}.")
    elif errors:
        lines.append(
            f"Largest error in units in the last place: {', '.join(errors)}.  The unit is the"
        )
        lines.append("spacing of floats at the exact value.")
    lines.append("NaN: in, NaN out.  Infinite x: the limit.")
    return "\n".join(lines)
