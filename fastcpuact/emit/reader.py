"""Reads formulas into trees, and refuses what the language does not have.

The text of a formula is parsed, never executed.  Names are looked up where Python would look
them up: parameters and variables first, then the module that holds the formula.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import math
import textwrap
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from ..formulas.language import (
    Derivative,
    Exact,
    Formula,
    Leaf,
    PerPrecision,
    Precision,
    polynomial,
)
from ..formulas.registry import Record
from . import tree
from .derivative import derive
from .tree import rounded

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARE = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
# What Python calls the operators and statements that formulas lack, and what formulas say instead.
_OPERATORS = {
    ast.Pow: "the operator ** (multiply, or use exp and log)",
    ast.Mod: "the operator %",
    ast.FloorDiv: "the operator //",
    ast.MatMult: "the operator @",
    ast.LShift: "the operator <<",
    ast.RShift: "the operator >>",
    ast.BitAnd: "the operator &",
    ast.BitOr: "the operator |",
    ast.BitXor: "the operator ^",
    ast.UAdd: "the unary operator +",
    ast.Not: "the operator not",
    ast.Invert: "the operator ~",
}
_EXPRESSIONS: dict[type[ast.expr], str] = {
    ast.BoolOp: "and/or",
    ast.Compare: "a comparison outside a condition",
    ast.Lambda: "a lambda",
    ast.Subscript: "a subscript",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Await: "await",
    ast.NamedExpr: "the operator :=",
    ast.JoinedStr: "a string",
    ast.Tuple: "a tuple",
    ast.List: "a list",
    ast.Dict: "a dict",
    ast.Set: "a set",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Starred: "the star",
}
_INSTEAD = {
    "abs": "fabs",
    "absolute": "fabs",
    "max": "maximum",
    "fmax": "maximum",
    "min": "minimum",
    "fmin": "minimum",
    "where": "a if condition else b",
    "pow": "exp and log",
    "power": "exp and log",
}
_PARTS = ("hi", "lo", "rest")  # of an Exact constant
# Python takes 200 brackets within each other, of which printing makes up to two an operation.
_DEEPEST = 80
_PACKAGE = Path(__file__).parents[1]


class FormulaError(SyntaxError):
    """A formula holds something that the formula language does not have."""


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
        if not name.isidentifier():
            raise FormulaError(f"the name of a formula must be an identifier, got {formula.name!r}")
        if self._formulas.setdefault(name, formula) is not formula:
            other = self._formulas[name].function.__code__
            raise FormulaError(
                f"{formula.function.__code__.co_filename}:"
                f"{formula.function.__code__.co_firstlineno}: a second formula of the name "
                f"{formula.name!r}, after {other.co_filename}:{other.co_firstlineno}"
            )
        if name not in self.functions:
            try:
                self.functions[name] = self._tree(formula, name)
            except RecursionError:
                raise FormulaError(f"{formula.name} is nested too deeply") from None
        return self.functions[name]

    def _tree(self, formula: Formula, name: str) -> tree.Function:
        if isinstance(formula, Derivative):
            return derive(self, formula, name)
        text = formula.fast_text if self.fast and formula.fast_text else formula
        return _FormulaReader(self, text).read(name)

    def name(self, formula: Formula) -> str:
        """The printed name of a formula."""
        return formula_name(formula, self.fast, self.precision)

    def formula(self, name: str) -> Formula:
        """The formula of a printed name."""
        return self._formulas[name]

    def is_open(self, formula: Formula) -> bool:
        """Whether a formula is being read: then it calls itself."""
        name = self.name(formula)
        return self._formulas.get(name) is formula and name not in self.functions


def _formula_of(target: object) -> object:
    """The formula that a record, an activation or one of its forms stands for in a call."""
    record = getattr(target, "record", target)
    if not isinstance(record, Record):
        return target
    form = getattr(target, "form", None)
    if form is None:
        return record.value
    computed = "dy" not in form.operands and len(form.results) == 1
    exact = not getattr(target, "is_fast", False)
    return record.formulas[form.results[0]] if computed and exact else target


def _closure(function: Any) -> dict[str, object]:
    """The variables of the functions around a function, as far as they have values."""
    values = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            values[name] = cell.cell_contents
    return values


def _instead(node: ast.expr) -> str:
    """What a formula says in place of a function that is not for formulas."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    word = _INSTEAD.get(name)
    return f" (use {word})" if word else " (the words are in fastcpuact.language)"


