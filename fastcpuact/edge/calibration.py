"""Choosing scales and domains from real pre-activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..activation import Activation
from .affine import Affine
from .function import Floats, Function

# So many of the samples, at equal distances in order of size, stand for all.
MOST = 2**14
# The parts of the whole range that are tried at each end, of which outliers may be most, and those
# of the best that follow.
PARTS = np.geomspace(2.0**-12, 1, 73)
NEARER = np.geomspace(0.9, 1.12, 9)
ROUNDS = 3


@dataclass(frozen=True)
class Calibration:
    """What `calibrate` found.

    Attributes
    ----------
    input : Affine
        What the codes of the inputs should stand for.
    output : Affine or None
        The same for the results, if the activation was given.
    domain : tuple of float
        The real inputs between the lowest and the highest code, for approximants in floating point.
    clipped : float
        Which part of the samples lies outside of the domain.
    rms : float
        Root of the mean square of what rounding and clipping the inputs changes: in the results,
        if the activation was given, else in the inputs.
    """

    input: Affine
    output: Affine | None
    domain: tuple[float, float]
    clipped: float
    rms: float


def calibrate(
    samples: ArrayLike,
    f: Activation | str | Callable[[Floats], Floats] | None = None,
    *,
    dtype: DTypeLike = np.int8,
    method: Literal["mse", "minmax"] = "mse",
    symmetric: bool | None = None,
) -> Calibration:
    """Choose what codes should stand for, from real pre-activations.

    Parameters
    ----------
    samples : array_like
        Pre-activations of a network on real data, as many as are at hand.
    f : Activation, str or callable, optional
        The activation that they go through. With it the error counts where it matters: in the
        results, where inputs at which the activation is flat may be clipped for a finer scale.
    dtype : dtype
        Of the codes: int8, uint8 or int16.
    method : {"mse", "minmax"}
        The range with the smallest mean square of the error, or that of all samples.
    symmetric : bool, optional
        Whether 0 has the code in the middle; by default for int16, as TensorFlow Lite and CMSIS-NN
        require.

    Returns
    -------
    Calibration
        Its ``input`` and ``output`` are for `fastcpuact.edge.quantized`, its ``domain`` for the
        approximants in floating point.

    Raises
    ------
    TypeError
        If ``samples`` are not real numbers.
    ValueError
        If there are none, if one is not finite, if all are 0, or if there is no such dtype or
        method.

    Notes
    -----
    The range of a scale always holds 0, which has a code of its own. Every scale is a float32, as
    devices store it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcpuact as act
    >>> from fastcpuact import edge
    >>> samples = np.random.default_rng(0).normal(size=10_000)
    >>> found = edge.calibrate(samples, act.gelu)
    >>> gelu = edge.quantized(act.gelu, input=found.input, output=found.output)
    >>> -4 < found.domain[0] < -2 and 3 < found.domain[1] < 4
    True
    """
    x = _samples(samples)
    name = np.dtype(dtype).name
    if name not in ("int8", "uint8", "int16"):
        raise ValueError(f"dtype must be int8, uint8 or int16, got {name}")
    if method not in ("mse", "minmax"):
        raise ValueError(f"method must be mse or minmax, got {method!r}")
    info = np.iinfo(name)
    middle = symmetric if symmetric is not None else info.bits == 16
    function = (lambda x: x) if f is None else Function(f)
    wanted = function(x)

    def loss(low: float, high: float) -> float:
        affine = _affine(low, high, info, middle)
        codes = affine.quantize(x, info.dtype)
        return float(np.mean((function(affine.dequantize(codes)) - wanted) ** 2))

    low, high = min(float(x[0]), 0.0), max(float(x[-1]), 0.0)
    if method == "mse":
        low, high = _search(loss, low, high, middle)
    found = _affine(low, high, info, middle)
    ends = found.dequantize([info.min, info.max])
    output = None
    if f is not None:
        first, last = map(int, found.quantize(x[[0, -1]], info.dtype))
        codes = np.arange(first, last + 1)
        results = function(found.dequantize(codes))
        if not np.all(np.isfinite(results)):
            raise ValueError("f must be finite between the smallest and the largest sample")
        least, most = min(float(results.min()), 0.0), max(float(results.max()), 0.0)
        output = _affine(least, most, info, middle)
    return Calibration(
        found,
        output,
        (float(ends[0]), float(ends[1])),
        float(np.mean((x < ends[0]) | (x > ends[1]))),
        float(np.sqrt(loss(low, high))),
    )


def _samples(samples: ArrayLike) -> Floats:
    """Return samples in order, not more than are needed."""
    given = np.asarray(samples)
    if given.dtype.kind not in "fiub":
        raise TypeError(f"samples must be real numbers, got {given.dtype}")
    if given.size == 0:
        raise ValueError("samples must hold at least one number, got none")
    x = np.sort(given.astype(np.float64), axis=None)
    if not np.all(np.isfinite(x)):
        raise ValueError("samples must be finite, got an infinity or NaN")
    if x[0] == x[-1] == 0:
        raise ValueError("samples must hold a number other than 0")
    if x.size > MOST:
        x = x[np.linspace(0, x.size - 1, MOST).round().astype(int)]
    return np.asarray(x)


def _affine(low: float, high: float, info: Any, middle: bool) -> Affine:
    """Return what codes stand for that reach both ends of a range around 0."""
    if low == high:  # zeros, which any scale has
        return Affine(1.0, 0)
    if middle:
        zero = (info.min + info.max + 1) // 2
    else:
        zero = round(info.min - low / (high - low) * (info.max - info.min))
    # Since the code of 0 was rounded, one end needs a little more than a code has of the range.
    ends = ((low, info.min), (high, info.max))
    scale = max(end / (code - zero) for end, code in ends if code != zero)
    single = np.float32(scale)
    if float(single) < scale:
        single = np.nextafter(single, np.float32(np.inf))
    return Affine(float(single), zero)


def _search(
    loss: Callable[[float, float], float], low: float, high: float, middle: bool
) -> tuple[float, float]:
    """Return the range with the smallest loss, one end after the other."""
    if middle:
        reach = max(high, -low)
        part = _best(lambda part: loss(-reach * part, reach * part), PARTS)
        return -reach * part, reach * part
    ends = [low, high]
    for _ in range(ROUNDS):
        before = tuple(ends)
        for side, whole in enumerate((low, high)):

            def at(part: float, side: int = side, whole: float = whole) -> float:
                tried = [*ends]
                tried[side] = whole * part
                return loss(*tried) if tried[0] < tried[1] else np.inf

            if whole != 0:
                ends[side] = whole * _best(at, np.append(PARTS, 0.0))
        if tuple(ends) == before:
            break
    return ends[0], ends[1]


def _best(loss: Callable[[float], float], parts: Floats) -> float:
    """Return the part with the smallest loss, of some and of those about the best of them."""
    found = min(parts, key=loss)
    return float(min(np.append(np.minimum(found * NEARER, 1), found), key=loss))
