"""The benchmarks: what is measured, whether each library computes it, how figures are shown."""

from __future__ import annotations

import ast
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.colors import to_rgb
from matplotlib.image import imread

import fastcpuact as act
from fastcpuact import engines
from fastcpuact.bench import (
    analysis,
    cases,
    checks,
    machine,
    peers,
    pictures,
    readme,
    result,
    run,
    tables,
    throughput,
    timing,
    worker,
)
from fastcpuact.bench.cases import Case, Operands
from fastcpuact.bench.peers import Call, textbook
from fastcpuact.bench.result import Bound, Cell, Measurement
from fastcpuact.commands import fastcpuact

ROOT = Path(__file__).parents[1]
FUNCTIONS = cases.functions()


# What is measured


def test_plan_has_every_function_in_every_setting():
    plan = cases.plan(FUNCTIONS, threads=(1, 2))
    assert len(set(plan)) == len(plan)
    found = {(c.name, c.form, c.dtype, c.size, c.threads) for c in plan if analysis.is_base(c)}
    for name, a in act.activations.items():
        for form in cases.FORMS:
            if form in a.record.forms:
                for dtype in ("float32", "float64"):
                    for size in (8, 64, 1_000, 32_000, 1_000_000, 16_000_000):
                        for threads in (1, 2):
                            assert (name, form, dtype, size, threads) in found
    assert {c.axis for c in plan if c.name == "softmax"} == {-1, 0}
    for changed in ({"result": "fresh"}, {"inputs": "tails"}, {"layout": "strided"}):
        varied = [c for c in plan if vars(c) | changed == vars(c)]
        assert {(c.name, c.form) for c in varied} == {(c.name, c.form) for c in plan}
    counts = [c.threads for c in plan]
    assert counts == sorted(counts)


def test_plan_can_be_narrowed():
    plan = cases.plan(["gelu"], (8,), ("float64",), variations=False)
    assert plan == [Case("gelu", form, "float64", 8) for form in cases.forms("gelu")]


@pytest.mark.parametrize("layout", ["contiguous", "strided"])
@pytest.mark.parametrize("axis", [None, -1, 0])
def test_operands_are_laid_out_as_the_case_says(axis, layout):
    name = "gelu" if axis is None else "softmax"
    case = Case(name, "value", "float32", 4_000, axis=axis, layout=layout)
    operands = cases.operands(case)
    for array in (operands.x, operands.dy, operands.y, *operands.out):
        assert array.shape == case.shape
        assert array.size == 4_000
        assert array.dtype == np.float32
        assert array.flags.c_contiguous == (layout == "contiguous")
    expected = act.gelu(operands.x) if axis is None else act.softmax(operands.x, axis=axis)
    np.testing.assert_array_equal(operands.y, expected)


@pytest.mark.parametrize(("dtype", "reach"), [("float32", 103), ("float64", 744)])
def test_tails_reach_where_exponentials_end(dtype, reach):
    x = cases.operands(Case("relu", "value", dtype, 32_000, inputs="tails")).x
    assert x.min() < -reach
    assert x.max() > reach
    assert np.mean(np.abs(x) > reach / 2) > 0.4


def test_functions_are_named_as_readers_know_them():
    assert Case("gelu", "value", "float32", 8).function == "gelu"
    assert Case("gelu", "backward", "float32", 8).function == "gelu.backward"
    assert Case("softmax", "value", "float32", 8, axis=0).function == "softmax axis 0"


# What the libraries compute


def moderate(case: Case) -> Operands:
    """Operands where nobody loses digits by much."""
    x = np.linspace(-2.9, 2.95, case.size, dtype=case.dtype).reshape(case.shape)
    gate = x[::-1].copy() if case.kind == "gated" else x
    inputs = (x, gate) if case.kind == "gated" else (x,)
    y = act.get(case.name)(*inputs, *(case.params if case.axis is None else (case.axis,)))
    dy = np.linspace(1, 2, y.size, dtype=y.dtype).reshape(y.shape)
    out = [np.ones(case.result_shape, case.dtype) for _ in cases.operands(case).out]
    return Operands(x, dy, y, tuple(out), gate)


