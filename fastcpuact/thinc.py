"""thinc: its CPU backend with the activations of this package.

``with thinc.api.use_ops("fastcpuact"):`` builds and runs models with it; an entry point tells thinc
of the name. Where thinc clips or approximates, the exact function is computed: sigmoid and softmax
beyond ±20, gelu and its slopes in their tails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.extras import needed

with needed("thinc", __name__):
    from thinc.backends.numpy_ops import NumpyOps

__all__ = ["FastcpuactOps"]

# Where mish equals its argument in float64, and thinc takes the argument instead.
_MISH_THRESHOLD = 20.0


def _segments(lengths: Any, rows: int) -> Iterator[slice]:
    """The rows of every sequence that is not empty."""
    ends = np.cumsum(lengths)
    if (lengths < 0).any() or lengths.sum() != rows:
        raise ValueError(f"lengths must add up to {rows} rows, got {lengths.tolist()}")
    return (slice(e - n, e) for e, n in zip(ends.tolist(), lengths.tolist(), strict=True) if n)


class FastcpuactOps(NumpyOps):
    """thinc's operations on the CPU, with every activation and its gradient from fastcpuact.

    Names, arguments and ``inplace`` are those of ``thinc.api.Ops``.

    Examples
    --------
    >>> import numpy as np
    >>> from thinc.api import Gelu, use_ops
    >>> with use_ops("fastcpuact"):
    ...     model = Gelu(nO=4, nI=3).initialize()
    ...     y = model.predict(np.ones((2, 3), dtype=np.float32))
    >>> model.ops.name, y.shape
    ('fastcpuact', (2, 4))
    """

    name = "fastcpuact"

    def sigmoid(self, X: Any, *, inplace: bool = False) -> Any:
        """σ(X)."""
        return act.sigmoid(X, out=X if inplace else None)

    def dsigmoid(self, Y: Any, *, inplace: bool = False) -> Any:
        """σ' from Y = σ(X)."""
        one = np.ones((), Y.dtype)
        return act.sigmoid.backward_from_output(one, Y, out=Y if inplace else None)

    def backprop_sigmoid(self, dY: Any, Y: Any, *, inplace: bool = False) -> Any:
        """dY·σ', into Y if in place, as thinc has it."""
        return act.sigmoid.backward_from_output(dY, Y, out=Y if inplace else None)

    def dtanh(self, Y: Any, *, inplace: bool = False) -> Any:
        """tanh' from Y = tanh X."""
        one = np.ones((), Y.dtype)
        return act.tanh.backward_from_output(one, Y, out=Y if inplace else None)

    def sechsq(self, X: Any) -> Any:
        """1/cosh² X."""
        return act.tanh.grad(X)

    def softmax(
        self, x: Any, *, inplace: bool = False, axis: int = -1, temperature: float = 1.0
    ) -> Any:
        """Softmax along an axis."""
        scaled = x if temperature == 1.0 else x / temperature
        return act.softmax(scaled, axis=axis, out=x if inplace else None)

    def backprop_softmax(self, Y: Any, dY: Any, *, axis: int = -1, temperature: float = 1.0) -> Any:
        """The gradient of softmax, from its result."""
        dX = act.softmax.backward(dY, Y, axis=axis)
        return dX if temperature == 1.0 else dX / temperature

    def softmax_sequences(
        self, Xs: Any, lengths: Any, *, inplace: bool = False, axis: int = -1
    ) -> Any:
        """Softmax over the rows of every sequence."""
        if Xs.ndim != 2:
            raise NotImplementedError(f"softmax_sequences takes 2 dimensions, got {Xs.ndim}")
        Y = Xs if inplace else np.empty_like(Xs)
        for rows in _segments(lengths, len(Xs)):
            act.softmax(Xs[rows], axis=0, out=Y[rows])
        return Y

    def backprop_softmax_sequences(self, dY: Any, Y: Any, lengths: Any) -> Any:
        """The gradient of `softmax_sequences`, from its result."""
        dX = np.empty_like(Y)
        for rows in _segments(lengths, len(Y)):
            act.softmax.backward(dY[rows], Y[rows], axis=0, out=dX[rows])
        return dX

    def maxout(self, X: Any) -> Any:
        """The largest of the pieces along the last axis, and which it is."""
        batch, units, pieces = X.shape
        Y, which = act.maxout(X.reshape(batch, units * pieces), pieces)
        return Y, which.astype(np.int32)

    def backprop_maxout(self, dY: Any, which: Any, P: int) -> Any:
        """The gradient of `maxout`."""
        dX = act.maxout.backward(dY, which.astype(np.intp), P)
        return dX.reshape(*dY.shape, P)

    def relu(self, X: Any, inplace: bool = False) -> Any:
        """max(X, 0)."""
        return act.relu(X, out=X if inplace else None)

    def backprop_relu(self, dY: Any, Y: Any, inplace: bool = False) -> Any:
        """dY where Y > 0."""
        return act.relu.backward_from_output(dY, Y, out=dY if inplace else None)

    def clipped_linear(
        self,
        X: Any,
        slope: float = 1.0,
        offset: float = 0.0,
        min_val: float = 0.0,
        max_val: float = 1.0,
        inplace: bool = False,
    ) -> Any:
        """slope·X + offset, between two limits."""
        out = X if inplace else None
        if (min_val, max_val) == (0.0, 1.0):
            return act.hardsigmoid(X, slope, offset, out=out)
        return act.hardtanh(_line(X, slope, offset), min_val, max_val, out=out)

    def backprop_clipped_linear(
        self,
        dY: Any,
        X: Any,
        slope: float = 1.0,
        offset: float = 0.0,
        min_val: float = 0.0,
        max_val: float = 1.0,
        inplace: bool = False,
    ) -> Any:
        """dY·slope between the limits, 0 at and beyond them."""
        out = dY if inplace else None
        if (min_val, max_val) == (0.0, 1.0):
            return act.hardsigmoid.backward(dY, X, slope, offset, out=out)
        dX = act.hardtanh.backward(dY, _line(X, slope, offset), min_val, max_val, out=out)
        if slope != 1.0:
            dX *= X.dtype.type(slope)
        return dX

    def backprop_hard_sigmoid(self, dY: Any, X: Any, inplace: bool = False) -> Any:
        """The gradient of thinc's hard_sigmoid."""
        return self.backprop_clipped_linear(dY, X, slope=0.2, offset=0.5, inplace=inplace)

    def backprop_hard_tanh(self, dY: Any, X: Any, inplace: bool = False) -> Any:
        """The gradient of hard_tanh."""
        return self.backprop_clipped_linear(dY, X, min_val=-1.0, inplace=inplace)

    def swish(self, X: Any, inplace: bool = False) -> Any:
        """X·σ(X)."""
        return act.silu(X, out=X if inplace else None)

    def backprop_swish(self, dY: Any, X: Any, Y: Any, inplace: bool = False) -> Any:
        """The gradient of `swish`."""
        return act.silu.backward(dY, X, out=dY if inplace else None)

    def hard_swish(self, X: Any, inplace: bool = False) -> Any:
        """X·clip(0.2 X + 0.5, 0, 1): the form that is not MobileNet's."""
        return np.multiply(X, self.hard_sigmoid(X), out=X if inplace else None)

    def backprop_hard_swish(self, dY: Any, X: Any, inplace: bool = False) -> Any:
        """The gradient of `hard_swish`."""
        y, d = act.hardsigmoid.value_and_grad(X, 0.2, 0.5)
        d *= X
        d += y
        return np.multiply(dY, d, out=dY if inplace else None)

    def hard_swish_mobilenet(self, X: Any, inplace: bool = False) -> Any:
        """X·clip(X + 3, 0, 6)/6."""
        return act.hardswish(X, out=X if inplace else None)

    def backprop_hard_swish_mobilenet(self, dY: Any, X: Any, inplace: bool = False) -> Any:
        """The gradient of `hard_swish_mobilenet`."""
        return act.hardswish.backward(dY, X, out=dY if inplace else None)

    def dish(self, X: Any, inplace: bool = False) -> Any:
        """X/2·(X/√(1 + X²) + 1)."""
        return act.dish(X, out=X if inplace else None)

    def backprop_dish(self, dY: Any, X: Any, inplace: bool = False) -> Any:
        """The gradient of `dish`."""
        return act.dish.backward(dY, X, out=dY if inplace else None)

    def gelu(self, X: Any, inplace: bool = False) -> Any:
        """X·Φ(X)."""
        return act.gelu(X, out=X if inplace else None)

    def backprop_gelu(self, dY: Any, X: Any, inplace: bool = False) -> Any:
        """The gradient of `gelu`."""
        return act.gelu.backward(dY, X, out=dY if inplace else None)

    def gelu_approx(self, X: Any, inplace: bool = False) -> Any:
        """The form of gelu with tanh."""
        return act.gelu_tanh(X, out=X if inplace else None)

    def backprop_gelu_approx(self, dY: Any, X: Any, inplace: bool = False) -> Any:
        """The gradient of `gelu_approx`."""
        return act.gelu_tanh.backward(dY, X, out=dY if inplace else None)

    def mish(self, X: Any, threshold: float = _MISH_THRESHOLD, inplace: bool = False) -> Any:
        """X·tanh(softplus(X)), and X itself from the threshold on."""
        if threshold >= _MISH_THRESHOLD:
            return act.mish(X, out=X if inplace else None)
        return act.mish(X, out=X if inplace else X.copy(), where=~np.greater_equal(X, threshold))

    def backprop_mish(
        self, dY: Any, X: Any, threshold: float = _MISH_THRESHOLD, inplace: bool = False
    ) -> Any:
        """The gradient of `mish`."""
        if dY.shape != X.shape:
            raise ValueError(f"arrays have incompatible shapes: {dY.shape} and {X.shape}")
        if threshold >= _MISH_THRESHOLD:
            return act.mish.backward(dY, X, out=dY if inplace else None)
        return act.mish.backward(
            dY, X, out=dY if inplace else dY.copy(), where=~np.greater_equal(X, threshold)
        )


def _line(X: Any, slope: float, offset: float) -> Any:
    if (slope, offset) == (1.0, 0.0):
        return X
    return X * X.dtype.type(slope) + X.dtype.type(offset)
