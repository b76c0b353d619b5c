"""fastcpuact, in its exact and in its fast tier."""

from __future__ import annotations

import fastcpuact as act

from ..cases import Case, Operands
from .base import Call, Peer


class Ours(Peer):
    """The functions as a user calls them."""

    fast = False

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        act.set_num_threads(threads)

    def call(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the form."""
        out = operands.out if case.result == "out" else None
        saved = operands.y if case.form == "backward_from_output" else operands.x
        if case.axis is not None:
            if self.fast:
                return None
            function = getattr(act, case.name)
            if case.form == "backward":
                function = function.backward
            return Call(function, (*operands.along_axis(case), case.axis), out)
        activation = act.get(case.name)
        if case.form not in activation.record.forms_in(self.fast):
            return None
        if self.fast:
            activation = activation.fast
        if case.form == "value":
            return Call(activation, (saved, *case.params), out)
        function = getattr(activation, case.form)
        from_output = case.form == "backward_from_output"
        return Call(function, (operands.dy, saved, *case.params), out, from_output=from_output)


class OursFast(Ours):
    """The fast tier."""

    fast = True
