"""Prints Cython: the inline functions, one loop per kernel, and the table of the kernels.

The loops take ``restrict`` pointers: an output never overlaps an input.  Whoever calls a kernel
sees to that (the block driver works through a buffer where it must).
"""

from __future__ import annotations

from collections.abc import Iterable

from ..formulas.language import FLOAT64, LEAVES, PRECISIONS, Precision
from ..formulas.registry import Record
from .columns import NUMBERS, WIDTH, ColumnFunction, column_functions
from .cost import OperationCount
from .kernels import OF_NUMBERS, kernels
from .printer import HEADER, Printer
from .reader import Reader
from .rows import SCRATCH, RowFunction, row_functions
from .tree import Function, Kernel, called

_DIRECTIVES = "# cython: language_level=3, cdivision=True, freethreading_compatible=True"

# Loops of so few lose up to a quarter where compilers unroll them; longer ones gain.
_LIGHT = 16


class CythonPrinter(Printer):
    """Cython, with C types."""

    def number(self, value: float, precision: Precision) -> str:
        """Write a number: a bare literal is a C double, so float32 needs a cast."""
        return f"<{precision.c_type}>{value!r}" if precision.c_type != "double" else repr(value)

    def function(self, function: Function) -> str:
        """Write one inline function."""
        real = function.precision.c_type
        params = ", ".join(f"{real} {param}" for param in function.params)
        returns = (
            real if len(function.results) == 1 else f"({', '.join([real] * len(function.results))})"
        )
        variables = [target for assign in function.body for target in assign.targets]
        lines = [self.remark(function)]
        lines.append(f"cdef inline {returns} {function.name}({params}) noexcept nogil:")
        if variables:
            lines.append(f"    cdef {real} {', '.join(variables)}")
        lines.extend(f"    {statement}" for statement in self.statements(function))
        return "\n".join(lines)

    def kernel(self, kernel: Kernel, of_numbers: bool = False) -> str:
        """Write one loop, and the entry that takes its arrays as the block driver passes them.

        ``of_numbers`` takes the first element of each parameter for all.
        """
        suffix = kernel.precision.suffix
        name = kernel.name + OF_NUMBERS * of_numbers
        numbers = kernel.params if of_numbers else ()
        outputs = [f"out{k}" for k in range(kernel.outputs)]
        arrays = [f"in_{suffix} {array}" for array in kernel.inputs]
        arrays += [f"out_{suffix} {array}" for array in outputs]
        items = {a: f"{a}[0]" if a in numbers else f"{a}[i]" for a in kernel.inputs}
        lines = [f"cdef void {name}({', '.join(arrays)}, Py_ssize_t n) noexcept nogil:"]
        lines.append("    cdef Py_ssize_t i")
        lines.append("    for i in range(n):")
        lines.append(f"        {self.loop_body(kernel, outputs, items)}")
        types = [f"in_{suffix}"] * len(kernel.inputs) + [f"out_{suffix}"] * len(outputs)
        passed = ", ".join(f"<{type_}>args[{k}]" for k, type_ in enumerate(types))
        lines.append("")
        lines.append(f"cdef void {name}_entry(char** args, Py_ssize_t n) noexcept nogil:")
        lines.append(f"    {name}({passed}, n)")
        return "\n".join(lines)

    def row(self, row: RowFunction, precision: Precision) -> str:
        """Write one loop over a row; exported ones get an entry for arrays and their lengths."""
        types = _row_types(precision)
        params = ", ".join(f"{types[type_]} {name}" for name, type_ in row.params.items())
        inline = "" if row.exported else "inline "
        lines = [f"# {row.source}"]
        lines.append(f"cdef {inline}{types[row.returns]} {row.name}({params}) noexcept nogil:")
        lines += [f"    cdef {types[type_]} {name}" for name, type_ in row.variables.items()]
        lines += [f"    {line}" for line in row.body]
        if row.exported:
            place = {name: k for k, name in enumerate(row.arrays)}
            scratch, passed = [], []
            for name, type_ in row.params.items():
                if name in place:
                    passed.append(f"<{types[type_]}>arrays[{place[name]}]")
                elif type_ in SCRATCH:
                    scratch.append(f"    cdef {types[type_][:-1]}[{SCRATCH[type_]}] {name}")
                    passed.append(name)
                else:
                    passed.append(f"lengths[{place[row.length_of(name)]}]")
            lines += ["", f"cdef void {row.name}_entry("]
            lines.append("    char** arrays, const Py_ssize_t* lengths")
            lines += [") noexcept nogil:", *scratch, f"    {row.name}({', '.join(passed)})"]
        return "\n".join(lines)

    def columns(self, columns: ColumnFunction, precision: Precision) -> str:
        """Write a row kernel for many columns, and the entry of an exported one.

        The entry takes, beside arrays and their lengths, the distances of their rows in elements.
        """
        row, types = columns.row, _row_types(precision)
        # Functions are not inline: calls cost nothing beside so many columns, and copies take long
        # to compile.  So compilers have to be told that scratch arrays do not overlap.
        own = f"out_{precision.suffix}"
        of_all = {type_: own for type_ in ("Real", "Terms", "Tops")}
        of_all |= {type_: f"out_{FLOAT64.suffix}" for type_ in ("Wide", "Flag", "Lanes")}
        declared, passed, scratch = [], [], []
        place = {name: k for k, name in enumerate(row.arrays)}
        for name, type_ in row.params.items():
            declared.append(f"{of_all.get(type_, types[type_])} {name}")
            if name in place:
                declared.append(f"Py_ssize_t pitch_{name}")
                passed += [f"<{types[type_]}>arrays[{place[name]}]", f"pitches[{place[name]}]"]
            elif type_ in SCRATCH:
                scratch.append(f"    cdef {types[type_][:-1]}[{SCRATCH[type_] * WIDTH}] {name}")
                passed.append(name)
            elif row.exported:
                passed.append(f"lengths[{place[row.length_of(name)]}]")
        if row.returns in NUMBERS:
            declared.append(f"{of_all[row.returns]} result")
        lines = [f"# {row.source}, for {WIDTH} columns"]
        lines.append(f"cdef void {columns.name}({', '.join(declared)}) noexcept nogil:")
        for name, type_ in columns.variables.items():
            many = f"[{WIDTH}]" if type_ in NUMBERS else ""
            lines.append(f"    cdef {types[type_]}{many} {name}")
        lines += [f"    {line}" for line in columns.body]
        if row.exported:
            lines += ["", f"cdef void {columns.name}_entry("]
            lines.append("    char** arrays, const Py_ssize_t* pitches, const Py_ssize_t* lengths")
            lines += [") noexcept nogil:", *scratch, f"    {columns.name}({', '.join(passed)})"]
        return "\n".join(lines)

    def leaves(self, precision: Precision) -> str:
        """Declare what leaves.h supplies."""
        real, suffix = precision.c_type, precision.suffix
        lines = ['cdef extern from "leaves.h" nogil:']
        lines.append(f"    ctypedef const {real}* in_{suffix}")
        lines.append(f"    ctypedef {real}* out_{suffix}")
        lines.append(f"    {real} select_{suffix}(bint condition, {real} a, {real} b)")
        lines.append(f"    {real} real_{suffix}(double x)")
        lines.append(f"    double wide_{suffix}({real} x)")
        for leaf in LEAVES:
            lines.append(f"    {real} {leaf.name}_{suffix}({', '.join([real] * leaf.arity)})")
        return "\n".join(lines)


