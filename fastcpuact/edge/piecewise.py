"""Piecewise polynomials: a polynomial of its own for each segment of a domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .certificate import Floats
from .engine import Curve
from .floating import FloatApproximant
from .function import Function
from .segments import Segments, checked_array


class PiecewisePolynomial(FloatApproximant):
    """Polynomials by segments; see `fastcpuact.edge.piecewise_polynomial`.

    The core of t is ``coefficients[i, 0] + r * coefficients[i, 1] + …``, by Horner's scheme, where
    i is the segment of t and r the distance from its start, in widths if the segments are equal.

    Attributes
    ----------
    segments : Segments
        Where the segments are.
    coefficients : ndarray of shape (segments, degree + 1)
        The polynomials, lowest coefficient first.
    """

    kind = "piecewise"

    def __init__(
        self,
        *common: Any,
        segments: Segments,
        coefficients: NDArray[Any],
    ) -> None:
        super().__init__(*common)
        self.segments = segments
        self.coefficients = coefficients

    @property
    def degree(self) -> int:
        """Degree of the polynomials."""
        return self.coefficients.shape[1] - 1

    @property
    def method(self) -> str:
        """How it is approximated, in words."""
        return (
            f"{self.segments.count} polynomials of degree {self.degree}, "
            f"{self.segments.spacing} spacing"
        )

    @property
    def nbytes(self) -> int:
        """Bytes of data on the device."""
        return self.coefficients.nbytes + self.segments.nbytes

    @property
    def core_operations(self) -> dict[str, int]:
        """What the core takes of arithmetic operations and loads for one element, by kind."""
        d = self.degree
        counts = {"multiply": d, "add": d, "load": d + 1}
        return dict(Counter(counts) + Counter(self.segments.operations))

    def core(self, t: NDArray[Any], slope: bool = False) -> NDArray[Any]:
        """Evaluate the core, or its slope, on an array of ``dtype`` inside its domain."""
        i, r = self.segments.local(t)
        rows = self.coefficients[i]
        if not slope:
            return self.clip(horner(np.moveaxis(rows, -1, 0), r))
        y = horner_slope(np.moveaxis(rows, -1, 0), r)
        return y * self.segments.scale if self.segments.is_uniform else y

    def curve(self) -> Curve:
        """The same data, as kernels take them."""
        return self.common_curve(
            "piecewise",
            degree=self.degree,
            data=self.coefficients.reshape(-1),
            **self.segments.curve(),
        )

    def landmarks(self) -> Floats:
        """Inputs where errors may peak: the knots."""
        return self.segments.knots.astype(np.float64)

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data: what JSON can hold, and arrays."""
        header = {
            **self.common_parts(),
            **self.segments.header(),
        }
        return header, {"coefficients": self.coefficients, "knots": self.segments.knots}

    @classmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned."""
        common = cls.common_arguments(function, header)
        segments = Segments.from_parts(header, arrays, common[1])
        coefficients = checked_array(arrays["coefficients"], common[1], 2)
        if len(coefficients) != segments.count or not coefficients.shape[1]:
            raise ValueError(
                f"polynomials for {segments.count} segments are due, got {coefficients.shape}"
            )
        return cls(
            *common,
            segments=segments,
            coefficients=coefficients,
        )


def horner(coefficients: Any, x: NDArray[Any]) -> NDArray[Any]:
    """c0 + x c1 + x² c2 + …, highest first, each step a product and a sum that round."""
    y = np.broadcast_to(coefficients[-1], x.shape)
    for c in coefficients[-2::-1]:
        y = y * x + c
    return y


def horner_slope(coefficients: Any, x: NDArray[Any]) -> NDArray[Any]:
    """The derivative of `horner` with respect to x: c1 + x (2 c2) + x² (3 c3) + …."""
    if len(coefficients) == 1:
        return np.zeros_like(x)
    real = x.dtype.type
    return horner([real(k) * c for k, c in enumerate(coefficients)][1:], x)
