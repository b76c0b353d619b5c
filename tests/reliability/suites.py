"""Parts of the test suite that belong into the table: what they hold, and how many tests that are.

Every run of the tests has them anyway, so as checks they are long ones.
"""

from __future__ import annotations

import re
import subprocess
import sys

from . import Unavailable, check
from .processes import TESTS, environment


def passed(names: list[str], *options: str, **changed: str) -> int:
    """Run these files of the suite; return how many tests passed, and fail if one did not.

    Parameters
    ----------
    names : list of str
        ``values`` is ``tests/test_values.py``.
    *options
        Of pytest.
    **changed
        Environment variables.
    """
    files = [str(TESTS / f"test_{name}.py") for name in names]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *files],
        env=environment(**changed),
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-1000:]
    number = re.search(r"(\d+) passed", ended.stdout)
    if number is None:
        raise Unavailable(f"{', '.join(names)}: a package is missing")
    return int(number[1])


def part(name: str, group: str, promise: str, names: list[str], chosen: str = "") -> None:
    """Enter files of the suite as a check, or the tests in them that an expression chooses."""

    def run(full: bool) -> str:
        return f"{passed(names, '-k', chosen):,} tests passed"

    check(name, group, promise, long=True)(run)


part(
    "accuracy",
    "Results",
    "no error above its stated bound, in a sample of every function, form and dtype; those of "
    "every float32 are in [ACCURACY.md](ACCURACY.md)",
    ["accuracy"],
)
part(
    "planted inaccuracies",
    "Results",
    "the check of accuracy finds what is planted in results of kernels: a few ULP, lanes swapped, "
    "a tail skipped, a NaN swallowed, flushed subnormals, lost signs, a descent, a wrong limit",
    ["check"],
    "planted or descent or above_the_bound",
)
part(
    "values and gradients",
    "Results",
    "NaN at every position, limits at the infinities, signs of zero, ranges, symmetry, monotone "
    "functions, gradients at kinks",
    ["values", "gradients"],
)
part(
    "known defects",
    "Results",
    "what other libraries got wrong, each a test: lost tails, thresholds, early overflow, results "
    "that depend on the number of elements",
    ["known_defects"],
)
part(
    "same bits",
    "Results",
    "the bits depend on no engine, level with FMA, number of threads, stride, position or length",
    ["engines", "threads", "contract"],
    "bits or patterns or stride_position or agree",
)
part(
    "checks of np.exp",
    "NumPy contract",
    "what NumPy's own tests ask of a unary ufunc, of every activation and form: where, casting, "
    "dtype, byte order, alignment, read-only and refused operands, 0-d, subclasses, pickles, and "
    "any shape and memory order (hypothesis)",
    ["contract", "contract_numpy"],
)
part(
    "arrays of other libraries",
    "NumPy contract",
    "pandas, xarray, Awkward, Dask on threads and on a cluster of processes, masked arrays, files "
    "larger than memory",
    ["chunked"],
)
part(
    "import",
    "Floating-point environment",
    "importing loads NumPy and the kernels alone, starts no thread and leaves the state as it is; "
    "the modules need nothing but the C library",
    ["extension"],
)
