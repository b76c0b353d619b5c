"""What no kernel can beat where memory is the limit: moving the same arrays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from ..cases import Case, Operands
from .base import Call, Peer


class Copy(Peer):
    """A copy of the input; for two inputs, the sum of the two, which is read and written alike."""

    def call(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the copy or the sum."""
        x, dy, out = operands.x, operands.dy, operands.out
        fresh = case.result == "fresh"
        if case.form == "value" or dy.shape != x.shape:
            # What is reduced is read all the same.
            to = out if out.shape == x.shape else np.empty_like(x)
            return Call(np.copy, (x,)) if fresh else Call(np.copyto, (to, x), left_in=to)
        return Call(np.add, (dy, x), None if fresh else out)


class SplitCopy(Copy):
    """The same by slices, one for each thread."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def call(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the slices; for one thread, or where tasks cost more than elements, nothing."""
        pool = self._pool
        if pool is None or case.size < 100_000 or case.output_shape != case.shape:
            return None
        inputs = (operands.x,) if case.form == "value" else (operands.dy, operands.x)
        arrays = tuple(array.reshape(-1) if array.flags.contiguous else array for array in inputs)
        bounds = [len(arrays[0]) * part // self.threads for part in range(self.threads + 1)]
        parts = [slice(*pair) for pair in pairwise(bounds)]

        def split(out: Any) -> Any:
            def work(part: slice) -> None:
                if len(arrays) == 1:
                    np.copyto(out[part], arrays[0][part])
                else:
                    np.add(arrays[0][part], arrays[1][part], out=out[part])

            list(pool.map(work, parts))
            return out

        if case.result == "fresh":
            return Call(lambda: split(np.empty(arrays[0].shape, arrays[0].dtype)), ())
        out = operands.out
        return Call(split, (out.reshape(-1) if out.flags.contiguous else out,), left_in=out)
