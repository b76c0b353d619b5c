"""The kernels and the extension modules under the sanitizers of the compiler, and valgrind."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

import fastcpuact as act
from fastcpuact.kernels.levels import PARTS, module_name

from . import Unavailable, check
from .builds import build, python_path
from .contract import overlap_cases, row_views, special_values, strides_and_sizes
from .crowds import crowd
from .memory import call_at_fences, levels
from .processes import in_process, run

# Of each function what to call it with, in the small amount and in full.
WORK: list[tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]] = [
    (call_at_fences, ([1, 2, 7, 33],), (list(range(1, 131)),)),
    (overlap_cases, (500, 1), (20_000, 1)),
    (row_views, (300, 2), (10_000, 2)),
    (strides_and_sizes, ([0, 1, 9, 513], 13), ([0, 1, 2, 3, 7, 17, 63, 130, 511, 513, 1025], 1)),
    (special_values, ([33],), ([1, 2, 33],)),
    (crowd, (16, 2, ["compiled"]), (50, 30, ["compiled"])),
]
# Overflow is defined with -fwrapv, which Python is built with; in the modules written by hand it
# is to be seen.  In the kernels, which have no integer arithmetic but on bits, the check for it
# would take the compiler many minutes.
UNDEFINED = "-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined"
# Arrays and Python's objects by malloc, which the sanitizers watch.
MALLOC = {"PYTHONMALLOC": "malloc", "OPENBLAS_NUM_THREADS": "1"}
MODULES = ["short", "driver", "call", "rows", "row_call"]
VALGRIND = ("-q", "--num-callers=40", "--xml=yes")


def sanitized_level() -> str:
    """Return the level that is built with the sanitizers."""
    offered = levels()
    return "v3" if "v3" in offered else offered[-1]


def kernel_modules() -> list[str]:
    """Return the names of the modules with the kernels of that level."""
    return [module_name(sanitized_level(), part).rpartition(".")[2] for part in PARTS]


def runtime(name: str) -> str:
    """Return the library of a sanitizer, to be loaded before all others."""
    if shutil.which("gcc") is None:
        raise Unavailable("needs gcc")
    found = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True)
    if "/" not in found.stdout:
        raise Unavailable(f"gcc has no {name}")
    return found.stdout.strip()


def past_the_end() -> None:
    """Run a kernel on arrays that are too short by a number, which a sanitizer must see."""
    import ctypes

    from fastcpuact.kernels.select import KERNELS

    address, *_ = KERNELS["relu", "value", "float32"]
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t)(address)
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    arrays = (ctypes.c_void_p * 2)(libc.malloc(400), libc.malloc(400))
    kernel(arrays, 101)


def unordered() -> None:
    """Run a kernel from two threads on the same output, which a sanitizer must see."""
    import threading

    x, y = np.ones(10_000_000, np.float32), np.empty(10_000_000, np.float32)
    threads = [threading.Thread(target=lambda: act.relu(x, out=y)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def origin() -> str:
    """Return where the extension modules come from."""
    from fastcpuact.kernels import driver

    return str(driver.__file__)


def under(
    folder: Path, full: bool, work: Any, wrong: Callable[[], None], report: str, **changed: str
) -> str:
    """Do the work on a built package, and return what was done."""
    there = {
        "PYTHONPATH": python_path(folder),
        "FASTCPUACT_LEVEL": sanitized_level(),
        **MALLOC,
        **changed,
    }
    assert in_process(origin, options=(), **there).startswith(str(folder))
    ended = run(wrong, options=(), **there)
    assert ended.returncode != 0 and report in ended.stderr, f"{wrong.__name__} is not reported"
    for function, small, large in work:
        arguments = large if full else small
        in_process(function, *arguments, timeout=7200, options=(), **there)
    return f"{', '.join(function.__name__ for function, *_ in work)}: 0 reports"


@check(
    "ASan and UBSan",
    "Sanitizers",
    "the extension modules and a level of kernels under AddressSanitizer and "
    "UndefinedBehaviorSanitizer",
    long=True,
)
def address(full: bool) -> str:
    library = runtime("libasan.so")
    with tempfile.TemporaryDirectory() as name:
        folder = build(Path(name), kernel_modules(), UNDEFINED)
        build(folder, MODULES, f"{UNDEFINED} -fno-wrapv")
        options = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1"}
        report = "AddressSanitizer: heap-buffer-overflow"
        return under(folder, full, WORK, past_the_end, report, LD_PRELOAD=library, **options)


@check(
    "TSan",
    "Sanitizers",
    "the extension modules and a level of kernels under ThreadSanitizer, called from many threads",
    long=True,
)
def thread(full: bool) -> str:
    library = runtime("libtsan.so")
    work = [(crowd, (16, 5, ["compiled"]), (50, 60, ["compiled"]))]
    with tempfile.TemporaryDirectory() as name:
        flags = "-O1 -g1 -fno-omit-frame-pointer -fsanitize=thread"
        folder = build(Path(name), [*MODULES, *kernel_modules()], flags)
        options = "halt_on_error=1"
        report = "ThreadSanitizer: data race"
        there = {"LD_PRELOAD": library, "TSAN_OPTIONS": options}
        return under(folder, full, work, unordered, report, **there)


@check(
    "valgrind",
    "Sanitizers",
    "valgrind's memory check of level v2: no invalid access and no decision by an uninitialised "
    "value in the extension modules",
    long=True,
)
def valgrind(full: bool) -> str:
    if "v2" not in levels():
        raise Unavailable("there is no level v2")
    if shutil.which("valgrind") is None:
        raise Unavailable("needs valgrind")
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.xml"
        calls, forms = in_process(
            call_at_fences,
            [1, 2, 7, 33, 130] if full else [33],
            before=("valgrind", *VALGRIND, f"--xml-file={report}"),
            options=(),
            timeout=7200,
            FASTCPUACT_LEVEL="v2",
            **MALLOC,
        )
        found = ElementTree.parse(report).findall("error")
    # What a module keeps for as long as the process lives is no leak.
    errors = [e for e in found if not e.findtext("kind", "").startswith("Leak")]
    # Interpreters have some of their own, with nothing but NumPy imported.
    ours = [e for e in errors if any("/fastcpuact/" in (o.text or "") for o in e.iter("obj"))]
    assert not ours, ElementTree.tostring(ours[0], "unicode")
    return f"{calls:,} calls of {forms} forms: 0 errors"
