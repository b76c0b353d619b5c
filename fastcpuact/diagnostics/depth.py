"""What becomes of signals and gradients in a deep network that has not learned anything yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .functions import Differentiable, function_of, name_of
from .gain import MODES, gain

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Depth:
    """Signals and gradients of one activation.

    Attributes
    ----------
    activation : str
        What it is called.
    signal : ndarray
        Variance of the inputs of each layer's activation, from the first to the last.
    gradient : ndarray
        Variance of the gradients with respect to them, that of the last being one layer's
        upstream gradient of variance 1 times its slope.
    """

    activation: str
    signal: Floats
    gradient: Floats

    @property
    def signal_growth(self) -> float:
        """By what a layer multiplies the variance of the signal, on average."""
        return _growth(self.signal)

    @property
    def gradient_growth(self) -> float:
        """By what a layer multiplies the variance of the gradient, on average."""
        return _growth(self.gradient[::-1])


@dataclass(frozen=True)
class Depths:
    """Signals and gradients of several activations.

    Attributes
    ----------
    mode : str
        How the weights were scaled.
    width : int
        Of every layer.
    runs : tuple of Depth
        One for each activation.
    """

    mode: str
    width: int
    runs: tuple[Depth, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return all figures for JSON, which has no infinity and no NaN: None stands for them."""
        return {
            "mode": self.mode,
            "width": self.width,
            "runs": [
                {
                    "activation": run.activation,
                    "signal": [_json(x) for x in run.signal],
                    "gradient": [_json(x) for x in run.gradient],
                    "signal_growth": _json(run.signal_growth),
                    "gradient_growth": _json(run.gradient_growth),
                }
                for run in self.runs
            ],
        }

    def table(self) -> Table:
        """Return the figures as a table for a terminal."""
        from .tables import depths

        return depths(self)

    def plot(self) -> Figure:
        """Draw the variances, layer by layer."""
        from .pictures import depths

        return depths(self)


def depth_experiment(
    activations: Iterable[Differentiable | str] | Differentiable | str,
    *,
    layers: int = 30,
    width: int = 256,
    samples: int = 64,
    mode: str = "forward",
    seed: int = 0,
    on_run: Callable[[str], None] = lambda name: None,
) -> Depths:
    """Send signals through deep random networks, and gradients back.

    Every network has the same random weights but for their scale, which `gain` gives.

    Parameters
    ----------
    activations : iterable of Activation or str
        One network for each; or a single one.
    layers, width, samples : int
        How many layers, units in each, and inputs.
    mode : {"forward", "backward", "compromise", "unit"}
        How to scale the weights: as `Gain.deviation` does, or to the variance 1/width whatever
        the activation is.
    seed : int
        Of the weights, inputs and upstream gradients.
    on_run : callable, optional
        Called with each name when it is done.

    Returns
    -------
    Depths
        The variances of signals and gradients, with ``table()`` and ``plot()``.

    Raises
    ------
    TypeError
        If something is no activation.
    ValueError
        If there is no activation, a name or the mode is unknown, or a number is not positive.

    Examples
    --------
    >>> from fastcpuact import diagnostics
    >>> found = diagnostics.depth_experiment(["relu", "sigmoid"], layers=10, width=64)
    >>> relu, sigmoid = found.runs
    >>> 0.5 < relu.gradient_growth < 2, sigmoid.gradient_growth < 0.5
    (True, True)
    """
    # A string is an iterable, too.
    several = activations if isinstance(activations, Iterable) else [activations]
    functions = [function_of(f) for f in ([several] if isinstance(several, str) else several)]
    if not functions:
        raise ValueError("activations must name one at least, got none")
    for name, number in (("layers", layers), ("width", width), ("samples", samples)):
        if number < 1:
            raise ValueError(f"{name} must be positive, got {number}")
    if mode not in (*MODES, "unit"):
        raise ValueError(f"mode must be one of {', '.join(MODES)} or unit, got {mode!r}")
    runs = []
    for f in functions:
        scale = 1.0 if mode == "unit" else gain(f).deviation(1, mode=mode)
        rng = np.random.default_rng(seed)
        # Some activations overflow: that is a finding, and the figures show it.
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            runs.append(_run(f, layers, width, samples, scale, rng))
        on_run(name_of(f))
    return Depths(mode, width, tuple(runs))


def _run(
    f: Differentiable, layers: int, width: int, samples: int, scale: float, rng: np.random.Generator
) -> Depth:
    x = rng.standard_normal((samples, width))
    weights, slopes, signal = [], [], [float(np.var(x))]
    for _ in range(layers - 1):
        y, slope = f.value_and_grad(x)
        weights.append(scale / np.sqrt(width) * rng.standard_normal((width, width)))
        slopes.append(slope)
        x = y @ weights[-1]
        signal.append(float(np.var(x)))
    slopes.append(f.value_and_grad(x)[1])
    delta = rng.standard_normal(x.shape) * slopes[-1]
    gradient = [float(np.var(delta))]
    for matrix, slope in zip(reversed(weights), reversed(slopes[:-1]), strict=True):
        delta = delta @ matrix.T * slope
        gradient.append(float(np.var(delta)))
    return Depth(name_of(f), np.array(signal), np.array(gradient[::-1]))


def _growth(variances: Floats) -> float:
    """Return the mean factor from one to the next, leaving out the first, which is peculiar."""
    if len(variances) < 3 or not variances[1] > 0:
        return float("nan")
    return float((variances[-1] / variances[1]) ** (1 / (len(variances) - 2)))


def _json(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None