LIBRARIES = [library.name for library in (*peers.OURS, *peers.PEERS)]


@pytest.fixture(scope="module", autouse=True)
def as_many_threads_as_before() -> Iterator[None]:
    """Peers keep to the number of threads that they were started with, this package among them."""
    with act.num_threads(act.get_num_threads()):
        yield


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request) -> tuple[str, peers.Peer]:
    found = peers.ALL[request.param]
    for package in found.packages:
        pytest.importorskip(package)
    return request.param, found.start(1)


@pytest.mark.filterwarnings("ignore")  # of what libraries do among themselves
@pytest.mark.parametrize("name", FUNCTIONS)
def test_libraries_compute_what_they_are_timed_for(name, library):
    library_name, peer = library
    # Compiling takes its time; the expressions that Numba compiles have a test of their own.
    only_some = library_name == "numba" and name not in ("gelu", "sigmoid", "softmax", "threshold")
    dtypes = ("float32",) if library_name in ("numba", "jax") else cases.DTYPES
    if only_some:
        return
    for case in cases.plan([name], (200,), dtypes, variations=False):
        for how in (case, replace(case, result="fresh")):
            operands = moderate(how)
            call = peer.call(how, operands)
            if call is None:
                continue
            results = call.results(how.result_shape)
            assert checks.worst_error(how, operands, results) < checks.LOST, how
            for got, out in zip(results, operands.out, strict=True):
                assert got.dtype == how.dtype
                assert np.shares_memory(got, out) == call.has_out
            assert not (call.has_out and how.result == "fresh")


@pytest.mark.parametrize("name", [name for name in act.names() if name in textbook.TEXTBOOK])
def test_textbook_expressions_are_right(name):
    for form in ("value", "backward"):
        case = Case(name, form, "float64", 200)
        operands = moderate(case)
        (code,) = textbook.expressions(case)
        compiled = compile(code, name, "eval")
        rows = zip(operands.x.tolist(), operands.dy.tolist(), operands.y.tolist(), strict=True)
        values = [eval(compiled, vars(math), dict(x=x, dy=dy, y=y)) for x, dy, y in rows]
        assert checks.worst_error(case, operands, [np.array(values)]) < 1e-6


def test_textbook_composes_gated_pairs():
    assert textbook.expressions(Case("reglu", "value", "float32", 8)) == (
        "x * (gate if gate > 0 else 0.0)",
    )
    dvalue, dgate = textbook.expressions(Case("glu", "backward", "float32", 8))
    assert dvalue == "dy * (1 / (1 + exp(-gate)))"
    assert textbook.names_in(dvalue, dgate) == ["dy", "x", "gate"]


def test_gates_are_those_of_the_pairs():
    assert list(cases.GATES) == act.names("gated")
    gate = np.linspace(-3, 3, 50)
    for name, g in cases.GATES.items():
        np.testing.assert_allclose(act.get(name)(2.0, gate), 2 * act.get(g)(gate), rtol=1e-12)


def test_no_result_is_forgotten():
    """A loss in the second gradient of a pair is found."""
    case = Case("swiglu", "backward", "float32", 64)
    operands = cases.operands(case)
    dvalue, dgate = (result.copy() for result in act.swiglu.backward(*operands.of(case)))
    assert checks.worst_error(case, operands, (dvalue, dgate)) < 1e-5
    dgate[3] *= 2
    assert checks.worst_error(case, operands, (dvalue, dgate)) > 0.9


def test_strided_operands_are_computed_too():
    for library in (*peers.OURS, peers.ALL["numpy"]):
        case = Case("gelu", "backward", "float32", 100, layout="strided")
        operands = cases.operands(case)
        call = library.start(1).call(case, operands)
        assert call is not None
        assert checks.worst_error(case, operands, call.results(case.shape)) < 1e-4


