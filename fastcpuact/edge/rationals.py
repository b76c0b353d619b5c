"""Polynomials and rational functions on a whole domain."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Self

from numpy.typing import NDArray

from .engine import Curve
from .floating import FloatApproximant
from .function import Function
from .piecewise import horner, horner_slope
from .segments import checked_array


class Rational(FloatApproximant):
    """A line plus P(z) / Q(z); see `fastcpuact.edge.rational` and `fastcpuact.edge.polynomial`.

    Attributes
    ----------
    numerator, denominator : ndarray
        Coefficients of P and Q, lowest first. That of Q starts with 1, which is not stored on a
        device; a polynomial has no other.
    variable : {"t", "square"}
        Whether z is t or t², less the center.
    center : float
        What is subtracted, unless it is 0: about the middle of the domain, powers of z cancel less.
    times_t : bool
        Whether P(z) is multiplied by t, before the division.
    line : tuple of float
        Offset and slope of the line, of which one is 0: offset + slope * t is added at the end.
    """

    kind = "rational"

    def __init__(
        self,
        *common: Any,
        numerator: NDArray[Any],
        denominator: NDArray[Any],
        variable: str,
        times_t: bool,
        line: tuple[float, float],
        center: float,
    ) -> None:
        super().__init__(*common)
        self.numerator = numerator
        self.denominator = denominator
        self.variable = variable
        self.times_t = times_t
        self.line = line
        self.center = center

    @property
    def degrees(self) -> tuple[int, int]:
        """Degrees of numerator and denominator, as functions of t."""
        step = 2 if self.variable == "square" else 1
        return (
            step * (len(self.numerator) - 1) + self.times_t,
            step * (len(self.denominator) - 1),
        )

    @property
    def is_polynomial(self) -> bool:
        """Whether nothing is divided."""
        return len(self.denominator) == 1

    @property
    def method(self) -> str:
        """How it is approximated, in words."""
        above, below = self.degrees
        if self.is_polynomial:
            return f"polynomial of degree {above}, {len(self.numerator)} coefficients"
        count = len(self.numerator) + len(self.denominator) - 1
        return f"rational function of degrees {above}/{below}, {count} coefficients"

    @property
    def nbytes(self) -> int:
        """Bytes of data on the device."""
        return self.numerator.nbytes + self.denominator[1:].nbytes

    @property
    def core_operations(self) -> dict[str, int]:
        """What the core takes of arithmetic operations and loads for one element, by kind."""
        steps = len(self.numerator) + len(self.denominator) - 2
        counts = {
            "multiply": steps + self.times_t + (self.variable == "square") + (self.line[1] != 0),
            "add": steps + (self.line != (0.0, 0.0)) + (self.center != 0),
        }
        if not self.is_polynomial:
            counts["divide"] = 1
        return counts

    def core(self, t: NDArray[Any], slope: bool = False) -> NDArray[Any]:
        """Evaluate the core, or its slope, on an array of ``dtype`` inside its domain."""
        z = t * t if self.variable == "square" else t
        if self.center:
            z = z - self.dtype.type(self.center)
        p, q = horner(self.numerator, z), horner(self.denominator, z)
        above = p * t if self.times_t else p
        offset, rise = map(self.dtype.type, self.line)
        if not slope:
            y = above if self.is_polynomial else above / q
            if rise:
                y = y + t * rise
            elif offset:
                y = y + offset
            return self.clip(y)
        dz = t + t if self.variable == "square" else None
        dp, dq = horner_slope(self.numerator, z), horner_slope(self.denominator, z)
        if dz is not None:
            dp, dq = dp * dz, dq * dz
        if self.times_t:
            dp = dp * t + p
        y = dp if self.is_polynomial else (dp - (above / q) * dq) / q
        return y + rise if rise else y

    def curve(self) -> Curve:
        """The same data, as kernels take them."""
        return self.common_curve(
            "rational",
            data=self.numerator,
            denominator=self.denominator,
            square=self.variable == "square",
            times_t=self.times_t,
            line=self.line,
            center=self.center,
        )

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data: what JSON can hold, and arrays."""
        header = {
            **self.common_parts(),
            "variable": self.variable,
            "times_t": self.times_t,
            "line": list(self.line),
            "center": self.center,
        }
        return header, {"numerator": self.numerator, "denominator": self.denominator}

    @classmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned."""
        common = cls.common_arguments(function, header)
        numerator = checked_array(arrays["numerator"], common[1], 1)
        denominator = checked_array(arrays["denominator"], common[1], 1)
        if not len(numerator) or not len(denominator) or denominator[0] != 1:
            raise ValueError("a numerator and a denominator that starts with 1 are due")
        if header["variable"] not in ("t", "square") or type(header["times_t"]) is not bool:
            raise ValueError(f"there is no variable {header['variable']!r}")
        offset, rise, center = map(float, [*header["line"], header["center"]])
        if not all(map(isfinite, (offset, rise, center))) or (offset and rise):
            raise ValueError(f"a line with an offset or a slope is due, got {header['line']}")
        return cls(
            *common,
            numerator=numerator,
            denominator=denominator,
            variable=header["variable"],
            times_t=header["times_t"],
            line=(offset, rise),
            center=center,
        )
