"""Prints Numba: the device functions, one loop per kernel, the row functions.

The leaves and all other names are supplied by `fastcpuact.jit.leaves`.  Loops are printed with
``prange``, which Numba reads as ``range`` where it does not compile in parallel.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from copy import deepcopy

from ..formulas.language import FLOAT32, FLOAT64, PRECISIONS, Precision
from ..formulas.registry import Record
from .kernels import OF_NUMBERS, kernels
from .printer import HEADER, Printer
from .reader import Reader
from .rows import SCRATCH, RowFunction, lines_of, row_functions
from .tree import Function, Kernel

# A kernel spreads its rows over threads in so many parts, each with scratch arrays of its own.
_PARTS = 64


class _Typed(ast.NodeTransformer):
    """Gives integers the types that Numba does best with.

    Indices are not negative: it adds the length to those that are, if it cannot tell, and LLVM then
    sees no neighbours in memory, and gathers the elements of a vector one by one.  Arguments are
    plain integers: a function is compiled anew for each number that stands in a call.
    """

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id != "range":
            for k, argument in enumerate(node.args):
                if isinstance(argument, ast.Constant) and type(argument.value) is int:
                    node.args[k] = ast.Call(ast.Name("integer"), [argument], [])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.slice, ast.Constant):
            node.slice = ast.Call(ast.Name("unsigned"), [node.slice], [])
        return node


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
        """Write one loop, the same as a C function, and as the inner loop of a ufunc.

        A parameter of the first is an array or one number; ``item`` tells which.
        """
        outputs = [f"out{k}" for k in range(kernel.outputs)]
        operands = [*kernel.inputs, *outputs]
        items = {
            name: f"item({name}, i)" if name in kernel.params else f"{name}[i]"
            for name in kernel.inputs
        }
        lines = ["@serial", f"def {kernel.name}({', '.join(operands)}):"]
        lines.append("    for i in prange(out0.size):")
        lines.append(f"        {self.loop_body(kernel, outputs, items)}")
        lines += ["", "", *self.c_loop(kernel, operands, outputs)]
        if kernel.params:
            lines += ["", "", *self.c_loop(kernel, operands, outputs, of_numbers=True)]
        lines += ["", "", *self.ufunc_loop(kernel, operands, kernel.precision.suffix)]
        if kernel.precision is FLOAT32:
            lines += ["", "", *self.ufunc_loop(kernel, operands, "half")]
        return "\n".join(lines)

    def c_loop(
        self, kernel: Kernel, operands: list[str], outputs: list[str], of_numbers: bool = False
    ) -> Iterator[str]:
        """Write the loop over arrays of which there are the addresses.

        ``of_numbers`` takes the first element of each parameter for all.
        """
        numbers = kernel.params if of_numbers else ()
        yield f"def {kernel.name}{OF_NUMBERS * of_numbers}_run(args, n):"
        for k, name in enumerate(operands):
            length, first = ("1", "[0]") if name in numbers else ("n", "")
            yield f"    {name} = array_{kernel.precision.suffix}(args[{k}], {length}){first}"
        items = {x: x if x in numbers else f"{x}[i]" for x in kernel.inputs}
        yield "    for i in range(n):"
        yield f"        {self.loop_body(kernel, outputs, items)}"

    def ufunc_loop(self, kernel: Kernel, operands: list[str], kind: str) -> Iterator[str]:
        """Write the inner loop of a ufunc: on f32 or f64, or on half, which computes in f32."""
        inputs, count, half = len(kernel.inputs), len(operands), kind == "half"
        yield f"def {kernel.name}_{'half_loop' if half else 'loop'}(args, dimensions, steps, data):"
        yield "    n = dimensions[0]"
        yield f"    size = block_length(args, steps, n, {inputs}, {count}, sizeof_{kind}, {half})"
        for name in operands:
            yield f"    {name} = buffer(size, {kernel.precision.dtype})"
        yield "    for start in range(0, n, size):"
        yield "        m = min(size, n - start)"
        yield f"        {kernel.name}("
        for k, name in enumerate(operands):
            move = "load" if k < inputs else "place"
            yield f"            {move}_{kind}(args[{k}], steps[{k}], start, m, {name}),"
        yield "        )"
        for k, name in enumerate(operands[inputs:], start=inputs):
            yield f"        store_{kind}(args[{k}], steps[{k}], start, m, {name})"

    def row(self, row: RowFunction, precision: Precision) -> str:
        """Write one loop over a row; exported ones also as a C function, and over all rows."""
        lines = [f"# {row.source}", "@device", f"def {row.name}({', '.join(row.params)}):"]
        body = [_Typed().visit(deepcopy(statement)) for statement in row.statements]
        lines += [f"    {line}" for line in lines_of(body)]
        if row.exported:
            scratch, passed = [], []
            lines += ["", "", *self.c_row(row, precision)]
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

    def c_row(self, row: RowFunction, precision: Precision) -> Iterator[str]:
        """Write a call for arrays of which there are the addresses and the lengths."""
        kinds = {"In": precision.suffix, "Out": precision.suffix, "Places": "places"}
        kinds |= {"Lanes": "f64", "Terms": precision.suffix, "Tops": precision.suffix}
        length = {name: f"lengths[{k}]" for k, name in enumerate(row.arrays)}
        yield f"def {row.name}_run(arrays, lengths):"
        passed = []
        for name, type_ in row.params.items():
            if name in length:
                where = f"arrays[{row.arrays.index(name)}], {length[name]}"
            elif type_ in SCRATCH:
                where = f"stack_{kinds[type_]}({SCRATCH[type_]}), {SCRATCH[type_]}"
            else:
                passed.append(length[row.length_of(name)])
                continue
            yield f"    {name} = array_{kinds[type_]}({where})"
            passed.append(name)
        yield f"    {row.name}({', '.join(passed)})"


class NumbaModule:
    """The text of a module, in parts that are printed when they are asked for.

    Each function is in one part only; a part needs those before it.
    """

    def __init__(self) -> None:
        self._printer = NumbaPrinter()
        self._readers = {
            (p, fast): Reader(p, fast=fast) for p in PRECISIONS for fast in (False, True)
        }
        self._printed: set[str] = set()

    def head(self) -> str:
        """Return the part that is first."""
        vocabulary = ("blocks", "half", "leaves")
        imports = "\n".join(f"from fastcpuact.jit.{name} import *" for name in vocabulary)
        return f'"""{HEADER}"""\n\n{imports}'

    def record(self, record: Record) -> str:
        """Return the part with the functions and kernels of a record."""
        found: list[Kernel] = []
        for reader in self._readers.values():
            found += kernels(reader, [record]).values()
        return self._part(self._printer.kernel(kernel) for kernel in found)

    def rows(self) -> str:
        """Return the part with all row functions."""
        wide = self._readers[FLOAT64, False]
        found = [
            (row, p) for p in PRECISIONS for row in row_functions(self._readers[p, False], wide)
        ]
        return self._part(self._printer.row(row, p) for row, p in found)

    def _part(self, loops: Iterable[str]) -> str:
        """Put functions that were read but not printed before the loops that need them."""
        functions = [
            function
            for reader in self._readers.values()
            for name, function in reader.functions.items()
            if name not in self._printed
        ]
        self._printed |= {function.name for function in functions}
        return "\n\n\n".join([*map(self._printer.function, functions), *loops]) + "\n"


def numba_module(records: Iterable[Record], with_rows: bool = True) -> str:
    """Return the text of the module with every function and kernel of records, and row functions.

    The row functions are the same for any records.
    """
    module = NumbaModule()
    parts = [module.head(), *map(module.record, records), *([module.rows()] if with_rows else [])]
    return "\n\n\n".join(parts)
