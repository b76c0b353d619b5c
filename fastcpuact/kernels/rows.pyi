from typing import Any

import numpy as np

def run_rows(
    kernel: int, arrays: tuple[np.ndarray[Any, Any], ...], inputs: int, axis: int
) -> None: ...
