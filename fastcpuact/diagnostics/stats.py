"""Units of a layer: dead ones, saturated ones, means and deviations, over any number of batches."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .functions import Differentiable, function_of, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

    from fastcpuact import Activation

Floats = NDArray[np.float64]

# A unit learns next to nothing where the slope of its activation is smaller.
FLAT = 0.01


@dataclass(frozen=True)
class Stats:
    """What the units of a layer did.

    Attributes
    ----------
    activation : str
        What it is called.
    samples, units : int
        How many inputs each unit had, and how many units there are.
    mean, deviation : float
        Of all finite outputs.
    dead : float
        Share of the units whose slope was 0 for every sample.
    flat : float
        Share of the units whose slope was less than `threshold` for every sample.
    saturated : float
        Share of all outputs with a slope less than `threshold`.
    nan, infinite : int
        How many outputs were NaN, and infinite.
    threshold : float
        Which absolute slope counts as flat.
    unit_mean, unit_deviation, unit_saturated : ndarray
        The same for each unit.
    unit_steepest : ndarray
        The largest absolute slope of each unit.
    """

    activation: str
    samples: int
    units: int
    mean: float
    deviation: float
    dead: float
    flat: float
    saturated: float
    nan: int
    infinite: int
    threshold: float
    unit_mean: Floats
    unit_deviation: Floats
    unit_saturated: Floats
    unit_steepest: Floats

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of the layer for JSON, where None stands for NaN."""
        shown = [field.name for field in fields(self) if not field.name.startswith("unit_")]
        values = {name: getattr(self, name) for name in shown}
        return {
            name: None if isinstance(x, float) and math.isnan(x) else x
            for name, x in values.items()
        }

    def table(self) -> Table:
        """Return the figures as a table for a terminal."""
        from .tables import stats

        return stats({self.activation: self})

    def plot(self) -> Figure:
        """Draw means, deviations and saturation of the units."""
        from .pictures import units

        return units(self)


