"""What a check shows: a table, a page and JSON."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

import fastcpuact as act

from . import inputs
from .check import Result
from .fingerprint import engine
from .reference import REFERENCES
from .statistics import Place, Statistics
from .sweep import Sweep

LEGEND = (
    "An error is |result - exact| in units in the last place (ULP): the spacing of floats at the "
    "exact value, subnormals included. In the fast tier it is relative to the exact value, or to "
    "the smallest normal number if that is larger. The derivative of snake by alpha, which has a "
    "zero in every half wave, is judged in ULP of x/alpha where that is larger. Not nearest: "
    "results that are not a float nearest to the exact value."
)
CREDIT = (
    "The exact values come from the definitions, and from nothing of the formulas that the kernels "
    "are made of. They are intervals of ball arithmetic for float64, and float64 values good to a "
    "relative error of 2⁻³⁰ for float32 and float16; in spans of many inputs, polynomials through "
    "such intervals, good to 2⁻⁶¹ and 2⁻³⁸. By at the most 2⁻⁶ ULP errors may be larger or smaller "
    "than shown, and results that lie so close to the middle between two floats may be counted on "
    "the wrong side."
)
# What no bound allows: fields of statistics, and what to call them.
FAULTS = {
    "order": "out of order",
    "outside": "out of range",
    "signs": "of the wrong sign",
    "limits": "not the limit",
}


@dataclass(frozen=True)
class Row:
    """What was found of one function in one dtype, with the default parameters or others.

    Attributes
    ----------
    sweep
        One of those that were put together.
    found
        In all of them.
    passed
        Whether all of them passed.
    seconds
        Processor time that they took.
    """

    sweep: Sweep
    found: Statistics
    passed: bool
    seconds: float

    @classmethod
    def of(cls, results: Sequence[Result]) -> Row:
        """Put results together."""
        return cls(
            results[0].sweep,
            Statistics.total(result.progress.done.statistics for result in results),
            all(result.passed for result in results),
            sum(result.progress.done.seconds for result in results),
        )

    @property
    def function(self) -> str:
        """The function; with its parameters where they are not the defaults."""
        params = "" if self.sweep.has_defaults else ", ".join(REFERENCES[self.sweep.name].params)
        return f"{self.sweep.function}({params})" if params else self.sweep.function

    def place(self, place: Place) -> dict[str, np.floating]:
        """Return the input and the parameters of a place."""
        rank, *params = place
        [x] = inputs.from_ranks(np.array([rank], np.uint64), self.sweep.scalar)
        names = REFERENCES[self.sweep.name].params
        return {"x": x, **dict(zip(names, map(self.sweep.scalar, params), strict=True))}

    def failures(self) -> list[str]:
        """Say which statements are not kept."""
        said = ["above the bound"] if self.found.largest.error > self.sweep.bound else []
        for name, words in FAULTS.items():
            count = getattr(self.found, name)
            if count.number:
                said.append(f"{count.number:,} {words}, first at {self._shown(count.first)}")
        return said

    def cells(self) -> list[str]:
        """Return the cells of a table, whose headings are `HEADINGS`."""
        worst = self.found.largest
        return [
            self.function,
            self.sweep.dtype,
            f"{self.found.inputs:,}",
            self._error(worst.error),
            self._error(self.sweep.bound),
            self._shown(worst.at) if worst.error else "",
            "" if self.sweep.fast else f"{self.found.misrounded.number:,}",
        ]

    def _error(self, error: float) -> str:
        if self.sweep.fast:
            return f"2^{math.log2(error):.1f}" if 0 < error < math.inf else str(error)
        return f"{error:.3f}"

    def _shown(self, place: Place) -> str:
        x, *params = self.place(place).items()
        shown = [] if self.sweep.has_defaults else [f"{name}={p!s}" for name, p in params]
        return ", ".join([str(x[1]), *shown])


HEADINGS = ("function", "dtype", "inputs", "largest error", "stated bound", "at", "not nearest")


def rows(results: Iterable[Result]) -> list[Row]:
    """Put together what differs in the parameters, but for the defaults."""
    groups: dict[Any, list[Result]] = {}
    for result in results:
        sweep = result.sweep
        key = sweep.name, sweep.fast, sweep.formula, sweep.dtype, sweep.has_defaults
        groups.setdefault(key, []).append(result)
    return [Row.of(group) for group in groups.values()]


def verdict(rows: Sequence[Row]) -> str:
    """Say whether all is as stated, and else what is not."""
    failed = [row for row in rows if not row.passed]
    if not failed:
        return (
            "No error is above its stated bound. No result leaves the range of its function or has "
            "the wrong sign, zeros included. At the infinities it is the limit, and for NaN, NaN. "
            "Where a function is monotone, its results in the exact tier are."
        )
    lines = [f"- {row.function}, {row.sweep.dtype}: {'; '.join(row.failures())}" for row in failed]
    return "\n".join([f"{len(failed)} of {len(rows)} fail:", "", *lines])


def table(rows: Sequence[Row]) -> Table:
    """Return a table for a terminal."""
    made = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False, caption=LEGEND)
    for heading in HEADINGS:
        is_text = heading in ("function", "dtype", "at")
        made.add_column(
            f"\n{heading}" if " " not in heading else heading.replace(" ", "\n"),
            justify="left" if is_text else "right",
            no_wrap=heading not in ("function", "at"),
            overflow="fold",
        )
    for row in rows:
        made.add_row(*row.cells(), style=None if row.passed else "red")
    return made


def page(rows: Sequence[Row], command: str) -> str:
    """Return a page in Markdown, which says by what command it was written."""
    name, level = engine()
    lines = [
        "# Accuracy",
        "",
        f"Written by `{command}`: fastcpuact {act.__version__}, {name} engine"
        f"{f', level {level}' if level else ''}, {platform.machine()}.",
        "",
        LEGEND,
        "",
        CREDIT,
        "",
        verdict(rows),
    ]
    sections: dict[str, list[Row]] = {}
    for row in rows:
        sections.setdefault(_section(row.sweep), []).append(row)
    for title, members in sections.items():
        lines += ["", f"## {title}", ""]
        lines += [f"| {' | '.join(HEADINGS)} |", "|---|---|--:|--:|--:|---|--:|"]
        lines += [f"| {' | '.join(row.cells())} |" for row in members]
    return "\n".join(lines) + "\n"


def _section(sweep: Sweep) -> str:
    if sweep.fast:
        return "Fast tier"
    if not sweep.has_defaults:
        return "Other parameters than the defaults"
    return f"{sweep.dtype}, {'every input' if sweep.samples is None else 'sampled'}"


def as_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return objects of JSON; the numbers that it does not have are strings, as "inf"."""
    return [
        {
            "activation": row.sweep.name,
            "formula": row.sweep.formula,
            "tier": "fast" if row.sweep.fast else "exact",
            "parameters": "default" if row.sweep.has_defaults else "other",
            "dtype": row.sweep.dtype,
            "inputs": row.found.inputs,
            "every_input": row.sweep.has_defaults and row.sweep.samples is None,
            "unit": "relative" if row.sweep.fast else "ULP",
            "largest_error": _number(row.found.largest.error),
            "bound": row.sweep.bound,
            "at": {name: _number(x) for name, x in row.place(row.found.largest.at).items()},
            "not_nearest": None if row.sweep.fast else row.found.misrounded.number,
            **{
                words.replace(" ", "_"): getattr(row.found, name).number
                for name, words in FAULTS.items()
            },
            "passed": row.passed,
            "seconds": round(row.seconds, 3),
        }
        for row in rows
    ]


def _number(x: Any) -> float | str:
    return float(x) if math.isfinite(x) else str(float(x))
