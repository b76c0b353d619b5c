"""Activations of int8, uint8 and int16 codes, and the function that makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..activation import Activation
from .affine import Affine, Rounding, check_rounding
from .codes import kernels
from .function import Floats, Function
from .int16_tables import CubicTable, LineTable
from .integers import Quantized, check_array, derivative
from .rounding import rounded_codes
from .tflite import float32_table

Format = Literal["tflite", "compact"]
Arithmetic = Literal["exact", "tflite"]


class ByteTable(Quantized):
    """A table of 256 entries for int8 or uint8 codes, each the nearest code to the exact result.

    `quantized` makes it.

    Attributes
    ----------
    table : ndarray
        The results, in the order of the codes taken as unsigned bytes, which is how a device looks
        them up: for int8 those of 0 to 127 and of -128 to -1.
    derivative_table : ndarray of float32
        The derivatives in the same order.
    arithmetic : {"exact", "tflite"}
        Whether the entries are the nearest codes, or those that TensorFlow Lite computes.
    """

    kind = "bytes"
    formats = "int8 uint8"

    def __init__(
        self,
        function: Function,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        rounding: Rounding,
        arithmetic: Arithmetic,
        table: NDArray[Any],
        derivative_table: NDArray[np.float32],
    ) -> None:
        super().__init__(function, input, output, dtype, rounding)
        self.arithmetic = arithmetic
        self.table = table
        self.derivative_table = derivative_table

    @classmethod
    def make(
        cls,
        function: Function,
        input: Affine,
        output: Affine,
        dtype: np.dtype[Any],
        rounding: Rounding,
        arithmetic: Arithmetic,
    ) -> Self:
        """Round the function at every code."""
        info = np.iinfo(dtype)
        codes = np.arange(info.min, info.max + 1)
        nearest = rounded_codes(function, codes, input, output, rounding)
        slope = derivative(function, input.dequantize(codes))
        slope[(nearest < info.min) | (nearest > info.max)] = 0
        if arithmetic == "tflite":
            nearest = float32_table(function, codes, input, output)
        table = np.clip(nearest, info.min, info.max).astype(dtype)
        shift = int(info.min)
        return cls(
            function,
            input,
            output,
            dtype,
            rounding,
            arithmetic,
            np.roll(table, shift),
            np.roll(slope, shift).astype(np.float32),
        )

    @property
    def method(self) -> str:
        """How it is approximated, in words."""
        rounded = "by TFLite's arithmetic" if self.arithmetic == "tflite" else "correctly rounded"
        return f"{self.dtype} table {rounded}, halves {_HALVES[self.rounding]}"

    @property
    def nbytes(self) -> int:
        """Bytes of data on the device."""
        return self.table.nbytes

    @property
    def operations(self) -> dict[str, int]:
        """What an element takes on a device, by kind."""
        return {"load": 1}

    def at_once(self, x: Any, out: Any) -> NDArray[Any] | None:
        """Look up contiguous arrays of codes; None where something needs a closer look."""
        return kernels().look_up(self.table, x, out)

    def apply(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Evaluate on flat contiguous arrays of codes."""
        kernels().lookup_bytes(self.table, x, y)

    def limit(self) -> tuple[float, str]:
        """Return the distance of the exact results to the nearest codes."""
        info = np.iinfo(self.dtype)
        exact = np.clip(self.target(), info.min, info.max)
        return float(np.max(np.abs(exact - np.rint(exact)))), "the nearest code to each result"

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the data."""
        arrays = {"table": self.table, "derivative_table": self.derivative_table}
        return {**self.header(), "arithmetic": self.arithmetic}, arrays

    @classmethod
    def from_parts(
        cls, function: Function, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it of what `parts` returned."""
        common = cls.common(function, header)
        rounding, arithmetic = header["rounding"], header["arithmetic"]
        _check_choice("rounding", rounding, tuple(_HALVES))
        _check_choice("arithmetic", arithmetic, _ARITHMETICS)
        table = check_array(arrays, "table", common["dtype"].name, 256)
        slope = check_array(arrays, "derivative_table", "float32", 256)
        return cls(
            **common,
            rounding=rounding,
            arithmetic=arithmetic,
            table=table,
            derivative_table=slope,
        )


