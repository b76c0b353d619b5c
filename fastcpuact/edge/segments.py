"""Segments of a domain: equal ones, or such as a function needs; where a number lies in them."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log2
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPACINGS = ("uniform", "optimal")


class Segments:
    """Segments between rising knots.

    Parameters
    ----------
    knots : array_like
        The ends of the segments, one more than there are segments.
    spacing : {"uniform", "optimal"}
        Whether they are equal, so that a multiplication finds the segment, or the knots are stored
        and searched.
    dtype : numpy.dtype
        The working precision.

    Attributes
    ----------
    knots : ndarray
        The knots, rounded to ``dtype``.
    count : int
        How many segments there are.
    start, width, scale : scalar of dtype
        Of equal segments: the first knot, the width, and its inverse.
    """

    def __init__(self, knots: ArrayLike, spacing: str, dtype: np.dtype[Any]) -> None:
        exact = np.asarray(knots, np.float64)
        if spacing not in SPACINGS:
            raise ValueError(f"spacing must be one of {', '.join(SPACINGS)}, got {spacing!r}")
        self.spacing = spacing
        self.dtype = dtype
        self.knots = exact.astype(dtype)
        self.count = len(exact) - 1
        if not (np.all(np.isfinite(exact)) and np.all(np.diff(self.knots) > 0)):
            raise ValueError(
                f"{self.count} segments of [{exact[0]:g}, {exact[-1]:g}] are too many for {dtype}"
            )
        real = dtype.type
        span = exact[-1] - exact[0]
        width = span / self.count
        # A place in a segment is a distance from the start times the scale: neither may overflow.
        if not (1 / np.finfo(dtype).max < width and span <= np.finfo(dtype).max):
            raise ValueError(
                f"segments of [{exact[0]:g}, {exact[-1]:g}] have no width, or no inverse of it, "
                f"in {dtype}"
            )
        self.start, self.width, self.scale = real(exact[0]), real(width), real(1 / width)

    @property
    def is_uniform(self) -> bool:
        """Whether the segments are equal."""
        return self.spacing == "uniform"

    @property
    def nbytes(self) -> int:
        """Bytes of the knots that have to be stored."""
        return 0 if self.is_uniform else self.knots.nbytes

    @property
    def nodes(self) -> int:
        """How many nodes `nearest` chooses from."""
        return self.count + 1 if self.is_uniform else self.count

    @property
    def operations(self) -> dict[str, int]:
        """Operations that find a segment and the place in it."""
        if self.is_uniform:
            return {"multiply": 1, "add": 2, "convert": 2, "compare": 1}
        steps = ceil(log2(self.count)) if self.count > 1 else 0
        return {"add": 1, "compare": steps, "load": steps + 1}

    def find(self, t: NDArray[Any]) -> NDArray[np.intp]:
        """Return the segment of each number of the domain."""
        if self.is_uniform:
            return np.minimum(((t - self.start) * self.scale).astype(np.intp), self.count - 1)
        return np.searchsorted(self.knots[1:-1], t, side="right")

    def locate(self, t: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """Return the segment, and the place in it from 0 to 1."""
        i, r = self.local(t)
        return i, (r if self.is_uniform else r / (self.knots[i + 1] - self.knots[i]))

    def local(self, t: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """Return the segment and the distance from its start, in widths if they are equal."""
        i = self.find(t)
        if self.is_uniform:
            return i, (t - self.start) * self.scale - i.astype(self.dtype)
        return i, t - self.knots[i]

    def nearest(self, t: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """Return the node nearest to each number, and the distance from it.

        Nodes are the knots of equal segments, and the middles of others.
        """
        if self.is_uniform:
            distance = t - self.start
            i = (distance * self.scale + self.dtype.type(0.5)).astype(np.intp)
            i = np.minimum(i, self.count)
            return i, distance - i.astype(self.dtype) * self.width
        i = self.find(t)
        return i, t - self.middle(i)

    def middle(self, i: NDArray[np.intp]) -> NDArray[Any]:
        """The middle of a segment."""
        return (self.knots[i] + self.knots[i + 1]) * self.dtype.type(0.5)

    def rate(self, i: NDArray[np.intp]) -> Any:
        """How fast the place from 0 to 1 goes with t."""
        if self.is_uniform:
            return self.scale
        return self.dtype.type(1) / (self.knots[i + 1] - self.knots[i])

    def curve(self) -> dict[str, Any]:
        """What a `Curve` holds of it."""
        if not self.is_uniform:
            return {"knots": self.knots, "segments": self.count}
        return {
            "knots": self.knots,
            "segments": self.count,
            "grid": (float(self.start), float(self.width), float(self.scale)),
        }

    def header(self) -> dict[str, Any]:
        """What JSON can hold of it, beside the knots."""
        return {"spacing": self.spacing}

    @classmethod
    def from_parts(
        cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], dtype: Any
    ) -> Self:
        """Make it of a header and the array ``knots``."""
        knots = checked_array(arrays["knots"], np.dtype(dtype), 1)
        if len(knots) < 2:
            raise ValueError(f"at least two knots are due, got {len(knots)}")
        return cls(knots, header["spacing"], np.dtype(dtype))


def checked_array(array: NDArray[Any], dtype: Any, ndim: int) -> NDArray[Any]:
    """Return an array that was read, if it is of a dtype and dimension and finite."""
    if array.dtype != dtype or array.ndim != ndim:
        raise ValueError(
            f"an array of {dtype} with {ndim} axes is due, got {array.dtype} with {array.ndim}"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError("an array holds numbers that are not finite")
    return array
