"""The words of the formula language.

A formula is an ordinary Python function of real numbers: assignments and one ``return``.  It is
never run.  `fastcpuact.emit` reads its text and prints it for each target.  Inside it may stand

* arithmetic ``+ - * /``, comparisons, and ``a if c else b`` (both arms are always evaluated);
* number literals, module-level floats, and the parts of an `Exact` constant, ``name.hi`` …;
* calls to other formulas, to the leaves below, and to ``polynomial(x, COEFFICIENTS)``.

A formula has no dtype.  What differs between float32 and float64 is named by `per_precision`.

Every formula is printed twice: for the exact tier and for the fast one, which trades digits for
speed.  A table of `per_precision` may have a shorter one ``fast``; a formula may have a shorter
text, declared by its ``fast`` decorator.  All else is the same text in both tiers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

T = TypeVar("T")


class Precision(NamedTuple):
    """A working precision that formulas are printed for."""

    dtype: str  # NumPy's name
    suffix: str  # of every printed function
    char: str  # NumPy's type character
    c_type: str
    struct: str  # format character of `struct`


FLOAT32 = Precision("float32", "f32", "f", "float", "f")
FLOAT64 = Precision("float64", "f64", "d", "double", "d")
PRECISIONS = (FLOAT32, FLOAT64)


class Word:
    """Something that may be called in a formula, but not from Python."""

    name: str

    def __call__(self, *args: float) -> Any:
        """Refuse: formulas are printed for a target and compiled, never run."""
        raise TypeError(f"{self.name} is a word of the formula language and cannot be called")


class Leaf(Word):
    """An operation that every target supplies itself."""

    def __init__(self, name: str, arity: int) -> None:
        self.name = name
        self.arity = arity


class Formula(Word):
    """Scalar maths, written once as a Python function of real numbers."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = function.__name__
        self.__doc__ = function.__doc__
        self.fast_text: Formula | None = None
        # inspect.signature would cost a third of the package's import time.
        code, defaults = function.__code__, function.__defaults__ or ()
        names = code.co_varnames[: code.co_argcount]
        required = [None] * (len(names) - len(defaults))
        # Arguments in their order, with their defaults; None: there is none.
        self.arguments: dict[str, float | None] = dict(
            zip(names, (*required, *map(float, defaults)), strict=True)
        )
        # Derivatives that are declared and not derived, by the argument.
        self.partials: dict[str, Formula] = {}
        self._lines: tuple[list[str], int] | None = None

    def lines(self) -> tuple[list[str], int]:
        """The lines of its text, and the number of the first in its file.

        Raises
        ------
        OSError
            If they cannot be found.
        """
        if self._lines is None:
            self._lines = inspect.getsourcelines(self.function)
        return self._lines

    def keep(self, lines: tuple[list[str], int]) -> None:
        """Take these as its lines: they cannot be found where it came from another process."""
        self._lines = lines

    @property
    def arity(self) -> int:
        """How many arguments a call in a formula has to give."""
        return len(self.arguments)

    def fast(self, function: Callable[..., Any]) -> Formula:
        """Declare the text of this formula in the fast tier."""
        self.fast_text = Formula(function)
        if list(self.fast_text.arguments) != list(self.arguments):
            raise TypeError(f"{function.__name__} must take the arguments of {self.name}")
        return self.fast_text

    def partial(self, argument: str) -> Callable[[Callable[..., Any]], Formula]:
        """Declare the derivative with respect to an argument."""

        def declare(function: Callable[..., Any]) -> Formula:
            self.partials[argument] = Formula(function)
            return self.partials[argument]

        return declare

    def derivative(self, argument: str) -> Formula:
        """Return the derivative with respect to an argument: declared, or to be derived."""
        return self.partials.setdefault(argument, Derivative(self, argument))


class Derivative(Formula):
    """The derivative of a formula, which `fastcpuact.emit.derivative` derives from its text."""

    def __init__(self, of: Formula, argument: str) -> None:
        super().__init__(of.function)
        self.of = of
        self.argument = argument
        self.name = f"{of.name}_d{argument}"
        self.__doc__ = f"The derivative of {of.name} with respect to {argument}."
        self.arguments = of.arguments


class PerPrecision(Word):
    """A number, a table of coefficients or a formula that depends on the working precision."""

    def __init__(self, choices: dict[Precision, Any], fast: Any) -> None:
        self.name = "a value per precision"
        self.choices = choices
        self.fast = fast

    def choose(self, precision: Precision, fast: bool) -> Any:
        """Return what stands here in a precision and a tier."""
        return self.choices[precision] if self.fast is None or not fast else self.fast


def formula(function: Callable[..., Any]) -> Formula:
    """Declare a helper that formulas may call."""
    return Formula(function)


def per_precision(*, float32: T, float64: T, fast: T | None = None) -> T:
    """Name what formulas use in float32 and in float64; to a type checker it is either.

    ``fast`` replaces both in the fast tier.
    """
    return cast("T", PerPrecision({FLOAT32: float32, FLOAT64: float64}, fast))


@dataclass(frozen=True)
class Exact:
    """A real constant given by more digits than any working precision holds.

    ``.hi`` is the constant rounded to the working precision, ``.lo`` what that leaves, rounded, and
    ``.rest`` what both leave.
    """

    digits: str

    # What the reader prints; to a type checker they are numbers.
    hi: ClassVar[float]
    lo: ClassVar[float]
    rest: ClassVar[float]


def polynomial(x: float, coefficients: tuple[float, ...]) -> float:
    """c0 + c1 x + c2 x² + …, printed as Horner's scheme, one ``fma`` a step."""
    raise TypeError("polynomial is a word of the formula language and cannot be called")


# Each rounds once, or not at all, on every target.
fma = Leaf("fma", 3)  # a·b + c
fabs = Leaf("fabs", 1)
copysign = Leaf("copysign", 2)
sqrt = Leaf("sqrt", 1)
# 2**n, where the argument is n + 1.5·2**(p-1), p the digits of the precision: the sum of a number
# and that constant is rounded to an integer, which then stands in the lowest bits.  2**n must be
# a normal number.
exp2_shifted = Leaf("exp2_shifted", 1)
# The integer n with 2**n <= x < 2**(n + 1), for a positive normal x.
exponent = Leaf("exponent", 1)

LEAVES = (fma, fabs, copysign, sqrt, exp2_shifted, exponent)
