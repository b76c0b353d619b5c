"""The tree that the reader makes of a formula and the printers print.

Every expression is a real number in the working precision; only a comparison is not, and it
stands nowhere but as the condition of a `Select`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import TypeAlias

from ..formulas.language import Precision


def rounded(value: float | Fraction, precision: Precision) -> float:
    """The number nearest to ``value`` in the working precision."""
    return float(struct.unpack(precision.struct, struct.pack(precision.struct, float(value)))[0])


@dataclass(frozen=True)
class Const:
    """A number that is exact in the working precision."""

    value: float


@dataclass(frozen=True)
class Name:
    """A parameter or a local variable."""

    id: str


@dataclass(frozen=True)
class Call:
    """A leaf or another function; ``function`` is its printed name."""

    function: str
    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Negate:
    """-a."""

    a: Expr


@dataclass(frozen=True)
class Binary:
    """Two operands and one of + - * /."""

    a: Expr
    op: str
    b: Expr


@dataclass(frozen=True)
class Compare:
    """Two operands and one of < <= > >= == !=."""

    a: Expr
    op: str
    b: Expr


@dataclass(frozen=True)
class Select:
    """``a if condition else b``, with both arms evaluated."""

    condition: Compare
    a: Expr
    b: Expr


@dataclass(frozen=True)
class Horner:
    """c0 + c1 x + c2 x² + … by Horner's scheme, one fma a step."""

    x: Name
    coefficients: tuple[Const, ...]


Expr: TypeAlias = Const | Name | Call | Negate | Binary | Select | Horner


@dataclass(frozen=True)
class Assign:
    """One variable, or several from a function that returns several results."""

    targets: tuple[str, ...]
    value: Expr


@dataclass(frozen=True)
class Function:
    """A formula in one precision."""

    name: str
    params: tuple[str, ...]
    body: tuple[Assign, ...]
    results: tuple[Expr, ...]
    precision: Precision
    summary: str
    source: str  # file and line, relative to the package


@dataclass(frozen=True)
class Kernel:
    """A loop over contiguous arrays: ``output k [i] = results[k] of inputs[…][i]``.

    One result may be a call that returns several numbers, for as many ``outputs``.  ``params`` are
    those of the inputs that are parameters of the activation, most often the same for all i.
    """

    name: str
    inputs: tuple[str, ...]
    params: tuple[str, ...]
    outputs: int
    results: tuple[Expr, ...]
    precision: Precision


def called(kernels: Iterable[Kernel], functions: Mapping[str, Function]) -> set[str]:
    """Names of the functions that kernels call, and that these call."""
    found: set[str] = set()
    left: list[object] = [kernel.results for kernel in kernels]
    while left:
        part = left.pop()
        if isinstance(part, tuple):
            left += part
        elif is_dataclass(part):
            left += [getattr(part, attribute.name) for attribute in fields(part)]
            if isinstance(part, Call) and part.function in functions and part.function not in found:
                found.add(part.function)
                function = functions[part.function]
                left += [function.body, function.results]
    return found
