"""One text, several engines: the same bits from each, and each is what it says."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import bit_patterns
import fastcpuact as act
from fastcpuact import engines
from fastcpuact.activation import Activation, Form
from fastcpuact.jit import arrays, ufuncs
from forms import ONE_OF_EACH_KIND

compiled_only = pytest.mark.skipif(not engines.COMPILED, reason="no compiled kernels")


def levels_with_fma() -> list[str]:
    if not engines.COMPILED:
        return []
    from fastcpuact.kernels.driver import cpu_level

    offered = cpu_level()
    return [f"v{number}" for number in range(3, offered + 1)] if offered else ["portable"]


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def digests_at(level: str) -> dict[str, str]:
    script = str(Path(bit_patterns.__file__))
    done = python("-W", "error", script, FASTCPUACT_LEVEL=level)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_more_than_a_million_patterns_of_every_kind():
    for dtype, exponents in ((np.float32, 256), (np.float64, 2048)):
        x = bit_patterns.patterns(dtype)
        assert x.size >= 10**6
        _, exponent = np.frexp(x[np.isfinite(x)])
        assert np.unique(exponent).size >= exponents - 2
        for sign in (np.signbit(x), ~np.signbit(x)):
            part = x[sign]
            assert np.isnan(part).any() and np.isinf(part).any() and (part == 0).any()
            assert ((part != 0) & (np.abs(part) < np.finfo(dtype).tiny)).any()


@compiled_only
@pytest.mark.skipif(not levels_with_fma(), reason="this processor has no FMA")
def test_levels_give_the_same_bits():
    first, *others = levels_with_fma()
    for other in others:
        assert digests_at(other) == digests_at(first)


@compiled_only
@pytest.mark.skipif(not levels_with_fma(), reason="this processor has no FMA")
def test_numba_gives_the_bits_of_the_compiled_kernels():
    with act.engine("numba"):
        found = bit_patterns.digests()
    assert found == digests_at(levels_with_fma()[-1])


def caller_of(form):
    """The way to a form's Numba kernels where there is no compiled driver."""
    call = arrays.Caller(form.record, form.form, fast=False)
    return lambda *args, **params: call(form._bind(args, params)[0], None)


@pytest.mark.parametrize("name", act.names())
def test_parallel_numba_kernels_give_the_bits_of_serial_ones(name, monkeypatch):
    x = bit_patterns.patterns(np.float32)
    f = act.activations[name]
    params, *_ = bit_patterns.parameter_sets(f)
    with act.engine("numba"), np.errstate(all="raise"):
        serial = (f(x, **params), f.backward(x, x, **params))
        monkeypatch.setattr(arrays, "PARALLEL_MIN", 1)
        before = arrays._parallel.cache_info()
        parallel = (caller_of(f)(x, **params), caller_of(f.backward)(x, x, **params))
        after = arrays._parallel.cache_info()
        assert after.hits + after.misses == before.hits + before.misses + 2
    for a, b in zip(serial, parallel, strict=True):
        assert bit_patterns.digest(a) == bit_patterns.digest(b)


def test_two_threads_may_launch_parallel_kernels(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(arrays, "PARALLEL_MIN", 1)
    x = np.linspace(-5, 5, 10_000)
    call, expected = caller_of(act.silu), act.silu(x)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: call(x), range(200)):
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_numba_ufuncs_without_a_driver_give_the_same_bits(name):
    form = act.activations[name].backward
    made = ufuncs.ufunc(form.record, form.form, False, "ufunc")
    for dtype in (np.float16, np.float32, np.float64):
        with np.errstate(all="ignore"):
            x = bit_patterns.patterns(np.float32)[::1001].astype(dtype)
        varied = np.linspace(0.5, 2, x.size, dtype=dtype)
        for params in ([varied] * len(form.record.params), [0.5] * len(form.record.params)):
            wanted = form(x, x, *params)
            np.testing.assert_array_equal(made(x, x, *params), wanted)
            many = [p[::-2] if np.ndim(p) else p for p in (x, x, *params)]
            np.testing.assert_array_equal(made(*many), wanted[::-2])


@compiled_only
@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_numba_kernels_are_called_the_short_way(name, monkeypatch):
    f = Activation(act.activations[name].record)
    x = np.linspace(-3, 3, 700, dtype=np.float32).reshape(7, 100)
    params = {name: 0.25 * k for k, name in enumerate(f.params, start=1)}
    wanted = [f(x), f(x, **params), f.backward(x, x, *params.values()), f.grad(x.astype(float))]

    def refuse(*arguments):
        raise AssertionError(f"not the short way: {arguments}")

    monkeypatch.setattr(Activation, "general", refuse)
    monkeypatch.setattr(Form, "general", refuse)
    with act.engine("numba"):
        out = np.empty_like(x)
        found = [
            f(x, out=out),
            f(x, **params),
            f.backward(x, x, *params.values()),
            f.grad(x.astype(float)),
        ]
        assert found[0] is out
        # Of the other dtype nothing has been compiled.
        assert f._numba_kernels.keys() == {("float32", bool(params)), ("float32", False)}
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not Activation(f.record)._numba_kernels


