"""Processes: forks during work, every way of starting one, interpreters that end during work."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np

import fastcpuact as act
from fastcpuact.kernels.driver import set_parallel_ns

from . import Unavailable, check
from .processes import in_process

# Seconds after which a child is taken to hang.
PATIENCE = 60


def work(size: int) -> float:
    """Make a long call on several threads, and fail if the result is wrong."""
    set_parallel_ns(0)
    act.set_num_threads(4)
    x = np.linspace(-5, 5, size, dtype=np.float32)
    with act.num_threads(1):
        expected = act.gelu(x[:1000])
    result = act.gelu(x)
    assert np.array_equal(result[:1000], expected)
    return float(result.sum(dtype=np.float64))


def _child(expected: float, size: int, generations: int) -> int:
    """Work in the child of a fork and in its children; return the exit code."""
    signal.alarm(PATIENCE)
    try:
        good = work(size) == expected
        if generations > 1:
            child = os.fork()
            if child == 0:
                os._exit(_child(expected, size, generations - 1))
            good = good and os.waitpid(child, 0)[1] == 0
        return 0 if good and work(size) == expected else 1
    except BaseException:
        return 2


def fork_under_load(forks: int) -> int:
    """Fork while other threads work; children and grandchildren work too."""
    warnings.simplefilter("ignore", DeprecationWarning)  # fork in a process with threads
    size = 60_000
    expected = work(size)
    stop = threading.Event()
    wrong: list[str] = []

    def load() -> None:
        while not stop.is_set():
            if work(size) != expected:
                wrong.append("parent")

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for k in range(forks):
        child = os.fork()
        if child == 0:
            os._exit(_child(expected, size, 1 + k % 2))
        status = os.waitpid(child, 0)[1]
        assert status == 0, f"fork {k} ended with {status}"
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert work(size) == expected
    return forks


@check(
    "forks",
    "Processes",
    "a fork after and during work of other threads: children, grandchildren and the parent go on, "
    "with the right results",
)
def forks(full: bool) -> str:
    if not hasattr(os, "fork"):
        raise Unavailable("the system has no fork")
    count = in_process(fork_under_load, 2000 if full else 30)
    return f"{count:,} forks under load: 0 hangs, 0 wrong results"


def start_all(method: str, rounds: int) -> int:
    """Work in processes started by a method of multiprocessing, after work here."""
    size = 60_000
    expected = work(size)
    context = multiprocessing.get_context(method)
    for _ in range(rounds):
        with context.Pool(2) as pool:
            assert pool.map(work, [size] * 8, chunksize=1) == [expected] * 8
        assert work(size) == expected
    return rounds


@check(
    "start methods",
    "Processes",
    "multiprocessing by fork, forkserver and spawn, and concurrent.futures and joblib on top, "
    "after and during use",
)
def start_methods(full: bool) -> str:
    methods = multiprocessing.get_all_start_methods()
    libraries = ("futures", "joblib")
    if not full:
        methods, libraries = methods[:1], libraries[:1]
    rounds = 20 if full else 1
    for method in methods:
        in_process(start_all, method, rounds, options=())
    for library in libraries:
        in_process(executors, library, rounds, options=())
    return f"{', '.join((*methods, *libraries))}, {rounds} times: 0 hangs, 0 wrong results"


def executors(name: str, rounds: int) -> int:
    """Work in the processes and threads of a library, while this process works too."""
    size = 60_000
    expected = [work(size)] * 8
    for _ in range(rounds):
        if name == "futures":
            from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

            with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(4) as threads:
                results = [list(e.map(work, [size] * 8)) for e in (processes, threads)]
        else:
            from joblib import Parallel, delayed

            calls = [delayed(work)(size) for _ in range(8)]
            results = [
                Parallel(n_jobs=2, backend=backend)(calls)
                for backend in ("loky", "multiprocessing", "threading")
            ]
        assert all(result == expected for result in results)
    return rounds


EXITING = """
import sys, threading, time
import numpy as np
import fastcpuact as act
from fastcpuact.kernels.driver import set_parallel_ns

set_parallel_ns(0)
act.set_num_threads(3)
x = np.linspace(-5, 5, 300_000)
started = threading.Event()

def work():
    y = np.empty_like(x)
    while True:
        act.gelu.grad(x, out=y)
        started.set()

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
started.wait()
for delay in map(float, sys.argv[1:]):
    time.sleep(delay)
"""


@check(
    "interpreter exit",
    "Processes",
    "an interpreter ends while daemon threads are inside long calls: exit code 0, nothing printed",
)
def interpreter_exit(full: bool) -> str:
    count = 1000 if full else 5
    rng = random.Random(0)
    for k in range(count):
        done = subprocess.run(
            [sys.executable, "-c", EXITING, str(rng.uniform(0, 0.01))],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0 and not done.stderr, (k, done.returncode, done.stderr)
    return f"{count:,} exits during work: all with code 0"


def interrupted(times: int) -> int:
    """Interrupt a loop of long calls, again and again."""
    # What a shell starts in the background ignores SIGINT, and so do its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    size = 60_000
    expected = work(size)
    main = threading.main_thread().ident
    assert main is not None
    ready = threading.Event()
    rng = random.Random(1)

    def interrupt() -> None:
        for _ in range(times):
            # Not before the main thread can catch it.
            ready.wait()
            ready.clear()
            time.sleep(rng.uniform(0, 0.003))
            signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    caught = 0
    while caught < times:
        try:
            ready.set()
            while True:
                assert work(size) == expected
        except KeyboardInterrupt:
            caught += 1
    thread.join()
    assert work(size) == expected
    return caught


@check(
    "KeyboardInterrupt",
    "Processes",
    "SIGINT during calls on several threads: the exception arrives in the main thread, and the "
    "next call is right",
)
def keyboard_interrupt(full: bool) -> str:
    if not hasattr(signal, "pthread_kill"):
        raise Unavailable("the system has no pthread_kill")
    caught = in_process(interrupted, 2000 if full else 50)
    return f"{caught:,} interrupts: 0 hangs, 0 wrong results"


# Limits.

FAILING = """
#include <errno.h>
int pthread_create(void *thread, const void *attributes, void *(*start)(void *), void *argument)
{
    (void)thread, (void)attributes, (void)start, (void)argument;
    return EAGAIN;
}
"""


def without_threads(user: int | None) -> int:
    """Make a long call where no thread can be started; return how many threads there are."""
    import resource

    size = 100_000
    set_parallel_ns(0)
    act.set_num_threads(8)
    if user is not None:
        # The limit counts for users other than root.
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
        os.setuid(user)
    x = np.linspace(-5, 5, size)
    with act.num_threads(1):
        expected = act.gelu(x)
    assert np.array_equal(act.gelu(x), expected)
    return len(os.listdir("/proc/self/task"))


NOBODY = 65534


@check(
    "limits of the system",
    "Processes",
    "where no thread may be started (pthread_create fails; RLIMIT_NPROC) a long call does all the "
    "work itself",
)
def limits(full: bool) -> str:
    if sys.platform != "linux":
        raise Unavailable("limits of Linux")
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "failing.c"), Path(folder, "failing.so")
        source.write_text(FAILING)
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library], check=True)
        single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        assert in_process(without_threads, None, LD_PRELOAD=str(library), **single) == 1
        ways = ["failing pthread_create"]
        if os.geteuid() == 0:
            assert in_process(without_threads, NOBODY, **single) == 1
            ways.append("RLIMIT_NPROC")
        assert in_process(without_threads, None, **single) > 1, "the control finds no threads"
    return f"the right results on 1 thread, by {' and '.join(ways)}"
