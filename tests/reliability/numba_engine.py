"""The Numba engine: where it may write nothing, in many processes, on every threading layer."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import numpy as np

import fastcpuact as act

from . import Unavailable, check
from .processes import environment, in_process, run

# Of a user who caches what Numba makes of it.
CALLER = """
import numpy as np
from numba import njit
import fastcpuact as act

@act.define
def bent(x):
    return x * {slope} if x > 0 else x * 0.125

@njit(cache=True)
def loop(x, out):
    for i in range(x.size):
        out[i] = act.silu(x[i]) + bent(x[i])

x = np.linspace(-3, 3, 1000)
out = np.empty_like(x)
loop(x, out)
assert np.array_equal(out, act.silu(x) + bent(x)), "a stale result"
assert np.array_equal(bent(x), np.where(x > 0, x * {slope}, x * 0.125))
"""


def need_numba() -> None:
    """Raise Unavailable where Numba is not installed."""
    if importlib.util.find_spec("numba") is None:
        raise Unavailable("needs numba")


def where_nothing_can_be_written() -> int:
    """Use the engine where every file is read-only, and so is the home."""
    refused = []

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        # As a read-only file system does, also for root.
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if writes or event in ("os.mkdir", "os.rename", "os.remove"):
            refused.append(str(arguments[0]))
            raise PermissionError(13, "read-only", str(arguments[0]))

    sys.addaudithook(refuse)
    with act.engine("numba"):
        x = np.linspace(-3, 3, 100)
        assert np.allclose(act.silu(x), x * act.sigmoid(x))
    return len(refused)


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def write_caller(folder: Path, slope: float) -> Path:
    """Write the user's module, with a formula of a slope."""
    path = folder / "caller.py"
    path.write_text(textwrap.dedent(CALLER.format(slope=slope)))
    return path


def start(path: Path, cache: Path) -> subprocess.Popen[str]:
    """Start the user's module as a program."""
    return subprocess.Popen(
        [sys.executable, str(path)],
        env=environment(NUMBA_CACHE_DIR=str(cache)),
        stderr=subprocess.PIPE,
        text=True,
    )


@check(
    "Numba's files",
    "Numba",
    "the engine works where nothing can be written and there is no home; many processes fill a "
    "user's cache at once; a changed formula gives no stale result",
    long=True,
)
def caches(full: bool) -> str:
    need_numba()
    in_process(where_nothing_can_be_written, HOME="/nonexistent", NUMBA_CACHE_DIR=None)
    count = 16 if full else 3
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name), Path(name, "cache")
        runs = 0
        for slope in (0.5, 0.25):
            path = write_caller(folder, slope)
            for processes in (count, 1):  # at once into an empty cache, then from a full one
                started = [start(path, cache) for _ in range(processes)]
                for process in started:
                    _, error = process.communicate(timeout=600)
                    assert process.returncode == 0, error
                    runs += 1
    return f"{runs + 1} processes, 2 versions of a formula: the right results"


def layer_in_use(layer: str, seconds_of_work: int) -> str:
    """Run parallel kernels from two threads at once on a threading layer; return its name."""
    import numba

    from fastcpuact.jit import arrays

    numba.config.THREADING_LAYER = layer  # type: ignore[attr-defined]
    arrays.PARALLEL_MIN = 1
    # The way that is taken where no driver is compiled.
    relu = arrays.Caller(act.relu.record, act.relu.form, fast=False)
    act.set_num_threads(2)
    x = np.linspace(-5, 5, 100_000)
    wrong: list[str] = []

    def call() -> None:
        for _ in range(100 * seconds_of_work):
            if not np.array_equal(relu((x,), None), expected):
                wrong.append("relu")

    expected = np.maximum(x, 0)
    call()
    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a call hangs"
    assert not wrong
    return str(numba.threading_layer())


@check(
    "threading layers",
    "Numba",
    "parallel kernels called by two Python threads at once, on every threading layer that is there "
    "(workqueue aborts a process that lets both through)",
    long=True,
)
def layers(full: bool) -> str:
    need_numba()
    found = []
    # Where the package tbb puts its library, and Numba does not look.
    given = os.environ.get("LD_LIBRARY_PATH")
    path = os.pathsep.join(filter(None, (str(Path(sys.prefix, "lib")), given)))
    for layer in ("workqueue", "omp", "tbb"):
        ended = run(layer_in_use, layer, 20 if full else 1, options=(), LD_LIBRARY_PATH=path)
        if "No threading layer could be loaded" in ended.stderr:
            found.append(f"{layer} is not installed")
            continue
        assert ended.returncode == 0 and layer in ended.stdout, (layer, ended.stderr[-2000:])
        found.append(layer)
    return f"{', '.join(found)}, 2 threads each: 0 aborts, 0 wrong results"
