"""The arithmetic of TensorFlow Lite's tables and softmax of 8 bits, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .affine import Affine, round_away
from .function import Function
from .integers import check_array
from .softmax_base import CodeSoftmax


def float32_table(
    function: Function, codes: NDArray[np.int_], input: Affine, output: Affine
) -> NDArray[np.int64]:
    """Return the entries that TensorFlow Lite computes, not clipped to the range of the codes.

    Every operation rounds to float32, and the result is multiplied by the reciprocal of the scale.
    The function is correctly rounded to float32 from float64, where TensorFlow Lite takes what its
    C library gives: where that differs by a unit in the last place, a tie may fall otherwise.

    Raises
    ------
    ValueError
        If a result is infinite or does not fit 32 bits: what TensorFlow Lite then does is
        undefined.

    Notes
    -----
    Source: ``LUTPopulateInt8`` in tensorflow/lite/kernels/internal/common.h.
    """
    x = np.float32(input.scale) * (codes - input.zero_point).astype(np.float32)
    inverse = np.float32(1) / np.float32(output.scale)
    with np.errstate(over="ignore"):
        results = function(x.astype(np.float64)).astype(np.float32) * inverse
    beyond = ~(np.abs(results) < 2.0**31 - 2.0**16)
    if beyond.any():
        raise ValueError(
            "arithmetic 'tflite' is undefined where a result does not fit 32 bits: "
            f"{function.name} at {x[beyond][0]!r} gives {results[beyond][0]!r} units"
        )
    return round_away(results.astype(np.float64)).astype(np.int64) + output.zero_point


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

    kind = "softmax_tflite"

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
