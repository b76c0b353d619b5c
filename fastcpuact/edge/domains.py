"""What a fit needs to know of a function: its symmetry, the domain of its core, and its tails."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np

from .function import Floats, Function
from .symmetry import NONE, Symmetry, Tail, asymptote, symmetry_of

Core = Callable[[Any], Floats]

# Up to where a function is looked at for its symmetry where no domain is given, and for the end of
# its domain: beyond it, activations are straight lines to more than working precision or have none.
_REACH = 16.0
_FAR = 2.0**10


class Problem(NamedTuple):
    """A core to approximate between two ends, and by straight lines beyond them.

    Attributes
    ----------
    function : Function
        What is approximated.
    dtype : numpy.dtype
        The working precision.
    symmetry : Symmetry
        How the function follows from the core.
    start, end : float
        The domain of the core, rounded to ``dtype``.
    tails : tuple of Tail
        The core below and above it.
    tail_error : float
        The maximum error of the tails that are asymptotes.
    """

    function: Function
    dtype: np.dtype[Any]
    symmetry: Symmetry
    start: float
    end: float
    tails: tuple[Tail, Tail]
    tail_error: float

    @property
    def core(self) -> Core:
        """The core, in float64."""
        return self.symmetry.core(self.function)

    @property
    def is_pinned(self) -> bool:
        """Whether the core has to be 0 at 0."""
        return self.symmetry.name == "odd"

    def common(self, image: tuple[float, float], level: float, formula: str) -> tuple[Any, ...]:
        """The arguments that all approximants in floating point take first."""
        return (
            self.function,
            self.dtype,
            self.start,
            self.end,
            self.symmetry,
            self.tails,
            image,
            max(level, self.tail_error, self.rounding),
            formula,
        )

    @property
    def rounding(self) -> float:
        """The error of correctly rounded results: no others are any nearer."""
        t = np.linspace(self.start, self.end, 2**12 + 1).astype(self.dtype).astype(np.float64)
        y = self.function(np.concatenate([t, -t]) if self.symmetry.is_folded else t)
        return float(np.max(np.abs(y - y.astype(self.dtype))))

    def image(self) -> tuple[float, float]:
        """The interval of the values of the core, its tails included, rounded to ``dtype``."""
        y = self.core(np.linspace(self.start, self.end, 2**14 + 1))
        ends = [tail.intercept for tail in self.tails if tail.slope == 0]
        low, high = min(np.min(y), *ends, inf), max(np.max(y), *ends, -inf)
        return float(self.dtype.type(low)), float(self.dtype.type(high))


def problem(
    function: Function,
    domain: tuple[float, float] | None,
    dtype: np.dtype[Any],
    error_on: Callable[[Problem], float],
) -> Problem:
    """State what has to be approximated.

    Parameters
    ----------
    domain : tuple of float or None
        The domain in x. None for that on which a fit is as far from the function as the
        asymptotes are beyond it.
    error_on : callable
        The error of the fit in question on a domain.

    Raises
    ------
    TypeError, ValueError
        If the domain is no interval, or None where the function has no asymptote.
    """
    if domain is not None:
        return on_domain(function, domain, dtype)
    find = _finder(function, dtype)
    # The smaller the error of the tails, the larger the domain, and the error on it.
    low, high = np.log(1e-12), np.log(1.0)
    for _ in range(13):  # to a third of a percent
        middle = (low + high) / 2
        if error_on(find(np.exp(middle))) > np.exp(middle):
            low = middle
        else:
            high = middle
    return find(np.exp(high))


def on_domain(function: Function, domain: Any, dtype: np.dtype[Any]) -> Problem:
    """State the problem on a domain in x, folded if it and the function are symmetric."""
    low, high = checked_domain(domain)
    symmetry = symmetry_of(function, high) if low == -high else NONE
    return _stated(function, dtype, symmetry, 0.0 if symmetry.is_folded else low, high)


def within_error(function: Function, dtype: np.dtype[Any], error: float) -> Problem:
    """State the problem on the domain beyond which asymptotes are within an error.

    Raises
    ------
    ValueError
        If the function has no asymptote on one side.
    """
    return _finder(function, dtype)(error)


def _finder(function: Function, dtype: np.dtype[Any]) -> Callable[[float], Problem]:
    symmetry = symmetry_of(function, _REACH)
    sides = [1] if symmetry.is_folded else [-1, 1]
    distances = [_distance(symmetry.core(function), side, function.name) for side in sides]

    def find(error: float) -> Problem:
        ends = [distance(error) for distance in distances]
        start = 0.0 if symmetry.is_folded else -ends[0]
        return _stated(function, dtype, symmetry, start, ends[-1])

    return find


def checked_domain(domain: Any) -> tuple[float, float]:
    """Return a domain as two floats.

    Raises
    ------
    TypeError
        If it is no pair of numbers.
    ValueError
        If they are not finite and rising.
    """
    try:
        low, high = map(float, domain)
    except (TypeError, ValueError) as error:
        raise TypeError(f"domain must be a pair of numbers, got {domain!r}") from error
    if not (isfinite(low) and isfinite(high) and low < high):
        raise ValueError(f"domain must be finite and not empty, got {domain!r}")
    return low, high


def _stated(
    function: Function, dtype: np.dtype[Any], symmetry: Symmetry, start: float, end: float
) -> Problem:
    start, end = float(dtype.type(start)), float(dtype.type(end))
    if not (isfinite(start) and isfinite(end) and start < end):
        raise ValueError(f"domain must not be empty in {dtype}, got ({start!r}, {end!r})")
    # Approximants compute with squares of inputs and with inverses of widths.
    root = float(np.sqrt(np.finfo(dtype).max))
    if max(-start, end) > root or end - start < 1 / root:
        raise ValueError(
            f"domain must lie between ±{root:.3g} and be wider than {1 / root:.3g} in {dtype}, "
            f"got ({start!r}, {end!r})"
        )
    core = symmetry.core(function)
    inside = core(np.linspace(start, end, 2**12 + 1))
    if not np.all(np.isfinite(inside)):
        raise ValueError(f"{function.name} must be finite on the domain ({start:g}, {end:g})")
    tails, worst = [], 0.0
    for side, edge in ((-1, start), (1, end)):
        line = None if side < 0 and symmetry.is_folded else asymptote(core, side)
        # A domain that ends far from the asymptote is all that the approximant is meant for.
        step = np.inf if line is None else abs(float(core([edge])[0] - line(np.array([edge]))[0]))
        if line is None or step > np.ptp(inside) / 16:
            tails.append(Tail(0.0, float(dtype.type(core([edge])[0]))))
            continue
        tails.append(line)
        beyond = _beyond(edge, side)
        worst = max(worst, float(np.max(np.abs(core(beyond) - line(beyond)))))
    return Problem(function, dtype, symmetry, start, end, (tails[0], tails[1]), worst)


def _beyond(edge: float, side: int) -> Floats:
    return edge + side * np.concatenate([[0.0], np.geomspace(1e-6, _FAR, 2**11)])


def _distance(core: Core, side: int, name: str) -> Callable[[float], float]:
    """Return where a core comes to stay within an error of its asymptote, as a function of that."""
    line = asymptote(core, side)
    if line is None:
        raise ValueError(f"domain must be given: {name} has no asymptote on both sides")
    x = np.concatenate([np.arange(1, 2**13) * 2.0**-8, np.geomspace(32, _FAR, 2**10)])
    error = np.abs(core(side * x) - line(side * x))
    ahead = np.maximum.accumulate(error[::-1])[::-1]

    def distance(allowed: float) -> float:
        i = int(np.searchsorted(-ahead, -allowed))
        if i == 0 or i == len(x):
            return float(x[min(i, len(x) - 1)])
        # Tails fall exponentially: interpolate the logarithm.
        rise = np.log(max(ahead[i], 1e-300)) - np.log(ahead[i - 1])
        part = (np.log(allowed) - np.log(ahead[i - 1])) / rise if rise else 0.0
        return float(x[i - 1] + part * (x[i] - x[i - 1]))

    return distance
