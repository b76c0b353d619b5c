"""What a check counts and keeps of results, and how that of two parts is put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Where something was found: the rank of x, and the parameters.
Place = tuple[float, ...]
# Behind every place.
NOWHERE: Place = (math.inf,)


@dataclass(frozen=True)
class Count:
    """How many inputs have some fault, and the first of their places."""

    number: int = 0
    first: Place = NOWHERE

    @classmethod
    def of(cls, faulty: NDArray[np.bool_], place: Callable[[int], Place]) -> Count:
        """Count the faulty ones of inputs in order."""
        number = int(np.count_nonzero(faulty))
        return cls(number, place(int(faulty.argmax()))) if number else cls()

    def __add__(self, other: Count) -> Count:
        return Count(self.number + other.number, min(self.first, other.first))


@dataclass(frozen=True)
class Largest:
    """The largest error, and the first place where it occurs."""

    error: float = 0.0
    at: Place = NOWHERE

    @classmethod
    def of(cls, errors: NDArray[np.float64], place: Callable[[int], Place]) -> Largest:
        """Find the largest of the errors at inputs in order."""
        if not len(errors):
            return cls()
        worst = int(errors.argmax())
        return cls(float(errors[worst]), place(worst))

    def __or__(self, other: Largest) -> Largest:
        return min(self, other, key=lambda found: (-found.error, found.at))


@dataclass(frozen=True)
class Statistics:
    """What has been found in a set of inputs.

    The sum of those of two disjoint sets is that of their union, in whatever order parts are added.

    Attributes
    ----------
    inputs
        How many.
    largest
        The largest error, infinite where a result is NaN, infinite or finite and should not be.
    misrounded
        Results that are not the float nearest to the exact value; of two as near, either will do.
    order
        Results that are not in order with that of the input before, where the function is monotone.
    outside
        Results that leave the range of the function.
    signs
        Results, zeros included, with the wrong sign.
    limits
        Results at an infinity that are not the limit, correctly rounded.
    """

    inputs: int = 0
    largest: Largest = Largest()
    misrounded: Count = Count()
    order: Count = Count()
    outside: Count = Count()
    signs: Count = Count()
    limits: Count = Count()

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            self.inputs + other.inputs,
            self.largest | other.largest,
            *(getattr(self, name) + getattr(other, name) for name in FAULTS),
        )

    @classmethod
    def total(cls, parts: Iterable[Statistics]) -> Statistics:
        """Add up."""
        return reduce(cls.__add__, parts, cls())

    def as_dict(self) -> dict[str, Any]:
        """Return what `from_dict` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Statistics:
        """Make statistics of what `as_dict` returned; TypeError, KeyError or ValueError if not."""
        largest = data["largest"]
        return cls(
            natural(data["inputs"]),
            Largest(float(largest["error"]), _place(largest["at"])),
            *(Count(natural(data[n]["number"]), _place(data[n]["first"])) for n in FAULTS),
        )


# The counts of statistics.
FAULTS = ("misrounded", "order", "outside", "signs", "limits")


def natural(value: Any) -> int:
    """Return a natural number, or raise ValueError for anything else."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a natural number")
    return value


def _place(data: Any) -> Place:
    if not data or not all(type(number) in (int, float) for number in data):
        raise ValueError(f"{data!r} is not a place")
    return tuple(data)
