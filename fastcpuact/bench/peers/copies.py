"""What no kernel can beat where memory is the limit: moving the same arrays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from ..cases import Case, Operands
from .base import Call, Peer

# Below it, handing out the slices takes longer than copying them.
_SPLIT = 100_000


class Copy(Peer):
    """A copy of the input; for two inputs their sum, which reads and writes as much.

    More inputs and outputs are added in pairs.
    """

    def call(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the copy or the sum."""
        moves = _moves(case, operands)

        def move() -> tuple[Any, ...]:
            return tuple(_move(inputs, out) for inputs, out in moves)

        (inputs, out), *others = moves
        if others:
            return Call(move, (), left_in=tuple(o for _, o in moves if o is not None))
        if len(inputs) == 2:
            return Call(np.add, inputs, out)
        if out is None:
            return Call(np.copy, inputs)
        return Call(np.copyto, (out, *inputs), left_in=(out,))


class SplitCopy(Peer):
    """The same by slices, one for each thread."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def call(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the slices, where they are worth it."""
        pool = self._pool
        if pool is None or case.size < _SPLIT:
            return None
        moves = _moves(case, operands)

        def split() -> tuple[Any, ...]:
            outs = []
            for inputs, out in moves:
                to = np.empty(inputs[0].shape, inputs[0].dtype) if out is None else out
                bounds = [len(to) * part // self.threads for part in range(self.threads + 1)]

                def work(bounds: tuple[int, int], inputs: Any = inputs, to: Any = to) -> None:
                    part = slice(*bounds)
                    _move(tuple(array[part] for array in inputs), to[part])

                list(pool.map(work, pairwise(bounds)))
                outs.append(to)
            return tuple(outs)

        return Call(split, (), left_in=tuple(out for _, out in moves if out is not None))


def _moves(case: Case, operands: Operands) -> list[tuple[tuple[Any, ...], Any]]:
    """Return what to add up, or copy, and where to."""
    inputs = [array for array in operands.of(case) if array.shape == case.shape]
    if case.result_shape == case.shape:
        outs: list[Any] = list(operands.out)
    else:  # what is reduced is read all the same
        outs = [np.empty_like(operands.x)]
    if case.result == "fresh":
        outs = [None] * len(outs)
    if len(outs) == 2:
        dy, value, gate = inputs
        return [((dy, gate), outs[0]), ((dy, value), outs[1])]
    return [(tuple(inputs), outs[0])]


def _move(inputs: tuple[Any, ...], out: Any) -> Any:
    if len(inputs) == 2:
        return np.add(*inputs, out=out)
    if out is None:
        return np.copy(*inputs)
    np.copyto(out, *inputs)
    return out
