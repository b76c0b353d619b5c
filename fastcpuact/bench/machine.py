"""What a result was measured on."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastcpuact import engines
from fastcpuact.threads import available_processors


def describe() -> dict[str, Any]:
    """Return the processor, its caches, the memory, the system and what runs on them."""
    return {
        "processor": _processor(),
        "processors": available_processors(),
        "caches": _caches(),
        "memory": _memory(),
        "system": f"{platform.system()} {_release()} {platform.machine()}",
        "python": platform.python_version(),
        "engine": engines.current_engine(),
        "level": engines.LEVEL,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _release() -> str:
    # What follows the version names a build of the system, private ones too.
    return platform.release().partition("-")[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    family = ", ".join(f"{key} {named[key]}" for key in ("cpu family", "model") if key in named)
    name = named.get("model name", platform.machine())
    # Virtual machines hide the model behind the maker's name.
    return f"{name} ({family})" if family else name


def _caches() -> list[str]:
    """Return the caches of the first processor, as "L2 1024K"."""
    found = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = (
                (index / name).read_text().strip() for name in ("level", "type", "size")
            )
        except OSError:
            continue
        if kind != "Instruction":
            found.append(f"L{level} {size}")
    return found


def _memory() -> int | None:
    """Return the bytes of memory."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


# Shifts and exclusive ors, of which each waits for the one before and takes one cycle.
_CHAIN = 6


def gigahertz() -> float | None:
    """Measure the clock: cycles in a nanosecond, on x86-64 and with Numba; None elsewhere."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    try:
        import numba
    except ModuleNotFoundError:
        return None

    @numba.njit
    def chain(state: Any, n: int) -> Any:
        for _ in range(n):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
        return state

    n = 1_000_000
    times = []
    for _ in range(5):
        start = time.perf_counter_ns()
        chain(np.uint64(1), n)
        times.append(time.perf_counter_ns() - start)
    return _CHAIN * n / min(times)
