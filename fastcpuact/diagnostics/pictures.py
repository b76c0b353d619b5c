"""Pictures of the diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastcpuact.extras import needed
from fastcpuact.palette import BLUE, GREY, LINES, RED

from .depth import Depths
from .flow import Flow
from .stats import Stats

with needed("plot", "plot()"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

# Variances that are shown: beyond, a network is lost anyway.
_LEAST, _MOST = 1e-60, 1e60


def _panels(count: int, width: float = 3.6, height: float = 3.2, **more: Any) -> Any:
    figure = Figure(figsize=(width * count, height), dpi=150, layout="constrained")
    panels = figure.subplots(1, count, squeeze=False, **more)[0]
    for panel in panels:
        panel.grid(linewidth=0.3)
        panel.set_axisbelow(True)
        panel.tick_params(labelsize=8)
    return figure, panels


def _label(panel: Axes, title: str, x: str, y: str) -> None:
    panel.set_title(title, fontsize=10)
    panel.set_xlabel(x, fontsize=9)
    panel.set_ylabel(y, fontsize=9)


def distributions(name: str, curves: Callable[[Any], tuple[Any, Any]]) -> Figure:
    """Draw the distributions of f(z) and f'(z) for a standard normal z."""
    z = np.random.default_rng(0).standard_normal(100_000)
    figure, panels = _panels(2)
    for panel, values, label in zip(panels, curves(z), ("f(z)", "f'(z)"), strict=True):
        panel.hist(values, bins=80, density=True, color=BLUE)
        line = panel.axvline(np.mean(values), color=RED, linewidth=1.5, linestyle="--")
        _label(panel, name, label, "density")
    figure.legend([line], ["mean"], loc="outside lower center", fontsize=8, frameon=False)
    return figure


def units(found: Stats) -> Figure:
    """Draw means, deviations and saturation of the units of a layer."""
    figure, panels = _panels(3, 3.4)
    for panel, values, label in (
        (panels[0], found.unit_mean, "mean of a unit"),
        (panels[1], found.unit_deviation, "deviation of a unit"),
        (panels[2], found.unit_saturated, "saturated share of a unit"),
    ):
        finite = values[np.isfinite(values)]
        span = (0.0, 1.0) if panel is panels[2] else None
        panel.hist(finite, bins=min(40, max(10, len(finite) // 4)), range=span, color=BLUE)
        panel.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        _label(panel, "", label, "units")
    panels[2].xaxis.set_major_formatter(PercentFormatter(1))
    panels[1].set_title(
        f"{found.activation}: {found.dead:.1%} dead, {found.flat:.1%} flat, "
        f"{found.nan:,} NaN, {found.infinite:,} infinite",
        fontsize=10,
    )
    return figure


def flows(found: Mapping[str, Flow]) -> Figure:
    """Draw the gradient norms of all layers, of one network or of several."""
    figure, [panel] = _panels(1, 5.2)
    for (name, flow), style in zip(found.items(), LINES, strict=False):
        norms = [layer.norm if layer.norm > 0 else np.nan for layer in flow.layers]
        panel.plot(range(1, len(norms) + 1), norms, label=name, marker="o", **style)
        # At the lower edge, since a logarithmic scale has no place for zero.
        zeros = [k for k, layer in enumerate(flow.layers, start=1) if layer.norm == 0]
        edge = panel.get_xaxis_transform()
        panel.plot(zeros, [0.02] * len(zeros), "v", color=RED, transform=edge, clip_on=False)
        for k in zeros:
            panel.annotate("0", (k, 0.06), xycoords=edge, ha="center", fontsize=8, color=RED)
    names = [layer.name for layer in next(iter(found.values())).layers]
    panel.set_yscale("log")
    if len(names) <= 8:
        panel.set_xticks(range(1, len(names) + 1), names)
    else:
        panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    title = next(iter(found)) if len(found) == 1 else ""
    _label(panel, title, "layer", "norm of the gradient")
    if len(found) > 1:
        figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def depths(found: Depths) -> Figure:
    """Draw the variances of signals and gradients, layer by layer."""
    figure, panels = _panels(2, 4.2, 3.6, sharex=True)
    styles = [*LINES] if len(found.runs) <= len(LINES) else [{"color": GREY}] * len(found.runs)
    handles = []
    for run, style in zip(found.runs, styles, strict=False):
        layers = np.arange(1, len(run.signal) + 1)
        for panel, values in zip(panels, (run.signal, run.gradient), strict=True):
            shown = np.where((values > _LEAST) & (values < _MOST), values, np.nan)
            line = panel.plot(layers, shown, label=run.activation, linewidth=1.8, **style)[0]
        handles.append(line)
    for panel, title in zip(panels, ("signal", "gradient"), strict=True):
        drawn = np.concatenate([np.array([0.1, 10.0]), *(x.get_ydata() for x in panel.lines)])
        # Ten times up and down at least: rounding is no trend.
        panel.set_ylim(np.nanmin(drawn) / 1.5, np.nanmax(drawn) * 1.5)
        panel.set_yscale("log")
        panel.axhline(1, color="#888888", linewidth=0.8, zorder=0)
        panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        _label(panel, title, "layer", "variance")
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(5, len(handles)),
        fontsize=9,
        frameon=False,
        handlelength=3.5,
    )
    return figure
