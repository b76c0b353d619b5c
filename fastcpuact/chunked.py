"""Dask arrays, xarray's of them and masked ones: what NumPy's protocols do not reach.

An elementwise function of one result needs nothing of this: Dask takes its ufunc.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


def is_dask(array: Any) -> bool:
    """Whether an object is a Dask array; Dask is not imported for it."""
    dask = sys.modules.get("dask.array")
    return dask is not None and isinstance(array, dask.Array)


def is_masked(array: Any) -> bool:
    """Whether an object is a masked array; `numpy.ma` is not imported for it."""
    return "numpy.ma" in sys.modules and np.ma.isMaskedArray(array)


def is_xarray(array: Any) -> bool:
    """Whether an object is an array, a variable or a dataset of xarray."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(
        array, (xarray.DataArray, xarray.Dataset, xarray.Variable)
    )


def is_chunked(operands: tuple[Any, ...]) -> bool:
    """Whether any operand is a Dask array, or xarray's, which may be made of one."""
    return any(is_dask(operand) or is_xarray(operand) for operand in operands)


def check_dask(name: str, operands: tuple[Any, ...]) -> None:
    """Refuse Dask arrays of what no kernel computes."""
    for operand in filter(is_dask, operands):
        if operand.dtype.kind not in "biuf" or operand.dtype.itemsize > np.dtype(float).itemsize:
            raise TypeError(
                f"{name}: a Dask array must hold real numbers of at most 64 bits, "
                f"got {operand.dtype}"
            ) from None


def takes_no_out(name: str, out: Any) -> None:
    """Refuse an ``out``: the results of Dask arrays are computed later."""
    if out is not None:
        raise TypeError(f"{name}: a Dask array takes no out")


def several_results(
    ufunc: np.ufunc, operands: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """Return the results of a ufunc of several, in one pass over operands that may be chunked."""
    made: tuple[Any, ...]
    if any(map(is_xarray, operands)):
        from xarray import apply_ufunc

        made = apply_ufunc(
            partial(_of_any, ufunc),
            *operands,
            output_core_dims=[()] * ufunc.nout,
            kwargs=kwargs,
            dask="allowed",
            keep_attrs=True,
        )
        return made
    if kwargs:
        raise TypeError(
            f"{ufunc.__name__}() of a Dask array takes no keyword {next(iter(kwargs))!r}"
        )
    from dask.array import apply_gufunc, asarray

    # Dask would make arrays of numbers, which are no longer weak operands then.
    numbers = {k: v for k, v in enumerate(operands) if np.ndim(v) == 0 and not is_dask(v)}
    arrays = [asarray(v) for k, v in enumerate(operands) if k not in numbers]
    widest = max(arrays, key=lambda array: array.ndim)
    arrays = [_with_chunks_of(widest, array) for array in arrays]
    function = partial(_with_numbers, ufunc, numbers)
    # The dtypes are those of the results of nothing.
    empty = function(*(np.empty((0,) * array.ndim, array.dtype) for array in arrays))
    made = apply_gufunc(
        function,
        f"{','.join(['()'] * len(arrays))}->{','.join(['()'] * ufunc.nout)}",
        *arrays,
        output_dtypes=[result.dtype for result in empty],
    )
    return made


def _with_chunks_of(widest: Any, array: Any) -> Any:
    """Split an array where another one of as many dimensions, or more, is split."""
    added = widest.ndim - array.ndim
    alike = [k for k, n in enumerate(array.shape) if n == widest.shape[added + k]]
    return array.rechunk({k: widest.chunks[added + k] for k in alike})


def _of_any(ufunc: np.ufunc, *operands: Any, **kwargs: Any) -> Any:
    if any(map(is_dask, operands)):
        return several_results(ufunc, operands, kwargs)
    return ufunc(*operands, **kwargs)


def _with_numbers(ufunc: np.ufunc, numbers: dict[int, Any], *arrays: Any) -> Any:
    """Call a ufunc with its operands in their places."""
    rest = iter(arrays)
    count = len(numbers) + len(arrays)
    return ufunc(*(numbers[k] if k in numbers else next(rest) for k in range(count)))


def along_axis(
    function: Callable[..., Any],
    name: str,
    arrays: tuple[Any, ...],
    axis: int,
    dtype: np.dtype[Any],
    out: Any = None,
    keeps_axis: bool = True,
) -> Any:
    """Return ``function(*arrays, axis=axis)`` chunk by chunk.

    Parameters
    ----------
    function : callable
        From arrays to an array; other processes must be able to load it.
    name : str
        What errors call it.
    arrays : tuple
        Arrays that broadcast to the shape of the first Dask array among them.
    axis : int
        Not negative; of that array in one chunk.
    dtype : dtype
        Of the result.
    out : object
        Refused.
    keeps_axis : bool
        Whether the result has the axis.
    """
    from dask.array import broadcast_to, map_blocks

    takes_no_out(name, out)
    first = next(array for array in arrays if is_dask(array))
    if first.numblocks[axis] > 1:
        raise ValueError(
            f"{name}: axis {axis} is split into {first.numblocks[axis]} chunks, and rows must be "
            f"whole: rechunk({{{axis}: -1}}) first"
        )
    return map_blocks(
        function,
        *(
            array if array is first else broadcast_to(array, first.shape).rechunk(first.chunks)
            for array in arrays
        ),
        axis=axis,
        dtype=dtype,
        drop_axis=[] if keeps_axis else [axis],
        meta=np.empty((0,) * (first.ndim - (not keeps_axis)), dtype),
    )


def masked(function: Callable[..., Any], x: Any, where: Any, axis: int) -> Any:
    """Call a function along an axis with a mask."""
    return function(x, axis=axis, where=where)
