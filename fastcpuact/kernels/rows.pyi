from typing import Any

import numpy as np

def run_rows(
    kernel: int,
    for_columns: tuple[int, int],
    arrays: tuple[np.ndarray[Any, Any], ...],
    inputs: int,
    axis: int,
) -> None: ...
