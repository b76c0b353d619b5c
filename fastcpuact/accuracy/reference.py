"""The oracle: what every function of the package has to compute.

Nothing here is taken from the formulas or kernels of the package. `REFERENCES` has an entry for
every activation; called with parameters, scalars or arrays, it returns a `Reference`, which has a
`Curve` for each thing that is computed from the activation::

    curve = REFERENCES["swish"](beta=2.0).curves["grad"]
    curve(x)                       float64, good to 2**-30 for float32 and float16 x
    curve.exactly(x)               balls of Arb, far smaller than an ULP of float64
    curve.ulp_errors(result, x)    errors of results of any dtype
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import repeat
from math import copysign, factorial, inf, isfinite, isinf, nan
from types import MappingProxyType
from typing import Any

import numpy as np
from flint import arb, arb_series
from numpy.typing import ArrayLike, NDArray

from ..numeric.ordinals import from_ordinals, ordinals
from . import float64
from .balls import RELATIVE_BITS, coefficient, is_sharp, sharply
from .definitions import DEFINITIONS, Definition, Facts, Params
from .samples import Dtype, bit_patterns, neighbours, uniform
from .ulp import spacing, ulp_error

Float64 = NDArray[np.float64]
Expression = Callable[..., arb]

# Elements at a time: few enough for the temporary arrays of float64 to stay in a cache, and for
# balls, of some hundred bytes each, not to fill the memory.
BLOCK = 2**14
EXACT_BLOCK = 2**16

# Limits are read off at FAR: what is larger than VAST there tends to infinity, and the inverse to 0
# with the sign that it has at NEARER, where it is not yet too small to have one.
FAR, VAST, NEARER = arb((1, 100)), arb((1, 50)), arb((1, 12))

# Points between which roots are looked for, and between their mirror images.
GRID = 2.0 ** np.arange(-10, 6, 1 / 32)


# The expressions of the curves.


def constant_term(f: Callable[..., Any]) -> Expression:
    """Return `f`, as a ball where it is a Python number."""
    return lambda *operands: coefficient(f(*operands), 0)


def derivative(f: Callable[..., Any], operand: int, order: int) -> Expression:
    """Return a derivative of `f` with respect to one of its operands."""

    def evaluate(*operands: arb) -> arb:
        seeded: list[Any] = list(operands)
        seeded[operand] = arb_series([operands[operand], 1])
        return coefficient(f(*seeded), order) * factorial(order)

    return evaluate


def expressions(definition: Definition) -> dict[str, tuple[Expression, int]]:
    """Return the expressions of all curves, and how many terms of power series each needs."""
    f, slope = definition.value, definition.surrogate
    made = {"value": (constant_term(f), 1)}
    if slope is None:
        made |= {"grad": (derivative(f, 0, 1), 2), "grad2": (derivative(f, 0, 2), 3)}
    else:
        made |= {"grad": (constant_term(slope), 1), "grad2": (derivative(slope, 0, 1), 2)}
    if definition.from_output is not None:
        made["grad_from_output"] = constant_term(definition.from_output), 1
    for operand, name in enumerate(definition.params, start=1):
        made[f"grad_{name}"] = derivative(f, operand, 1), 2
    return made


# The curves.


@dataclass(eq=False)
class Curve:
    """A function of x and parameters; the gradient from the output is one of y instead.

    Attributes
    ----------
    name : str
        "value", "grad", "grad2", "grad_from_output", or "grad_p" for df/dp of a parameter p.
    params : mapping
        float, or float64 arrays that broadcast with x.
    facts : Facts
        What is known of the activation.
    domain : tuple
        The closed interval of x.
    """

    name: str
    params: Mapping[str, Any]
    facts: Facts
    domain: tuple[Any, Any]
    _expression: Expression = field(repr=False)
    _terms: int = field(repr=False)
    _float64: Callable[..., ArrayLike] | None = field(repr=False)
    _limits: dict[tuple[float, ...], float] = field(default_factory=dict, repr=False)

    def __call__(self, x: ArrayLike) -> Float64:
        """Float64 values, good where `x` and the parameters are float32 or float16."""
        shape, operands = self._operands(x)
        result = np.empty(shape)
        flat = result.reshape(-1)
        for block, some in _blocks(operands, BLOCK):
            flat[block] = self._approximate(*some)
        return result

    def exactly(self, x: ArrayLike) -> NDArray[np.object_]:
        """Balls around the exact values with radii far below an ULP of float64.

        At infinities they are the limits, and NaN where there is none.
        """
        shape, operands = self._operands(x)
        return _object_array(self._balls(*operands)).reshape(shape)

    def ulp_errors(self, result: NDArray[Any], x: ArrayLike) -> Float64:
        """Errors of results at `x`, in ULP of their dtype; 0 where there is no limit.

        float64 is judged by the exact values, float32 and float16 by the float64 ones.
        """
        shape, operands = self._operands(x)
        results = np.broadcast_to(result, shape).reshape(-1)
        errors = np.empty(results.shape)
        is_float64 = results.dtype == np.float64
        for block, some in _blocks(operands, EXACT_BLOCK if is_float64 else BLOCK):
            exact = _object_array(self._balls(*some)) if is_float64 else self._approximate(*some)
            errors[block] = self.in_its_scale(
                ulp_error(results[block], exact), exact, some[0], results.dtype.type
            )
        for infinity in (-inf, inf):
            if not self._has_limit(infinity):
                errors[operands[0] == infinity] = 0
        return errors.reshape(shape)

    def in_its_scale(self, errors: Float64, exact: Any, x: Any, dtype: Dtype) -> Float64:
        """Errors in ULP of the exact values, or of the scale of the curve where that is larger."""
        scale = self.facts.scales.get(self.name)
        if scale is None:
            return errors
        exact = np.abs(exact.astype(np.float64, copy=False))
        x = x.astype(np.float64, copy=False)
        with np.errstate(all="ignore"):
            least = np.abs(scale(x, *self.params.values()))
            share = spacing(exact, dtype) / spacing(np.maximum(exact, least), dtype)
        return errors * np.where(np.isfinite(exact) & np.isfinite(least), share, 1)

    def _operands(self, x: ArrayLike) -> tuple[tuple[int, ...], list[Float64]]:
        """The common shape, and x and the parameters flat; scalar parameters as they are."""
        x, *params = (np.asarray(operand, np.float64) for operand in (x, *self.params.values()))
        shape = np.broadcast_shapes(x.shape, *(p.shape for p in params))
        flat = [np.broadcast_to(p, shape).reshape(-1) if p.ndim else p for p in params]
        return shape, [np.broadcast_to(x, shape).reshape(-1), *flat]

    def _approximate(self, x: Float64, *params: Float64) -> Float64:
        y = np.full(x.shape, nan)
        if self._float64 is not None:
            with np.errstate(all="ignore"):
                y[...] = self._float64(x, *params)
        y[np.isnan(x)] = nan
        unknown = np.flatnonzero((np.isnan(y) & ~np.isnan(x)) | np.isinf(x))
        if len(unknown):
            some = _take((x, *params), unknown)
            y[unknown] = [
                self._limit(*row) if isinf(row[0]) else float(ball)
                for row, ball in zip(_rows(some), self._balls(*some), strict=True)
            ]
        return y

    def _balls(self, x: Float64, *params: Float64) -> list[arb]:
        finite = np.isfinite(x)
        for p in params:
            finite = finite & np.isfinite(p)
        some = _take((x, *params), finite)
        columns = [map(arb, c.tolist()) if c.ndim else repeat(arb(float(c))) for c in some]
        known = self._evaluate(list(zip(*columns, strict=False)))
        if len(known) == len(x):
            return known
        rest = iter(known)
        rows = zip(finite, _rows((x, *params)), strict=True)
        return [next(rest) if is_finite else arb(self._limit(*row)) for is_finite, row in rows]

    def _evaluate(
        self, operands: Sequence[tuple[arb, ...]], enough: Callable[[arb], bool] = is_sharp
    ) -> list[arb]:
        return sharply(self._expression, operands, terms=self._terms, enough=enough)

    def _has_limit(self, infinity: float) -> bool:
        side = 0 if infinity < 0 else 1
        return (
            bool(np.all(np.isinf(self.domain[side])))
            and self.facts.limits.get(self.name, (0.0, 0.0))[side] is not None
        )

    def _limit(self, x: float, *params: float) -> float:
        """The limit for an infinite `x`, NaN for none; a zero has the sign of its approach."""
        if not (isinf(x) and all(map(isfinite, params)) and self._has_limit(x)):
            return nan
        if self.name in self.facts.limits:
            return self.facts.limits[self.name][0 if x < 0 else 1]  # type: ignore[return-value]
        if (x, *params) not in self._limits:
            sign, others = copysign(1, x), [arb(p) for p in params]
            [y] = self._evaluate([(sign * FAR, *others)])
            if abs(y) < 1 / VAST:
                [y] = self._evaluate([(sign * NEARER, *others)], enough=_has_sign)
                limit = copysign(0.0, y.sgn())
            else:
                limit = copysign(inf, y.sgn()) if abs(y) > VAST else float(y)
            self._limits[x, *params] = limit
        return self._limits[x, *params]

    @property
    def limits(self) -> tuple[float, float]:
        """Limits at -inf and inf, for scalar parameters; NaN for none.

        A zero has the sign from which it is approached.
        """
        params = [float(p) for p in self.params.values()]
        return self._limit(-inf, *params), self._limit(inf, *params)

    @property
    def image(self) -> tuple[Any, Any]:
        """The closed interval that no result may leave."""
        return self.facts.image.get(self.name, (-inf, inf))

    @property
    def parity(self) -> int:
        """1 for an even curve, -1 for an odd one, 0 for others; at kinks it need not hold."""
        return self.facts.parity.get(self.name, 0)

    @property
    def rising(self) -> bool:
        """Whether the curve never decreases."""
        return self.name in self.facts.rising

    @property
    def falling(self) -> bool:
        """Whether the curve never increases."""
        return self.name in self.facts.falling

    # Where to look, for scalar parameters.

    def inputs(self, dtype: Dtype, n: int) -> NDArray[Any]:
        """Sample all bit patterns and each of the usual ranges `n` times, and about `landmarks`."""
        usual = uniform(dtype, half_widths=(4, 16, 128, 1024), n=n)
        about_landmarks = neighbours(self.landmarks(dtype), dtype)
        x = np.concatenate([bit_patterns(dtype, n), usual, about_landmarks])
        return x[~((x < self.domain[0]) | (x > self.domain[1]))]

    def landmarks(self, dtype: Dtype) -> list[float]:
        """Inputs where a kernel may go wrong.

        They are kinks, roots, ends of the domain, and where |f| leaves the normal numbers.
        """
        info = np.finfo(dtype)
        levels = [float(info.smallest_normal), float(info.max)]
        exact_levels = [arb((1, info.minexp - info.nmant - 1)), *map(arb, levels)]
        ends = [float(end) for end in self.domain if isfinite(end)]
        of_x = [*(float(x) for x, _ in self.facts.kinks), *self.facts.landmarks]
        crossings = [
            self._bisect(sign * 2.0, sign * levels[-1], partial(_is_below, level))
            for sign in (-1, 1)
            for level in exact_levels
        ]
        found = ends if ends else of_x
        return [*found, *self.roots, *(x for x in crossings if x is not None)]

    @cached_property
    def roots(self) -> list[float]:
        """Where the curve changes its sign between points of `GRID` or their mirror images."""
        found = []
        for points in (-GRID, GRID):
            inside = points[(self.domain[0] <= points) & (points <= self.domain[1])]
            signs = np.sign(self(inside))
            found += [
                self._bisect(inside[i], inside[i + 1], lambda y: y > 0)
                for i in np.flatnonzero(signs[1:] * signs[:-1] < 0)
            ]
        return [root for root in found if root is not None]

    def _bisect(self, a: float, b: float, holds: Callable[[arb], bool]) -> float | None:
        """Return the float between `a` and `b` from which a condition on f(x) changes, if any."""
        if not all(self.domain[0] <= x <= self.domain[1] for x in (a, b)):
            return None
        params = [arb(float(p)) for p in self.params.values()]

        def at(x: float) -> bool:
            [y] = self._evaluate([(arb(x), *params)])
            return holds(y)

        start = at(a)
        if at(b) == start:
            return None
        low, high = ordinals(np.array([a, b])).tolist()
        while abs(high - low) > 1:
            middle = (low + high) // 2
            is_same = at(float(from_ordinals(np.array([middle]), np.float64)[0])) == start
            low, high = (middle, high) if is_same else (low, middle)
        return float(from_ordinals(np.array([low]), np.float64)[0])


def _is_below(level: arb, y: arb) -> bool:
    return bool(abs(y) < level)


def _has_sign(y: arb) -> bool:
    return y.is_zero() or y.rel_accuracy_bits() > RELATIVE_BITS


def _object_array(items: list[Any]) -> NDArray[np.object_]:
    made = np.empty(len(items), object)
    made[:] = items
    return made


def _blocks(operands: Sequence[Float64], size: int) -> Iterator[tuple[slice, tuple[Float64, ...]]]:
    """Pieces of the operands, the first of which is an array and others may be scalars."""
    for start in range(0, len(operands[0]), size):
        block = slice(start, start + size)
        yield block, _take(operands, block)


def _take(operands: Sequence[Float64], which: Any) -> tuple[Float64, ...]:
    return tuple(column[which] if column.ndim else column for column in operands)


def _rows(operands: Sequence[Float64]) -> Iterator[tuple[float, ...]]:
    columns = [c.tolist() if c.ndim else repeat(float(c)) for c in operands]
    return zip(*columns, strict=False)


# The activations.


@dataclass(eq=False)
class Reference:
    """The curves of an activation with given parameters.

    Attributes
    ----------
    definition : Definition
        Its definition.
    params : mapping
        float, or float64 arrays that broadcast with one another.
    """

    definition: Definition
    params: Mapping[str, Any]

    @cached_property
    def facts(self) -> Facts:
        """What is known with these parameters."""
        return self.definition.facts(**self.params)

    @property
    def kinks(self) -> tuple[tuple[Any, Any], ...]:
        """Kinks, each with f' there by convention."""
        return self.facts.kinks

    @cached_property
    def curves(self) -> Mapping[str, Curve]:
        """The curves by name; that of the gradient from the output only where y determines it."""
        definition = self.definition
        made = expressions(definition)
        if not np.all(definition.determined(**self.params)):
            made.pop("grad_from_output", None)
        everywhere = (-inf, inf)
        domains = {"grad_from_output": self.facts.image.get("value", everywhere)}
        return {
            name: Curve(
                name,
                self.params,
                self.facts,
                domains.get(name, everywhere),
                expression,
                terms,
                getattr(
                    float64, f"{definition.name}_{name}" if name != "value" else definition.name
                ),
            )
            for name, (expression, terms) in made.items()
        }

    @property
    def value(self) -> Curve:
        """f."""
        return self.curves["value"]

    @property
    def grad(self) -> Curve:
        """f', or what stands for it."""
        return self.curves["grad"]


