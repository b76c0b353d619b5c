"""Tables of the diagnostics, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from fastcpuact.extras import needed

from .depth import Depths
from .flow import Flow
from .gain import Gain
from .stats import Stats

with needed("cli", "table()"):
    from rich.box import SIMPLE_HEAD
    from rich.table import Table


def _table(first: str, *headings: str, **settings: Any) -> Table:
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False, **settings)
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def number(x: float | None) -> str:
    """Write a number with three digits; a dash stands for none."""
    return "-" if x is None or math.isnan(x) else f"{x:.3g}"


def gains(found: Iterable[Gain]) -> Table:
    """Show gains."""
    table = _table(
        *("activation", "forward", "backward", "compromise", "mean", "gradient\ngrowth"),
        caption="Factors on weights of variance 1/fan_in, 1/fan_out and of the mean of both. "
        "Growth: of the gradients' mean square in a layer that keeps its signals.",
    )
    for gain in found:
        figures = (gain.forward, gain.backward, gain.compromise, gain.mean, gain.gradient_growth)
        table.add_row(gain.activation, *map(number, figures))
    return table


def stats(found: Mapping[str, Stats]) -> Table:
    """Show the units of layers, by their names."""
    threshold = max((s.threshold for s in found.values()), default=0)
    table = _table(
        *("layer", "units", "samples", "mean", "deviation", "dead", "flat", "saturated"),
        *("NaN", "infinite"),
        caption=f"Dead: units with f' = 0 for every sample; flat: |f'| < {threshold:g} for every "
        "sample. Saturated: outputs with such a slope.",
    )
    for name, s in found.items():
        table.add_row(
            name,
            *(f"{s.units:,}", f"{s.samples:,}", number(s.mean), number(s.deviation)),
            *(f"{s.dead:.1%}", f"{s.flat:.1%}", f"{s.saturated:.1%}"),
            *(f"{s.nan:,}", f"{s.infinite:,}"),
            style="red" if s.nan or s.infinite else None,
        )
    return table


def flow(found: Flow) -> Table:
    """Show the gradients of all layers."""
    table = _table(
        *("layer", "size", "norm", "rms", "zeros", "not\nfinite", "norm over\nweights"),
        caption=f"First to last layer: {number(found.ratio)}, {found.verdict}.",
    )
    for layer in found.layers:
        table.add_row(
            layer.name,
            *(f"{layer.size:,}", number(layer.norm), number(layer.rms), f"{layer.zeros:.1%}"),
            *(f"{layer.not_finite:,}", number(layer.relative)),
            style="red" if layer.not_finite else None,
        )
    return table


def depths(found: Depths) -> Table:
    """Show signals and gradients of deep networks."""
    count = len(found.runs[0].signal)
    table = _table(
        *("activation", "signal\nlast layer", "growth\na layer"),
        *("gradient\nfirst layer", "growth\na layer"),
        title=f"{count} layers of {found.width} units, weights scaled {found.mode}",
        caption="Variances; that of the inputs and of the upstream gradients is 1.",
    )
    for run in found.runs:
        table.add_row(
            run.activation,
            *(_variance(run.signal[-1]), number(run.signal_growth)),
            *(_variance(run.gradient[0]), number(run.gradient_growth)),
            style=None if math.isfinite(run.signal[-1] + run.gradient[0]) else "red",
        )
    return table


def _variance(x: float) -> str:
    return number(x) if math.isfinite(x) else "not finite"
