from typing import Any

import numpy as np
from numpy.typing import NDArray

def available_byte_kernels(level: int) -> list[str]: ...
def use_byte_kernel(name: str) -> None: ...
def lookup_bytes(table: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> None: ...
def look_up(table: NDArray[Any], x: Any, out: Any) -> NDArray[Any] | None: ...
def interpolate(table: NDArray[np.int16], x: NDArray[np.int16], y: NDArray[np.int16]) -> None: ...
def cubic_pieces(
    numbers: tuple[int, ...],
    shifts: tuple[int, int, int],
    constant: NDArray[np.int32],
    linear: NDArray[np.int16],
    quadratic: NDArray[np.int16],
    cubic: NDArray[np.int16],
    x: NDArray[np.int16],
    y: NDArray[np.int16],
) -> None: ...
def softmax(
    high: NDArray[np.uint32],
    low: NDArray[np.uint32],
    numbers: tuple[int, int, int, int, int],
    x: NDArray[Any],
    y: NDArray[Any],
) -> None: ...
