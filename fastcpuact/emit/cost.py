"""How much work a kernel does for one element, to judge from when a second thread pays."""

from __future__ import annotations

from collections.abc import Mapping

from .tree import Binary, Call, Compare, Const, Expr, Function, Horner, Kernel, Name, Negate, Select

# A division or a square root occupies the arithmetic units about as long as so many additions.
_SLOW = 8
_SLOW_LEAVES = ("sqrt_",)
# Loops of so few operations an element wait for memory, and arrays of parameters would make them
# wait longer: up to twice as long.
_FEW = 30


class OperationCount:
    """Counts arithmetic operations, those of the functions that are called included."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions
        self._known: dict[str, int] = {}

    def __call__(self, kernel: Kernel) -> int:
        """Return the operations for one element."""
        return sum(map(self._of, kernel.results))

    def wants_numbers(self, kernel: Kernel) -> bool:
        """Whether a kernel is worth another loop, for parameters that are one number each."""
        return bool(kernel.params) and self(kernel) <= _FEW

    def _of_function(self, name: str) -> int:
        if name not in self._functions:  # a leaf
            return _SLOW if name.startswith(_SLOW_LEAVES) else 1
        if name not in self._known:
            function = self._functions[name]
            parts = [assign.value for assign in function.body]
            self._known[name] = sum(map(self._of, (*parts, *function.results)))
        return self._known[name]

    def _of(self, node: Expr | Compare) -> int:
        match node:
            case Const() | Name():
                return 0
            case Negate(a):
                return 1 + self._of(a)
            case Binary(a, op, b):
                return (_SLOW if op == "/" else 1) + self._of(a) + self._of(b)
            case Compare(a, _, b):
                return 1 + self._of(a) + self._of(b)
            case Select(condition, a, b):
                return 1 + self._of(condition) + self._of(a) + self._of(b)
            case Horner(_, coefficients):
                return len(coefficients) - 1
            case Call(function, args):
                return self._of_function(function) + sum(map(self._of, args))
