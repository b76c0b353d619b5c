"""Floats by number, in ascending order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def ordinals(x: NDArray[Any]) -> NDArray[np.int64]:
    """Number the floats in ascending order: neighbours differ by one, both zeros are 0."""
    bits = x.view(f"i{x.itemsize}").astype(np.int64)
    magnitude = bits & np.iinfo(f"i{x.itemsize}").max
    return np.where(bits < 0, -magnitude, magnitude)


def from_ordinals(numbers: NDArray[np.int64], dtype: DTypeLike) -> NDArray[Any]:
    """Inverse of `ordinals`, which stops at the infinities."""
    largest = ordinals(np.array([np.inf], dtype))[0]
    magnitude = np.minimum(np.abs(numbers), largest).astype(f"i{np.dtype(dtype).itemsize}")
    return np.copysign(magnitude.view(dtype), numbers.astype(np.float64)).astype(dtype)
