"""Builds the kernels: prints them from the formulas, once per instruction-set level.

What is declared stands in pyproject.toml; here is only what has to be computed.
FASTCPUACT_BUILD=numba installs without compiled kernels.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError, SetupError

ROOT = Path(__file__).resolve().parent

# The formulas and the emitter are needed before the package can be imported: an empty package
# of that name leads to its modules without running fastcpuact/__init__.py.
_package = types.ModuleType("fastcpuact")
_package.__path__ = [str(ROOT / "fastcpuact")]
sys.modules.setdefault("fastcpuact", _package)

from fastcpuact.kernels.levels import (  # noqa: E402
    LIGHT,
    PARTS,
    PORTABLE,
    X86_64_LEVELS,
    module_name,
)

HANDWRITTEN = ("short", "driver", "call", "rows", "row_call", "contiguous", "quantized", "curves")
HEADERS = (
    *("bytes", "cpu", "curve_loops", "curve_precisions", "curves", "fpenv", "integers", "moves"),
    *("pool", "relaxed", "spare"),
)

# Bits come before speed: no contraction to FMA but where a formula says so, no -ffast-math.
# Kernels set no errno and are run with traps masked, so the compiler may speculate.
CFLAGS = ["-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
# GCC moves the arms of a clamp into branches around the loop body, which is then not vectorised.
GCC_FLAGS = ["-fno-thread-jumps"]
# GCC would use 256-bit vectors at v4; the kernels gain from the full width.
V4_FLAGS = ["-mprefer-vector-width=512"]
# The operations of a kernel on one vector wait for each other, and what waits fills the scheduler
# of a processor before it comes to the next vector.  So loops are unrolled, and several vectors
# worked on side by side: as many as there are registers for, which is what the second algorithm
# looks at.  GCC does none of it for x86 by itself.  Kernels of many operations gain up to twofold.
GCC_WIDE_FLAGS = ["-funroll-loops", "--param=max-unroll-times=4"]
GCC_WIDE_FLAGS += ["--param=max-unrolled-insns=1000", "--param=max-average-unrolled-insns=1000"]
GCC_WIDE_FLAGS += ["-fschedule-insns", "-fsched-pressure", "--param=sched-pressure-algorithm=2"]
# Of a clamp, partial redundancy elimination computes what follows for the limit too, and chooses
# after each step; and it keeps in registers what few of them have room for.
GCC_WIDE_FLAGS += ["-fno-tree-pre"]
GCC_LEVEL_FLAGS = {
    module_name("v3"): GCC_WIDE_FLAGS,
    module_name("v4"): GCC_WIDE_FLAGS,
    # If it looks at the registers of loops, it seldomer loads an input once for each use.
    module_name("v4", LIGHT): ["-fschedule-insns", "-fira-loop-pressure"],
}
# Of the pool of threads; later C libraries need no such flag.
THREADS = [] if sys.platform == "win32" else ["-pthread"]

ADVICE = (
    "To install without compiled kernels, running on Numba alone:\n"
    "    FASTCPUACT_BUILD=numba pip install 'fastcpuact[numba]'"
)


class BuildKernels(build_ext):
    """Prints and compiles the kernels of every level that the target has."""

    def run(self) -> None:
        """Build, or leave the extensions out where that was asked for or nothing can compile."""
        wanted = os.environ.get("FASTCPUACT_BUILD", "auto")
        if wanted not in ("auto", "compiled", "numba"):
            raise SetupError(f"FASTCPUACT_BUILD must be auto, compiled or numba, got {wanted!r}")
        if wanted == "auto" and not self.inplace and self.c_compiler() is None:
            self.warn(f"no C compiler was found: building fastcpuact for Numba alone. {ADVICE}")
            wanted = "numba"
        if wanted == "numba":
            self.extensions = []
            self.distribution.ext_modules = []
            return
        self.parallel = self.parallel or os.cpu_count()
        self.translate()
        super().run()

    def c_compiler(self) -> str | None:
        """Return the C compiler's command, or None where there is none."""
        from setuptools._distutils.ccompiler import new_compiler
        from setuptools._distutils.sysconfig import customize_compiler

        compiler = new_compiler(compiler=self.compiler)
        customize_compiler(compiler)
        command = getattr(compiler, "compiler_so", None)
        # A compiler class without that attribute (MSVC) finds its program itself.
        return shutil.which(command[0]) if command else "its own"

    def translate(self) -> None:
        """Print the kernels as Cython and translate all Cython to C."""
        import numpy
        from Cython.Build import cythonize

        from fastcpuact.emit.cython import cython_module
        from fastcpuact.formulas import RECORDS

        generated = Path(self.build_temp) / "generated"
        generated.mkdir(parents=True, exist_ok=True)
        heavy, light = (cython_module(RECORDS, light) for light in (False, True))
        for extension in self.extensions:
            stem = extension.name.rpartition(".")[2]
            if stem not in HANDWRITTEN:
                source = generated / f"{stem}.pyx"
                text = light if stem.endswith(LIGHT) else heavy
                if not source.exists() or source.read_text() != text:
                    source.write_text(text)
                extension.sources = [str(source)]
            extension.include_dirs += [numpy.get_include(), str(ROOT / "fastcpuact" / "kernels")]
        translated = cythonize(self.extensions, build_dir=str(generated), quiet=True)
        for extension, result in zip(self.extensions, translated, strict=True):
            extension.sources = result.sources

    def build_extensions(self) -> None:
        """Compile with the flags that this compiler knows, and explain a failure."""
        try:
            command = [*self.compiler.compiler_so, "--version"]
            version = subprocess.run(command, capture_output=True, text=True)
            gcc = "clang" not in version.stdout
            for extension in self.extensions:
                extension.extra_compile_args += CFLAGS
                if gcc:
                    extension.extra_compile_args += gcc_flags(extension.name)
            super().build_extensions()
        except (BaseError, CCompilerError, OSError) as error:
            raise SetupError(f"fastcpuact: the C compiler failed: {error}\n{ADVICE}") from error


