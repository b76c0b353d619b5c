"""`fastcpuact check`: that it finds what is wrong, loses nothing, and says what it found."""

from __future__ import annotations

import functools
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import fastcpuact as act
from fastcpuact.accuracy import check as checking
from fastcpuact.accuracy import inputs, report, sweep
from fastcpuact.accuracy.check import Check, plan
from fastcpuact.accuracy.fingerprint import fingerprint, kernel_text
from fastcpuact.accuracy.judgement import judge, relative_error
from fastcpuact.accuracy.reference import REFERENCES
from fastcpuact.accuracy.samples import extremes
from fastcpuact.accuracy.state import Done, Progress, State, StateError
from fastcpuact.accuracy.statistics import FAULTS, Count, Largest, Statistics
from fastcpuact.accuracy.sweep import Sweep
from fastcpuact.commands import fastcpuact

ROOT = Path(__file__).parents[1]
DTYPES = [np.float16, np.float32, np.float64]


# Negative controls: kernels with one planted fault each.

Fault = Callable[[np.ndarray, np.ndarray], None]


def passes(checked: Sweep, found: Statistics) -> bool:
    return checking.Result(checked, Progress("", Done(1, found))).passed


def with_fault(checked: Sweep, plant: Fault, unit: int = 0) -> Statistics:
    """Check a kernel whose results a fault is planted in."""
    kernel = checked.kernel()

    def broken(x: np.ndarray, **params: Any) -> np.ndarray:
        result = kernel(x, **params)
        plant(x, result)
        return result

    return checked.run(unit, broken)


class Once:
    """Plants a fault in one element: the first in some call for which a condition holds."""

    def __init__(self, condition: Callable, change: Callable) -> None:
        self.condition, self.change = condition, change
        self.planted = False

    def __call__(self, x: np.ndarray, result: np.ndarray) -> None:
        where = np.flatnonzero(self.condition(x, result))
        if len(where) and not self.planted:
            self.planted = True
            result[where[0]] = self.change(result[where[0]])


def ulps(n: int) -> Callable:
    def move(y: np.floating) -> np.floating:
        return inputs.from_ranks(np.array([inputs.rank(y) + n], np.uint64), type(y))[0]

    return move


def swap_lanes(x: np.ndarray, result: np.ndarray) -> None:
    i = int(np.argmax((x > 0.5) & (x < 0.51)))
    if i > 0:
        result[[i, i + 1]] = result[[i + 1, i]]


def skip_tail(x: np.ndarray, result: np.ndarray) -> None:
    tail = len(x) % 8
    result[len(x) - tail :] = 0


def flush_subnormals(x: np.ndarray, result: np.ndarray) -> None:
    result[np.abs(result) < np.finfo(result.dtype).smallest_normal] = 0


def lose_signs_of_zeros(x: np.ndarray, result: np.ndarray) -> None:
    result[result == 0] = 0.0


def constant(value: float) -> Callable:
    return lambda y: type(y)(value)


def at_negative_zero(x: np.ndarray, result: np.ndarray) -> np.ndarray:
    return (x == 0) & np.signbit(x)


SIGMOID = Sweep("sigmoid", "value", "float32", samples=2**20)
TANH = Sweep("tanh", "value", "float32", samples=2**20)
SILU = Sweep("silu", "value", "float32", samples=2**20)
GELU_GRAD = Sweep("gelu", "grad", "float32", samples=2**20)
# What is planted, where, and what has to notice it; nothing else has to.
CONTROLS = {
    "a few ULP in one element": (
        SIGMOID,
        Once(lambda x, y: (x > -3) & (x < -2), ulps(math.ceil(SIGMOID.bound) + 2)),
        "largest",
    ),
    "two lanes are swapped": (TANH, swap_lanes, "largest"),
    "the tail is skipped": (GELU_GRAD, skip_tail, "largest"),
    "a NaN is swallowed": (SILU, Once(lambda x, y: np.isnan(x), constant(0)), "largest"),
    "NaN for a number": (SILU, Once(lambda x, y: x > 1e38, constant(np.nan)), "largest"),
    "infinity for a number": (SILU, Once(lambda x, y: x > 1e38, constant(np.inf)), "largest"),
    "subnormals are flushed": (SILU, flush_subnormals, "largest"),
    "the sign is lost at -0.0": (TANH, Once(at_negative_zero, constant(0)), "signs"),
    "the sign is lost in the tail": (SILU, lose_signs_of_zeros, "signs"),
    "above the range": (SIGMOID, Once(lambda x, y: x > 40, ulps(1)), "outside"),
    "below the range": (SIGMOID, Once(lambda x, y: y == 0, ulps(-2)), "outside"),
    "a descent": (SIGMOID, Once(lambda x, y: (x > 15) & (x < 16), ulps(-1)), "order"),
    "a wrong limit": (GELU_GRAD, Once(lambda x, y: x == np.inf, ulps(-1)), "limits"),
}  # fmt: skip


