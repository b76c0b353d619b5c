"""Gradients of all layers: whether they vanish or explode on the way back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

# Between the first and the last layer; beyond, plain gradient descent serves one of them only.
_LARGE = 1e3


@dataclass(frozen=True)
class LayerFlow:
    """The gradient of one layer.

    Attributes
    ----------
    name : str
        The layer.
    size : int
        How many elements the gradient has.
    norm, rms : float
        Euclidean norm, and root of the mean square, of what is finite.
    zeros : float
        Share of the elements that are 0.
    not_finite : int
        How many elements are NaN or infinite.
    relative : float or None
        The norm over that of the weights, if these are given.
    """

    name: str
    size: int
    norm: float
    rms: float
    zeros: float
    not_finite: int
    relative: float | None


@dataclass(frozen=True)
class Flow:
    """The gradients of all layers, from the first to the last.

    Attributes
    ----------
    layers : tuple of LayerFlow
        One for each.
    """

    layers: tuple[LayerFlow, ...]

    @property
    def ratio(self) -> float:
        """The gradient norm of the first layer over that of the last."""
        first, last = self.layers[0].norm, self.layers[-1].norm
        if any(layer.not_finite for layer in self.layers) or not (first or last):
            return math.nan
        return first / last if last else math.inf

    @property
    def verdict(self) -> str:
        """One of "not finite", "zero", "vanishing", "exploding" and "steady"."""
        if any(layer.not_finite for layer in self.layers):
            return "not finite"
        if not any(layer.norm for layer in self.layers):
            return "zero"
        if self.ratio > _LARGE:
            return "exploding"
        return "vanishing" if self.ratio < 1 / _LARGE else "steady"

    def as_dict(self) -> dict[str, Any]:
        """Return all figures for JSON."""
        ratio = self.ratio
        return {
            "ratio": ratio if math.isfinite(ratio) else None,
            "verdict": self.verdict,
            "layers": [asdict(layer) for layer in self.layers],
        }

    def table(self) -> Table:
        """Return the figures as a table for a terminal."""
        from .tables import flow

        return flow(self)

    def plot(self) -> Figure:
        """Draw the norms of all layers."""
        from .pictures import flows

        return flows({self.verdict: self})


def gradient_flow(layers: Mapping[str, Any] | Iterable[Any]) -> Flow:
    """Describe the gradients of all layers of a network.

    Parameters
    ----------
    layers : mapping or iterable
        For each layer, from the first to the last, its gradient, or the pair of its weights and
        their gradient; by name if it is a mapping.

    Returns
    -------
    Flow
        The figures, with ``table()`` and ``plot()``.

    Raises
    ------
    TypeError
        If a gradient does not hold real numbers.
    ValueError
        If there is no layer, one is empty or a tuple of other than two, or weights and gradient
        differ in shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcpuact import diagnostics
    >>> flow = diagnostics.gradient_flow([np.full((3, 3), 1e-6), np.full((3, 3), 0.1)])
    >>> flow.verdict, round(flow.ratio, 8)
    ('vanishing', 1e-05)
    """
    items = layers.items() if isinstance(layers, Mapping) else enumerate(layers, start=1)
    described = tuple(_describe(str(name), layer) for name, layer in items)
    if not described:
        raise ValueError("layers must hold one gradient at least, got none")
    return Flow(described)


def _describe(name: str, layer: Any) -> LayerFlow:
    if isinstance(layer, tuple) and len(layer) != 2:
        raise ValueError(f"layer {name}: a tuple must be weights and gradient, got {len(layer)}")
    is_pair = isinstance(layer, tuple)
    weights, given = layer if is_pair else (None, layer)
    gradient = np.asarray(given)
    if gradient.dtype.kind not in "fiub":
        raise TypeError(f"layer {name}: the gradient must hold real numbers, got {gradient.dtype}")
    if not gradient.size:
        raise ValueError(f"layer {name}: the gradient is empty")
    gradient = gradient.astype(np.float64)
    finite = np.isfinite(gradient)
    norm = float(np.linalg.norm(gradient[finite]))
    relative = None
    if weights is not None:
        if np.shape(weights) != gradient.shape:
            raise ValueError(
                f"layer {name}: weights and gradient must have one shape, "
                f"got {np.shape(weights)} and {gradient.shape}"
            )
        of_weights = float(np.linalg.norm(np.asarray(weights, np.float64)))
        relative = norm / of_weights if of_weights else math.inf
    count = int(finite.sum())
    return LayerFlow(
        name=name,
        size=gradient.size,
        norm=norm,
        rms=norm / math.sqrt(count) if count else math.nan,
        zeros=float(np.mean(gradient == 0)),
        not_finite=gradient.size - count,
        relative=relative,
    )
