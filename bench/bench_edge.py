"""Activations of integer codes: their speed beside copying, their errors beside TensorFlow Lite.

    pytest bench/bench_edge.py --benchmark-only     each byte kernel and np.copyto, by size
    python bench/bench_edge.py --readme README.md   both tables, of calls that took turns

Errors of TensorFlow Lite are those of the runtimes ai-edge-litert and tflite-micro, as far as they
are installed (extra ``peers``), and of its generator of tables, on all codes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact import edge
from fastcpuact.bench import machine, readme, timing
from fastcpuact.bench.peers import Call
from fastcpuact.edge import int16
from fastcpuact.kernels import driver, quantized

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import tflite_peer

# In the first and second level of caches, and in none.
SIZES = {"64 KiB": 2**16, "256 KiB": 2**18, "1 MiB": 2**20, "64 MiB": 2**26}
KERNELS = quantized.available_byte_kernels(driver.cpu_level())
WIDE = edge.Affine(8 / 2**15)


def table() -> Any:
    return edge.quantized("gelu", input=edge.Affine(1 / 16), output=edge.Affine(1 / 16))


def codes(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-128, 128, n).astype(np.int8)


# pytest-benchmark.


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", ["copy", *KERNELS])
def test_bytes(kernel: str, size: str, benchmark: Any) -> None:
    x = codes(SIZES[size])
    out = np.zeros_like(x)
    benchmark.group = f"bytes {size}"
    with act.num_threads(1):
        if kernel == "copy":
            benchmark(np.copyto, out, x)
            return
        function = table()
        quantized.use_byte_kernel(kernel)
        try:
            benchmark(function, x, out=out)
        finally:
            quantized.use_byte_kernel(KERNELS[0])


# Tables.


class Kernel:
    """A table applied by one of the byte kernels."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.table = table()

    def __call__(self, x: np.ndarray, out: np.ndarray) -> None:
        quantized.use_byte_kernel(self.name)
        self.table(x, out=out)


def copy(x: np.ndarray, out: np.ndarray) -> None:
    np.copyto(out, x)


def speeds() -> Iterator[list[str]]:
    """One row for each size: the speed of a copy, and what part of it each kernel reaches."""
    for size, n in SIZES.items():
        x = codes(n)
        functions = {"copy": copy, **{name: Kernel(name) for name in KERNELS}}
        calls = {}
        for name, function in functions.items():
            out = np.zeros_like(x)
            function(x, out=out)
            calls[name] = Call(function, (x,), out)
        timed = timing.interleave(calls, seconds=0.1)
        # On a machine that does other things too, the lower quartile is nearer to the truth.
        ns = {name: record.quartiles[0] for name, record in timed.items()}
        yield [size, f"{n / ns['copy']:.1f}", *(f"{ns['copy'] / ns[k]:.2f}" for k in KERNELS)]
    quantized.use_byte_kernel(KERNELS[0])


def tflite_error(operator: str, target: np.ndarray, output: edge.Affine) -> list[str]:
    """The largest errors of the runtimes on all int16 codes."""
    found = []
    for runtime in tflite_peer.RUNTIMES:
        if operator and tflite_peer.installed(runtime):
            x = np.arange(-(2**15), 2**15).astype(np.int16)
            y = tflite_peer.run(runtime, operator, x, WIDE, output)
            found.append(f"{np.abs(y - target).max():.2f}")
        else:
            found.append("-")
    return found


def errors() -> Iterator[list[str]]:
    """One row for each function: largest errors on all int16 codes, in units of the output."""
    for name, operator, scale in (
        ("tanh", "TANH", 2**-15),
        ("sigmoid", "LOGISTIC", 2**-15),
        ("gelu", "", WIDE.scale),
        ("silu", "", WIDE.scale),
    ):
        output = edge.Affine(scale)
        made = {
            format: edge.quantized(name, input=WIDE, output=output, dtype="int16", format=format)
            for format in ("tflite", "compact")
        }
        target = np.clip(made["tflite"].target(), int16.LOW, int16.HIGH)
        generated = tflite_peer.generated_table(act.get(name), WIDE, output)
        ours = [f"{t.certificate.max_lsb:.2f}" for t in made.values()]
        yield [
            name,
            f"{np.abs(int16.errors(generated, target)).max():.2f}",
            *tflite_error(operator, target, output),
            ours[0],
            f"{ours[1]} ({made['compact'].nbytes} B)",
        ]


def softmax_errors() -> Iterator[list[str]]:
    """One row for each type: largest errors on random rows, in units of the output."""
    for dtype, scale in (("int8", 8 / 2**7), ("int16", 8 / 2**15)):
        info = np.iinfo(dtype)
        input = edge.Affine(scale)
        made = edge.integer_softmax(input, dtype=dtype)
        x = np.random.default_rng(0).integers(info.min, info.max + 1, (2000, 16)).astype(dtype)
        exact = act.softmax(x * scale) / made.output.scale + made.output.zero_point
        target = np.clip(exact, info.min, info.max)
        theirs = [
            f"{np.abs(tflite_peer.run(r, 'SOFTMAX', x, input, made.output) - target).max():.2f}"
            if tflite_peer.installed(r)
            else "-"
            for r in tflite_peer.RUNTIMES
        ]
        error = np.abs(made(x) - target).max()
        yield [f"softmax {dtype}", "-", *theirs, "-", f"{error:.2f} ({made.nbytes} B)"]


def markdown(head: list[str], rows: Iterator[list[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def speed_table() -> str:
    with act.num_threads(1):
        rows = markdown(["bytes", "copy, GB/s", *KERNELS], speeds())
    return (
        "A table of 256 entries applied to int8, on one thread: its speed as a part of that of "
        f"`np.copyto`. {machine.describe()['processor']}.\n\n{rows}"
    )


def error_table() -> str:
    head = ["", "TFLite's generator", "LiteRT", "TFLite Micro", "513 entries", "compact"]
    rows = markdown(head, iter([*errors(), *softmax_errors()]))
    return (
        "Largest errors of int16 functions on all codes, with an input scale of 8/32768, and of "
        f"softmax on random rows of 16, in units of the output:\n\n{rows}"
    )


TABLES = {"errors": error_table, "speed": speed_table}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=TABLES, help="make one of the tables")
    parser.add_argument("--readme", type=Path, help="write them between their marks there")
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else TABLES:
        text = TABLES[name]()
        if arguments.readme:
            marks = (f"<!-- integer codes, {name}: {end} -->" for end in ("begin", "end"))
            readme.replace(arguments.readme, *marks, text)
        else:
            print(text)


if __name__ == "__main__":
    main()
