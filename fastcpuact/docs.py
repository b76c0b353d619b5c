"""Docstrings of the public callables, from their records."""

from __future__ import annotations

from .formulas.registry import Form, GatedRecord, Record

# Largest relative error of the fast tier.
FAST_ERROR = "2**-12"

_OPERANDS = {
    "x": "Input. float16, float32 and float64 keep their dtype; bool and integers are promoted "
    "as NumPy's exp does.",
    "y": "Output of the function, f(x).",
    "value": "What is let through. float16, float32 and float64 keep their dtype; bool and "
    "integers are promoted as NumPy's exp does.",
    "gate": "By how much, broadcast against ``value``.",
    "dy": "Upstream gradient, broadcast against the other operand.",
}
_CALLS = {
    "value": "{f}(x)",
    "grad": "{f}.grad(x)",
    "backward": "{f}.backward(dy, x)",
    "value_and_grad": "{f}.value_and_grad(x)",
    "backward_from_output": "{f}.backward_from_output(dy, {f}(x))",
    "grad2": "{f}.grad2(x)",
    "param_grads": "{f}.param_grads(dy, x)",
}
_GATED_CALLS = {"value": "{f}(value, gate)", "backward": "{f}.backward(dy, value, gate)"}
_REDUCED = {"param_grads"}


def _summary(record: Record) -> str:
    return (record.value.__doc__ or "").strip().partition("\n")[0].rstrip(".")


def _left_side(record: Record) -> str:
    return "f(value, gate)" if isinstance(record, GatedRecord) else "f(x)"


def _parameters(record: Record, form: Form) -> list[str]:
    lines = []
    for name in form.operands:
        lines += [f"{name} : array_like", f"    {_OPERANDS[name]}"]
    for name, default in record.params.items():
        optional = "" if default is None else f", default {default:g}"
        lines += [
            f"{name} : array_like{optional}",
            f"    Parameter, by position or by name, broadcast against ``{form.operands[-1]}``.",
        ]
    if form.name in _REDUCED:
        return lines
    outputs = "ndarray" if len(form.results) == 1 else "tuple of ndarray"
    lines += [f"out : {outputs}, optional", "    Where to put the result."]
    lines += [
        "**kwargs",
        "    Any other keyword of a NumPy ufunc: where, dtype, casting, order, subok.",
    ]
    return lines


def _returns(form: Form) -> list[str]:
    if form.name in _REDUCED:
        return [
            "tuple of ndarray or of scalars",
            "    One for each parameter, in their order and of their shapes: dy·df/dp, summed in",
            "    float64 over all elements that the parameter was broadcast to.",
        ]
    returns = "ndarray or scalar" if len(form.results) == 1 else "tuple of ndarray or of scalars"
    return [returns, f"    {form.summary}, of the broadcast shape of the operands."]


def _raises(record: Record, form: Form) -> list[str]:
    negative = ""
    if form.name == "backward_from_output" and record.not_negative:
        negative = f" For a negative {' or '.join(record.not_negative)}."
    return [
        "TypeError",
        "    For a dtype that does not convert to float64, as NumPy's ufuncs do.",
        "ValueError",
        f"    For shapes that do not broadcast, or an ``out`` that is read-only.{negative}",
    ]


def _bounds(record: Record, form: Form, fast: bool) -> list[str]:
    if not record.bounds:
        return ["No bound of the error is stated."]
    if fast:
        return [f"Relative error of at most {FAST_ERROR}; see the exact tier for all digits."]
    return [
        f"Stated error of the {result}, in units in the last place: "
        f"{record.bounds[result, 'float32']:g} in float32, "
        f"{record.bounds[result, 'float64']:g} in float64."
        for result in form.results
    ]


def _example(record: Record, form: Form, fast: bool) -> list[str]:
    if isinstance(record, GatedRecord):
        return _gated_example(record, form)
    call = _CALLS[form.name].format(f="act." * record.is_compiled + record.name + ".fast" * fast)
    required = [name for name, default in record.params.items() if default is None]
    if required:
        given = ", ".join(f"{name}=0.5" for name in required)
        call = call.replace("(x)", f"(x, {given})").replace(" x)", f" x, {given})")
    lines = [
        "Examples",
        "--------",
        ">>> import numpy as np",
        ">>> import fastcpuact as act",
        ">>> x = np.array([-1.0, 0.5, 2.0], dtype=np.float32)",
    ]
    if "dy" in form.operands:
        lines.append(">>> dy = np.ones_like(x)")
    if len(form.results) > 1 or form.name in _REDUCED:
        names = ", ".join(form.results) if form.name in _REDUCED else "y, dydx"
        comma = "," if len(form.results) == 1 else ""
        lines.append(f">>> {names}{comma} = {call}")
    else:
        lines += [
            f">>> result = {call}",
            ">>> result.shape, result.dtype.name",
            "((3,), 'float32')",
        ]
    return lines


def _gated_example(record: Record, form: Form) -> list[str]:
    names = ", ".join(form.results) if len(form.results) > 1 else "y"
    call = _GATED_CALLS[form.name].format(f=f"act.{record.name}")
    return [
        "Examples",
        "--------",
        ">>> import numpy as np",
        ">>> import fastcpuact as act",
        *(f">>> {name} = np.array([-1.0, 2.0], dtype=np.float32)" for name in form.operands),
        f">>> {names} = {call}",
    ]


def form_doc(record: Record, form: Form, fast: bool) -> str:
    """Describe one form of an activation, with an example."""
    return "\n".join(
        [
            f"{record.name}: {form.summary}, where {_left_side(record)} = {_summary(record)}.",
            "",
            "Parameters",
            "----------",
            *_parameters(record, form),
            "",
            "Returns",
            "-------",
            *_returns(form),
            "",
            "Raises",
            "------",
            *_raises(record, form),
            "",
            "Notes",
            "-----",
            *_bounds(record, form, fast),
            "No floating-point warning is raised but by NumPy's own casts; NaN gives NaN.",
            "",
            *_example(record, form, fast),
            "",
        ]
    )
