"""Fixtures and options that the tests share."""

import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

import fastcpuact as act
from fastcpuact import engines

# A process that a test starts in the source tree must see the package under test as this one does:
# the installed one, not the folder of that name, where nothing is built.
os.environ["PYTHONSAFEPATH"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--accept-golden", action="store_true", help="write the golden texts of the emitter anew"
    )


# Files that take minutes, the longest first: a process that starts one last keeps all others
# waiting.
_LONGEST = ("test_engines", "test_build", "test_vectorised", "test_contract", "test_values")


def pytest_configure(config: pytest.Config) -> None:
    # pytest-xdist would begin with the files of most tests.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def require_package(name: str) -> Any:
    """Import an optional package, or skip the tests of a module where it is not there.

    Continuous integration has them all.
    """
    if os.environ.get("CI"):
        return import_module(name)
    return pytest.importorskip(name, reason=f"{name} is not installed")


# Where results are compared with those of a formula that is not compiled for this level.
bits_of_fma = pytest.mark.skipif(
    engines.LEVEL == "v2", reason="without FMA, the level that runs is allowed other bits"
)


def require(engine: str) -> None:
    """Skip a test whose engine is not there."""
    if engine == "numba" and find_spec("numba") is None:
        pytest.skip("numba is not installed")
    if engine == "compiled" and not engines.COMPILED:
        assert not os.environ.get("CI"), "no compiled kernels"
        pytest.skip("no compiled kernels")


@pytest.fixture(scope="module", params=engines.ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the tests of a module on each engine that is installed."""
    name: str = request.param
    require(name)
    with act.engine(name):
        assert act.current_engine() == name
        yield name
