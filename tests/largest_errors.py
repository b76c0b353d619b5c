"""Print the largest error found of every function, form and dtype.

Run: python tests/largest_errors.py [NAME ...]
"""

import sys

import numpy as np

from fastcpuact.accuracy.reference import Case
from fastcpuact.accuracy.samples import uniform
from forms import CURVES, DTYPES, function

# Inputs by bit pattern per dtype: exact values take their time.
PATTERNS = {np.float32: 2**21, np.float64: 2**14}


def largest_error(case: Case, curve: str, dtype: type[np.floating]) -> tuple[float, float]:
    """Return the largest error in ULP, and the input where it occurs."""
    reference = case.reference(dtype).curves[curve]
    x = reference.inputs(dtype, PATTERNS[dtype])
    if dtype is np.float32:
        x = np.concatenate([x, uniform(dtype, (2, 20), PATTERNS[dtype])])
        x = x[~((x < reference.domain[0]) | (x > reference.domain[1]))]
    with np.errstate(over="ignore"):  # with parameters, results can exceed the largest float
        result = function(case, curve)(x)
    error = reference.ulp_errors(result, x)
    worst = int(error.argmax())
    return float(error[worst]), float(x[worst])


def main() -> None:
    names = sys.argv[1:]
    for case, curve in (param.values for param in CURVES):
        if not names or case.name in names:
            for dtype in DTYPES:
                error, x = largest_error(case, curve, dtype)
                print(f"{case!s:30} {curve:16} {dtype.__name__:8} {error:6.3f} ULP at {x!r}")


if __name__ == "__main__":
    main()
