"""Where threads begin to pay: the ground for ``parallel_ns`` and, on Numba, ``PARALLEL_MIN``.

Prints how many times faster all threads are than one, by the size of the array.

Run: python bench/parallel_threshold.py
"""

import time
from statistics import median

import numpy as np

import fastcpuact as act
from fastcpuact.jit import arrays
from fastcpuact.kernels.driver import set_parallel_ns

NAMES = ("relu", "sigmoid", "gelu", "softplus")  # from the cheapest to one of the dearest


def gain(engine: str, f: act.Activation, x: np.ndarray) -> float:
    """Return the time of a call on one thread over that on all."""
    out = np.empty_like(x)
    # Numba's own threads run where no driver is compiled.
    alone = arrays.Caller(f.record, f.form, fast=False)
    seconds: dict[int, list[float]] = {1: [], act.get_num_threads(): []}
    arrays.PARALLEL_MIN = 1
    set_parallel_ns(0)
    for _ in range(200):
        for threads, times in seconds.items():
            with act.num_threads(threads):
                start = time.perf_counter()
                if engine == "numba":
                    alone((x, *f.params.values()), out)
                else:
                    f(x, out=out)
                times.append(time.perf_counter() - start)
    one, all_ = seconds.values()
    return median(one) / median(all_)


def main() -> None:
    for engine in ("compiled", "numba"):
        for name in NAMES:
            for dtype in (np.float32, np.float64):
                row = []
                for exponent in range(13, 21):
                    x = np.random.default_rng(0).normal(size=1 << exponent).astype(dtype)
                    row.append(f"2^{exponent} {gain(engine, act.activations[name], x):.2f}")
                print(f"{engine:8} {name:8} {np.dtype(dtype).name}:", "  ".join(row))


if __name__ == "__main__":
    main()
