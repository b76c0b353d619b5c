"""Lookup tables: values at points, and interpolation between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .certificate import Floats
from .engine import IDENTITIES, Curve
from .floating import FloatApproximant
from .function import Function
from .segments import Segments, checked_array

# Stored values of a segment that its neighbour does not share, by interpolation.
DEGREES = {"nearest": 0, "linear": 1, "quadratic": 2, "cubic": 3}


class LookupTable(FloatApproximant):
    """A table of values over segments, interpolated; see `fastcpuact.edge.lookup_table`.

    A core of t is found in segment i at s in [0, 1], as `segments` says:

    - nearest: ``values[i]``;
    - linear, quadratic, cubic: the polynomial of degree d through the values ``values[d*i]`` to
      ``values[d*i + d]``, at equal distances in the segment, in Newton's form;
    - by a differential identity: the Taylor polynomial of degree d about the node nearest to t,
      whose derivatives follow from its value y: y' is 1 - y², y(1 - y) or y.

    Attributes
    ----------
    segments : Segments
        Where the segments are, and the position in them.
    values : ndarray
        The table.
    interpolation : str
        How it is interpolated.
    identity : str or None
        The function of `IDENTITIES` by whose derivatives it is interpolated.
    """

    kind = "table"

    def __init__(
        self,
        *common: Any,
        segments: Segments,
        values: NDArray[Any],
        interpolation: str,
        identity: str | None,
    ) -> None:
        super().__init__(*common)
        self.segments = segments
        self.values = values
        self.interpolation = interpolation
        self.identity = identity

    @property
    def degree(self) -> int:
        """Degree of the interpolating polynomials."""
        return DEGREES[self.interpolation]

    @property
    def clipped(self) -> bool:
        """Whether the core could leave its image, and so is clipped to it."""
        return self.degree > 0

    @property
    def method(self) -> str:
        """How it is approximated, in words."""
        way = f", by the derivatives of {self.identity}" if self.identity else ""
        return (
            f"{self.interpolation} table of {len(self.values)} values, "
            f"{self.segments.spacing} spacing{way}"
        )

    @property
    def nbytes(self) -> int:
        """Bytes of data on the device."""
        return self.values.nbytes + self.segments.nbytes

    @property
    def core_operations(self) -> dict[str, int]:
        """What the core takes of arithmetic operations and loads for one element, by kind."""
        if self.identity:
            arithmetic = {"tanh": (5, 5), "sigmoid": (5, 5), "exponential": (2, 2)}
            multiply, add = arithmetic[self.identity]
            counts = {"multiply": multiply, "add": add, "load": 1}
            if self.degree == 3:
                counts = {"multiply": multiply + 4, "add": add + 3, "load": 1}
        else:
            counts = dict(
                zip(
                    ("multiply", "add", "load"),
                    ((0, 0, 1), (1, 2, 2), (4, 5, 3), (6, 10, 4))[self.degree],
                    strict=True,
                )
            )
        return dict(Counter(counts) + Counter(self.segments.operations))

    def core(self, t: NDArray[Any], slope: bool = False) -> NDArray[Any]:
        """Evaluate the core, or its slope, on an array of ``dtype`` inside its domain."""
        if self.identity:
            return self._by_identity(t, slope)
        i, s = self.segments.locate(t)
        if self.degree == 0:
            return self._central_difference(i) if slope else self.values[i]
        return self._interpolate(i, s, slope)

    def _central_difference(self, i: NDArray[np.intp]) -> NDArray[Any]:
        """The slope between the neighbours of an entry: its own would be 0."""
        last = len(self.values) - 1
        below, above = np.maximum(i - 1, 0), np.minimum(i + 1, last)
        distance = self.segments.middle(above) - self.segments.middle(below)
        rise = self.values[above] - self.values[below]
        return np.divide(rise, distance, out=np.zeros_like(rise), where=distance != 0)

    def _interpolate(self, i: NDArray[np.intp], s: NDArray[Any], slope: bool) -> NDArray[Any]:
        real, d = self.dtype.type, self.degree
        v = [self.values[d * i + k] for k in range(d + 1)]
        p = s * real(d)  # 0, 1, …, d at the nodes
        d1 = v[1] - v[0]
        if d == 1:
            y = d1 if slope else v[0] + p * d1
        elif d == 2:
            half = ((v[2] - v[1]) - d1) * real(0.5)
            y = d1 + (p + p - real(1)) * half if slope else v[0] + p * (d1 + (p - real(1)) * half)
        else:
            second = v[2] - v[1]
            d2 = second - d1
            half, sixth = d2 * real(0.5), (((v[3] - v[2]) - second) - d2) * real(1 / 6)
            if slope:
                cubic = (p * p) * real(3) - (p * real(6) - real(2))
                y = (d1 + (p + p - real(1)) * half) + cubic * sixth
            else:
                y = v[0] + p * (d1 + (p - real(1)) * (half + (p - real(2)) * sixth))
        if slope:
            return y * (self.segments.rate(i) * real(d))
        return self.clip(y)

    def _by_identity(self, t: NDArray[Any], slope: bool) -> NDArray[Any]:
        real = self.dtype.type
        i, r = self.segments.nearest(t)
        y = self.values[i]
        one, half = real(1), real(0.5)
        # The first derivative, the second one over 2, the third one over 6.
        if self.identity == "tanh":
            d1 = one - y * y
            d2 = -(y * d1)
            d3 = d1 * (y * y - real(1 / 3))
        elif self.identity == "sigmoid":
            d1 = y * (one - y)
            d2 = d1 * (half - y)
            d3 = d1 * (real(1 / 6) - d1)
        else:
            d1 = y
            d2 = y * half
            d3 = y * real(1 / 6)
        if self.side < 0:  # the core is f(-t)
            r = -r
        if self.degree == 2:
            y = d1 + r * (d2 + d2) if slope else y + r * (d1 + r * d2)
        elif slope:
            y = d1 + r * ((d2 + d2) + r * (d3 * real(3)))
        else:
            y = y + r * (d1 + r * (d2 + r * d3))
        if slope:
            return -y if self.side < 0 else y
        return self.clip(y)

    def curve(self) -> Curve:
        """The same data, as kernels take them."""
        return self.common_curve(
            "taylor" if self.identity else "table",
            identity=self.identity,
            degree=self.degree,
            negated=self.side < 0,
            data=self.values,
            **self.segments.curve(),
        )

    @property
    def side(self) -> int:
        """The sign of x for which the function is the core."""
        return self.symmetry.side

    def landmarks(self) -> Floats:
        """Inputs where errors may peak: the knots."""
        return self.segments.knots.astype(np.float64)

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data: what JSON can hold, and arrays."""
        header = {
            **self.common_parts(),
            **self.segments.header(),
            "interpolation": self.interpolation,
            "identity": self.identity,
        }
        return header, {"values": self.values, "knots": self.segments.knots}

    @classmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned."""
        common = cls.common_arguments(function, header)
        segments = Segments.from_parts(header, arrays, common[1])
        interpolation, identity = header["interpolation"], header["identity"]
        values = checked_array(arrays["values"], common[1], 1)
        degree = DEGREES[interpolation]
        if identity is not None and (identity not in IDENTITIES or degree < 2):
            raise ValueError(f"there is no {interpolation} table by an identity of {identity!r}")
        expected = segments.nodes if identity else max(degree, 1) * segments.count + (degree > 0)
        if len(values) != expected:
            raise ValueError(f"a table of {expected} values is due, got {len(values)}")
        return cls(
            *common,
            segments=segments,
            values=values,
            interpolation=interpolation,
            identity=identity,
        )