def test_numexpr_expressions_keep_the_type():
    pytest.importorskip("numexpr")
    from fastcpuact.bench.peers.numexpr_text import _spelled

    spelled = _spelled("dy if x > -1 and x < 1 else 0.5 * x")
    assert spelled is not None
    text, numbers = spelled
    assert text == "where((x > -1) & (x < 1), dy, c0 * x)"
    assert numbers == {"c0": 0.5}
    assert _spelled("erf(x)") is None


@pytest.mark.parametrize("threads", [1, 2])
def test_copies_copy(threads):
    for name, form, expected in (
        ("relu", "value", lambda o: [o.x]),
        ("relu", "backward", lambda o: [o.dy + o.x]),
        ("glu", "value", lambda o: [o.x + o.gate]),
        ("glu", "backward", lambda o: [o.dy + o.gate, o.dy + o.x]),
    ):
        for where in ("out", "fresh"):
            case = Case(name, form, "float32", 200_000, threads, where)
            operands = cases.operands(case)
            calls = [c.start(threads).call(case, operands) for c in peers.COPIES]
            assert [call is not None for call in calls] == [True, threads > 1]
            for call in filter(None, calls):
                results = call.results(case.shape)
                for got, sum_ in zip(results, expected(operands), strict=True):
                    np.testing.assert_array_equal(got, sum_)
                    got[...] = 0


# How wrong results are


def test_errors_are_found():
    case = Case("gelu", "value", "float32", 64)
    operands = cases.operands(case)
    good = act.gelu(operands.x)
    assert checks.worst_error(case, operands, [good]) < 1e-6
    for wrong, least in ((1.5, 0.4), (np.nan, math.inf), (np.inf, math.inf)):
        bad = good.copy()
        bad[17] *= wrong
        assert checks.worst_error(case, operands, [bad]) >= least


def test_errors_in_gradients_and_rows_are_found():
    for case in (
        Case("tanh", "backward", "float64", 64),
        Case("softmax", "value", "float32", 64, axis=-1),
        Case("softmax", "backward", "float32", 64, axis=0),
    ):
        operands = cases.operands(case)
        call = peers.OURS[0].start(1).call(case, operands)
        assert call is not None
        good = call.results(case.shape)[0].copy()
        assert checks.worst_error(case, operands, [good]) < 1e-3
        good.reshape(-1)[0] *= 3
        assert checks.worst_error(case, operands, [good]) > 0.5


def test_last_digits_below_the_normal_numbers_do_not_count():
    case = Case("exponential", "value", "float32", 4_096, inputs="tails")
    operands = cases.operands(case)
    one_off = act.exponential(operands.x)
    tiny = one_off < np.finfo(np.float32).smallest_normal
    assert tiny.sum() > 100
    one_off[tiny] += np.finfo(np.float32).smallest_subnormal
    assert checks.worst_error(case, operands, [one_off]) < 1e-6
    one_off[tiny] = 0
    assert checks.worst_error(case, operands, [one_off]) > checks.LOST


def test_an_infinity_is_right_where_the_exact_value_rounds_to_it():
    for dtype in cases.DTYPES:
        case = Case("exponential", "value", dtype, 4_096, inputs="tails")
        operands = cases.operands(case)
        good = act.exponential(operands.x)
        assert np.isinf(good).any()
        assert checks.worst_error(case, operands, [good]) < 1e-6
        assert checks.worst_error(case, operands, [-good]) > 1


# Timing


def test_calls_take_turns():
    order = []
    calls = {name: Call(order.append, (name,)) for name in "abc"}
    timed = timing.interleave(calls, seconds=1e-4)
    for record in timed.values():
        assert timing.LEAST_ROUNDS <= len(record.ns) <= timing.MOST_ROUNDS
        low, middle, high = record.quartiles
        assert 0 < low <= middle <= high
    batches = [name for k, name in enumerate(order) if k == 0 or order[k - 1] != name]
    assert len(batches) > 3 * timing.LEAST_ROUNDS