def place(file: Path) -> str:
    """Name a file as a reader of the package knows it."""
    return (
        file.relative_to(_PACKAGE.parent).as_posix() if file.is_relative_to(_PACKAGE) else file.name
    )


class _FormulaReader:
    """Reads one formula."""

    def __init__(self, reader: Reader, formula: Formula) -> None:
        self.reader = reader
        self.precision = reader.precision
        self.formula = formula
        function = formula.function
        self.globals = {**function.__globals__, **_closure(function)}
        self.file = Path(function.__code__.co_filename)
        try:
            lines, self.first_line = formula.lines()
        except OSError as error:
            raise FormulaError(
                f"{place(self.file)}:{function.__code__.co_firstlineno}: the source text of "
                f"{formula.name} cannot be found: it must stand in a file or a notebook"
            ) from error
        self.text = textwrap.dedent("".join(lines))
        self.locals: set[str] = set()
        self.depth = 0

    def read(self, name: str) -> tree.Function:
        definition = ast.parse(self.text).body[0]
        if not isinstance(definition, ast.FunctionDef):
            self.refuse(definition, "a formula that is not a plain function")
        arguments = definition.args
        if arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
            self.refuse(definition, "an argument that is not a plain parameter")
        params = tuple(argument.arg for argument in arguments.args)
        if params != tuple(self.formula.arguments):
            self.refuse(definition, "a text with other parameters than the function")
        self.locals.update(params)
        *statements, last = definition.body
        if statements and isinstance(statements[0], ast.Expr) and ast.get_docstring(definition):
            statements = statements[1:]
        body = tuple(self.assignment(statement) for statement in statements)
        if not isinstance(last, ast.Return):
            self.assignment(last)
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
            source=f"{place(self.file)}:{self.first_line}",
        )

    def refuse(self, node: ast.AST, what: str) -> NoReturn:
        offset = getattr(node, "lineno", 1) - 1
        line = self.first_line + offset
        text = self.text.splitlines()[offset].strip()
        raise FormulaError(
            f"{place(self.file)}:{line}: {what} is not in the formula language: {text}",
            (str(self.file), line, getattr(node, "col_offset", 0) + 1, text),
        )

    def assignment(self, statement: ast.stmt) -> tree.Assign:
        if isinstance(statement, ast.Expr):
            self.expression(statement.value)
            self.refuse(statement, "an expression that is not used")
        if isinstance(statement, ast.AugAssign | ast.AnnAssign):
            self.refuse(statement, "an assignment with an operator or an annotation")
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            self.refuse(statement, f"the statement {ast.unparse(statement).split()[0].rstrip(':')}")
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
        if self.depth == _DEEPEST:
            self.refuse(node, f"an expression of more than {_DEEPEST} operations within each other")
        self.depth += 1
        try:
            return self._expression(node, results)
        finally:
            self.depth -= 1

    def _expression(self, node: ast.expr, results: int) -> tree.Expr:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self.constant(node, value)
            case ast.Constant():
                self.refuse(node, f"the value {ast.unparse(node)}")
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
                self.refuse(node, _OPERATORS[type(operator)])
        self.refuse(node, _EXPRESSIONS.get(type(node), f"the expression {type(node).__name__}"))

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
            self.refuse(node, f"the name {node.id!r}, which nothing defines{_instead(node)},")
        value = self.globals[node.id]
        if isinstance(value, PerPrecision):
            return value.choose(self.precision, self.reader.fast)
        return value

    def global_constant(self, node: ast.Name | ast.Attribute) -> tree.Const:
        if isinstance(node, ast.Attribute):
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id in self.locals:
                self.refuse(node, f"the attribute {node.attr!r} of a number")
            value = self.callee(owner)
            if isinstance(value, Exact) and node.attr in _PARTS:
                rest = Fraction(value.digits)
                for _ in range(_PARTS.index(node.attr)):
                    rest -= Fraction(self.constant(node, rest).value)
                return self.constant(node, rest)
            # Numbers of modules are constants; those of other objects may change.
            value = getattr(value, node.attr, None) if isinstance(value, ModuleType) else None
        else:
            value = self.look_up(node)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.constant(node, value)
        self.refuse(node, f"{ast.unparse(node)!r}, which is not a number,")

    def call(self, node: ast.Call, results: int) -> tree.Expr:
        if any(isinstance(arg, ast.Starred) for arg in node.args):
            self.refuse(node, "a call with anything but plain positional arguments")
        target = self.callee(node.func)
        if results > 1 and (target is polynomial or isinstance(target, Leaf)):
            self.refuse(node, f"the use of {ast.unparse(node.func)}, which returns 1 results, here")
        if target is polynomial:
            return self.horner(node)
        target = _formula_of(target)
        if not isinstance(target, Formula | Leaf):
            self.refuse(node, f"a call of {ast.unparse(node.func)!r}{_instead(node.func)}")
        args = self.arguments(node, target)
        if isinstance(target, Leaf):
            return tree.Call(f"{target.name}_{self.precision.suffix}", args)
        if self.reader.is_open(target):
            self.refuse(node, f"the recursion of {target.name}")
        returned = len(self.reader.read(target).results)
        if returned != results:
            self.refuse(node, f"the use of {target.name}, which returns {returned} results, here")
        return tree.Call(self.reader.name(target), args)

    def callee(self, node: ast.expr) -> object:
        """What is called: a name, or an attribute of one, such as ``act.gelu.grad``."""
        if isinstance(node, ast.Attribute):
            return getattr(self.callee(node.value), node.attr, None)
        return self.look_up(node)

    def arguments(self, node: ast.Call, target: Formula | Leaf) -> tuple[tree.Expr, ...]:
        """The arguments of a call in the order of the callee, by name and by default too."""
        given: dict[str, ast.expr | float | None]
        if isinstance(target, Leaf) or not (node.keywords or len(node.args) < target.arity):
            if node.keywords:
                self.refuse(node, "a call with anything but plain positional arguments")
            given = {str(k): arg for k, arg in enumerate(node.args)}
        else:
            given = {**target.arguments, **dict(zip(target.arguments, node.args, strict=False))}
            for keyword in node.keywords:
                if keyword.arg not in list(target.arguments)[len(node.args) :]:
                    self.refuse(node, f"the argument {keyword.arg!r} of {target.name}")
                given[keyword.arg] = keyword.value
        if len(given) != target.arity or None in given.values():
            self.refuse(node, f"a call of {target.name} with {len(node.args)} arguments")
        return tuple(
            self.expression(arg) if isinstance(arg, ast.expr) else self.constant(node, arg)
            for arg in given.values()
            if arg is not None
        )

    def horner(self, node: ast.Call) -> tree.Horner:
        if len(node.args) == 2 and isinstance(node.args[0], ast.Name):
            x = self.expression(node.args[0])
            table = node.args[1]
            coefficients: object
            if isinstance(table, ast.Tuple):
                numbers = [self.expression(number) for number in table.elts]
                constants = [number.value for number in numbers if isinstance(number, tree.Const)]
                coefficients = tuple(constants) if len(constants) == len(numbers) else None
            else:
                coefficients = self.look_up(table)
            if isinstance(x, tree.Name) and isinstance(coefficients, tuple) and coefficients:
                return tree.Horner(x, tuple(self.constant(node, c) for c in coefficients))
        self.refuse(node, "polynomial of anything but a variable and a tuple of coefficients")
