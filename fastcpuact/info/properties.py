"""What an activation is like, computed from the function itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcpuact.activation import Activation
from fastcpuact.numeric import expectation, jumps, largest, smallest

Floats = NDArray[np.float64]

# Ever farther from zero, nearly up to the largest float.
_TAIL = np.geomspace(1e-300, 1e300, 2401)
_JUMP = 1e-6
_TINY = float(np.finfo(np.float64).smallest_normal)
# A mean output so small beside the deviation is none.
_CENTRED = 1e-3
# Where f, f' and f'' are continuous, no kernel can tell more.
SMOOTH = 2


@dataclass(frozen=True)
class Range:
    """The values that a function takes.

    Attributes
    ----------
    low, high : float
        Infimum and supremum.
    has_low, has_high : bool
        Whether they are values themselves.
    """

    low: float
    high: float
    has_low: bool
    has_high: bool

    def __str__(self) -> str:
        left, right = "[" if self.has_low else "(", "]" if self.has_high else ")"
        return f"{left}{number(self.low)}, {number(self.high)}{right}"


@dataclass(frozen=True)
class Properties:
    """What an activation is like with given parameters.

    Attributes
    ----------
    params : dict
        The parameters.
    range : Range
        The values that it takes.
    limits : tuple of float
        f at -inf and inf; NaN for none.
    slope_limits : tuple of float
        f' there.
    rising, falling : bool
        Whether it never falls; whether it never rises.
    symmetry : {"odd", "even"} or None
        Whether f(-x) is -f(x), or f(x).
    derivatives : int
        How many derivatives are continuous, 2 standing for 2 or more; -1 where f itself jumps.
    kinks : tuple of float
        Where f, f' or f'' jumps.
    saturates : tuple of bool
        Whether f' tends to 0 at -inf and at inf.
    flat : tuple of bool
        Whether f' is 0 from some finite x on.
    mean, deviation : float
        Of f(z) for a standard normal z.
    steepest : float
        The least upper bound of the absolute slope: the Lipschitz constant.
    surrogate : bool
        Whether what stands for f' is not the derivative.
    """

    params: dict[str, float]
    range: Range
    limits: tuple[float, float]
    slope_limits: tuple[float, float]
    rising: bool
    falling: bool
    symmetry: str | None
    derivatives: int
    kinks: tuple[float, ...]
    saturates: tuple[bool, bool]
    flat: tuple[bool, bool]
    mean: float
    deviation: float
    steepest: float
    surrogate: bool

    @property
    def monotone(self) -> bool:
        """Whether it never falls, or never rises."""
        return self.rising or self.falling

    @property
    def smooth(self) -> bool:
        """Whether f, f' and f'' are continuous."""
        return self.derivatives >= SMOOTH

    @property
    def zero_centred(self) -> bool:
        """Whether the mean output for a standard normal input is zero."""
        return abs(self.mean) <= _CENTRED * self.deviation

    @property
    def saturating(self) -> str:
        """At which ends f' tends to 0: "both", "left", "right" or "none"."""
        left, right = self.saturates
        return "both" if left and right else "left" if left else "right" if right else "none"

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON, which has no infinity: they are strings, as "inf"."""
        return {
            "parameters": self.params,
            "range": [_json(self.range.low), _json(self.range.high)],
            "range_is_closed": [self.range.has_low, self.range.has_high],
            "limits": [_json(y) for y in self.limits],
            "slope_limits": [_json(y) for y in self.slope_limits],
            "monotone": self.monotone,
            "rising": self.rising,
            "falling": self.falling,
            "symmetry": self.symmetry,
            "smooth": self.smooth,
            "continuous_derivatives": self.derivatives,
            "kinks": list(self.kinks),
            "saturating": self.saturating,
            "flat": list(self.flat),
            "zero_centred": self.zero_centred,
            "mean_of_normal": self.mean,
            "deviation_of_normal": self.deviation,
            "steepest_slope": _json(self.steepest),
            "surrogate_gradient": self.surrogate,
        }


def _json(x: float) -> float | str:
    return x if math.isfinite(x) else str(x)


def number(x: float) -> str:
    """Write a number as a reader would."""
    if math.isnan(x):
        return "none"
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    return f"{x + 0.0:.4g}"


def properties(f: Activation, **params: float) -> Properties:
    """Compute what an activation is like, with the default parameters or with others.

    Values and gradients keep their digits in both tails, so that it can be told from them whether
    a limit is reached: the slope of tanh is never 0, though its value rounds to 1.

    Parameters
    ----------
    f : Activation
        The activation.
    **params : float
        Its parameters; those that are not given have their defaults.

    Returns
    -------
    Properties
        The properties.

    Raises
    ------
    TypeError
        If a parameter is unknown, or one without default is not given.

    Examples
    --------
    >>> import fastcpuact as act
    >>> from fastcpuact.info import properties
    >>> str(properties(act.elu, alpha=2.0).range)
    '(-2, ∞)'
    """
    if unknown := params.keys() - f.params.keys():
        raise TypeError(f"{f.name} has no parameter {unknown.pop()!r}")
    given = {**f.params, **params}
    if missing := [name for name, value in given.items() if value is None]:
        raise TypeError(f"{f.name} needs a number as {missing[0]!r}")
    return _properties(f, tuple((name, float(given[name] or 0)) for name in f.params))


@cache
def _properties(f: Activation, params: tuple[tuple[str, float], ...]) -> Properties:
    values = tuple(value for _, value in params)

    def curve(form: Callable[..., Any]) -> Callable[[Any], Any]:
        return lambda x: form(np.asarray(x, np.float64), *values)

    value, grad = curve(f), curve(f.grad)
    curves = [value, grad, *([curve(f.grad2)] if "grad2" in f.record.forms else [])]
    low, high = f.record.domain
    x = _grid(low, high)
    y = value(x)
    ends = np.array([-np.inf, np.inf])
    limits, slope_limits = value(ends), grad(ends)
    broken = [jumps(g, 2 * low, 2 * high) for g in curves]
    derivatives = next((order - 1 for order, b in enumerate(broken) if len(b)), len(curves) - 1)
    kinks = np.unique(np.concatenate(broken))
    finite = np.isfinite(y)
    differences = np.diff(y[finite])
    mean = expectation(value, kinks)
    reached = [_reaches_limit(value, grad, side) for side in (-1, 1)]
    saturates = tuple(bool(s == 0) for s in slope_limits)
    steepest = max(float(np.nanmax(np.abs(slope_limits), initial=0)), largest(_size(grad), x)[1])
    return Properties(
        params=dict(params),
        range=_range(value, x, limits, reached),
        limits=(float(limits[0]), float(limits[1])),
        slope_limits=(float(slope_limits[0]), float(slope_limits[1])),
        rising=bool(np.all(differences >= 0)),
        falling=bool(np.all(differences <= 0)),
        symmetry=_symmetry(value, x),
        derivatives=derivatives,
        kinks=tuple(map(float, kinks)),
        saturates=(saturates[0], saturates[1]),
        flat=(saturates[0] and reached[0], saturates[1] and reached[1]),
        mean=mean,
        deviation=math.sqrt(max(0.0, expectation(lambda z: (value(z) - mean) ** 2, kinks))),
        steepest=steepest,
        surrogate=_is_surrogate(value, grad, low, high, kinks),
    )


def _grid(low: float, high: float) -> Floats:
    """Return points over the domain and, ever farther apart, up to the largest floats."""
    middle = np.linspace(2 * low, 2 * high, 16385)
    return np.unique(np.concatenate([-_TAIL, middle, [0.0], _TAIL]))


def _size(g: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.abs(g(x))


def _reaches_limit(value: Callable[[Any], Any], grad: Callable[[Any], Any], side: int) -> bool:
    """Whether f is constant from some finite x on, towards -inf or inf."""
    limit = value(np.array([side * np.inf]))[0]
    if not np.isfinite(limit):
        return False
    tail = side * _TAIL
    differs = np.flatnonzero(value(tail) != limit)
    if not len(differs):
        return True
    if differs[-1] == len(tail) - 1:
        return False
    # The last float before the limit and the first one that has it: floats of one sign are in
    # the order of their bits.
    low, high = (int(b) for b in np.abs(tail[differs[-1] :][:2]).view(np.int64))

    def at(g: Callable[[Any], Any], bits: int) -> float:
        return float(g(side * np.array([bits]).view(np.float64))[0])

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at(value, middle) == limit else (middle, high)
    if abs(at(value, low) - limit) > _JUMP:
        return True
    # Where rounding made it the limit, the slope is not 0 a little farther on, nor before; where
    # underflow did, it fades away.
    beyond = high + (1 << 12)
    return at(grad, beyond) == 0 and abs(at(grad, low)) >= _TINY


def _range(value: Callable[[Any], Any], x: Floats, limits: Floats, reached: list[bool]) -> Range:
    ends = [float(y) for y in limits if not np.isnan(y)]
    bottom, top = min([smallest(value, x)[1], *ends]), max([largest(value, x)[1], *ends])
    # Elsewhere than at an end, an extremum is a value.
    is_closed = dict.fromkeys(ends, False)
    for y, has in zip(map(float, limits), reached, strict=True):
        is_closed[y] = is_closed.get(y, False) or has
    return Range(
        bottom,
        top,
        is_closed.get(bottom, math.isfinite(bottom)),
        is_closed.get(top, math.isfinite(top)),
    )


def _symmetry(value: Callable[[Any], Any], x: Floats) -> str | None:
    y, mirrored = value(x), value(-x)
    for name, sign in (("odd", -1), ("even", 1)):
        if np.array_equal(mirrored, sign * y):
            return name
    return None


def _is_surrogate(
    value: Callable[[Any], Any],
    grad: Callable[[Any], Any],
    low: float,
    high: float,
    kinks: Floats,
) -> bool:
    """Whether difference quotients, away from all kinks, are not what stands for f'."""
    x, step = np.linspace(low, high, 1000), 1e-5
    for kink in kinks:
        x = x[np.abs(x - kink) > 2 * step]
    quotient = (value(x + step) - value(x - step)) / (2 * step)
    slope = grad(x)
    return not np.allclose(quotient, slope, rtol=1e-3, atol=1e-5)