def test_slow_calls_are_measured_once_a_round():
    timed = timing.interleave({"sleep": Call(time.sleep, (0.002,)), "none": Call(abs, (1,))}, 0.01)
    assert timed["sleep"].inner == 1
    assert 2e6 <= timed["sleep"].quartiles[1] < 1e9
    assert timed["none"].inner > 100
    assert timed["none"].quartiles[1] < 1e5


def test_out_is_passed_by_the_name_that_the_library_has():
    into = []
    call = Call(lambda x, *, grad_input: into.append((x, grad_input)), (1,), 2, "grad_input")
    timing.timer(call).timeit(3)
    call()
    assert into == [(1, 2)] * 4


def test_clock():
    clock = machine.gigahertz()
    if clock is None:
        pytest.skip("the clock is measured with Numba on x86-64")
    assert 0.1 < clock < 10


def test_machine_is_described():
    described = machine.describe()
    assert described["processor"]
    assert described["processors"] >= 1
    assert described["level"] == engines.LEVEL
    json.dumps(described)


# Workers


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinities here")
def test_workers_have_a_processor_for_each_thread():
    code = "from fastcpuact.bench.worker import confine; confine(1); import os; "
    code += "import fastcpuact.threads as t; print(len(os.sched_getaffinity(0)))"
    assert python(code) == "1\n"
    assert set(worker.environment(3).values()) >= {"3"}


def test_run_measures_and_checks():
    plan = cases.plan(["relu", "gelu"], (8,), ("float32",), variations=False)
    seen = []
    done = run.run(plan, ["numpy"], "bench", 1e-3, lambda r: seen.append(r.cells[-1]))
    assert [cell.case for cell in done.cells] == plan
    assert done.cells == seen
    assert done.command == "bench"
    assert done.versions["numpy"] == np.__version__
    for cell in done.cells:
        assert {"fastcpuact", "copy", "numpy"} <= cell.measurements.keys()
        assert cell.measurements["fastcpuact"].error < 1e-5
        assert cell.measurements["copy"].error is None
        for measured in cell.measurements.values():
            assert measured.ns[0] <= measured.median <= measured.ns[2]
    assert done.bounds or done.notes


def test_interrupted_run_keeps_what_it_has():
    def stop(so_far: result.Result) -> None:
        raise KeyboardInterrupt

    plan = cases.plan(["relu"], (8, 64), ("float32",), variations=False)
    done = run.run(plan, [], "bench", 1e-4, stop)
    assert len(done.cells) == 1
    assert f"Interrupted after 1 of {len(plan)} cases." in done.notes


def test_failing_worker_is_explained():
    impossible = [Case("no_such_function", "value", "float32", 8)]
    with pytest.raises(RuntimeError, match="no_such_function"):
        run.run(impossible, [], "bench")


# Results, by made-up figures


def measurement(ns: float, error: float = 0.0, from_output: bool = False) -> Measurement:
    return Measurement((0.9 * ns, ns, 1.1 * ns), 9, 100, True, from_output, error)


def made_up() -> result.Result:
    """Ours takes 0.1 ns an element of relu, 0.5 of gelu, and twice that for gradients."""
    made = []
    for case in cases.plan(["relu", "gelu"], (1_000, 32_000), ("float32",), variations=True):
        ours = case.size * (0.5 if case.name == "gelu" else 0.1)
        ours *= 1 if case.form == "value" else 2
        lost = 1.0 if case.name == "gelu" else 0.0
        made.append(
            Cell(
                case,
                {
                    "fastcpuact": measurement(ours),
                    "copy": measurement(0.08 * case.size),
                    "numpy": measurement(8 * ours),
                    "torch": measurement(0.5 * ours if case.form == "backward" else 2 * ours, lost),
                },
            )
        )
    return result.Result(
        "fastcpuact bench relu gelu",
        "2026-01-02T03:04:05+00:00",
        machine.describe() | {"processor": "Abacus 3000", "load": 0.0},
        {"numpy": "2.0"},
        2.0,
        made,
        {"gelu": Bound(16.0, 32, "abacus"), "relu": Bound(3.2, 32, "abacus")},
        ["A note."],
    )


