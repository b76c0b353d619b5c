"""The oracle: every activation from its definition, exactly in mpmath and in float64 with SciPy.

Nothing here is taken from fastcpuact. `REFERENCES` has one row per activation; a row is a function
of the activation's parameters, so that its defaults can be compared with those of the package and
its curves be built for parameters as rounded to the dtype under test.

float32 and float16 results are judged by the float64 curves, which are exact to a relative error of
2**-30 (test_reference.py), float64 results by the mpmath ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import signature
from math import inf
from typing import Any

import mpmath
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .ulp import bit_patterns, neighbours, uniform

mp = mpmath.MPContext()
mp.prec = 200  # float64 loses at most 53 of them next to a root

Float64 = NDArray[np.float64]

# Half-width of the interval about a root of f in which its Taylor polynomial replaces f.
NEAR_ROOT = 2.0**-6
DEGREE = 9


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A function of one variable, f or f'.

    Attributes
    ----------
    exact
        mpf to mpf, for finite x.
    float64
        The same for float64 arrays; it may cancel near `roots` and fail at infinities and NaN.
    limits
        Values at -inf and inf. A zero carries the sign from which it is approached.
    image
        The closed interval that no result may leave.
    odd, increasing
        Whether f(-x) = -f(x), and whether f never decreases.
    roots
        Approximate zeros of f other than x = 0.
    """

    exact: Callable[[Any], Any]
    float64: Callable[[Float64], ArrayLike]
    limits: tuple[float, float]
    image: tuple[float, float] = (-inf, inf)
    odd: bool = False
    increasing: bool = False
    roots: tuple[float, ...] = ()

    def __call__(self, x: ArrayLike) -> Float64:
        """Float64 values at `x`."""
        with np.errstate(all="ignore"):
            x = np.asarray(x, np.float64)
            y = np.array(self.float64(x), np.float64)
            for root, coefficients in self._expansions:
                offset = (x - float(root)) - float(root - float(root))
                near = np.abs(offset) < NEAR_ROOT
                y[near] = np.polynomial.polynomial.polyval(offset[near], coefficients)
        y[x == -inf], y[x == inf] = self.limits
        y[np.isnan(x)] = np.nan
        return y

    def exactly(self, x: ArrayLike) -> NDArray[np.object_]:
        """Exact values at the 1-d `x`: mpf, or float where x is not finite."""
        limits = dict(zip((-inf, inf), self.limits, strict=True))
        values: list[float] = np.asarray(x, np.float64).tolist()
        y = [self.exact(mp.mpf(v)) if np.isfinite(v) else limits.get(v, v) for v in values]
        return np.array(y, object)

    @cached_property
    def _expansions(self) -> list[tuple[Any, Float64]]:
        """Roots to full precision, each with the coefficients of the Taylor polynomial there."""
        found = []
        for guess in self.roots:
            root = mp.findroot(self.exact, guess)
            found.append((root, np.array(mp.taylor(self.exact, root, DEGREE), np.float64)))
        return found

    def inputs(self, dtype: type[np.floating], n: int) -> NDArray[Any]:
        """Sample all bit patterns and each of the usual ranges `n` times, and about `landmarks`."""
        usual = uniform(dtype, half_widths=(4, 16, 128, 1024), n=n)
        about_landmarks = neighbours(self.landmarks(dtype), dtype)
        return np.concatenate([bit_patterns(dtype, n), usual, about_landmarks])

    def landmarks(self, dtype: type[np.floating]) -> list[float]:
        """Inputs where a kernel may go wrong: roots, and where |f| leaves the normal numbers."""
        info = np.finfo(dtype)
        ends = (info.smallest_subnormal, info.smallest_normal, info.max)
        least, least_normal, largest = (mp.mpf(float(end)) for end in ends)
        crossings = [
            sign * edge
            for sign in (-1, 1)
            for level in (least / 2, least_normal, largest)
            if (edge := self._crossing(sign, level, largest)) is not None
        ]
        return [float(root) for root, _ in self._expansions] + crossings

    def _crossing(self, sign: int, level: Any, largest: Any) -> float | None:
        """Solve |f(sign * x)| = level for 2 < x < largest, |f| being monotone there."""

        def is_below(log2_x: Any) -> bool:
            return bool(abs(self.exact(sign * mp.mpf(2) ** log2_x)) < level)

        low, high = mp.mpf(1), mp.log(largest, 2)
        start = is_below(low)
        if is_below(high) == start:
            return None
        while high - low > 2.0**-60:
            middle = (low + high) / 2
            low, high = (middle, high) if is_below(middle) == start else (low, middle)
        return float(mp.mpf(2) ** low)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The curves of one activation and its gradient at kinks, by the conventions of the package."""

    value: Curve
    grad: Curve
    kinks: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """An activation and the parameters to call it with, beside its defaults."""

    name: str
    params: dict[str, float]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.params.items())})"

    def reference(self, dtype: type[np.floating] = np.float64) -> Reference:
        """Return the reference for the parameters rounded to `dtype`, as a ufunc rounds them."""
        build = REFERENCES[self.name]
        params = defaults(build) | self.params
        return build(**{k: float(dtype(v)) for k, v in params.items()})


Build = Callable[..., Reference]
REFERENCES: dict[str, Build] = {}
CASES: list[Case] = []


def row(*params: dict[str, float]) -> Callable[[Build], Build]:
    """Register the decorated row, to be tested with its defaults and with each of `params`."""

    def register(build: Build) -> Build:
        REFERENCES[build.__name__] = build
        CASES.extend(Case(build.__name__, case) for case in ({}, *params))
        return build

    return register


def defaults(build: Build) -> dict[str, float]:
    """Parameters of a row with their defaults."""
    return {p.name: p.default for p in signature(build).parameters.values()}


# Building blocks, each in mpmath and in float64.


def mp_sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def mp_softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x))


def mp_normal_cdf(x: Any) -> Any:
    # mpmath overflows beyond; there one term of the asymptotic series is exact to 200 bits.
    return mp.ncdf(x) if x > -1e31 else mp.npdf(x) / -x


def normal_pdf(x: Float64) -> Float64:
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def sech_squared(x: Float64) -> Float64:
    return 4 * special.expit(2 * x) * special.expit(-2 * x)


# The rows.


@row()
def relu() -> Reference:
    return Reference(
        value=Curve(
            exact=lambda x: max(x, mp.zero),
            float64=lambda x: np.maximum(x, 0),
            limits=(0.0, inf),
            image=(0, inf),
            increasing=True,
        ),
        grad=Curve(
            exact=lambda x: mp.mpf(x > 0),
            float64=lambda x: x > 0,
            limits=(0.0, 1.0),
            image=(0, 1),
            increasing=True,
        ),
        kinks={0.0: 0.0},
    )


@row({"negative_slope": 0.2}, {"negative_slope": 0.0}, {"negative_slope": -1.5})
def leaky_relu(negative_slope: float = 0.01) -> Reference:
    return Reference(
        value=Curve(
            exact=lambda x: x if x > 0 else negative_slope * x,
            float64=lambda x: np.where(x > 0, x, negative_slope * x),
            limits=(-inf * negative_slope if negative_slope else 0.0, inf),
            increasing=negative_slope >= 0,
        ),
        grad=Curve(
            exact=lambda x: mp.mpf(1 if x > 0 else negative_slope),
            float64=lambda x: np.where(x > 0, 1, negative_slope),
            limits=(negative_slope, 1.0),
            increasing=negative_slope <= 1,
        ),
        kinks={0.0: negative_slope},
    )


@row()
def sigmoid() -> Reference:
    return Reference(
        value=Curve(
            exact=mp_sigmoid,
            float64=special.expit,
            limits=(0.0, 1.0),
            image=(0, 1),
            increasing=True,
        ),
        grad=Curve(
            exact=lambda x: mp_sigmoid(x) * mp_sigmoid(-x),
            float64=lambda x: special.expit(x) * special.expit(-x),
            limits=(0.0, 0.0),
            image=(0, 0.25),
        ),
    )


@row()
def tanh() -> Reference:
    return Reference(
        value=Curve(
            exact=mp.tanh,
            float64=np.tanh,
            limits=(-1.0, 1.0),
            image=(-1, 1),
            odd=True,
            increasing=True,
        ),
        grad=Curve(
            exact=lambda x: mp.sech(x) ** 2,
            float64=sech_squared,
            limits=(0.0, 0.0),
            image=(0, 1),
        ),
    )


@row()
def silu() -> Reference:
    return Reference(
        value=Curve(
            exact=lambda x: x * mp_sigmoid(x),
            float64=lambda x: x * special.expit(x),
            limits=(-0.0, inf),
        ),
        grad=Curve(
            exact=lambda x: mp_sigmoid(x) * (1 + x * mp_sigmoid(-x)),
            float64=lambda x: special.expit(x) * (1 + x * special.expit(-x)),
            limits=(-0.0, 1.0),
            roots=(-1.28,),
        ),
    )


@row()
def gelu() -> Reference:
    return Reference(
        value=Curve(
            exact=lambda x: x * mp_normal_cdf(x),
            float64=lambda x: x * special.ndtr(x),
            limits=(-0.0, inf),
        ),
        grad=Curve(
            exact=lambda x: mp_normal_cdf(x) + x * mp.npdf(x),
            float64=lambda x: special.ndtr(x) + x * normal_pdf(x),
            limits=(-0.0, 1.0),
            roots=(-0.75,),
        ),
    )


@row({"beta": 2.0}, {"beta": 0.3}, {"beta": 10.0})
def softplus(beta: float = 1.0) -> Reference:
    return Reference(
        value=Curve(
            exact=lambda x: mp_softplus(beta * x) / beta,
            float64=lambda x: np.logaddexp(0, beta * x) / beta,
            limits=(0.0, inf),
            image=(0, inf),
            increasing=True,
        ),
        grad=Curve(
            exact=lambda x: mp_sigmoid(beta * x),
            float64=lambda x: special.expit(beta * x),
            limits=(0.0, 1.0),
            image=(0, 1),
            increasing=True,
        ),
    )


@row()
def mish() -> Reference:
    def exact_grad(x: Any) -> Any:
        s = mp_softplus(x)
        return mp.tanh(s) + x * mp.sech(s) ** 2 * mp_sigmoid(x)

    def float64_grad(x: Float64) -> Float64:
        s = np.logaddexp(0, x)
        return np.tanh(s) + x * sech_squared(s) * special.expit(x)

    return Reference(
        value=Curve(
            exact=lambda x: x * mp.tanh(mp_softplus(x)),
            float64=lambda x: x * np.tanh(np.logaddexp(0, x)),
            limits=(-0.0, inf),
        ),
        grad=Curve(
            exact=exact_grad,
            float64=float64_grad,
            limits=(-0.0, 1.0),
            roots=(-1.19,),
        ),
    )


# Along an axis: rows are the last axis.


def softmax(x: ArrayLike) -> Float64:
    """Softmax of each row, in float64."""
    x = np.asarray(x, np.float64)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_exactly(x: ArrayLike) -> NDArray[np.object_]:
    """Softmax of one finite row, in mpmath."""
    e = [mp.exp(v) for v in np.asarray(x, np.float64).tolist()]
    total = mp.fsum(e)
    return np.array([v / total for v in e], object)


def softmax_backward_exactly(dy: ArrayLike, y: ArrayLike) -> NDArray[np.object_]:
    """Gradient of one row of softmax from its output `y`, in mpmath."""
    pairs = list(zip(np.asarray(dy).tolist(), np.asarray(y).tolist(), strict=True))
    total = mp.fdot(pairs)
    return np.array([b * (a - total) for a, b in pairs], object)
