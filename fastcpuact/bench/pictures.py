"""The pictures of a report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from fastcpuact.palette import BLUE, GREEN, ORANGE, PINK, RED, SKY, YELLOW

from . import analysis
from .analysis import EXACT
from .cases import Case
from .peers import PEERS
from .result import Cell, Result

PALE_RED = "#F6DFD3"
COLOURS = {
    "numpy": ORANGE,
    "numexpr": YELLOW,
    "numba": GREEN,
    "torch": RED,
    "jax": SKY,
    "onnxruntime": PINK,
}
SHAPES = {
    "numpy": "s",
    "numexpr": "D",
    "numba": "^",
    "torch": "o",
    "jax": "v",
    "onnxruntime": "P",
}
GREY = "#C8C8C8"
FORMS = {"value": "value", "backward": "gradient"}
PANELS = 6


def draw(result: Result, folder: Path) -> dict[str, str]:
    """Draw all pictures that a result has figures for.

    Parameters
    ----------
    result : Result
        The figures.
    folder : path
        Where to write PNG files.

    Returns
    -------
    dict of str to str
        For each file name, what it shows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name, make, shows in (
        ("speed.png", speed, "Speed against each peer, by function"),
        (
            "limit.png",
            limit,
            "Time beside a copy and an estimate of the instructions",
        ),
        ("sizes.png", sizes, "Time against size"),
    ):
        figure = make(result)
        if figure is not None:
            figure.savefig(folder / name)
            drawn[name] = shows
    return drawn


def speed(result: Result) -> Figure | None:
    """Draw how many times longer each peer takes, a line for each function."""
    panels = _by_form(analysis.typical(result.cells))
    if not panels:
        return None
    figure, axes = _lines_of_functions(panels)
    shown = set()
    for axis, cells in zip(axes, panels.values(), strict=True):
        for y, cell in enumerate(cells):
            ours = cell.measurements[EXACT].median
            for peer in PEERS:
                measured = cell.measurements.get(peer.name)
                if measured is not None:
                    lost = analysis.lost_accuracy(measured)
                    axis.plot(measured.median / ours, y, **_mark(peer.name, lost))
                    shown.add(peer.name)
        axis.axvline(1, color="black", linewidth=1.5)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
        low, high = axis.get_xlim()
        axis.axvspan(min(low, 1), 1, color=PALE_RED, linewidth=0, zorder=0)
        axis.set_xlim(low, high)
    names = [peer.name for peer in PEERS if peer.name in shown]
    handles = [Line2D([], [], label=name, **_mark(name)) for name in names]
    handles.append(Line2D([], [], color="black", label="fastcpuact"))
    if any(map(analysis.lost_accuracy, _peers_in(panels))):
        handles.append(Line2D([], [], label="hollow: its tails are lost", **_mark("torch", True)))
    _legend(figure, handles, 4)
    figure.supxlabel(f"time over that of fastcpuact; {_setting(panels)}", fontsize=10)
    return figure


def limit(result: Result) -> Figure | None:
    """Draw the time for an element beside that of a copy and the estimate for its instructions."""
    panels = _by_form(analysis.typical(result.cells))
    if not panels:
        return None
    figure, axes = _lines_of_functions(panels)
    ours: dict[str, Any] = {"linestyle": "", "marker": "o", "color": BLUE, "markersize": 6}
    best: dict[str, Any] = {
        **{"linestyle": "", "marker": "|", "color": RED},
        **{"markersize": 11, "markeredgewidth": 2.2},
    }
    bounded = False
    for axis, cells in zip(axes, panels.values(), strict=True):
        for y, cell in enumerate(cells):
            axis.barh(y, analysis.copy_ns(cell) / cell.case.size, color=GREY, linewidth=0)
            axis.plot(cell.per_element(EXACT), y, **ours)
            bound = analysis.bound_ns(result, cell.case)
            if bound is not None:
                axis.plot(bound, y, **best)
                bounded = True
        axis.set_xlim(left=0)
    handles = [
        Line2D([], [], label="fastcpuact", **ours),
        Line2D([], [], linewidth=7, color=GREY, label="copy of the same arrays"),
    ]
    if bounded:
        handles.append(Line2D([], [], label="instructions, estimated", **best))
    _legend(figure, handles, 3)
    figure.supxlabel(f"nanoseconds an element; {_setting(panels)}", fontsize=10)
    return figure


