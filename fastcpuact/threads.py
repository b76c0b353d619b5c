"""How many threads long calls run on."""

from __future__ import annotations

import contextlib
import operator
import os
from collections.abc import Iterator
from pathlib import Path

_VARIABLE = "FASTCPUACT_NUM_THREADS"
_count = 1


def get_num_threads() -> int:
    """Return on how many threads a long call runs at most, the calling one among them.

    Examples
    --------
    >>> import fastcpuact as act
    >>> act.get_num_threads() >= 1
    True
    """
    return _count


def set_num_threads(n: int) -> None:
    """Run long calls on at most ``n`` threads, the calling one among them.

    It holds for all calls of the process, in every thread.  The bits of a result do not depend on
    it.  A new process takes the environment variable FASTCPUACT_NUM_THREADS, or as many threads as
    there are processors that it may use: its affinity and its control group's quota count.

    Parameters
    ----------
    n : int
        At least 1.

    Raises
    ------
    TypeError
        If ``n`` is not an integer.
    ValueError
        If it is less than 1.

    Examples
    --------
    >>> import fastcpuact as act
    >>> with act.num_threads(1):
    ...     act.get_num_threads()
    1
    """
    global _count
    count = operator.index(n)
    if count < 1:
        raise ValueError(f"n must be at least 1, got {n!r}")
    _count = min(count, _MOST)
    with contextlib.suppress(ModuleNotFoundError):  # a build without compiled kernels
        from .kernels.driver import set_thread_count

        set_thread_count(_count)


@contextlib.contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Run a block of code with `set_num_threads` (n), and set the number back after it.

    Parameters
    ----------
    n : int
        At least 1.

    Examples
    --------
    >>> import fastcpuact as act
    >>> with act.num_threads(2):
    ...     act.get_num_threads()
    2
    """
    before = _count
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


# More threads than this no array is split over.
_MOST = 1024


def available_processors() -> int:
    """Return how many processors this process may keep busy."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # only some systems have affinities
        count = os.cpu_count() or 1
    quota = _quota()
    return count if quota is None else max(1, min(count, quota))


def _quota() -> int | None:
    """Return the processors that the control group grants, rounded up, or None."""
    try:
        groups = Path("/proc/self/cgroup").read_text()
        group = next(line[3:] for line in groups.splitlines() if line.startswith("0::"))
        folder = Path("/sys/fs/cgroup", group.lstrip("/"))
        if not (folder / "cpu.max").exists():  # in a container the group is the root
            folder = Path("/sys/fs/cgroup")
        quota, period = (folder / "cpu.max").read_text().split()
        return -(-int(quota) // int(period))
    except (OSError, StopIteration, ValueError):  # no such file, no version 2, or "max"
        return None


def _start() -> None:
    """Set the number of a new process."""
    wanted = os.environ.get(_VARIABLE)
    if not wanted:
        set_num_threads(available_processors())
    elif wanted.isascii() and wanted.isdigit() and int(wanted) >= 1:
        set_num_threads(int(wanted))
    else:
        raise ImportError(f"{_VARIABLE} must be a positive integer, got {wanted!r}")


_start()
