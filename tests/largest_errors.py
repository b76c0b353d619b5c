"""Print the largest error found of every function, form and dtype.

Run: python tests/largest_errors.py [NAME ...]
"""

import sys

import numpy as np

from fastcpuact.accuracy.reference import CASES, Case
from fastcpuact.accuracy.ulp import ulp_error, uniform
from forms import DTYPES, FORMS, function

# Inputs by bit pattern per dtype: float64 is compared with mpmath, which takes its time.
PATTERNS = {np.float32: 2**21, np.float64: 2**11}


def largest_error(case: Case, form: str, dtype: type[np.floating]) -> tuple[float, float]:
    """Return the largest error in ULP, and the input where it occurs."""
    curve = getattr(case.reference(dtype), form)
    x = curve.inputs(dtype, PATTERNS[dtype])
    if dtype is np.float32:
        x = np.concatenate([x, uniform(dtype, (2, 20), PATTERNS[dtype])])
    with np.errstate(over="ignore"):  # with parameters, results can exceed the largest float
        result = function(case, form)(x)
    error = ulp_error(result, curve(x) if dtype is np.float32 else curve.exactly(x))
    worst = int(error.argmax())
    return float(error[worst]), float(x[worst])


def main() -> None:
    names = sys.argv[1:]
    for case in CASES:
        if not names or case.name in names:
            for form in FORMS:
                for dtype in DTYPES:
                    error, x = largest_error(case, form, dtype)
                    print(f"{case!s:30} {form:6} {dtype.__name__:8} {error:6.3f} ULP at {x!r}")


if __name__ == "__main__":
    main()
