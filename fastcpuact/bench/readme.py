"""Writes a report into a Markdown file, between two markers."""

from __future__ import annotations

import os
from pathlib import Path

from . import pictures, tables
from .result import Result

BEGIN, END = "<!-- fastcpuact report: begin -->", "<!-- fastcpuact report: end -->"
# Longer tables are folded away.
_SHORT = 16


def write(result: Result, file: Path, folder: Path) -> None:
    """Replace what lies between the markers by the report.

    Parameters
    ----------
    result : Result
        The figures.
    file : path
        Markdown that has the two markers.
    folder : path
        Where the pictures go.

    Raises
    ------
    ValueError
        If the file does not have both markers, in their order.
    """
    split(file, BEGIN, END)
    drawn = pictures.draw(result, folder)
    relative = os.path.relpath(folder, file.parent)
    body = "\n\n".join(_sections(result, {f"{relative}/{n}": s for n, s in drawn.items()}))
    replace(file, BEGIN, END, body)


def split(file: Path, begin: str, end: str) -> tuple[str, str]:
    """Return what stands before and after two markers, which must be there in their order."""
    before, found, rest = file.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{file} has no lines {begin} and {end} to write between")
    return before, after


def replace(file: Path, begin: str, end: str, body: str) -> None:
    """Write a text between two markers."""
    before, after = split(file, begin, end)
    file.write_text(f"{before}{begin}\n{body}\n{end}{after}")


def _sections(result: Result, drawn: dict[str, str]) -> list[str]:
    grids = tables.all_of(result)
    short = [grid for grid in grids if len(grid.rows) <= _SHORT]
    folded = [grid for grid in grids if len(grid.rows) > _SHORT]
    return [
        "Written by `fastcpuact report`; every figure is a median, of peers that ran in turns with "
        "this package in one process.",
        tables.conditions(result).replace("\n", "\\\n"),
        *(f"**{grid.title}**\n\n{grid.markdown()}" for grid in short),
        *(f"![{shows}]({name})" for name, shows in drawn.items()),
        *(
            f"<details>\n<summary>{grid.title}</summary>\n\n{grid.markdown()}\n\n</details>"
            for grid in folded
        ),
    ]
