"""Error in units in the last place."""

from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

Floats = NDArray[Any]
Dtype = type[np.floating]

_EXPONENT = np.float64(np.inf).view(np.int64)


def spacing(exact: NDArray[np.float64], dtype: Dtype) -> NDArray[np.float64]:
    """Distance between neighbours in `dtype` at `exact`, subnormals included.

    A power of two belongs to the binade above it. Beyond the largest float of `dtype` the binades
    go on as if its exponent were wider.
    """
    info = np.finfo(dtype)
    # The bits of the exponent alone are a power of two; frexp and ldexp take four times as long.
    exponent = exact.view(np.int64) & _EXPONENT
    least = np.float64(2.0**info.minexp).view(np.int64)
    return np.maximum(exponent, least).view(np.float64) * 2.0**-info.nmant


def ulp_error(result: Floats, exact: Floats) -> NDArray[np.float64]:
    """|result - exact| / spacing(exact) in the dtype of `result`.

    Parameters
    ----------
    result
        float16, float32 or float64.
    exact
        float64, or, for float64 results, an object array of balls.

    Returns
    -------
    float64 array
        NaN for NaN is right, and so is an infinity where `exact` is that infinity or rounds to it.
        Any other NaN or infinity is wrong by infinitely many ULP.
    """
    if exact.dtype == object:
        return _errors_of_balls(result, exact)
    with np.errstate(all="ignore"):
        rounded = exact.astype(result.dtype)
        error = np.abs(result.astype(np.float64) - exact) / spacing(exact, result.dtype.type)
    error[np.isnan(error)] = np.inf
    error[(result == rounded) & np.isinf(rounded)] = 0
    error[np.isnan(result) & np.isnan(exact)] = 0
    return error


# Below SMALL, what float64 does not hold of an exact value may be too small for float64 itself.
SMALL, LARGE = 2.0**-900, 2.0**1000
SCALE = 1074


def _errors_of_balls(result: Floats, exact: Floats) -> NDArray[np.float64]:
    """Errors of float64 results: |result - high - low|, exact values being high + low."""
    high = np.array([float(y) for y in exact], np.float64)
    error = np.empty(result.shape)
    with np.errstate(all="ignore"):
        is_plain = np.isfinite(result) & (np.abs(high) < LARGE)
        scale = np.where(np.abs(high) < SMALL, SCALE, 0)[is_plain]
        factor = arb((1, SCALE))
        low = [
            float((y - h) * factor if scaled else y - h)
            for y, h, scaled in zip(
                exact[is_plain], high[is_plain].tolist(), scale.tolist(), strict=True
            )
        ]
        difference = np.ldexp(result[is_plain] - high[is_plain], scale) - low
        ulp = np.ldexp(spacing(high[is_plain], np.float64), scale)
        error[is_plain] = np.abs(difference) / ulp
    for i in np.flatnonzero(~is_plain):
        error[i] = _error_of_ball(float(result[i]), float(high[i]), exact[i])
    return error


def _error_of_ball(result: float, high: float, exact: arb) -> float:
    """The same for one result, and an exact value with any exponent."""
    if np.isnan(high) or not exact.is_finite() or not np.isfinite(result):
        return 0.0 if result == high or (np.isnan(result) and np.isnan(high)) else np.inf
    info = np.finfo(np.float64)
    mantissa, exponent = exact.mid().man_exp()
    leading = int(exponent) + int(mantissa).bit_length() - 1 if mantissa else info.minexp
    return float(abs(result - exact) * arb((1, info.nmant - max(leading, info.minexp))))
