"""Approximants in floating point: a core on a bounded domain, its symmetry and its tails."""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from math import inf, isfinite
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..numeric.ordinals import from_ordinals, ordinals
from .approximant import Approximant, result_array
from .certificate import Certificate, certificate
from .engine import Arguments, Curve, evaluate
from .function import Floats, Function
from .symmetry import Symmetry, Tail, asymptote

NAN_POLICY = "NaN gives NaN"


class FloatApproximant(Approximant):
    """An approximant whose inputs and results are floats.

    It is core(t), where t is x, or abs(x) if the function has a symmetry, between ``start`` and
    ``end``, and a tail beyond them. Every operation rounds once to ``dtype``; none is fused.

    Attributes
    ----------
    dtype : numpy.dtype
        The working precision: float32 or float64.
    start, end : float
        The domain of the core.
    symmetry : Symmetry
        How the function follows from the core.
    tails : tuple of Tail
        The core below ``start`` and above ``end``.
    image : tuple of float
        Results of the core inside its domain are clipped to this interval, where a `clipped` class
        can leave it.
    limit : float or None
        The smallest maximum error that the format can have.
    limit_formula : str
        Where the limit is from.
    """

    dtypes: ClassVar = ("float32", "float64")

    def __init__(
        self,
        function: Function,
        dtype: DTypeLike,
        start: float,
        end: float,
        symmetry: Symmetry,
        tails: tuple[Tail, Tail],
        image: tuple[float, float],
        limit: float | None,
        limit_formula: str,
    ) -> None:
        super().__init__(function)
        self.dtype = working_dtype(dtype)
        self.start, self.end = start, end
        self.symmetry = symmetry
        self.tails = tails
        self.image = image
        self.limit = limit
        self.limit_formula = limit_formula

    @property
    def domain(self) -> tuple[float, float]:
        """Between which inputs it is more than a straight line."""
        return (-self.end if self.symmetry.is_folded else self.start), self.end

    @abc.abstractmethod
    def core(self, t: NDArray[Any], slope: bool = False) -> NDArray[Any]:
        """Evaluate the core, or its slope, on an array of ``dtype`` inside its domain."""

    @property
    @abc.abstractmethod
    def core_operations(self) -> dict[str, int]:
        """What the core takes of arithmetic operations and loads for one element, by kind."""

    @property
    def operations(self) -> dict[str, int]:
        """Arithmetic operations and loads for one element, by kind."""
        # Two comparisons for the tails, two to clip; the sign of a float is set without arithmetic.
        counts = Counter(self.core_operations)
        counts["compare"] += 4 if self.clipped else 2
        if self.symmetry.name in ("complement", "rectified"):
            counts["add"] += 1
        return dict(counts)

    @property
    def clipped(self) -> bool:
        """Whether the core could leave its image, and so is clipped to it."""
        return True

    def clip(self, y: NDArray[Any]) -> NDArray[Any]:
        """Clip results of the core to its image."""
        if not self.clipped:
            return y
        low, high = map(self.dtype.type, self.image)
        y = np.where(y < low, low, y)
        return np.where(y > high, high, y)

    def __call__(self, x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
        """Evaluate.

        Parameters
        ----------
        x : array_like
            Real numbers, which are rounded to ``dtype``.
        out : ndarray, optional
            Where to put the result: of the shape of ``x`` and of ``dtype``. It may be ``x``.

        Returns
        -------
        ndarray or scalar
            The approximate values, NaN where ``x`` is NaN.
        """
        return self._evaluate(x, out, slope=False)

    def derivative(self, x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
        """Evaluate the derivative of the approximant; parameters as for a call.

        Where results are clipped to the range of the function, it is that of what is clipped; for
        a table without interpolation it is the slope between the neighbours of an entry.
        """
        return self._evaluate(x, out, slope=True)

    def _evaluate(self, x: ArrayLike, out: NDArray[Any] | None, slope: bool) -> Any:
        x = real_array(x, self.dtype)
        result = result_array(x, out, self.dtype)
        self._compute(x, result, slope)
        return result if out is not None or x.ndim else result[()]

    @abc.abstractmethod
    def curve(self) -> Curve:
        """The same data, as kernels take them."""

    def _compute(self, x: NDArray[Any], result: NDArray[Any], slope: bool) -> None:
        flat = np.ascontiguousarray(x).reshape(-1)
        in_place = result.flags.c_contiguous and (
            result is x or not np.may_share_memory(result, flat)
        )
        target = result.reshape(-1) if in_place else np.empty_like(flat)
        evaluate(self._arguments, flat, target, slope)
        if not in_place:
            result[...] = target.reshape(result.shape)

    @cached_property
    def _arguments(self) -> Arguments:
        return self.curve().arguments()

    def common_curve(self, method: str, **rest: Any) -> Curve:
        """Return a description with what all approximants in floating point have."""
        (below, above), (low, high) = self.tails, self.image
        return Curve(
            dtype=self.dtype,
            method=method,
            symmetry=self.symmetry.name,
            total=self.symmetry.total,
            start=self.start,
            end=self.end,
            below=(below.slope, below.intercept),
            above=(above.slope, above.intercept),
            image=(low, high) if self.clipped else None,
            **rest,
        )

    def reference(self, x: NDArray[Any], slope: bool = False) -> NDArray[Any]:
        """Evaluate in NumPy, one rounded operation after the other: what all kernels must give."""
        real = self.dtype.type
        t = np.abs(x) if self.symmetry.is_folded else x
        start, end = real(self.start), real(self.end)
        inside = np.where(t >= start, t, start)  # also for NaN
        inside = np.where(inside <= end, inside, end)
        core = self.core(inside, slope)
        with np.errstate(invalid="ignore", over="ignore"):
            for tail, beyond in zip(self.tails, (t < start, t > end), strict=True):
                core = np.where(beyond, real(tail.slope) if slope else tail(t), core)
            return np.where(np.isnan(x), x, self._unfold(x, core, slope)).astype(self.dtype)

    def _unfold(self, x: NDArray[Any], core: NDArray[Any], slope: bool) -> NDArray[Any]:
        real = self.dtype.type
        name = self.symmetry.name
        negative = np.signbit(x)
        if name == "none":
            return core
        if name == ("even" if slope else "odd"):
            return np.where(negative, -core, core)
        if name in ("odd", "even"):
            return core
        if name == "complement":
            return -core if slope else np.where(negative, core, real(self.symmetry.total) - core)
        if slope:
            return np.where(negative, -core, core + real(1))
        return core + np.where(x > 0, x, real(0))

    def inputs(self) -> tuple[str, Floats]:
        """The inputs to certify on: what they are, and they, ascending."""
        low, high = self.domain
        width = high - low
        # Evenly about the domain for the absolute error, and by exponent for the relative one.
        even = np.linspace(low - width / 2, high + width / 2, 2**17)
        ladder = np.geomspace(1e-30, 1e30, 2**12)
        landmarks = np.concatenate([[0.0, low, high, np.inf], self.landmarks()])
        near = np.asarray([landmarks], self.dtype)
        for toward in (-np.inf, np.inf):
            near = np.concatenate([near, np.nextafter(near[:1], self.dtype.type(toward))])
        x = np.concatenate([even, ladder, near.ravel().astype(np.float64)])
        ends = " and by exponent to 1e30" if self.reach == (-inf, inf) else ""
        text = f"{self.dtype.name} in [{low:g}, {high:g}]{ends}, and landmarks"
        return text, self._within_reach(np.concatenate([x, -x]))

    def _within_reach(self, x: Floats) -> Floats:
        """Numbers of the working precision, ascending, each once."""
        x = np.unique(x.astype(self.dtype))
        lowest, highest = self.reach
        return x[np.isfinite(x) & (x >= lowest) & (x <= highest)].astype(np.float64)

    def _peaks(self, x: Floats) -> Floats:
        """Runs of every float32 where the error is largest, for what rounding adds to it there."""
        if self.dtype != np.float32:
            return np.empty(0)
        error = np.abs(self._results(x) - self.exact()(x))
        pieces = np.array_split(np.arange(len(x)), min(256, len(x)))
        peaks = np.array([piece[np.argmax(error[piece])] for piece in pieces])
        # At the levelled peaks of a best approximation, rounding decides which one is the largest.
        high = peaks[error[peaks] > 0.99 * error.max()]
        chosen = high[np.argsort(-error[high])[:16]]
        around = ordinals(x[chosen].astype(np.float32))[:, None] + np.arange(-(2**11), 2**11)
        return self._within_reach(from_ordinals(around.ravel(), np.float32))

    @property
    def reach(self) -> tuple[float, float]:
        """Between which inputs it stands for the function: all but beyond tails that do not."""
        core = self.symmetry.core(self.exact())
        above = inf if asymptote(core, 1) == self.tails[1] else self.end
        if self.symmetry.is_folded:
            return -above, above
        return (-inf if asymptote(core, -1) == self.tails[0] else self.start), above

    def landmarks(self) -> NDArray[np.float64]:
        """Inputs where errors may peak, such as knots."""
        return np.empty(0)

    def certify(self) -> Certificate:
        """Measure the error anew, on a dense sample; `certify_exhaustively` takes every float."""
        text, x = self.inputs()
        peaks = self._peaks(x)
        text += " and the largest errors" * (len(peaks) > 0)
        return self.certify_on(text, iter(np.array_split(x, 32)), peaks)

    def certify_exhaustively(
        self, low: float | None = None, high: float | None = None
    ) -> Certificate:
        """Measure the error on every float32 between two numbers, by default of the domain.

        A domain like [-8, 8] has 2 billion of them, which takes a minute or so.

        Raises
        ------
        ValueError
            If the working precision is float64, or there is no number between the two.
        """
        if self.dtype != np.float32:
            raise ValueError(f"only float32 can be gone through, got {self.dtype}")
        first = self.domain[0] if low is None else low
        last = self.domain[1] if high is None else high
        if not (isfinite(first) and isfinite(last) and first <= last):
            raise ValueError(f"low and high must be finite and in order, got {first} and {last}")
        self._certificate = self.certify_on(
            f"every float32 in [{first:.9g}, {last:.9g}]", _every_float32(first, last)
        )
        return self._certificate

    def certify_on(
        self, text: str, blocks: Iterator[Floats], peaks: Floats | None = None
    ) -> Certificate:
        """Measure the error on inputs of one's own, ascending and finite, and name them.

        ``peaks`` are more inputs for the largest errors alone, in any order.
        """
        return certificate(
            function=self.name,
            method=self.method,
            inputs=text,
            blocks=blocks,
            peaks=peaks,
            results=self._results,
            exact=self.exact(),
            limit=self.limit,
            limit_formula=self.limit_formula,
            symmetric=str(self.symmetry),
            nan=NAN_POLICY,
            nbytes=self.nbytes,
        )

    def _results(self, x: Floats) -> Floats:
        return np.asarray(self(x.astype(self.dtype)), np.float64)

    def common_parts(self) -> dict[str, Any]:
        """The part of the header that all approximants in floating point have."""
        return {
            "dtype": self.dtype.name,
            "start": self.start,
            "end": self.end,
            "symmetry": [self.symmetry.name, self.symmetry.total],
            "tails": [[tail.slope, tail.intercept] for tail in self.tails],
            "image": list(self.image),
            "limit": self.limit,
            "limit_formula": self.limit_formula,
        }

    @staticmethod
    def common_arguments(function: Function, header: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments of this class from a header, checked."""
        name, total = header["symmetry"]
        below, above = (Tail(float(s), float(i)) for s, i in header["tails"])
        start, end = float(header["start"]), float(header["end"])
        numbers = (start, end, float(total), *(n for t in (below, above) for n in vars(t).values()))
        if not (all(map(isfinite, numbers)) and start < end):
            raise ValueError(f"the domain from {start} to {end} or a tail is not finite")
        symmetry = Symmetry(name, float(total))
        if symmetry.is_folded and start != 0:
            raise ValueError(f"a core of |x| starts at 0, got {start}")
        low, high = map(float, header["image"])
        limit, formula = header["limit"], header["limit_formula"]
        if not low <= high or not isinstance(formula, str):
            raise ValueError(f"an interval is due as the image, got [{low}, {high}]")
        if limit is not None and not (isfinite(limit) and limit >= 0):
            raise ValueError(f"limit must be finite, got {limit}")
        dtype = working_dtype(header["dtype"])
        tails = (below, above)
        return function, dtype, start, end, symmetry, tails, (low, high), limit, formula


def working_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return a working precision as a dtype.

    Raises
    ------
    ValueError
        If it is neither float32 nor float64.
    """
    try:
        found = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype must be float32 or float64, got {dtype!r}") from error
    if found.name not in FloatApproximant.dtypes or not found.isnative:
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    return found


def real_array(x: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return real numbers as an array of a dtype, rounded where that is narrower."""
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"x must hold real numbers, got {x.dtype}")
    with np.errstate(over="ignore"):
        return x.astype(dtype, copy=False)


def _every_float32(low: float, high: float) -> Iterator[Floats]:
    """All float32 from one number to another, in ascending blocks."""
    first, last = ordinals(np.array([low, high], np.float32))
    for start in range(first, last + 1, 2**20):
        numbers = np.arange(start, min(start + 2**20, last + 1))
        yield from_ordinals(numbers, np.float32).astype(np.float64)
