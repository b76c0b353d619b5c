"""Makes of the loops over one row others over neighbouring columns of a matrix, many at a time.

Along any axis but the last, the elements of a row lie far apart in memory, and beside each one lie
those of other rows.  So every number of a row kernel becomes as many numbers as there are columns,
every statement a loop over them, which compilers turn into operations on vectors.  What is done
for one column is what the row kernel does, in its order: the bits are the same.

That needs loops and places that are the same for all columns: a row kernel that searches, or
collects what it finds, has no such form.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from .rows import ARRAYS, SCRATCH, RowFunction, lines_of

# How many columns are worked on together: of float32 they fill two lines of a cache, which
# processors fetch in pairs.  With more, scratch arrays leave the first-level cache, and fewer
# matrices are wide enough; with fewer, wide ones take longer, a page of memory for each row.
WIDTH = 32
NUMBERS = ("Real", "Wide", "Flag")
# Names that the loops over columns use themselves.
_COLUMN, _RESULT, _PITCH, _GIVEN, _SOME = "column", "result", "pitch_", "given", "some"


class _DependsOnDataError(Exception):
    """What is done depends on the numbers in a column."""


@dataclass(frozen=True)
class ColumnFunction:
    """A row kernel for many columns.

    Attributes
    ----------
    row : RowFunction
        Where it comes from; the parameters are the same, numbers become arrays of them, and behind
        an array follows the distance of its rows in elements.
    name : str
    variables : dict
        Types of variables by their names: those of numbers are arrays of them.
    body : list of str
    """

    row: RowFunction
    name: str
    variables: dict[str, str]
    body: list[str]


def column_functions(rows: list[RowFunction]) -> list[ColumnFunction]:
    """Return the forms for columns of all row kernels that have one, and of what they call."""
    # Row kernels of single numbers serve columns as they are.
    with_arrays = {row.name: row for row in rows if {*row.params.values()} & {*ARRAYS, *SCRATCH}}
    found: dict[str, ColumnFunction] = {}
    called: dict[str, set[str]] = {}
    for name, row in with_arrays.items():
        made = _Columns(row, with_arrays, found)
        try:
            body = lines_of(made.block(copy.deepcopy(row.statements)))
        except _DependsOnDataError:
            continue
        found[name] = ColumnFunction(row, _name(name), made.variables, body)
        called[name] = made.called
    # Callers come after what they call.
    wanted: set[str] = set()
    for name, columns in reversed(found.items()):
        if columns.row.exported or name in wanted:
            wanted |= {name, *called[name]}
    return [columns for name, columns in found.items() if name in wanted]


def _name(row: str) -> str:
    return f"{row}_columns"


@dataclass
class _Columns(ast.NodeTransformer):
    """Makes the statements of a row kernel those of many columns."""

    row: RowFunction
    with_arrays: dict[str, RowFunction]
    found: Collection[str]  # those of them that have a form for columns
    variables: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.types = {**self.row.params, **self.row.variables}
        self.variables = {**self.row.variables, _COLUMN: "Index"}
        self.called: set[str] = set()

    # Statements.

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return statements for all columns: neighbours share one loop over them."""
        made: list[ast.stmt] = []
        together: list[ast.stmt] = []
        for statement in statements:
            if (one := self.of_one_column(statement)) is not None:
                together.append(one)
                continue
            made += [*self.loop(together), *self.of_all_columns(statement)]
            together = []
        return made + self.loop(together)

    def loop(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return a loop over all columns, or nothing for nothing."""
        if not statements:
            return []
        columns = ast.Call(ast.Name("range"), [ast.Constant(WIDTH)], [])
        return [ast.For(ast.Name(_COLUMN), columns, statements, [])]

    def of_one_column(self, statement: ast.stmt) -> ast.stmt | None:
        """Return what a statement does to numbers of one column; None for other statements."""
        match statement:
            case ast.Assign(value=ast.Call(ast.Name(function))) if function in self.with_arrays:
                return None
            case ast.Assign([target], value) if not self.is_common(target):
                return ast.Assign([self.visit(target)], self.visit(value))
            case ast.AugAssign(target, op, value) if not self.is_common(target):
                return ast.AugAssign(self.visit(target), op, self.visit(value))
            case ast.If(test, body, orelse) if not self.is_common(test) and not self.flag(test):
                parts = [[self.of_one_column(part) for part in arm] for arm in (body, orelse)]
                arms = [[part for part in arm if part is not None] for arm in parts]
                if [len(arm) for arm in arms] != [len(body), len(orelse)]:
                    raise _DependsOnDataError
                return ast.If(self.visit(test), *arms)
            case ast.Return(value) if value is not None and self.row.returns in NUMBERS:
                return ast.Assign([_element(_RESULT, ast.Name(_COLUMN))], self.visit(value))
        return None

    def of_all_columns(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        """Return what a statement is that is done once for all columns."""
        match statement:
            case ast.Assign([target], value) if self.is_common(target) and self.is_common(value):
                yield statement
            case ast.Assign([ast.Name(result)], ast.Call() as call):
                yield from self.call(call, [ast.Name(result)])
            case ast.Expr(ast.Call() as call):
                yield from self.call(call, [])
            case ast.For(target, iterations, body) if self.is_common(iterations):
                yield ast.For(target, iterations, self.block(body), [])
            case ast.If(test, body, orelse) if self.is_common(test):
                yield ast.If(test, self.block(body), self.block(orelse))
            case ast.If(test, body, []) if flag := self.flag(test):
                # For all columns if it is for one.
                self.variables[_SOME] = "Index"
                yield ast.Assign([ast.Name(_SOME)], ast.Constant(0))
                one = ast.IfExp(self.visit(ast.Name(flag)), ast.Constant(1), ast.Name(_SOME))
                yield from self.loop([ast.Assign([ast.Name(_SOME)], one)])
                yield ast.If(ast.Name(_SOME), self.block(body), [])
            case _:
                raise _DependsOnDataError

    def call(self, call: ast.Call, results: list[ast.expr]) -> Iterator[ast.stmt]:
        """Call a row kernel in its form for columns."""
        assert isinstance(call.func, ast.Name)
        if call.func.id not in self.found:
            raise _DependsOnDataError
        self.called.add(call.func.id)
        passed: list[ast.expr] = []
        types = self.with_arrays[call.func.id].params.values()
        for type_, argument in zip(types, call.args, strict=True):
            if type_ in NUMBERS and not isinstance(argument, ast.Name):
                name = f"{_GIVEN}{len(self.variables)}"
                self.variables[name] = type_
                place = _element(name, ast.Name(_COLUMN))
                yield from self.loop([ast.Assign([place], self.visit(argument))])
                argument = ast.Name(name)
            passed.append(argument)
            if type_ in ARRAYS:
                assert isinstance(argument, ast.Name)
                passed.append(ast.Name(_PITCH + argument.id))
        yield ast.Expr(ast.Call(ast.Name(_name(call.func.id)), passed + results, []))

    # Expressions.

    def is_common(self, node: ast.AST) -> bool:
        """Whether an expression is made of places and lengths, the same for all columns."""
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - {"range"}
        return all(self.types.get(name) == "Index" for name in names)

    def flag(self, test: ast.expr) -> str | None:
        """Return the name of the flag that a condition asks for."""
        match test:
            case ast.Compare(ast.Name(name)) if self.types.get(name) == "Flag":
                return name
        return None

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Take this column's of many numbers."""
        type_ = self.types.get(node.id)
        if type_ in NUMBERS:
            return _element(node.id, ast.Name(_COLUMN))
        if type_ != "Index":
            raise _DependsOnDataError
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Take this column's element of an array."""
        assert isinstance(node.value, ast.Name)
        if not self.is_common(node.slice):
            raise _DependsOnDataError
        array = node.value.id
        if self.types[array] == "Places":
            raise _DependsOnDataError
        scratch = self.types[array] in SCRATCH
        pitch = ast.Constant(WIDTH) if scratch else ast.Name(_PITCH + array)
        before = ast.BinOp(node.slice, ast.Mult(), pitch)
        return _element(array, ast.BinOp(before, ast.Add(), ast.Name(_COLUMN)))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Call a function of numbers."""
        assert isinstance(node.func, ast.Name)
        if node.func.id in self.with_arrays:
            raise _DependsOnDataError
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])


def _element(array: str, place: ast.expr) -> ast.Subscript:
    return ast.Subscript(ast.Name(array), place)