def test_results_survive_json(tmp_path):
    made = made_up()
    infinite = replace(made.cells[0].measurements["numpy"], error=math.inf)
    made.cells[0] = Cell(made.cells[0].case, {**made.cells[0].measurements, "numpy": infinite})
    path = tmp_path / "result.json"
    made.save(path)
    assert "Infinity" not in path.read_text()
    assert result.Result.load(path) == made


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 0}', "{}"])
def test_other_files_are_no_results(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"JSON|result"):
        result.Result.load(path)


def test_results_of_one_machine_can_be_merged():
    first, second = made_up(), made_up()
    second.cells = second.cells[:1]
    second.cells[0] = Cell(second.cells[0].case, {"fastcpuact": measurement(1.0)})
    second.machine["load"] = 3.0
    merged = result.Result.merged([first, second])
    assert len(merged.cells) == len(first.cells)
    assert merged.cells[0] == second.cells[0]
    second.machine["processor"] = "Abacus 4000"
    with pytest.raises(ValueError, match="machine: processor"):
        result.Result.merged([first, second])


def test_comparison_takes_the_fastest_peer():
    made = made_up()
    for comparison in analysis.compare(made.cells):
        backward = comparison.cell.case.form == "backward"
        assert comparison.peer == "torch"
        assert comparison.ratio == pytest.approx(0.5 if backward else 2)
    assert {loss.cell.case.form for loss in analysis.losses(made.cells)} == {"backward"}
    assert analysis.geometric_mean([1, 4]) == pytest.approx(2)
    assert analysis.geometric_mean([]) is None


def test_bound_is_cycles_over_clock():
    made = made_up()
    case = Case("gelu", "value", "float32", 32_000)
    assert analysis.bound_ns(made, case) == pytest.approx(16 / 32 / 2.0)
    assert analysis.bound_ns(made, replace(case, dtype="float64")) is None
    assert analysis.bound_ns(made, replace(case, form="backward")) is None
    made.gigahertz = None
    assert analysis.bound_ns(made, case) is None


def cells_of(grid: tables.Grid) -> list[dict[str, str]]:
    return [dict(zip(grid.headings, row, strict=True)) for row in grid.rows]


def test_tables():
    made = made_up()
    sizes = cells_of(tables.by_size(made))
    assert [row["size"] for row in sizes] == ["1k", "32k"]
    assert sizes[0]["value, float32"] == "2.00 (0/2)"
    assert sizes[0]["backward, float32"] == "0.50 (2/2)"
    by_name = {row["function"]: row for row in cells_of(tables.by_function(made))}
    gelu = by_name["gelu"]
    assert (gelu["ours"], gelu["copy"], gelu["bound"]) == ("0.5", "0.08", "0.25")
    assert (gelu["of copy"], gelu["fastest peer"], gelu["ratio"]) == ("16%", "torch‡", "2.00")
    assert (gelu["numpy"], gelu["torch"]) == ("4", "1‡")
    assert by_name["gelu.backward"]["bound"] == "-"
    (relu,) = (
        row for row in cells_of(tables.of_losses(made)) if row["function"] == "relu.backward"
    )
    assert "0.50 torch (32k elements, one thread)" in relu["speed against the fastest peer"]
    assert "tail-heavy inputs" in relu["speed against the fastest peer"]
    assert [row["function"] for row in cells_of(tables.of_errors(made))] == [
        name for name in by_name if name.startswith("gelu")
    ]
    for text in ("Abacus 3000", "numpy 2.0", "`fastcpuact bench relu gelu`", "A note."):
        assert text in tables.conditions(made)


