"""Reads formulas into trees, and refuses what the language does not have.

The text of a formula is parsed, never executed.  Names are looked up where Python would look
them up: parameters and variables first, then the module that holds the formula.
"""

from __future__ import annotations

import ast
import inspect
import math
import struct
import textwrap
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

from ..formulas.language import (
    Exact,
    Formula,
    Leaf,
    PerPrecision,
    Precision,
    polynomial,
)
from ..formulas.registry import Record
from . import tree

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARE = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_PARTS = ("hi", "lo", "rest")  # of an Exact constant
_PACKAGE = Path(__file__).parents[1]


class FormulaError(SyntaxError):
    """A formula holds something that the formula language does not have."""


def rounded(value: float | Fraction, precision: Precision) -> float:
    """The number nearest to ``value`` in the working precision."""
    return float(struct.unpack(precision.struct, struct.pack(precision.struct, float(value)))[0])


def formula_name(formula: Formula, fast: bool, precision: Precision) -> str:
    """The printed name of a formula, in every target."""
    return f"{formula.name}_{precision.suffix}{'_fast' * fast}"


class Reader:
    """Reads formulas, and with each the formulas that it calls, for one precision and tier.

    ``functions`` holds them in the order in which they can be defined.
    """

    def __init__(self, precision: Precision, fast: bool = False) -> None:
        self.precision = precision
        self.fast = fast
        self.functions: dict[str, tree.Function] = {}
        self._formulas: dict[str, Formula] = {}

    def read(self, formula: Formula) -> tree.Function:
        """Read a formula, once."""
        name = self.name(formula)
        if self._formulas.setdefault(name, formula) is not formula:
            other = self._formulas[name].function.__code__
            raise FormulaError(
                f"{formula.function.__code__.co_filename}:"
                f"{formula.function.__code__.co_firstlineno}: a second formula of the name "
                f"{formula.name!r}, after {other.co_filename}:{other.co_firstlineno}"
            )
        if name not in self.functions:
            text = formula.fast_text if self.fast and formula.fast_text else formula
            self.functions[name] = _FormulaReader(self, text).read(name)
        return self.functions[name]

    def name(self, formula: Formula) -> str:
        """The printed name of a formula."""
        return formula_name(formula, self.fast, self.precision)

    def is_open(self, formula: Formula) -> bool:
        """Whether a formula is being read: then it calls itself."""
        name = self.name(formula)
        return self._formulas.get(name) is formula and name not in self.functions