@dataclass(frozen=True, eq=False)
class Family:
    """An activation, which with parameters becomes a `Reference`."""

    definition: Definition

    def __call__(self, **params: ArrayLike) -> Reference:
        """Return the reference for parameters, scalars or arrays; others have their defaults."""
        given: Params = {**self.params, **params}
        unknown = given.keys() - self.params.keys()
        missing = [name for name, value in given.items() if value is None]
        if unknown or missing:
            raise TypeError(f"{self.definition.name} has the parameters {list(self.params)}")
        numbers = {name: np.asarray(p, np.float64) for name, p in given.items()}
        return Reference(
            self.definition, {name: p if p.ndim else float(p) for name, p in numbers.items()}
        )

    @property
    def params(self) -> Mapping[str, float | None]:
        """Parameters and their defaults; None is for required ones."""
        return self.definition.params

    def draw(
        self, n: int, dtype: Dtype, curve: str = "value", seed: int = 0
    ) -> dict[str, NDArray[Any]]:
        """Draw `n` of each parameter from the ranges to test, such that the curve exists."""
        rng = np.random.default_rng(seed)
        drawn = {}
        for name, (low, high) in self.definition.ranges.items():
            if low > 0:
                p = np.exp(rng.uniform(np.log(low), np.log(high), n))
            else:
                p = rng.uniform(low, high, n)
            drawn[name] = p.astype(dtype)
        if curve == "grad_from_output":
            determined = np.broadcast_to(self.definition.determined(**drawn), n)
            some = rng.choice(np.flatnonzero(determined), n)
            drawn = {name: p[some] for name, p in drawn.items()}
        return drawn


REFERENCES: Mapping[str, Family] = MappingProxyType(
    {name: Family(made) for name, made in DEFINITIONS.items()}
)


@dataclass(frozen=True)
class Case:
    """An activation and the parameters to call it with, beside its defaults."""

    name: str
    params: Params

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.params.items())})"

    def reference(self, dtype: Dtype = np.float64) -> Reference:
        """Return the reference for the parameters rounded to `dtype`, as a ufunc rounds them."""
        family = REFERENCES[self.name]
        params = {**family.params, **self.params}
        return family(**{k: float(dtype(v)) for k, v in params.items()})


CASES = [
    Case(name, params)
    for name, made in DEFINITIONS.items()
    for params in ({}, *made.cases)
    if params or None not in made.params.values()
]
