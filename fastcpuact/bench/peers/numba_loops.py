"""Numba: plain loops over the functions of the module math."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

from ..cases import Case, Operands
from .base import Call, Peer
from .textbook import expressions, names_in

_LOOP = """
def loop({arrays}, {outs}):
    for i in {range}(out0.size):
        {elements} = {items}
{assignments}
"""


class NumbaLoops(Peer):
    """``@njit`` loops, parallel ones where there is more than one thread."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        numba.set_num_threads(threads)

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Compile the textbook's expression in a loop."""
        texts = expressions(case)
        if not texts:
            return None
        loop, names = _loop(texts, self.threads > 1)
        arrays = tuple(getattr(operands, name) for name in names)
        return self._filled(loop, arrays, case, operands, "y" in names)

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """Compile the textbook's expressions in one loop."""
        return self.elementwise(case, operands)

    def rowwise(self, case: Case, operands: Operands) -> Call | None:
        """Compile a loop over rows."""
        found = _ALONG_AXIS.get((case.name, case.form))
        if found is None or case.axis is None:
            return None
        loop = numba.njit(parallel=self.threads > 1)(found)
        arrays = tuple(_as_rows(array, case.axis) for array in operands.of(case))
        return self._filled(loop, arrays, case, operands, False)

    def _filled(
        self,
        loop: Callable[..., None],
        arrays: tuple[Any, ...],
        case: Case,
        operands: Operands,
        from_output: bool,
    ) -> Call:
        """Prepare a loop that fills arrays; fresh ones are made before it."""
        axis = case.axis
        if case.result == "out":
            outs = (out if axis is None else _as_rows(out, axis) for out in operands.out)
            return Call(loop, (*arrays, *outs), left_in=operands.out, from_output=from_output)
        shape, dtype, count = case.result_shape, case.dtype, len(operands.out)

        def fresh(*arrays: Any) -> Any:
            made = [np.empty(shape, dtype) for _ in range(count)]
            loop(*arrays, *(made if axis is None else (_as_rows(out, axis) for out in made)))
            return made

        return Call(fresh, arrays, from_output=from_output)


@cache
def _loop(texts: tuple[str, ...], parallel: bool) -> tuple[Callable[..., None], list[str]]:
    names = names_in(*texts) or ["x"]
    source = _LOOP.format(
        arrays=", ".join(f"{name}s" for name in names),
        outs=", ".join(f"out{k}" for k in range(len(texts))),
        range="numba.prange" if parallel else "range",
        elements=", ".join(names),
        items=", ".join(f"{name}s[i]" for name in names),
        assignments="\n".join(f"        out{k}[i] = {text}" for k, text in enumerate(texts)),
    )
    space: dict[str, Any] = {"numba": numba, **vars(math)}
    exec(source, space)
    return numba.njit(parallel=parallel)(space["loop"]), names


def _as_rows(array: Any, axis: int) -> Any:
    """Put the axis last; results with one element for each row have none."""
    return array if array.ndim == 1 else np.moveaxis(array, axis, -1)


def _softmax(x: Any, out: Any) -> None:
    for i in numba.prange(x.shape[0]):
        largest = x[i, 0]
        for j in range(x.shape[1]):
            largest = max(largest, x[i, j])
        total = 0.0
        for j in range(x.shape[1]):
            out[i, j] = math.exp(x[i, j] - largest)
            total += out[i, j]
        for j in range(x.shape[1]):
            out[i, j] /= total


def _softmin(x: Any, out: Any) -> None:
    for i in numba.prange(x.shape[0]):
        least = x[i, 0]
        for j in range(x.shape[1]):
            least = min(least, x[i, j])
        total = 0.0
        for j in range(x.shape[1]):
            out[i, j] = math.exp(least - x[i, j])
            total += out[i, j]
        for j in range(x.shape[1]):
            out[i, j] /= total


def _logsumexp(x: Any, out: Any) -> None:
    for i in numba.prange(x.shape[0]):
        largest = x[i, 0]
        for j in range(x.shape[1]):
            largest = max(largest, x[i, j])
        total = 0.0
        for j in range(x.shape[1]):
            total += math.exp(x[i, j] - largest)
        out[i] = largest + math.log(total)


def _log_softmax(x: Any, out: Any) -> None:
    for i in numba.prange(x.shape[0]):
        largest = x[i, 0]
        for j in range(x.shape[1]):
            largest = max(largest, x[i, j])
        total = 0.0
        for j in range(x.shape[1]):
            total += math.exp(x[i, j] - largest)
        shift = largest + math.log(total)
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] - shift


def _softmax_backward(dy: Any, y: Any, out: Any) -> None:
    for i in numba.prange(y.shape[0]):
        total = 0.0
        for j in range(y.shape[1]):
            total += dy[i, j] * y[i, j]
        for j in range(y.shape[1]):
            out[i, j] = y[i, j] * (dy[i, j] - total)


def _softmin_backward(dy: Any, y: Any, out: Any) -> None:
    for i in numba.prange(y.shape[0]):
        total = 0.0
        for j in range(y.shape[1]):
            total += dy[i, j] * y[i, j]
        for j in range(y.shape[1]):
            out[i, j] = y[i, j] * (total - dy[i, j])


def _log_softmax_backward(dy: Any, y: Any, out: Any) -> None:
    for i in numba.prange(y.shape[0]):
        total = 0.0
        for j in range(y.shape[1]):
            total += dy[i, j]
        for j in range(y.shape[1]):
            out[i, j] = dy[i, j] - math.exp(y[i, j]) * total


_ALONG_AXIS: dict[tuple[str, str], Callable[..., None]] = {
    ("softmax", "value"): _softmax,
    ("softmax", "backward"): _softmax_backward,
    ("softmin", "value"): _softmin,
    ("softmin", "backward"): _softmin_backward,
    ("log_softmax", "value"): _log_softmax,
    ("log_softmax", "backward"): _log_softmax_backward,
    ("logsumexp", "value"): _logsumexp,
}
