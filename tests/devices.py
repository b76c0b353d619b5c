"""Compilers, processors and emulators that exported C is run on.

On a processor, exhaustive or large inputs go through the array functions of a header, and all bytes
of the results come back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastcpuact.edge import c_header

SOURCES = Path(__file__).with_name("device")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")
# Patterns of floats: above the 10^5 that are promised.
COUNT = 1 << 17


@cache
def _links(compiler: tuple[str, ...]) -> bool:
    """Whether a compiler finds its libraries: those of sanitizers are packages of their own."""
    command = [*compiler, "-xc", "-", "-o", os.devnull]
    program = "int main(void) { return 0; }"
    return subprocess.run(command, input=program, text=True, capture_output=True).returncode == 0


@dataclass(frozen=True)
class Target:
    """A compiler, and what runs its programs."""

    name: str
    compiler: tuple[str, ...]
    runner: tuple[str, ...] = ()
    board: bool = False
    packages: str = ""
    big_endian: bool = False

    def require(self) -> None:
        """Skip a test where a program is missing, but not in continuous integration."""
        programs = self.compiler[0], *self.runner[:1]
        missing = [program for program in programs if shutil.which(program) is None]
        if not missing and not self.board and not _links(self.compiler):
            missing = [f"a library of {' '.join(self.compiler)}"]
        if missing:
            message = f"{missing[0]} is missing: apt-get install {self.packages}"
            assert not os.environ.get("CI"), message
            pytest.skip(message)


def _cross(machine: str, libc: str, **more: Any) -> Target:
    return Target(
        machine,
        (f"{machine}-linux-gnu-gcc", "-static"),
        (f"qemu-{machine}",),
        packages=f"gcc-{machine}-linux-gnu libc6-dev-{libc}-cross qemu-user",
        **more,
    )


def _board(name: str, machine: str, *flags: str) -> Target:
    return Target(
        name,
        ("arm-none-eabi-gcc", "-mthumb", *flags, "-ffreestanding", "-nostdlib"),
        (
            *("qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none"),
            *("-serial", "none", "-semihosting-config", "enable=on,target=native"),
        ),
        board=True,
        packages="gcc-arm-none-eabi qemu-system-arm",
    )


GCC = Target("gcc", ("gcc",), packages="gcc")
CLANG = Target("clang", ("clang",), packages="clang")
UNDEFINED = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
SANITIZED = (
    Target("gcc-ubsan", ("gcc", *UNDEFINED), packages="gcc"),
    Target("clang-ubsan", ("clang", *UNDEFINED), packages="clang libclang-rt-14-dev"),
)
HOSTS = (
    GCC,
    CLANG,
    # Contraction is what GCC does by default outside of ISO C, wherever it finds an FMA.
    Target("gcc-fma", ("gcc", "-std=gnu99", "-mfma"), packages="gcc"),
    Target("clang-fma", ("clang", "-mfma"), packages="clang"),
    Target("gcc-no-double", ("gcc", "-DFASTCPUACT_SOFT_FMA"), packages="gcc"),
    *SANITIZED,
)
CROSS = (
    _cross("aarch64", "arm64"),
    _cross("riscv64", "riscv64"),
    _cross("s390x", "s390x", big_endian=True),
)
CORTEX_M3 = _board("cortex-m3", "mps2-an385", "-mcpu=cortex-m3")
CORTEX_M4F = _board(
    "cortex-m4f", "mps2-an386", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"
)
BOARDS = (CORTEX_M3, CORTEX_M4F)
TARGETS = (*HOSTS, *CROSS, *BOARDS)


@dataclass(frozen=True)
class Exported:
    """One header or several in a row, of functions of the same types."""

    text: str
    functions: tuple[str, ...]
    selftests: tuple[str, ...]
    input: np.dtype[Any]
    output: np.dtype[Any]
    count: int = COUNT

    def inputs(self) -> np.ndarray:
        """What a program computes with."""
        return c_header.selftest_inputs(self.input, self.count)

    def defines(self) -> list[str]:
        """The macros of run.c."""
        count = len(self.inputs())
        calls = "".join(f"CALL({function}_array)" for function in self.functions)
        made = {
            "INPUT": c_header.c_type(self.input),
            "OUTPUT": c_header.c_type(self.output),
            "CALLS": calls,
            "SELFTEST": " && ".join(f"{name}()" for name in self.selftests),
            "COUNT": str(count),
        }
        width = self.input.itemsize
        if self.input.kind == "f":
            (keep, small), (_, large) = c_header.NEAR[width]
            constants = {"GOLDEN": c_header.GOLDEN[width], "KEEP": keep}
            constants |= {"SMALL": small, "LARGE": large}
            listed = ",".join(f"UINT{8 * width}_C({value})" for value in c_header.SPECIAL[width])
            made |= {"PATTERN": f"uint{8 * width}_t", "SPECIAL": listed}
            made |= {key: f"UINT{8 * width}_C({value})" for key, value in constants.items()}
        else:
            made["FIRST"] = f"({np.iinfo(self.input).min})"
        return [f"-D{key}={value}" for key, value in made.items()]


def build(
    target: Target, exported: Exported, folder: Path, *flags: str, optimise: str = "-O1"
) -> Path:
    """Compile and link a program; its results go to the file ``results`` in the folder."""
    header = folder / "exported.h"
    header.write_text(exported.text, encoding="ascii")
    program = folder / f"{target.name}.elf"
    defines = [*exported.defines(), f'-DHEADER="{header}"', f'-DRESULTS="{folder / "results"}"']
    link = ["-T", str(SOURCES / "board.ld"), "-lgcc"] if target.board else []
    end = "board.c" if target.board else "host.c"
    sources = [str(SOURCES / name) for name in ("run.c", end)]
    # A standard that the target names itself comes later, and counts.
    command = [target.compiler[0], *STRICT, *target.compiler[1:], optimise, *flags, *defines]
    run([*command, *sources, "-o", str(program), *link])
    return program


def results(target: Target, exported: Exported, program: Path) -> list[np.ndarray]:
    """Run a program, whose self-test must pass, and return what each function computed."""
    path = program.with_name("results")
    if target.board:
        run([*target.runner, "-kernel", str(program)])
        data = path.read_bytes()
        path.unlink()
    else:
        data = run([*target.runner, str(program)])
    dtype = exported.output.newbyteorder(">" if target.big_endian else "<")
    found = np.frombuffer(data, dtype).astype(exported.output)
    return np.split(found, len(exported.functions))


def run(command: Sequence[str]) -> bytes:
    """Run a command that must succeed."""
    done = subprocess.run(
        command, capture_output=True, stdin=subprocess.DEVNULL, timeout=600, check=False
    )
    message = done.stdout[-3000:].decode(errors="replace") + done.stderr.decode(errors="replace")
    assert done.returncode == 0, f"{' '.join(command)}\nstatus {done.returncode}\n{message}"
    return done.stdout
