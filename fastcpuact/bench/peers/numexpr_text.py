"""numexpr: an expression in a string."""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

import numexpr
import numpy as np

from ..cases import Case, Operands
from .base import Call, Peer
from .textbook import expressions, names_in

# Of the textbook; numexpr has no error function.
_FUNCTIONS = ("exp", "expm1", "log1p", "tanh", "sin", "sqrt", "abs")


class NumexprText(Peer):
    """``numexpr.evaluate``."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        numexpr.set_num_threads(threads)

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Spell the textbook's expression as numexpr does, numbers of the type of the arrays."""
        real = np.dtype(case.dtype).type
        calls: list[tuple[Any, ...]] = []
        texts = expressions(case)
        for text, out in zip(texts, operands.out, strict=bool(texts)):
            spelled = _spelled(text)
            if spelled is None:
                return None
            text, numbers = spelled
            values: dict[str, Any] = {name: real(number) for name, number in numbers.items()}
            values |= {name: getattr(operands, name) for name in names_in(text)}
            calls.append((text, values, {}, *((out,) if case.result == "out" else ())))
        if not calls:
            return None
        left_in = operands.out if case.result == "out" else ()
        from_output = any("y" in call[1] for call in calls)
        if len(calls) == 1:
            return Call(numexpr.evaluate, calls[0], left_in=left_in, from_output=from_output)
        return Call(lambda: [numexpr.evaluate(*call) for call in calls], (), left_in=left_in)

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """Evaluate one expression for each result: an expression has no more than one."""
        return self.elementwise(case, operands)


@cache
def _spelled(text: str) -> tuple[str, dict[str, float]] | None:
    """Translate an expression; None if it calls a function that numexpr does not have."""
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) not in _FUNCTIONS:
            return None
    spelling = _Spelling()
    return ast.unparse(ast.fix_missing_locations(spelling.visit(tree))), spelling.numbers


class _Spelling(ast.NodeTransformer):
    """From Python's expressions to numexpr's."""

    def __init__(self) -> None:
        self.numbers: dict[str, float] = {}

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("where"), [node.test, node.body, node.orelse], [])

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        first, *others = node.values
        for other in others:
            first = ast.BinOp(first, ast.BitAnd(), other)
        return first

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        # A number with a point would make float64 of a float32 expression.
        if not isinstance(node.value, float):
            return node
        name = f"c{len(self.numbers)}"
        self.numbers[name] = node.value
        return ast.Name(name)
