"""What may be approximated, and its exact values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activation import Activation

Floats = NDArray[np.float64]


class Function:
    """A real function of one variable, by the values that its approximants are measured against.

    Parameters
    ----------
    function : Activation, str or callable
        An activation or its name, which is taken at the defaults of its parameters, or any callable
        that takes and returns a float64 array.
    name : str, optional
        What to call it; by default its own name.

    Attributes
    ----------
    name : str
        What it is called, in files and in exported code.
    call : callable
        What is called.
    activation : Activation or None
        The activation, where it is one of the package.

    Raises
    ------
    TypeError
        If ``function`` is none of these, or needs parameters.
    ValueError
        If no activation has that name.

    Examples
    --------
    >>> Function("swish").name
    'swish'
    >>> Function(lambda x: x**2, name="square")([3.0])
    array([9.])
    """

    name: str
    call: Callable[..., Any]
    activation: Activation | None

    def __init__(
        self, function: Activation | str | Callable[..., Any], name: str | None = None
    ) -> None:
        if isinstance(function, Function):
            name = name or function.name
            function = function.call
        if isinstance(function, str):
            from .. import get

            function = get(function)
        if getattr(function, "kind", "elementwise") != "elementwise":
            raise TypeError(f"function must be elementwise, got {function!r}")
        if not callable(function):
            raise TypeError(
                "function must be an activation, its name or a callable, "
                f"got {type(function).__name__}"
            )
        self.activation = function if isinstance(function, Activation) else None
        if self.activation is not None:
            required = [p for p, default in self.activation.params.items() if default is None]
            if required:
                raise TypeError(
                    f"function {self.activation.name} needs {', '.join(required)}: give a callable "
                    "such as lambda x: act.threshold(x, threshold=1.0, value=0.0)"
                )
        found = name or getattr(function, "name", None) or getattr(function, "__name__", None)
        self.name = found if isinstance(found, str) else type(function).__name__
        self.call = function

    def __call__(self, x: ArrayLike) -> Floats:
        """Exact values as far as float64 goes; NaN only where `x` is NaN."""
        x = np.asarray(x, np.float64)
        with np.errstate(all="ignore"):
            y = np.asarray(self.call(x))
        if y.shape != x.shape or y.dtype.kind not in "fiub":
            raise TypeError(
                f"function {self.name} must return a real array of its argument's shape {x.shape}, "
                f"got {y.dtype} of shape {y.shape}"
            )
        y = y.astype(np.float64)
        bad = np.isnan(y) & ~np.isnan(x)
        if np.any(bad):
            raise ValueError(f"function {self.name} is NaN at {x[bad].flat[0]!r}")
        return y

    def __repr__(self) -> str:
        return f"<Function {self.name}>"
