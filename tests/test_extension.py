"""What the compiled modules need and what importing them does."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from fastcpuact import engines
from fastcpuact.kernels.levels import PARTS, PORTABLE, X86_64_LEVELS

pytestmark = [
    pytest.mark.skipif(not engines.COMPILED, reason="no compiled kernels"),
    pytest.mark.skipif(sys.platform != "linux", reason="reads ELF files"),
]

KERNELS = Path(engines.__file__).parent / "kernels"
MODULES = sorted(KERNELS.glob("*.so"))
LEVELS = [path for path in MODULES if path.name.startswith("_")]

# What Cython's own module code takes from the C library.
C_LIBRARY = {"memcmp", "memcpy", "memset", "memmove", "strlen", "strcmp", "strrchr", "snprintf"}
C_LIBRARY |= {"__stack_chk_fail", "__cxa_finalize", "__gmon_start__", "abort", "malloc", "free"}
C_LIBRARY |= {"_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__assert_fail"}
C_LIBRARY |= {"__memcpy_chk", "__sprintf_chk", "__snprintf_chk"}


def dynamic(path: Path) -> tuple[set[str], set[str]]:
    """Undefined symbols and needed libraries of a shared object."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        symbols = elf.get_section_by_name(".dynsym").iter_symbols()
        undefined = {s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF" and s.name}
        (section,) = (s for s in elf.iter_sections() if isinstance(s, DynamicSection))
        needed = {tag.needed for tag in section.iter_tags("DT_NEEDED")}
    return undefined, needed


def test_all_levels_are_there():
    machine = platform.machine()
    levels = X86_64_LEVELS if machine == "x86_64" else (PORTABLE,)
    expected = [f"_{level}{part}" for level in levels for part in PARTS]
    assert sorted(path.name.partition(".")[0] for path in LEVELS) == expected


@pytest.mark.parametrize("path", LEVELS, ids=lambda path: path.name.partition(".")[0])
def test_kernels_import_nothing_but_python_and_c_library(path):
    undefined, _ = dynamic(path)
    foreign = {s for s in undefined if not s.startswith(("Py", "_Py"))}
    assert foreign <= C_LIBRARY


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name.partition(".")[0])
def test_modules_need_only_the_c_library(path):
    _, needed = dynamic(path)
    assert {name.partition(".")[0] for name in needed} <= {"libc", "libm", "ld-linux-x86-64"}


def test_the_symbol_check_can_fail(tmp_path):
    source, library = tmp_path / "uses.c", tmp_path / "uses.so"
    source.write_text("#include <math.h>\nfloat f(float x) { return expf(x); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library, "-lm"], check=True)
    undefined, _ = dynamic(library)
    assert "expf" in undefined - C_LIBRARY


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_is_light():
    heavy = ("numba", "scipy", "matplotlib", "sklearn", "rich", "click", "ast", "fastcpuact.emit")
    run(
        "import sys, numpy; before = set(sys.modules); import fastcpuact;"
        f"loaded = set(sys.modules) - before; heavy = set({heavy!r});"
        "assert not {m for m in loaded if m in heavy or m.partition('.')[0] in heavy}, loaded"
    )


def test_import_starts_no_thread():
    run(
        "import os, numpy; threads = len(os.listdir('/proc/self/task'));"
        "import fastcpuact; assert len(os.listdir('/proc/self/task')) == threads"
    )


def test_import_leaves_the_floating_point_environment_alone():
    """The control bits: rounding, traps, and what becomes of subnormals; flags are nobody's."""
    run(
        "import ctypes, platform, sys, numpy\n"
        "libm = ctypes.CDLL('libm.so.6')\n"
        "def control():\n"
        "    state = ctypes.create_string_buffer(64)\n"
        "    libm.fegetenv(state)\n"
        "    if platform.machine() == 'x86_64':\n"  # fenv_t: x87 control word first, MXCSR last
        "        return state.raw[:2], int.from_bytes(state.raw[28:32], 'little') & ~0x3F\n"
        "    return libm.fegetround()\n"
        "before = control()\n"
        "import fastcpuact\n"
        "assert control() == before\n"
        "assert sys.float_info.min / 2 > 0\n"
    )


@pytest.mark.skipif(platform.machine() != "x86_64", reason="sets MXCSR")
def test_calls_do_not_depend_on_the_floating_point_environment():
    """Rounding toward zero set by somebody else: same bits, and still set afterwards."""
    run(
        "import ctypes, numpy as np, fastcpuact as act;"
        "libm = ctypes.CDLL('libm.so.6'); x = np.linspace(-100, 100, 999, dtype=np.float32);"
        "names = [n for n, f in act.activations.items() if None not in f.params.values()];"
        "expected = [act.activations[n](x) for n in names] + [act.softmax(x)];"
        "expected += [act.leaky_relu(x, 0.1), act.softplus(x, 0.1)];"
        "libm.fesetround(0xC00);"
        "got = [act.activations[n](x) for n in names] + [act.softmax(x)];"
        "got += [act.leaky_relu(x, 0.1), act.softplus(x, 0.1)];"
        "assert libm.fegetround() == 0xC00; libm.fesetround(0);"
        "assert all(a.tobytes() == b.tobytes() for a, b in zip(expected, got))"
    )