def sizes(result: Result) -> Figure | None:
    """Draw the time for an element against the size, from a cheap function to a dear one."""
    cells = analysis.select(
        result.cells,
        lambda case: (
            (case.form, case.dtype, case.axis) == ("value", "float32", None)
            and analysis.is_base(case)
        ),
    )
    if len({cell.case.size for cell in cells}) < 2:
        return None
    measured = Counter(cell.case.name for cell in cells)
    # Of those that were measured at the most sizes and numbers of threads.
    many = [count for _, count in measured.most_common(PANELS)][-1]
    chosen = _spread([c for c in analysis.typical(cells) if measured[c.case.name] >= many])
    threads = sorted({cell.case.threads for cell in cells})
    columns = min(3, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure = Figure(figsize=(3.2 * columns, 2.6 * rows + 0.9), dpi=150, layout="constrained")
    panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    handles: dict[str, Line2D] = {}
    for panel, name in zip(panels, chosen, strict=False):
        alone, together = (
            [c for c in cells if c.case.name == name and c.case.threads == count]
            for count in (threads[0], threads[-1])
        )
        curves: list[tuple[str, Iterable[Cell], str, dict[str, Any]]] = [
            ("copy", alone, "copy", {"color": "#888888", "linestyle": ":", "linewidth": 2})
        ]
        for peer in (peer.name for peer in PEERS):
            style = {**_mark(peer), "markersize": 4, "linestyle": "-", "linewidth": 1}
            curves.append((peer, alone, peer, style))
        curves.append(("fastcpuact", alone, EXACT, {"color": "black", "linewidth": 2.2}))
        if len(threads) > 1:
            label = f"fastcpuact, {threads[-1]} threads"
            # Often measured at one size only, where there is no line.
            style = {"color": "black", "linewidth": 1.6, "linestyle": "--", "marker": "o"}
            style |= {"markersize": 5, "markerfacecolor": "white"}
            curves.append((label, together, EXACT, style))
        for label, some, library, style in curves:
            points = sorted(
                (c.case.size, c.per_element(library)) for c in some if library in c.measurements
            )
            if points:
                handles[label] = panel.plot(*zip(*points, strict=True), label=label, **style)[0]
        panel.set_title(name, fontsize=10)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.grid(linewidth=0.3)
        panel.tick_params(labelsize=8)
    for empty in panels[len(chosen) :]:
        empty.set_visible(False)
    _legend(figure, list(handles.values()), 5)
    figure.supxlabel("elements", fontsize=10)
    figure.supylabel("nanoseconds an element", fontsize=10)
    return figure


def _mark(peer: str, lost: bool = False) -> dict[str, Any]:
    """Return the style of a peer's points: hollow where a result is lost."""
    return {
        "linestyle": "",
        "marker": SHAPES[peer],
        "color": COLOURS[peer],
        "markersize": 6,
        "markerfacecolor": "white" if lost else COLOURS[peer],
        "markeredgecolor": COLOURS[peer] if lost else "black",
        "markeredgewidth": 1.5 if lost else 0.4,
    }


def _legend(figure: Figure, handles: Sequence[Line2D], columns: int) -> None:
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(columns, len(handles)),
        fontsize=9,
        frameon=False,
    )


def _spread(cells: Sequence[Cell]) -> list[str]:
    """Return the names of some functions, evenly from the fastest to the slowest."""
    ranked = sorted(cells, key=lambda cell: cell.per_element(EXACT))
    count = min(PANELS, len(ranked))
    places = {round(k * (len(ranked) - 1) / max(count - 1, 1)) for k in range(count)}
    return [ranked[place].case.name for place in sorted(places)]


def _by_form(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return the values and the gradients, each in the order of the values' times."""
    by_form = {form: [c for c in cells if c.case.form == form] for form in FORMS}
    values = sorted(by_form["value"], key=lambda cell: cell.per_element(EXACT), reverse=True)
    place = {_line(cell.case): k for k, cell in enumerate(values)}
    return {
        form: sorted(some, key=lambda cell: place.get(_line(cell.case), -1))
        for form, some in by_form.items()
        if some
    }


def _peers_in(panels: Mapping[str, Sequence[Cell]]) -> Iterable[Any]:
    names = {peer.name for peer in PEERS}
    for cells in panels.values():
        for cell in cells:
            yield from (m for name, m in cell.measurements.items() if name in names)


def _line(case: Case) -> str:
    return case.name if case.axis is None else f"{case.name}, axis {case.axis}"


def _lines_of_functions(panels: Mapping[str, Sequence[Cell]]) -> tuple[Figure, list[Axes]]:
    """Make a panel for each form, with a line for each function."""
    count = max(map(len, panels.values()))
    figure = Figure(
        figsize=(1.8 + 3.8 * len(panels), 1.5 + 0.24 * count), dpi=150, layout="constrained"
    )
    axes = list(figure.subplots(1, len(panels), squeeze=False)[0])
    for axis, (form, cells) in zip(axes, panels.items(), strict=True):
        axis.set_yticks(range(len(cells)), [_line(cell.case) for cell in cells], fontsize=8)
        axis.set_ylim(-0.7, len(cells) - 0.3)
        axis.set_title(FORMS[form], fontsize=10)
        axis.grid(linewidth=0.3)
        axis.set_axisbelow(True)
        axis.tick_params(axis="x", labelsize=8)
    return figure, axes


def _setting(panels: Mapping[str, Sequence[Cell]]) -> str:
    case = next(iter(panels.values()))[0].case
    threads = "one thread" if case.threads == 1 else f"{case.threads} threads"
    return f"{case.dtype}, {case.size:,} elements, {threads}"
