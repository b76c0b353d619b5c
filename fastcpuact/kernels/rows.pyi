from typing import Any

import numpy as np

def run_rows(
    kernel: int,
    for_columns: tuple[int, int],
    arrays: tuple[np.ndarray[Any, Any], ...],
    inputs: int,
    axis: int,
) -> None: ...
def run_short(
    kernels: tuple[int, int],
    for_columns: tuple[tuple[int, int], tuple[int, int]],
    to_numbers: bool,
    axis: Any,
    out: Any,
    *arrays: Any,
) -> Any: ...
