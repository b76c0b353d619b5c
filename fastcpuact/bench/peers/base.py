"""What a library has to tell: how it spells each function, and how it is kept to some threads."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
    left_in : ndarray or None
        Where the result is found afterwards, if it is not returned.
    from_output : bool
        Whether a gradient is computed from the saved output: less work than from the input.
    """

    function: Callable[..., Any]
    operands: tuple[Any, ...]
    out: Any = None
    out_name: str = "out"
    left_in: NDArray[Any] | None = None
    from_output: bool = False

    @property
    def has_out(self) -> bool:
        """Whether the result goes to an array that is there already."""
        return self.out is not None or self.left_in is not None

    def __call__(self) -> Any:
        """Do it once."""
        if self.out is None:
            return self.function(*self.operands)
        return self.function(*self.operands, **{self.out_name: self.out})

    def result(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """Do it once, and return the result as NumPy sees it."""
        result = self()
        if isinstance(result, (tuple, list)):
            result = result[0]
        return np.asarray(result if self.left_in is None else self.left_in).reshape(shape)


class Peer(ABC):
    """A library, kept to a number of threads for as long as its process lives."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    @abstractmethod
    def call(self, case: Case, operands: Operands) -> Call | None:
        """Prepare a case in the library's own way; None if it has none."""
