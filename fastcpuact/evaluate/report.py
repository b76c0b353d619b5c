"""What an evaluation shows: tables, a page, pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table

from fastcpuact.diagnostics import FLAT
from fastcpuact.palette import BLUE, GREY, LINES, RED

from .runs import Outcome
from .summary import Spread, Summary, ranks
from .tasks import SCORES

LEGEND = (
    "Every figure is a median with the quartiles of runs over seeds and depths, at the rate that "
    "learned best in training. Converged: after how many epochs. Diverged: share of the runs with "
    "any rate. Flow: gradient norm of the first layer over that of the last, before training. "
    f"Saturated: hidden outputs with a slope below {FLAT}. ms: processor time of an epoch, "
    "matrix products included. In the picture a cross is a median below the left edge."
)
HEADINGS = (
    *("activation", "score", "converged", "diverged", "flow", "dead", "saturated", "rate", "ms"),
)

# How far below the best score a picture reaches.
_SHOWN = 0.4


def _spread(spread: Spread, digits: int = 3) -> str:
    def number(x: float) -> str:
        return "never" if math.isinf(x) else f"{x:.{digits}g}"

    low, median, high = map(number, (spread.low, spread.median, spread.high))
    return f"{median} ({low}–{high})" if low != high else median


def _cells(s: Summary) -> list[str]:
    return [
        s.activation,
        _spread(s.score),
        _spread(s.converged),
        f"{s.diverged:.0%}",
        _spread(s.flow, 2),
        f"{s.dead:.1%}",
        f"{s.saturated:.0%}",
        f"{s.rate:g}",
        _spread(s.milliseconds, 2),
    ]


def _by_task(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    """Return the summaries of each task, the best first."""
    groups: dict[str, list[Summary]] = {}
    for s in summaries:
        groups.setdefault(s.task, []).append(s)
    return {
        task: sorted(group, key=lambda s: s.score.median, reverse=True)
        for task, group in groups.items()
    }


def tables(summaries: Sequence[Summary]) -> list[Table]:
    """Return a table for each task, for a terminal."""
    made = []
    for task, group in _by_task(summaries).items():
        table = Table(
            title=f"{task}: {SCORES[task]} of {group[0].runs} runs each",
            box=SIMPLE_HEAD,
            collapse_padding=True,
            pad_edge=False,
        )
        for place, heading in enumerate(HEADINGS):
            table.add_column(heading, justify="right" if place else "left", overflow="fold")
        for s in group:
            # The quartiles below the median: so a table fits 80 columns.
            table.add_row(*(cell.replace(" (", "\n(") for cell in _cells(s)))
        made.append(table)
    return made


def verdict(summaries: Sequence[Summary]) -> str:
    """Say who came first on average, and who last."""
    found = ranks(summaries)
    listed = ", ".join(f"{name} {place:.1f}" for name, place in found.items())
    return f"Mean place over {len(_by_task(summaries))} tasks: {listed}."


def page(summaries: Sequence[Summary], command: str, pictures: Sequence[str] = ()) -> str:
    """Return a page of all tables, and of pictures by their files, as reStructuredText."""
    lines = ["Evaluation", "==========", "", f"Written by ``{command}``.", ""]
    lines += [verdict(summaries), "", LEGEND, ""]
    for picture in pictures:
        lines += [f".. image:: {picture}", ""]
    for task, group in _by_task(summaries).items():
        title = f"{task}: {SCORES[task]}"
        lines += [title, "-" * len(title), "", ".. list-table::", "   :header-rows: 1", ""]
        for row in [list(HEADINGS), *map(_cells, group)]:
            lines += [f"   {'  -' if place else '* -'} {cell}" for place, cell in enumerate(row)]
        lines.append("")
    return "\n".join(lines)


def scores(summaries: Sequence[Summary]) -> Figure:
    """Draw the scores of all tasks, with their quartiles."""
    groups = _by_task(summaries)
    names = list(ranks(summaries))[::-1]
    figure = Figure(
        figsize=(1.6 + 1.9 * len(groups), 1.2 + 0.28 * len(names)), dpi=150, layout="constrained"
    )
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for panel, (task, group) in zip(panels, groups.items(), strict=True):
        best = group[0].score.median
        # Failures would squeeze all that differs a little; they are drawn at the edge.
        lowest = best - _SHOWN
        finite = [max(s.score.low, lowest) for s in group]
        floor = min(finite)
        for s in group:
            y = names.index(s.activation)
            low, median, high = (max(x, floor) for x in (s.score.low, s.score.median, s.score.high))
            panel.plot([low, high], [y, y], color=GREY, linewidth=4, solid_capstyle="butt")
            failed = s.score.median < floor
            panel.plot(median, y, color=RED if failed else BLUE, marker="x" if failed else "o")
        panel.set_title(task, fontsize=10)
        panel.set_xlabel(SCORES[task], fontsize=9)
        panel.set_yticks(range(len(names)), names)
        panel.grid(linewidth=0.3)
        panel.tick_params(labelsize=8)
        panel.locator_params(axis="x", nbins=4)
    return figure


def losses(outcomes: Sequence[Outcome], summaries: Sequence[Summary]) -> Figure:
    """Draw the loss in training of each activation at its rate, a panel for each task."""
    groups = _by_task(summaries)
    names = list(ranks(summaries))
    columns = min(3, len(groups))
    rows = math.ceil(len(groups) / columns)
    figure = Figure(figsize=(3.2 * columns, 2.6 * rows + 0.6), dpi=150, layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    handles = {}
    for panel, (task, group) in zip(panels, groups.items(), strict=False):
        for s in group:
            runs = [
                o.loss
                for o in outcomes
                if (o.setup.task, o.setup.activation, o.setup.rate) == (task, s.activation, s.rate)
            ]
            curve = [
                Spread.of((loss[epoch] for loss in runs), math.inf).median
                for epoch in range(len(runs[0]))
            ]
            shown = [x if 0 < x < 1e3 else math.nan for x in curve]
            place = names.index(s.activation)
            label = s.activation if place < len(LINES) else "others"
            handles[label] = panel.plot(shown, linewidth=1.5, **_style(place))[0]
        panel.set_yscale("log")
        panel.set_title(task, fontsize=10)
        panel.grid(linewidth=0.3)
        panel.tick_params(labelsize=8, which="both")
    for empty in panels[len(groups) :]:
        empty.remove()
    labels = [name for name in (*names, "others") if name in handles]
    figure.legend(
        handles=[handles[label] for label in labels],
        labels=labels,
        loc="outside upper center",
        ncols=min(6, len(labels)),
        fontsize=8,
        frameon=False,
        handlelength=3,
    )
    figure.supxlabel("epoch", fontsize=9)
    figure.supylabel("loss in training, over that of knowing nothing", fontsize=9)
    return figure


def _style(place: int) -> dict[str, object]:
    """The best seven in colours, the others in grey."""
    return LINES[place] if place < len(LINES) else {"color": GREY, "zorder": 1.5}
