"""Pictures of activations: their curves, all of them at a glance, and their errors.

Each function returns a `matplotlib.figure.Figure`, which a notebook shows and ``savefig`` writes.
It needs Matplotlib: ``pip install 'fastcpuact[plot]'``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.extras import needed
from fastcpuact.info import Properties
from fastcpuact.palette import BLUE, GREY, LINES, ORANGE, RED

with needed("plot", __name__):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES = {"value": "f(x)", "grad": "f'(x)", "grad2": "f''(x)"}
_STYLES = dict(zip(CURVES, LINES, strict=False))
# Beyond, steep functions would squeeze all that is worth looking at.
_LOW, _HIGH = -2.6, 6.6
_POINTS = 2001

__all__ = ["activation", "error", "gallery"]


def activation(*names: str, **params: float) -> Figure:
    """Draw f, f' and f'' of one activation, or those of several in a panel each.

    Parameters
    ----------
    *names : str
        Names or aliases of elementwise activations, at most seven.
    **params : float
        Parameters of the activation, if it is one.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    TypeError
        If a parameter is unknown.
    ValueError
        If there is no name, one is unknown, or there are too many.

    Examples
    --------
    >>> from fastcpuact import plot
    >>> figure = plot.activation("gelu", "silu")
    >>> [axes.get_title() for axes in figure.axes]
    ['f(x)', "f'(x)", "f''(x)"]
    """
    chosen = [act.get(name, "elementwise") for name in dict.fromkeys(names)]
    if not 1 <= len(chosen) <= len(LINES):
        raise ValueError(f"names must be 1 to {len(LINES)} activations, got {len(chosen)}")
    if len(chosen) > 1 and params:
        raise ValueError(f"parameters belong to one activation, got {len(chosen)}")
    if len(chosen) == 1:
        return _one(chosen[0], params)
    windows = [_window(_properties(f, {})) for f in chosen]
    x = _points(min(w[0] for w in windows), max(w[1] for w in windows))
    figure = Figure(figsize=(10, 3.8), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(CURVES), sharex=True)
    handles: list[Any] = []
    for panel, (form, label) in zip(panels, CURVES.items(), strict=True):
        drawn = [
            _draw(panel, f, form, x, _properties(f, {}), label=f.name, linewidth=1.8, **style)
            for f, style in zip(chosen, LINES, strict=False)
            if form in f.record.forms
        ]
        handles = handles or drawn
        _finish(panel)
        panel.set_title(label, fontsize=10)
        panel.set_xlabel("x", fontsize=9)
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(chosen),
        frameon=False,
        fontsize=9,
        handlelength=3.5,
    )
    return figure


def gallery(names: Sequence[str] | None = None) -> Figure:
    """Draw f and f' of many activations, a small panel each.

    Parameters
    ----------
    names : sequence of str, optional
        Which; by default all elementwise activations.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ValueError
        If there is no name, or one is unknown.

    Examples
    --------
    >>> from fastcpuact import plot
    >>> figure = plot.gallery(["relu", "gelu", "tanh"])
    >>> len(figure.axes)
    3
    """
    chosen = [act.get(name, "elementwise") for name in (act.names() if names is None else names)]
    if not chosen:
        raise ValueError("names must be one activation at least, got none")
    columns = min(len(chosen), 7 if len(chosen) > 12 else 4)
    rows = math.ceil(len(chosen) / columns)
    figure = Figure(
        figsize=(max(4.0, 1.75 * columns), 0.8 + 1.6 * rows), dpi=150, layout="constrained"
    )
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    handles: list[Any] = []
    for panel, f in zip(panels, chosen, strict=False):
        properties = _properties(f, {})
        x = _points(*_window(properties))
        handles = [
            _draw(panel, f, form, x, properties, label=CURVES[form], linewidth=1.6, **style)
            for form, style in (("value", LINES[0]), ("grad", LINES[1]))
        ]
        _finish(panel)
        panel.set_title(f.name, fontsize=9)
        panel.tick_params(labelsize=7)
    for empty in panels[len(chosen) :]:
        empty.remove()
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return figure


def error(
    name: str,
    dtype: str = "float32",
    against: Mapping[str, Callable[[Any], Any]] | None = None,
    samples: int = 20_000,
) -> Figure:
    """Draw the errors of an activation and its gradients beside their stated bounds.

    It compares with exact values of the accuracy check: ``pip install 'fastcpuact[check]'``.

    Parameters
    ----------
    name : str
        Name or alias of an elementwise activation, all of whose parameters have defaults.
    dtype : {"float32", "float64"}
        Which results to look at; float64 takes longer.
    against : mapping of str to callable, optional
        Other functions f(x), by what to call them; drawn beside the value.
    samples : int, default 20000
        At how many inputs, evenly spread over the domain.

    Returns
    -------
    matplotlib.figure.Figure
        The picture: every point is the largest error in its part of the domain.

    Raises
    ------
    ValueError
        If the name or the dtype is unknown, a parameter has no default, or there are less than
        1000 samples.

    Examples
    --------
    >>> from fastcpuact import plot
    >>> figure = plot.error("tanh", samples=2000)
    >>> [axes.get_title() for axes in figure.axes]
    ['f(x)', "f'(x)", "f''(x)"]
    """
    from fastcpuact.accuracy.reference import REFERENCES

    f = act.get(name, "elementwise")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    if None in f.params.values():
        raise ValueError(f"{f.name} has a parameter without default, and no errors to draw")
    if samples < 10 * _BINS:
        raise ValueError(f"samples must be {10 * _BINS} at least, got {samples}")
    curves = REFERENCES[f.name]().curves
    low, high = (1.25 * end for end in f.record.domain)
    # Not a regular grid, whose points have few digits.
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(low, high, samples)).astype(dtype)
    shown = [form for form in CURVES if form in f.record.forms]
    figure = Figure(figsize=(1 + 3.2 * len(shown), 3.6), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
    handles: list[Any] = []
    for panel, form in zip(panels, shown, strict=True):
        kernel = f if form == "value" else getattr(f, form)
        compared: dict[str, Callable[[Any], Any]] = {"fastcpuact": kernel}
        if form == "value":
            compared |= against or {}
        for (label, g), style in zip(compared.items(), _MARKS, strict=False):
            with np.errstate(all="ignore"):
                errors = curves[form].ulp_errors(np.asarray(g(x)), x)
            line = panel.plot(*_largest(x, errors), label=label, **style)[0]
            handles += [line] if form == "value" else []
        bound = f.record.bounds[form, dtype]
        line = panel.axhline(bound, color="black", linewidth=1.2, label="stated bound")
        handles += [line] if form == "value" else []
        panel.set_title(CURVES[form], fontsize=10)
        panel.set_xlabel(f"x of {f.name}", fontsize=9)
        panel.grid(linewidth=0.3)
        panel.tick_params(labelsize=8)
    if against:
        # Linear as far as bounds reach, logarithmic where digits are lost.
        panels[0].set_yscale("symlog", linthresh=_LINEAR, linscale=2)
        most = max(panels[0].get_ylim()[1], _LINEAR)
        top = math.ceil(math.log10(most))
        decades = [10.0**k for k in range(top, 0, -math.ceil(top / 4))]
        panels[0].set_ylim(top=10.0**top)
        panels[0].set_yticks([*range(_LINEAR + 1), *decades])
        panels[0].yaxis.set_major_formatter(lambda ulp, _: f"{ulp:g}")
        panels[0].set_yticks([], minor=True)
    panels[0].set_ylim(bottom=0)
    figure.supylabel(f"error in ULP of {dtype}", fontsize=9)
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return figure


_BINS = 100
_LINEAR = 4
_MARKS = tuple(
    {"color": color, "marker": marker, "linestyle": "", "markersize": size}
    for color, marker, size in ((BLUE, "o", 3.5), (RED, "x", 4.5), (ORANGE, "^", 4), (GREY, "s", 4))
)


def _one(f: act.Activation, params: Mapping[str, float]) -> Figure:
    """Draw the curves of one activation into one panel."""
    properties = _properties(f, params)
    figure = Figure(figsize=(5.6, 4.2), dpi=150, layout="constrained")
    panel = figure.subplots()
    x = _points(*_window(properties))
    for form, style in _STYLES.items():
        if form in f.record.forms:
            _draw(panel, f, form, x, properties, label=CURVES[form], linewidth=2, **style)
    _finish(panel)
    given = ", ".join(f"{name} = {value:g}" for name, value in properties.params.items())
    panel.set_title(f.name + (f", {given}" if given else ""), fontsize=11)
    panel.set_xlabel("x", fontsize=9)
    figure.legend(
        loc="outside lower center", ncols=len(CURVES), frameon=False, fontsize=9, handlelength=3.5
    )
    return figure


def _properties(f: act.Activation, params: Mapping[str, float]) -> Properties:
    from fastcpuact.info import properties

    if not params and f.info.properties is not None:
        return f.info.properties
    return properties(f, **params)


def _window(properties: Properties) -> tuple[float, float]:
    """Return where to look: around zero, and a little beyond all kinks."""
    kinks = properties.kinks or (0.0,)
    return min(-4.0, kinks[0] - 1.5), max(4.0, kinks[-1] + 1.5)


def _points(low: float, high: float) -> Any:
    return np.linspace(low, high, _POINTS)


def _draw(
    panel: Axes, f: act.Activation, form: str, x: Any, properties: Properties, **style: Any
) -> Any:
    """Draw a curve, broken where it jumps."""
    kernel = f if form == "value" else getattr(f, form)
    # Points directly beside each kink, and a gap in it.
    kinks = [kink for kink in properties.kinks if x[0] < kink < x[-1]]
    beside = [edge for kink in kinks for edge in (np.nextafter(kink, s) for s in (-9e9, 9e9))]
    x = np.union1d(x, [*beside, *kinks])
    y = np.asarray(kernel(x, *properties.params.values()), np.float64)
    for kink in kinks:
        at = int(np.searchsorted(x, kink))
        if abs(y[at + 1] - y[at - 1]) > 1e-6:
            y[at] = np.nan
    y[(y < _LOW - 1) | (y > _HIGH + 1)] = np.nan
    return panel.plot(x, y, **style)[0]


def _finish(panel: Axes) -> None:
    """Set limits that no steep curve dominates, axes through zero, and a thin grid."""
    low, high = panel.get_ylim()
    margin = 0.08
    panel.set_ylim(max(min(low, -margin), _LOW), min(max(high, 1 + margin), _HIGH))
    panel.axhline(0, color="#888888", linewidth=0.7, zorder=0)
    panel.axvline(0, color="#888888", linewidth=0.7, zorder=0)
    panel.grid(linewidth=0.3)
    panel.set_axisbelow(True)
    panel.tick_params(labelsize=8)
    panel.margins(x=0)


def _largest(x: Any, errors: Any) -> tuple[Any, Any]:
    """Return the largest error in each part of the inputs, and where it is."""
    parts = np.array_split(np.arange(len(x)), _BINS)
    worst = [part[np.argmax(errors[part])] for part in parts]
    return x[worst], errors[worst]
