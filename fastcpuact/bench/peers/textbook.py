"""Activations as formulas of a textbook, for libraries that compile an expression of numbers.

An expression is in Python: of x, and for gradients of the upstream gradient dy and the output y
too, with the parameters at their defaults and those without one under their names.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ..cases import GATES, Case

_S = "(1 / (1 + exp(-x)))"
_S_1702 = "(1 / (1 + exp(-1.702 * x)))"
_SOFTPLUS = "log1p(exp(x))"
_T = f"tanh({_SOFTPLUS})"
_GELU_T = "tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))"

# By name: the value, and dy·f'(x).
# fmt: off
TEXTBOOK: dict[str, tuple[str, str]] = {
    # straight lines
    "identity": ("x", "dy"),
    "step": ("1.0 if x > 0 else 0.0", "0.0 * dy"),
    "spike_atan": ("1.0 if x > 0 else 0.0", "dy / (1 + 9.869604401089358 * x * x)"),
    "spike_fast_sigmoid": (
        "1.0 if x > 0 else 0.0",
        "dy / ((1 + 25 * abs(x)) * (1 + 25 * abs(x)))"),
    "relu": ("x if x > 0 else 0.0", "dy if x > 0 else 0.0"),
    "relu6": (
        "0.0 if x < 0 else (6.0 if x > 6 else x)",
        "dy if x > 0 and x < 6 else 0.0"),
    "relu_squared": ("x * x if x > 0 else 0.0", "2 * dy * x if x > 0 else 0.0"),
    "leaky_relu": ("x if x > 0 else 0.01 * x", "dy if x > 0 else 0.01 * dy"),
    "prelu": ("x if x > 0 else 0.25 * x", "dy if x > 0 else 0.25 * dy"),
    "threshold": ("x if x > threshold else value", "dy if x > threshold else 0.0"),
    "hardtanh": (
        "-1.0 if x < -1 else (1.0 if x > 1 else x)",
        "dy if x > -1 and x < 1 else 0.0"),
    "hardsigmoid": (
        "0.0 if x < -3 else (1.0 if x > 3 else x / 6 + 0.5)",
        "dy / 6 if x > -3 and x < 3 else 0.0"),
    "hardswish": (
        "0.0 if x < -3 else (x if x > 3 else x * (x + 3) / 6)",
        "0.0 if x < -3 else (dy if x > 3 else dy * (2 * x + 3) / 6)"),
    "softshrink": (
        "x - 0.5 if x > 0.5 else (x + 0.5 if x < -0.5 else 0.0)",
        "dy if abs(x) > 0.5 else 0.0"),
    "hardshrink": ("x if abs(x) > 0.5 else 0.0", "dy if abs(x) > 0.5 else 0.0"),
    "sparse_sigmoid": (
        "0.0 if x < -1 else (1.0 if x > 1 else 0.5 * x + 0.5)",
        "0.5 * dy if x > -1 and x < 1 else 0.0"),
    "sparse_plus": (
        "0.0 if x < -1 else (x if x > 1 else 0.25 * (x + 1) * (x + 1))",
        "0.0 if x < -1 else (dy if x > 1 else 0.5 * dy * (x + 1))"),

    # sigmoids
    "sigmoid": (_S, "dy * y * (1 - y)"),
    "tanh": ("tanh(x)", "dy * (1 - y * y)"),
    "softsign": ("x / (1 + abs(x))", "dy / ((1 + abs(x)) * (1 + abs(x)))"),
    "tanhshrink": ("x - tanh(x)", "dy * tanh(x) * tanh(x)"),

    # exponential tails
    "exponential": ("exp(x)", "dy * y"),
    "gaussian": ("exp(-x * x)", "-2 * dy * x * y"),
    "elu": ("x if x > 0 else expm1(x)", "dy if x > 0 else dy * exp(x)"),
    "celu": ("x if x > 0 else expm1(x)", "dy if x > 0 else dy * exp(x)"),
    "selu": (
        "1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * expm1(x))",
        "1.0507009873554805 * (dy if x > 0 else 1.6732632423543772 * dy * exp(x))"),
    "softplus": (
        "(x if x > 0 else 0.0) + log1p(exp(-abs(x)))",
        f"dy * {_S}"),
    "logsigmoid": (
        "(x if x < 0 else 0.0) - log1p(exp(-abs(x)))",
        "dy / (1 + exp(x))"),
    "squareplus": (
        "0.5 * (x + sqrt(x * x + 4))",
        "0.5 * dy * (1 + x / sqrt(x * x + 4))"),

    # self-gated
    "silu": ("x / (1 + exp(-x))", f"dy * {_S} * (1 + x * (1 - {_S}))"),
    "swish": ("x / (1 + exp(-x))", f"dy * {_S} * (1 + x * (1 - {_S}))"),
    "gelu": (
        "0.5 * x * (1 + erf(0.7071067811865476 * x))",
        "dy * (0.5 * (1 + erf(0.7071067811865476 * x))"
        " + 0.3989422804014327 * x * exp(-0.5 * x * x))"),
    "gelu_tanh": (
        f"0.5 * x * (1 + {_GELU_T})",
        f"0.5 * dy * (1 + {_GELU_T}"
        f" + 0.7978845608028654 * x * (1 + 0.134145 * x * x) * (1 - {_GELU_T} * {_GELU_T}))"),
    "gelu_sigmoid": (
        "x / (1 + exp(-1.702 * x))",
        f"dy * {_S_1702} * (1 + 1.702 * x * (1 - {_S_1702}))"),
    "mish": (f"x * {_T}", f"dy * ({_T} + x * {_S} * (1 - {_T} * {_T}))"),
    "serf": (
        f"x * erf({_SOFTPLUS})",
        f"dy * (erf({_SOFTPLUS})"
        f" + 1.1283791670955126 * x * exp(-{_SOFTPLUS} * {_SOFTPLUS}) * {_S})"),
    "dish": (
        "0.5 * x * (x / sqrt(x * x + 1) + 1)",
        "0.5 * dy * (1 + x * (x * x + 2) / ((x * x + 1) * sqrt(x * x + 1)))"),
    "snake": ("x + sin(x) * sin(x)", "dy * (1 + sin(2 * x))"),
}
# fmt: on


def expressions(case: Case) -> tuple[str, ...]:
    """Return the expression of each result of a case; none if it is not in the book."""
    if case.kind == "gated":
        g, slope = TEXTBOOK[GATES[case.name]]
        # What the book gives from the output there is given by the expression of the output.
        g = _replaced(g, {"x": "gate"})
        slope = _replaced(slope, {"x": "gate", "y": g, "dy": "dy * x"})
        return (f"x * ({g})",) if case.form == "value" else (f"dy * ({g})", slope)
    if case.name not in TEXTBOOK:
        return ()
    value, backward = TEXTBOOK[case.name]
    numbers = {name: repr(number) for name, number in case.given.items()}
    return (_replaced(value if case.form == "value" else backward, numbers),)


def _replaced(text: str, by: Mapping[str, str]) -> str:
    """Put expressions in the place of names."""
    return ast.unparse(_Replacement(by).visit(ast.parse(text, mode="eval")))


class _Replacement(ast.NodeTransformer):
    def __init__(self, by: Mapping[str, str]) -> None:
        self.by = {name: ast.parse(text, mode="eval").body for name, text in by.items()}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.by.get(node.id, node)


def names_in(*texts: str) -> list[str]:
    """Return the names of arrays that expressions use."""
    nodes = (node for text in texts for node in ast.walk(ast.parse(text)))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    return [name for name in ("dy", "x", "y", "gate") if name in used]
