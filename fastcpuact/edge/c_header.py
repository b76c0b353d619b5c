"""Headers of C99: what stands around an approximation, whatever it is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..emit import c99
from ..emit.c99 import C99Printer, comment, definition
from ..version import __version__

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Linkers of old promise no more (C99 5.2.4.1: 63 of internal names), with a suffix of ours.
_LONGEST = 40

# The inputs of a self-test in floating point: bit patterns of all numbers by a multiplicative
# sequence that meets each of them once (Knuth, TAOCP 6.4), of which two in four are moved to
# 1/8 <= |x| < 2 and 2 <= |x| < 32, where activations are curved.
SELFTEST_COUNT = 1024
GOLDEN = {4: 0x9E3779B1, 8: 0x9E3779B97F4A7C15}
# (bits to keep, bits to set) of the second and the last in four.
NEAR = {
    4: ((0x81FFFFFF, 0x3E000000), (0x81FFFFFF, 0x40000000)),
    8: ((0x803FFFFFFFFFFFFF, 0x3FC0000000000000), (0x803FFFFFFFFFFFFF, 0x4000000000000000)),
}
# The first inputs are 0, infinity, the smallest and the largest number, each with both signs.
_SPECIAL = {
    4: (0, 0x7F800000, 1, 0x7F7FFFFF),
    8: (0, 0x7FF0000000000000, 1, 0x7FEFFFFFFFFFFFFF),
}
SPECIAL = {
    width: tuple(bits | sign << (8 * width - 1) for bits in values for sign in (0, 1))
    for width, values in _SPECIAL.items()
}
# FNV-1a, a word at a time.
_FNV_START, _FNV_PRIME = 0x811C9DC5, 0x01000193


@dataclass(frozen=True)
class Function:
    """A function of a header: ``expression`` of x in C, and the same from NumPy."""

    suffix: str
    expression: str
    summary: str
    compute: Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Source:
    """An approximation in C.

    Attributes
    ----------
    title
        What it approximates, on the first line of the header.
    about
        Certificate and all else that a reader of the header has to know.
    input, output
        Types of argument and results.
    text
        Tables and functions that the expressions need, under the prefix `private` names.
    functions
        The public functions.
    """

    title: str
    about: str
    input: np.dtype[Any]
    output: np.dtype[Any]
    text: str
    functions: Sequence[Function]


def identifier(argument: str, value: object) -> str:
    """Check that ``value`` can start the name of a C function.

    Raises
    ------
    TypeError
        If it is not a string.
    ValueError
        If it is no ASCII identifier, or too long.
    """
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a str, got {type(value).__name__}")
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError(
            f"{argument} must be an ASCII identifier of C that starts with a letter, got {value!r}"
        )
    if len(value) > _LONGEST:
        raise ValueError(f"{argument} must have at most {_LONGEST} characters, got {value!r}")
    return value


def private(public: str) -> str:
    """Return the prefix of all names behind a public one."""
    return f"{public}_impl_"


def c_type(dtype: np.dtype[Any]) -> str:
    """Return the type in C."""
    if dtype.kind == "f":
        return {4: "float", 8: "double"}[dtype.itemsize]
    return f"{dtype.name}_t"


def selftest_inputs(dtype: np.dtype[Any], count: int = SELFTEST_COUNT) -> NDArray[Any]:
    """Return inputs as those of the self-test: all of an integer type, ``count`` of floats."""
    if dtype.kind != "f":
        info = np.iinfo(dtype)
        return np.arange(info.min, info.max + 1, dtype=dtype)
    unsigned = np.dtype(f"u{dtype.itemsize}")
    with np.errstate(over="ignore"):
        bits = np.arange(count, dtype=unsigned) * unsigned.type(GOLDEN[dtype.itemsize])
    for place, (keep, set_) in zip((1, 3), NEAR[dtype.itemsize], strict=True):
        bits[place::4] &= unsigned.type(keep)
        bits[place::4] |= unsigned.type(set_)
    special = SPECIAL[dtype.itemsize]
    bits[: len(special)] = special
    return bits.view(dtype)


def words(results: NDArray[Any]) -> NDArray[np.uint32]:
    """Return the results as words: of floats their bits, all NaN alike, high words first."""
    if results.dtype.kind != "f":
        return results.astype(np.int64).astype(np.uint32)
    same = np.where(np.isnan(results), results.dtype.type(np.nan), results)
    bits = same.view(f"u{same.itemsize}")
    if bits.itemsize == 4:
        return bits
    return np.stack([bits >> np.uint64(32), bits & np.uint64(0xFFFFFFFF)], -1).astype(np.uint32)


def checksum(columns: Sequence[NDArray[Any]]) -> int:
    """Return the hash of results, in the order in which the header computes them."""
    rows = [words(column).reshape(len(column), -1) for column in columns]
    value = _FNV_START
    for word in np.concatenate(rows, axis=1).ravel().tolist():
        value = (value ^ word) * _FNV_PRIME & 0xFFFFFFFF
    return value


def header(source: Source, public: str) -> str:
    """Return the text of a header, whose functions are called ``public`` and more."""
    printer = C99Printer(private(public))
    guard = f"{public.upper()}_H"
    functions = [_scalar(source, public, f) for f in source.functions]
    functions += [_array(source, public, f) for f in source.functions]
    functions += _selftest(source, printer, public)
    code = "\n\n".join([source.text, *functions]) if source.text else "\n\n".join(functions)
    leaves = printer.leaves(code)
    parts = [
        comment(_introduction(source, public)),
        f"#ifndef {guard}\n#define {guard}",
        "#include <stddef.h>\n#include <stdint.h>",
    ]
    if source.output.kind == "f" or "float" in code:
        parts += [_strict(source, guard), c99.BEGIN, printer.preamble(), leaves, code, c99.END]
    else:
        parts += [leaves, code]
    return "\n\n".join([*filter(None, parts), f"#endif /* {guard} */"]) + "\n"


def _introduction(source: Source, public: str) -> str:
    real, result = c_type(source.input), c_type(source.output)
    lines = [source.title, "", f"Generated by fastcpuact {__version__}.  Do not edit.", ""]
    for f in source.functions:
        lines.append(f"  {result} {public}{f.suffix}({real} x)")
        lines.append(f"      {f.summary}.")
    names = " and ".join(f"{public}{f.suffix}_array" for f in source.functions)
    lines.append(f"  void {names}(const {real} *x, {result} *y, size_t n)")
    lines.append("      The same of n numbers; y may be x.")
    lines.append(f"  int {public}_selftest(void)")
    lines.append("      1 if this device computes the very bits that were certified, else 0.")
    lines += ["", "Needs no library: no libm, no memory, nothing of the standard one.", ""]
    return "\n".join([*lines, source.about])


def _strict(source: Source, guard: str) -> str:
    lines = ["#ifdef __FAST_MATH__", f'#error "{guard} must not be compiled with -ffast-math"']
    lines.append("#endif")
    if source.output.itemsize == 8:
        lines = ["#include <float.h>", "", *lines]
        lines += ["#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1"]
        lines += [f'#error "{guard} needs a double that is not computed in a longer type"']
        lines += ["#endif"]
    return "\n".join(lines)


def _scalar(source: Source, public: str, f: Function) -> str:
    params = [f"{c_type(source.input)} x"]
    body = f"return {f.expression};"
    return definition(c_type(source.output), f"{public}{f.suffix}", params, body, f.summary + ".")


def _array(source: Source, public: str, f: Function) -> str:
    real, result = c_type(source.input), c_type(source.output)
    body = f"size_t i;\nfor (i = 0; i < n; ++i)\n    y[i] = {public}{f.suffix}(x[i]);"
    params = [f"const {real} *x", f"{result} *y", "size_t n"]
    summary = f"{f.summary}, of n numbers; y may be x."
    return definition("void", f"{public}{f.suffix}_array", params, body, summary)


def _selftest(source: Source, printer: C99Printer, public: str) -> list[str]:
    inputs = selftest_inputs(source.input)
    with np.errstate(all="ignore"):
        expected = checksum([f.compute(inputs) for f in source.functions])
    calls = [f"{public}{f.suffix}(x)" for f in source.functions]
    if source.input.kind == "f":
        bits, width = source.input.itemsize * 8, source.input.itemsize
        (keep1, set1), (keep3, set3) = NEAR[width]
        golden = GOLDEN[width]

        def constant(value: int) -> str:
            return f"UINT64_C({value:#x})" if bits == 64 else f"{value:#x}u"

        special = SPECIAL[width]
        listed = ", ".join(map(constant, special))
        loop = f"""\
