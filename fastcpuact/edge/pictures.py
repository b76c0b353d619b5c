"""Pictures: the error of an approximant over its domain, and what errors cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..extras import needed
from ..palette import BLUE, GREEN, GREY, LINES, RED
from .choosing import Frontier
from .floating import FloatApproximant

with needed("plot", "plot()"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 4001
_COSTS = {"nbytes": "bytes", "operations": "operations", "ns": "ns for an element"}


def plot(what: FloatApproximant | Frontier) -> Figure:
    """Draw the error curve of an approximant, or a frontier.

    Parameters
    ----------
    what : approximant in floating point or Frontier
        From `lookup_table` and its like, or from `pareto`.

    Returns
    -------
    matplotlib.figure.Figure
        The picture, which a notebook shows and ``savefig`` writes.

    Raises
    ------
    TypeError
        If ``what`` is something else.
    ValueError
        If a frontier has no points, or the function of an approximant is not known.

    Examples
    --------
    >>> from fastcpuact import edge
    >>> figure = edge.plot(edge.rational("tanh", 3, 3))
    >>> figure.axes[0].get_ylabel()
    'result - exact'
    """
    if isinstance(what, FloatApproximant):
        return _error_curve(what)
    if isinstance(what, Frontier):
        if not what.points:
            raise ValueError("what must have points, got an empty frontier")
        return _frontier(what)
    raise TypeError(
        f"what must be an approximant in floating point or a Frontier, got {type(what).__name__}"
    )


def _error_curve(made: FloatApproximant) -> Figure:
    low, high = made.domain
    margin = (high - low) / 8
    reach = made.reach
    ends = max(low - margin, reach[0]), min(high + margin, reach[1])
    x = np.linspace(*ends, _POINTS).astype(made.dtype)
    error = made(x).astype(np.float64) - made.exact()(x.astype(np.float64))
    figure, axes = _figure(1)
    axes[0].plot(x, error, color=BLUE, linewidth=0.9)
    found = made.certificate
    for side in (-1, 1):
        axes[0].axhline(side * found.max_abs, color=RED, linestyle="--", linewidth=0.8)
        if found.limit is not None:
            axes[0].axhline(side * found.limit, color=GREEN, linestyle=":", linewidth=1.2)
    for knot in (low, high):
        axes[0].axvline(knot, color=GREY, linewidth=0.8, zorder=0)
    axes[0].set(xlabel="x", ylabel="result - exact")
    axes[0].set_title(
        f"{made.name}: {made.method}, {made.nbytes} bytes\n"
        f"max error {found.max_abs:.3g} (dashed), limit {found.limit:.3g} (dotted)",
        fontsize=9,
    )
    return figure


def _frontier(front: Frontier) -> Figure:
    figure, panels = _figure(len(_COSTS))
    kinds = list(dict.fromkeys(p.approximant.kind for p in front.points))
    for axes, (cost, label) in zip(panels, _COSTS.items(), strict=True):
        for kind, style in zip(kinds, LINES, strict=False):
            some = [p for p in front.points if p.approximant.kind == kind]
            axes.scatter(
                [getattr(p, cost) for p in some],
                [p.error for p in some],
                color=style["color"],
                marker="os^D"[kinds.index(kind)],
                s=18,
                label=kind,
            )
        axes.set(xscale="log", yscale="log", xlabel=label)
        axes.grid(color=GREY, linewidth=0.4)
    panels[0].set_ylabel("max absolute error")
    panels[-1].legend(fontsize=8)
    figure.suptitle(f"{front.name}: approximants that no other one beats")
    return figure


def _figure(panels: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(6.4 if panels == 1 else 11, 3.8), dpi=150, layout="constrained")
    axes: Any = figure.subplots(1, panels, sharey=True, squeeze=False)
    return figure, list(axes[0])
