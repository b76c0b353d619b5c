"""Prints the loops over one row: the same statements for each engine, other declarations.

The row kernels of `fastcpuact.formulas.rows` are already plain loops, which Numba compiles as they
stand and Cython with declared variables.  So their text is kept; names of formulas and of other
row kernels get the suffix of the precision, and annotations become declarations.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass

from ..formulas import rows
from ..formulas.language import Formula
from .reader import FormulaError, Reader


@dataclass(frozen=True)
class RowFunction:
    """A row kernel in one precision; types are the words of the annotations."""

    base: str  # the name without the suffix of the precision
    name: str
    params: dict[str, str]
    returns: str
    variables: dict[str, str]
    body: list[str]
    source: str
    exported: bool


class _Rewriter(ast.NodeTransformer):
    """Suffixes calls, replaces module constants, and collects the types of variables."""

    def __init__(self, suffix: str, reader: Reader) -> None:
        self.suffix = suffix
        self.reader = reader
        self.variables: dict[str, str] = {}

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id != "range":
            target = vars(rows).get(node.func.id)
            if isinstance(target, Formula):
                self.reader.read(target)
            elif not isinstance(target, rows.RowKernel) and node.func.id not in ("real", "wide"):
                raise FormulaError(f"a row kernel calls {node.func.id!r}, which it does not have")
            node.func.id = f"{node.func.id}_{self.suffix}"
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        value = vars(rows).get(node.id)
        return ast.Constant(value) if isinstance(value, int) else node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        assert isinstance(node.target, ast.Name)
        self.variables[node.target.id] = "Index"
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        assert isinstance(node.target, ast.Name) and isinstance(node.annotation, ast.Name)
        assert node.value is not None
        self.variables[node.target.id] = node.annotation.id
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def row_function(kernel: rows.RowKernel, reader: Reader) -> RowFunction:
    """Read a row kernel; the formulas that it calls are left in ``reader``."""
    text = textwrap.dedent(inspect.getsource(kernel.function))
    (definition,) = ast.parse(text).body
    assert isinstance(definition, ast.FunctionDef)
    suffix = reader.precision.suffix
    rewriter = _Rewriter(suffix, reader)
    statements = [rewriter.visit(statement) for statement in definition.body[1:]]
    annotations = kernel.function.__annotations__
    return RowFunction(
        base=kernel.name,
        name=f"{kernel.name}_{suffix}",
        params={arg.arg: annotations[arg.arg] for arg in definition.args.args},
        returns=annotations["return"],
        variables=rewriter.variables,
        body=[
            line
            for s in statements
            for line in ast.unparse(ast.fix_missing_locations(s)).splitlines()
        ],
        source=f"fastcpuact/formulas/rows.py:{kernel.function.__code__.co_firstlineno}",
        exported=kernel.exported,
    )


def row_functions(reader: Reader) -> list[RowFunction]:
    """All row kernels, in the order in which they can be defined."""
    return [row_function(kernel, reader) for kernel in rows.ROW_KERNELS.values()]
