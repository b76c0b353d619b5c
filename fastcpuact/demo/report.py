"""What a demonstration shows at its end: a table and a picture."""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.box import SIMPLE_HEAD
from rich.table import Table

from fastcpuact.demo.study import SIZES, Run
from fastcpuact.diagnostics import FLAT
from fastcpuact.palette import BLUE, GREY

TICKS = (0.1, 0.5, 0.9, 0.95, 0.98, 0.99)
LOWEST, HIGHEST = 0.04, 0.997  # shown; one wrong digit in 360 is 0.9972


def table(runs: Sequence[Run]) -> Table:
    """Return the results as a table for a terminal.

    Parameters
    ----------
    runs : sequence of Run
        One per activation.

    Returns
    -------
    rich.table.Table
        The table.
    """
    result = Table(
        title=f"Handwritten digits, network {'-'.join(map(str, SIZES))}, float32",
        caption=f"Dead or saturated: hidden units with |f'| < {FLAT} for every training digit. "
        "Gradient norm: before training. Epoch: median time of training, matrix products and "
        "optimiser included. Plain: the same with NumPy/SciPy expressions for the activations, "
        "in turns with it. Speed-up: their ratio.",
        box=SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    result.add_column("\nactivation", overflow="fold")
    for heading in (
        "test\naccuracy",
        "dead or\nsaturated",
        f"gradient norm\nlayers 1 to {len(SIZES) - 1}",
        "epoch\nms",
        "plain\nms",
        "speed-\nup",
    ):
        result.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        result.add_row(
            run.activation,
            f"{run.accuracy[-1]:.1%}",
            f"{run.flat_units:.1%}",
            " ".join(f"{norm:.{2 if norm < 10 else 0}f}" for norm in run.gradient_norms),
            _milliseconds(run.seconds),
            _milliseconds(run.plain_seconds),
            "-" if run.speedup is None else f"{run.speedup:.2f}x",
        )
    return result


def picture(runs: Sequence[Run]) -> Figure:
    """Draw the learning curves, one panel for each activation before all others in grey.

    Parameters
    ----------
    runs : sequence of Run
        One per activation.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.
    """
    columns = min(len(runs), math.ceil(math.sqrt(1.6 * len(runs))))
    rows = math.ceil(len(runs) / columns)
    figure = Figure(
        figsize=(max(4, 1 + 2.3 * columns), max(3, 1 + 1.8 * rows)), dpi=150, layout="constrained"
    )
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    curves = [np.clip(run.accuracy, LOWEST, HIGHEST) for run in runs]
    for panel, run, curve in zip(panels, runs, curves, strict=False):
        for other in curves:
            panel.plot(other, color=GREY, linewidth=0.8)
        panel.plot(curve, color=BLUE, linewidth=2)
        panel.set_title(f"{run.activation}  {run.accuracy[-1]:.1%}", fontsize=10)
        panel.grid(linewidth=0.4)
        panel.tick_params(labelsize=8)
    # Near the top, where good activations differ, the logit scale opens up.
    panels[0].set_yscale("logit")
    panels[0].set_ylim(LOWEST, HIGHEST)
    panels[0].set_yticks(TICKS, [f"{tick:.0%}" for tick in TICKS])
    panels[0].set_yticks([], minor=True)
    panels[0].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for empty in range(len(runs), rows * columns):
        panels[empty].set_visible(False)
        panels[empty - columns].tick_params(labelbottom=True)
    others = " (grey: the other activations)" if len(runs) > 1 else ""
    figure.supxlabel(f"epoch{others}")
    figure.supylabel("test accuracy")
    return figure


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"{median(seconds) * 1e3:.1f}" if seconds else "-"
