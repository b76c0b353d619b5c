"""Arrays of integer codes: what is accepted, and the way to the kernels of the current engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import engines
from .approximant import result_array


def kernels() -> ModuleType:
    """Return the module with the kernels of the current engine."""
    return _kernels(engines.current_engine())


@cache
def _kernels(engine: str) -> ModuleType:
    if engine == "compiled":
        from ..kernels import quantized as compiled

        return compiled
    from ..jit import quantized

    return quantized


def codes_array(x: Any, dtype: np.dtype[Any], name: str = "x") -> NDArray[Any]:
    """Return an array of codes as it is.

    Raises
    ------
    TypeError
        If it is no array of that dtype.
    """
    found = getattr(x, "dtype", None)
    if found is None:
        raise TypeError(f"{name} must be an array of {dtype}, got {type(x).__name__}")
    if found != dtype:
        raise TypeError(f"{name} must be of {dtype}, got {found}")
    return np.asarray(x)


def run(
    kernel: Callable[[NDArray[Any], NDArray[Any]], None],
    x: Any,
    out: NDArray[Any] | None,
    dtype: np.dtype[Any],
    result: np.dtype[Any],
) -> Any:
    """Run a kernel on flat contiguous arrays; the output may be the input, or overlap it."""
    x = codes_array(x, dtype)
    y = result_array(x, out, result)
    source = np.ascontiguousarray(x).reshape(-1)
    # In place is well defined; what else overlaps goes through an array of its own.
    direct = y.flags.c_contiguous and (out is None or y is x or not np.may_share_memory(x, y))
    flat = y.reshape(-1) if direct else np.empty(x.size, result)
    kernel(source, flat)
    if not direct:
        y[...] = flat.reshape(x.shape)
    return y if out is not None or y.ndim else y[()]
