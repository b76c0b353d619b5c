"""Functions along an axis: softmax and its relatives."""

from __future__ import annotations

import inspect
import math
import textwrap
from functools import partial
from typing import Any, ClassVar

import numpy as np

from .calls import RowCall, takes_vectorcalls
from .chunked import along_axis, is_dask, masked
from .described import Described
from .formulas.language import PRECISIONS
from .rows import (
    Array,
    Shape,
    apply,
    array_of,
    axis_of,
    compiled_addresses,
    mask_of,
    out_of,
    result_dtype,
)


class RowForm(RowCall):
    """A function along an axis, or its gradient.

    Calling it takes the short way to the kernel for small contiguous arrays, and `_compute`, with
    the signature that it shows, for everything else.

    Parameters
    ----------
    name : str
        Its own.
    kernel : str
        That of its kernel.
    operands : int
        How many arrays it takes.
    doc : str
        Its docstring.
    of_numbers, to_numbers : bool
        Whether the first operand, and the result, hold one number for each row.
    """

    def __init__(
        self,
        name: str,
        kernel: str,
        operands: int,
        doc: str | None,
        *,
        of_numbers: bool = False,
        to_numbers: bool = False,
    ) -> None:
        self.__name__ = name
        self.__doc__ = doc
        self._kernel = kernel
        single, double = (compiled_addresses(kernel, p.dtype) for p in PRECISIONS)
        super().__init__(
            operands,
            tuple(self.__signature__.parameters)[operands:],
            (single[0], double[0]),
            (single[1], double[1]),
            of_numbers=of_numbers,
            to_numbers=to_numbers,
        )

    def numba_kernel(self, dtype: str) -> int:
        """Return the address of the kernel that Numba has compiled, or compiles now."""
        from .jit.native import compiled_row

        address: int = compiled_row(self._kernel, dtype).address
        return address

    def general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call with any arguments."""
        return self._compute(*args, **kwargs)

    def _compute(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._compute)

    def __repr__(self) -> str:
        parameters = self.__signature__.parameters.values()
        names = ", ".join(str(p.replace(annotation=p.empty)) for p in parameters)
        return f"<activation {self.__name__}({names})>"


class Rowwise(RowForm, Described):
    """What functions along an axis have in common.

    Attributes
    ----------
    name : str
        The name that `fastcpuact.get` finds it by.
    backward : RowForm
        The gradient.
    kind : str
        ``"rowwise"``.
    aliases : tuple of str
        None.
    params : dict
        None.
    """

    kind = "rowwise"
    aliases: tuple[str, ...] = ()
    params: ClassVar[dict[str, float | None]] = {}

    name: str
    backward: RowForm

    def __init__(self, name: str, doc: str, *, to_numbers: bool = False) -> None:
        super().__init__(name, f"{name}_row", 1, doc, to_numbers=to_numbers)
        self.name = name

    def __reduce__(self) -> str:
        return self.name


class Backward(RowForm):
    """The gradient of a function along an axis."""

    def __init__(self, function: Rowwise, *, of_numbers: bool = False) -> None:
        name = function.name
        doc = inspect.getdoc(self._compute)
        super().__init__(f"{name}.backward", f"{name}_backward_row", 2, doc, of_numbers=of_numbers)
        self._function = function

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._function, "backward")


@takes_vectorcalls
class RowFunction(Rowwise):
    """A function from rows to rows, called as ``f(x, axis=-1, out=None, where=True)``."""

    def __init__(self, name: str, doc: str, *, least: float, masked: float) -> None:
        super().__init__(name, doc)
        self._least = least  # the input that counts for nothing
        self._masked = masked  # the output that stands for it
        self.backward = RowBackward(self)

    def _compute(
        self, x: Any, axis: int = -1, out: Array | None = None, where: Any = True
    ) -> Array:
        if is_dask(x):
            return _chunked(self, x, axis, out, where)
        array = array_of(self.name, "x", x)
        dtype = result_dtype(self.name, x=array)
        axis = axis_of(self.name, axis, array.ndim)
        mask = mask_of(self.name, where, array.shape)
        out = out_of(self.name, "out", out, array.shape, dtype)
        if mask is not None:
            array = np.where(mask, array, dtype.type(self._least))
        [y] = apply(self._kernel, [(array, dtype)], [(out, array.shape, dtype)], axis)
        if mask is not None:
            np.copyto(y, self._masked, where=~mask)
        return y


@takes_vectorcalls
class RowBackward(Backward):
    """The gradient of a function from rows to rows, from its result."""

    def _compute(self, dy: Any, y: Any, axis: int = -1, out: Array | None = None) -> Array:
        """Return the gradient with respect to x, computed from y.

        Parameters
        ----------
        dy : array_like
            Upstream gradient, of the shape of ``y``. What was masked out has no gradient: it
            must be 0 there for `log_softmax`, and may be anything finite for the others.
        y : array_like
            Result of the forward pass.
        axis : int, default -1
            The axis of the forward pass.
        out : ndarray, optional
            Where to put the result; may be ``dy`` or ``y``.

        Returns
        -------
        ndarray
            Of the shape of ``y``.

        Raises
        ------
        TypeError
            For what are not real numbers of at most 64 bits, or an ``out`` that cannot take the
            result.
        ValueError
            For a scalar, different shapes, or a read-only ``out``.
        numpy.exceptions.AxisError
            For an axis that ``y`` does not have.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcpuact as act
        >>> y = act.softmax(np.array([0.0, 0.0]))
        >>> act.softmax.backward(np.array([1.0, 0.0]), y)
        array([ 0.25, -0.25])
        """
        name = self.__name__
        if is_dask(dy) or is_dask(y):
            dtype = result_dtype(name, dy=dy, y=y)
            return along_axis(self, name, (dy, y), axis_of(name, axis, y.ndim), dtype, out)
        upstream, saved = array_of(name, "dy", dy), array_of(name, "y", y)
        if upstream.shape != saved.shape:
            raise ValueError(
                f"{name}: dy and y must have one shape, got {upstream.shape} and {saved.shape}"
            )
        dtype = result_dtype(name, dy=upstream, y=saved)
        axis = axis_of(name, axis, saved.ndim)
        out = out_of(name, "out", out, saved.shape, dtype)
        inputs = [(upstream, dtype), (saved, dtype)]
        [dx] = apply(self._kernel, inputs, [(out, saved.shape, dtype)], axis)
        return dx


@takes_vectorcalls
class LogSumExp(Rowwise):
    """A function from rows to numbers: log(Σ e^x)."""

    def __init__(self, doc: str) -> None:
        super().__init__("logsumexp", doc, to_numbers=True)
        self.backward = LogSumExpBackward(self, of_numbers=True)

    def _compute(
        self,
        x: Any,
        axis: int = -1,
        out: Array | None = None,
        where: Any = True,
        keepdims: bool = False,
    ) -> Any:
        if is_dask(x):
            y = _chunked(self, x, axis, out, where, keeps_axis=False)
            return np.expand_dims(y, axis) if keepdims else y
        array = array_of(self.name, "x", x)
        dtype = result_dtype(self.name, x=array)
        axis = axis_of(self.name, axis, array.ndim)
        mask = mask_of(self.name, where, array.shape)
        kept, reduced = _shapes(array.shape, axis)
        out = out_of(self.name, "out", out, kept if keepdims else reduced, dtype)
        if mask is not None:
            array = np.where(mask, array, dtype.type(-math.inf))
        if array.shape[axis] == 0:
            # Nothing sums to 0, and so do numbers e^-∞.
            array = np.full(kept, -math.inf, dtype)
        target = (
            out if out is None else out.reshape(kept) if keepdims else np.expand_dims(out, axis)
        )
        [y] = apply(self._kernel, [(array, dtype)], [(target, kept, dtype)], axis)
        if out is not None:
            return out
        return y if keepdims else y.reshape(reduced)[()]


@takes_vectorcalls
class LogSumExpBackward(Backward):
    """The gradient of log(Σ e^x), from x."""

    def _compute(
        self, dy: Any, x: Any, axis: int = -1, out: Array | None = None, where: Any = True
    ) -> Array:
        """Return the gradient with respect to x: dy·softmax(x).

        Parameters
        ----------
        dy : array_like
            Upstream gradient, of the shape of the result with or without ``keepdims``. A number of
            Python's takes the dtype of the result of ``x``.
        x : array_like
            Input of the forward pass.
        axis : int, default -1
            The axis of the forward pass.
        out : ndarray, optional
            Where to put the result; may be ``x``.
        where : array_like of bool, default True
            The mask of the forward pass.

        Returns
        -------
        ndarray
            Of the shape of ``x``; 0 where masked out.

        Raises
        ------
        TypeError
            For what are not real numbers of at most 64 bits, a mask that is not boolean, or an
            ``out`` that cannot take the result.
        ValueError
            For a scalar ``x``, shapes that do not fit together, or a read-only ``out``.
        numpy.exceptions.AxisError
            For an axis that ``x`` does not have.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcpuact as act
        >>> act.logsumexp.backward(2.0, np.array([0.0, 0.0]))
        array([1., 1.])
        """
        name = self.__name__
        if not is_dask(x):
            x = array_of(name, "x", x)
        if type(dy) in (int, float):
            # As in NumPy's functions, a number of Python's takes the dtype of the array.
            dy = result_dtype(name, x=x).type(dy)
        if is_dask(x):
            kept = dy if np.ndim(dy) == x.ndim else np.expand_dims(dy, axis)
            return kept * softmax(x, axis=axis, out=out, where=where)
        upstream = array_of(name, "dy", np.atleast_1d(dy))
        dtype = result_dtype(name, dy=upstream, x=x)
        axis = axis_of(name, axis, x.ndim)
        mask = mask_of(name, where, x.shape)
        kept, reduced = _shapes(x.shape, axis)
        if np.shape(dy) not in (kept, reduced):
            raise ValueError(
                f"{name}: dy must have the shape {reduced} or {kept} of the result, "
                f"got {np.shape(dy)}"
            )
        out = out_of(name, "out", out, x.shape, dtype)
        if mask is not None:
            x = np.where(mask, x, dtype.type(-math.inf))
        inputs = [(upstream.reshape(kept), dtype), (x, dtype)]
        [dx] = apply(self._kernel, inputs, [(out, x.shape, dtype)], axis)
        if mask is not None:
            np.copyto(dx, 0, where=~mask)
        return dx


def _chunked(
    function: Any, x: Any, axis: int, out: Any, where: Any, keeps_axis: bool = True
) -> Any:
    """Return a function of a Dask array."""
    name, dtype = function.name, result_dtype(function.name, x=x)
    axis = axis_of(name, axis, x.ndim)
    if where is True:
        return along_axis(function, name, (x,), axis, dtype, out, keeps_axis)
    call = partial(masked, function)
    return along_axis(call, name, (x, where), axis, dtype, out, keeps_axis)


def _shapes(shape: Shape, axis: int) -> tuple[Shape, Shape]:
    """Return the shape of one number for each row, with the axis kept and without it."""
    return (*shape[:axis], 1, *shape[axis + 1 :]), (*shape[:axis], *shape[axis + 1 :])


# The functions.

_DOC = """{name} along an axis: {value}.