@compiled_only
def test_a_failing_compilation_is_told_and_leaves_out_alone(monkeypatch):
    from fastcpuact.jit import native

    def fail(*arguments, **keywords):
        raise MemoryError("no room for code")

    f = Activation(act.silu.record)
    x, out = np.ones(3, np.float32), np.full(3, 7, np.float32)
    with act.engine("numba"):
        with monkeypatch.context() as patched, pytest.raises(MemoryError, match="no room"):
            patched.setattr(native, "compiled", fail)
            f(x, out=out)
        assert (out == 7).all()
        np.testing.assert_array_equal(f(x, out=out), act.silu(x))


@compiled_only
def test_many_threads_may_ask_for_a_kernel_at_once():
    from concurrent.futures import ThreadPoolExecutor

    f = Activation(act.hardswish.record)
    x = np.linspace(-5, 5, 1000)
    expected = act.hardswish(x)
    with act.engine("numba"), ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: f(x), range(64)):
            np.testing.assert_array_equal(result, expected)


@compiled_only
def test_level_is_what_was_asked_for():
    ask = "from fastcpuact.kernels import select; print(select.LEVEL, select._module.__name__)"
    for level in (
        ("v2", *levels_with_fma()) if "portable" not in levels_with_fma() else ("portable",)
    ):
        done = python("-c", ask, FASTCPUACT_LEVEL=level)
        assert done.stdout.split() == [level, f"fastcpuact.kernels._{level}"], done.stderr


@compiled_only
@pytest.mark.skipif("portable" in levels_with_fma(), reason="there is one level only")
def test_the_level_without_fma_keeps_bounds_limits_and_order():
    """The other tests run on the highest level, whose bits all levels with FMA have."""
    tests = [
        str(Path(__file__).parent / f"test_{name}.py") for name in ("accuracy", "values", "gated")
    ]
    options = ("-q", "-k", "not numba", "-p", "no:cacheprovider")
    done = python("-m", "pytest", *tests, *options, FASTCPUACT_LEVEL="v2")
    assert done.returncode == 0, done.stdout


@compiled_only
@pytest.mark.parametrize("level", ("v9", "avx2", "../v4"))
def test_unknown_level_is_refused(level):
    done = python("-c", "import fastcpuact", FASTCPUACT_LEVEL=level)
    assert done.returncode != 0
    assert f"FASTCPUACT_LEVEL={level!r} is no level" in done.stderr


@compiled_only
def test_level_that_the_processor_lacks_is_refused(monkeypatch):
    from fastcpuact.kernels import select

    monkeypatch.setattr(select, "cpu_level", lambda: 2)
    monkeypatch.setenv("FASTCPUACT_LEVEL", "v4")
    with pytest.raises(ImportError, match="only \\['v2'\\]"):
        select._choose()


def test_engine_by_environment():
    ask = "import fastcpuact as act; print(act.current_engine())"
    done = python("-W", "error", "-c", ask, FASTCPUACT_ENGINE="numba")
    assert done.stdout.strip() == "numba", done.stderr
    done = python("-c", ask, FASTCPUACT_ENGINE="fortran")
    assert "engine must be one of compiled, numba, got 'fortran'" in done.stderr


def test_engine_context_restores():
    before = act.current_engine()
    with pytest.raises(RuntimeError), act.engine("numba"):
        assert act.current_engine() == "numba"
        assert act.silu.ufunc is not None
        raise RuntimeError
    assert act.current_engine() == before


@compiled_only
@pytest.mark.skipif(platform.machine() != "x86_64", reason="sets MXCSR")
@pytest.mark.parametrize("mode", ("up, FTZ and DAZ", "to zero"))
def test_numba_compiles_and_runs_in_the_default_floating_point_environment(mode):
    from reliability.floating import STATES, environment

    x = np.linspace(-20, 20, 1001, dtype=np.float32)
    expected = [act.gelu(x), act.gelu(x[::3]), act.softmax(x)]
    f = Activation(act.gelu.record)
    with act.engine("numba"), environment(STATES[mode]):
        found = [f(x), f(x[::3]), act.softmax(x)]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
