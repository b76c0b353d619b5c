"""Certificates: what the error of an approximant is, where, and how near to the best possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Certificate:
    """What was measured of an approximant; no field is ever typed.

    Attributes
    ----------
    function, method : str
        What is approximated, and how.
    inputs : str
        The inputs that it was measured on, in words.
    count : int
        How many they are.
    max_abs, max_abs_at : float
        The largest ``|result - exact|``, and the input where it is.
    max_rel, max_rel_at : float
        The largest ``|result - exact| / |exact|`` where the exact value is a normal float32.
    rms : float
        Root of the mean square of result - exact.
    max_lsb, max_lsb_at : float or None
        For integer results, the largest error in units of the output's scale, against the exact
        value clipped to the range of the output.
    limit : float or None
        The smallest maximum error that the format can have: of ``max_lsb`` for integer results, of
        ``max_abs`` for others. None where none is known.
    limit_formula : str
        Where the limit is from.
    monotone : {"rising", "falling", "constant", "no"}
        How results go with rising inputs.
    symmetric : str
        The symmetry that results have exactly, or ``"none"``.
    saturation : tuple of float or None
        Results are constant on all inputs up to the first point, and from the second one on.
    nan : str
        What becomes of NaN.
    nbytes : int
        Bytes of data on the device.
    """

    function: str
    method: str
    inputs: str
    count: int
    max_abs: float
    max_abs_at: float
    max_rel: float
    max_rel_at: float
    rms: float
    max_lsb: float | None
    max_lsb_at: float | None
    limit: float | None
    limit_formula: str
    monotone: str
    symmetric: str
    saturation: tuple[float | None, float | None]
    nan: str
    nbytes: int

    @property
    def error(self) -> float:
        """The error that the limit is about: in LSB for integer results, else absolute."""
        return self.max_abs if self.max_lsb is None else self.max_lsb

    @property
    def ratio(self) -> float | None:
        """The error over the limit of the format: 1 is the best possible."""
        return self.error / self.limit if self.limit else None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields in a form that JSON can hold."""
        return {**asdict(self), "saturation": list(self.saturation)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Certificate:
        """Inverse of `as_dict`."""
        if not isinstance(values, Mapping) or values.keys() != {f.name for f in fields(cls)}:
            raise ValueError("certificate must have exactly the fields of Certificate")
        low, high = values["saturation"]
        return cls(**{**values, "saturation": (low, high)})

    def __str__(self) -> str:
        ends = [_short(end) for end in self.saturation]
        lines = {
            "function": self.function,
            "method": self.method,
            "bytes": str(self.nbytes),
            "measured on": f"{self.inputs} ({self.count:,})",
            "max absolute error": f"{self.max_abs:.4g} at {_short(self.max_abs_at)}",
            "max relative error": f"{self.max_rel:.4g} at {_short(self.max_rel_at)}",
            "RMS error": f"{self.rms:.4g}",
            "max error in LSB": None
            if self.max_lsb is None
            else f"{self.max_lsb:.4g} at {_short(self.max_lsb_at)}",
            "limit of the format": "not known"
            if self.limit is None
            else f"{self.limit:.4g}, reached within a factor of {self.ratio:.3f}",
            "limit after": self.limit_formula or None,
            "monotone": self.monotone,
            "symmetric": self.symmetric,
            "constant": f"up to {ends[0]}, from {ends[1]}",
            "NaN": self.nan,
        }
        return "\n".join(f"{key}: {value}" for key, value in lines.items() if value is not None)


def _short(x: float | None) -> str:
    return "nowhere" if x is None else f"{x:.7g}"


@dataclass
class Measurement:
    """Sums and maxima over inputs in ascending order, which come in blocks.

    ``lsb`` is the scale of an integer output, whose exact values are clipped to ``clip``.
    """

    lsb: float | None = None
    clip: tuple[float, float] = (-np.inf, np.inf)
    count: int = 0
    sampled: int = 0  # without the peaks
    squares: float = 0.0  # of the errors on these
    max_abs: tuple[float, float] = (0.0, 0.0)
    max_rel: tuple[float, float] = (0.0, 0.0)
    max_lsb: tuple[float, float] = (0.0, 0.0)
    rises: bool = False
    falls: bool = False
    low: float | None = None  # the end of the constant run at the start
    high: float | None = None  # the start of the constant run at the end
    _first: float | None = None
    _last: tuple[float, float] | None = None

    def add(self, x: Floats, result: Floats, exact: Floats) -> None:
        """Take more inputs, which lie above those before; all arrays are float64, without NaN."""
        if not len(x):
            return
        self.add_peaks(x, result, exact)
        error = result - exact
        with np.errstate(over="ignore"):
            self.squares += float(np.sum(error * error))
        self.sampled += len(x)
        self._follow(x, result)

    def add_peaks(self, x: Floats, result: Floats, exact: Floats) -> None:
        """Take more inputs, in any order, for the maxima alone."""
        error = np.abs(result - exact)
        self.count += len(x)
        self.max_abs = _larger(self.max_abs, error, x)
        size = np.abs(exact)
        normal = size >= np.finfo(np.float32).smallest_normal
        self.max_rel = _larger(self.max_rel, error[normal] / size[normal], x[normal])
        if self.lsb is not None:
            clipped = np.abs(result - np.clip(exact, *self.clip)) / self.lsb
            self.max_lsb = _larger(self.max_lsb, clipped, x)

    def _follow(self, x: Floats, result: Floats) -> None:
        if self._last is None:
            self._first = float(x[0])
            self.low = self.high = float(x[0])
        else:
            x = np.concatenate([[self._last[0]], x])
            result = np.concatenate([[self._last[1]], result])
        steps = np.diff(result)
        changes = np.flatnonzero(steps)
        if len(changes):
            if not (self.rises or self.falls):
                self.low = float(x[changes[0]])
            self.high = float(x[changes[-1] + 1])
        elif not (self.rises or self.falls):
            self.low = float(x[-1])
        self.rises = self.rises or bool(np.any(steps > 0))
        self.falls = self.falls or bool(np.any(steps < 0))
        self._last = float(x[-1]), float(result[-1])

    @property
    def monotone(self) -> str:
        """How results go with rising inputs."""
        names = {(1, 0): "rising", (0, 1): "falling", (0, 0): "constant", (1, 1): "no"}
        return names[int(self.rises), int(self.falls)]

    @property
    def saturation(self) -> tuple[float | None, float | None]:
        """Where results are constant up to, and from: None if not on more than one input."""
        if self._first is None or self._last is None:
            return None, None
        low = None if self.low == self._first else self.low
        return low, (None if self.high == self._last[0] else self.high)


def _larger(known: tuple[float, float], errors: Floats, x: Floats) -> tuple[float, float]:
    if not len(errors):
        return known
    i = int(np.argmax(errors))
    return (float(errors[i]), float(x[i])) if errors[i] > known[0] else known


def certificate(
    *,
    function: str,
    method: str,
    inputs: str,
    blocks: Iterable[Floats],
    results: Callable[[Floats], Floats],
    exact: Callable[[Floats], Floats],
    peaks: Floats | None = None,
    lsb: float | None = None,
    clip: tuple[float, float] = (-np.inf, np.inf),
    limit: float | None,
    limit_formula: str,
    symmetric: str,
    nan: str,
    nbytes: int,
) -> Certificate:
    """Measure and return a certificate.

    Parameters
    ----------
    blocks : iterable of array
        The inputs, as float64, in ascending order, without NaN.
    results, exact : callable
        What the approximant gives for a block, and what it should give, both as float64.
    peaks : array, optional
        More inputs, in any order, for the largest errors alone.
    lsb, clip : float, tuple of float
        Scale of an integer output, and the real numbers between which it lies.
    """
    measured = Measurement(lsb=lsb, clip=clip)
    for x in blocks:
        measured.add(x, results(x), exact(x))
    if peaks is not None:
        measured.add_peaks(peaks, results(peaks), exact(peaks))
    if not measured.sampled:
        raise ValueError("blocks must hold at least one input")
    has_lsb = lsb is not None
    return Certificate(
        function=function,
        method=method,
        inputs=inputs,
        count=measured.count,
        max_abs=measured.max_abs[0],
        max_abs_at=measured.max_abs[1],
        max_rel=measured.max_rel[0],
        max_rel_at=measured.max_rel[1],
        rms=float(np.sqrt(measured.squares / measured.sampled)),
        max_lsb=measured.max_lsb[0] if has_lsb else None,
        max_lsb_at=measured.max_lsb[1] if has_lsb else None,
        limit=limit,
        limit_formula=limit_formula,
        monotone=measured.monotone,
        symmetric=symmetric,
        saturation=measured.saturation,
        nan=nan,
        nbytes=nbytes,
    )
