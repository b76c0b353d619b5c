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

import abc
import math
import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .affine import Affine, round_away
from .approximant import Approximant, result_array
from .certificate import Certificate, certificate
from .codes import codes_array, kernels
from .function import Floats, Function
from .integers import NAN_POLICY, check_array

ONE = 2**31
# The scales of results for which every shift is one of 64 bits.
LEAST_SCALE, LARGEST_SCALE = 2.0**-24, 1.0
_TYPES = ("int8", "uint8", "int16")


class CodeSoftmax(Approximant):
    """A softmax from codes to codes.

    Attributes
    ----------
    input, output : Affine
        What the codes stand for; the zero point of the input has no influence.
    dtype, output_dtype : numpy.dtype
        The types of the codes.
    beta : float
        By what the inputs are multiplied.
    """

    def __init__(
        self,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        output_dtype: np.dtype[Any],
        beta: float,
    ) -> None:
        # It is no function of one variable, which the base class expects.
        self.function = None
        self.name = "softmax"
        self._certificate = None
        self.input = input
        self.output = output
        self.dtype = dtype
        self.output_dtype = output_dtype
        self.beta = beta

    @abc.abstractmethod
    def rows(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Evaluate on the rows of contiguous arrays of codes."""

    def __call__(self, x: Any, out: NDArray[Any] | None = None, *, axis: int = -1) -> Any:
        """Evaluate along an axis.

        Parameters
        ----------
        x : ndarray
            Codes, of ``dtype``, of at least one dimension.
        out : ndarray, optional
            Where to put the results: of the shape of ``x`` and of ``output_dtype``.
        axis : int
            The axis whose elements sum to 1.

        Returns
        -------
        ndarray
            Codes.
        """
        x = codes_array(x, self.dtype)
        if x.ndim == 0:
            raise ValueError("x must have an axis, got a single code")
        axis = operator.index(axis)
        if not -x.ndim <= axis < x.ndim:
            raise ValueError(f"axis must be one of the {x.ndim} of x, got {axis}")
        y = result_array(x, out, self.output_dtype)
        moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
        results = np.empty(moved.shape, self.output_dtype)
        if moved.size:
            n = moved.shape[-1]
            self.rows(moved.reshape(-1, n), results.reshape(-1, n))
        y[...] = np.moveaxis(results, -1, axis)
        return y

    def backward(self, dy: ArrayLike, y: Any, *, axis: int = -1) -> NDArray[np.float64]:
        """Return the gradient with respect to the real inputs, from the results.

        Parameters
        ----------
        dy : array_like
            The gradient with respect to the real results.
        y : ndarray
            The results, of ``output_dtype``.
        axis : int
            The axis.
        """
        p = self.output.dequantize(codes_array(y, self.output_dtype, "y"))
        dy = np.asarray(dy, np.float64)
        gradient = p * (dy - np.sum(dy * p, axis=axis, keepdims=True))
        return np.asarray(self.beta * gradient)

    def certify(self) -> Certificate:
        """Measure the error anew.

        On all pairs of codes; for 8 bits also on all triples, up to a common shift, which changes
        nothing.
        """
        info, step = np.iinfo(self.dtype), self.input.scale * self.beta
        reach = info.max - info.min
        distance = np.arange(reach + 1)
        above = np.stack([np.full_like(distance, info.max), info.max - distance], axis=1)
        pairs = self(above.astype(self.dtype))
        # The results of a code that is so much above the other: the lower one of each pair, and
        # the upper one.
        codes = np.concatenate([pairs[:0:-1, 1], pairs[:, 0]])
        x = step * np.arange(-reach, reach + 1, dtype=np.float64)
        last = np.iinfo(self.output_dtype)
        clip = self.output.dequantize([last.min, last.max])
        logistic = Function("sigmoid")
        made = certificate(
            function=self.name,
            method=self.method,
            inputs=f"every pair of {self.dtype} codes",
            blocks=[x],
            results=lambda x: self.output.dequantize(codes),
            exact=logistic,
            lsb=self.output.scale,
            clip=tuple(clip),
            limit=self._limit(logistic(x), clip),
            limit_formula="the nearest code to each result",
            symmetric="none",
            nan=NAN_POLICY,
            nbytes=self.nbytes,
        )
        return self._with_triples(made, clip) if self.dtype.itemsize == 1 else made

    def _limit(self, exact: Floats, clip: Floats) -> float:
        units = np.clip(exact, *clip) / self.output.scale
        return float(np.max(np.abs(units - np.rint(units))))

    def _with_triples(self, made: Certificate, clip: Floats) -> Certificate:
        """Take all triples of codes into a certificate."""
        largest = int(np.iinfo(self.dtype).max)
        distances = np.stack(np.meshgrid([0], np.arange(256), np.arange(256)), axis=-1)
        distances = distances.reshape(-1, 3)
        results = self.output.dequantize(self((largest - distances).astype(self.dtype)))
        powers = Function("exponential")(-self.input.scale * self.beta * distances)
        exact = powers / powers.sum(axis=1, keepdims=True)
        error = np.abs(results - exact)
        units = np.abs(results - np.clip(exact, *clip)) / self.output.scale
        relative = error / exact
        changes: dict[str, Any] = {
            "inputs": f"every pair and triple of {self.dtype} codes",
            "count": made.count + error.size,
            "rms": math.sqrt(
                (made.rms**2 * made.count + np.sum(error**2)) / (made.count + error.size)
            ),
            "limit": max(made.limit or 0.0, self._limit(exact, clip)),
        }
        for name, errors in (("max_abs", error), ("max_rel", relative), ("max_lsb", units)):
            i = np.unravel_index(np.argmax(errors), errors.shape)
            if errors[i] > getattr(made, name):
                changes[name] = float(errors[i])
                changes[f"{name}_at"] = float(-self.input.scale * self.beta * distances[i])
        return replace(made, **changes)

    def header(self) -> dict[str, Any]:
        """Return what JSON can hold of the common attributes."""
        return {
            "input": [self.input.scale, self.input.zero_point],
            "output": [self.output.scale, self.output.zero_point],
            "dtype": self.dtype.name,
            "output_dtype": self.output_dtype.name,
            "beta": self.beta,
        }

    @staticmethod
    def common(header: Mapping[str, Any]) -> dict[str, Any]:
        """Inverse of `header`."""
        made: dict[str, Any] = {
            "input": Affine(*header["input"]),
            "output": Affine(*header["output"]),
            "dtype": _type("dtype", header["dtype"]),
            "output_dtype": _type("output_dtype", header["output_dtype"]),
            "beta": float(header["beta"]),
        }
        _check(**made)
        return made


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


class FloatSoftmax(CodeSoftmax):
    """The softmax of int8 and uint8 codes that TensorFlow Lite computes in float32, bit for bit.

    `integer_softmax` makes it. Source: ``PopulateSoftmaxLookupTable`` and ``Softmax`` in
    tensorflow/lite/kernels/internal/optimized/optimized_ops.h, as compiled for x86-64.

    Attributes
    ----------
    table : ndarray of float32
        Exponentials of ``-scale * beta`` times the distances 0 to 255, correctly rounded, where
        TensorFlow Lite takes what its C library gives.
    """

    kind: ClassVar = "softmax_tflite"

    def __init__(
        self,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        output_dtype: np.dtype[Any],
        beta: float,
        table: NDArray[np.float32],
    ) -> None:
        super().__init__(input, output, dtype, output_dtype, beta)
        self.table = table

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
        x = -np.float32(input.scale) * np.float32(beta) * np.arange(256, dtype=np.float32)
        table = Function("exponential")(x.astype(np.float64)).astype(np.float32)
        return cls(input, output, dtype, output_dtype, beta, table)

    @property
    def method(self) -> str:
        """How it is approximated, in words."""
        return "TFLite's softmax with 256 exponentials in float32"

    @property
    def nbytes(self) -> int:
        """Bytes of data on the device."""
        return self.table.nbytes

    def rows(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Evaluate on the rows of contiguous arrays of codes."""
        wide = x.astype(np.int64)
        powers = self.table[wide.max(axis=1, keepdims=True) - wide]
        # One after the other, as the device adds; np.sum adds in another order.
        total = np.add.accumulate(powers, axis=1, dtype=np.float32)[:, -1:]
        factor = np.float32(1) / (total * np.float32(self.output.scale))
        codes = round_away((powers * factor).astype(np.float64)) + self.output.zero_point
        info = np.iinfo(self.output_dtype)
        y[...] = np.clip(codes, info.min, info.max)

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data."""
        return self.header(), {"table": self.table}

    @classmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned."""
        return cls(**cls.common(header), table=check_array(arrays, "table", "float32", 256))


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
    given = _type("dtype", dtype)
    result = given if output_dtype is None else _type("output_dtype", output_dtype)
    to = _OUTPUTS[result.name] if output is None else output
    if not isinstance(to, Affine):
        raise TypeError(f"output must be an edge.Affine, got {type(to).__name__}")
    try:
        beta = float(operator.pos(beta))
    except TypeError:
        raise TypeError(f"beta must be a real number, got {beta!r}") from None
    _check(input, to, given, result, beta)
    if arithmetic not in ("integer", "tflite"):
        raise ValueError(f"arithmetic must be integer or tflite, got {arithmetic!r}")
    if arithmetic == "integer":
        return IntegerSoftmax.make(input, to, given, result, beta)
    if given.itemsize != 1:
        raise ValueError(f"arithmetic must be 'integer' for {given}, got 'tflite'")
    return FloatSoftmax.make(input, to, given, result, beta)


def _check(
    input: Affine, output: Affine, dtype: np.dtype[Any], output_dtype: np.dtype[Any], beta: float
) -> None:
    """Raise ValueError if the numbers are out of range."""
    if not (math.isfinite(beta) and beta > 0):
        raise ValueError(f"beta must be positive and finite, got {beta!r}")
    if not LEAST_SCALE <= output.scale <= LARGEST_SCALE:
        raise ValueError(f"output.scale must be between 2**-24 and 1, got {output.scale!r}")
    info = np.iinfo(output_dtype)
    if not info.min <= output.zero_point <= info.max:
        raise ValueError(
            f"output.zero_point must be a code of {output_dtype}, got {output.zero_point}"
        )


def _type(name: str, dtype: DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found.name not in _TYPES:
        raise ValueError(f"{name} must be one of {', '.join(_TYPES)}, got {found}")
    return found.newbyteorder("=")
