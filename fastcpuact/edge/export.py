"""Export as C99: one header that needs nothing but a compiler."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..activation import Activation
from ..emit.c99 import KEYWORDS
from ..formulas.language import PRECISIONS
from . import integer_tables, make
from .approximant import Approximant
from .c_floats import float_source
from .c_formulas import formula_source
from .c_header import Source, header, identifier
from .c_integers import ORDERS, integer_source
from .floating import FloatApproximant
from .function import Function
from .integer_tables import ByteTable
from .integers import Quantized

FORMULA_METHODS = ("exact", "fast")
# What makes the approximants of the other methods.
_FLOATS: dict[str, Callable[..., Approximant]] = {
    "lut": make.lookup_table,
    "polynomial": make.polynomial,
    "piecewise": make.piecewise_polynomial,
    "rational": make.rational,
}
_INTEGERS: dict[str, Callable[..., Approximant]] = {
    dtype: partial(integer_tables.quantized, dtype=dtype) for dtype in ("int8", "uint8", "int16")
}
_MAKERS = {**_FLOATS, **_INTEGERS}
METHODS = (*FORMULA_METHODS, *_MAKERS)
_DTYPES = tuple(precision.dtype for precision in PRECISIONS)


def export_c(
    f: Approximant | Activation | str | Callable[..., Any],
    path: str | os.PathLike[str] | None = None,
    *,
    method: str | None = None,
    prefix: str = "act_",
    name: str | None = None,
    dtype: str = "float32",
    params: Mapping[str, float] | None = None,
    order: str = "unsigned",
    **options: Any,
) -> str:
    """Return a function as one self-contained header of C99, and write it to a file.

    The header needs no library, neither libm nor an allocator, and leaves nothing to the flags of
    a compiler but -ffast-math, which it refuses. It has a function of one number, the same of an
    array, the gradient if it is made of formulas, a certificate as a comment, and a self-test that
    tells whether a device computes the bits that were certified.

    Parameters
    ----------
    f : Approximant, Activation, str or callable
        An approximant that was made or loaded; or an activation, its name, or a function of a
        float64 array, of which `method` makes one.
    path : path, optional
        Where to write it, whole or not at all; a file that exists is replaced.
    method : str, optional
        Of anything but an approximant, what to export: the formulas of the package in the tier
        ``"exact"``, the default, or ``"fast"``; a `lookup_table` (``"lut"``), `polynomial`,
        `piecewise_polynomial` (``"piecewise"``) or `rational` function; or a `quantized` function
        of ``"int8"``, ``"uint8"`` or ``"int16"`` codes.
    prefix, name : str, optional
        All names in the header begin with ``prefix + name``; ``name`` is by default that of `f`.
    dtype : {"float32", "float64"}
        What to compute in; integers have their own.
    params : mapping, optional
        Values of the parameters of an activation; others have their defaults.
    order : {"unsigned", "signed"}
        Of the 256 entries of an int8 table: that of the codes taken as unsigned bytes, as
        TensorFlow Lite and XNNPACK index them, or of the codes, as ExecuTorch does.
    **options
        Arguments of the function that makes the approximant, ``entries=129`` for instance.

    Returns
    -------
    str
        The text of the header, which is the same in every run.

    Raises
    ------
    TypeError
        If an argument has the wrong type, or one that is needed is missing.
    ValueError
        If there is no such activation, method, dtype, order or parameter, a parameter is not
        finite, or a name is not an ASCII identifier of C; and as the function that makes the
        approximant does.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> text = edge.export_c("gelu", prefix="net_")
    >>> "static inline float net_gelu(float x)" in text
    True
    >>> text = edge.export_c("tanh", method="lut", entries=65, interpolation="cubic")
    >>> "static const float act_tanh_impl_values[65]" in text
    True
    """
    if dtype not in _DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {order!r}")
    if isinstance(f, Approximant):
        if method is not None or params or options:
            raise TypeError("method, params and options are not for an approximant that was made")
        public = _public(prefix, f.name if name is None else name)
        source = _approximant_source(f, public, order)
    else:
        method = "exact" if method is None else method
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        activation = _activation(f)
        if activation is None and method in FORMULA_METHODS:
            raise TypeError(f"f must be an activation for the method {method!r}, got {f!r}")
        found = Function(f).name if activation is None else activation.name
        public = _public(prefix, found if name is None else name)
        values = _values(activation, params or {}, dtype)
        if activation is not None and method in FORMULA_METHODS:
            if options:
                raise TypeError(f"{min(options)} is not for the method {method!r}")
            source = formula_source(activation, values, method == "fast", dtype, public)
        else:
            if activation is not None and params:
                f = Function(partial(activation, **values), found)
            if method in _FLOATS:
                options["dtype"] = dtype
            source = _approximant_source(_MAKERS[method](f, **options), public, order)
    return _finish(header(source, public), path)


def _approximant_source(approximant: Approximant, public: str, order: str) -> Source:
    """Print what an approximant is made of."""
    if order != ORDERS[0] and not (
        isinstance(approximant, ByteTable) and approximant.dtype == np.int8
    ):
        raise ValueError(f"order must be {ORDERS[0]!r} for all but int8 tables, got {order!r}")
    if isinstance(approximant, FloatApproximant):
        return float_source(approximant, public)
    if isinstance(approximant, Quantized):
        return integer_source(approximant, public, order)
    raise TypeError(f"f must be elementwise to be exported, got {type(approximant).__name__}")


def _activation(f: Any) -> Activation | None:
    """Return the activation that is meant, or None for a function of the user's own."""
    from .. import get

    if isinstance(f, str):
        f = get(f, "elementwise")
    if not callable(f):
        raise TypeError(
            "f must be an approximant, an activation, its name or a callable, "
            f"got {type(f).__name__}"
        )
    return f if isinstance(f, Activation) else None


def _public(prefix: str, name: str) -> str:
    """Check the two and put them together."""
    public = identifier("prefix", prefix) + identifier("name", name)
    if public in KEYWORDS:
        raise ValueError(f"prefix and name must not make a keyword, got {public!r}")
    return public


def _values(
    activation: Activation | None, given: Mapping[str, float], dtype: str
) -> dict[str, float]:
    """Check the values of parameters, and add the defaults."""
    params = {} if activation is None else activation.params
    called = "f" if activation is None else activation.name
    if unknown := given.keys() - params.keys():
        known = ", ".join(params) or "none"
        raise ValueError(f"params must be of {called}: {known}; got {min(unknown)!r}")
    values: dict[str, float] = {}
    for name, default in params.items():
        value = given.get(name, default)
        if value is None:
            raise TypeError(f"params must have a value of {name}: {called} has no default")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"params must be numbers, got {name}={value!r}")
        if not math.isfinite(value) or abs(value) > float(np.finfo(dtype).max):
            raise ValueError(f"params must be finite in {dtype}, got {name}={value!r}")
        values[name] = float(value)
    return values


def _finish(text: str, path: str | os.PathLike[str] | None) -> str:
    """Write a text to a file, if one is given, and return it."""
    if path is not None:
        path = Path(path)
        # Beside its place, so that one step puts it there whole.
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_text(text, encoding="ascii", newline="\n")
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return text