_HALVES: dict[Any, str] = {"away": "away from zero", "even": "to even"}
_ARITHMETICS = ("exact", "tflite")
_FORMATS: dict[Any, type[LineTable] | type[CubicTable]] = {
    "tflite": LineTable,
    "compact": CubicTable,
}


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def quantized(
    f: Activation | str | Callable[[Floats], Floats],
    *,
    input: Affine,
    output: Affine,
    dtype: DTypeLike = np.int8,
    rounding: Rounding = "away",
    format: Format = "tflite",
    arithmetic: Arithmetic = "exact",
) -> Quantized:
    """Return an activation of integer codes, as small integer data and integer arithmetic.

    Parameters
    ----------
    f : Activation, str or callable
        An activation or its name, at the defaults of its parameters, or a callable that takes and
        returns a float64 array.
    input, output : Affine
        What the codes of inputs and results stand for.
    dtype : dtype
        Of both codes: int8 and uint8 take a table of 256 entries, int16 one of the ``format``.
    rounding : {"away", "even"}
        What becomes of a result in the middle of two codes: TensorFlow Lite and CMSIS-NN round it
        away from zero, ONNX and PyTorch to even. It concerns int8 and uint8; the lookups of int16
        round halves up.
    format : {"tflite", "compact"}
        For int16: the 513 entries of TensorFlow Lite and CMSIS-NN, with those entries for which the
        largest error is as small as it can be; or cubic pieces in about a quarter of the bytes with
        an error of at most 0.75 units, as far as some hundred pieces reach it.
    arithmetic : {"exact", "tflite"}
        For int8 and uint8: entries that are the nearest codes, or those that TensorFlow Lite
        computes in float32, from correctly rounded float32 values of the function.

    Returns
    -------
    ByteTable, LineTable or CubicTable
        To be called with arrays of codes; with ``grad``, ``backward``, ``certificate``, ``nbytes``
        and ``save``.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there is no such dtype, rounding, format or arithmetic, if a zero point is no code, or if
        f is NaN at a code.
    ImportError
        If a result lies so near to the middle of two codes that exact arithmetic has to decide, and
        python-flint is not installed.

    Notes
    -----
    A result is the code nearest to f(scale·(code - zero_point))/scale' + zero_point', clipped to
    the range of the codes. That it is the nearest is decided by ball arithmetic where float64 does
    not. What a user's callable returns counts as exact.

    Source: the formats are those of TensorFlow Lite's ``LUTPopulate`` and ``LUTLookup``
    (tensorflow/lite/kernels/internal/common.h) and of CMSIS-NN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcpuact as act
    >>> from fastcpuact import edge
    >>> tanh = edge.quantized(act.tanh, input=edge.Affine(1 / 16), output=edge.Affine(1 / 128))
    >>> tanh(np.array([-128, -16, 0, 16, 127], np.int8))
    array([-128,  -97,    0,   97,  127], dtype=int8)
    >>> tanh.certificate.max_lsb < 0.5
    True
    >>> wide = edge.quantized(
    ...     act.tanh, input=edge.Affine(8 / 2**15), output=edge.Affine(2**-15), dtype="int16"
    ... )
    >>> f"{wide.nbytes} bytes, {wide.certificate.max_lsb:.2f} LSB"
    '1026 bytes, 2.23 LSB'
    """
    function = Function(f)
    type_ = _dtype(dtype)
    check_rounding(rounding)
    _check_choice("format", format, tuple(_FORMATS))
    _check_choice("arithmetic", arithmetic, _ARITHMETICS)
    info = np.iinfo(type_)
    for name, affine in (("input", input), ("output", output)):
        if not isinstance(affine, Affine):
            raise TypeError(f"{name} must be an edge.Affine, got {type(affine).__name__}")
        if not info.min <= affine.zero_point <= info.max:
            raise ValueError(
                f"{name}.zero_point must be a code of {type_}, got {affine.zero_point}"
            )
    if type_.itemsize == 1:
        if format != "tflite":
            raise ValueError(f"format must be 'tflite' for {type_}, got {format!r}")
        if arithmetic == "tflite" and rounding != "away":
            raise ValueError(f"rounding must be 'away' for TFLite's arithmetic, got {rounding!r}")
        return ByteTable.make(function, input, output, type_, rounding, arithmetic)
    if rounding != "away":
        raise ValueError(f"rounding must be 'away' for {type_}, got {rounding!r}")
    if arithmetic != "exact":
        raise ValueError(f"arithmetic must be 'exact' for {type_}, got {arithmetic!r}")
    return _FORMATS[format].make(function, input, output, type_)


def _dtype(dtype: DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found.name not in ("int8", "uint8", "int16"):
        raise ValueError(f"dtype must be int8, uint8 or int16, got {found}")
    return found.newbyteorder("=")
