"""Options of the benchmarks.

The files are named bench_*.py, which `python_files` in pyproject.toml lets pytest collect; a plain
`pytest` stays in tests/. Run them with

    pytest bench --benchmark-only
    pytest bench --benchmark-only --sizes 1000,100000 --dtypes float32 -k "gelu and torch"

Rows of one group did the same work. `fastcpuact bench` does the same with the libraries in turns,
which ratios need on a machine that does other things too; here each has its own time.
"""

import os

import pytest

from fastcpuact import engines
from fastcpuact.bench import cases, peers, worker


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fastcpuact benchmarks")
    group.addoption("--sizes", default="1000,32000,1000000", help="numbers of elements")
    group.addoption("--dtypes", default="float32,float64")
    group.addoption("--threads", default=1, type=int, help="for every library")


def pytest_configure(config: pytest.Config) -> None:
    # Before the libraries are imported, which look at both.
    threads = config.getoption("--threads")
    os.environ.update(worker.environment(threads))
    worker.confine(threads)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    option = metafunc.config.getoption
    if {"case", "library"} <= set(metafunc.fixturenames):
        sizes = [int(size) for size in option("--sizes").split(",")]
        plan = cases.plan(
            cases.functions(),
            sizes,
            option("--dtypes").split(","),
            [option("--threads")],
            variations=False,
        )
        metafunc.parametrize("case", plan, ids=lambda c: f"{c.function}-{c.dtype}-{c.size}")
        ours = (f"fastcpuact-{engine}" for engine in engines.ENGINES)
        metafunc.parametrize("library", (*ours, *peers.installed()))
