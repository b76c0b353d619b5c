"""Choosing an approximant: the cheapest that is good enough, and what errors cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..activation import Activation
from . import domains
from .affine import Affine
from .approximant import Approximant
from .candidates import families
from .domains import Problem
from .floating import FloatApproximant, working_dtype
from .function import Function

METRICS = ("abs", "rel", "lsb")
PREFERENCES = ("size", "speed", "ops")
# Of the error allowed: what the tails may have, so that rounding does not push them beyond it.
_TAILS = 0.98
# The sum of these ranks by operations: a division takes about as long as so many additions on
# processors without a vector unit (Cortex-M4F: VDIV.F32 14 cycles, VMUL.F32 and VADD.F32 1).
_WEIGHTS = {"divide": 14}


@dataclass(frozen=True)
class Point:
    """An approximant with its costs.

    Attributes
    ----------
    approximant : Approximant
        The approximant.
    error : float
        Its largest absolute error.
    nbytes : int
        Bytes of data.
    operations : int
        Operations for an element, a division counted as 14.
    ns : float
        Nanoseconds for an element on this machine, on one array that lies in its cache.
    """

    approximant: FloatApproximant
    error: float
    nbytes: int
    operations: int
    ns: float

    def costs(self) -> tuple[float, float, float, float]:
        """What is better the less it is."""
        return self.error, self.nbytes, self.operations, self.ns


@dataclass(frozen=True)
class Frontier:
    """Approximants of one function, none of which is in all respects worse than another.

    Attributes
    ----------
    name : str
        The function.
    points : tuple of Point
        The approximants, the most accurate first.
    """

    name: str
    points: tuple[Point, ...]

    def __len__(self) -> int:
        return len(self.points)

    def __str__(self) -> str:
        head = f"{'max error':>10} {'bytes':>6} {'ops':>4} {'ns':>7}  {self.name} by"
        rows = (
            f"{p.error:10.2e} {p.nbytes:6d} {p.operations:4d} {p.ns:7.2f}  {p.approximant.method}"
            for p in self.points
        )
        return "\n".join((head, *rows))


def search(
    f: Activation | str | Callable[..., Any],
    *,
    max_error: float,
    metric: str = "abs",
    prefer: str = "size",
    domain: tuple[float, float] | None = None,
    dtype: DTypeLike = "float32",
    input: Affine | None = None,
    output: Affine | None = None,
) -> Approximant:
    """Find the cheapest approximant whose error is within a bound.

    Parameters
    ----------
    f : Activation, str or callable
        An activation or its name, or a callable on float64 arrays.
    max_error : float
        The bound that the certificate has to meet.
    metric : {"abs", "rel", "lsb"}
        Absolute, relative, or in units of the scale of an integer output.
    prefer : {"size", "speed", "ops"}
        The fewest bytes, the least time on this machine, or the fewest operations (a division
        counts as 14); the others decide between equals.
    domain : pair of float, optional
        The interval to cover; by default all numbers, with asymptotes beyond where they are within
        the bound.
    dtype : dtype
        float32 or float64; for "lsb" that of the codes, int8, uint8 or int16.
    input, output : Affine, optional
        For "lsb": what the codes stand for.

    Returns
    -------
    Approximant
        A table, polynomials or a rational function; for "lsb" what `quantized` makes.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If ``max_error`` is not positive, or nothing meets it; if there is no such metric or
        preference; as for `lookup_table`, if the domain is no interval.

    Notes
    -----
    All fits have the smallest absolute error. A relative bound is met by those whose errors are
    small where the function is; not by tables around a root, nor where a tail goes to 0.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> best = edge.search("sigmoid", max_error=1e-3)
    >>> best.certificate.max_abs <= 1e-3, best.nbytes < 64
    (True, True)
    """
    function = Function(f)
    bound = _positive(max_error, "max_error")
    for value, name, known in ((metric, "metric", METRICS), (prefer, "prefer", PREFERENCES)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    if metric == "lsb":
        return _quantized(function, bound, prefer, dtype, input, output)
    if input is not None or output is not None:
        raise TypeError(f"input and output are for the metric lsb, got metric {metric!r}")

    def error(made: FloatApproximant) -> float:
        found = made.certificate
        return found.max_abs if metric == "abs" else found.max_rel

    problem = _problem(function, domain, working_dtype(dtype), bound)
    found = [family.smallest(problem, bound, error) for family in families(problem)]
    points = [_point(made) for made in found if made is not None]
    if not points:
        raise ValueError(
            f"max_error {bound:g} ({metric}) is met by no approximant of {function.name}"
        )
    ranks = {
        "size": lambda p: (p.nbytes, p.operations, p.ns),
        "ops": lambda p: (p.operations, p.nbytes, p.ns),
        "speed": lambda p: (p.ns, p.nbytes, p.operations),
    }
    return min(points, key=ranks[prefer]).approximant


def pareto(
    f: Activation | str | Callable[..., Any],
    *,
    errors: Sequence[float] = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6),
    domain: tuple[float, float] | None = None,
    dtype: DTypeLike = "float32",
) -> Frontier:
    """Find what a smaller error costs: bytes, operations and time.

    Parameters
    ----------
    f : Activation, str or callable
        An activation or its name, or a callable on float64 arrays.
    errors : sequence of float
        Bounds of the absolute error, for each of which every kind of approximant is tried.
    domain, dtype
        As for `search`.

    Returns
    -------
    Frontier
        The approximants that no other one beats in error, bytes, operations and time at once.

    Raises
    ------
    TypeError, ValueError
        As for `search`.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> front = edge.pareto("tanh", errors=[1e-2])
    >>> front.points[0].error <= 1e-2
    True
    """
    function, precision = Function(f), working_dtype(dtype)
    bounds = [_positive(bound, "errors") for bound in errors]
    points = []
    for bound in bounds:
        problem = _problem(function, domain, precision, bound)
        for family in families(problem):
            made = family.smallest(problem, bound, lambda found: found.certificate.max_abs)
            if made is not None:
                points.append(_point(made))
    kept = [p for p in points if not any(_beats(other, p) for other in points)]
    return Frontier(function.name, tuple(sorted(kept, key=Point.costs)))


def _beats(a: Point, b: Point) -> bool:
    return a.costs() != b.costs() and all(x <= y for x, y in zip(a.costs(), b.costs(), strict=True))


def _problem(function: Function, domain: Any, dtype: np.dtype[Any], bound: float) -> Problem:
    if domain is not None:
        return domains.on_domain(function, domain, dtype)
    return domains.within_error(function, dtype, _TAILS * bound)


def _point(made: FloatApproximant) -> Point:
    operations = sum(_WEIGHTS.get(kind, 1) * count for kind, count in made.operations.items())
    return Point(made, made.certificate.max_abs, made.nbytes, operations, _ns(made))


def _ns(made: FloatApproximant) -> float:
    """Time an approximant on inputs all over its domain: the least of several rounds."""
    low, high = made.domain
    x = np.random.default_rng(0).uniform(1.1 * low, 1.1 * high, 2**12).astype(made.dtype)
    out = np.empty_like(x)
    made(x, out=out)
    times = []
    for _ in range(15):
        start = perf_counter()
        made(x, out=out)
        times.append(perf_counter() - start)
    return min(times) / len(x) * 1e9


def _quantized(
    function: Function,
    bound: float,
    prefer: str,
    dtype: DTypeLike,
    input: Affine | None,
    output: Affine | None,
) -> Approximant:
    from .integer_tables import quantized

    if not isinstance(input, Affine) or not isinstance(output, Affine):
        raise TypeError("input and output must be given as Affine for the metric lsb")
    formats = ("tflite", "compact") if np.dtype(dtype) == np.int16 else ("tflite",)
    made = [
        quantized(function, input=input, output=output, dtype=dtype, format=kind)  # type: ignore
        for kind in formats
    ]
    good = [m for m in made if m.certificate.error <= bound]
    if not good:
        least = min(m.certificate.error for m in made)
        raise ValueError(f"max_error {bound:g} (lsb) is met by no table: the best has {least:g}")
    # The table of straight lines takes less arithmetic than the cubic pieces, but more bytes.
    return min(good, key=lambda m: m.nbytes) if prefer == "size" else good[0]


def _positive(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {value!r}") from error
    if isnan(number) or not isfinite(number) or number <= 0:
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return number
