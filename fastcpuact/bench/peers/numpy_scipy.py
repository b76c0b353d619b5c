"""NumPy and SciPy: the expressions of `fastcpuact.plain`."""

from __future__ import annotations

from typing import Any

from ... import plain
from ..cases import GATES, Case, Operands
from .base import Call, Peer


class NumpyScipy(Peer):
    """Expressions on whole arrays; they run on one thread whatever is set."""

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the expression; ``out`` goes to those that are a single ufunc."""
        if case.name not in plain.PLAIN:
            return None
        x, dy, y = operands.x, operands.dy, operands.y
        row = plain.PLAIN[case.name]
        if case.form == "value":
            out = operands.out[0] if case.result == "out" and row.takes_out else None
            return Call(row.value, (x, *case.params), out)
        if row.of_y is not None:
            of_y = row.of_y
            return Call(lambda dy, y: dy * of_y(y), (dy, y), from_output=True)
        return Call(row.backward, (dy, x, *case.params))

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """Put the expression for the gate into that of the pair."""
        g = plain.PLAIN[GATES[case.name]]

        def value(x: Any, gate: Any) -> Any:
            return x * g(gate)

        def backward(dy: Any, x: Any, gate: Any) -> Any:
            y, slope = g.value_and_grad(gate)
            return dy * y, dy * x * slope

        return Call(value if case.form == "value" else backward, operands.of(case))

    def rowwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the expression."""
        if case.name not in plain.PLAIN_ROWS:
            return None
        rows = plain.PLAIN_ROWS[case.name]
        function = rows.value if case.form == "value" else rows.backward
        return Call(function, (*operands.of(case), case.axis))
