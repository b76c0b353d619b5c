"""Functions along an axis by the shape of the array: short rows, long ones, and columns.

pytest bench/bench_rows.py --benchmark-only --dtypes float32
python bench/bench_rows.py                      in turns, beside NumPy and, if it is there, PyTorch
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact import plain
from fastcpuact.bench import timing
from fastcpuact.bench.peers import Call

try:
    import torch
except ImportError:
    torch = None

# Logits of few classes and of many, scores of attention, classes of pixels, and wide columns.
SHAPES = (
    *(((3200, 10), -1), ((2000, 16), -1), ((1000, 32), -1), ((320, 100), -1), ((32, 1000), -1)),
    *(((10, 3200), 0), ((1000, 32), 0), ((4, 21, 128, 128), 1), ((1000, 1000), 0)),
)
NAMES = ("softmax", "log_softmax", "logsumexp")
FORMS = ("value", "backward")


def calls(name: str, form: str, dtype: str, shape: tuple[int, ...], axis: int) -> dict[str, Call]:
    """Each library's call, the results being fresh: logsumexp has no ``out`` elsewhere."""
    rng = np.random.default_rng(0)
    x = rng.normal(scale=3, size=shape).astype(dtype)
    y = act.get(name)(x, axis=axis)
    dy = rng.normal(size=y.shape).astype(dtype)
    rows = plain.PLAIN_ROWS[name]
    if form == "value":
        made = {"ours": Call(act.get(name), (x, axis)), "numpy": Call(rows.value, (x, axis))}
        if torch is not None:
            made["torch"] = Call(getattr(torch, name), (torch.from_numpy(x), axis))
        return made
    saved = x if name == "logsumexp" else y
    ours = Call(act.get(name).backward, (dy, saved, axis))
    made = {"ours": ours, "numpy": Call(rows.backward, (dy, saved, axis))}
    kernel = {"softmax": "_softmax_backward_data", "log_softmax": "_log_softmax_backward_data"}
    if torch is not None and name in kernel:
        tensors = torch.from_numpy(dy), torch.from_numpy(y)
        function = getattr(torch.ops.aten, kernel[name])
        made["torch"] = Call(function, (*tensors, axis, tensors[0].dtype))
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("dtype", metafunc.config.getoption("--dtypes").split(","))


@pytest.mark.parametrize("library", ("ours", "numpy", "torch"))
@pytest.mark.parametrize(("shape", "axis"), SHAPES, ids=str)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_rows(
    name: str,
    form: str,
    shape: tuple[int, ...],
    axis: int,
    library: str,
    dtype: str,
    benchmark: Any,
) -> None:
    call = calls(name, form, dtype, shape, axis).get(library)
    if call is None:
        pytest.skip(f"{library} is not installed, or has no such function")
    benchmark.group = f"{name}.{form}, {dtype}, {shape} along {axis}"
    with act.num_threads(1):
        benchmark(call.function, *call.operands)


def main() -> None:
    """Print nanoseconds an element."""
    if torch is not None:
        torch.set_num_threads(1)
    for name in NAMES:
        for form in FORMS:
            for dtype in ("float32", "float64"):
                for shape, axis in SHAPES:
                    prepared = calls(name, form, dtype, shape, axis)
                    for call in prepared.values():
                        call.function(*call.operands)
                    with act.num_threads(1):
                        timed = timing.interleave(prepared, seconds=0.1)
                    size = np.prod(shape)
                    ns = {library: timed[library].quartiles[1] / size for library in timed}
                    print(
                        f"{name}.{form}, {dtype}, {shape} along {axis}: "
                        + ", ".join(f"{library} {ns[library]:.2f}" for library in ns)
                    )


if __name__ == "__main__":
    main()
