"""Millions of calls: memory, threads and open files stay as they were."""

from __future__ import annotations

import gc
import os
import random
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.kernels.driver import set_parallel_ns

from . import Unavailable, check
from .processes import in_process
from .targets import DTYPES, elementwise, rowwise, sample

SIZES = (1, 8, 8, 8, 33, 100, 700)


def resident() -> int:
    """Return the resident memory in KiB."""
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)


def state() -> tuple[int, int, int]:
    """Return resident KiB, threads and open files."""
    gc.collect()
    return resident(), len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


def calls_of(seed: int) -> list[Any]:
    """Return functions of no argument, one for each target and dtype, that call it in some way."""
    rng = random.Random(seed)
    made: list[Any] = []
    for target in elementwise():
        for dtype in DTYPES:
            x = [sample(rng.choice(SIZES), dtype, k) for k in range(1)] * target.nin
            out: Any = tuple(np.empty_like(x[0]) for _ in range(target.nout))
            out = out if len(out) > 1 else out[0]
            made.append(lambda f=target.short, x=x: f(*x))
            made.append(lambda f=target.short, x=x, out=out: f(*x, out=out))
            strided = [a[::2] for a in x]
            made.append(lambda f=target.short, x=strided: f(*x))
            made.append(lambda f=target.short, x=x: refused(f, *x, out="nonsense"))
    for row in rowwise():
        x = [np.nan_to_num(sample(60, np.float32, k)).reshape(6, 10) for k in range(row.nin)]
        made.append(lambda f=row, x=x: f(*x))
        made.append(lambda f=row, x=x: f(*x, axis=0))
        made.append(lambda f=row, x=x: refused(f, *x, axis=7))
    long = np.linspace(-5, 5, 200_000)
    made.append(lambda: act.gelu(long))
    return made


def refused(f: Any, *args: Any, **kwargs: Any) -> None:
    """Call with what is refused: an error must leak nothing either."""
    try:
        f(*args, **kwargs)
    except (TypeError, ValueError):
        return
    raise AssertionError("nonsense was accepted")


def soak(count: int) -> tuple[int, int, int, int]:
    """Make so many calls; return by how much memory, threads and files grew after the start."""
    set_parallel_ns(50_000)
    act.set_num_threads(2)
    calls = calls_of(0)
    order = random.Random(1)
    # All that is cached is there after this.
    for _ in range(3):
        for call in calls:
            call()
    before = state()
    most = before[0]
    done = 0
    while done < count:
        # The long call is made now and then.
        for call in order.sample(calls[:-1], k=len(calls) - 1):
            call()
        calls[-1]()
        done += len(calls)
        most = max(most, resident())
    after = state()
    return done, after[0] - before[0], after[1] - before[1], after[2] - before[2]


@check(
    "soak",
    "Soak",
    "calls of all functions on arrays of 1 to 700 elements, of every kind and also refused ones, "
    "between calls on several threads: memory, threads and open files do not grow",
)
def soaking(full: bool) -> str:
    if not os.path.isdir("/proc/self/task"):
        raise Unavailable("reads /proc")
    one = {"OPENBLAS_NUM_THREADS": "1"}
    done, grown, threads, files = in_process(
        soak, 10_000_000 if full else 60_000, **one, timeout=9000
    )
    assert grown < 2048 and threads <= 0 and files <= 0, (grown, threads, files)
    return f"{done:,} calls: {grown:+} KiB, {threads:+} threads, {files:+} files"
