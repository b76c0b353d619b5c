"""The tables of a report, for a terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from . import analysis
from .analysis import EXACT, Comparison
from .cases import FORMS, Case
from .peers import PEERS
from .result import Cell, Result

OUTPUT, LOST = "\N{DAGGER}", "\N{DOUBLE DAGGER}"
MARKS = (
    f"{OUTPUT} from the saved output, ours from the input. "
    f"{LOST} wrong by more than {analysis.LOST:.0%} somewhere in these inputs."
)


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes
    ----------
    title : str
        What it shows.
    headings : sequence of str
        Of the columns.
    words : int
        How many columns hold words; figures follow.
    rows : sequence
        The cells, ready to print.
    caption : str
        What one has to know to read it.
    optional : int
        How many of the last columns a narrow terminal may leave out.
    """

    title: str
    headings: Sequence[str]
    words: int
    rows: Sequence[Sequence[str]]
    caption: str = ""
    optional: int = 0

    def markdown(self) -> str:
        """Return it as Markdown, without the title."""
        rules = [":--" if k < self.words else "--:" for k in range(len(self.headings))]
        lines = [f"| {' | '.join(row)} |" for row in (self.headings, rules, *self.rows)]
        return "\n".join([*lines, "", self.caption] if self.caption else lines)

    def rich(self, width: int) -> Table:
        """Return it for a terminal of some width."""
        columns = len(self.headings)
        widths = (max(len(row[k]) for row in (self.headings, *self.rows)) for k in range(columns))
        if sum(widths) + 2 * columns > width:
            columns -= self.optional
        table = Table(title=self.title, caption=self.caption or None, box=box.SIMPLE_HEAD)
        for k, heading in enumerate(self.headings[:columns]):
            words = k < self.words
            table.add_column(heading, justify="left" if words else "right", overflow="fold")
        for row in self.rows:
            table.add_row(*row[:columns])
        return table


