"""Activations of integer codes: what tables of all formats have in common."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .affine import Affine, Rounding
from .approximant import Approximant
from .certificate import Certificate, certificate
from .codes import codes_array, run
from .function import Floats, Function

NAN_POLICY = "integers have none"


class Quantized(Approximant):
    """An activation from integer codes to integer codes of the same type.

    Attributes
    ----------
    input, output : Affine
        What the codes stand for.
    dtype : numpy.dtype
        The type of the codes.
    rounding : {"away", "even"}
        How real numbers were rounded to codes.
    """

    formats: ClassVar[str]

    def __init__(
        self,
        function: Function,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        rounding: Rounding,
    ) -> None:
        super().__init__(function)
        self.input = input
        self.output = output
        self.dtype = dtype
        self.rounding = rounding

    @abc.abstractmethod
    def apply(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Evaluate on flat contiguous arrays of codes."""

    def __call__(self, x: Any, out: NDArray[Any] | None = None) -> Any:
        """Evaluate on codes.

        Parameters
        ----------
        x : ndarray
            Codes, of ``dtype``.
        out : ndarray, optional
            Where to put the results: of the shape of ``x`` and of ``dtype``. It may be ``x``.

        Returns
        -------
        ndarray or scalar
            Codes.
        """
        y = self.at_once(x, out)
        return run(self.apply, x, out, self.dtype, self.dtype) if y is None else y

    def at_once(self, x: Any, out: Any) -> NDArray[Any] | None:
        """Evaluate without the general way, or return None.

        That one takes a microsecond, and 64 KiB of bytes take two.
        """
        return None

    def all_codes(self) -> NDArray[Any]:
        """Return every code, from the lowest."""
        info = np.iinfo(self.dtype)
        return np.arange(info.min, info.max + 1).astype(self.dtype)

    def target(self) -> Floats:
        """Return the exact results of `all_codes`, as real numbers of output codes, not clipped."""
        return target(self.exact(), self.input, self.output, self.dtype)

    @cached_property
    def derivative_table(self) -> NDArray[np.float32]:
        """The derivative at each code, of real results with respect to real inputs.

        It is 0 where results are clipped to the range of the codes. The order is that of the codes
        taken as unsigned numbers.
        """
        info = np.iinfo(self.dtype)
        codes = self.all_codes()
        slope = derivative(self.exact(), self.input.dequantize(codes))
        beyond = (self.target() < info.min - 0.5) | (self.target() > info.max + 0.5)
        slope[beyond] = 0
        return np.roll(slope, int(info.min)).astype(np.float32)

    def grad(self, x: Any, out: NDArray[Any] | None = None) -> Any:
        """Return the derivative at codes, for quantisation-aware training.

        Parameters
        ----------
        x : ndarray
            Codes, of ``dtype``.
        out : ndarray, optional
            Where to put the results: of the shape of ``x`` and of float32.

        Returns
        -------
        ndarray or scalar
            float32: f' at the numbers that the codes stand for, 0 where results are clipped.
        """
        unsigned = np.dtype(f"u{self.dtype.itemsize}")
        table = self.derivative_table

        def look_up(codes: NDArray[Any], y: NDArray[Any]) -> None:
            np.take(table, codes.view(unsigned), out=y, mode="wrap")

        return run(look_up, x, out, self.dtype, np.dtype(np.float32))

    def backward(self, dy: ArrayLike, x: Any) -> NDArray[Any]:
        """Return ``dy * grad(x)``, the gradient that passes straight through the rounding.

        Parameters
        ----------
        dy : array_like
            The gradient with respect to the real results.
        x : ndarray
            Codes, of ``dtype``.
        """
        return np.asarray(dy) * self.grad(codes_array(x, self.dtype))

    def certify(self) -> Certificate:
        """Measure the error anew, on every code."""
        codes, info = self.all_codes(), np.iinfo(self.dtype)
        results = self(codes)
        limit, formula = self.limit()
        with np.errstate(over="ignore", invalid="ignore"):
            return certificate(
                function=self.name,
                method=self.method,
                inputs=f"every {self.dtype} code",
                blocks=[self.input.dequantize(codes)],
                results=lambda x: self.output.dequantize(results),
                exact=self.exact(),
                lsb=self.output.scale,
                clip=tuple(self.output.dequantize([info.min, info.max])),
                limit=limit,
                limit_formula=formula,
                symmetric=symmetry_of(results.astype(int), codes, self.input, self.output),
                nan=NAN_POLICY,
                nbytes=self.nbytes,
            )

    @abc.abstractmethod
    def limit(self) -> tuple[float | None, str]:
        """Return the smallest maximum error in LSB of the format, and where it is from."""

    def header(self) -> dict[str, Any]:
        """Return what JSON can hold of the common attributes."""
        return {
            "input": [self.input.scale, self.input.zero_point],
            "output": [self.output.scale, self.output.zero_point],
            "dtype": self.dtype.name,
            "rounding": self.rounding,
        }

    @classmethod
    def common(cls, function: Function, header: Mapping[str, Any]) -> dict[str, Any]:
        """Inverse of `header`: the arguments that all classes take.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the data are not such data.
        """
        dtype = np.dtype(header["dtype"])
        if dtype.name not in cls.formats.split():
            raise ValueError(f"dtype must be one of {cls.formats}, got {dtype}")
        return {
            "function": function,
            "input": Affine(*header["input"]),
            "output": Affine(*header["output"]),
            "dtype": dtype,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the function, which the user gives, it goes to a file only.
        function = None if self.function is None else self.function.activation
        if function is None:
            raise TypeError(f"{self!r} cannot be pickled; save() writes it to a file")
        return _restore, (type(self), function, *self.parts())


def _restore(kind: type[Quantized], function: Any, header: Any, arrays: Any) -> Quantized:
    return kind.from_parts(Function(function), header, arrays)


def target(function: Function, input: Affine, output: Affine, dtype: np.dtype[Any]) -> Floats:
    """Return what all codes should give, from the lowest, as real numbers of output codes."""
    info = np.iinfo(dtype)
    x = input.dequantize(np.arange(info.min, info.max + 1))
    with np.errstate(over="ignore"):
        return np.asarray(function(x) / output.scale + output.zero_point)


def derivative(function: Function, x: Floats) -> Floats:
    """Return f' in float64, for a user's function by central differences good for float32."""
    if function.activation is not None:
        with np.errstate(all="ignore"):
            return np.asarray(function.activation.grad(x))
    # Errors of h**2 in the difference and of 2**-53/h in the values are about the same.
    h = 2.0**-17 * np.maximum(1, np.abs(x))
    low, high = x - h, x + h
    with np.errstate(all="ignore"):
        return np.asarray((function(high) - function(low)) / (high - low))


def symmetry_of(
    results: NDArray[np.int_], codes: NDArray[Any], input: Affine, output: Affine
) -> str:
    """Return the symmetry about a real input of 0 that integer results have exactly."""
    lowest, highest = int(codes[0]), int(codes[-1])
    reach = min(input.zero_point - lowest, highest - input.zero_point)
    if reach < 1:
        return "none"
    zero = input.zero_point - lowest
    right, left = results[zero + 1 : zero + reach + 1], results[zero - 1 :: -1][:reach]
    if np.array_equal(left, right):
        return "even"
    sums = left + right
    if np.ptp(sums) == 0 and sums[0] == 2 * results[zero]:
        return "odd" if sums[0] == 2 * output.zero_point else "complement"
    return "none"


def check_array(
    arrays: Mapping[str, NDArray[Any]], name: str, dtype: str, size: int | None = None
) -> NDArray[Any]:
    """Return a flat array of a file, in the machine's byte order.

    Raises
    ------
    KeyError
        If there is none of that name.
    ValueError
        If its type or size is another.
    """
    array = arrays[name]
    if array.dtype.newbyteorder("=") != np.dtype(dtype) or array.ndim != 1:
        raise ValueError(f"{name} must be a flat array of {dtype}, got {array.dtype}")
    if size is not None and array.size != size:
        raise ValueError(f"{name} must have {size} entries, got {array.size}")
    return np.ascontiguousarray(array, dtype)
