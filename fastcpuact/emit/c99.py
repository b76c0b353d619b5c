"""Prints C99: functions that need neither libm nor any other library.

Nothing is left to the flags of a compiler that nobody knows yet: every operation is cast to its
type, which rounds it where expressions are computed in a longer one (FLT_EVAL_METHOD), and
contraction to FMA is off.  All names get a prefix, and all text is ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path

from ..formulas.language import Precision
from .printer import Printer
from .tree import Compare, Const, Expr, Function, Select

LEAVES = Path(__file__).with_name("c99_leaves.h")
_DEFINED = re.compile(r"^static inline \w+ (\w+)\(", re.MULTILINE)
_SUFFIXES = {"float": "f", "double": ""}

# The words of C99, and those of C++, from where the headers may be included too.
_WORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while
    alignas alignof and asm bool catch char16_t char32_t char8_t class compl concept const_cast
    consteval constexpr constinit co_await co_return co_yield decltype delete dynamic_cast explicit
    export false friend mutable namespace new noexcept not nullptr operator or private protected
    public reinterpret_cast requires static_assert static_cast template this thread_local throw
    true try typeid typename using virtual wchar_t xor
"""
KEYWORDS = frozenset(_WORDS.split())

# What formulas and their sentences are written with.
_ASCII = str.maketrans(
    {"·": "*", "²": "^2", "³": "^3", "⁻": "^-", "√": "sqrt ", "–": "-", "…": "...", "×": "*"}
)

# For GCC, whose default is to contract where C99 is not asked for; it ignores the standard pragma.
BEGIN = """\
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#endif"""
END = """\
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif"""


def ascii_text(text: str) -> str:
    """Write text without any other character: Greek letters by their names, accents dropped."""

    def plain(character: str) -> str:
        if character.isascii():
            return character
        name = unicodedata.name(character, "").lower()
        if name.startswith("greek"):
            word = name.split()[3]
            return word.capitalize() if "capital" in name else word
        return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or "?"

    return "".join(map(plain, text.translate(_ASCII)))


def comment(text: str) -> str:
    """Write a comment, of one line or more."""
    lines = ascii_text(text).replace("*/", "* /").replace("/*", "/ *").splitlines()
    return "\n".join(["/* " + lines[0], *(f" * {line}".rstrip() for line in lines[1:])]) + " */"


def number(value: float, c_type: str) -> str:
    """Write a floating constant: plainly if that is short and exact, else in hexadecimal.

    Compilers need not round decimals correctly (C99 6.4.4.2).
    """
    short = len(Decimal(value).as_tuple().digits) <= 8 and 1e-4 <= abs(value) < 1e9
    if value == 0 or short:
        text = repr(float(value))
    else:
        mantissa, _, exponent = float(value).hex().partition("p")
        text = f"{mantissa.rstrip('0').rstrip('.')}p{exponent}"
    return text + _SUFFIXES[c_type]