def conditions(result: Result) -> str:
    """Say on what, with what and how a result was measured."""
    machine = result.machine
    clock = f", {result.gigahertz:.2f} GHz" if result.gigahertz else ""
    caches = f", {', '.join(machine['caches'])}" if machine["caches"] else ""
    memory = f", {machine['memory'] / 2**30:.0f} GiB" if machine["memory"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    lines = [
        f"Measured on {machine['processor']}, {machine['processors']} processors{clock}{caches}"
        f"{memory}; {machine['system']}; engine {machine['engine']}, level {machine['level']}; "
        f"{result.started[:10]}.",
        f"Python {machine['python']}, {versions}.",
        f"Command: `{result.command}`.",
        *result.notes,
    ]
    return "\n".join(lines)


def all_of(result: Result) -> list[Grid]:
    """Return all tables that have rows."""
    dtypes = dict.fromkeys(cell.case.dtype for cell in result.cells)
    grids = [
        by_size(result),
        by_variation(result),
        *(by_function(result, dtype) for dtype in dtypes),
        of_losses(result),
        of_errors(result),
    ]
    return [grid for grid in grids if grid.rows]


def by_size(result: Result) -> Grid:
    """How many times faster than the fastest peer, by size: the mean over the functions."""
    groups: dict[tuple[int, int], dict[tuple[str, str], list[Cell]]] = {}
    for cell in analysis.select(result.cells, analysis.is_base):
        case = cell.case
        columns = groups.setdefault((case.threads, case.size), {})
        columns.setdefault((case.form, case.dtype), []).append(cell)
    found = {column for columns in groups.values() for column in columns}
    shown = sorted(found, key=lambda column: (FORMS.index(column[0]), column[1]))
    return Grid(
        "Speed against the fastest peer",
        ["size", "threads", *(f"{form}, {dtype}" for form, dtype in shown)],
        0,
        [
            [_count(size), str(threads), *(_mean(columns.get(column, ())) for column in shown)]
            for (threads, size), columns in sorted(groups.items())
        ],
        "Time of the fastest peer over ours, each function beside its own fastest peer: the "
        "geometric mean over the functions; in brackets, for how many of them that peer is faster.",
    )


def by_variation(result: Result) -> Grid:
    """Return the same for fresh results, tail-heavy inputs and strided arrays."""
    groups: dict[tuple[str, int, int], dict[str, list[Cell]]] = {}
    for cell in result.cells:
        case = cell.case
        if not analysis.is_base(case):
            columns = groups.setdefault((_variation(case), case.size, case.threads), {})
            columns.setdefault(case.form, []).append(cell)
    return Grid(
        "The same, otherwise",
        ["what", "size", "threads", *FORMS],
        1,
        [
            [what, _count(size), str(threads), *(_mean(columns.get(form, ())) for form in FORMS)]
            for (what, size, threads), columns in sorted(groups.items())
        ],
        "Over both dtypes.",
    )


def by_function(result: Result, dtype: str = "float32") -> Grid:
    """Each function and gradient in cache on one thread: ours, the limits, the fastest peer."""
    cells = analysis.typical(result.cells, dtype)
    bounds = any(analysis.bound_ns(result, cell.case) for cell in cells)
    peers = [peer.name for peer in PEERS if any(peer.name in c.measurements for c in cells)]
    rows = []
    for cell in cells:
        ours, copied = cell.per_element(EXACT), analysis.copy_ns(cell) / cell.case.size
        row = [cell.case.function, _ns(ours), _ns(copied)]
        if bounds:
            row.append(_ns(analysis.bound_ns(result, cell.case)))
        row.append(f"{copied / ours:.0%}")
        best = analysis.compare([cell])
        row += [_peer(best[0]), _times(best[0].ratio)] if best else ["-", "-"]
        for peer in peers:
            known = peer in cell.measurements
            row.append(_ns(cell.per_element(peer)) + _marks(cell, peer) if known else "-")
        rows.append(row)
    where = _where(cells[0].case) if cells else ""
    models = ", ".join(sorted({bound.model for bound in result.bounds.values()}))
    return Grid(
        f"{dtype}, {where}, into an array that is there",
        [
            *("function", "ours", "copy", *["bound"] * bounds, "of copy"),
            *("fastest peer", "ratio", *peers),
        ],
        1,
        rows,
        "Nanoseconds an element. Copy: of the same arrays; for two inputs, their sum. "
        + f"Bound: of the instructions of the loop, an estimate by llvm-mca for {models}. " * bounds
        + MARKS,
        len(peers),
    )


def of_losses(result: Result) -> Grid:
    """Everything that a peer did faster."""
    losses = analysis.losses(result.cells)
    rows: dict[tuple[str, str], list[str]] = {}
    for loss in losses:
        case = loss.cell.case
        text = f"{loss.ratio:.2f} {_peer(loss)} ({_where(case)})"
        rows.setdefault((case.function, case.dtype), []).append(text)
    return Grid(
        f"Where a peer is faster: {len(losses)} of {len(analysis.compare(result.cells))} cells",
        ["function", "dtype", "speed against the fastest peer"],
        3,
        [[function, dtype, "; ".join(texts)] for (function, dtype), texts in rows.items()],
        MARKS,
    )


def of_errors(result: Result) -> Grid:
    """Where results are lost: the largest relative errors."""
    worst: dict[str, dict[str, float]] = {}
    for cell in result.cells:
        for library, measured in cell.measurements.items():
            if analysis.lost_accuracy(measured):
                assert measured.error is not None
                errors = worst.setdefault(cell.case.function, {})
                errors[library] = max(errors.get(library, 0), measured.error)
    libraries = [name for name in analysis.LIBRARIES if any(name in e for e in worst.values())]
    return Grid(
        f"Largest relative errors above {analysis.LOST:.0%}",
        ["function", *libraries],
        1,
        [
            [function, *(f"{errors[name]:.1g}" if name in errors else "" for name in libraries)]
            for function, errors in worst.items()
        ],
        "Against the exact values; those below the normal numbers count as the smallest of these.",
    )


def _mean(cells: Iterable[Cell]) -> str:
    """Write the mean ratio to the fastest peers, and how often one of these was faster."""
    ratios = [comparison.ratio for comparison in analysis.compare(cells)]
    if not ratios:
        return "-"
    lost = sum(ratio < 1 for ratio in ratios)
    return f"{_times(analysis.geometric_mean(ratios))} ({lost}/{len(ratios)})"


def _peer(comparison: Comparison) -> str:
    return comparison.peer + _marks(comparison.cell, comparison.peer)


def _marks(cell: Cell, library: str) -> str:
    theirs, ours = cell.measurements[library], cell.measurements[EXACT]
    output = OUTPUT if theirs.from_output and not ours.from_output else ""
    return output + (LOST if analysis.lost_accuracy(theirs) else "")


def _variation(case: Case) -> str:
    changed = {"fresh": "fresh result", "tails": "tail-heavy inputs", "strided": "strided arrays"}
    values = (case.result, case.inputs, case.layout)
    return ", ".join(changed[value] for value in values if value in changed)


def _where(case: Case) -> str:
    threads = "one thread" if case.threads == 1 else f"{case.threads} threads"
    parts = [f"{_count(case.size)} elements", threads, _variation(case)]
    return ", ".join(part for part in parts if part)


def _count(size: int) -> str:
    for factor, letter in ((1_000_000, "M"), (1_000, "k")):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{letter}"
    return str(size)


def _ns(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _times(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