def test_gradients_from_the_output_are_marked():
    """And compared with gradients from the output, where there is such a form."""
    made = made_up()
    for k, cell in enumerate(made.cells):
        if cell.case in [Case(name, "backward", "float32", 32_000) for name in ("relu", "gelu")]:
            theirs = measurement(1.0, from_output=True)
            made.cells[k] = Cell(cell.case, {**cell.measurements, "torch": theirs})
    by_name = {row["function"]: row for row in cells_of(tables.by_function(made))}
    assert not by_name["relu.backward"]["fastest peer"].startswith("torch")
    assert "†" in by_name["relu.backward"]["torch"]
    assert by_name["gelu.backward"]["fastest peer"] == "torch†"


def test_narrow_terminals_leave_columns_out():
    grid = tables.by_function(made_up())
    assert len(grid.rich(300).columns) == len(grid.headings)
    assert len(grid.rich(80).columns) == len(grid.headings) - 2


def test_pictures(tmp_path):
    drawn = pictures.draw(made_up(), tmp_path)
    assert sorted(drawn) == ["limit.png", "sizes.png", "speed.png"]

    def shows(name: str, colour: str) -> bool:
        pixels = imread(tmp_path / name)[..., :3]
        return bool(np.sum(np.all(np.abs(pixels - to_rgb(colour)) < 0.02, axis=-1)) > 30)

    for peer in ("numpy", "torch"):
        assert shows("speed.png", pictures.COLOURS[peer])
        assert shows("sizes.png", pictures.COLOURS[peer])
    assert not shows("speed.png", pictures.COLOURS["jax"])
    for colour in (pictures.BLUE, pictures.RED, pictures.GREY):
        assert shows("limit.png", colour)


def test_colours_and_shapes_tell_all_peers_apart():
    names = [peer.name for peer in peers.PEERS]
    assert list(pictures.COLOURS) == list(pictures.SHAPES) == names
    assert len(set(pictures.COLOURS.values())) == len(set(pictures.SHAPES.values())) == len(names)


def test_readme_is_rewritten_between_the_markers(tmp_path):
    file, folder = tmp_path / "README.md", tmp_path / "docs" / "benchmarks"
    file.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    readme.write(made_up(), file, folder)
    once = file.read_text()
    assert once.startswith(f"before\n{readme.BEGIN}\n")
    assert once.endswith(f"\n{readme.END}\nafter\n")
    assert "old" not in once
    assert "![Time against size](docs/benchmarks/sizes.png)" in once
    assert (folder / "sizes.png").exists()
    assert "Where a peer is faster" in once
    readme.write(made_up(), file, folder)
    assert file.read_text() == once
    file.write_text("no markers")
    with pytest.raises(ValueError, match="no lines"):
        readme.write(made_up(), file, folder)


# Bounds

LISTING = """\
    2ca0:       endbr64
    2ca4:       vmovups (%rsi,%rax,1),%zmm0
    2cb0:       vmulps %zmm1,%zmm0,%zmm0
    2cc0:       jne    2cc8 <f+0x28>
    2cc4:       nopw   0x0(%rax,%rax,1)
    2cc8:       vmovups %zmm0,(%rdi,%rax,1)
    2cd0:       vmovaps %zmm2,0x40(%rsp)
    2cd8:       vmovups %zmm0,0x40(%rdi,%rax,1)
    2ce0:       add    $0x80,%rax
    2ce4:       jne    2ca4 <f+0x4>   # a comment
    2cf0:       vmovss %xmm0,(%rdi)
    2cf8:       jne    2cf0 <f+0x50>
    2d00:       jmp    2ca0 <f>
    2d08:       ret
"""


def test_innermost_vector_loop_is_found():
    (loop,) = throughput.vector_loops(LISTING.splitlines())
    assert (loop.width, loop.stored) == (64, 128)
    assert [address for address, _, _ in loop.code][::8] == [0x2CA4, 0x2CE4]
    text = throughput._assembly([loop])
    assert "jne\t.L0_2cc8" in text
    assert "jne\t.L0_2ca4" in text
    assert "nop" not in text


