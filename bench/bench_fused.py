"""A loop of one's own in Numba, bias + gelu + scale, beside the same three steps on whole arrays.

The array is a batch of a layer's outputs; bias and scale have one number for each feature.  The
steps are those of an expression, with a new array for each, or all in the array of the result.

pytest bench/bench_fused.py --benchmark-only --sizes 1000,4000,32000
python bench/bench_fused.py                     in turns, with the ratios, and that of the steps in
                                                place to gelu alone, a loop's at best
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

import fastcpuact as act
from fastcpuact.bench import timing
from fastcpuact.bench.peers import Call

Array = np.ndarray[Any, Any]


FEATURES = 256


@njit(error_model="numpy")
def fused(x: Array, bias: Array, scale: Array, out: Array) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = act.gelu(x[i, j] + bias[j]) * scale[j]


def expression(x: Array, bias: Array, scale: Array, out: Array) -> None:
    act.gelu(x + bias) * scale


def in_place(x: Array, bias: Array, scale: Array, out: Array) -> None:
    np.add(x, bias, out=out)
    act.gelu(out, out=out)
    np.multiply(out, scale, out=out)


def gelu_alone(x: Array, bias: Array, scale: Array, out: Array) -> None:
    act.gelu(x, out=out)


WAYS: dict[str, Callable[..., None]] = {
    "expression": expression,
    "in_place": in_place,
    "fused": fused,
}


def operands(size: int, dtype: str) -> tuple[Any, ...]:
    """About size numbers, in whole rows."""
    rows = max(1, round(size / FEATURES))
    x = np.linspace(-5, 5, rows * FEATURES, dtype=dtype).reshape(rows, FEATURES)
    return x, np.full(FEATURES, 0.1, dtype), np.full(FEATURES, 0.5, dtype), np.empty_like(x)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    option = metafunc.config.getoption
    metafunc.parametrize("size", [int(size) for size in option("--sizes").split(",")])
    metafunc.parametrize("dtype", option("--dtypes").split(","))


@pytest.mark.parametrize("way", WAYS)
def test_bias_gelu_scale(way: str, size: int, dtype: str, benchmark: Any) -> None:
    given = operands(size, dtype)
    WAYS[way](*given)
    benchmark.group = f"bias + gelu + scale, {dtype}, {given[0].size}"
    with act.num_threads(1):
        benchmark(WAYS[way], *given)


def main() -> None:
    """Print nanoseconds an element, and how many times as fast the loop and gelu are."""
    for dtype in ("float32", "float64"):
        for rows in (1, 4, 16, 128):
            size = rows * FEATURES
            given = operands(size, dtype)
            ways = {**WAYS, "gelu": gelu_alone}
            calls = {name: Call(way, given) for name, way in ways.items()}
            for call in calls.values():
                call.function(*call.operands)
            with act.num_threads(1):
                timed = timing.interleave(calls, seconds=0.5)
            fresh, apart, together, least = (timed[name].quartiles[1] / size for name in ways)
            print(
                f"{dtype}, {size:,} elements: loop {together:.2f} ns; expression {fresh:.2f} ns, "
                f"{fresh / together:.2f} times that; in place {apart:.2f} ns, "
                f"{apart / together:.2f} times (gelu alone {apart / least:.2f})"
            )


if __name__ == "__main__":
    main()
