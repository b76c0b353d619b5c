"""Prints Numba: the device functions, one loop per kernel, the row functions.

The leaves and all other names are supplied by `fastcpuact.jit.leaves`.  Loops are printed with
``prange``, which Numba reads as ``range`` where it does not compile in parallel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..formulas.language import FLOAT32, FLOAT64, PRECISIONS, Precision
from ..formulas.registry import Record
from .kernels import kernels
from .printer import HEADER, Printer
from .reader import Reader
from .rows import SCRATCH, RowFunction, row_functions
from .tree import Function, Kernel

# A kernel spreads its rows over threads in so many parts, each with scratch arrays of its own.
_PARTS = 64


class NumbaPrinter(Printer):
    """Python that Numba compiles."""

    def number(self, value: float, precision: Precision) -> str:
        """Write a number: a bare literal is float64, which float32 would be promoted to."""
        return f"{precision.dtype}({value!r})"

    def function(self, function: Function) -> str:
        """Write one device function."""
        lines = [self.remark(function), "@device"]
        lines.append(f"def {function.name}({', '.join(function.params)}):")
        lines.extend(f"    {statement}" for statement in self.statements(function))
        return "\n".join(lines)

    def kernel(self, kernel: Kernel) -> str:
        """Write one loop, and the same as the inner loop of a ufunc.

        A parameter is an array or one number; ``item`` tells which.
        """
        suffix = kernel.precision.suffix
        outputs = [f"out{k}" for k in range(kernel.outputs)]
        operands = [*kernel.inputs, *outputs]
        items = {
            name: f"item({name}, i)" if name in kernel.params else f"{name}[i]"
            for name in kernel.inputs
        }
        lines = ["@serial", f"def {kernel.name}({', '.join(operands)}):"]
        lines.append("    for i in prange(out0.size):")
        lines.append(f"        {self.loop_body(kernel, outputs, items)}")
        lines += ["", "", f"def {kernel.name}_loop(args, dimensions, steps, data):"]
        lines.append("    n = dimensions[0]")
        lines.append(f"    if contiguous(steps, {len(operands)}, sizeof_{suffix}):")
        arrays = [f"array_{suffix}(args[{k}], n)" for k in range(len(operands))]
        lines.append(f"        {kernel.name}({', '.join(arrays)})")
        lines.append("    else:")
        arrays = [f"strided_{suffix}(args[{k}], n, steps[{k}])" for k in range(len(operands))]
        lines.append(f"        {kernel.name}({', '.join(arrays)})")
        if kernel.precision is FLOAT32:
            lines += ["", "", *self.half_loop(kernel, operands)]
        return "\n".join(lines)

    def half_loop(self, kernel: Kernel, operands: list[str]) -> Iterator[str]:
        """Write the inner loop of a ufunc on float16, which computes in float32."""
        inputs, count = len(kernel.inputs), len(operands)
        yield f"def {kernel.name}_half_loop(args, dimensions, steps, data):"
        yield "    n = dimensions[0]"
        yield f"    size = half_block(args, steps, n, {inputs}, {count})"
        for name in operands:
            yield f"    {name} = empty(size, float32)"
        yield "    for start in range(0, n, size):"
        yield "        m = min(size, n - start)"
        for k, name in enumerate(kernel.inputs):
            yield f"        load_half(args[{k}], start, steps[{k}], m, {name})"
        yield f"        {kernel.name}({', '.join(f'{name}[:m]' for name in operands)})"
        for k, name in enumerate(operands[inputs:], start=inputs):
            yield f"        store_half({name}, m, args[{k}], start, steps[{k}])"

    def row(self, row: RowFunction, precision: Precision) -> str:
        """Write one loop over a row; exported ones also as a loop over all rows."""
        lines = [f"# {row.source}", "@device", f"def {row.name}({', '.join(row.params)}):"]
        lines += [f"    {line}" for line in row.body]
        if row.exported:
            scratch, passed = [], []
            for name, type_ in row.params.items():
                if name in row.arrays:
                    passed.append(f"{name}[i]")
                elif type_ in SCRATCH:
                    dtype = "float64" if type_ == "Lanes" else precision.dtype
                    scratch.append(f"        {name} = empty({SCRATCH[type_]}, {dtype})")
                    passed.append(name)
                else:
                    passed.append(f"{row.length_of(name)}.shape[1]")
            lines += ["", "", "@serial", f"def {row.name}_kernel({', '.join(row.arrays)}):"]
            lines.append(f"    rows = {row.arrays[0]}.shape[0]")
            lines.append(f"    parts = min(rows, {_PARTS})")
            lines += ["    for part in prange(parts):", *scratch]
            lines.append(
                "        for i in range(rows * part // parts, rows * (part + 1) // parts):"
            )
            lines.append(f"            {row.name}({', '.join(passed)})")
        return "\n".join(lines)


def numba_module(records: Iterable[Record], with_rows: bool = True) -> str:
    """Return the text of the module with every function and kernel of records, and row functions.

    The row functions are the same for any records.
    """
    records = list(records)
    printer = NumbaPrinter()
    parts = [
        f'"""{HEADER}"""\n\nfrom fastcpuact.jit.half import *\nfrom fastcpuact.jit.leaves import *'
    ]
    readers = {precision: Reader(precision) for precision in PRECISIONS}
    rows = {
        p: row_functions(reader, readers[FLOAT64]) if with_rows else []
        for p, reader in readers.items()
    }
    for precision, reader in readers.items():
        fast = Reader(precision, fast=True)
        table = kernels(reader, records) | kernels(fast, records)
        for function in (*reader.functions.values(), *fast.functions.values()):
            parts.append(printer.function(function))
        parts.extend(printer.kernel(kernel) for kernel in table.values())
        parts.extend(printer.row(row, precision) for row in rows[precision])
    return "\n\n\n".join(parts) + "\n"
