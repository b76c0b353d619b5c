"""What a run leaves behind, as JSON: the figures, and all that they depend on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .cases import Case

# Changes when files of an older version of this module can no longer be read.
SCHEMA = 1


@dataclass(frozen=True)
class Measurement:
    """How long a library took.

    Attributes
    ----------
    ns : tuple of float
        Lower quartile, median and upper quartile of the nanoseconds that a call took.
    rounds : int
        Of how many batches of calls.
    inner : int
        How many calls a batch had.
    has_out : bool
        Whether the result went into an array that was there already.
    from_output : bool
        Whether a gradient was computed from the saved output.
    error : float or None
        Largest relative error found; None for copies.
    """

    ns: tuple[float, float, float]
    rounds: int
    inner: int
    has_out: bool
    from_output: bool
    error: float | None

    @property
    def median(self) -> float:
        """The median of the nanoseconds that a call took."""
        return self.ns[1]


@dataclass(frozen=True)
class Cell:
    """A case, and how long each library took for it, all in turns in one process."""

    case: Case
    measurements: Mapping[str, Measurement]

    def per_element(self, library: str) -> float:
        """Return the nanoseconds that a library took for an element."""
        return self.measurements[library].median / self.case.size


@dataclass(frozen=True)
class Bound:
    """The least time that the instructions of a loop take, however well they overlap.

    Attributes
    ----------
    cycles : float
        For one round of the loop.
    elements : int
        How many elements a round does.
    model : str
        Of which processor.
    """

    cycles: float
    elements: int
    model: str


@dataclass
class Result:
    """A run.

    Attributes
    ----------
    command : str
        Which led to it.
    started : str
        When, in ISO 8601.
    machine : dict
        What `machine.describe` said.
    versions : dict
        Of all packages that were timed.
    gigahertz : float or None
        The clock, as measured by a thread that was alone on its processor.
    cells : list of Cell
        The figures.
    bounds : dict of str to Bound
        For float32, by `Case.function`.
    notes : list of str
        What was left out, and why.
    """

    command: str
    started: str
    machine: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)
    gigahertz: float | None = None
    cells: list[Cell] = field(default_factory=list)
    bounds: dict[str, Bound] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write JSON, which has no infinity: an error of that size becomes 1e999."""
        text = json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1)
        path.write_text(text.replace("Infinity", "1e999") + "\n")

    @classmethod
    def merged(cls, results: Sequence[Result]) -> Result:
        """Put several results of one machine together; a later figure replaces an earlier one.

        Raises
        ------
        ValueError
            If machines, engines or versions differ.
        """
        first, *others = results
        for other in others:
            for what in ("machine", "versions"):
                a, b = ({**vars(r)[what], "load": None} for r in (first, other))
                if differing := sorted(k for k in a.keys() & b.keys() if a[k] != b[k]):
                    raise ValueError(f"the results differ in {what}: {', '.join(differing)}")
        cells = {cell.case: cell for result in results for cell in result.cells}
        return cls(
            "; ".join(result.command for result in results),
            first.started,
            first.machine,
            {k: v for result in results for k, v in result.versions.items()},
            next((r.gigahertz for r in results if r.gigahertz), None),
            list(cells.values()),
            {k: v for result in results for k, v in result.bounds.items()},
            list(dict.fromkeys(note for result in results for note in result.notes)),
        )

    @classmethod
    def load(cls, path: Path) -> Result:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file is no result, or one of another schema.
        """
        try:
            read = json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from error
        if not isinstance(read, dict) or read.pop("schema", None) != SCHEMA:
            raise ValueError(f"{path} is not a result of fastcpuact bench (schema {SCHEMA})")
        read["cells"] = [cell(c) for c in read["cells"]]
        read["bounds"] = {name: Bound(**bound) for name, bound in read["bounds"].items()}
        return cls(**read)


def cell(read: Mapping[str, Any]) -> Cell:
    """Return a cell from what JSON made of it."""
    measurements = {
        name: Measurement(**{**m, "ns": tuple(m["ns"])}) for name, m in read["measurements"].items()
    }
    return Cell(Case(**read["case"]), measurements)