class C99Printer(Printer):
    """C99, with ``prefix`` before the name of every function."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def expression(
        self, node: Expr, precision: Precision, names: dict[str, str] | None = None, outer: int = 0
    ) -> str:
        """Write an expression."""
        match node:
            # LLVM 14 takes x < 0 ? -0 : x for a maximum and answers 0 with -0, unless both zeros
            # are the same.
            case Select(Compare(x, op, Const(0)), Const(0) as zero, other):
                node = Select(Compare(x, op, zero), zero, other)
        return super().expression(node, precision, names, outer)

    def number(self, value: float, precision: Precision) -> str:
        """Write a number: a bare literal is double."""
        return number(value, precision.c_type)

    def name(self, name: str) -> str:
        """Write a variable; Python allows more names than C."""
        if name.isascii():
            return f"{name}_" if name in KEYWORDS else name
        return "".join(c if c.isascii() else f"u{ord(c):x}" for c in name)

    def callee(self, function: str) -> str:
        """Write the name of a function."""
        return self.prefix + self.name(function)

    def choice(self, test: str, a: str, b: str, precision: Precision) -> str:
        """Write ``a if test else b``."""
        a, b = (f"({arm})" if "?" in arm else arm for arm in (a, b))
        return f"{test} ? {a} : {b}"

    def operand(self, text: str, brackets: bool, precision: Precision) -> str:
        """Write an operation that is an operand of another one: rounded first."""
        return f"({precision.c_type})({text})"

    def assignment(
        self, targets: tuple[str, ...], value: str, declared: Precision | None = None
    ) -> str:
        """Write a statement; a function with several results takes pointers to them."""
        names = [self.name(target) for target in targets]
        real = f"{declared.c_type} " if declared else ""
        if len(names) == 1:
            return f"{real}{names[0]} = {value};"
        pointers = ", ".join(f"&{name}" for name in names)
        return f"{real}{', '.join(names)};\n{value.removesuffix(')')}, {pointers});"

    def conclusion(self, results: list[str]) -> list[str]:
        """Write the statements that return the results."""
        if len(results) == 1:
            return [f"return {results[0]};"]
        return [
            f"*{name} = {value};" for name, value in zip(_results(results), results, strict=True)
        ]

    def function(self, function: Function) -> str:
        """Write one function."""
        real = function.precision.c_type
        params = [f"{real} {self.name(param)}" for param in function.params]
        if len(function.results) > 1:
            params += [f"{real} *{name}" for name in _results(function.results)]
        returns = real if len(function.results) == 1 else "void"
        statements = list(self.statements(function))
        text = "\n".join(statements)

        def unused(names: Iterable[str], uses: int) -> list[str]:
            # What a tier leaves out, and compilers warn of.
            found = (self.name(name) for name in names)
            return [f"(void){n};" for n in found if len(re.findall(rf"\b{n}\b", text)) == uses]

        end = len(statements) - len(function.results)
        variables = [target for assign in function.body for target in assign.targets]
        body = "\n".join(
            [
                *(*unused(function.params, 0), *statements[:end]),
                *(*unused(variables, 1), *statements[end:]),
            ]
        )
        if " * " in body:
            body = f"{self.as_written}\n{body}"
        return definition(returns, self.callee(function.name), params, body, function.summary)

    @property
    def as_written(self) -> str:
        """What the body of a function with products has to begin with."""
        return f"{self.prefix.upper()}AS_WRITTEN"

    def preamble(self) -> str:
        """Write what functions begin with: no contraction, for Clang."""
        return f"""\
#ifdef __clang__
#define {self.as_written} _Pragma("STDC FP_CONTRACT OFF")
#else
#define {self.as_written}
#endif"""

    def leaves(self, text: str) -> str:
        """Write the leaves that ``text`` calls, and those that they call, in order."""
        paragraphs = _leaf_paragraphs()
        names = "|".join(paragraphs)
        called = re.compile(rf"\b({names})\b")
        wanted: set[str] = set()
        new = set(re.findall(rf"\b{re.escape(self.prefix)}({names})\b", text))
        while new:
            wanted |= new
            new = {n for name in new for n in called.findall(paragraphs[name])} - wanted
        return "\n\n".join(
            called.sub(rf"{self.prefix}\1", ascii_text(paragraph))
            for name, paragraph in paragraphs.items()
            if name in wanted
        )


def definition(returns: str, name: str, params: Iterable[str], body: str, summary: str) -> str:
    """Write a function of C statements."""
    lines = [comment(summary)] if summary else []
    lines += [f"static inline {returns} {name}({', '.join(params)})", "{"]
    lines += [f"    {line}" if line else "" for line in body.splitlines()]
    return "\n".join([*lines, "}"])


def _results(results: Iterable[object]) -> list[str]:
    """Names of the pointers to several results; no variable of Python can be called so twice."""
    return [f"result_{k}_" for k, _ in enumerate(results)]


@cache
def _leaf_paragraphs() -> dict[str, str]:
    """The leaves by name, in the order in which they can be defined."""
    paragraphs = LEAVES.read_text(encoding="utf-8").strip().split("\n\n")
    return {
        found[1]: paragraph for paragraph in paragraphs if (found := _DEFINED.search(paragraph))
    }