def test_bounds_of_this_build():
    plan = cases.plan(["relu", "gelu", "softmax"], (8,), ("float32",), variations=False)
    try:
        bounds = throughput.bounds(plan)
    except throughput.NotAvailableError as error:
        pytest.skip(str(error))
    assert {"gelu", "gelu.backward", "relu"} <= bounds.keys()
    assert bounds["relu"].cycles < bounds["gelu"].cycles <= bounds["gelu.backward"].cycles
    for bound in bounds.values():
        assert bound.elements in (4, 8, 16, 32, 64)


def test_functions_along_an_axis_alone_have_no_bounds_and_miss_none():
    plan = cases.plan(["softmax"], (8,), ("float32",), variations=False)
    try:
        assert throughput.bounds(plan) == {}
    except throughput.NotAvailableError as error:
        pytest.skip(str(error))


def test_bounds_need_their_programs(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(engines, "COMPILED", True)
    monkeypatch.setattr(engines, "LEVEL", "v3")
    with pytest.raises(throughput.NotAvailableError, match="llvm-mca is not installed"):
        throughput.bounds([])
    monkeypatch.setattr(engines, "LEVEL", "portable")
    with pytest.raises(throughput.NotAvailableError, match="x86-64"):
        throughput.bounds([])


@pytest.mark.parametrize(("host", "name"), (("znver4", "znver4"), ("(unknown)", None)))
def test_a_processor_newer_than_llvm_has_no_model(host, name, tmp_path):
    program = tmp_path / "llvm-mca"
    program.write_text(f"#!/bin/sh\necho '  Host CPU: {host}'\n")
    program.chmod(0o755)
    assert throughput._named(str(program), "native") == name
    assert throughput._named(str(program), "znver4") == "znver4"


# The command line


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(fastcpuact, [str(a) for a in arguments], catch_exceptions=False)


def test_bench_and_report(tmp_path):
    path = tmp_path / "result.json"
    done = invoke(
        *("bench", "relu", "logistic", "--size", "64", "--size", "1k", "--dtype", "float32"),
        *("--threads", 1, "--peers", "numpy", "--quick", "--json", path),
    )
    assert done.exit_code == 0
    assert "Speed against the fastest peer" in done.stdout
    measured = result.Result.load(path)
    assert {cell.case.name for cell in measured.cells} == {"relu", "sigmoid"}
    assert {cell.case.size for cell in measured.cells} == {64, 1_000}
    assert measured.command.endswith(f"--peers numpy --quick --json {path}")
    shown = invoke("report", path)
    assert shown.exit_code == 0
    assert "sigmoid.backward" in shown.stdout
    drawn = invoke("report", path, path, "--pictures", tmp_path / "pictures")
    assert drawn.exit_code == 0
    assert (tmp_path / "pictures" / "speed.png").exists()
    file = tmp_path / "README.md"
    file.write_text(f"{readme.BEGIN}\n{readme.END}\n")
    assert invoke("report", path, "--readme", file).exit_code == 0
    assert "](docs/benchmarks/speed.png)" in file.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hardswich",), "did you mean hardswish"),
        (("--size", "0"), "'0' is no size"),
        (("--size", "1G"), "'1G' is no size"),
        (("--threads", "0"), "neither 'all' nor a number"),
        (("--peers", "abacus"), "'abacus' is none of numpy"),
        (("--json", "result.txt"), "must end in .json"),
    ],
    ids=str,
)
def test_bench_refuses_at_once(arguments, message):
    refused = invoke("bench", *arguments)
    assert refused.exit_code == 2
    assert message in " ".join(refused.output.split())


def test_missing_peer_is_named(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    refused = invoke("bench", "relu", "--peers", "torch")
    assert refused.exit_code == 2
    assert "pip install 'fastcpuact[peers]'" in refused.output


def test_report_refuses_other_files(tmp_path):
    path = tmp_path / "other.json"
    path.write_text("{}")
    refused = invoke("report", path)
    assert refused.exit_code == 1
    assert "is not a result" in refused.output
    assert invoke("report").exit_code == 2


def test_expressions_are_python():
    for value, backward in textbook.TEXTBOOK.values():
        for text in (value, backward):
            ast.parse(text, mode="eval")
