"""Levels of instruction sets: on emulated processors that lack them, and with the whole suite."""

from __future__ import annotations

import ctypes
import platform
import shutil
import signal
from typing import Any

import numpy as np

from . import Unavailable, check
from .memory import levels
from .processes import TESTS, in_process, run
from .suites import passed
from .targets import DTYPES, as_tuple, bits, elementwise, rowwise, sample

EMULATOR = "qemu-x86_64"
# Processors as the emulator names them, and the level that they have.
PROCESSORS = {"Nehalem": "v2", "SandyBridge": "v2", "Haswell": "v3"}


def call_everything(n: int, one_in: int) -> dict[str, Any]:
    """Call every form, or one in so many; return the level and a sum over the bits of each."""
    from fastcpuact.engines import LEVEL

    sums = {}
    for number, target in enumerate([*elementwise(), *rowwise()]):
        if number % one_in:
            continue
        function = getattr(target, "ufunc", target)
        for dtype in DTYPES:
            operands = tuple(np.nan_to_num(sample(n, dtype, seed=k)) for k in range(target.nin))
            results = as_tuple(function(*operands))
            total = sum(int(bits(r).astype(np.uint64).sum()) for r in results)
            sums[f"{target.name} {np.dtype(dtype)}"] = total
    return {"level": LEVEL, "sums": sums}


def call_above_the_level() -> None:
    """Call a kernel of level v3 on whatever processor this is; it ends the process, or prints."""
    from fastcpuact.kernels import _v3

    address, *_ = _v3.KERNELS["gelu", "value", "float32"]
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t)(address)
    operands = [np.ones(1000, np.float32) for _ in range(2)]
    kernel(ctypes.addressof((ctypes.c_void_p * 2)(*(a.ctypes.data for a in operands))), 1000)
    print(operands[-1][0])


def emulated(processor: str) -> tuple[str, ...]:
    """Return the command that runs a program on an emulated processor."""
    if platform.machine() != "x86_64":
        raise Unavailable("emulates x86-64 processors")
    if shutil.which(EMULATOR) is None:
        raise Unavailable(f"needs {EMULATOR} (in Debian the package qemu-user)")
    return (EMULATOR, "-cpu", processor)


@check(
    "emulated processors",
    "Instruction sets",
    "on processors without AVX and without AVX2 the package chooses a level that they have, no "
    "function executes an instruction that they lack, and the bits are those of that level here",
)
def emulation(full: bool) -> str:
    done = []
    for processor, level in PROCESSORS.items():
        if level not in levels() or not (full or processor == "SandyBridge"):
            continue
        amount = (65, 1) if full else (17, 9)
        # The emulated processor chooses its level itself, whatever this process was told to run.
        quiet = {"OPENBLAS_NUM_THREADS": "1", "FASTCPUACT_LEVEL": ""}
        before = emulated(processor)
        there = in_process(call_everything, *amount, before=before, options=(), **quiet)
        here = in_process(call_everything, *amount, FASTCPUACT_LEVEL=level)
        assert there["level"] == level, (processor, there["level"])
        assert there == here
        done.append(f"{processor} ({level}): {len(there['sums'])} functions")
    if full:
        unset = {"FASTCPUACT_LEVEL": ""}
        ended = run(call_above_the_level, before=emulated("SandyBridge"), options=(), **unset)
        on_haswell = run(call_above_the_level, before=emulated("Haswell"), options=(), **unset)
        assert on_haswell.returncode == 0, on_haswell.stderr
        # The emulator ends by the signal that it passes on.
        killed = -signal.SIGILL, 128 + signal.SIGILL
        assert ended.returncode in killed, f"v3 runs on SandyBridge: {ended.returncode}"
        done.append("v3 forced on SandyBridge: SIGILL, as it must")
    return "; ".join(done)


@check(
    "suite at every level",
    "Instruction sets",
    "the whole suite passes at every level: at the highest in every run of the tests, at others in "
    "this one",
    long=True,
)
def suite(full: bool) -> str:
    names = sorted(path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py"))
    options = ("-n", "auto", "--dist", "loadfile") if full else ("-k", "not numba")
    done = []
    for level in levels()[:-1] if full else levels():
        number = passed(
            names if full else ["values", "known_defects"], *options, FASTCPUACT_LEVEL=level
        )
        done.append(f"{level}: {number:,} passed")
    return ", ".join(done)