class _FormulaReader:
    """Reads one formula."""

    def __init__(self, reader: Reader, formula: Formula) -> None:
        self.reader = reader
        self.precision = reader.precision
        self.formula = formula
        function = formula.function
        self.globals = function.__globals__
        self.file = Path(inspect.getsourcefile(function) or "<unknown>")
        try:
            lines, self.first_line = inspect.getsourcelines(function)
        except OSError as error:
            raise FormulaError(
                f"{self.place()}:{function.__code__.co_firstlineno}: the source text of "
                f"{formula.name} cannot be found"
            ) from error
        self.text = textwrap.dedent("".join(lines))
        self.locals: set[str] = set()

    def read(self, name: str) -> tree.Function:
        definition = ast.parse(self.text).body[0]
        if not isinstance(definition, ast.FunctionDef):
            self.refuse(definition, "a formula that is not a plain function")
        arguments = definition.args
        if arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
            self.refuse(definition, "an argument that is not a plain parameter")
        params = tuple(argument.arg for argument in arguments.args)
        self.locals.update(params)
        *statements, last = definition.body
        if statements and isinstance(statements[0], ast.Expr) and ast.get_docstring(definition):
            statements = statements[1:]
        body = tuple(self.assignment(statement) for statement in statements)
        if not isinstance(last, ast.Return) or last.value is None:
            self.refuse(last, "a last statement that does not return a value")
        results = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
        return tree.Function(
            name=name,
            params=params,
            body=body,
            results=tuple(self.expression(result) for result in results),
            precision=self.precision,
            summary=(inspect.getdoc(self.formula) or "").partition("\n")[0],
            source=f"{self.place()}:{self.first_line}",
        )

    def place(self) -> str:
        """The file, as a reader of the package knows it."""
        if self.file.is_relative_to(_PACKAGE):
            return self.file.relative_to(_PACKAGE.parent).as_posix()
        return self.file.name

    def refuse(self, node: ast.AST, what: str) -> NoReturn:
        offset = getattr(node, "lineno", 1) - 1
        line = self.first_line + offset
        text = self.text.splitlines()[offset].strip()
        raise FormulaError(
            f"{self.place()}:{line}: {what} is not in the formula language: {text}",
            (str(self.file), line, getattr(node, "col_offset", 0) + 1, text),
        )

    def assignment(self, statement: ast.stmt) -> tree.Assign:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            self.refuse(statement, f"the statement {type(statement).__name__}")
        (target,) = statement.targets
        nodes = target.elts if isinstance(target, ast.Tuple) else [target]
        names = []
        for node in nodes:
            if not isinstance(node, ast.Name):
                self.refuse(node, "an assignment to anything but a name")
            if node.id in self.locals or node.id in names:
                self.refuse(node, f"a second value for {node.id!r}")
            names.append(node.id)
        if len(names) > 1 and not isinstance(statement.value, ast.Call):
            self.refuse(statement, "several targets for anything but a call")
        value = self.expression(statement.value, results=len(names))
        self.locals.update(names)
        return tree.Assign(tuple(names), value)

    def expression(self, node: ast.expr, results: int = 1) -> tree.Expr:
        match node:
            case ast.Constant(value=bool()):
                self.refuse(node, f"the value {ast.unparse(node)}")
            case ast.Constant(value=int() | float() as value):
                return self.constant(node, value)
            case ast.Name(id=name) if name in self.locals:
                return tree.Name(name)
            case ast.Name() | ast.Attribute():
                return self.global_constant(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                a = self.expression(operand)
                return tree.Const(-a.value) if isinstance(a, tree.Const) else tree.Negate(a)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return tree.Binary(self.expression(left), _BINARY[type(op)], self.expression(right))
            case ast.IfExp(test=test, body=a, orelse=b):
                return tree.Select(self.comparison(test), self.expression(a), self.expression(b))
            case ast.Call():
                return self.call(node, results)
            case ast.BinOp(op=operator) | ast.UnaryOp(op=operator):
                self.refuse(node, f"the operator {type(operator).__name__}")
        self.refuse(node, f"the expression {type(node).__name__}")

    def comparison(self, node: ast.expr) -> tree.Compare:
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                return tree.Compare(
                    self.expression(left), _COMPARE[type(op)], self.expression(right)
                )
        self.refuse(node, "a condition that is not one comparison")

    def constant(self, node: ast.AST, value: float | Fraction) -> tree.Const:
        try:
            number = rounded(value, self.precision)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.refuse(node, f"a number that {self.precision.dtype} does not hold")
        return tree.Const(number)

    def look_up(self, node: ast.expr) -> object:
        """What a name outside the formula stands for."""
        if not isinstance(node, ast.Name):
            self.refuse(node, f"the expression {type(node).__name__}")
        if node.id in self.locals:
            self.refuse(node, f"the variable {node.id!r} as anything but a number")
        if node.id not in self.globals:
            self.refuse(node, f"the name {node.id!r}, which nothing defines,")
        value = self.globals[node.id]
        if isinstance(value, PerPrecision):
            return value.choose(self.precision, self.reader.fast)
        return value

    def global_constant(self, node: ast.Name | ast.Attribute) -> tree.Const:
        if isinstance(node, ast.Attribute):
            value = self.look_up(node.value)
            if isinstance(value, Exact) and node.attr in _PARTS:
                rest = Fraction(value.digits)
                for _ in range(_PARTS.index(node.attr)):
                    rest -= Fraction(self.constant(node, rest).value)
                return self.constant(node, rest)
        else:
            value = self.look_up(node)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return self.constant(node, value)
        self.refuse(node, f"{ast.unparse(node)!r}, which is not a number,")

    def call(self, node: ast.Call, results: int) -> tree.Expr:
        if node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
            self.refuse(node, "a call with anything but plain positional arguments")
        target = self.look_up(node.func)
        if target is polynomial:
            return self.horner(node)
        if isinstance(target, Record):
            target = target.value
        if not isinstance(target, Formula | Leaf):
            self.refuse(node, f"a call of {ast.unparse(node.func)!r}")
        if len(node.args) != target.arity:
            self.refuse(node, f"a call of {target.name} with {len(node.args)} arguments")
        returned = 1
        if isinstance(target, Formula):
            if self.reader.is_open(target):
                self.refuse(node, f"the recursion of {target.name}")
            returned = len(self.reader.read(target).results)
        if returned != results:
            self.refuse(node, f"the use of {target.name}, which returns {returned} results, here")
        args = tuple(self.expression(arg) for arg in node.args)
        if isinstance(target, Leaf):
            return tree.Call(f"{target.name}_{self.precision.suffix}", args)
        return tree.Call(self.reader.name(target), args)

    def horner(self, node: ast.Call) -> tree.Horner:
        if len(node.args) == 2 and isinstance(node.args[0], ast.Name):
            x = self.expression(node.args[0])
            coefficients = self.look_up(node.args[1])
            if isinstance(x, tree.Name) and isinstance(coefficients, tuple) and coefficients:
                return tree.Horner(x, tuple(self.constant(node, c) for c in coefficients))
        self.refuse(node, "polynomial of anything but a variable and a tuple of coefficients")