class ActivationStats:
    """Statistics of the units of a layer, gathered batch by batch.

    Parameters
    ----------
    f : Activation or str
        The activation of the layer.
    axis : int, default -1
        The axis of the units: the last one for dense layers, 1 for images as NCHW.  All others
        are samples.
    flat : float, default 0.01
        Which absolute slope counts as saturated.
    **params : float
        Parameters of the activation.

    Raises
    ------
    TypeError
        If ``f`` is no activation, or ``axis`` no integer.
    ValueError
        If no activation has that name, or ``flat`` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcpuact import diagnostics
    >>> stats = diagnostics.ActivationStats("relu")
    >>> for batch in ([[1.0, -1.0]], [[3.0, -2.0], [-1.0, -5.0]]):
    ...     stats = stats.update(np.array(batch))
    >>> found = stats.result()
    >>> found.samples, found.dead, round(found.saturated, 3), found.unit_mean.tolist()
    (3, 0.5, 0.667, [1.3333333333333333, 0.0])
    """

    def __init__(
        self, f: Differentiable | str, *, axis: int = -1, flat: float = FLAT, **params: float
    ) -> None:
        if not flat > 0:
            raise ValueError(f"flat must be positive, got {flat!r}")
        self.f = function_of(f)
        try:
            self.axis = operator.index(axis)
        except TypeError as error:
            raise TypeError(f"axis must be an integer, got {axis!r}") from error
        self.flat = flat
        self.params = params
        self._samples = 0
        # By unit: how many finite outputs, their mean, and their squared distances from it.
        self._count = self._mean = self._squares = np.zeros(0)
        self._saturated = self._steepest = np.zeros(0)
        self._nan = self._infinite = 0

    def update(self, x: Any, y: Any = None) -> ActivationStats:
        """Take in a batch.

        Parameters
        ----------
        x : array_like
            The inputs of the activation.
        y : array_like, optional
            Its outputs, if they are there already.

        Returns
        -------
        ActivationStats
            Itself.

        Raises
        ------
        ValueError
            If the shapes of ``x`` and ``y`` differ, or there are not as many units as before.
        numpy.exceptions.AxisError
            If ``x`` does not have the axis.
        """
        inputs = np.asarray(x)
        given, slope = self.f.value_and_grad(inputs, **self.params)
        outputs = np.asarray(given if y is None else y)
        if outputs.shape != inputs.shape:
            raise ValueError(f"y must have the shape of x, {inputs.shape}, got {outputs.shape}")
        outputs, steep = self._by_unit(outputs), np.abs(self._by_unit(np.asarray(slope)))
        if self._samples and outputs.shape[1] != len(self._count):
            raise ValueError(f"x must have {len(self._count)} units, got {outputs.shape[1]}")
        batch = ActivationStats(self.f, axis=self.axis, flat=self.flat, **self.params)
        batch._samples = len(outputs)
        finite = np.isfinite(outputs)
        batch._count = finite.sum(axis=0, dtype=np.float64)
        filled = np.where(finite, outputs, 0)
        batch._mean = (filled / np.maximum(batch._count, 1)).sum(axis=0)
        with np.errstate(over="ignore"):
            batch._squares = np.where(finite, (filled - batch._mean) ** 2, 0).sum(axis=0)
        batch._nan, batch._infinite = int(np.isnan(outputs).sum()), int(np.isinf(outputs).sum())
        batch._saturated = (steep < self.flat).sum(axis=0, dtype=np.float64)
        # The slope of NaN is NaN: such a unit is not dead, but worse.
        batch._steepest = np.max(steep, axis=0, initial=0)
        return self.merge(batch)

    def merge(self, other: ActivationStats) -> ActivationStats:
        """Take in what was gathered elsewhere, of the same units; return itself.

        The update is that of Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
        for computing sample variances", 1979.

        Parameters
        ----------
        other : ActivationStats
            Of the same activation and ``flat``.

        Raises
        ------
        TypeError
            If ``other`` is something else.
        ValueError
            If the activations, their parameters, the numbers of units or the ``flat`` differ.
        """
        if not isinstance(other, ActivationStats):
            raise TypeError(f"other must be ActivationStats, got {type(other).__name__}")
        mine, theirs = ((name_of(stats.f), stats.params) for stats in (self, other))
        if mine != theirs:
            raise ValueError(f"other must be of {mine}, got {theirs}")
        if other.flat != self.flat:
            raise ValueError(f"flat must be {self.flat}, got {other.flat}")
        if not other._samples:
            return self
        if not self._samples:
            for name in ("_count", "_mean", "_squares", "_saturated", "_steepest"):
                setattr(self, name, np.zeros_like(getattr(other, name)))
        if len(other._count) != len(self._count):
            raise ValueError(f"there must be {len(self._count)} units, got {len(other._count)}")
        total = np.maximum(self._count + other._count, 1)
        distance = other._mean - self._mean
        # The squares of numbers near the largest are infinite, and so is the deviation then.
        with np.errstate(over="ignore", invalid="ignore"):
            between = (distance * np.sqrt(self._count * other._count / total)) ** 2
            self._squares = self._squares + other._squares + between
        self._mean = self._mean + distance * other._count / total
        self._count = self._count + other._count
        self._saturated = self._saturated + other._saturated
        self._steepest = np.maximum(self._steepest, other._steepest)
        self._samples += other._samples
        self._nan += other._nan
        self._infinite += other._infinite
        return self

    def result(self) -> Stats:
        """Return what was found so far.

        Raises
        ------
        ValueError
            If there was no batch, or nothing in it.
        """
        units = len(self._count)
        if not (self._samples and units):
            raise ValueError(
                "x must hold samples of units: there are none before the first batch that does"
            )
        count = self._count.sum()
        share = self._count / count if count else np.full(units, np.nan)
        mean = float(np.sum(share * self._mean))
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.sum(self._squares + self._count * (self._mean - mean) ** 2)
            deviation = float(np.sqrt(squares / count)) if count else math.nan
            unit_deviation = np.sqrt(self._squares / np.maximum(self._count, 1))
        return Stats(
            activation=name_of(self.f),
            samples=self._samples,
            units=units,
            mean=mean,
            deviation=deviation,
            dead=float(np.mean(self._steepest == 0)),
            flat=float(np.mean(self._steepest < self.flat)),
            saturated=float(self._saturated.sum() / (self._samples * units)),
            nan=self._nan,
            infinite=self._infinite,
            threshold=self.flat,
            unit_mean=np.where(self._count > 0, self._mean, np.nan),
            unit_deviation=np.where(self._count > 0, unit_deviation, np.nan),
            unit_saturated=self._saturated / self._samples,
            unit_steepest=self._steepest,
        )

    def _by_unit(self, array: NDArray[Any]) -> Floats:
        """Return an array as float64 of shape (samples, units)."""
        moved = np.moveaxis(array, self.axis, -1)
        return moved.reshape(-1, moved.shape[-1]).astype(np.float64)


def activation_stats(
    x: Any,
    y: Any = None,
    *,
    f: Activation | Differentiable | str,
    axis: int = -1,
    flat: float = FLAT,
    **params: float,
) -> Stats:
    """Describe the units of a layer over a batch: dead, saturated, mean, deviation, NaN.

    For many batches see `ActivationStats`, which gathers the same batch by batch.

    Parameters
    ----------
    x : array_like
        The inputs of the activation.
    y : array_like, optional
        Its outputs, if they are there already.
    f : Activation or str
        The activation.
    axis : int, default -1
        The axis of the units; all others are samples.
    flat : float, default 0.01
        Which absolute slope counts as saturated.
    **params : float
        Parameters of the activation.

    Returns
    -------
    Stats
        The figures, with ``table()`` and ``plot()``.

    Raises
    ------
    TypeError
        If ``f`` is no activation.
    ValueError
        If the shapes of ``x`` and ``y`` differ, ``x`` is empty, or ``flat`` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcpuact import diagnostics
    >>> x = np.array([[-9.0, 0.5], [-8.0, 5.0]])
    >>> found = diagnostics.activation_stats(x, f="sigmoid")
    >>> found.flat, found.saturated, found.dead
    (0.5, 0.75, 0.0)
    """
    return ActivationStats(f, axis=axis, flat=flat, **params).update(x, y).result()
