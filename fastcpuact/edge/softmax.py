"""Softmax of integer codes in integer arithmetic.

With ``d`` the distance of a code from the largest of its row, in 32 bits but for the products::

    e = (high[d >> split] * low[d & (2**split - 1)] + 2**30) >> 31        2**31 * exp(-d * scale)
    s = sum of all e                                                     64 bits
    b = number of bits of s
    r = ((2**63 - 1) // (s >> (b - 32)) * multiplier + 2**31) >> 32      once for a row
    y = zero_point + ((e * r + 2**(n - 1)) >> n)                         n = b + exponent - 1

clipped to the largest code, and ``y = zero_point`` where n is above 63. ``multiplier`` and
``exponent`` are the reciprocal of the scale of the results: multiplier / 2**exponent.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .affine import Affine
from .codes import kernels
from .function import Function
from .integers import check_array
from .softmax_base import CodeSoftmax, check_numbers, type_of_codes
from .tflite import FloatSoftmax

ONE = 2**31


class IntegerSoftmax(CodeSoftmax):
    """A softmax in integer arithmetic; the head of its module says how it computes.

    `integer_softmax` makes it.

    Attributes
    ----------
    high, low : ndarray of uint32
        Exponentials of ``-scale * beta`` times the upper and the lower bits of a distance.
    split : int
        How many the lower bits are.
    multiplier, exponent : int
        The reciprocal of the scale of the results.
    """

    kind = "softmax"

    def __init__(
        self,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        output_dtype: np.dtype[Any],
        beta: float,
        high: NDArray[np.uint32],
        low: NDArray[np.uint32],
    ) -> None:
        super().__init__(input, output, dtype, output_dtype, beta)
        self.high = high
        self.low = low
        self.split = 4 * dtype.itemsize
        fraction, power = math.frexp(1 / output.scale)
        # Rounding up to 2**32, which does not fit, is the next power.
        self.multiplier = min(round(math.ldexp(fraction, 32)), 2**32 - 1)
        self.exponent = 32 - power

    @classmethod
    def make(
        cls,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        output_dtype: np.dtype[Any],
        beta: float,
    ) -> Self:
        """Compute the exponentials."""
        split = 4 * dtype.itemsize
        digits = np.arange(2**split, dtype=np.float64)
        high, low = (
            np.rint(ONE * Function("exponential")(-input.scale * beta * digits * step))
            for step in (2.0**split, 1.0)
        )
        tables = high.astype(np.uint32), low.astype(np.uint32)
        return cls(input, output, dtype, output_dtype, beta, *tables)

    @property
    def method(self) -> str:
        """How it is approximated, in words."""
        return f"integer softmax with {len(self.high)} + {len(self.low)} exponentials"

    @property
    def nbytes(self) -> int:
        """Bytes of data on the device."""
        return self.high.nbytes + self.low.nbytes

    @property
    def operations(self) -> dict[str, int]:
        """What an element takes on a device, by kind, beside the division for a row."""
        return {"load": 4, "shift": 5, "add": 6, "multiply": 3, "compare": 3}

    def error_bound(self, n: int) -> float:
        """Return a bound of the error, in units of the output, that holds for rows of n codes.

        An exponential is off by at most 1.5 units of 2**-31, from two entries and a product, and
        the sum, which is at least 1, by n times that; reciprocal and scale by 2**-31 each of their
        values, four times in all.
        """
        units = 2.0**-31 / self.output.scale
        return 0.5 + units * (1.5 + 1.5 * n + 4)

    def rows(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Evaluate on the rows of contiguous arrays of codes."""
        highest = int(np.iinfo(self.output_dtype).max)
        numbers = (self.split, self.multiplier, self.exponent, self.output.zero_point, highest)
        kernels().softmax(self.high, self.low, numbers, x, y)

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data."""
        return self.header(), {"high": self.high, "low": self.low}

    @classmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned."""
        common = cls.common(header)
        size = 2 ** (4 * common["dtype"].itemsize)
        high, low = (check_array(arrays, name, "uint32", size) for name in ("high", "low"))
        return cls(**common, high=high, low=low)


# What TensorFlow Lite and CMSIS-NN prescribe.
_OUTPUTS = {
    "int8": Affine(1 / 256, -128),
    "uint8": Affine(1 / 256, 0),
    "int16": Affine(1 / 2**15, 0),
}


def integer_softmax(
    input: Affine,
    *,
    dtype: DTypeLike = np.int8,
    output: Affine | None = None,
    output_dtype: DTypeLike | None = None,
    beta: float = 1.0,
    arithmetic: Literal["integer", "tflite"] = "integer",
) -> CodeSoftmax:
    """Return a softmax of integer codes.

    Parameters
    ----------
    input : Affine
        What the codes of the inputs stand for.
    dtype : dtype
        Of the inputs: int8, uint8 or int16.
    output : Affine, optional
        What the codes of the results stand for; by default 1/256 with the lowest code for 0, and
        for int16 1/32768, as TensorFlow Lite and CMSIS-NN have it.
    output_dtype : dtype, optional
        Of the results; by default that of the inputs.
    beta : float
        By what the inputs are multiplied.
    arithmetic : {"integer", "tflite"}
        Integers alone, or for int8 and uint8 the float32 arithmetic of TensorFlow Lite on x86-64,
        bit for bit.

    Returns
    -------
    IntegerSoftmax or FloatSoftmax
        To be called with arrays of codes and an ``axis``; with ``backward`` from the results,
        ``certificate``, ``nbytes`` and ``save``.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there is no such dtype or arithmetic, if ``beta`` is not positive and finite, if the
        zero point of the results is no code, or if their scale is not between 2**-24 and 1.

    Notes
    -----
    The result is exp(beta·scale·(x - max x)) / Σ exp(beta·scale·(x - max x)), rounded to the
    nearest code, with an error of little more than half a unit: ``IntegerSoftmax.error_bound`` says
    how much for a length, and the certificate what it is on all pairs, and triples of 8 bits. The
    exponentials take 128 bytes for 8 bits and 2 KiB for 16.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcpuact import edge
    >>> softmax = edge.integer_softmax(edge.Affine(1 / 16))
    >>> softmax(np.array([10, 20, 30], np.int8))
    array([-88, -53,  13], dtype=int8)
    >>> softmax.nbytes
    128
    """
    if not isinstance(input, Affine):
        raise TypeError(f"input must be an edge.Affine, got {type(input).__name__}")
    given = type_of_codes("dtype", dtype)
    result = given if output_dtype is None else type_of_codes("output_dtype", output_dtype)
    to = _OUTPUTS[result.name] if output is None else output
    if not isinstance(to, Affine):
        raise TypeError(f"output must be an edge.Affine, got {type(to).__name__}")
    try:
        beta = float(operator.pos(beta))
    except TypeError:
        raise TypeError(f"beta must be a real number, got {beta!r}") from None
    check_numbers(input, to, given, result, beta)
    if arithmetic not in ("integer", "tflite"):
        raise ValueError(f"arithmetic must be integer or tflite, got {arithmetic!r}")
    if arithmetic == "integer":
        return IntegerSoftmax.make(input, to, given, result, beta)
    if given.itemsize != 1:
        raise ValueError(f"arithmetic must be 'integer' for {given}, got 'tflite'")
    return FloatSoftmax.make(input, to, given, result, beta)