Called as ``{name}{signature}``.  The gradient is
``{name}.backward{backward}``: {gradient}.

Parameters
----------
x : array_like
    Input of at least one dimension. float16, float32 and float64 keep their dtype; bool and
    integers are promoted as NumPy's exp does.
axis : int, default -1
    The axis of the rows. SciPy's default is the whole array.
out : ndarray, optional
    Where to put the result; may be ``x``.
where : array_like of bool, default True
    What counts, broadcast to the shape of ``x``.
{keepdims}
Returns
-------
{returns}

Raises
------
TypeError
    For what are not real numbers of at most 64 bits, a mask that is not boolean, or an ``out``
    that cannot take the result.
ValueError
    For a scalar ``x``, a mask or an ``out`` of the wrong shape, or a read-only ``out``.
numpy.exceptions.AxisError
    For an axis that ``x`` does not have.

Notes
-----
{notes}

Examples
--------
>>> import numpy as np
>>> import fastcpuact as act
{example}
"""


def _doc(
    name: str,
    value: str,
    gradient: str,
    notes: str,
    example: tuple[str, ...],
    *,
    returns: str = "Of the shape of ``x``; each row sums to 1.",
    number: bool = False,
) -> str:
    """Describe a function; one that gives a number for each row has two arguments more."""
    more = ", keepdims=False" if number else ""
    return _DOC.format(
        name=name,
        value=value,
        gradient=gradient,
        notes=textwrap.fill(notes, 96),
        example="\n".join(example),
        returns=f"ndarray{' or scalar' if number else ''}\n    {returns}",
        signature=f"(x, axis=-1, out=None, where=True{more})",
        backward=f"(dy, {'x' if number else 'y'}, axis=-1, out=None{', where=True' * number})",
        keepdims="keepdims : bool, default False\n    Keep the axis, with length 1.\n" * number,
    )


_NO_LIMIT = (
    "A row that holds NaN, that holds +inf twice, or that is all -inf gives NaN; one +inf takes "
    "all. "
)
_MASKED = "Where masked out, the result is 0, also in a row masked whole. "
_ERROR = (
    "A result is at most 4 units in the last place from the exact value, in rows of any length; "
    "a gradient, 4 units of the larger one of the two terms of its difference."
)
_NO_SORTING = "There is no sorting: only elements near the largest are looked at more than twice. "

softmax = RowFunction(
    "softmax",
    _doc(
        "softmax",
        "e^x / Σ e^x",
        "y·(dy - Σ y·dy)",
        _NO_LIMIT + _MASKED + _ERROR,
        (
            ">>> act.softmax(np.array([[0.0, 0.0], [0.0, np.inf]]))",
            "array([[0.5, 0.5],",
            "       [0. , 1. ]])",
        ),
    ),
    least=-math.inf,
    masked=0.0,
)
softmin = RowFunction(
    "softmin",
    _doc(
        "softmin",
        "e^-x / Σ e^-x",
        "-y·(dy - Σ y·dy)",
        "The softmax of -x. " + _MASKED + _ERROR,
        (">>> act.softmin(np.array([0.0, 0.0, np.inf]))", "array([0.5, 0.5, 0. ])"),
    ),
    least=math.inf,
    masked=0.0,
)
log_softmax = RowFunction(
    "log_softmax",
    _doc(
        "log_softmax",
        "x - log(Σ e^x)",
        "dy - e^y·Σ dy",
        _NO_LIMIT + "Where masked out, the result is -inf. " + _ERROR + " That holds for the "
        "largest element too, however little the others add to it.",
        (
            ">>> act.log_softmax(np.array([50.0, 0.0]))",
            "array([-1.92874985e-22, -5.00000000e+01])",
        ),
        returns="Of the shape of ``x``, and at most 0.",
    ),
    least=-math.inf,
    masked=-math.inf,
)
logsumexp = LogSumExp(
    _doc(
        "logsumexp",
        "log(Σ e^x)",
        "dy·softmax(x)",
        "A row that holds NaN gives NaN; else +inf gives +inf, and a row that is all -inf, masked "
        "whole or empty gives -inf. A result is at most 4 units in the last place from the exact "
        "value, or 2**-56 where it is so near 0 that this is more.",
        (
            ">>> float(act.logsumexp(np.array([1000.0, 1000.0])))",
            "1000.6931471805599",
        ),
        returns="Of the shape of ``x`` without the axis, or with it kept.",
        number=True,
    )
)
sparsemax = RowFunction(
    "sparsemax",
    _doc(
        "sparsemax",
        "max(x - τ, 0), τ such that Σ = 1",
        "dy less its mean where y > 0, and 0 elsewhere",
        "The point of the simplex nearest to x (Martins, Astudillo 2016). "
        + _NO_SORTING
        + _NO_LIMIT
        + _MASKED
        + _ERROR,
        (">>> act.sparsemax(np.array([1.0, 0.5, -1.0]))", "array([0.75, 0.25, 0.  ])"),
    ),
    least=-math.inf,
    masked=0.0,
)
entmax15 = RowFunction(
    "entmax15",
    _doc(
        "entmax15",
        "max(x/2 - τ, 0)², τ such that Σ = 1",
        "√y·(dy - Σ √y·dy / Σ √y)",
        "The α-entmax for α = 3/2, between softmax and sparsemax (Peters, Niculae, Martins 2019). "
        + _NO_SORTING
        + _NO_LIMIT
        + _MASKED
        + _ERROR,
        (">>> act.entmax15(np.array([1.0, 1.0, -3.0]))", "array([0.5, 0.5, 0. ])"),
    ),
    least=-math.inf,
    masked=0.0,
)
