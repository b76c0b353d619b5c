"""The language of loops over one row.

A row kernel takes contiguous arrays that do not overlap and is printed for each engine by
`fastcpuact.emit.rows`, and if nothing in its loops depends on the numbers, once more for many rows
at a time by `fastcpuact.emit.columns`.  Beside formulas and other row kernels it may call ``real``
(round to the working precision) and ``wide`` (float64).  Annotations declare

* arrays: ``In`` and ``Out`` of the working precision, ``Places`` of indices; an ``Index`` parameter
  ``n`` of an exported kernel is the length of the first array, and ``n_y`` that of ``y``;
* scratch arrays: ``Lanes``, `LANES` float64, and of the working precision ``Tops``, `LANES`, and
  ``Terms``, `BLOCK`;
* numbers: an ``Index``, a ``Real`` of the working precision, a ``Wide`` of float64, and a ``Flag``,
  1 or 0, for a choice that does no harm if it is made where the flag is 0: with many rows at a time
  it is made if one of them asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..language import Formula, Word

LANES = 32
# Elements of a row that are exponentiated before they are summed, so that the sum finds them in the
# first-level cache; a multiple of LANES.
BLOCK = 256


class RowKernel(Word):
    """A loop over one row; ``names`` is what words of its text mean."""

    def __init__(
        self, function: Callable[..., Any], exported: bool, name: str, names: dict[str, Any]
    ) -> None:
        self.function = function
        self.name = name
        self.exported = exported
        self.names = names

    def variant(self, name: str, **others: Word) -> RowKernel:
        """Declare the same loop with others in the place of formulas or row kernels it calls."""
        return declared(RowKernel(self.function, self.exported, name, {**self.names, **others}))


class InFloat64(Word):
    """A formula that row kernels of either precision compute in float64."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.name = formula.name


ROW_KERNELS: dict[str, RowKernel] = {}


def declared(kernel: RowKernel) -> RowKernel:
    """Have engines print this row kernel."""
    ROW_KERNELS[kernel.name] = kernel
    return kernel


def row_kernel(*, exported: bool) -> Callable[[Callable[..., Any]], RowKernel]:
    """Declare a loop over one row; ``exported`` ones are called by the rest of the package."""

    def declare(function: Callable[..., Any]) -> RowKernel:
        name, names = function.__name__, function.__globals__
        return declared(RowKernel(function, exported, name, names))

    return declare
