"""Negative controls: bugs planted in the block driver and the pool, which a check must catch."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import check
from .builds import ROOT, build, python_path
from .crowds import KERNELS, build_pool, run_pool
from .processes import run

PLANTED = "FASTCPUACT_PLANTED"


@dataclass(frozen=True)
class Bug:
    """A change of the block driver, made where PLANTED names it."""

    name: str
    caught_by: str
    before: str  # a text that occurs once
    after: str


# `planted` compares with the name that the environment gives.
BUGS = [
    Bug(
        "two lanes swapped",
        "lanes",
        "        fpenv_leave(caller)\n        return\n",
        '        if planted(b"two lanes swapped") and stop - start > 2:\n'
        "            for k in range(kernel.itemsize):\n"
        "                lane = block[count - 1][kernel.itemsize + k]\n"
        "                block[count - 1][kernel.itemsize + k] = "
        "block[count - 1][2 * kernel.itemsize + k]\n"
        "                block[count - 1][2 * kernel.itemsize + k] = lane\n"
        "        fpenv_leave(caller)\n        return\n",
    ),
    Bug(
        "tail skipped",
        "strides and sizes",
        "        kernel.run(block, length)\n",
        '        kernel.run(block, length & ~7 if planted(b"tail skipped") else length)\n',
    ),
    Bug(
        "read past the end",
        "guard pages",
        "        kernel.run(block, stop - start)\n",
        '        if planted(b"read past the end"):\n'
        "            lane = (<volatile char*>block[0])[(stop - start) * kernel.itemsize]\n"
        "        kernel.run(block, stop - start)\n",
    ),
    Bug(
        "chunk lost",
        "50 Python threads",
        "    run_range(work, start, stop if part + 1 < parts else work.n)\n",
        '    if not (planted(b"chunk lost") and part == 1):\n'
        "        run_range(work, start, stop if part + 1 < parts else work.n)\n",
    ),
    Bug(
        "overlap overlooked",
        "reduce and accumulate",
        "                work.buffered[k] = True\n                if steps",
        '                if planted(b"overlap overlooked"):\n                    continue\n'
        "                work.buffered[k] = True\n                if steps",
    ),
    Bug(
        "environment not set",
        "floating-point environment",
        "    caller = fpenv_enter()\n    if not work.any_buffered:\n",
        '    caller = fpenv_leave_it() if planted(b"environment not set") else fpenv_enter()\n'
        "    if not work.any_buffered:\n",
    ),
    Bug(
        "memory leak",
        "soak",
        "    if n <= 0:\n        return\n    work.kernel",
        '    if n <= 0:\n        return\n    if planted(b"memory leak"):\n'
        "        PyMem_RawMalloc(256)\n    work.kernel",
    ),
]
DECLARATIONS = f'''
cdef extern from *:
    """
    #include <stdlib.h>
    #include <string.h>
    static int planted(const char *bug)
    {{
        const char *chosen = getenv("{PLANTED}");
        return chosen && strcmp(chosen, bug) == 0;
    }}
    #define fpenv_leave_it _mm_getcsr
    """
    bint planted(const char*) nogil
    void* PyMem_RawMalloc(size_t) nogil
    fpenv_state fpenv_leave_it() nogil


# One call of a kernel on n'''

# Changes of the pool, for its driver under ThreadSanitizer: a name, texts before and after.
POOL_BUGS = [
    (
        "race",
        "        pthread_mutex_lock(&pool.lock);\n        __atomic_store_n(&pool.finished,",
        "        pool.finished++;\n        pthread_mutex_lock(&pool.lock);\n        (void)(0,",
    ),
    (
        "part lost",
        "        pool.job(pool.data, part,",
        "        if (part != 5) pool.job(pool.data, part,",
    ),
    (
        "part run twice",
        "int part = pool.next++;",
        "int part = pool.next; pool.next += part != 3 || pool.finished > 4;",
    ),
    ("no wait for the others", "while (pool.finished < pool.parts)", "while (0)"),
]


def replaced(text: str, before: str, after: str) -> str:
    """Return a text with a part, which occurs once, replaced."""
    assert text.count(before) == 1, before
    return text.replace(before, after)


def planted_source(folder: Path) -> Path:
    """Copy the source tree, with all bugs in the block driver."""
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "_v*.c")
    shutil.copytree(ROOT / "fastcpuact", folder / "fastcpuact", ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    driver = folder / "fastcpuact" / "kernels" / "driver.pyx"
    text = driver.read_text()
    for bug in BUGS:
        text = replaced(text, bug.before, bug.after)
    text = replaced(text, "\n# One call of a kernel on n", DECLARATIONS)
    text = replaced(
        text,
        "    cdef Py_ssize_t length\n    cdef int k\n",
        "    cdef Py_ssize_t length\n    cdef char lane\n    cdef int k\n",
    )
    driver.write_text(text)
    return folder


def run_check(name: str) -> str:
    """Run a check in its small amount."""
    from . import load

    return load()[name].run(False)


@check(
    "negative controls",
    "Negative controls",
    "bugs that are planted in the block driver and in the pool make a check fail that passes "
    "without them",
    long=True,
)
def controls(full: bool) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = planted_source(folder / "source")
        built = build(folder / "built", ["driver"], source=source)
        for checked in dict.fromkeys(bug.caught_by for bug in BUGS):
            assert passes(checked, built, "nothing"), f"{checked} fails without a bug"
        for bug in BUGS:
            assert not passes(bug.caught_by, built, bug.name), f"{bug.caught_by}: {bug.name}"
        caught = [bug.name for bug in BUGS]
        for bug_name, before, after in POOL_BUGS:
            headers = folder / re.sub(" ", "-", bug_name)
            headers.mkdir()
            text = (KERNELS / "pool.h").read_text()
            (headers / "pool.h").write_text(replaced(text, before, after))
            try:
                run_pool(build_pool(headers, headers), 8, 500, timeout=30)
            except (AssertionError, subprocess.TimeoutExpired):
                caught.append(bug_name)
            else:
                raise AssertionError(f"the pool's driver passes with the bug: {bug_name}")
    return f"{len(caught)} of {len(BUGS) + len(POOL_BUGS)} caught: {', '.join(caught)}"


def passes(name: str, built: Path, bug: str) -> bool:
    """Whether a check passes with a bug; what fails must be its own assertion."""
    done = run(run_check, name, options=(), PYTHONPATH=python_path(built), **{PLANTED: bug})
    if done.returncode == 0:
        return True
    assert "AssertionError" in done.stderr, done.stderr
    return False
