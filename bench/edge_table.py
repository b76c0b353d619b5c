"""Writes the table of approximants into the README: python bench/edge_table.py [README.md].

Each row is made and measured here; nothing depends on the machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fastcpuact import edge
from fastcpuact.bench.readme import replace

BEGIN, END = "<!-- edge table: begin -->", "<!-- edge table: end -->"
ROWS = (
    edge.lookup_table("tanh", 257),
    edge.lookup_table("tanh", 129, spacing="optimal"),
    edge.lookup_table("tanh", 200, interpolation="quadratic"),
    edge.lookup_table("tanh", 49, interpolation="cubic", identity=False),
    edge.piecewise_polynomial("tanh", 16, 3, spacing="optimal"),
    edge.polynomial("tanh", 8),
    edge.rational("tanh", 3, 3),
    edge.lookup_table("sigmoid", 257),
    edge.rational("sigmoid", 3, 3),
    edge.lookup_table("gelu", 257),
    edge.piecewise_polynomial("gelu", 16, 2, spacing="optimal"),
    edge.rational("gelu", 4, 4),
    edge.rational("silu", 4, 4),
)


def table() -> str:
    """Return the table in Markdown."""
    lines = [
        "| function | approximated by | bytes | operations | max error | its limit |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for made in ROWS:
        found = made.certificate
        operations = sum(made.operations.values())
        lines.append(
            f"| {made.name} | {made.method} | {made.nbytes} | {operations} "
            f"| {found.max_abs:.2e} | {found.limit:.2e} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    readme = Path(sys.argv[1] if len(sys.argv) > 1 else "README.md")
    replace(readme, BEGIN, END, table())
