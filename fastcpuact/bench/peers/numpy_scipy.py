"""NumPy and SciPy: the expressions of `fastcpuact.plain`."""

from __future__ import annotations

from ... import plain
from ..cases import Case, Operands
from .base import Call, Peer


class NumpyScipy(Peer):
    """Expressions on whole arrays; they run on one thread whatever is set."""

    def call(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the expression; ``out`` goes to those that are a single ufunc."""
        x, dy, y = operands.x, operands.dy, operands.y
        if case.axis is not None:
            if case.name not in plain.PLAIN_ROWS:
                return None
            rows = plain.PLAIN_ROWS[case.name]
            function = rows.value if case.form == "value" else rows.backward
            return Call(function, (*operands.along_axis(case), case.axis))
        if case.name not in plain.PLAIN:
            return None
        row = plain.PLAIN[case.name]
        if case.form == "value":
            out = operands.out if case.result == "out" and row.takes_out else None
            return Call(row.value, (x, *case.params), out)
        if row.of_y is not None:
            of_y = row.of_y
            return Call(lambda dy, y: dy * of_y(y), (dy, y), from_output=True)
        return Call(row.backward, (dy, x, *case.params))
