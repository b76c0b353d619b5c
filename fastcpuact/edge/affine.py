"""Affine quantisation: integer codes that stand for real numbers at equal distances."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Rounding = Literal["away", "even"]
ROUNDINGS: tuple[Rounding, ...] = ("away", "even")


@dataclass(frozen=True)
class Affine:
    """The real numbers that integer codes stand for: ``scale * (code - zero_point)``.

    Parameters
    ----------
    scale : float
        The distance of neighbouring codes, positive and finite. It is taken as the binary number
        that it is: 0.1 and ``np.float32(0.1)`` are two scales.
    zero_point : int
        The code of 0.

    Raises
    ------
    TypeError
        If ``scale`` is not a real number or ``zero_point`` not an integer.
    ValueError
        If ``scale`` is not positive and finite.

    Notes
    -----
    TensorFlow Lite, ONNX and PyTorch mean the same by these two numbers; the latter round a real
    number to the nearest code with ties to even, TensorFlow Lite with ties away from zero.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> symmetric = edge.Affine(1 / 16, zero_point=3)
    >>> symmetric.dequantize([3, 19])
    array([0., 1.])
    >>> symmetric.quantize([0.0, 1.0, 1e9], "int8")
    array([  3,  19, 127], dtype=int8)
    """

    scale: float
    zero_point: int = 0

    def __post_init__(self) -> None:
        try:
            scale = float(operator.pos(self.scale))
        except TypeError:
            raise TypeError(f"scale must be a real number, got {self.scale!r}") from None
        if not (math.isfinite(scale) and scale > 0):
            raise ValueError(f"scale must be positive and finite, got {self.scale!r}")
        if isinstance(self.zero_point, bool | np.bool_):
            raise TypeError(f"zero_point must be an integer, got {self.zero_point!r}")
        try:
            zero_point = operator.index(self.zero_point)
        except TypeError:
            raise TypeError(f"zero_point must be an integer, got {self.zero_point!r}") from None
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "zero_point", zero_point)

    def real(self, code: int) -> Fraction:
        """Return the number that a code stands for, exactly."""
        return Fraction(self.scale) * (code - self.zero_point)

    def dequantize(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return the numbers that codes stand for, in float64.

        Parameters
        ----------
        codes : array_like of int
            The codes.

        Returns
        -------
        ndarray
            Of their shape.

        Raises
        ------
        TypeError
            If they are no integers.

        Examples
        --------
        >>> from fastcpuact import edge
        >>> edge.Affine(0.5, zero_point=10).dequantize([10, 12])
        array([0., 1.])
        """
        codes = np.asarray(codes)
        if codes.dtype.kind not in "iu":
            raise TypeError(f"codes must be integers, got {codes.dtype}")
        return self.scale * (codes.astype(np.float64) - self.zero_point)

    def quantize(
        self, x: ArrayLike, dtype: DTypeLike = np.int8, rounding: Rounding = "away"
    ) -> NDArray[Any]:
        """Return the nearest codes of real numbers; those beyond the last code get the last one.

        Parameters
        ----------
        x : array_like
            Real numbers. The quotients by the scale are rounded to float64 first.
        dtype : dtype
            The integer type of the codes.
        rounding : {"away", "even"}
            What becomes of a number in the middle of two codes.

        Raises
        ------
        ValueError
            If a number is NaN, which has no code, the dtype is no integer type, or there is no such
            rounding.

        Examples
        --------
        >>> from fastcpuact import edge
        >>> edge.Affine(0.5).quantize([0.25, 100.0])
        array([  1, 127], dtype=int8)
        """
        info = np.iinfo(dtype)
        check_rounding(rounding)
        quotients = np.asarray(x, np.float64) / self.scale
        if np.isnan(quotients).any():
            raise ValueError("x must not hold NaN, which has no code")
        whole = np.rint(quotients) if rounding == "even" else round_away(quotients)
        return np.clip(whole + self.zero_point, info.min, info.max).astype(dtype)


def round_away(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to the nearest whole numbers, halves away from zero."""
    whole = np.trunc(x)
    with np.errstate(invalid="ignore"):  # of infinities
        beyond = np.abs(x - whole) >= 0.5
    return np.asarray(whole + np.copysign(beyond, x))


def check_rounding(rounding: Any) -> None:
    """Raise ValueError if there is no such way of rounding."""
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding must be one of {', '.join(ROUNDINGS)}, got {rounding!r}")
