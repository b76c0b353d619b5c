"""Export as C99: one header that needs nothing but a compiler."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..activation import Activation
from ..emit.c99 import KEYWORDS
from ..formulas.language import PRECISIONS
from .c_formulas import formula_source
from .c_header import header, identifier

FORMULA_METHODS = ("exact", "fast")
_DTYPES = tuple(precision.dtype for precision in PRECISIONS)


def export_c(
    f: Activation | str,
    path: str | os.PathLike[str] | None = None,
    *,
    method: str = "exact",
    prefix: str = "act_",
    name: str | None = None,
    dtype: str = "float32",
    params: Mapping[str, float] | None = None,
) -> str:
    """Return an activation as one self-contained header of C99, and write it to a file.

    The header needs no library, neither libm nor an allocator, and leaves nothing to the flags of
    a compiler but -ffast-math, which it refuses. It has a function of one number, the same of an
    array, the gradient where there is one, a certificate as a comment, and a self-test that tells
    whether a device computes the bits that were certified.

    Parameters
    ----------
    f : Activation or str
        What to export.
    path : path, optional
        Where to write it, whole or not at all; a file that exists is replaced.
    method : {"exact", "fast"}
        The formulas of the package, in one of its tiers.
    prefix, name : str, optional
        All names in the header begin with ``prefix + name``; ``name`` is by default that of `f`.
    dtype : {"float32", "float64"}
        What to compute in.
    params : mapping, optional
        Values of parameters; others have their defaults.

    Returns
    -------
    str
        The text of the header, which is the same in every run.

    Raises
    ------
    TypeError
        If an argument has the wrong type, or a parameter without default is missing.
    ValueError
        If there is no such activation, method, dtype or parameter, a parameter is not finite, or
        a name is not an ASCII identifier of C.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> text = edge.export_c("gelu", prefix="net_")
    >>> "static inline float net_gelu(float x)" in text
    True
    """
    activation = _activation(f)
    if method not in FORMULA_METHODS:
        raise ValueError(f"method must be one of {', '.join(FORMULA_METHODS)}, got {method!r}")
    if dtype not in _DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
    public = _public(prefix, activation.name if name is None else name)
    values = _values(activation, params or {}, dtype)
    source = formula_source(activation, values, method == "fast", dtype, public)
    return _finish(header(source, public), path)


def _activation(f: Activation | str) -> Activation:
    from .. import get

    if isinstance(f, str):
        return get(f, "elementwise")
    if not isinstance(f, Activation):
        raise TypeError(f"f must be an activation or its name, got {type(f).__name__}")
    return f


def _public(prefix: str, name: str) -> str:
    """Check the two and put them together."""
    public = identifier("prefix", prefix) + identifier("name", name)
    if public in KEYWORDS:
        raise ValueError(f"prefix and name must not make a keyword, got {public!r}")
    return public


def _values(activation: Activation, given: Mapping[str, float], dtype: str) -> dict[str, float]:
    """Check the values of parameters, and add the defaults."""
    values: dict[str, float] = {}
    if unknown := given.keys() - activation.params.keys():
        known = ", ".join(activation.params) or "none"
        raise ValueError(f"params must be of {activation.name}: {known}; got {min(unknown)!r}")
    for name, default in activation.params.items():
        value = given.get(name, default)
        if value is None:
            raise TypeError(f"params must have a value of {name}: {activation.name} has no default")
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
