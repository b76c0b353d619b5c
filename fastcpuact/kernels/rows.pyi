from typing import Any

import numpy as np

def run_rows(
    kernel: int, arrays: tuple[np.ndarray[Any, Any], ...], inputs: int, axis: int
) -> None: ...
def run_short(
    kernels: tuple[int, int], to_numbers: bool, axis: Any, out: Any, *arrays: Any
) -> Any: ...
