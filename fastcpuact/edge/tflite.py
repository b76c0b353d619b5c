"""The arithmetic of TensorFlow Lite's tables of 256 entries, bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .affine import Affine, round_away
from .function import Function


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
