"""Every function keeps what is stated of it, on a sample of `fastcpuact check`."""

import pytest

import fastcpuact as act
from fastcpuact.accuracy import report
from fastcpuact.accuracy.check import Check, plan
from fastcpuact.accuracy.sweep import Sweep

SWEEPS = plan(act.names())


@pytest.mark.parametrize("sweep", SWEEPS, ids=str)
def test_function_keeps_what_is_stated(sweep: Sweep) -> None:
    check = Check([sweep])
    check.run(jobs=1)
    assert check.passed, report.verdict(report.rows(check.results))


def test_the_sample_is_large_enough() -> None:
    """Half of it is drawn by bit pattern."""
    main = [sweep for sweep in SWEEPS if sweep.has_defaults and not sweep.fast]
    assert {sweep.samples for sweep in main if sweep.dtype == "float16"} == {None}
    assert {sweep.samples for sweep in main if sweep.dtype == "float32"} == {2**21}
    assert all((sweep.samples or 0) >= 2**12 for sweep in main if sweep.dtype == "float64")


@pytest.mark.parametrize("name", act.names())
def test_everything_is_checked(name: str) -> None:
    """Each formula in each dtype, with the defaults if there are, and with drawn parameters."""
    record = act.get(name).record
    for dtype in ("float16", "float32", "float64"):
        sweeps = [sweep for sweep in SWEEPS if sweep.name == name and sweep.dtype == dtype]
        exact = [sweep for sweep in sweeps if not sweep.fast]
        assert {sweep.formula for sweep in exact} == set(record.formulas)
        fast = {sweep.formula for sweep in sweeps if sweep.fast}
        assert fast == {f for form in record.forms_in(True).values() for f in form.results}
        if None not in record.params.values():
            with_defaults = [sweep for sweep in exact if sweep.has_defaults]
            assert {sweep.formula for sweep in with_defaults} == set(record.formulas)
        if record.params and dtype != "float16":
            drawn = [sweep for sweep in exact if sweep.draws]
            assert {sweep.formula for sweep in drawn} == set(record.formulas)
