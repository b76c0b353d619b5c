"""Many Python threads at once."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.kernels.driver import set_parallel_ns

from . import Unavailable, check
from .processes import TESTS, environment, in_process

KERNELS = Path(act.__file__).parent / "kernels"


def crowd(callers: int, seconds: float, engines: list[str]) -> tuple[int, int]:
    """Call from many threads, while another changes engine and number of threads."""
    set_parallel_ns(10_000)
    sizes = (3, 100, 5000, 70_000, 400_000)
    functions: list[Any] = [act.relu, act.gelu.grad, act.softplus]
    x = np.random.default_rng(0).normal(scale=4, size=max(sizes)).astype(np.float32)
    with act.num_threads(1):
        expected = [f(x) for f in functions]
        expected_rows = act.softmax(x.reshape(-1, 100))
    for engine in engines:  # compiled once, before the crowd comes
        with act.engine(engine):
            for f in (*functions, lambda a: act.softmax(a.reshape(-1, 100))):
                f(x)
    wrong: list[str] = []
    calls = [0] * callers
    most = 0
    stop = threading.Event()
    barrier = threading.Barrier(callers + 1)

    def call(number: int) -> None:
        rng = random.Random(number)
        barrier.wait()
        while not stop.is_set():
            n = rng.choice(sizes)
            k = rng.randrange(len(functions) + 1)
            try:
                if k < len(functions):
                    good = np.array_equal(functions[k](x[:n]), expected[k][:n])
                else:
                    rows = max(1, n // 100)
                    result = act.softmax(x[: 100 * rows].reshape(rows, 100))
                    good = np.array_equal(result, expected_rows[:rows])
            except Exception as error:
                wrong.append(repr(error))
                return
            if not good:
                wrong.append(f"{k} {n}")
            calls[number] += 1

    threads = [threading.Thread(target=call, args=(k,)) for k in range(callers)]
    for thread in threads:
        thread.start()
    barrier.wait()
    end = time.monotonic() + seconds
    rng = random.Random(99)
    while time.monotonic() < end:
        act.set_num_threads(rng.randint(1, 9))
        act.use_engine(rng.choice(engines))
        time.sleep(0.01)
        if os.path.isdir("/proc/self/task"):
            most = max(most, len(os.listdir("/proc/self/task")))
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a call hangs"
    assert not wrong, wrong[:5]
    return sum(calls), most


@check(
    "50 Python threads",
    "Threads",
    "50 threads call functions on arrays of 3 to 400,000 elements, while the number of threads and "
    "the engine change",
)
def fifty(full: bool) -> str:
    engines = ["compiled", "numba"] if full else ["compiled"]
    # OpenMP would give each of the callers a team of threads.
    there = {"OPENBLAS_NUM_THREADS": "1", "NUMBA_THREADING_LAYER": "workqueue"}
    calls, most = in_process(crowd, 50, 60 if full else 1, engines, **there)
    # 50 callers, the main thread, 8 workers; Numba's pool beside them.
    assert most <= 59 + 2 * (os.cpu_count() or 1)
    return f"{calls:,} calls, at most {most} threads: 0 hangs, 0 wrong results"


@check(
    "order of accesses in the pool",
    "Threads",
    "the pool of threads under ThreadSanitizer, called by many threads at once: no access that "
    "nothing orders, every part of every call runs once",
)
def pool_under_tsan(full: bool) -> str:
    with tempfile.TemporaryDirectory() as folder:
        program = build_pool(Path(folder), KERNELS)
        callers, calls = (32, 20_000) if full else (8, 500)
        wrong, alone = run_pool(program, callers, calls)
        assert wrong == 0
    return f"{callers * calls:,} calls of {callers} threads, {alone:,} found it busy: 0 reports"


def build_pool(folder: Path, headers: Path) -> Path:
    """Build the driver of the pool with ThreadSanitizer."""
    program = folder / "pool_driver"
    source = TESTS / "reliability" / "pool_driver.c"
    options = ["-O1", "-g", "-fsanitize=thread", "-pthread", f"-I{headers}"]
    subprocess.run(["cc", *options, source, "-o", program], check=True, capture_output=True)
    return program


def run_pool(program: Path, callers: int, calls: int, timeout: float = 600) -> tuple[int, int]:
    """Return the numbers of wrong parts and of calls that found the pool busy."""
    # Its shadow memory needs addresses in their usual places.
    done = subprocess.run(
        ["setarch", "-R", program, str(callers), str(calls)],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env={**os.environ, "TSAN_OPTIONS": "halt_on_error=1"},
    )
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr[:3000]}"
    wrong, alone = map(int, done.stdout.split())
    return wrong, alone


FREE_THREADED = ("python3.14t", "python3.13t")


@check(
    "free-threaded Python",
    "Threads",
    "on a CPython without the global lock, importing the package does not switch it on, and 50 "
    "threads get the right results",
    long=True,
)
def free_threaded(full: bool) -> str:
    found = next(filter(None, map(shutil.which, FREE_THREADED)), None)
    if found is None:
        raise Unavailable(f"needs one of {', '.join(FREE_THREADED)}")
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "bin", "python")
        subprocess.run([found, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", str(TESTS.parent)], check=True)
        code = (
            "import sys; from reliability.crowds import crowd;"
            "print(*crowd(50, 20, ['compiled'])); assert not sys._is_gil_enabled()"
        )
        there = environment(PYTHONPATH=str(TESTS), PYTHON_GIL=None)
        done = subprocess.run([python, "-c", code], env=there, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return f"{Path(found).name}: {done.stdout.split()[0]} calls, 0 wrong results"
