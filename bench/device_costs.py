"""What exported functions cost on Cortex-M boards, and on this processor: the table in README.md.

The boards are emulated, so the figures are the same on every machine: instructions of an array
function for each element, its loop included, and bytes of program and constant data, with what
they take from the compiler's own library where there is no floating-point unit. Inputs are normally
distributed. Nanoseconds are those of this processor, on one thread, in cache.

Run: python bench/device_costs.py [--readme README.md]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact import edge
from fastcpuact.bench import readme
from fastcpuact.edge.c_floats import number
from fastcpuact.edge.c_header import c_type

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import devices  # noqa: E402

NAMES = ("tanh", "gelu")
COUNT = 4096
# Standard deviation of inputs: activations are curved for most of them.
SPREAD = 2.0
TICK = 40  # instructions
BEGIN, END = "<!-- device costs: begin -->", "<!-- device costs: end -->"
WIDE, UNIT = edge.Affine(8 / 2**15), edge.Affine(1 / 2**15)


@dataclass(frozen=True)
class Case:
    """A function to measure, as a header and from NumPy."""

    function: str
    method: str
    text: str
    call: Callable[..., Any] | None
    inputs: np.ndarray
    error: str
    data: int

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.inputs.dtype


def cases() -> Iterator[Case]:
    x = np.random.default_rng(0).normal(scale=SPREAD, size=COUNT)
    single = x.astype(np.float32)
    for name in NAMES:
        f = act.activations[name]
        yield copy(single)
        if has_libm():
            yield libm(name, single)
        for method, tier in (("exact", f), ("fast", f.fast)):
            text = edge.export_c(name, method=method, name="f")
            dense = np.linspace(-9, 9, 1 << 18, dtype=np.float32)
            error = np.max(np.abs(tier(dense) - f(dense.astype(np.float64))))
            yield Case(name, f"formula, {method}", text, tier, single, f"{error:.1e}", 0)
        for made in approximants(name):
            text, found = edge.export_c(made, name="f"), made.certificate.max_abs
            yield Case(name, made.method, text, made, single, f"{found:.1e}", made.nbytes)
        output = WIDE if name == "gelu" else UNIT
        for dtype, format in (("int8", "tflite"), ("int16", "tflite"), ("int16", "compact")):
            scale = 2 ** (16 - np.iinfo(dtype).bits)
            i, o = (edge.Affine(a.scale * scale) for a in (WIDE, output))
            made = edge.quantized(name, input=i, output=o, dtype=dtype, format=format)
            text, error = edge.export_c(made, name="f"), f"{made.certificate.max_lsb:.2f} LSB"
            codes = i.quantize(x, dtype)
            yield copy(codes)
            yield Case(name, made.method, text, made, codes, error, made.nbytes)


def approximants(name: str) -> Iterator[edge.Approximant]:
    yield edge.lookup_table(name, 257)
    yield edge.lookup_table(name, 65, interpolation="quadratic")
    yield edge.lookup_table(name, 64, interpolation="cubic")
    yield edge.piecewise_polynomial(name, 8, 3)
    yield edge.polynomial(name, 7)
    yield edge.rational(name, 4, 3)


def copy(inputs: np.ndarray) -> Case:
    """A header whose function does nothing: what the program around it takes."""
    real = c_type(inputs.dtype)
    text = f"""\
#include <stddef.h>
#include <stdint.h>
static inline void act_f_array(const {real} *x, {real} *y, size_t n)
{{
    size_t i;
    for (i = 0; i < n; ++i)
        y[i] = x[i];
}}
"""
    return Case("", "copy", text, np.copy, inputs, "", 0)


def has_libm() -> bool:
    """Whether newlib is there to compare with: apt-get install libnewlib-arm-none-eabi."""
    found = devices.run([*devices.CORTEX_M3.compiler, "-print-file-name=libm.a"])
    return Path(found.decode().strip()).is_absolute()


def libm(name: str, inputs: np.ndarray) -> Case:
    """The same function by the C library of the device."""
    expression = {"tanh": "tanhf(x[i])", "gelu": "x[i] * (0.5f * erfcf(-0.70710678f * x[i]))"}
    text = f"""\
