"""Gated pairs, value·g(gate), and maxout."""

from __future__ import annotations

import inspect
import operator
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from .activation import Form
from .calls import takes_vectorcalls
from .chunked import is_dask, takes_no_out
from .described import Described
from .formulas import Record
from .rows import Array, Dtype, Shape, apply, array_of, axis_of, out_of, result_dtype

_INDEX = np.dtype(np.intp)


@takes_vectorcalls
class GatedForm(Form):
    """A form of a gated pair, whose operands may be given by name too."""

    def general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call with any arguments that a NumPy ufunc takes, and operands by name."""
        operands = list(args)
        named = dict(kwargs)
        for name in self.form.operands[len(args) :]:
            if name not in named:
                break
            operands.append(named.pop(name))
        if len(operands) == len(args):
            return super().general(args, kwargs)
        return self(*operands, **named)

    @property
    def __signature__(self) -> inspect.Signature:
        signature = super().__signature__
        parameters = [
            p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.kind is p.POSITIONAL_ONLY else p
            for p in signature.parameters.values()
        ]
        return signature.replace(parameters=parameters)


@takes_vectorcalls
class Gated(GatedForm, Described):
    """A gated pair: ``f(value, gate)`` is value·g(gate).

    Attributes
    ----------
    backward : GatedForm
        ``f.backward(dy, value, gate)`` is the pair of gradients (dvalue, dgate), in one pass.
    record : Record
        What the registry says of it: formulas, error bounds.
    kind : str
        ``"gated"``.

    Examples
    --------
    >>> import fastcpuact as act
    >>> float(act.glu(2.0, 0.0))
    1.0
    >>> dvalue, dgate = act.glu.backward(1.0, 2.0, 0.0)
    >>> float(dvalue), float(dgate)
    (0.5, 0.5)
    """

    kind = "gated"

    def __init__(self, record: Record) -> None:
        super().__init__(record, "value")

    @property
    def name(self) -> str:
        """The name."""
        return self.record.name

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that `fastcpuact.get` accepts."""
        return self.record.aliases

    @property
    def params(self) -> dict[str, float | None]:
        """None."""
        return self.record.params

    @cached_property
    def backward(self) -> GatedForm:
        """The gradients with respect to value and gate."""
        return GatedForm(self.record, "backward")

    def packed(
        self, x: Any, axis: int = -1, gate: str = "second", out: Array | None = None
    ) -> Array:
        """Return f of the two halves of one array.

        Parameters
        ----------
        x : array_like
            Values and gates, one half each along the axis.
        axis : int, default -1
            The axis that is split; its length must be even.
        gate : {"second", "first"}
            Which half is the gate: the second one for PyTorch's glu, the first one in many
            language models (``silu(x[:d]) * x[d:]``).
        out : ndarray, optional
            Where to put the result.

        Returns
        -------
        ndarray
            Of the shape of ``x`` with the axis half as long; of a Dask array another one.

        Raises
        ------
        TypeError
            For what are not real numbers of at most 64 bits, or an ``out`` that cannot take the
            result.
        ValueError
            For a scalar, an axis of odd length, another word as ``gate``, or an ``out`` that is
            read-only or of the wrong shape.
        numpy.exceptions.AxisError
            For an axis that ``x`` does not have.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcpuact as act
        >>> act.reglu.packed(np.array([2.0, 3.0, 1.0, -1.0]))
        array([2., 0.])
        >>> act.reglu.packed(np.array([2.0, 3.0, 1.0, -1.0]), gate="first")
        array([ 2., -3.])
        """
        name = f"{self.name}.packed"
        array = x if is_dask(x) else array_of(name, "x", x)
        dtype = result_dtype(name, x=array)
        values, gates = _halves(name, array, axis_of(name, axis, array.ndim), gate)
        if is_dask(x):
            takes_no_out(name, out)
            return self(values, gates)
        out = out_of(name, "out", out, values.shape, dtype)
        result: Array = self(values, gates, out=out)
        return result

    def packed_backward(
        self, dy: Any, x: Any, axis: int = -1, gate: str = "second", out: Array | None = None
    ) -> Array:
        """Return the gradient of `packed` with respect to x, in one pass.

        Parameters
        ----------
        dy : array_like
            Upstream gradient, of the shape of the result of `packed`.
        x : array_like
            Input of the forward pass.
        axis : int, default -1
            The axis of the forward pass.
        gate : {"second", "first"}
            Which half is the gate.
        out : ndarray, optional
            Where to put the result; may be ``x``.

        Returns
        -------
        ndarray
            Of the shape of ``x``, with both gradients where their operands are; of Dask arrays
            another one.

        Raises
        ------
        TypeError
            For what are not real numbers of at most 64 bits, or an ``out`` that cannot take the
            result.
        ValueError
            For a scalar, an axis of odd length, another word as ``gate``, a ``dy`` of another
            shape, or an ``out`` that is read-only or of the wrong shape.
        numpy.exceptions.AxisError
            For an axis that ``x`` does not have.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcpuact as act
        >>> act.reglu.packed_backward(np.ones(2), np.array([2.0, 3.0, 1.0, -1.0]))
        array([1., 0., 2., 0.])
        """
        name = f"{self.name}.packed_backward"
        upstream = dy if is_dask(dy) else array_of(name, "dy", dy)
        array = x if is_dask(x) else array_of(name, "x", x)
        dtype = result_dtype(name, dy=upstream, x=array)
        axis = axis_of(name, axis, array.ndim)
        values, gates = _halves(name, array, axis, gate)
        if upstream.shape != values.shape:
            raise ValueError(
                f"{name}: dy must have the shape {values.shape} of the result, got {upstream.shape}"
            )
        if is_dask(dy) or is_dask(x):
            takes_no_out(name, out)
            dvalue, dgate = self.backward(upstream, values, gates)
            return np.concatenate((dvalue, dgate) if gate == "second" else (dgate, dvalue), axis)
        out = out_of(name, "out", out, array.shape, dtype)
        dx = np.empty(array.shape, dtype) if out is None else out
        self.backward(upstream, values, gates, out=_halves(name, dx, axis, gate))
        return dx


