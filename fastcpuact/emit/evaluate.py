"""Runs a tree on NumPy arrays in float64: slowly, and with nothing to compile.

A product-sum is rounded twice here.  So the last digits differ from those of the kernels, which
does not matter where a formula is compared with its derivative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .tree import Binary, Call, Compare, Const, Expr, Function, Horner, Name, Negate, Select

Array: TypeAlias = NDArray[np.float64]

_EXPONENT_BIAS, _DIGITS = 1023, 52
_OPERATORS: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


def _exp2_shifted(n: Array) -> Array:
    bits = (n.view(np.uint64) + np.uint64(_EXPONENT_BIAS)) << np.uint64(_DIGITS)
    return bits.view(np.float64)


_LEAVES: dict[str, Any] = {
    # In the extended precision of the machine, if it has one.
    "fma_f64": lambda a, b, c: (np.longdouble(a) * b + c).astype(np.float64),
    "fabs_f64": np.fabs,
    "copysign_f64": np.copysign,
    "sqrt_f64": np.sqrt,
    "exp2_shifted_f64": _exp2_shifted,
    "exponent_f64": lambda x: np.frexp(x)[1] - 1.0,
}


class Evaluator:
    """Runs functions of float64 and those that they call.

    Parameters
    ----------
    functions : mapping
        The functions by their printed names, as a reader collects them.
    """

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def __call__(self, function: Function, *args: Array) -> tuple[Array, ...]:
        """Return the results of a function of arrays of one shape."""
        with np.errstate(all="ignore"):
            return self._run(function, args)

    def _run(self, function: Function, args: tuple[Array, ...]) -> tuple[Array, ...]:
        variables = dict(zip(function.params, args, strict=True))
        shape = np.shape(args[0])

        def value(expr: Expr | Compare) -> Array:
            match expr:
                case Const(number):
                    return np.full(shape, number)
                case Name(id):
                    return variables[id]
                case Negate(a):
                    return -value(a)
                case Binary(a, op, b) | Compare(a, op, b):
                    result: Array = _OPERATORS[op](value(a), value(b))
                    return result
                case Select(condition, a, b):
                    return np.where(value(condition), value(a), value(b))
                case Horner(x, coefficients):
                    total = np.full(shape, coefficients[-1].value)
                    for c in coefficients[-2::-1]:
                        total = _LEAVES["fma_f64"](total, value(x), c.value)
                    return total
                case Call():
                    return results(expr)[0]

        def results(call: Call) -> tuple[Array, ...]:
            given = tuple(value(arg) for arg in call.args)
            if call.function in self._functions:
                return self._run(self._functions[call.function], given)
            return (_LEAVES[call.function](*given),)

        for assign in function.body:
            if len(assign.targets) == 1:
                variables[assign.targets[0]] = value(assign.value)
            else:
                assert isinstance(assign.value, Call)
                variables.update(zip(assign.targets, results(assign.value), strict=True))
        return tuple(value(result) for result in function.results)
