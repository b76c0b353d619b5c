"""Making approximants in floating point: `lookup_table`, `polynomial` and their like."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..activation import Activation
from . import table_fit
from .domains import Problem, problem
from .floating import working_dtype
from .function import Function
from .piecewise import PiecewisePolynomial
from .polynomial_fit import fitted_piecewise, fitted_rational, piecewise_error, rational_error
from .rationals import Rational
from .segments import SPACINGS
from .tables import DEGREES, IDENTITIES, LookupTable

Domain = tuple[float, float] | None
_MOST_ENTRIES = 2**16
_MOST_COEFFICIENTS = 16
VARIABLES = ("auto", "t", "square")


def lookup_table(
    f: Activation | str | Callable[..., Any],
    entries: int,
    domain: Domain = None,
    *,
    interpolation: str = "linear",
    spacing: str = "uniform",
    identity: bool | None = None,
    dtype: DTypeLike = "float32",
) -> LookupTable:
    """Approximate a function by a table of values and interpolation between them.

    Parameters
    ----------
    f : Activation, str or callable
        An activation or its name, or a callable on float64 arrays.
    entries : int
        How many values are stored: for interpolation of degree d a multiple of d, and one more.
    domain : pair of float, optional
        The interval that the table covers. If it is symmetric and the function has a symmetry,
        half of it is stored. Beyond it the result is the asymptote, or the value at its end where
        there is none near. By default, the domain for which the errors inside and beyond are
        equal.
    interpolation : {"nearest", "linear", "quadratic", "cubic"}
        By polynomials of degree 0 to 3 through 1 to 4 neighbouring values.
    spacing : {"uniform", "optimal"}
        Equal segments, or segments of equal error, whose knots are stored and searched.
    identity : bool, optional
        For tanh, sigmoid and exponential, with quadratic or cubic interpolation: take the
        derivatives from the values, as y' = 1 - y², y (1 - y) or y, and the Taylor polynomial about
        the nearest node. One value then serves a whole segment. The default is to do so.
    dtype : {"float32", "float64"}
        The working precision.

    Returns
    -------
    LookupTable
        The approximant.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If ``domain`` is empty, not finite, so wide or narrow that squares or inverses overflow, or
        None where it has to be given; if ``entries`` is out of range; if ``f`` is not finite in the
        domain; or if there is no such method.

    Notes
    -----
    The values are those of the smallest maximum error, not those of the function: with equal
    segments of width h it is h max|f'| / 2, h² max|f''| / 16 or h⁴ max|f''''| / 3072 for degree 0,
    1 or 3. Quadratic interpolation reaches h³ max|f'''| / (72 √3), 1.54 times the error of
    polynomials that need not meet: their error alternates in sign at the knots, so they cannot.
    By an identity the error is h³ max|f'''| / 48 or h⁴ max|f''''| / 384. The certificate states the
    smallest error that the segments can have as ``limit``; it is reached within 5 %, but for

    - cubic tables where f'''' changes its sign and the segments are few or of equal error: what
      one polynomial gives at a knot its neighbour cannot use, and the error may be twice the limit,
      which `piecewise_polynomial` reaches;
    - errors of less than some 20 units in the last place of the largest results: rounding to
      ``dtype`` adds to them.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> table = edge.lookup_table("tanh", 200, interpolation="quadratic")
    >>> table.nbytes, table.certificate.max_abs < 2.7e-6
    (800, True)
    """
    function, precision = Function(f), working_dtype(dtype)
    _one_of(interpolation, "interpolation", tuple(DEGREES))
    _one_of(spacing, "spacing", SPACINGS)
    degree = DEGREES[interpolation]
    by = _identity(function, degree, identity)
    least = max(degree, 1) + (degree > 0)
    entries = _count(entries, "entries", 1 if by else least, _MOST_ENTRIES)
    if by:
        count = entries - (spacing == "uniform")
        if count < 1:
            raise ValueError(f"entries must be at least 2 for uniform spacing, got {entries}")
    else:
        if degree > 1 and (entries - 1) % degree:
            raise ValueError(
                f"entries must be a multiple of {degree} and one more for {interpolation} "
                f"interpolation, got {entries}"
            )
        count = (entries - 1) // degree if degree else entries

    def error(stated: Problem) -> float:
        return table_fit.least_error(stated, count, interpolation, spacing, by)

    stated = problem(function, domain, precision, error)
    return table_fit.fitted(stated, count, interpolation, spacing, by)


def piecewise_polynomial(
    f: Activation | str | Callable[..., Any],
    segments: int,
    degree: int,
    domain: Domain = None,
    *,
    spacing: str = "uniform",
    dtype: DTypeLike = "float32",
) -> PiecewisePolynomial:
    """Approximate a function by a polynomial of its own in each of many segments.

    Parameters
    ----------
    f : Activation, str or callable
        An activation or its name, or a callable on float64 arrays.
    segments : int
        How many segments there are.
    degree : int
        Degree of the polynomials.
    domain, dtype
        As for `lookup_table`.
    spacing : {"uniform", "optimal"}
        Equal segments, or segments of equal error, whose knots are stored and searched.

    Returns
    -------
    PiecewisePolynomial
        The approximant.

    Raises
    ------
    TypeError, ValueError
        As for `lookup_table`.

    Notes
    -----
    Each polynomial has the smallest maximum error in its segment, by Remez' exchange; its
    coefficients are rounded one after the other, each making up for those before. The error is
    h^(d+1) max|f^(d+1)| / (2^(2d+1) (d+1)!) with equal segments of width h, and with the best knots
    (∫|f^(d+1)|^(1/(d+1)))^(d+1) / (2^(2d+1) (d+1)! N^(d+1)) for N segments. It is reached within
    5 % unless it is less than some 20 units in the last place of the largest results, when rounding
    to ``dtype`` adds to it. Neighbours need not meet: at a knot the result may jump by twice the
    error.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> pieces = edge.piecewise_polynomial("gelu", 16, 2, spacing="optimal")
    >>> float(pieces(0.5)).__round__(3)
    0.346
    """
    function, precision = Function(f), working_dtype(dtype)
    segments = _count(segments, "segments", 1, _MOST_ENTRIES)
    degree = _count(degree, "degree", 0, _MOST_COEFFICIENTS - 1)
    _one_of(spacing, "spacing", SPACINGS)

    def error(stated: Problem) -> float:
        return piecewise_error(stated, segments, degree, spacing)[1]

    stated = problem(function, domain, precision, error)
    return fitted_piecewise(stated, segments, degree, spacing)


def polynomial(
    f: Activation | str | Callable[..., Any],
    coefficients: int,
    domain: Domain = None,
    *,
    variable: str = "auto",
    dtype: DTypeLike = "float32",
) -> Rational:
    """Approximate a function by one polynomial on its domain.

    Parameters
    ----------
    f : Activation, str or callable
        An activation or its name, or a callable on float64 arrays.
    coefficients : int
        How many coefficients there are.
    domain, dtype
        As for `lookup_table`.
    variable : {"auto", "t", "square"}
        A polynomial in abs(x), or in x², of which a function with a symmetry is one (times x if it
        is odd, after x/2 or a constant is taken off). By default, the better one.

    Returns
    -------
    Rational
        The approximant, without a denominator.

    Raises
    ------
    TypeError, ValueError
        As for `lookup_table`.

    Notes
    -----
    The polynomial has the smallest maximum error on the domain, by Remez' exchange in extended
    precision. The coefficients are rounded one after the other, each making up for those before.
    ``certificate.limit`` is the error of real coefficients in exact arithmetic; it is reached
    within 5 % unless it is less than some 20 units in the last place of the largest results, when
    rounding to ``dtype`` adds to it.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> p = edge.polynomial("exponential", 5, (-0.5, 0.0))
    >>> p.nbytes, p.certificate.max_abs < 1e-6
    (20, True)
    """
    return _rational(f, coefficients, 1, domain, variable, dtype, "coefficients")


def rational(
    f: Activation | str | Callable[..., Any],
    numerator: int,
    denominator: int,
    domain: Domain = None,
    *,
    variable: str = "auto",
    dtype: DTypeLike = "float32",
) -> Rational:
    """Approximate a function by one rational function on its domain.

    Parameters
    ----------
    f : Activation, str or callable
        An activation or its name, or a callable on float64 arrays.
    numerator, denominator : int
        How many coefficients each has. The first one of the denominator is 1.
    domain, variable, dtype
        As for `polynomial`.

    Returns
    -------
    Rational
        The approximant.

    Raises
    ------
    TypeError, ValueError
        As for `lookup_table`; also if no such function without a pole fits.

    Notes
    -----
    As for `polynomial`. Where symmetry allows, a rational function in x² is far better than any
    polynomial: three coefficients each approximate tanh everywhere to within 6e-5.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> r = edge.rational("tanh", 3, 3)
    >>> r.certificate.max_abs < 6.0e-5
    True
    """
    denominator = _count(denominator, "denominator", 1, _MOST_COEFFICIENTS)
    return _rational(f, numerator, denominator, domain, variable, dtype, "numerator")


def _rational(
    f: Any, above: Any, below: int, domain: Domain, variable: str, dtype: DTypeLike, name: str
) -> Rational:
    function, precision = Function(f), working_dtype(dtype)
    above = _count(above, name, 1, _MOST_COEFFICIENTS)
    _one_of(variable, "variable", VARIABLES)

    def error(stated: Problem) -> float:
        return rational_error(stated, above, below, variable)

    stated = problem(function, domain, precision, error)
    return fitted_rational(stated, above, below, variable)


def _identity(function: Function, degree: int, wanted: bool | None) -> str | None:
    """The function by whose derivatives to interpolate, if it is to be."""
    if wanted not in (None, True, False):
        raise TypeError(f"identity must be True, False or None, got {wanted!r}")
    name = function.activation.name if function.activation else None
    possible = name in IDENTITIES and degree >= 2
    if wanted and not possible:
        raise ValueError(
            f"identity needs quadratic or cubic interpolation of {', '.join(IDENTITIES)}, "
            f"got degree {degree} of {function.name}"
        )
    return name if possible and wanted is not False else None


def _count(value: Any, name: str, least: int, most: int) -> int:
    try:
        count = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} must be an integer, got {value!r}") from error
    if isinstance(value, bool | np.bool_) or not least <= count <= most:
        raise ValueError(f"{name} must be from {least} to {most}, got {value!r}")
    return count


def _one_of(value: Any, name: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
