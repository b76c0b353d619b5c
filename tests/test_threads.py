"""Threads: the same bits at any number, no hang, no wait, and forks that start anew."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastcpuact as act
from conftest import require
from fastcpuact import engines, threads


@pytest.fixture(autouse=True)
def every_call_is_long(engine, monkeypatch):
    """Make calls of any size worth a second thread."""
    if not engines.COMPILED:
        from fastcpuact.jit import arrays

        monkeypatch.setattr(arrays, "PARALLEL_MIN", 1)
        yield
        return
    from fastcpuact.kernels.driver import set_parallel_ns

    before = set_parallel_ns(0)
    yield
    set_parallel_ns(before)


def sample(n: int, dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(n).normal(scale=4, size=n).astype(dtype)


@pytest.mark.parametrize("dtype", (np.float16, np.float32, np.float64))
@pytest.mark.parametrize("n", (1, 511, 512, 513, 4096, 100_003))
def test_the_number_of_threads_does_not_change_the_bits(n, dtype):
    x = sample(n, dtype)
    strided = np.repeat(x, 3)[::3]
    for f in (act.gelu, act.tanh.grad, act.leaky_relu):
        with act.num_threads(1):
            expected = f(x)
        for count in (2, 3, 7, 64):
            with act.num_threads(count):
                for operand in (x, strided, strided[::-1]):
                    result = f(operand)
                    wanted = expected[::-1] if operand.strides[0] < 0 else expected
                    np.testing.assert_array_equal(result, wanted)
                in_place = x.copy()
                np.testing.assert_array_equal(f(in_place, out=in_place), expected)


def test_overlapping_operands_are_not_split():
    memory = sample(50_001)
    expected = act.sigmoid(memory[:-1].copy())
    with act.num_threads(4):
        act.sigmoid(memory[:-1], out=memory[1:])
    np.testing.assert_array_equal(memory[1:], expected)
    x = sample(3000)
    x[0] = 1
    with act.num_threads(4):
        assert act.leaky_relu.ufunc.reduce(x) == 1


def test_many_callers_at_once():
    x = sample(200_000)
    expected = act.silu(x)

    def call(k: int) -> bool:
        count = 1000 * (k % 200 + 1)
        return np.array_equal(act.silu(x[:count]), expected[:count])

    with act.num_threads(4), ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(400)))


def test_set_and_get():
    before = act.get_num_threads()
    with act.num_threads(3):
        assert act.get_num_threads() == 3
        with act.num_threads(1):
            assert act.get_num_threads() == 1
        assert act.get_num_threads() == 3
    assert act.get_num_threads() == before


@pytest.mark.parametrize("bad", (0, -1))
def test_less_than_one_thread_is_refused(bad):
    with pytest.raises(ValueError, match=f"at least 1, got {bad}"):
        act.set_num_threads(bad)


@pytest.mark.parametrize("bad", (1.5, "2", None))
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(TypeError):
        act.set_num_threads(bad)


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_environment_variable():
    ask = "import fastcpuact as act; print(act.get_num_threads())"
    assert python(ask, FASTCPUACT_NUM_THREADS="5").stdout.strip() == "5"
    assert python(ask, FASTCPUACT_NUM_THREADS="9" * 5000).stdout.strip() == "1024"
    for bad in ("0", "-2", "two", "1.5", "²", "0" * 5000):
        done = python(ask, FASTCPUACT_NUM_THREADS=bad)
        assert done.returncode != 0 and f"got {bad!r}" in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinities here")
def test_affinity_counts():
    ask = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
    ask += "import fastcpuact as act; print(act.get_num_threads())"
    environment = {k: v for k, v in os.environ.items() if k != "FASTCPUACT_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True)
    assert done.stdout.strip() == b"1"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "150000 100000\n"}, 2),
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/cpu.max": "100000 100000\n"}, 1),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/b/cpu.max": "800000 100000\n",
                "/sys/fs/cgroup/a/cpu.max": "300000 100000\n",
                "/sys/fs/cgroup/cpu.max": "max 100000\n",
            },
            3,
        ),
        ({"/proc/self/cgroup": "4:cpu:/x\n"}, None),
        ({}, None),
    ],
)
def test_quota_of_the_control_group(files, expected, monkeypatch):
    def read_text(path):
        if str(path) not in files:
            raise FileNotFoundError(path)
        return files[str(path)]

    monkeypatch.setattr(threads.Path, "read_text", read_text)
    assert threads._quota() == expected


FORK = """
import os, signal, warnings
import numpy as np
import fastcpuact as act
from fastcpuact.kernels.driver import set_parallel_ns

warnings.simplefilter("ignore", DeprecationWarning)  # fork in a process with threads
set_parallel_ns(0)
act.set_num_threads(4)
x = np.linspace(-5, 5, 100_000)
expected = act.gelu(x)
for _ in range(50):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        grandchild = os.fork()
        good = np.array_equal(act.gelu(x), expected)
        if grandchild:
            good = good and os.waitpid(grandchild, 0)[1] == 0
        os._exit(0 if good else 1)
    assert np.array_equal(act.gelu(x), expected)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_children_of_a_fork_start_anew():
    require("compiled")
    done = python(FORK)
    assert done.returncode == 0, done.stderr


IDLE = """
import os, time
import numpy as np
import fastcpuact as act
from fastcpuact.kernels.driver import set_parallel_ns

def alive():
    return len(os.listdir("/proc/self/task"))

before = alive()
set_parallel_ns(0)
act.set_num_threads(3)
x = np.linspace(-5, 5, 1_000_000)
act.gelu(x)
assert alive() == before + 2, (alive(), before)
deadline = time.time() + 30
while alive() > before and time.time() < deadline:
    time.sleep(0.05)
assert alive() == before, (alive(), before)
act.gelu(x)
assert alive() == before + 2
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="no /proc here")
def test_workers_start_on_demand_and_end_when_idle():
    require("compiled")
    done = python(IDLE)
    assert done.returncode == 0, done.stderr


LIMITED = """
import resource
import numpy as np
import fastcpuact as act
from fastcpuact.kernels.driver import set_parallel_ns

set_parallel_ns(0)
act.set_num_threads(8)
x = np.linspace(-5, 5, 100_000)
with act.num_threads(1):
    expected = act.gelu(x)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
assert np.array_equal(act.gelu(x), expected)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_threads_that_cannot_be_started_are_done_without():
    require("compiled")
    done = python(LIMITED)
    assert done.returncode == 0, done.stderr


LIMITS = """
import threadpoolctl
import fastcpuact as act

def seen():
    found = threadpoolctl.threadpool_info()
    return [pool["num_threads"] for pool in found if pool["user_api"] == "fastcpuact"]

act.set_num_threads(5)
assert seen() == [5], threadpoolctl.threadpool_info()
with threadpoolctl.threadpool_limits(2):
    assert act.get_num_threads() == 2 and seen() == [2]
with threadpoolctl.threadpool_limits({"fastcpuact": 3}):
    assert act.get_num_threads() == 3
assert act.get_num_threads() == 5
"""


@pytest.mark.parametrize("order", ("", "import fastcpuact, fastcpuact.threadpools\n"))
def test_threadpoolctl_sees_and_limits_the_threads(order):
    """Where threadpoolctl is imported first, and where it is not."""
    require("compiled")
    done = python(order + LIMITS)
    assert done.returncode == 0, done.stderr
