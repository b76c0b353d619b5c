"""Symmetries of a function, by which half of it is enough, and its tails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .function import Function


@dataclass(frozen=True)
class Symmetry:
    """How f follows from a core, a function of t = |x|.

    ============ ===================== ==========================================
    name         core(t)               f(x)
    ============ ===================== ==========================================
    none         f(t), with t = x      core(x)
    odd          f(t)                  core(x), or -core(-x) below 0
    even         f(t)                  core(|x|)
    complement   f(-t)                 core(-x) below 0, total - core(x) above
    rectified    f(-t)                 core(|x|) + max(x, 0)
    ============ ===================== ==========================================

    The logistic function is its own complement to 1; gelu, silu and softplus are rectified: what
    they add to max(x, 0) is even. The last two take the core from the side where f is small, whose
    digits would be lost on the other one.

    Attributes
    ----------
    name : str
        One of the above.
    total : float
        f(x) + f(-x), of a complement.
    """

    name: str = "none"
    total: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ValueError(f"symmetry must be one of {', '.join(NAMES)}, got {self.name!r}")

    @property
    def is_folded(self) -> bool:
        """Whether the core is one of |x|."""
        return self.name != "none"

    @property
    def side(self) -> int:
        """The sign of x for which f is the core."""
        return -1 if self.name in ("complement", "rectified") else 1

    def core(self, function: Function) -> Any:
        """Return the core of a function, as a callable on float64 arrays."""
        side = self.side
        return lambda t: function(side * np.asarray(t, np.float64))

    def __str__(self) -> str:
        return f"complement to {self.total:g}" if self.name == "complement" else self.name


NAMES = ("none", "odd", "even", "complement", "rectified")
NONE = Symmetry()


def symmetry_of(function: Function, reach: float) -> Symmetry:
    """Find the symmetry that a function has between -reach and reach to within its rounding."""
    x = reach * np.concatenate([np.arange(1, 129) / 128, np.geomspace(1e-6, 1, 64)])
    right, left = function(x), function(-x)
    middle = float(function([0.0])[0])
    if not np.all(np.isfinite([*right, *left, middle])):
        return NONE
    total = float(np.float32(2 * middle))
    expected = {
        "odd": -left,
        "even": left,
        "complement": total - left,
        "rectified": left + x,
    }
    # Two roundings of the function and one of the sum.
    slack = 4 * np.finfo(np.float64).eps * np.maximum(np.maximum(abs(right), abs(left)), abs(total))
    for name, mirrored in expected.items():
        if name == "odd" and middle != 0:
            continue
        if np.all(np.abs(right - mirrored) <= slack + np.spacing(x) * (name == "rectified")):
            return Symmetry(name, total if name == "complement" else 0.0)
    return NONE


@dataclass(frozen=True)
class Tail:
    """What a core is beyond an end of its domain: a straight line, mostly a constant.

    Attributes
    ----------
    slope, intercept : float
        The value is intercept + slope * t; intercept alone where the slope is 0.
    """

    slope: float
    intercept: float

    def __call__(self, t: NDArray[Any]) -> Any:
        """Evaluate in the dtype of `t`."""
        if self.slope == 0:
            return np.full_like(t, self.intercept)
        return t * t.dtype.type(self.slope) + t.dtype.type(self.intercept)


def asymptote(core: Any, side: int) -> Tail | None:
    """Return the line that a core approaches for large or for very negative t, if there is one."""
    far = side * 2.0 ** np.array([8, 16, 17, 30])
    with np.errstate(all="ignore"):
        try:
            y = core(far)
        except ValueError:
            return None
    if not np.all(np.isfinite(y)):
        return None
    slope = float((y[2] - y[1]) / (far[2] - far[1]))
    rests = y - slope * far
    if np.ptp(rests[1:]) > 1e-9 * max(1.0, abs(float(y[0]))):
        return None
    return Tail(slope, float(rests[1]) + 0.0)
