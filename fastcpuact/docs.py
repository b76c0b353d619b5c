"""Docstrings of the public callables, from their records."""

from __future__ import annotations

from .formulas.registry import Form, Record

_OPERANDS = {
    "x": "Input. float32 and float64 keep their dtype; integers and bool are promoted.",
    "dy": "Upstream gradient, broadcast against ``x``.",
}


def _summary(record: Record) -> str:
    return (record.value.__doc__ or "").strip().rstrip(".")


def _parameters(record: Record, form: Form) -> list[str]:
    lines = []
    for name in form.operands:
        lines += [f"{name} : array_like", f"    {_OPERANDS[name]}"]
    for name, default in record.params.items():
        optional = "" if default is None else f", default {default:g}"
        lines += [
            f"{name} : array_like{optional}",
            "    Parameter, by position or by name, broadcast against ``x``.",
        ]
    outputs = "ndarray" if len(form.results) == 1 else "tuple of ndarray"
    lines += [f"out : {outputs}, optional", "    Where to put the result."]
    lines += [
        "**kwargs",
        "    Any other keyword of a NumPy ufunc: where, dtype, casting, order, subok.",
    ]
    return lines


def _bounds(record: Record, form: Form) -> list[str]:
    return [
        f"Stated error of the {result}, in units in the last place: "
        f"{record.bounds[result, 'float32']:g} in float32, "
        f"{record.bounds[result, 'float64']:g} in float64."
        for result in form.results
    ]


def form_doc(record: Record, form: Form) -> str:
    """Describe one form of an activation."""
    returns = "ndarray or scalar" if len(form.results) == 1 else "tuple of ndarray or of scalars"
    return "\n".join(
        [
            f"{record.name}: {form.summary}, where f(x) = {_summary(record)}.",
            "",
            "Parameters",
            "----------",
            *_parameters(record, form),
            "",
            "Returns",
            "-------",
            returns,
            f"    {form.summary}, of the broadcast shape of the operands.",
            "",
            "Raises",
            "------",
            "TypeError",
            "    For a dtype that does not convert to float64, as NumPy's ufuncs do.",
            "ValueError",
            "    For shapes that do not broadcast, or an ``out`` that is read-only.",
            "",
            "Notes",
            "-----",
            *_bounds(record, form),
            "No floating-point warning is raised but by NumPy's own casts; NaN gives NaN.",
            "",
        ]
    )


def activation_doc(record: Record) -> str:
    """Describe an activation: its value, with an example."""
    from .formulas import FORMS

    example = [
        "Examples",
        "--------",
        ">>> import numpy as np",
        ">>> import fastcpuact as act",
        ">>> x = np.array([-1.0, 0.0, 2.0], dtype=np.float32)",
        f">>> y, d = act.{record.name}.value_and_grad(x)",
        f">>> bool(np.all(y == act.{record.name}(x)))",
        "True",
        "",
    ]
    return form_doc(record, FORMS["value"]) + "\n" + "\n".join(example)
