"""Where Numba's parallel kernels overtake the serial ones: the ground for ``PARALLEL_MIN``.

Run: python bench/parallel_threshold.py
"""

import time
from statistics import median

import numpy as np

import fastcpuact as act
from fastcpuact.jit import arrays

NEVER, ALWAYS = 1 << 62, 1


def main() -> None:
    act.use_engine("numba")
    for name in ("relu", "gelu"):  # the cheapest kernel and one of the dearest
        f = act.activations[name]
        for exponent in range(14, 21):
            x = np.random.default_rng(0).normal(size=1 << exponent).astype(np.float32)
            out = np.empty_like(x)
            seconds: dict[int, list[float]] = {NEVER: [], ALWAYS: []}
            for _ in range(100):
                for threshold, times in seconds.items():
                    arrays.PARALLEL_MIN = threshold
                    start = time.perf_counter()
                    f(x, out=out)
                    times.append(time.perf_counter() - start)
            gain = median(seconds[NEVER]) / median(seconds[ALWAYS])
            print(f"{name} float32 2^{exponent}: serial / parallel = {gain:.2f}")


if __name__ == "__main__":
    main()