def _halves(name: str, x: Array, axis: int, gate: Any) -> tuple[Array, Array]:
    """Return views of the values and of the gates."""
    if gate not in ("first", "second"):
        raise ValueError(f"{name}: gate must be 'first' or 'second', got {gate!r}")
    length = x.shape[axis]
    if length % 2:
        raise ValueError(f"{name}: axis {axis} of x must have an even length, got {length}")
    before = (slice(None),) * axis
    first = x[(*before, slice(length // 2))]
    second = x[(*before, slice(length // 2, None))]
    return (first, second) if gate == "second" else (second, first)


class Maxout(Described):
    """The largest of each group of neighbours along an axis: maxout.

    Called as ``maxout(x, pieces, axis=-1, out=None)``.  The axis, of length n·pieces, is n groups
    of neighbours: result j is the largest of ``x[j*pieces:(j + 1)*pieces]``.  In memory this is
    the layout (…, n, pieces) too.

    Parameters
    ----------
    x : array_like
        Input of at least one dimension. float16, float32 and float64 keep their dtype; bool and
        integers are promoted as NumPy's exp does.
    pieces : int
        How many neighbours make a group; the length of the axis must be a multiple of it.
    axis : int, default -1
        The axis of the groups.
    out : tuple of ndarray, optional
        Where to put the two results.

    Returns
    -------
    y : ndarray
        The largest of each group; NaN if it holds NaN.
    which : ndarray of intp
        Its place in the group: the first, if there are several.

    Raises
    ------
    TypeError
        For what are not real numbers of at most 64 bits, ``pieces`` that are no integer, or an
        ``out`` that cannot take the results.
    ValueError
        For a scalar, ``pieces`` that do not divide the axis, or an ``out`` that is read-only or of
        the wrong shape.
    numpy.exceptions.AxisError
        For an axis that ``x`` does not have.

    Notes
    -----
    Goodfellow et al., "Maxout networks", 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcpuact as act
    >>> y, which = act.maxout(np.array([1.0, 5.0, 2.0, 2.0]), 2)
    >>> y, which
    (array([5., 2.]), array([1, 0]))
    >>> act.maxout.backward(np.array([10.0, 20.0]), which, 2)
    array([ 0., 10., 20.,  0.])
    """

    name = "maxout"
    kind = "groupwise"
    aliases: tuple[str, ...] = ()
    params: ClassVar[dict[str, float | None]] = {"pieces": None}

    def __call__(
        self, x: Any, pieces: int, axis: int = -1, out: tuple[Array, Array] | None = None
    ) -> tuple[Array, Array]:
        """Return the largest elements and their places; see the class."""
        array = array_of(self.name, "x", x)
        dtype = result_dtype(self.name, x=array)
        axis = axis_of(self.name, axis, array.ndim)
        count = _pieces(self.name, pieces)
        groups, rest = divmod(array.shape[axis], count)
        if rest:
            raise ValueError(
                f"{self.name}: axis {axis} of x must have a multiple of {count} elements, "
                f"got {array.shape[axis]}"
            )
        if out is not None and not (isinstance(out, tuple) and len(out) == 2):
            raise TypeError(f"{self.name}: out must be a tuple of two arrays, got {out!r}")
        shape = (*array.shape[:axis], groups, *array.shape[axis + 1 :])
        results: list[tuple[Array | None, Shape, Dtype]] = [
            (out_of(self.name, f"out[{k}]", (out or (None, None))[k], shape, kind), shape, kind)
            for k, kind in enumerate((dtype, _INDEX))
        ]
        if out is not None and np.may_share_memory(*out):
            raise ValueError(f"{self.name}: the two arrays of out overlap")
        y, which = apply("maxout_row", [(array, dtype)], results, axis)
        return y, which

    def backward(
        self, dy: Any, which: Any, pieces: int, axis: int = -1, out: Array | None = None
    ) -> Array:
        """Return the gradient with respect to x: dy where the largest was, and 0 elsewhere.

        Parameters
        ----------
        dy : array_like
            Upstream gradient.
        which : array_like of int
            The places of the largest elements, of the shape of ``dy``.
        pieces : int
            How many neighbours make a group.
        axis : int, default -1
            The axis of the forward pass.
        out : ndarray, optional
            Where to put the result.

        Returns
        -------
        ndarray
            Of the shape of the input of the forward pass.

        Raises
        ------
        TypeError
            For what are not real numbers of at most 64 bits, places or ``pieces`` that are no
            integers, or an ``out`` that cannot take the result.
        ValueError
            For a scalar, different shapes, a place outside of its group, or an ``out`` that is
            read-only or of the wrong shape.
        numpy.exceptions.AxisError
            For an axis that ``dy`` does not have.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcpuact as act
        >>> act.maxout.backward(np.array([10.0]), np.array([2]), 3)
        array([ 0.,  0., 10.])
        """
        name = f"{self.name}.backward"
        upstream, places = array_of(name, "dy", dy), array_of(name, "which", which)
        dtype = result_dtype(name, dy=upstream)
        axis = axis_of(name, axis, upstream.ndim)
        count = _pieces(name, pieces)
        if places.dtype.kind not in "iu":
            raise TypeError(f"{name}: which must hold integers, got {places.dtype}")
        if places.shape != upstream.shape:
            raise ValueError(
                f"{name}: dy and which must have one shape, got {upstream.shape} and {places.shape}"
            )
        if places.size and not 0 <= int(places.min()) <= int(places.max()) < count:
            wrong = places[(places < 0) | (places >= count)].flat[0]
            raise ValueError(f"{name}: which must be from 0 to {count - 1}, got {wrong}")
        before, after = upstream.shape[:axis], upstream.shape[axis + 1 :]
        shape = (*before, upstream.shape[axis] * count, *after)
        results = [(out_of(name, "out", out, shape, dtype), shape, dtype)]
        inputs = [(upstream, dtype), (places, _INDEX)]
        [dx] = apply("maxout_backward_row", inputs, results, axis)
        return dx

    def __reduce__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return "<activation maxout(x, pieces, axis=-1, out=None)>"


def _pieces(name: str, pieces: Any) -> int:
    try:
        count = operator.index(pieces)
    except TypeError:
        raise TypeError(f"{name}: pieces must be an integer, got {pieces!r}") from None
    if count < 1:
        raise ValueError(f"{name}: pieces must be at least 1, got {count}")
    return count


maxout = Maxout()
