"""All that may be tried to approximate a function: families of formats, smallest first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import polynomial_fit, table_fit
from .domains import Problem
from .engine import IDENTITIES
from .floating import FloatApproximant
from .segments import SPACINGS
from .tables import DEGREES

# Segments of tables and piecewise polynomials: four sizes in each octave, about 19 % apart.
_COUNTS = tuple(dict.fromkeys(round(2 ** (k / 4)) for k in range(4, 45)))
_COEFFICIENTS = tuple((n, 1) for n in range(1, 15))
_RATIONALS = tuple((n // 2 + n % 2, n // 2) for n in range(4, 17))
_MOST_TABLE_DEGREE = 3


@dataclass(frozen=True)
class Family:
    """Formats that differ in size alone.

    Attributes
    ----------
    name : str
        What they have in common.
    sizes : sequence
        Their sizes, rising.
    least_error : callable
        The smallest absolute error of a size, from a problem and the size.
    make : callable
        The approximant of a size.
    """

    name: str
    sizes: Sequence[Any]
    least_error: Callable[[Problem, Any], float]
    make: Callable[[Problem, Any], FloatApproximant]

    def smallest(
        self, problem: Problem, allowed: float, error: Callable[[FloatApproximant], float]
    ) -> FloatApproximant | None:
        """Return the smallest member that is good enough, if one is.

        Parameters
        ----------
        allowed : float
            The largest error allowed.
        error : callable
            The error of a member, at least its largest absolute one in the same unit.
        """
        first = bisect_left(
            self.sizes, True, key=lambda size: self.least_error(problem, size) <= allowed
        )
        # Rounding adds to the error, by which one or two sizes may miss what is allowed.
        for size in self.sizes[first : first + 3]:
            made = self.make(problem, size)
            if error(made) <= allowed:
                return made
        return None


def families(problem: Problem) -> Iterator[Family]:
    """Yield all families for a problem."""
    activation = problem.function.activation
    identity = activation.name if activation and activation.name in IDENTITIES else None
    for interpolation, degree in DEGREES.items():
        for spacing in SPACINGS:
            yield _tables(interpolation, spacing, None)
            if identity and degree >= 2:
                yield _tables(interpolation, spacing, identity)
    for degree in range(1, _MOST_TABLE_DEGREE + 1):
        for spacing in SPACINGS:
            yield _pieces(degree, spacing)
    yield _rationals("polynomial", _COEFFICIENTS)
    yield _rationals("rational function", _RATIONALS)


def _tables(interpolation: str, spacing: str, identity: str | None) -> Family:
    def least_error(problem: Problem, count: int) -> float:
        return table_fit.least_error(problem, count, interpolation, spacing, identity)

    def make(problem: Problem, count: int) -> FloatApproximant:
        return table_fit.fitted(problem, count, interpolation, spacing, identity)

    way = ", by derivatives" if identity else ""
    return Family(f"{interpolation} table, {spacing}{way}", _COUNTS, least_error, make)


def _pieces(degree: int, spacing: str) -> Family:
    def least_error(problem: Problem, count: int) -> float:
        return polynomial_fit.piecewise_error(problem, count, degree, spacing)[1]

    def make(problem: Problem, count: int) -> FloatApproximant:
        return polynomial_fit.fitted_piecewise(problem, count, degree, spacing)

    return Family(f"pieces of degree {degree}, {spacing}", _COUNTS, least_error, make)


def _rationals(name: str, sizes: Sequence[tuple[int, int]]) -> Family:
    def least_error(problem: Problem, size: tuple[int, int]) -> float:
        return polynomial_fit.rational_error(problem, *size, "auto")

    def make(problem: Problem, size: tuple[int, int]) -> FloatApproximant:
        return polynomial_fit.fitted_rational(problem, *size, "auto")

    return Family(name, sizes, least_error, make)
