"""fastcpuact, in its exact and in its fast tier."""

from __future__ import annotations

from typing import Any

import fastcpuact as act

from ..cases import Case, Operands
from .base import Call, Peer


class Ours(Peer):
    """The functions as a user calls them."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        act.set_num_threads(threads)

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the form."""
        return self._form(act.get(case.name), case, operands, case.params)

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the form."""
        return self._form(act.get(case.name), case, operands)

    def rowwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the form."""
        return self._form(act.get(case.name), case, operands, (case.axis,))

    def _form(
        self, function: Any, case: Case, operands: Operands, more: tuple[Any, ...] = ()
    ) -> Call:
        if case.form != "value":
            function = getattr(function, case.form)
        out = operands.out if len(operands.out) > 1 else operands.out[0]
        return Call(
            function,
            (*operands.of(case), *more),
            out if case.result == "out" else None,
            from_output=case.form == "backward_from_output",
        )


class OursFast(Ours):
    """The fast tier, which has elementwise functions alone."""

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the form, where this tier has it."""
        activation = act.get(case.name, "elementwise")
        if case.form not in activation.record.forms_in(fast=True):
            return None
        return self._form(activation.fast, case, operands, case.params)

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """There are none."""
        return None

    def rowwise(self, case: Case, operands: Operands) -> Call | None:
        """There are none."""
        return None
