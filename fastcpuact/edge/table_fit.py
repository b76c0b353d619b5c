"""The best values for lookup tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .domains import Core, Problem
from .function import Floats
from .remez import chebyshev_points, minimax
from .segments import Segments
from .spacing import equalized, minimax_errors, sampled
from .tables import DEGREES, LookupTable

# What the error of the best table is to first order, in the width h of equal segments, and with
# knots where they should be, for N segments (de Boor, A Practical Guide to Splines, 1978, ch. 3).
# A quadratic that has to meet its neighbours at knots where f''' keeps its sign cannot have the
# alternating error of the best one: it is exact there and 8 / (3 sqrt 3) times as far off.
FORMULAS = {
    ("nearest", "uniform"): "h max|f'| / 2",
    ("linear", "uniform"): "h**2 max|f''| / 16",
    ("quadratic", "uniform"): "h**3 max|f'''| / (72 sqrt 3), continuous",
    ("cubic", "uniform"): "h**4 max|f''''| / 3072",
    ("nearest", "optimal"): "integral of |f'| / (2 N)",
    ("linear", "optimal"): "(integral of |f''|**(1/2))**2 / (16 N**2)",
    ("quadratic", "optimal"): "(integral of |f'''|**(1/3))**3 / (72 sqrt 3 N**3), continuous",
    ("cubic", "optimal"): "(integral of |f''''|**(1/4))**4 / (3072 N**4)",
}
IDENTITY_FORMULAS = {
    ("quadratic", "uniform"): "h**3 max|f'''| / 48",
    ("cubic", "uniform"): "h**4 max|f''''| / 384",
    ("quadratic", "optimal"): "(integral of |f'''|**(1/3))**3 / (48 N**3)",
    ("cubic", "optimal"): "(integral of |f''''|**(1/4))**4 / (384 N**4)",
}


def segment_errors(problem: Problem, interpolation: str, identity: str | None) -> Callable:
    """Return the errors of the best table in the segments between knots, as a function of them."""
    core, degree = problem.core, DEGREES[interpolation]
    if identity is not None:
        return lambda knots: _taylor_errors(problem, knots, identity, degree)
    if interpolation == "quadratic":
        return lambda knots: _pinned_errors(core, knots)
    return lambda knots: minimax_errors(core, knots, degree)


def uniform_knots(problem: Problem, count: int) -> Floats:
    """Return the knots of equal segments."""
    return np.linspace(problem.start, problem.end, count + 1)


def least_error(
    problem: Problem, count: int, interpolation: str, spacing: str, identity: str | None
) -> float:
    """Return the smallest error that a table of so many segments can have."""
    errors = segment_errors(problem, interpolation, identity)
    if spacing == "uniform":
        knots = uniform_knots(problem, count)
        return float(np.max(errors(_about_nodes(knots) if identity else knots)))
    return float(np.min(errors(_equalized(problem, errors, count, interpolation, identity))))


def _equalized(
    problem: Problem,
    errors: Callable[[Floats], Floats],
    count: int,
    interpolation: str,
    identity: str | None,
) -> Floats:
    degree = DEGREES[interpolation]
    if identity is None:
        return equalized(errors, problem.start, problem.end, count, degree)
    return _equalized_about_nodes(problem, errors, count, degree)


def fitted(
    problem: Problem, count: int, interpolation: str, spacing: str, identity: str | None
) -> LookupTable:
    """Return the best table of so many segments."""
    level = least_error(problem, count, interpolation, spacing, identity)
    knots = uniform_knots(problem, count)
    if spacing == "optimal":
        # Segments that share values at knots are not as good as each by itself.
        shared = identity is None and interpolation in ("linear", "cubic")
        errors = (
            (lambda knots: _shared_errors(problem, knots, interpolation))
            if shared
            else segment_errors(problem, interpolation, identity)
        )
        knots = _equalized(problem, errors, count, interpolation, identity)
    segments = Segments(knots, spacing, problem.dtype)
    # The knots as they are stored; equal segments are where their width says.
    stored = segments.knots.astype(np.float64)
    if identity is not None:
        values = problem.core(stored if segments.is_uniform else (stored[1:] + stored[:-1]) / 2)
    else:
        values = _values(problem, knots if segments.is_uniform else stored, interpolation)
    formula = (IDENTITY_FORMULAS if identity else FORMULAS)[interpolation, spacing]
    return LookupTable(
        *problem.common(problem.image(), level, formula),
        segments=segments,
        values=values.astype(problem.dtype),
        interpolation=interpolation,
        identity=identity,
    )


def _values(problem: Problem, knots: Floats, interpolation: str) -> Floats:
    core, degree = problem.core, DEGREES[interpolation]
    if degree == 0:
        _, y = sampled(core, knots, 1)
        return (np.min(y, axis=1) + np.max(y, axis=1)) / 2
    at_knots = core(knots)
    ends = np.zeros_like(knots) if degree == 2 else _shifts(core, knots, degree)
    if problem.is_pinned:
        ends[0] = 0
    values = np.empty(degree * (len(knots) - 1) + 1)
    values[::degree] = at_knots - ends
    if degree == 1:
        return _settled(core, knots, values)
    return _refined(core, knots, values, degree)


def _cardinal(points: Floats, degree: int) -> Floats:
    """Return the polynomials that are 1 at one of the nodes 0, 1/d, …, 1 and 0 at the others."""
    nodes = np.arange(degree + 1) / degree
    return np.stack(
        [np.prod([(points - b) / (a - b) for b in nodes if b != a], axis=0) for a in nodes],
        axis=-1,
    )


def _by_segment(values: Floats, degree: int) -> Floats:
    count = (len(values) - 1) // degree
    return values[degree * np.arange(count)[:, None] + np.arange(degree + 1)]


def _shared_errors(problem: Problem, knots: Floats, interpolation: str) -> Floats:
    """Return the errors of a table in the segments between knots."""
    degree = DEGREES[interpolation]
    points, y = sampled(problem.core, knots, degree + 1)
    values = _by_segment(_values(problem, knots, interpolation), degree)
    return np.max(np.abs(values @ _cardinal(points, degree).T - y), axis=1)


def _shifts(core: Core, knots: Floats, degree: int) -> Floats:
    """Return f less the best value at each knot.

    The error of the best line or cubic in a segment is the same at both ends. Where it has one
    sign on both sides of a knot, the larger one serves both: a segment gains inside what it gives
    at an end. Where it changes its sign, it is small on one side at least.
    """
    points, y = sampled(core, knots, degree + 1)
    basis = points[:, None] ** np.arange(degree + 1)
    errors = y - minimax(basis, y).coefficients.astype(np.float64) @ basis.T
    at_left, at_right = errors[:, 0], errors[:, -1]
    left = np.concatenate([at_left[:1], at_right])
    right = np.concatenate([at_left, at_right[-1:]])
    larger = np.where(np.abs(left) > np.abs(right), left, right)
    return np.where(left * right > 0, larger, (left + right) / 2)


def _settled(core: Core, knots: Floats, values: Floats) -> Floats:
    """Move the values of a linear table, one by one, to where they are best for both segments."""
    points, y = sampled(core, knots, 2)
    inner, y = points[1:-1], y[:, 1:-1]
    hat = np.concatenate([inner, 1 - inner])[:, None]
    values = values.copy()
    for first in (1, 2, 1, 2):
        k = np.arange(first, len(values) - 1, 2)
        if not len(k):
            continue
        errors = y - (values[:-1, None] * (1 - inner) + values[1:, None] * inner)
        both = np.concatenate([errors[k - 1], errors[k]], axis=1)
        values[k] += minimax(hat, both, tolerance=1e-3).coefficients[:, 0]
    return values


def _refined(core: Core, knots: Floats, values: Floats, degree: int) -> Floats:
    """Fit the inner nodes of each segment, those at its ends being given."""
    points = chebyshev_points(degree + 1).astype(np.float64)[1:-1]
    y = core(knots[:-1, None] + np.diff(knots)[:, None] * points)
    cardinal = _cardinal(points, degree)
    ends = _by_segment(values, degree)[:, [0, -1]]
    fit = minimax(cardinal[:, 1:-1], y - ends @ cardinal[:, [0, -1]].T, tolerance=1e-4)
    refined = values.copy()
    for k in range(1, degree):
        refined[k::degree] = fit.coefficients[:, k - 1]
    return refined


def _pinned_errors(core: Core, knots: Floats) -> Floats:
    """Return the errors of the best quadratics that are exact at the knots."""
    points, y = sampled(core, knots, 3)
    chord = y[:, :1] + (y[:, -1:] - y[:, :1]) * points
    inner = points[1:-1]
    fit = minimax((inner * (1 - inner))[:, None], (y - chord)[:, 1:-1])
    return fit.error.astype(np.float64)


def _about_nodes(knots: Floats) -> Floats:
    """Return the ends of the intervals about nodes at equal distances."""
    width = knots[1] - knots[0]
    return np.concatenate([knots - width / 2, knots[-1:] + width / 2])


def _taylor_errors(problem: Problem, knots: Floats, identity: str, degree: int) -> Floats:
    """Return the errors of Taylor polynomials about the middles of segments, in the domain."""
    points = chebyshev_points(degree + 1).astype(np.float64)
    t = knots[:-1, None] + np.diff(knots)[:, None] * points
    middles = (knots[1:] + knots[:-1])[:, None] / 2
    t = np.clip(t, problem.start, problem.end)
    y, r = problem.core(middles), (t - middles) * problem.symmetry.side
    d1, d2, d3 = taylor_coefficients(y, identity)
    series = y + r * (d1 + r * (d2 + r * (d3 if degree == 3 else 0)))
    return np.max(np.abs(problem.core(t) - series), axis=1)


def taylor_coefficients(y: Floats, identity: str) -> tuple[Floats, Floats, Floats]:
    """Return f', f''/2 and f'''/6 of a function of `IDENTITIES` where its value is y."""
    if identity == "tanh":
        return 1 - y * y, -y * (1 - y * y), (1 - y * y) * (y * y - 1 / 3)
    if identity == "sigmoid":
        d1 = y * (1 - y)
        return d1, d1 * (0.5 - y), d1 * (1 / 6 - d1)
    return y, y / 2, y / 6


def _equalized_about_nodes(
    problem: Problem, errors: Callable[[Floats], Floats], count: int, degree: int
) -> Floats:
    """Return knots of equal errors, the first node of a folded function being 0.

    Then the first segment reaches as far below 0 as above, and takes half the place.
    """
    if not problem.symmetry.is_folded:
        return equalized(errors, problem.start, problem.end, count, degree)
    ends = problem.end * (np.arange(count) + 0.5) / (count - 0.5)
    knots = np.concatenate([[-ends[0]], ends])
    best, least = knots, np.inf
    for _ in range(60):
        found = errors(knots)
        largest = float(np.max(found))
        if largest < least:
            best, least = knots, largest
        if largest <= 1.002 * np.min(found):
            break
        mass = (found / largest) ** (1 / (degree + 1))
        mass[0] /= 2
        total = np.concatenate([[0.0], np.cumsum(mass)])
        marks = total[-1] * (np.arange(count) + 0.5) / (count - 0.5)
        ends = np.interp(marks, total, np.concatenate([[0.0], knots[1:]]))
        ends[-1] = problem.end
        knots = np.concatenate([[-ends[0]], ends])
    return best
