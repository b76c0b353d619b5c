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
from .certificate import Measurement

_SAMPLES = 2**14
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
        title=f"{record.name}: f(x)" + f" = {title}" * bool(title) + f", for {given}" * bool(given),
        about="\n".join(
            [*_about(dtype, fast, errors), "", *_measured(functions[0], activation, params, dtype)]
        ),
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


def _about(dtype: str, fast: bool, errors: list[str]) -> list[str]:
    lines = [f"Method: the formulas of fastcpuact in {dtype}, {'fast' if fast else 'exact'} tier,"]
    lines.append("with the bits of its kernels on processors with fused multiply-add (FMA).")
    if fast:
        lines.append(f"Relative error at most {FAST_ERROR}.")
    elif errors:
        lines.append("Error at most, in units in the last place (ULP): " + ", ".join(errors) + ".")
    lines.append("NaN: in, NaN out.  Infinite x: the limit.")
    return lines


def _measured(
    function: Function, activation: Activation, params: Mapping[str, float], dtype: str
) -> list[str]:
    """The error of float32 beside float64, where that is as good as exact."""
    if dtype != "float32":
        return []
    low, high = activation.record.domain
    ladder = np.geomspace(1e-30, 1e30, _SAMPLES // 8)
    inputs = np.concatenate([np.linspace(2 * low, 2 * high, _SAMPLES), ladder, -ladder])
    x = np.unique(inputs.astype(dtype))
    with np.errstate(all="ignore"):
        result = function.compute(x).astype(np.float64)
        x = x[np.isfinite(result)].astype(np.float64)
        exact = np.asarray(activation(x, **params))
    found = Measurement()
    found.add(x, result[np.isfinite(result)], exact)
    return [
        f"Certificate of f(x), measured beside float64 on {found.count:,} inputs in "
        f"[{2 * low:g}, {2 * high:g}]",
        "and by exponent to 1e30:",
        f"max absolute error: {found.max_abs[0]:.4g} at {found.max_abs[1]:.7g}",
        f"max relative error: {found.max_rel[0]:.4g} at {found.max_rel[1]:.7g}",
        f"RMS error: {np.sqrt(found.squares / found.count):.4g}",
        f"monotone: {found.monotone}",
    ]
