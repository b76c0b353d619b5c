"""Tables of integer codes in C."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..emit.c99 import comment, definition
from .c_header import Function, Source, c_type, private
from .integer_tables import ByteTable, CubicTable, LineTable
from .integers import Quantized

# In which order a table of bytes is stored: of the codes taken as unsigned, or of the codes.
ORDERS = ("unsigned", "signed")
_WIDTH = 96


def array(
    name: str, values: NDArray[Any], text: list[str], summary: str, type_: str | None = None
) -> str:
    """Write a table of constants."""
    lines, line = [], "   "
    for item in text:
        if len(line) + len(item) + 2 > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {item},"
    lines.append(line)
    declared = f"static const {type_ or c_type(values.dtype)} {name}[{len(text)}] = {{"
    return "\n".join([comment(summary), declared, *lines, "};"])


def integers(name: str, values: NDArray[Any], summary: str) -> str:
    """Write a table of integers."""
    return array(name, values, [str(value) for value in values.tolist()], summary)


def integer_source(table: Quantized, public: str, order: str) -> Source:
    """Return a table of codes in C.

    ``order`` is that of a `ByteTable` of int8; all else has one order.
    """
    prefix = private(public)
    text, expression = _PRINTERS[type(table)](table, prefix, order)
    scales = "\n".join(
        f"{what} code q: {affine.scale!r} * (q - {affine.zero_point})"
        for what, affine in (("Input", table.input), ("Output", table.output))
    )
    return Source(
        title=f"{table.name} of {table.dtype} codes, as {table.method}",
        about=f"What codes stand for:\n{scales}\n\nCertificate:\n{table.certificate}",
        input=table.dtype,
        output=table.dtype,
        text=text,
        functions=[Function("", expression, "The code of f(x)", table)],
    )


def _bytes(table: ByteTable, prefix: str, order: str) -> tuple[str, str]:
    name, values, index = f"{prefix}table", table.table, "(uint8_t)x"
    by = "the code taken as an unsigned byte"
    if order == "signed" and table.dtype == np.int8:
        values, index, by = np.roll(values, 128), "x + 128", "the code plus 128"
    if table.dtype == np.uint8:
        index, by = "x", "the code"
    return integers(name, values, f"Results by {by}."), f"{name}[{index}]"


def _lines(table: LineTable, prefix: str, order: str) -> tuple[str, str]:
    values = integers(f"{prefix}table", table.table, "Results of every 128th code.")
    body = f"""\
int32_t i = 256 + (x >> 7);
int32_t base = {prefix}table[i];
int32_t slope = {prefix}table[i + 1] - base;
return (int16_t)(base + ((slope * (x & 127) + 64) >> 7));"""
    summary = "The straight line between two entries.  Shifts are arithmetic ones."
    look_up = definition("int16_t", f"{prefix}look_up", ["int32_t x"], body, summary)
    return f"{values}\n\n{look_up}", f"{prefix}look_up(x)"


def _cubics(table: CubicTable, prefix: str, order: str) -> tuple[str, str]:
    d = table.data
    tables = [
        integers(f"{prefix}{name}", getattr(d, name), f"The {name} coefficients of the pieces.")
        for name in ("constant", "linear", "quadratic", "cubic")
    ]
    mirrored = d.reflected
    body = [f"int32_t v = {_minus('x', d.origin)};"]
    body += [f"int32_t u = {'v < 0 ? -v : v' if mirrored else 'v'};", "int32_t i, t, p, y;"]
    if d.start or not mirrored:
        body += [f"if (u < {d.start}) {{", f"    y = {d.low};", "} else"]
    body += [f"if (u >= {d.stop}) {{", f"    y = {d.high};", "} else {"]
    piece = f"""\
t = {_minus("u", d.start)};
i = t >> {d.width};
t -= i * {1 << d.width} + {1 << (d.width - 1)};
p = {prefix}cubic[i];
p = {prefix}quadratic[i] + ((p * t) >> {d.shifts[0]});
p = {prefix}linear[i] + ((p * t) >> {d.shifts[1]});
p = {prefix}constant[i] + ((p * t) >> {d.shifts[2]});
y = (p + {(1 << d.guard) >> 1}) >> {d.guard};"""
    body += [f"    {line}" for line in piece.splitlines()]
    body += ["}"]
    if mirrored:
        body.append("y = v < 0 ? -y : y;")
    if d.centre:
        body.append(f"y += {d.centre};")
    body.append("return (int16_t)(y < -32768 ? -32768 : y > 32767 ? 32767 : y);")
    summary = "The cubic of the piece that x lies in.  Shifts are arithmetic ones."
    evaluate = definition(
        "int16_t",
        f"{prefix}evaluate",
        ["int32_t x"],
        "\n".join(body).replace("} else\nif", "} else if"),
        summary,
    )
    return "\n\n".join([*tables, evaluate]), f"{prefix}evaluate(x)"


def _minus(name: str, number: int) -> str:
    return name if number == 0 else f"{name} - {number}" if number > 0 else f"{name} + {-number}"


_PRINTERS: dict[Any, Any] = {ByteTable: _bytes, LineTable: _lines, CubicTable: _cubics}
