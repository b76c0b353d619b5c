"""The best polynomials and rational functions, in segments or on a whole domain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .domains import Problem
from .function import Floats
from .piecewise import PiecewisePolynomial
from .rational_fit import RationalFit, rational_minimax, rounded_rational
from .rationals import Rational
from .remez import Wide, chebyshev_points, rounded
from .segments import Segments
from .spacing import equalized, minimax_errors, sampled

_PIECEWISE = {
    "uniform": "h**(d+1) max|f^(d+1)| / (2**(2d+1) (d+1)!), d = {}",
    "optimal": "(integral of |f^(d+1)|**(1/(d+1)))**(d+1) / (2**(2d+1) (d+1)! N**(d+1)), d = {}",
}
_WHOLE = "the level of the alternating error of real coefficients (de la Vallee-Poussin)"


def piecewise_error(
    problem: Problem, count: int, degree: int, spacing: str
) -> tuple[Floats, float]:
    """Return the knots of so many segments, and the smallest error that they can have."""

    def errors(knots: Floats) -> Floats:
        return minimax_errors(problem.core, knots, degree)

    if spacing == "uniform":
        knots = np.linspace(problem.start, problem.end, count + 1)
        return knots, float(np.max(errors(knots)))
    knots = equalized(errors, problem.start, problem.end, count, degree)
    return knots, float(np.min(errors(knots)))


def fitted_piecewise(
    problem: Problem, count: int, degree: int, spacing: str
) -> PiecewisePolynomial:
    """Return the best polynomials of so many segments."""
    knots, level = piecewise_error(problem, count, degree, spacing)
    segments = Segments(knots, spacing, problem.dtype)
    if not segments.is_uniform:
        knots = segments.knots.astype(np.float64)
    points, values = sampled(problem.core, knots, degree + 1)
    powers = np.arange(degree + 1)
    width = np.ones(count) if segments.is_uniform else np.diff(knots)
    scale = width.astype(np.longdouble)[:, None] ** -powers.astype(np.longdouble)
    return PiecewisePolynomial(
        *problem.common(problem.image(), level, _PIECEWISE[spacing].format(degree)),
        segments=segments,
        coefficients=rounded(points[:, None] ** powers, values, problem.dtype, scale),
    )


class _Form(NamedTuple):
    """What is fitted on a whole domain: core(t) less a line, by functions of z."""

    variable: str
    times_t: bool
    line: tuple[float, float]
    centered: bool = False

    def z(self, problem: Problem) -> tuple[float, float]:
        """Return the center that is taken from t or t², and the largest of what is left."""
        power = 2 if self.variable == "square" else 1
        low, high = problem.start**power, problem.end**power
        center = float(problem.dtype.type((low + high) / 2)) if self.centered else 0.0
        return center, max(abs(low - center), abs(high - center))

    def bases(self, problem: Problem, t: Wide, above: int, below: int) -> tuple[Wide, Wide]:
        """Basis functions of numerator and denominator, of size 1."""
        center, largest = self.z(problem)
        z = ((t * t if self.variable == "square" else t) - center) / largest
        top = z[:, None] ** np.arange(above)
        if self.times_t:
            top = top * (t / problem.end)[:, None]
        return top, z[:, None] ** np.arange(below)

    def scales(self, problem: Problem, above: int, below: int) -> tuple[Wide, Wide]:
        """What coefficients of these are to be multiplied with."""
        largest = np.longdouble(self.z(problem)[1])
        of_top = largest ** -np.arange(above, dtype=np.longdouble)
        if self.times_t:
            of_top = of_top / problem.end
        return of_top, largest ** -np.arange(below, dtype=np.longdouble)


def _forms(problem: Problem, variable: str) -> list[_Form]:
    symmetry = problem.symmetry
    in_t = _Form("t", problem.is_pinned, (0.0, 0.0))
    # What is left when the line is taken off is odd or even, and analytic where f is.
    in_square = {
        "odd": _Form("square", True, (0.0, 0.0)),
        "even": _Form("square", False, (0.0, 0.0)),
        "complement": _Form("square", True, (symmetry.total / 2, 0.0)),
        "rectified": _Form("square", False, (0.0, -0.5)),
    }.get(symmetry.name)
    if variable == "square" and in_square is None:
        raise ValueError(
            f"variable must be t for {problem.function.name}: on "
            f"({problem.start:g}, {problem.end:g}) it has no symmetry"
        )
    return [form for form in (in_t, in_square) if form and variable in ("auto", form.variable)]


def _best(problem: Problem, above: int, below: int, variable: str) -> tuple[_Form, RationalFit]:
    found = []
    for form in _forms(problem, variable):
        try:
            found.append((form, rational_minimax(*_samples(problem, form, above, below))))
        except ArithmeticError as error:
            failure = error
    if not found:
        raise failure
    return min(found, key=lambda pair: pair[1].error)


def _samples(problem: Problem, form: _Form, above: int, below: int) -> tuple[Wide, Wide, Wide]:
    points = chebyshev_points(above + below)
    if form.times_t:
        points = points[1:]  # where there is nothing to choose
    t = (problem.start + (problem.end - problem.start) * points).astype(np.float64)
    offset, slope = form.line
    target = problem.core(t).astype(np.longdouble) - (offset + slope * t)
    return (*form.bases(problem, t.astype(np.longdouble), above, below), target)


def rational_error(problem: Problem, above: int, below: int, variable: str) -> float:
    """Return the smallest error of a fit with so many coefficients, infinite if there is none."""
    try:
        return _best(problem, above, below, variable)[1].error
    except ArithmeticError:
        return np.inf


def fitted_rational(problem: Problem, above: int, below: int, variable: str) -> Rational:
    """Return the best rational function with so many coefficients."""
    try:
        form, fit = _best(problem, above, below, variable)
    except ArithmeticError as error:
        raise ValueError(
            f"numerator {above} and denominator {below}: {error} to {problem.function.name} on "
            f"({problem.start:g}, {problem.end:g})"
        ) from error
    # In exact arithmetic a center changes nothing; it costs an addition, and must be worth it.
    plain = _rounded(problem, form, fit.level, above, below)
    centered = _rounded(problem, form._replace(centered=True), fit.level, above, below)
    return centered if _measured(problem, centered) < 0.98 * _measured(problem, plain) else plain


def _rounded(problem: Problem, form: _Form, level: float, above: int, below: int) -> Rational:
    samples = _samples(problem, form, above, below)
    scales = form.scales(problem, above, below)
    fit = rational_minimax(*samples)
    numerator, denominator = rounded_rational(fit, *samples, problem.dtype, scales)
    return Rational(
        *problem.common(problem.image(), level, _WHOLE),
        numerator=numerator,
        denominator=denominator,
        variable=form.variable,
        times_t=form.times_t,
        line=form.line,
        center=form.z(problem)[0],
    )


def _measured(problem: Problem, made: Rational) -> float:
    t = np.linspace(problem.start, problem.end, 2**13 + 1).astype(problem.dtype)
    return float(np.max(np.abs(made.core(t) - problem.core(t.astype(np.float64)))))
