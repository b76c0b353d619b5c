"""Compares the figures of a result: with the fastest peer, with a copy, with the bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..formulas import ACTIVATIONS
from .cases import TYPICAL, Case
from .checks import LOST
from .peers import COPIES, OURS, PEERS
from .result import Cell, Measurement, Result

EXACT = OURS[0].name
LIBRARIES = [library.name for library in (*OURS, *PEERS)]


@dataclass(frozen=True)
class Comparison:
    """A cell in which there is something to compare with.

    Attributes
    ----------
    cell : Cell
        The cell.
    peer : str
        The fastest peer in it.
    ratio : float
        How many times longer than this package it took: below 1 for a loss.
    """

    cell: Cell
    peer: str
    ratio: float


def compare(cells: Iterable[Cell]) -> list[Comparison]:
    """Compare with the fastest peer, in every cell that has a peer.

    Where there is a form for gradients from the output, peers that have saved theirs are compared
    with that one: they do other work than a gradient from the input.
    """
    peers = {peer.name for peer in PEERS}
    found = []
    for cell in cells:
        record = ACTIVATIONS.get(cell.case.name)
        only_from_input = (
            cell.case.form == "backward" and record and "backward_from_output" in record.forms
        )
        times = {
            name: m.median
            for name, m in cell.measurements.items()
            if name in peers and not (only_from_input and m.from_output)
        }
        if times:
            peer = min(times, key=times.__getitem__)
            found.append(Comparison(cell, peer, times[peer] / cell.measurements[EXACT].median))
    return found


def losses(cells: Iterable[Cell]) -> list[Comparison]:
    """Return the comparisons that a peer won, the largest losses first."""
    lost = (comparison for comparison in compare(cells) if comparison.ratio < 1)
    return sorted(lost, key=lambda comparison: comparison.ratio)


def geometric_mean(values: Iterable[float]) -> float | None:
    """Return the geometric mean; None of nothing."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else None


def copy_ns(cell: Cell) -> float:
    """Return what the faster copy of the same arrays took, in nanoseconds a call."""
    names = (library.name for library in COPIES if library.name in cell.measurements)
    return min(cell.measurements[name].median for name in names)


def bound_ns(result: Result, case: Case) -> float | None:
    """Return the least time that the instructions for an element take, in nanoseconds."""
    bound = result.bounds.get(case.function)
    if bound is None or result.gigahertz is None or case.dtype != "float32":
        return None
    return bound.cycles / bound.elements / result.gigahertz


def lost_accuracy(measurement: Measurement) -> bool:
    """Whether a result, or its tail, is lost."""
    return measurement.error is not None and not measurement.error <= LOST


def select(cells: Iterable[Cell], accept: Callable[[Case], bool]) -> list[Cell]:
    """Return the cells whose case is accepted."""
    return [cell for cell in cells if accept(cell.case)]


def is_base(case: Case) -> bool:
    """Whether only size, dtype and threads are varied."""
    return (case.result, case.inputs, case.layout) == ("out", "normal", "contiguous")


def typical_size(cells: Iterable[Cell]) -> int:
    """Return the measured size that is nearest to `TYPICAL`."""
    sizes = {cell.case.size for cell in cells}
    return min(sizes, key=lambda size: abs(math.log(size / TYPICAL)))


def typical(cells: Sequence[Cell], dtype: str = "float32") -> list[Cell]:
    """Return the cells in which functions are compared with each other: in cache, one thread."""
    size = typical_size(cells)
    threads = min(cell.case.threads for cell in cells)
    return select(
        cells,
        lambda case: (
            (case.dtype, case.size, case.threads) == (dtype, size, threads) and is_base(case)
        ),
    )
