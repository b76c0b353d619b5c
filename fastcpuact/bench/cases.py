"""What is measured: one `Case` for each line of a result."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastcpuact as act

Array = NDArray[Any]

SIZES = (8, 64, 1_000, 32_000, 1_000_000, 16_000_000)
DTYPES = ("float32", "float64")
FORMS = ("value", "backward", "backward_from_output")
# Where functions are compared with each other: in cache, and long enough for a call to cost little.
TYPICAL = 32_000
# The other axes are varied one at a time, and at the sizes where they matter: a fresh result costs
# where calls are short and where the system has to find pages for it.
VARIATIONS: tuple[tuple[dict[str, Any], tuple[int, ...]], ...] = (
    ({"result": "fresh"}, (8, TYPICAL, 16_000_000)),
    ({"inputs": "tails"}, (TYPICAL,)),
    ({"layout": "strided"}, (TYPICAL, 1_000_000)),
)
# The functions g of the gated pairs value·g(gate).
GATES = {"glu": "sigmoid", "reglu": "relu", "geglu": "gelu", "swiglu": "silu"}
# The function along an axis whose result has one element for each row; its gradient saves x.
REDUCTION = "logsumexp"
ROW_LENGTH = 1_000
# For a parameter without default.
PARAMETER = 0.5


@dataclass(frozen=True)
class Case:
    """One thing to do, for which libraries are timed in turns.

    Attributes
    ----------
    name : str
        The function.
    form : str
        One of `FORMS`.
    dtype : str
        "float32" or "float64".
    size : int
        Number of elements.
    threads : int
        On how many threads a library may run.
    result : str
        "out" for results in an array that is there already, "fresh" for new ones.
    inputs : str
        "normal", of standard deviation 3; or "tails", uniform as far as e^x is neither 0 nor
        infinite, where many results are tiny or subnormal.
    layout : str
        "contiguous", or "strided": every second element of longer arrays.
    axis : int or None
        Of a function along an axis, in rows of at most `ROW_LENGTH`; None for elementwise ones.
    """

    name: str
    form: str
    dtype: str
    size: int
    threads: int = 1
    result: str = "out"
    inputs: str = "normal"
    layout: str = "contiguous"
    axis: int | None = None

    @property
    def function(self) -> str:
        """The function with its axis, and the form unless it is the value."""
        axis = f" axis {self.axis}" if self.axis is not None else ""
        return self.name + (f".{self.form}" if self.form != "value" else "") + axis

    @property
    def kind(self) -> str:
        """The kind of the function: "elementwise", "gated" or "rowwise"."""
        kind: str = act.get(self.name).kind
        return kind

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of x."""
        if self.axis is None:
            return (self.size,)
        length = min(self.size, ROW_LENGTH)
        count = self.size // length
        return (count, length) if self.axis == -1 else (length, count)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of y and dy."""
        if self.name != REDUCTION:
            return self.shape
        return self.shape[:-1] if self.axis == -1 else self.shape[1:]

    @property
    def result_shape(self) -> tuple[int, ...]:
        """The shape of what the form computes."""
        return self.output_shape if self.form == "value" else self.shape

    @property
    def operands(self) -> tuple[str, ...]:
        """What this package takes: names of `Operands`, in their order."""
        inputs = ("x", "gate") if self.kind == "gated" else ("x",)
        if self.form == "value":
            return inputs
        of_rows = self.kind == "rowwise" and self.name != REDUCTION
        return ("dy", "y") if of_rows or self.form == "backward_from_output" else ("dy", *inputs)

    @property
    def given(self) -> dict[str, float]:
        """The parameters that have to be given, by name."""
        params = act.get(self.name).params if self.kind == "elementwise" else {}
        return {name: PARAMETER for name, default in params.items() if default is None}

    @property
    def params(self) -> tuple[float, ...]:
        """The parameters that have to be given, by position."""
        return tuple(self.given.values())


def functions() -> list[str]:
    """Return the names of all functions that can be measured."""
    return [*act.names("elementwise"), *act.names("gated"), *act.names("rowwise")]


def forms(name: str) -> tuple[str, ...]:
    """Return the forms of a function that are measured."""
    if name not in act.activations:
        return ("value", "backward")
    return tuple(form for form in FORMS if form in act.get(name).record.forms)


def plan(
    names: Sequence[str],
    sizes: Sequence[int] = SIZES,
    dtypes: Sequence[str] = DTYPES,
    threads: Sequence[int] = (1,),
    variations: bool = True,
) -> list[Case]:
    """Return the cases of some functions.

    Parameters
    ----------
    names : sequence of str
        Of `functions`.
    sizes, dtypes, threads : sequence
        All combinations of these, with ``out``, normal inputs and contiguous arrays.
    variations : bool
        Whether to add cases that differ from these in the one or the other: `VARIATIONS`.

    Returns
    -------
    list of Case
        All of one number of threads, then those of the next.
    """
    return list(_plan(names, sizes, dtypes, threads, VARIATIONS if variations else ()))


def _plan(
    names: Sequence[str],
    sizes: Sequence[int],
    dtypes: Sequence[str],
    threads: Sequence[int],
    variations: Sequence[tuple[dict[str, Any], tuple[int, ...]]],
) -> Iterator[Case]:
    for count, name in itertools.product(threads, names):
        axes = (-1, 0) if act.get(name).kind == "rowwise" else (None,)
        for form, axis, dtype in itertools.product(forms(name), axes, dtypes):
            for size in sizes:
                yield Case(name, form, dtype, size, count, axis=axis)
            for changes, at in variations:
                for size in (size for size in sizes if size in at):
                    yield replace(Case(name, form, dtype, size, count, axis=axis), **changes)


@dataclass(frozen=True)
class Operands:
    """The arrays of a case: those of `cases.operands`, or others of the same shapes.

    Attributes
    ----------
    x : ndarray
        Input; the value of a gated pair.
    dy, y : ndarray
        Upstream gradient and output.
    out : tuple of ndarray
        Where to put the results.
    gate : ndarray
        The gate of a gated pair; `x` again where there is none.
    """

    x: Array
    dy: Array
    y: Array
    out: tuple[Array, ...]
    gate: Array

    def of(self, case: Case) -> tuple[Array, ...]:
        """Return what this package takes."""
        return tuple(vars(self)[name] for name in case.operands)


def operands(case: Case) -> Operands:
    """Make the arrays of a case."""
    gated = case.kind == "gated"
    x = _drawn("normal" if gated else case.inputs, 1, case.dtype, case.shape, case.layout)
    dy = _drawn("normal", 2, case.dtype, case.output_shape, case.layout)
    gate = _drawn(case.inputs, 3, case.dtype, case.shape, case.layout) if gated else x
    y = _laid_out(np.empty, case.dtype, case.output_shape, case.layout)
    more = case.params if case.axis is None else (case.axis,)
    act.get(case.name)(*((x, gate) if gated else (x,)), *more, out=y)
    count = 2 if gated and case.form != "value" else 1
    out = (_laid_out(np.ones, case.dtype, case.result_shape, case.layout) for _ in range(count))
    return Operands(x, dy, y, tuple(out), gate)


@cache
def _drawn(inputs: str, seed: int, dtype: str, shape: tuple[int, ...], layout: str) -> Array:
    """Draw numbers; a shorter array of one axis is the beginning of a longer one."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    real = np.dtype(dtype).type
    if inputs == "normal":
        drawn = real(3) * rng.standard_normal(size, real)
    else:
        reach = -np.log(np.finfo(real).smallest_subnormal)
        drawn = reach * (2 * rng.random(size, real) - 1)
    array = _laid_out(np.empty, dtype, shape, layout)
    array[...] = drawn.reshape(shape)
    return array


def _laid_out(make: Any, dtype: str, shape: tuple[int, ...], layout: str) -> Array:
    if layout == "contiguous":
        return make(shape, dtype)
    return make((*shape[:-1], 2 * shape[-1]), dtype)[..., ::2]
