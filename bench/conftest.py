"""Options of the benchmarks, and what they share.

The files are named bench_*.py, which `python_files` in pyproject.toml lets pytest collect; a plain
`pytest` stays in tests/. Run them with

    pytest bench --benchmark-only
    pytest bench --benchmark-only --sizes 1000,100000 --dtypes float32 -k "gelu and backward"

Rows of one group did the same work. All of them return fresh arrays, as `act.gelu(x)` and
`x * ndtr(x)` do when they are called without `out`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact import engines

Function = Callable[..., Any]

NUMPY = "numpy"
# What the expressions lose on [-5, 5] when evaluated in float64.
CANCELLED = 1e-15
LIBRARIES = (*engines.ENGINES, NUMPY)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fastcpuact benchmarks")
    group.addoption("--sizes", default="1000,32000,1000000", help="numbers of elements")
    group.addoption("--dtypes", default="float32,float64")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "size" in metafunc.fixturenames:
        sizes = metafunc.config.getoption("--sizes").split(",")
        metafunc.parametrize("size", [int(size) for size in sizes])
        metafunc.parametrize("dtype", metafunc.config.getoption("--dtypes").split(","))
        metafunc.parametrize("library", LIBRARIES)


@pytest.fixture
def uniform(size: int, dtype: str) -> Callable[[float], Any]:
    """Draw `size` numbers between -limit and limit."""
    rng = np.random.default_rng(0)
    return lambda limit: rng.uniform(-limit, limit, size).astype(dtype)


@pytest.fixture
def timed(benchmark: Any, library: str, size: int, dtype: str) -> Function:
    """Check that ours, or theirs, is right for these operands; then time it."""

    def run(work: str, ours: Function, theirs: Function, *operands: Any) -> None:
        benchmark.group = f"{work} {dtype} {size}"
        exact = theirs(*(operand.astype(np.float64) for operand in operands))
        if library == NUMPY:
            np.testing.assert_allclose(theirs(*operands), exact, rtol=1e-4, atol=1e-6)
            benchmark(theirs, *operands)
        else:
            with act.engine(library):
                rtol = 16 * float(np.finfo(dtype).eps)
                np.testing.assert_allclose(ours(*operands), exact, rtol, atol=CANCELLED)
                benchmark(ours, *operands)

    return run
