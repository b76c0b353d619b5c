"""Small approximations of activation functions, for devices without a vector unit or libm.

Every approximant is called like the function that it stands for, knows its own size, and carries a
`Certificate` of its error, measured and never assumed. `load` reads back what its ``save`` wrote.

- `function`: what may be approximated, and its exact values;
- `approximant`, `certificate`, `container`: what all approximants have in common;
- `symmetry`, `floating`: folding a function at zero, and its tails; approximants in floating point;
- `make`: `lookup_table`, `polynomial` and their like; `domains`, `remez`, `rational_fit`,
  `spacing`, `table_fit`, `polynomial_fit`: their fits; `segments`, `tables`, `piecewise`,
  `rationals`: what they return; `engine`: the way to their kernels;
- `affine`, `rounding`, `int16`, `compact16`: what codes stand for, and how their tables are found;
- `integers`, `integer_tables`, `int16_tables`, `softmax`, `softmax_base`, `tflite`: approximants of
  integer codes; `codes`: their arrays; `calibration`: scales from samples;
- `choosing`, `candidates`, `pictures`: choosing among them;
- `export`, `c_header`, `c_formulas`: C99.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Where each public name is; imported when it is first used.
_HOMES = {
    "Approximant": "approximant",
    "load": "approximant",
    "Certificate": "certificate",
    "Affine": "affine",
    "quantized": "integer_tables",
    "export_c": "export",
    "calibrate": "calibration",
    "integer_softmax": "softmax",
    "Frontier": "choosing",
    "lookup_table": "make",
    "pareto": "choosing",
    "piecewise_polynomial": "make",
    "polynomial": "make",
    "plot": "pictures",
    "rational": "make",
    "search": "choosing",
}

# The module of each kind of file; a module of approximants enters its own here.
KIND_HOMES = {
    "table": "tables",
    "piecewise": "piecewise",
    "rational": "rationals",
    "bytes": "integer_tables",
    "int16": "int16_tables",
    "cubics": "int16_tables",
    "softmax": "softmax",
    "softmax_tflite": "tflite",
}

__all__ = [
    "Affine",
    "Approximant",
    "Certificate",
    "Frontier",
    "calibrate",
    "export_c",
    "integer_softmax",
    "load",
    "lookup_table",
    "pareto",
    "piecewise_polynomial",
    "plot",
    "polynomial",
    "quantized",
    "rational",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(f".{_HOMES[name]}", __name__), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