def _row_types(precision: Precision) -> dict[str, str]:
    """Return what the types of row kernels are in C."""
    return {
        "In": f"in_{precision.suffix}",
        "Out": f"out_{precision.suffix}",
        "Places": "Py_ssize_t*",
        "Lanes": "double*",
        "Terms": f"{precision.c_type}*",
        "Tops": f"{precision.c_type}*",
        "Index": "Py_ssize_t",
        "Real": precision.c_type,
        "Wide": "double",
        "Flag": "double",
        "None": "void",
    }


_HALF = """
cdef extern from "leaves.h" nogil:
    void widen_all_f16(const uint16_t* halves, float* floats, Py_ssize_t n)
    void narrow_all_f16(const float* floats, uint16_t* halves, Py_ssize_t n)


cdef void widen_entry(char** args, Py_ssize_t n) noexcept nogil:
    widen_all_f16(<const uint16_t*>args[0], <float*>args[1], n)


cdef void narrow_entry(char** args, Py_ssize_t n) noexcept nogil:
    narrow_all_f16(<const float*>args[0], <uint16_t*>args[1], n)


# Between float16 and float32: the kernels compute in the latter.
WIDEN, NARROW = <uintptr_t>widen_entry, <uintptr_t>narrow_entry
"""


def cython_module(records: Iterable[Record], light: bool | None = None) -> str:
    """Return the text of the module that holds kernels of ``records`` and all row kernels.

    Its dictionaries hold addresses: ``KERNELS`` (by activation, form, dtype) of functions ``void
    (char **arrays, Py_ssize_t n)``, with what `fastcpuact.kernels.select.Entry` says of them, and
    ``ROWS`` (by name, dtype) of functions ``void (char **arrays, const Py_ssize_t *lengths)``.
    ``COLUMNS`` (by the same) holds functions ``void (char **arrays, const Py_ssize_t *pitches,
    const Py_ssize_t *lengths)`` and for how many columns they are.

    If ``light`` is True, it is the module of the light elementwise kernels alone; if False, the one
    of everything else.
    """
    records = list(records)
    printer = CythonPrinter()
    parts = [f"{_DIRECTIVES}\n# {HEADER}\n\nfrom libc.stdint cimport uint16_t, uintptr_t"]
    entries, row_entries, column_entries = [], [], []
    readers = {precision: Reader(precision) for precision in PRECISIONS}
    rows = {
        p: [] if light else row_functions(reader, readers[FLOAT64]) for p, reader in readers.items()
    }
    for precision, reader in readers.items():
        fast = Reader(precision, fast=True)
        of_rows = set(reader.functions)
        table = kernels(reader, records) | kernels(fast, records)
        functions = {**reader.functions, **fast.functions}
        count = OperationCount(functions)
        if light is not None:
            table = {p: kernel for p, kernel in table.items() if (count(kernel) <= _LIGHT) is light}
        needed = of_rows | called(table.values(), functions)
        parts.append(printer.leaves(precision))
        parts += [printer.function(functions[name]) for name in functions if name in needed]
        for (activation, form), kernel in table.items():
            parts.append(printer.kernel(kernel))
            address, of_numbers = f"<uintptr_t>{kernel.name}_entry", "0"
            if count.wants_numbers(kernel):
                parts.append(printer.kernel(kernel, of_numbers=True))
                of_numbers = f"<uintptr_t>{kernel.name}{OF_NUMBERS}_entry"
            place = f'"{activation}", "{form}", "{precision.dtype}"'
            entry = f"{address}, {count(kernel)}, {len(kernel.params)}, {of_numbers}"
            entries.append(f"    ({place}): ({entry}),")
    # Row kernels of either precision call functions of both.
    for precision in PRECISIONS:
        parts.extend(printer.row(row, precision) for row in rows[precision])
        row_entries += [
            f'    ("{row.base}", "{precision.dtype}"): <uintptr_t>{row.name}_entry,'
            for row in rows[precision]
            if row.exported
        ]
        for columns in column_functions(rows[precision]):
            parts.append(printer.columns(columns, precision))
            if columns.row.exported:
                place = f'"{columns.row.base}", "{precision.dtype}"'
                address = f"<uintptr_t>{columns.name}_entry"
                column_entries.append(f"    ({place}): ({address}, {WIDTH}),")
    parts.append("\n".join(["KERNELS = {", *entries, "}"]))
    if not light:
        parts.append("\n".join(["ROWS = {", *row_entries, "}"]))
        parts.append("\n".join(["COLUMNS = {", *column_entries, "}"]))
        parts.append(_HALF.strip())
    return "\n\n\n".join(parts) + "\n"