#include <math.h>
#include <stddef.h>
static inline void act_f_array(const float *x, float *y, size_t n)
{{
    size_t i;
    for (i = 0; i < n; ++i)
        y[i] = {expression[name]};
}}
"""
    return Case(name, "newlib: " + expression[name].replace("[i]", ""), text, None, inputs, "", 0)


def on_board(target: devices.Target, case: Case, folder: Path) -> tuple[np.ndarray, float, int]:
    """Return results, instructions for each element, and bytes of the whole program."""
    real = c_type(case.dtype)
    header, inputs, program = (folder / n for n in ("exported.h", "inputs.h", "costs.elf"))
    header.write_text(case.text, encoding="ascii")
    floats = case.dtype.kind == "f"
    numbers = ",".join(number(v, real) if floats else str(v) for v in case.inputs.tolist())
    inputs.write_text(
        f"#include <stdint.h>\nstatic const {real} inputs[] = {{{numbers}}};\n", encoding="ascii"
    )
    defines = {"HEADER": f'"{header}"', "INPUTS": f'"{inputs}"', "COUNT": str(COUNT)}
    defines |= {"CALL": "act_f_array", "OUTPUT": real, "RESULTS": f'"{folder / "results"}"'}
    flags = ["-std=c99", "-O2", "-ffunction-sections", "-fdata-sections", f"-I{devices.SOURCES}"]
    sources = [str(ROOT / "bench" / "device_costs.c"), str(devices.SOURCES / "board.c")]
    link = ["-T", str(devices.SOURCES / "board.ld"), "-Wl,--gc-sections"]
    link += ["-lgcc"] if case.call else ["-lm", "-lc", "-lgcc"]
    macros = [f"-D{key}={value}" for key, value in defines.items()]
    devices.run([*target.compiler, *flags, *macros, *sources, "-o", str(program), *link])
    devices.run([*target.runner, "-icount", "shift=0", "-kernel", str(program)])
    found = (folder / "results").read_bytes()
    ticks = int.from_bytes(found[:4], "little")
    results = np.frombuffer(found[4:], case.dtype)
    if case.call:
        assert np.array_equal(results, case.call(case.inputs)), f"{case.method}: other results"
    size = devices.run(["arm-none-eabi-size", str(program)]).split()
    return results, ticks * TICK / COUNT, int(size[6]) + int(size[7])


def nanoseconds(case: Case) -> float:
    """Return the shortest time of many calls, for each element of an array in the L2 cache."""
    assert case.call
    x = np.tile(case.inputs, 16)
    out = np.empty_like(x)
    times = []
    with act.num_threads(1):
        for _ in range(100):
            start = time.perf_counter()
            case.call(x, out=out)
            times.append(time.perf_counter() - start)
    return min(times) / x.size * 1e9


def table() -> str:
    """Return the table in Markdown."""
    names = [target.name for target in devices.BOARDS]
    head = ["", "method", "largest error", "data"]
    head += [f"{name}: {what}" for name in names for what in ("instructions", "bytes")]
    lines = [[*head, "here, ns"], ["---"] * 2 + ["---:"] * (len(head) - 1)]
    around: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            cells = [case.function, case.method, case.error, str(case.data)]
            for target in devices.BOARDS:
                results, instructions, size = on_board(target, case, Path(folder))
                if not case.function:
                    around[target.name] = size
                cells += [f"{instructions:.0f}", str(size - around[target.name])]
            if case.function:
                if not case.call:
                    exact = act.activations[case.function](case.inputs.astype(np.float64))
                    cells[2] = f"{np.max(np.abs(results - exact)):.1e}"
                lines.append([*cells, f"{nanoseconds(case):.2f}" if case.call else ""])
                print(" | ".join(lines[-1]), file=sys.stderr, flush=True)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readme", type=Path, help="write the table between its marks there")
    arguments = parser.parse_args()
    text = table()
    if arguments.readme:
        readme.replace(arguments.readme, BEGIN, END, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