def gcc_flags(module: str) -> list[str]:
    """Return what GCC is told about a module beside the flags for every compiler."""
    return GCC_FLAGS + GCC_LEVEL_FLAGS.get(module, [])


def extension(stem: str) -> Extension:
    """Declare a hand-written extension module."""
    return Extension(
        f"fastcpuact.kernels.{stem}",
        [f"fastcpuact/kernels/{stem}.pyx"],
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
        ],
        extra_compile_args=[*THREADS],
        extra_link_args=THREADS,
        depends=[f"fastcpuact/kernels/{name}.h" for name in HEADERS]
        + ["fastcpuact/include/fastcpuact.h"],
    )


def level_extension(level: str, part: str) -> Extension:
    """Declare a module of one level, whose source is printed when it is built."""
    march = [f"-march=x86-64-{level}"] if level in X86_64_LEVELS else []
    return Extension(
        module_name(level, part),
        [],
        # A formula that is not inlined into its loop is not vectorised.
        define_macros=[("CYTHON_INLINE", "__inline__ __attribute__((always_inline))")],
        extra_compile_args=march + V4_FLAGS * (level == "v4"),
        depends=["fastcpuact/kernels/leaves.h"],
    )


def levels() -> tuple[str, ...]:
    """Return the levels of the processor that is built for."""
    import sysconfig

    platform = os.environ.get("_PYTHON_HOST_PLATFORM", sysconfig.get_platform())
    return X86_64_LEVELS if platform.endswith(("x86_64", "amd64")) else (PORTABLE,)


setup(
    ext_modules=[
        *(extension(stem) for stem in HANDWRITTEN),
        *(level_extension(level, part) for part in PARTS for level in levels()),
    ],
    cmdclass={"build_ext": BuildKernels},
)
