"""The compiled kernels of another processor: a program that calls them, run by an emulator."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastcpuact.emit.kernels import Kernel, kernels
from fastcpuact.emit.reader import Reader
from fastcpuact.formulas import RECORDS
from fastcpuact.formulas.language import PRECISIONS

# Reads n numbers of either precision, and writes what each kernel makes of them.
_MAIN = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    long n = atol(argv[1]);
    void *x[2] = {malloc(4 * n), malloc(8 * n)};
    char *out[4], *args[8];
    if (fread(x[0], 4, n, stdin) != n || fread(x[1], 8, n, stdin) != n) return 2;
    for (int k = 0; k < 4; k++) out[k] = malloc(8 * n);
    for (int k = 0; k < sizeof TABLE / sizeof *TABLE; k++) {
        int wide = TABLE[k].size == 8, i = 0;
        for (; i < TABLE[k].inputs; i++) args[i] = x[wide];
        for (int j = 0; j < TABLE[k].outputs; j++) args[i + j] = out[j];
        TABLE[k].call(args, n);
        for (int j = 0; j < TABLE[k].outputs; j++)
            if (fwrite(out[j], TABLE[k].size, n, stdout) != n) return 3;
    }
    return 0;
}
"""


def table() -> Iterator[tuple[str, str, Kernel]]:
    """Yield (activation, key, kernel) of all kernels without parameters."""
    for precision in PRECISIONS:
        for fast in (False, True):
            for (name, key), kernel in kernels(Reader(precision, fast=fast), RECORDS).items():
                if not kernel.params:
                    yield name, key, kernel


def size(kernel: Kernel) -> int:
    """Return the bytes of a number of a kernel."""
    return np.dtype(kernel.precision.dtype).itemsize


def program(source: Path) -> str:
    """Return a program in C around the kernels that Cython made of the module `source`."""
    entries = [
        f"{{__pyx_f_{len(source.stem)}{source.stem}_{kernel.name}_entry, "
        f"{len(kernel.inputs)}, {kernel.outputs}, {size(kernel)}}},"
        for _, _, kernel in table()
    ]
    return "\n".join(
        [
            f'#include "{source.name}"',
            "static const struct { void (*call)(char **, Py_ssize_t); int inputs, outputs, size; }",
            "TABLE[] = {",
            *entries,
            "};",
            _MAIN,
        ]
    )


def link(compiler: str, compiled: Path, to: Path) -> None:
    """Link the program; nothing of Python is called in it, so nothing of Python is there."""
    command = [compiler, "-static", str(compiled), "-o", str(to)]
    subprocess.run([*command, "-Wl,--unresolved-symbols=ignore-all", "-lm"], check=True)


def emulated(emulator: str, linked: Path, x: NDArray[np.float64]) -> list[NDArray[np.generic]]:
    """Return what every kernel of `table` makes of some numbers on the other processor."""
    given = b"".join(x.astype(precision.dtype).tobytes() for precision in PRECISIONS)
    done = subprocess.run(
        [emulator, str(linked), str(len(x))], input=given, capture_output=True, check=True
    )
    results, place = [], 0
    for _, _, kernel in table():
        count = kernel.outputs * len(x)
        dtype = kernel.precision.dtype
        results.append(np.frombuffer(done.stdout, dtype, count, place))
        place += count * size(kernel)
    assert place == len(done.stdout)
    return results


def native(address: int, kernel: Kernel, x: NDArray[np.float64]) -> NDArray[np.generic]:
    """Return what the kernel at an address makes of the same numbers in this process."""
    given = x.astype(kernel.precision.dtype)
    out = np.empty((kernel.outputs, len(x)), kernel.precision.dtype)
    arrays = [given] * len(kernel.inputs) + list(out)
    pointers = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t)(address)(
        ctypes.cast(pointers, ctypes.c_void_p), len(x)
    )
    return out.reshape(-1)
