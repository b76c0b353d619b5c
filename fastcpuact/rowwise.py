"""Functions along an axis."""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy as np

from . import engines

if engines.COMPILED:
    from .kernels.rows import run_rows
    from .kernels.select import ROWS

    # np.dtype.name takes longer than a short row.
    _ADDRESSES = {(name, np.dtype(dtype)): address for (name, dtype), address in ROWS.items()}


_COMPUTED = (np.dtype(np.float32), np.dtype(np.float64))
# The axes that NumPy's iterators of C, which the compiled engine uses, have room for.
_ITERATED_NDIM = 32


def _result_dtype(arrays: tuple[np.ndarray, ...]) -> np.dtype[Any]:
    """Return the dtype that ``np.exp`` gives for the arrays together; float32 at least."""
    common = arrays[0].dtype
    if common in _COMPUTED and all(array.dtype == common for array in arrays):
        return common
    common = np.result_type(*arrays)
    if common.kind not in "biuf" or common.itemsize > 8:
        raise TypeError(f"softmax takes real numbers up to float64, got {common}")
    if common.kind != "f":
        common = np.dtype(np.float32 if common.itemsize <= 2 else np.float64)
    return common if common.itemsize > 4 else np.dtype(np.float32)


def _axis(axis: Any, ndim: int) -> int:
    position = operator.index(axis)
    if not -ndim <= position < ndim:
        raise np.exceptions.AxisError(position, ndim)
    return position % ndim


def _run(name: str, arrays: tuple[np.ndarray, ...], axis: int) -> None:
    """Run a row kernel of the current engine; the last array is the output."""
    if arrays[0].size == 0:
        return
    compiled = engines.current_engine() == "compiled"
    if compiled and arrays[0].ndim <= _ITERATED_NDIM:
        run_rows(_ADDRESSES[name, arrays[0].dtype], arrays, axis)
        return
    moved = [np.moveaxis(array, axis, -1) for array in arrays]
    rows = tuple(np.ascontiguousarray(array).reshape(-1, array.shape[-1]) for array in moved[:-1])
    result = np.empty_like(rows[0])
    if compiled:
        run_rows(_ADDRESSES[name, result.dtype], (*rows, result), 1)
    else:
        from .jit.arrays import call_rows

        call_rows(name, (*rows, result))
    moved[-1][...] = result.reshape(moved[-1].shape)


def _apply(name: str, inputs: tuple[Any, ...], axis: Any, out: Any) -> np.ndarray:
    """Check arguments, convert what the kernels do not take, and run."""
    for value in inputs:
        if "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray):
            raise TypeError("softmax takes no masked array: its mask would be lost")
    if isinstance(out, tuple) and len(out) == 1:
        (out,) = out
    arrays = tuple(np.asarray(value) for value in inputs)
    first = arrays[0]
    if first.ndim == 0:
        raise ValueError("softmax needs an array of at least one dimension, got a scalar")
    if any(array.shape != first.shape for array in arrays):
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"dy and y must have one shape, got {shapes}")
    dtype = _result_dtype(arrays)
    axis = _axis(axis, first.ndim)
    if out is not None:
        if not isinstance(out, np.ndarray):
            raise TypeError(f"out must be an ndarray, got {type(out).__name__}")
        if out.shape != first.shape:
            raise ValueError(f"out must have the shape {first.shape}, got {out.shape}")
        if not out.flags.writeable:
            raise ValueError("out is read-only")
        if not np.can_cast(dtype, out.dtype, "same_kind"):
            raise TypeError(f"out of dtype {out.dtype} cannot take a result of {dtype}")
    arrays = tuple(
        array if array.dtype == dtype and array.flags.aligned else np.require(array, dtype, "A")
        for array in arrays
    )
    direct = out is not None and out.dtype == dtype and out.dtype.isnative and out.flags.aligned
    if direct:
        # In place is exactly the input, or a copy of it.
        arrays = tuple(
            array.copy() if np.may_share_memory(array, out) and not _same(array, out) else array
            for array in arrays
        )
    result = np.asarray(out) if direct else np.empty(first.shape, dtype)
    _run(name, (*arrays, result), axis)
    if out is None:
        return result
    if not direct:
        np.copyto(out, result, casting="same_kind")
    return out


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays of one shape and dtype are the same memory in the same order."""
    return a.strides == b.strides and a.ctypes.data == b.ctypes.data


class Softmax:
    """Softmax along an axis: e^(x - max) / sum of e^(x - max).

    Called as ``softmax(x, axis=-1, out=None)``.  The default axis is the last one, as in
    PyTorch and JAX; SciPy's default is the whole array.

    Parameters
    ----------
    x : array_like
        Input of at least one dimension. float32 and float64 keep their dtype.
    axis : int, default -1
        Axis along which the results sum to one.
    out : ndarray, optional
        Where to put the result; may be ``x``.

    Returns
    -------
    ndarray
        Of the shape of ``x``. A row that holds NaN, that holds +inf twice, or that is all -inf
        gives NaN; a single +inf gives 1 there and 0 elsewhere.

    Raises
    ------
    TypeError
        For complex and other dtypes that are not real numbers, or an ``out`` that cannot take
        the result.
    ValueError
        For a scalar, or an ``out`` of another shape or read-only.
    numpy.exceptions.AxisError
        For an axis that ``x`` does not have.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcpuact as act
    >>> act.softmax(np.array([[0.0, 0.0], [0.0, np.inf]]))
    array([[0.5, 0.5],
           [0. , 1. ]])
    """

    name = "softmax"

    def __call__(self, x: Any, axis: int = -1, out: np.ndarray | None = None) -> np.ndarray:
        """Return softmax(x); see the class."""
        return _apply("softmax_row", (x,), axis, out)

    def backward(
        self, dy: Any, y: Any, axis: int = -1, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the gradient with respect to x: y·(dy - sum of y·dy along the axis).

        Parameters
        ----------
        dy : array_like
            Upstream gradient.
        y : array_like
            Result of the forward pass, of the shape of ``dy``.
        axis : int, default -1
            The axis of the forward pass.
        out : ndarray, optional
            Where to put the result; may be ``dy`` or ``y``.

        Returns
        -------
        ndarray
            Of the shape of ``y``.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcpuact as act
        >>> y = act.softmax(np.array([0.0, 0.0]))
        >>> act.softmax.backward(np.array([1.0, 0.0]), y)
        array([ 0.25, -0.25])
        """
        return _apply("softmax_backward_row", (dy, y), axis, out)

    def __reduce__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return "<activation softmax(x, axis=-1, out=None)>"


softmax = Softmax()
