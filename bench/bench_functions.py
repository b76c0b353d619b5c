"""Every function and gradient, on both engines and in every library that is installed."""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from typing import Any

import pytest

import fastcpuact as act
from fastcpuact.bench import cases, checks, peers

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


@cache
def started(name: str, threads: int) -> peers.Peer:
    return peers.ALL[name].start(threads)


@pytest.fixture
def peer(library: str, case: cases.Case) -> Iterator[peers.Peer]:
    """The library; an engine of ours is one too."""
    name, _, engine = library.partition("-")
    with act.engine(engine) if engine else nullcontext():
        yield started(name, case.threads)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # overflow in the tails of an expression
def test_function(case: cases.Case, library: str, peer: peers.Peer, benchmark: Any) -> None:
    operands = cases.operands(case)
    call = peer.call(case, operands)
    if call is None:
        pytest.skip(f"{library} has no {case.function} for {case.dtype}")
    error = checks.worst_error(case, operands, call.results(case.result_shape))
    if library.startswith("fastcpuact"):
        assert error < checks.LOST
    benchmark.group = f"{case.function} {case.dtype} {case.size}"
    benchmark.extra_info["worst relative error"] = error
    benchmark(call)
