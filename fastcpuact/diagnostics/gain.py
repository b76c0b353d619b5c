"""The scale of weights at which an activation keeps signals, or gradients, as large as they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fastcpuact.numeric import expectation, jumps

from .functions import Differentiable, function_of, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

MODES = ("forward", "backward", "compromise")
# As far as a normal variable reaches to 15 digits.
_REACH = 8.0


@dataclass(frozen=True)
class Gain:
    """How an activation scales a standard normal input, and the weights that undo it.

    Attributes
    ----------
    activation : str
        What it is called.
    mean : float
        Mean of f(z) over a standard normal z.
    mean_square : float
        Mean of f(z)².
    slope_mean_square : float
        Mean of f'(z)².
    """

    activation: str
    mean: float
    mean_square: float
    slope_mean_square: float
    _curves: Callable[[Any], tuple[Any, Any]] = field(repr=False, compare=False)

    @property
    def forward(self) -> float:
        """The factor on weights of variance 1/fan_in that keeps the signals' mean square."""
        return _inverse_root(self.mean_square)

    @property
    def backward(self) -> float:
        """The factor on weights of variance 1/fan_out that keeps the gradients' mean square."""
        return _inverse_root(self.slope_mean_square)

    @property
    def compromise(self) -> float:
        """The geometric mean of both."""
        return math.sqrt(self.forward * self.backward)

    @property
    def gradient_growth(self) -> float:
        """By what the gradients' mean square is multiplied in a layer that keeps its signals."""
        return self.slope_mean_square / self.mean_square if self.mean_square else math.nan

    def deviation(self, fan_in: int, fan_out: int | None = None, mode: str = "forward") -> float:
        """Return the standard deviation of the weights of a layer that follows the activation.

        Parameters
        ----------
        fan_in, fan_out : int
            How many inputs and outputs the layer has; by default as many outputs as inputs.
        mode : {"forward", "backward", "compromise"}
            What to keep: signals (He et al., 2015), gradients, or the mean of both, with the
            mean of both numbers of connections (Glorot and Bengio, 2010).

        Raises
        ------
        ValueError
            If the mode is unknown, or there is no connection.

        Examples
        --------
        >>> from fastcpuact import diagnostics
        >>> diagnostics.gain("relu").deviation(fan_in=50)
        0.2
        """
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        outputs = fan_in if fan_out is None else fan_out
        if fan_in < 1 or outputs < 1:
            raise ValueError(f"fan_in and fan_out must be positive, got {fan_in} and {outputs}")
        fans = {"forward": fan_in, "backward": outputs, "compromise": (fan_in + outputs) / 2}
        factor: float = getattr(self, mode)
        return round(factor / math.sqrt(fans[mode]), 15)

    def weights(
        self,
        fan_in: int,
        fan_out: int,
        rng: np.random.Generator,
        mode: str = "forward",
        dtype: Any = np.float32,
    ) -> Any:
        """Draw normal weights of shape (fan_in, fan_out) for a layer that follows the activation.

        Parameters
        ----------
        fan_in, fan_out : int
            How many inputs and outputs the layer has.
        rng : numpy.random.Generator
            Where they come from.
        mode : {"forward", "backward", "compromise"}
            As for `deviation`.
        dtype : dtype, default float32
            Of the weights.

        Returns
        -------
        ndarray
            The weights.

        Raises
        ------
        ValueError
            If there is no such mode, a fan is less than 1, or the factor of the mode is infinite.
        TypeError
            If ``dtype`` is neither float32 nor float64, or ``rng`` no generator of NumPy.

        Examples
        --------
        >>> import numpy as np
        >>> from fastcpuact import diagnostics
        >>> diagnostics.gain("relu").weights(64, 128, np.random.default_rng(0)).shape
        (64, 128)
        """
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
        deviation = self.deviation(fan_in, fan_out, mode)
        if math.isinf(deviation):
            raise ValueError(f"mode {mode!r}: {self.activation} keeps nothing that could be scaled")
        drawn = rng.standard_normal((fan_in, fan_out), dtype)
        return drawn * drawn.dtype.type(deviation)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures."""
        names = (
            *("activation", "mean", "mean_square", "slope_mean_square"),
            *("forward", "backward", "compromise", "gradient_growth"),
        )
        return {name: getattr(self, name) for name in names}

    def table(self) -> Table:
        """Return the figures as a table for a terminal."""
        from .tables import gains

        return gains([self])

    def plot(self) -> Figure:
        """Draw the distributions of f(z) and f'(z)."""
        from .pictures import distributions

        return distributions(self.activation, self._curves)


def gain(f: Differentiable | str, **params: float) -> Gain:
    """Compute how an activation scales signals and gradients, for any activation.

    The gains are 1/√E f(z)² and 1/√E f'(z)² over a standard normal z, by Gauss-Legendre quadrature
    in panels that end at all kinks, so to about 14 digits.  relu gives √2 for both, as in He et
    al., "Delving deep into rectifiers", 2015.

    Parameters
    ----------
    f : Activation or str
        An activation of this package, its name, or any callable with a method ``value_and_grad``
        that takes float64 arrays.
    **params : float
        Parameters of the activation.

    Returns
    -------
    Gain
        The moments, the gains, and the initialisation that follows from them.

    Raises
    ------
    TypeError
        If ``f`` is no activation.
    ValueError
        If no activation has that name.

    Examples
    --------
    >>> import fastcpuact as act
    >>> from fastcpuact import diagnostics
    >>> found = diagnostics.gain(act.relu)
    >>> round(found.forward**2, 12), round(found.backward**2, 12)
    (2.0, 2.0)
    >>> round(diagnostics.gain(act.selu).forward, 12)
    1.0
    """
    found = function_of(f)

    def value(z: Any) -> Any:
        return np.asarray(found(z, **params), np.float64)

    def slope(z: Any) -> Any:
        return np.asarray(found.value_and_grad(z, **params)[1], np.float64)

    with np.errstate(all="ignore"):
        breaks = [*jumps(value, -_REACH, _REACH), *jumps(slope, -_REACH, _REACH)]
        return Gain(
            name_of(found),
            expectation(value, breaks),
            expectation(lambda z: value(z) ** 2, breaks),
            expectation(lambda z: slope(z) ** 2, breaks),
            lambda z: found.value_and_grad(z, **params),
        )


def _inverse_root(square: float) -> float:
    return 1 / math.sqrt(square) if square > 0 else math.inf
