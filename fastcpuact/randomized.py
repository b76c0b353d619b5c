"""rrelu: the leaky rectifier with slopes drawn at random."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .activation import Activation
from .described import Described
from .formulas import ACTIVATIONS


class RandomizedLeakyReLU(Described):
    """Randomized leaky rectifier: x if x > 0, else a·x with a drawn for every element.

    Called as ``rrelu(x, lower=1/8, upper=1/3, rng=None)``.  With a generator (training) each
    element has its own slope, uniform between the two bounds; without one (inference) all have
    the mean, (lower + upper)/2.

    Parameters
    ----------
    x : array_like
        Input. float16, float32 and float64 keep their dtype.
    lower, upper : float, default 1/8 and 1/3
        Bounds of the slopes, finite and in this order.
    rng : numpy.random.Generator, optional
        Where the slopes are drawn from.
    out : ndarray, optional
        Where to put the result.

    Returns
    -------
    ndarray or scalar
        Of the shape of ``x``.

    Raises
    ------
    TypeError
        If ``rng`` is not a `numpy.random.Generator`.
    ValueError
        If the bounds are not finite or not in order.

    Notes
    -----
    Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.
    The defaults are those of PyTorch.  To train, draw the slopes first and keep them for the way
    back, as in the example.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcpuact as act
    >>> x = np.array([-3.0, 2.0])
    >>> act.rrelu(x)
    array([-0.6875,  2.    ])
    >>> slopes = act.rrelu.slopes(x, rng=np.random.default_rng(0))
    >>> y = act.leaky_relu(x, slopes)
    >>> dx = act.leaky_relu.backward(np.ones_like(x), x, slopes)
    >>> bool(dx[0] == slopes[0])
    True
    """

    name = "rrelu"
    kind = "randomized"
    aliases: tuple[str, ...] = ()
    params: ClassVar[dict[str, float | None]] = {"lower": 1 / 8, "upper": 1 / 3}

    def __init__(self) -> None:
        self._leaky_relu = Activation(ACTIVATIONS["leaky_relu"])

    def __call__(
        self,
        x: Any,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        rng: np.random.Generator | None = None,
        *,
        out: np.ndarray | None = None,
    ) -> Any:
        """Return rrelu(x); see the class."""
        return self._leaky_relu(x, self.slopes(x, lower, upper, rng), out=out)

    def backward(
        self, dy: Any, x: Any, lower: float = 1 / 8, upper: float = 1 / 3, *, out: Any = None
    ) -> Any:
        """Return dy·f'(x) for the mean slope; for drawn ones use ``leaky_relu.backward``.

        Parameters
        ----------
        dy : array_like
            Upstream gradient.
        x : array_like
            Input of the forward pass.
        lower, upper : float
            Bounds of the slopes.
        out : ndarray, optional
            Where to put the result.

        Returns
        -------
        ndarray or scalar
            Of the broadcast shape of ``dy`` and ``x``.

        Raises
        ------
        ValueError
            Unless ``lower`` and ``upper`` are finite, and in this order.

        Examples
        --------
        >>> import fastcpuact as act
        >>> float(act.rrelu.backward(1.0, -2.0, 0.25, 0.75))
        0.5
        """
        return self._leaky_relu.backward(dy, x, self.slopes(x, lower, upper), out=out)

    def slopes(
        self,
        x: Any,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        rng: np.random.Generator | None = None,
    ) -> Any:
        """Return the slopes for ``x``: an array of its shape, or the mean without ``rng``.

        Parameters
        ----------
        x : array_like
            Decides the shape and, if it is an array of floats, the dtype.
        lower, upper : float
            Bounds of the slopes.
        rng : numpy.random.Generator, optional
            Where they are drawn from.

        Returns
        -------
        float or ndarray
            The mean of the bounds, or one slope for each element.

        Raises
        ------
        ValueError
            Unless ``lower`` and ``upper`` are finite, and in this order.
        TypeError
            If ``rng`` is no generator of NumPy.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcpuact as act
        >>> act.rrelu.slopes(np.zeros((2, 3)), rng=np.random.default_rng(0)).shape
        (2, 3)
        """
        low, high = float(lower), float(upper)
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise ValueError(f"rrelu needs finite lower <= upper, got {lower!r} and {upper!r}")
        if rng is None:
            return low + (high - low) / 2
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
        x = np.asanyarray(x)
        drawn = rng.uniform(low, high, x.shape)
        return drawn.astype(x.dtype) if x.dtype.kind == "f" else drawn

    def __reduce__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return "<activation rrelu(x, lower=1/8, upper=1/3, rng=None, *, out=None)>"


rrelu = RandomizedLeakyReLU()
