"""What a library has to tell: how it spells each function, and how it is kept to some threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cases import Case, Operands


@dataclass(frozen=True)
class Call:
    """What is timed: ``function(*operands)``, or ``function(*operands, out=out)``.

    Attributes
    ----------
    function : callable
        The library's, with as little as possible around it.
    operands : tuple
        Its arguments, in the library's own kind of array.
    out : Any
        Where to put the result; None for a fresh one.
    out_name : str
        The keyword for it.
    left_in : tuple of ndarray
        Where the results are found afterwards, if they are not returned.
    from_output : bool
        Whether a gradient is computed from the saved output: less work than from the input.
    """

    function: Callable[..., Any]
    operands: tuple[Any, ...]
    out: Any = None
    out_name: str = "out"
    left_in: tuple[NDArray[Any], ...] = ()
    from_output: bool = False

    @property
    def has_out(self) -> bool:
        """Whether the result goes to an array that is there already."""
        return self.out is not None or bool(self.left_in)

    def __call__(self) -> Any:
        """Do it once."""
        if self.out is None:
            return self.function(*self.operands)
        return self.function(*self.operands, **{self.out_name: self.out})

    def results(self, shape: tuple[int, ...]) -> tuple[NDArray[Any], ...]:
        """Do it once, and return the results as NumPy sees them."""
        returned = self()
        found = self.left_in or returned
        several = found if isinstance(found, (tuple, list)) else (found,)
        return tuple(np.asarray(one).reshape(shape) for one in several)


class Peer:
    """A library, kept to a number of threads for as long as its process lives.

    It says what it has by preparing the calls of one kind of functions or the other.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def call(self, case: Case, operands: Operands) -> Call | None:
        """Prepare a case in the library's own way; None if it has none."""
        prepare = {
            "elementwise": self.elementwise,
            "gated": self.gated,
            "rowwise": self.rowwise,
        }[case.kind]
        return prepare(case, operands)

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare a function of one element."""
        return None

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """Prepare a gated pair."""
        return None

    def rowwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare a function along an axis."""
        return None
