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
    there are processors that it may use: its affinity and its control groups' quotas count.
    `fastcpuact.threadpools` lets threadpoolctl set it.

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

    Raises
    ------
    TypeError
        If ``n`` is no integer.
    ValueError
        If it is less than 1.

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
    """Return the processors that the control groups grant, rounded up, or None."""
    try:
        groups = Path("/proc/self/cgroup").read_text()
        group = next(line[3:] for line in groups.splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):  # no control groups, or not of version 2
        return None
    granted = []
    # A group has no more than those it is in; in a container it may be seen as the root.
    root = Path("/sys/fs/cgroup")
    for folder in (root / group.lstrip("/") / "x").parents:
        if folder.is_relative_to(root):
            with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
                quota, period = (folder / "cpu.max").read_text().split()
                granted.append(-(-int(quota) // int(period)))
    return min(granted, default=None)


def _start() -> None:
    """Set the number of a new process."""
    wanted = os.environ.get(_VARIABLE)
    if not wanted:
        set_num_threads(available_processors())
        return
    # More digits than these are more threads than there can be.
    count = int(wanted.lstrip("0")[:9] or 0) if wanted.isascii() and wanted.isdigit() else 0
    if count < 1:
        raise ImportError(f"{_VARIABLE} must be a positive integer, got {wanted!r}")
    set_num_threads(count)


_start()
