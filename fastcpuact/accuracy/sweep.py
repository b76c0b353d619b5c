"""A set of inputs of one formula, in one dtype and tier, to be held against the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import fastcpuact as act
from fastcpuact.engines import LEVEL
from fastcpuact.formulas.registry import WITHOUT_FMA

from . import inputs, pieces, quick
from .judgement import judge
from .pieces import Piece
from .reference import REFERENCES, Curve
from .samples import extremes, neighbours
from .statistics import Statistics
from .ulp import Dtype, Floats

# A function of an array of inputs, and of parameters by name.
Kernel = Callable[..., Floats]
# Numbers, or arrays with one element for each input.
Params = dict[str, ArrayLike]

# The largest relative error of the fast tier. float16 is the float32 result rounded once more:
# how many ULP it may err, and what this adds to a relative error.
FAST_ERROR = 2.0**-12
HALF_ULP, HALF_ROUNDING = 0.51, 2.0**-11

# Inputs of a unit of work, which takes about a second, and about what each takes, in seconds:
# judged by float64, by balls, and where they are many by polynomials through these.
UNIT, COST, DENSE_COST = 2**25, 30e-9, 6e-9
EXACT_UNIT, EXACT_COST, EXACT_DENSE_COST = 2**17, 20e-6, 2e-6

# Half-widths of the intervals about 0 where networks have their activations.
USUAL = (4, 16, 128)

# Inputs on which `Sweep.traits` rest, and those of them that are computed as balls.
TRAITS, EXACT_TRAITS = 2**12, 2**6

EVERYWHERE = (-np.inf, np.inf)


@dataclass(frozen=True)
class Sweep:
    """A set of inputs of one formula in one dtype and tier, in units of work.

    Attributes
    ----------
    name
        Of the activation.
    formula
        Key of ``Record.formulas``.
    dtype
        Of inputs and results.
    fast
        Whether the fast tier is meant.
    samples
        How many inputs to draw, half of them by bit pattern and half by value, beside those about
        landmarks; None for every float.
    params
        Parameters other than the defaults.
    draws
        Whether parameters are drawn with every input.
    """

    name: str
    formula: str
    dtype: str
    fast: bool = False
    samples: int | None = None
    params: tuple[tuple[str, float], ...] = ()
    draws: bool = False

    def __str__(self) -> str:
        size = "every" if self.samples is None else f"{self.samples} of"
        params = [f"{name}={value!r}" for name, value in self.params]
        if self.draws:
            params = list(REFERENCES[self.name].params)
        given = f"({', '.join(params)})" if params else ""
        return f"{self.function}{given}, {size} {self.dtype}"

    @property
    def function(self) -> str:
        """What is computed."""
        tier = ".fast" if self.fast else ""
        form = f".{self.formula}" if self.formula != "value" else ""
        return f"{self.name}{tier}{form}"

    @property
    def has_defaults(self) -> bool:
        """Whether the parameters are the defaults."""
        return not (self.params or self.draws)

    @property
    def scalar(self) -> Dtype:
        """The type of inputs and results."""
        return np.dtype(self.dtype).type

    @property
    def bound(self) -> float:
        """The largest error that is stated: relative in the fast tier, else in ULP."""
        if self.fast:
            return FAST_ERROR + (HALF_ROUNDING if self.dtype == "float16" else 0)
        if self.dtype == "float16":
            return HALF_ULP
        bound = act.get(self.name).record.bounds[self.formula, self.dtype]
        return bound + WITHOUT_FMA if LEVEL == "v2" else bound

    def kernel(self) -> Kernel:
        """Return the public callable that is checked, as a function of x and the parameters."""
        activation: Any = act.get(self.name)
        if self.fast:
            activation = activation.fast
        if self.formula == "value":
            return activation
        if self.formula in ("grad", "grad2"):
            return getattr(activation, self.formula)
        if self.formula == "grad_from_output":
            backward = activation.backward_from_output
            return lambda y, **params: backward(np.ones_like(y), y, **params)
        # Of the gradients of parameters, what is added up over an array.
        products = activation.param_grads
        place = products.form.results.index(self.formula)

        def summand(x: Floats, **params: ArrayLike) -> Floats:
            operands = {**activation.params, **params}.values()
            results = products.ufunc(np.ones_like(x), x, *operands)
            return results[place] if isinstance(results, tuple) else results

        return summand

    # The work.

    @property
    def units(self) -> int:
        """Number of units of work."""
        return -(-self._size // self._unit)

    @property
    def cost(self) -> float:
        """About how many seconds a unit takes."""
        many = self._size > self._unit and not self.draws
        if self._is_exact:
            cost = EXACT_DENSE_COST if many else EXACT_COST
        else:
            cost = DENSE_COST if many else COST
        return min(self._unit, self._size) * cost

    def run(self, unit: int, kernel: Kernel | None = None) -> Statistics:
        """Check the inputs of a unit.

        Parameters
        ----------
        unit
            Its number.
        kernel
            What to check in place of the public callable.
        """
        kernel = kernel or self.kernel()
        if self.samples is None:
            return Statistics.total(self._judge_every(unit, kernel))
        random = self._random(unit)
        parts = []
        for chunk in self._sampled(unit, random):
            x, params, curve = self._operands(chunk, random)
            parts.append(judge(curve, x, _evaluate(kernel, x, params), fast=self.fast))
        return Statistics.total(parts)

    def _judge_every(self, unit: int, kernel: Kernel) -> Iterator[Statistics]:
        """Judge the results of all floats of a unit."""
        curve, params = _curve(self), Params(self.params)
        before = self._result_before(unit, kernel)
        if unit == 0 and self._domain != EVERYWHERE:
            x = np.array([np.nan], self.scalar)
            yield judge(curve, x, _evaluate(kernel, x, params))
        for piece, ranks in self._spans(unit):
            for x in inputs.every(self.scalar, ranks):
                result = _evaluate(kernel, x, params)
                found = quick.judge(curve, piece, x, result, before) if piece else None
                # A result that fails is judged by the curve itself.
                if found is None or found.largest.error > self.bound:
                    found = judge(curve, x, result, before=before, fast=self.fast)
                yield found
                before = float(result[-1])

    def _spans(self, unit: int) -> Iterator[tuple[Piece | None, range]]:
        """Divide the ranks of a unit into spans, with the polynomial that is the curve, if any."""
        start = self._ranks.start + unit * self._unit
        ranks = range(start, min(start + self._unit, self._ranks.stop))
        curve = _curve(self)
        if self.dtype != "float32" or self.fast or curve.name in curve.facts.scales:
            return iter([(None, ranks)])
        return pieces.divide(curve, np.float32, ranks)

    def traits(self) -> Iterator[NDArray[Any]]:
        """Yield what kernel and oracle make of a few inputs, and what is known of the curve."""
        random = self._random(self.units)
        x = np.concatenate(list(self._draw(TRAITS, self._ranks, random)))
        x = x[~np.isnan(x)]
        x, params, curve = self._operands(x, random)
        yield _evaluate(self.kernel(), x, params)
        yield curve(x)
        few, _, curve = self._operands(x[:: TRAITS // EXACT_TRAITS], random)
        yield np.array([float(ball) for ball in curve.exactly(few)])
        for end in (*curve.image, *curve.domain):
            yield np.asarray(end, np.float64)
        yield np.array([curve.rising, curve.falling, curve.parity], np.float64)

    # The inputs.

    @property
    def _domain(self) -> tuple[float, float]:
        return EVERYWHERE if self.draws else _curve(self).domain

    @property
    def _ranks(self) -> range:
        return inputs.interval(self.scalar, *self._domain)

    @property
    def _size(self) -> int:
        return self._ranks.stop - self._ranks.start if self.samples is None else self.samples

    @property
    def _is_exact(self) -> bool:
        return self.dtype == "float64"

    @property
    def _unit(self) -> int:
        return EXACT_UNIT if self._is_exact else UNIT

    def _random(self, unit: int) -> np.random.Generator:
        return np.random.default_rng([unit, *repr(self).encode()])

    def _sampled(self, unit: int, random: np.random.Generator) -> Iterator[Floats]:
        assert self.samples is not None
        n = min(self._unit, self.samples - unit * self._unit)
        for x in self._draw(n, inputs.part(self._ranks, unit, self.units), random):
            yield from inputs.chunks(x)
        if unit == 0:
            x = extremes(self.scalar)
            if not self.draws:
                about = neighbours(_curve(self).landmarks(self.scalar), self.scalar)
                x = np.concatenate([x, about])
            low, high = self._domain
            yield from inputs.chunks(inputs.in_order(x[~((x < low) | (x > high))]))

    def _draw(self, n: int, ranks: range, random: np.random.Generator) -> Iterator[Floats]:
        """Draw inputs by pattern and by value, each kind in order."""
        intervals = np.clip(
            [act.get(self.name).record.domain, *((-w, w) for w in USUAL)], *self._domain
        )
        by_value = n // (2 * len(intervals))
        yield inputs.by_pattern(self.scalar, ranks, n - by_value * len(intervals), random)
        if by_value:
            for low, high in intervals:
                yield inputs.by_value(self.scalar, low, high, by_value, random)

    def _operands(self, x: Floats, random: np.random.Generator) -> tuple[Floats, Params, Curve]:
        """Add parameters to inputs, and the curve with these parameters."""
        if not self.draws:
            return x, dict(self.params), _curve(self)
        family = REFERENCES[self.name]
        seed = int(random.integers(2**63))
        params = family.draw(len(x), self.scalar, self.formula, seed)
        curve = family(**params).curves[self.formula]
        return np.clip(x, *curve.domain).astype(x.dtype), dict(params), curve

    def _result_before(self, unit: int, kernel: Kernel) -> float:
        """The result of the input before a unit, for the order of results across units."""
        if self.samples is not None or unit == 0:
            return np.nan
        rank = self._ranks.start + unit * self._unit - 1
        [x] = inputs.every(self.scalar, range(rank, rank + 1))
        return float(_evaluate(kernel, x, dict(self.params))[0])


def _evaluate(kernel: Kernel, x: Floats, params: Params) -> Floats:
    with np.errstate(all="ignore"):  # NumPy warns when it casts signalling NaNs
        return kernel(x, **params)


@cache
def _curve(sweep: Sweep) -> Curve:
    """The curve with the parameters of a sweep as its dtype has them."""
    family = REFERENCES[sweep.name]
    params = {**family.params, **dict(sweep.params)}
    rounded = {name: float(sweep.scalar(value)) for name, value in params.items()}
    return family(**rounded).curves[sweep.formula]