static const uint{bits}_t special[{len(special)}] = {{
    {listed}
}};
uint{bits}_t any = 0;
int i;
for (i = 0; i < {SELFTEST_COUNT}; ++i) {{
    uint{bits}_t bits = i < {len(special)} ? special[i]
                  : i % 4 == 1 ? (any & {constant(keep1)}) | {constant(set1)}
                  : i % 4 == 3 ? (any & {constant(keep3)}) | {constant(set3)}
                  : any;
    {c_type(source.input)} x = {printer.prefix}from_bits_f{bits}(bits);
%s
    any += {constant(golden)};
}}"""
    else:
        info = np.iinfo(source.input)
        loop = f"""\
int32_t code;
for (code = {info.min}; code <= {info.max}; ++code) {{
    {c_type(source.input)} x = ({c_type(source.input)})code;
%s
}}"""
    add = printer.prefix + ("number_hash" if source.output.kind == "f" else "code_hash")
    steps = [f"    hash = {add}(hash, {call});" for call in calls]
    body = (
        f"uint32_t hash = {_FNV_START:#x}u;\n"
        + loop.replace("%s", "\n".join(steps))
        + "\nreturn hash;"
    )
    about = "Hash of the results of all inputs" if source.input.kind != "f" else "Hash of results"
    return [
        _hash(source, printer),
        definition("uint32_t", f"{public}_checksum", ["void"], body, f"{about}."),
        definition(
            "int",
            f"{public}_selftest",
            ["void"],
            f"return {public}_checksum() == {expected:#010x}u;",
            "1 if the results are those that were certified, else 0.",
        ),
    ]


def _hash(source: Source, printer: C99Printer) -> str:
    """The function that adds one result to a hash."""
    step = f"(hash ^ %s) * {_FNV_PRIME:#x}u"
    if source.output.kind != "f":
        return definition(
            "uint32_t",
            f"{printer.prefix}code_hash",
            ["uint32_t hash", "int32_t code"],
            f"return {step % '(uint32_t)code'};",
            "FNV-1a, a word at a time.",
        )
    bits = source.output.itemsize * 8
    nan = "0x7fc00000u" if bits == 32 else "UINT64_C(0x7ff8000000000000)"
    body = f"uint{bits}_t bits = y == y ? {printer.prefix}bits_f{bits}(y) : {nan};\n"
    if bits == 32:
        body += f"return {step % 'bits'};"
    else:
        body += f"hash = {step % '(uint32_t)(bits >> 32)'};\n"
        body += f"return {step % '(uint32_t)(bits & 0xffffffffu)'};"
    return definition(
        "uint32_t",
        f"{printer.prefix}number_hash",
        ["uint32_t hash", f"{c_type(source.output)} y"],
        body,
        "FNV-1a, a word at a time; all NaN are alike.",
    )