@pytest.mark.parametrize(("checked", "fault", "noticed"), CONTROLS.values(), ids=CONTROLS)
def test_a_planted_fault_is_found(
    checked: Sweep, fault: Fault, noticed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = checked.run(0), with_fault(checked, fault)
    assert passes(checked, right)
    if noticed != "largest":
        lift_bound(checked, monkeypatch)
        assert wrong.largest.error <= checked.bound
        assert getattr(wrong, noticed).number > 0
    assert not passes(checked, wrong)


def lift_bound(checked: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let errors of a few ULP pass, so that something else has to notice a fault."""
    bounds = act.get(checked.name).record.bounds
    monkeypatch.setitem(bounds, (checked.formula, checked.dtype), 4.0)


def test_a_descent_between_two_units_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "UNIT", 2**16)
    every = Sweep("sigmoid", "value", "float32")
    lift_bound(every, monkeypatch)
    first = inputs.rank(np.float32(12)) // 2**16 * 2**16
    edge = inputs.from_ranks(np.array([first], np.uint64), np.float32)[0]
    fault = Once(lambda x, y: x == edge, ulps(-1))
    wrong = with_fault(every, fault, first // 2**16)
    assert wrong.order == Count(1, (first,))
    assert wrong.largest.error <= every.bound
    assert not passes(every, wrong)


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match="float32"):
        SIGMOID.run(0, lambda x: x.astype(np.float64))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("formula", ["value", "grad", "grad_from_output", "grad_beta"])
def test_the_public_callables_are_checked(formula: str, dtype: str) -> None:
    """A fault in the callable of one form is found in its sweep."""
    drawn = Sweep("softplus", formula, dtype, samples=2**10, draws=True)
    if formula not in act.softplus.record.formulas:
        pytest.skip("softplus has no such form")
    assert passes(drawn, drawn.run(0))
    assert not passes(drawn, with_fault(drawn, lambda x, y: np.multiply(y, 1.01, out=y)))


def test_parameters_of_the_worst_place_are_kept() -> None:
    drawn = Sweep("leaky_relu", "value", "float32", samples=2**12, draws=True)
    place = []

    def broken(x: np.ndarray, negative_slope: np.ndarray) -> np.ndarray:
        result = act.leaky_relu(x, negative_slope)
        if not place:
            i = int(np.argmax((x < 0) & (x > -np.inf)))
            place.append((inputs.rank(x[i]), float(negative_slope[i])))
            result[i] *= 2
        return result

    assert drawn.run(0, broken).largest.at == place[0]


# Judgement.


@pytest.mark.parametrize("dtype", DTYPES)
def test_relative_error(dtype: type[np.floating]) -> None:
    info = np.finfo(dtype)
    tiny, largest = float(info.smallest_normal), float(info.max)
    cases = [
        # result, exact, error
        (1.0, 1.0, 0.0),
        (1.0, 0.5, 1.0),
        (0.0, -tiny / 2, 0.5),
        (tiny, 0.0, 1.0),
        (np.inf, np.inf, 0.0),
        (np.inf, largest, 2.0 ** -(info.nmant + 1) / (1 - 2.0 ** -(info.nmant + 1))),
        (largest, np.inf, 2.0 ** -(info.nmant + 1)),
        (-np.inf, np.inf, 2.0),
        (0.0, np.inf, 1.0),
        (np.nan, np.nan, 0.0),
        (np.nan, 1.0, np.inf),
        (1.0, np.nan, np.inf),
    ]
    result, exact, error = np.array(cases).T
    assert relative_error(result.astype(dtype), exact) == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["tanh", "gelu", "softplus"])
def test_rounded_exact_values_are_faultless(name: str, dtype: type[np.floating]) -> None:
    curve = REFERENCES[name]().value
    x = inputs.in_order(curve.inputs(dtype, 2**8))
    exact = np.array([float(y) for y in curve.exactly(x)])  # balls have no signed zeros
    with np.errstate(all="ignore"):
        found = judge(curve, x, np.copysign(exact, curve(x)).astype(dtype))
    assert found.inputs == len(x)
    assert found.largest.error <= 0.5
    assert not any(getattr(found, fault).number for fault in FAULTS)


def test_no_limit_no_fault() -> None:
    curve = REFERENCES["snake"]().curves["grad2"]
    found = judge(curve, np.float32([-np.inf, np.inf]), np.float32([np.nan, 2]))
    assert found.largest.error == 0
    assert found.limits.number == 0


# Statistics.


def test_statistics_add_up_in_any_order() -> None:
    tanh = Sweep("tanh", "value", "float16")
    x = np.concatenate(list(inputs.every(np.float16, range(2**16))))
    curve = REFERENCES["tanh"]().value
    with np.errstate(all="ignore"):
        result = act.tanh(x)
        result[::999] *= np.float16(1.1)
        whole = judge(curve, x, result)
        cuts = [0, 1, 5000, 5001, 30000, 2**16]
        parts = [
            judge(curve, x[a:b], result[a:b], before=result[a - 1] if a else np.nan)
            for a, b in pairwise(cuts)
        ]
    assert whole.order.number > 10
    assert Statistics.total(parts) == Statistics.total(parts[::-1]) == whole
    assert Statistics.from_dict(json.loads(json.dumps(whole.as_dict()))) == whole
    assert whole.inputs == tanh.run(0).inputs == 2**16


def test_of_equal_errors_the_lowest_place_counts() -> None:
    assert Largest(1.0, (5,)) | Largest(1.0, (3, 0.5)) == Largest(1.0, (3, 0.5))
    assert Largest(1.0, (5,)) | Largest(2.0, (7,)) == Largest(2.0, (7,))


# Inputs.


def test_ranks_are_in_order() -> None:
    x = inputs.from_ranks(np.arange(2**16, dtype=np.uint64), np.float16)
    assert len(np.unique(x.view(np.uint16))) == 2**16
    assert inputs.ranks(x).tolist() == list(range(2**16))
    numbers = x[~np.isnan(x)]
    assert np.all(numbers[:-1] <= numbers[1:])
    zeros = np.flatnonzero(numbers == 0)
    assert np.signbit(numbers[zeros]).tolist() == [True, False]
    assert np.isnan(x[[0, -1]]).all()
    assert np.signbit(x[[0, -1]]).tolist() == [True, False]


@pytest.mark.parametrize("dtype", DTYPES)
def test_ranks_are_undone(dtype: type[np.floating]) -> None:
    x = extremes(dtype)
    unsigned = f"u{x.itemsize}"
    again = inputs.from_ranks(inputs.ranks(x), dtype)
    assert again.view(unsigned).tolist() == x.view(unsigned).tolist()
    assert [inputs.rank(v) for v in x] == inputs.ranks(x).tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_interval_has_its_ends_and_nothing_more(dtype: type[np.floating]) -> None:
    found = inputs.interval(dtype, 0.0, 0.3)
    ends = np.array([found.start - 1, found.start, found.stop - 1, found.stop], np.uint64)
    below, first, last, above = inputs.from_ranks(ends, dtype)
    assert below < 0
    assert first == 0 and np.signbit(first)
    assert float(last) <= 0.3 < float(above)
    size = 2 ** (8 * np.dtype(dtype).itemsize)
    assert inputs.interval(dtype, -np.inf, np.inf) == range(size)


def test_parts_of_a_range_are_the_range() -> None:
    parts = [inputs.part(range(5, 2**64), k, 7) for k in range(7)]
    assert [p.start for p in parts] == [5, *(p.stop for p in parts[:-1])]
    assert parts[-1].stop == 2**64


@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_are_one_of_each_part(dtype: type[np.floating]) -> None:
    random = np.random.default_rng(0)
    bits = 8 * np.dtype(dtype).itemsize
    drawn = inputs.ranks(inputs.by_pattern(dtype, range(2**bits), 2**10, random))
    assert (drawn >> np.uint64(bits - 10)).tolist() == list(range(2**10))
    x = inputs.by_value(dtype, -1.0, 3.0, 100, random).astype(np.float64)
    assert np.all(np.abs((x + 1) * 25 - np.arange(100) - 0.5) <= 0.55)


def test_every_float32_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    every = Sweep("relu", "value", "float32")
    assert every.units * sweep.UNIT == 2**32
    monkeypatch.setattr(sweep, "UNIT", 2**16)
    for unit in (0, 2**15 - 1, 2**16 - 1):
        x = np.concatenate(given_to(every, unit))
        assert inputs.ranks(x).tolist() == list(range(unit * 2**16, (unit + 1) * 2**16))


def given_to(checked: Sweep, unit: int) -> list[np.ndarray]:
    """What the kernel is called with, but for the input before a unit."""
    kernel, given = checked.kernel(), []

    def spy(x: np.ndarray, **params: Any) -> np.ndarray:
        given.append(x)
        return kernel(x, **params)

    checked.run(unit, spy)
    return given[1:] if unit else given


def test_every_output_is_run_once() -> None:
    """A gradient from the output is asked for outputs alone, and for NaN."""
    every = Sweep("sigmoid", "grad_from_output", "float16")
    if "grad_from_output" not in act.sigmoid.record.formulas:
        pytest.skip("sigmoid has no such form")
    x = np.concatenate(given_to(every, 0))
    assert np.isnan(x[0])
    assert np.all((x[1:] >= 0) & (x[1:] <= 1))
    assert every.run(0).inputs == len(x) == 1 + 1 + inputs.rank(np.float16(1)) - 2**15 + 1


# Plans.


def test_plan_selects() -> None:
    sweeps = plan(["gelu"], ["grad"], ["float32"], ["exact"], samples=1000)
    assert sweeps == [Sweep("gelu", "grad", "float32", samples=1000)]
    assert plan(["gelu"], ["grad"], ["float16"], ["fast"]) == [
        Sweep("gelu", "grad", "float16", fast=True)
    ]
    assert plan(["relu"], ["grad_beta"]) == []
    assert {s.fast for s in plan(["gelu"])} == {False, True}


@pytest.mark.parametrize("formula", ["value", "grad"])
def test_an_exhaustive_plan_runs_every_float32(formula: str) -> None:
    sweeps = plan(["softplus"], [formula], exhaustive=True)
    sizes = {(s.dtype, s.fast, s.has_defaults, s.draws): s.samples for s in sweeps}
    assert sizes["float32", False, True, False] is None
    assert sizes["float32", True, True, False] is None
    assert sizes["float16", False, True, False] is None
    assert sizes["float64", False, True, False] == 10**7
    assert sizes["float64", False, False, True] == sizes["float32", False, False, True] == 10**7


# Resuming.


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "UNIT", 2**12)
    monkeypatch.setattr(sweep, "EXACT_UNIT", 2**7)


SOME = plan(["tanh"], ["value"], samples=2**10) + plan(["softplus"], ["grad"], samples=2**10)


def statistics(check: Check) -> dict[Sweep, Statistics]:
    return {sweep: progress.done.statistics for sweep, progress in check.results}


def interrupted(check: Check, after: int) -> Check:
    """Run a check until a number of units are done."""
    done = 0

    def advance(sweep: Sweep) -> None:
        nonlocal done
        done += 1
        if done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check.run(1, advance)
    return check


@pytest.mark.usefixtures("small_units")
def test_an_interrupted_check_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    whole = Check(SOME)
    whole.run(1)
    total = sum(s.units for s in SOME)
    assert total > 40
    for after in (3, 5, 11):
        interrupted(Check(SOME, State(path)), after)
    last = Check(SOME, State(path))
    assert len(last.pending()) == total - 19
    assert last.cost < whole.cost or whole.cost == 0
    last.run(1)
    assert statistics(last) == statistics(whole)
    again = Check(SOME, State(path))
    assert again.pending() == []
    assert statistics(again) == statistics(whole)


@pytest.mark.usefixtures("small_units")
def test_a_unit_is_not_added_twice() -> None:
    check = Check(SOME[:1])
    check.run(1)
    with pytest.raises(ValueError, match="added before"):
        check.results[0].progress.add(0, Statistics(), 0.0)


@pytest.mark.usefixtures("small_units")
def test_processes_find_what_one_finds() -> None:
    sweeps = plan(["tanh"], samples=2**12)
    one, two = Check(sweeps), Check(sweeps)
    one.run(1)
    two.run(2)
    assert statistics(one) == statistics(two)


@pytest.mark.usefixtures("small_units")
def test_other_kernels_start_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    interrupted(Check(SOME, State(path)), 10)
    kernel = Sweep.kernel

    def changed(self: Sweep) -> Any:
        return act.sigmoid if self.name == "tanh" else kernel(self)

    monkeypatch.setattr(Sweep, "kernel", changed)
    check = Check(SOME, State(path))
    known = {s for s in SOME if str(s) in json.loads(path.read_text())["sweeps"]}
    assert set(check.outdated) == {s for s in known if s.name == "tanh"}
    assert all(not progress.done.units for s, progress in check.results if s.name == "tanh")


def test_fingerprints_tell_what_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Sweep("gelu", "grad", "float32")
    before = fingerprint(one)
    assert fingerprint(one) == before
    others = [
        replace(one, formula="value"),
        replace(one, dtype="float64"),
        replace(one, fast=True),
        replace(one, name="silu"),
        replace(one, samples=100),
    ]
    assert len({before, *map(fingerprint, others)}) == 1 + len(others)
    with monkeypatch.context() as patch:
        patch.setattr(Sweep, "kernel", lambda self: lambda x: np.nextafter(act.gelu.grad(x), x))
        assert fingerprint(one) != before
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "UNIT", 2**20)
        assert fingerprint(one) != before
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "_curve", lambda s: REFERENCES["silu"]().grad)
        assert fingerprint(one) != before


def test_fingerprints_do_not_tell_where_a_formula_stands() -> None:
    text = kernel_text("gelu", "value", "float32", False)
    assert "fma_f32" in text and ".py" not in text and "#" not in text


def test_the_command_says_what_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state.json"
    arguments = ("tanh", "--dtype", "float16", "--form", "value", "--state", state)
    assert invoke(*arguments).stderr == ""
    assert invoke(*arguments).stderr == ""
    monkeypatch.setattr(Sweep, "kernel", lambda self: act.tanh.fast)
    said = invoke(*arguments).stderr
    assert said.startswith("1 of 2 start anew, such as tanh, every float16: ")
    assert said.endswith(" has them of other kernels, or compared with another oracle.\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tanh",
        "[]",
        "{}",
        '{"format": "another", "sweeps": {}}',
        '{"format": "fastcpuact check, 1", "sweeps": []}',
        '{"format": "fastcpuact check, 1", "sweeps": {"tanh": {}}}',
        "\xff",
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(StateError, match=r"state\.json is not a state of fastcpuact check"):
        State(path)


@pytest.mark.usefixtures("small_units")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"inputs": 4096', '"inputs": -1'),
        ('"inputs": 4096', '"inputs": "many"'),
        ('"error": 0.', '"errors": 0.'),
        ('"at": [', '"at": [[],'),
        ('"done": "1"', '"done": "-1"'),
        ('"done": "1"', '"done": "one"'),
        ('"done": "1"', '"done": "ffffffff"'),
        ("}}", "}"),
    ],
)
def test_a_corrupted_state_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "state.json"
    one = [Sweep("tanh", "value", "float16")]
    interrupted(Check(one, State(path)), 1)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(StateError, match="delete it, or name another file"):
        Check(one, State(path))


def test_a_state_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="directory"):
        State(tmp_path)


# The command.


def invoke(*arguments: object) -> Result:
    made = CliRunner().invoke(fastcpuact, ["check", *map(str, arguments)])
    assert made.exception is None or isinstance(made.exception, SystemExit), made.exception
    return made


FEW = ("--samples", 2**9, "--jobs", 1)


def test_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = invoke("gelu", "leaky_relu", "--form", "value", "--tier", "exact", *FEW)
    assert result.exit_code == 0
    lines = [line.split() for line in result.output.splitlines()]
    assert [line[:3] for line in lines if line and line[0] == "gelu"] == [
        ["gelu", "float16", "65,536"],
        ["gelu", "float32", f"{expected_inputs('gelu', 'float32'):,}"],
        ["gelu", "float64", f"{expected_inputs('gelu', 'float64'):,}"],
    ]
    assert any(line and line[0] == "leaky_relu(negative_slope)" for line in lines)
    assert "No error is above its stated bound." in result.output


def expected_inputs(name: str, dtype: str) -> int:
    return Sweep(name, "value", dtype, samples=2**9).run(0).inputs


def test_json_agrees_with_the_sweeps() -> None:
    result = invoke("tanh", "--dtype", "float32", "--form", "grad", "--json", *FEW)
    assert result.exit_code == 0
    exact, fast = json.loads(result.stdout)
    found = Sweep("tanh", "grad", "float32", samples=2**9).run(0)
    x = inputs.from_ranks(np.array([found.largest.at[0]], np.uint64), np.float32)[0]
    assert exact.pop("seconds") >= 0
    assert exact == {
        "activation": "tanh",
        "formula": "grad",
        "tier": "exact",
        "parameters": "default",
        "dtype": "float32",
        "inputs": found.inputs,
        "every_input": False,
        "unit": "ULP",
        "largest_error": found.largest.error,
        "bound": Sweep("tanh", "grad", "float32").bound,
        "at": {"x": float(x)},
        "not_nearest": found.misrounded.number,
        "out_of_order": 0,
        "out_of_range": 0,
        "of_the_wrong_sign": 0,
        "not_the_limit": 0,
        "passed": True,
    }
    assert fast["tier"] == "fast"
    assert fast["unit"] == "relative"
    assert 0 < fast["largest_error"] <= fast["bound"] == 2**-12


@pytest.fixture
def broken_tanh(monkeypatch: pytest.MonkeyPatch) -> None:
    """tanh leaves its range, and is NaN somewhere."""
    kernel = Sweep.kernel

    def broken(self: Sweep) -> Any:
        right = kernel(self)

        def wrong(x: np.ndarray) -> np.ndarray:
            result = right(x)
            result[x == np.inf] = 1.5
            result[x == 1] = np.nan
            return result

        return wrong if self.name == "tanh" else right

    monkeypatch.setattr(Sweep, "kernel", broken)


@pytest.mark.usefixtures("broken_tanh")
def test_failures_are_named_and_change_the_exit_code(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    options = ("--form", "value", "--dtype", "float32", "--tier", "exact", *FEW)
    result = invoke("tanh", "sigmoid", *options, "--output", page)
    assert result.exit_code == 1
    for text in (result.output, page.read_text()):
        said = text[text.index("1 of 2 fail:") :]
        assert "- tanh, float32: above the bound; " in said
        assert "1 out of range, first at inf" in said
        assert "1 not the limit, first at inf" in said
        assert "- sigmoid" not in said
    as_json = invoke("tanh", *options, "--json")
    assert as_json.exit_code == 1
    [row] = json.loads(as_json.stdout, parse_constant=lambda name: pytest.fail(name))
    assert row["largest_error"] == "inf"
    assert row["at"] == {"x": 1.0}
    assert row["passed"] is False


def test_above_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = act.tanh.record.bounds["value", "float32"]
    allowed = Sweep("tanh", "value", "float32").bound - bound  # to a level without FMA
    monkeypatch.setitem(act.tanh.record.bounds, ("value", "float32"), 1.0 - allowed)
    result = invoke("tanh", "--form", "value", "--dtype", "float32", "--tier", "exact", *FEW)
    assert result.exit_code == 1
    assert "- tanh, float32: above the bound" in result.output


def test_page(tmp_path: Path) -> None:
    page = tmp_path / "accuracy.md"
    names = ("gelu", "softplus")
    assert invoke(*names, *FEW, "--output", page).exit_code == 0
    text = page.read_text()
    assert (
        f"Written by `fastcpuact check gelu softplus --samples 512 --jobs 1 --output {page}`"
        in text
    )
    rows = [line for line in text.splitlines() if line.startswith("| ") and "function" not in line]
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert len(rows) == len(report.rows(Check(plan(names)).results))
    assert sections == [
        "## float16, every input",
        "## float32, sampled",
        "## float64, sampled",
        "## Fast tier",
        "## Other parameters than the defaults",
    ]


def test_names_in_the_command_are_canonical_and_once() -> None:
    result = invoke("expit", "sigmoid", "--dtype", "float16", "--tier", "fast", "--json")
    assert [row["activation"] for row in json.loads(result.stdout)] == ["sigmoid", "sigmoid"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gleu"], "did you mean gelu"),
        (["--form", "gradd"], "did you mean grad"),
        (["--form", "zzz"], "no activation has the form 'zzz'"),
        (["relu", "--form", "grad_weight"], "none of these activations has the form grad_weight"),
        (["--dtype", "float128"], "Invalid value for '--dtype'"),
        (["--samples", "0"], "Invalid value for '--samples'"),
        (["--jobs", "0"], "Invalid value for '--jobs'"),
        (["--output", "page.txt"], "must end in .md"),
        (["--state", "missing/state.json"], "not a directory that can be written to"),
    ],
)
def test_usage_errors(arguments: list[str], message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


def test_a_state_of_something_else_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("{}")
    result = invoke("relu", "--state", path, *FEW)
    assert result.exit_code == 2
    assert "is not a state of fastcpuact check" in " ".join(result.output.split())
    assert path.read_text() == "{}"


def test_missing_packages_are_named() -> None:
    script = (
        "import sys; sys.modules['flint'] = None; sys.argv = ['fastcpuact', 'check']\n"
        "from fastcpuact.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "fastcpuact: flint is missing: pip install 'fastcpuact[check]'\n"


# The command, but it keeps every unit of work as soon as it is done.
EAGER = """
from fastcpuact.accuracy import state
from fastcpuact.cli import main

state.INTERVAL = 0
main()
"""
SAMPLES = 1_500_000
SLOW = ("relu", "--form", "value", "--dtype", "float64", "--tier", "exact", "--samples", SAMPLES)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "fastcpuact", "check", *map(str, arguments)]


@functools.cache
def uninterrupted() -> dict[str, Any]:
    check = Check(plan(["relu"], ["value"], ["float64"], ["exact"], samples=SAMPLES))
    check.run(1)
    [row] = report.as_json(report.rows(check.results))
    return row


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_command_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    state = tmp_path / "state.json"
    line = command(*SLOW, "--json", "--jobs", 2, "--state", state)
    started = subprocess.Popen(
        [sys.executable, "-c", EAGER, *line[3:]],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a shell starts in the background ignores SIGINT, and so do its children.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not state.exists() and started.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(started.pid, number)
    _, said = started.communicate(timeout=60)
    if number == signal.SIGINT:
        assert said == f"Interrupted: the same command goes on from {state}\n"
        assert started.returncode == 128 + signal.SIGINT
    [entry] = json.loads(state.read_text())["sweeps"].values()
    units = Sweep("relu", "value", "float64", samples=SAMPLES).units
    assert 0 < int(entry["done"], 16).bit_count() < units
    resumed = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert resumed.returncode == 0, resumed.stderr
    [row] = json.loads(resumed.stdout)
    assert {**row, "seconds": 0} == {**uninterrupted(), "seconds": 0}


def test_progress_is_shown_on_standard_error_alone() -> None:
    terminal, stderr = os.openpty()
    done = subprocess.run(
        command("relu", "--dtype", "float32", "--json", *FEW),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        check=True,
    )
    os.close(stderr)
    shown = os.read(terminal, 2**16).decode()
    os.close(terminal)
    assert "relu.grad" in shown
    assert "100%" in shown
    assert "0:00:0" in shown
    assert json.loads(done.stdout)
