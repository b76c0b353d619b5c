"""Prints the loops over one row: the same statements for each engine, other declarations.

The row kernels of `fastcpuact.formulas.rows` are already plain loops, which Numba compiles as they
stand and Cython with declared variables.  So their text is kept; names of formulas and of other
row kernels get the suffix of the precision that they are called in, and annotations become
declarations.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..formulas.language import Formula, PerPrecision
from ..formulas.rows.language import BLOCK, LANES, ROW_KERNELS, InFloat64, RowKernel
from .reader import FormulaError, Reader, place

# The arrays that a caller of a row kernel passes, and the scratch that it finds ready.
ARRAYS = ("In", "Out", "Places")
SCRATCH = {"Lanes": LANES, "Terms": BLOCK, "Tops": LANES}


@dataclass(frozen=True)
class RowFunction:
    """A row kernel in one precision; types are the words of the annotations."""

    base: str  # the name without the suffix of the precision
    name: str
    params: dict[str, str]
    returns: str
    variables: dict[str, str]
    statements: list[ast.stmt]
    source: str
    exported: bool

    @property
    def body(self) -> list[str]:
        """The lines of its text."""
        return lines_of(self.statements)

    @property
    def arrays(self) -> list[str]:
        """Names of the arrays, in the order in which they are passed."""
        return [name for name, type_ in self.params.items() if type_ in ARRAYS]

    def length_of(self, param: str) -> str:
        """Name of the array whose length a parameter is: of the first one, or the one it names."""
        return param.removeprefix("n_") if param != "n" else self.arrays[0]


def lines_of(statements: list[ast.stmt]) -> list[str]:
    """Return the text of some statements."""
    return [
        line
        for statement in statements
        for line in ast.unparse(ast.fix_missing_locations(statement)).splitlines()
    ]


# What a row kernel is made of: loops over `range`, choices, arithmetic, elements of arrays.
_ALLOWED = (
    *(ast.For, ast.While, ast.If, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr),
    *(ast.IfExp, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Call, ast.Subscript),
    *(ast.Name, ast.Constant, ast.Tuple, ast.expr_context, ast.cmpop, ast.boolop, ast.USub),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod),
)


class _Rewriter(ast.NodeTransformer):
    """Suffixes calls, replaces module constants, and collects the types of variables."""

    def __init__(self, kernel: RowKernel, reader: Reader, wide: Reader) -> None:
        self.kernel = kernel
        self.names = kernel.names
        self.reader = reader
        self.wide = wide
        self.variables: dict[str, str] = {}

    def refuse(self, node: ast.AST, what: str) -> NoReturn:
        code = self.kernel.function.__code__
        line = code.co_firstlineno + getattr(node, "lineno", 1) - 1
        raise FormulaError(f"{place(Path(code.co_filename))}:{line}: {what} is not for row kernels")

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, _ALLOWED):
            self.refuse(node, type(node).__name__)
        return super().visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name):
            self.refuse(node, f"a call of {ast.unparse(node.func)!r}")
        if node.func.id != "range":
            node.func.id = self.printed_name(node, node.func.id)
        return node

    def printed_name(self, node: ast.Call, name: str) -> str:
        """What a function that is called is called in print; formulas are read on the way."""
        target = self.names.get(name)
        if isinstance(target, PerPrecision):
            target = target.choose(self.reader.precision, fast=False)
        if isinstance(target, InFloat64):
            return self.wide.read(target.formula).name
        if isinstance(target, Formula):
            return self.reader.read(target).name
        if isinstance(target, RowKernel):
            name = target.name
        elif name not in ("real", "wide"):
            self.refuse(node, f"a call of {name!r}")
        return f"{name}_{self.reader.precision.suffix}"

    def visit_Name(self, node: ast.Name) -> ast.AST:
        value = self.names.get(node.id)
        return ast.Constant(value) if isinstance(value, int) else node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        assert isinstance(node.target, ast.Name)
        self.variables[node.target.id] = "Index"
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        assert isinstance(node.target, ast.Name) and isinstance(node.annotation, ast.Name)
        self.variables[node.target.id] = node.annotation.id
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def row_function(kernel: RowKernel, reader: Reader, wide: Reader) -> RowFunction:
    """Read a row kernel; the formulas that it calls are left in ``reader`` and ``wide``."""
    text = textwrap.dedent(inspect.getsource(kernel.function))
    (definition,) = ast.parse(text).body
    assert isinstance(definition, ast.FunctionDef)
    suffix = reader.precision.suffix
    rewriter = _Rewriter(kernel, reader, wide)
    statements = [rewriter.visit(statement) for statement in definition.body[1:]]
    # A declaration without a value is no statement.
    statements = [statement for statement in statements if statement is not None]
    annotations, code = kernel.function.__annotations__, kernel.function.__code__
    return RowFunction(
        base=kernel.name,
        name=f"{kernel.name}_{suffix}",
        params={arg.arg: annotations[arg.arg] for arg in definition.args.args},
        returns=annotations["return"],
        variables=rewriter.variables,
        statements=statements,
        source=f"{place(Path(code.co_filename))}:{code.co_firstlineno}",
        exported=kernel.exported,
    )


def row_functions(reader: Reader, wide: Reader) -> list[RowFunction]:
    """All row kernels, in the order in which they can be defined."""
    return [row_function(kernel, reader, wide) for kernel in ROW_KERNELS.values()]
