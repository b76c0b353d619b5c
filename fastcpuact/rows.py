"""Arguments of functions that run over rows, and the way to their kernels."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from . import engines
from .chunked import is_masked

if engines.COMPILED:
    from .kernels.rows import run_rows
    from .kernels.select import COLUMNS, ROWS

Array = np.ndarray[Any, Any]
Dtype = np.dtype[Any]
Shape = tuple[int, ...]

_HALF, _SINGLE, _DOUBLE = (np.dtype(char) for char in "efd")
# The dtype of a result, which is that of np.exp.
_RESULT: dict[Dtype, Dtype] = {
    np.dtype(char): result
    for chars, result in (("?bBe", _HALF), ("hHf", _SINGLE), ("iIlLqQd", _DOUBLE))
    for char in chars
}
# The precision of the kernels that work on it.
_PRECISION = {_HALF: "float32", _SINGLE: "float32", _DOUBLE: "float64"}


# Arguments.  Nothing is written anywhere before all of them have been checked.


def array_of(function: str, name: str, value: Any) -> Array:
    """Return an argument as an array of at least one dimension."""
    array = np.asarray(value)
    if array is not value and is_masked(value):
        raise TypeError(f"{function}: {name} is a masked array, whose mask would be lost")
    if array.ndim == 0:
        raise ValueError(f"{function}: {name} must have at least one dimension, got a scalar")
    return array


def result_dtype(function: str, **arrays: Array) -> Dtype:
    """Return the dtype of the result of a function of some arrays."""
    first, *others = (array.dtype for array in arrays.values())
    if first in _RESULT and all(dtype == first for dtype in others):
        return _RESULT[first]
    for name, array in arrays.items():
        if array.dtype.newbyteorder("=") not in _RESULT:
            raise TypeError(
                f"{function}: {name} must hold real numbers of at most 64 bits, got {array.dtype}"
            )
    return _RESULT[np.result_type(*arrays.values())]


def axis_of(function: str, axis: Any, ndim: int) -> int:
    """Return an axis counted from the first."""
    try:
        position = operator.index(axis)
    except TypeError:
        raise TypeError(f"{function}: axis must be an integer, got {axis!r}") from None
    if not -ndim <= position < ndim:
        raise np.exceptions.AxisError(position, ndim, function)
    return position % ndim


def out_of(function: str, name: str, out: Any, shape: Shape, dtype: Dtype) -> Array | None:
    """Return the array for a result, if one is given."""
    if isinstance(out, tuple) and len(out) == 1:
        (out,) = out
    if out is None:
        return None
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{function}: {name} must be an ndarray, got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{function}: {name} must have the shape {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError(f"{function}: {name} is read-only")
    if out.dtype != dtype and not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"{function}: {name} of {out.dtype} cannot take a result of {dtype}")
    return out


def mask_of(function: str, where: Any, shape: Shape) -> Array | None:
    """Return ``where`` as an array of a shape, or None where it leaves everything in."""
    if where is True:
        return None
    mask = np.asarray(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"{function}: where must hold booleans, got {mask.dtype}")
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise ValueError(
            f"{function}: where of shape {mask.shape} does not broadcast to {shape}"
        ) from None


# The way to the kernels.


def _is_ready(array: Array, dtype: Dtype) -> bool:
    """Whether a kernel can work on an array as it is."""
    return array.dtype == dtype and array.dtype.isnative and array.flags.aligned


def _is_same(a: Array, b: Array) -> bool:
    """Whether two arrays are the same memory in the same order."""
    return (
        a.shape == b.shape
        and a.strides == b.strides
        and a.dtype == b.dtype
        and a.ctypes.data == b.ctypes.data
    )


def compiled_addresses(kernel: str, precision: str) -> tuple[int, tuple[int, int]]:
    """Return where a row kernel is compiled, and its form for columns: 0 where it is not."""
    if not engines.COMPILED:
        return 0, (0, 0)
    place = kernel, precision
    return ROWS[place], COLUMNS.get(place, (0, 0))


def _addresses(kernel: str, precision: str) -> tuple[int, tuple[int, int]]:
    """Return where the current engine has a row kernel, and its form for columns."""
    if engines.current_engine() == "compiled":
        return compiled_addresses(kernel, precision)
    from .jit.native import compiled_row

    return compiled_row(kernel, precision).address, (0, 0)


def _run(kernel: str, inputs: list[Array], outputs: list[Array], axis: int) -> None:
    """Run a row kernel of the current engine on arrays that are ready for it."""
    arrays = (*inputs, *outputs)
    precision = _PRECISION[inputs[0].dtype]
    if engines.COMPILED:
        address, for_columns = _addresses(kernel, precision)
        run_rows(address, for_columns, arrays, len(inputs), axis)
        return
    from .jit.arrays import call_rows

    moved = [np.moveaxis(array, axis, -1) for array in arrays]
    rows = []
    for k, array in enumerate(moved):
        dtype = _SINGLE if array.dtype == _HALF else array.dtype
        if k < len(inputs):
            made = np.ascontiguousarray(array, dtype)
        else:
            made = np.empty(array.shape, dtype)
        rows.append(made.reshape(-1, array.shape[-1]))
    call_rows(kernel, precision, tuple(rows))
    # A function in float16 rounds to it; that is no cast that could warn.
    with np.errstate(all="ignore"):
        for target, row in list(zip(moved, rows, strict=True))[len(inputs) :]:
            target[...] = row.reshape(target.shape)


def apply(
    kernel: str,
    inputs: list[tuple[Array, Dtype]],
    results: list[tuple[Array | None, Shape, Dtype]],
    axis: int,
) -> list[Array]:
    """Run a row kernel on arguments that are checked.

    Parameters
    ----------
    kernel : str
        Its name.
    inputs : list of tuple
        Arrays of one shape but for their lengths along the axis, and the dtypes to convert them
        to; the first one is that of the function.
    results : list of tuple
        An array to put the result in, or None; the shape; the dtype.
    axis : int
        Not negative.

    Returns
    -------
    list of ndarray
        The given arrays and new ones.
    """
    given = [a if _is_ready(a, dtype) else np.require(a, dtype, "A") for a, dtype in inputs]
    made = []
    for out, shape, result in results:
        if out is None or not _is_ready(out, result):
            made.append(np.empty(shape, result))
            continue
        made.append(np.asarray(out))
        # In place is exactly the input, or a copy of it.
        given = [
            a.copy() if np.may_share_memory(a, out) and not _is_same(a, out) else a for a in given
        ]
    if all(array.size for array in (*given, *made)):
        _run(kernel, given, made, axis)
    for k, (out, _, _) in enumerate(results):
        if out is not None:
            if not np.may_share_memory(out, made[k]):
                np.copyto(out, made[k], casting="same_kind")
            made[k] = out
    return made
