"""Gated pairs and maxout: values, gradients, packed halves, and the ufuncs underneath."""

from __future__ import annotations

import doctest
import pickle
from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastcpuact as act
from fastcpuact.accuracy.balls import precision
from fastcpuact.accuracy.ulp import ulp_error
from forms import DTYPES

NAMES = ("glu", "reglu", "geglu", "swiglu")
SAMPLES = 2000

pytestmark = pytest.mark.usefixtures("engine")
every_pair = pytest.mark.parametrize("name", NAMES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


# The oracle: the gate and its derivative, in balls.


def sigmoid(x: arb) -> arb:
    return 1 / (1 + (-x).exp())


def normal(x: arb) -> arb:
    return (-x / arb(2).sqrt()).erfc() / 2


def density(x: arb) -> arb:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


GATES: dict[str, tuple[Callable[[arb], arb], Callable[[arb], arb]]] = {
    "glu": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "reglu": (lambda x: x if x > 0 else arb(0), lambda x: arb(x > 0)),
    "geglu": (lambda x: x * normal(x), lambda x: normal(x) + x * density(x)),
    "swiglu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
}


def products(dtype: Any, *factors: Any) -> Any:
    """The exact products of arrays, as `ulp_error` takes them."""
    made = np.empty(len(factors[0]), object)
    with precision(400):
        balls = [
            [arb(float(v)) if isinstance(v, np.floating) else v for v in row]
            for row in zip(*factors, strict=True)
        ]
        made[:] = [row[0] * row[1] if len(row) == 2 else row[0] * row[1] * row[2] for row in balls]
    return made if dtype is np.float64 else made.astype(np.float64)


def gates(name: str, gate: Any) -> tuple[list[arb], list[arb]]:
    value, slope = GATES[name]
    with precision(400):
        return [value(arb(float(v))) for v in gate], [slope(arb(float(v))) for v in gate]


# Where the tail of a gate has ended.
TAILS = {
    np.float32: {"glu": 125, "swiglu": 125, "geglu": 15.5, "reglu": 100},
    np.float64: {"glu": 1040, "swiglu": 1040, "geglu": 45, "reglu": 100},
}


def sample(name: str, dtype: Any, kind: str) -> tuple[Any, Any, Any]:
    """Draw dy, values and gates: common ones, or values of any size beside the tails of gates."""
    rng = np.random.default_rng(5)
    dy, value = rng.normal(0, 1, (2, SAMPLES))
    if kind == "tail":
        gate = -rng.uniform(0, TAILS[dtype][name], SAMPLES)
        value = value * 2.0 ** rng.uniform(-20, 0.9 * np.finfo(dtype).maxexp, SAMPLES)
    else:
        gate = rng.uniform(-1, 1, SAMPLES) * rng.choice([1, 6, 40], SAMPLES)
    return tuple(a.astype(dtype) for a in (dy, value, gate))


@pytest.mark.parametrize("kind", ["common", "tail"])
@every_dtype
@every_pair
def test_errors_are_within_the_stated_bounds(name: str, dtype: Any, kind: str) -> None:
    f = act.get(name)
    dy, value, gate = sample(name, dtype, kind)
    of_gate, slope = gates(name, gate)
    dvalue, dgate = f.backward(dy, value, gate)
    for result, key, exact in (
        (f(value, gate), "value", products(dtype, value, of_gate)),
        (dvalue, "dvalue", products(dtype, dy, of_gate)),
        (dgate, "dgate", products(dtype, dy, value, slope)),
    ):
        assert result.dtype == dtype
        bound = f.record.bounds[key, np.dtype(dtype).name]
        assert bound <= 3
        assert ulp_error(result, exact).max() <= bound, key


@every_pair
def test_every_float16_gate(name: str) -> None:
    gate = np.arange(2**16, dtype=np.uint16).view(np.float16)
    gate = gate[np.isfinite(gate)]
    value = np.resize(np.array([1, -0.3, 77, 1e-3], np.float16), gate.size)
    exact = products(np.float32, value.astype(np.float64), gates(name, gate)[0])
    result = act.get(name)(value, gate)
    assert result.dtype == np.float16
    assert ulp_error(result, exact).max() <= 0.51


@every_dtype
@every_pair
def test_infinities_zeros_and_nan(name: str, dtype: Any) -> None:
    f = act.get(name)
    g = {"glu": act.sigmoid, "reglu": act.relu, "geglu": act.gelu, "swiglu": act.silu}[name]
    special = np.array([0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 3e-45, 1e30, -1e30], dtype)
    value, gate = np.meshgrid(special, special)
    with np.errstate(all="ignore"):
        expected = value * g(gate)
        slopes = value * g.grad(gate)
    # Beside an infinite value, a gate whose tail has ended makes the product of it and 0.
    assert np.array_equal(np.isnan(f(value, gate)), np.isnan(expected))
    exact = np.isinf(value) | np.isinf(gate) | (value == 0) | (gate == 0)
    result = f(value, gate)
    same = (result == expected) & (np.signbit(result) == np.signbit(expected))
    assert np.all(same | np.isnan(expected) | ~exact)
    dvalue, dgate = f.backward(np.ones_like(value), value, gate)
    assert np.array_equal(dvalue, f(np.ones_like(value), gate), equal_nan=True)
    assert np.array_equal(np.isnan(dgate), np.isnan(slopes))
    assert np.allclose(dgate, slopes, rtol=1e-6, equal_nan=True)


@every_dtype
@every_pair
def test_gates_are_those_of_the_activations(name: str, dtype: Any) -> None:
    """value = 1 gives the activation itself, to the rounding of either."""
    g = {"glu": act.sigmoid, "reglu": act.relu, "geglu": act.gelu, "swiglu": act.silu}[name]
    x = np.linspace(-12, 12, 1001).astype(dtype)
    one = np.ones_like(x)
    assert np.allclose(act.get(name)(one, x), g(x), rtol=8 * np.finfo(dtype).eps, atol=0)
    _, dgate = act.get(name).backward(one, one, x)
    assert np.allclose(dgate, g.grad(x), rtol=12 * np.finfo(dtype).eps, atol=0)


# The ufuncs.


def bits(a: Any) -> Any:
    a = np.ascontiguousarray(a)
    return np.where(np.isnan(a), a.dtype.type(nan), a).view(f"u{a.itemsize}")


def assert_same(a: Any, b: Any) -> None:
    a, b = (r if isinstance(r, tuple) else (r,) for r in (a, b))
    for left, right in zip(a, b, strict=True):
        assert left.dtype == right.dtype and left.shape == right.shape
        assert np.array_equal(bits(left), bits(right))


def operands(dtype: Any, shape: Any = 700) -> Any:
    return np.random.default_rng(1).normal(0, 4, (3, *np.atleast_1d(shape))).astype(dtype)


@pytest.mark.parametrize("dtype", (np.float16, *DTYPES))
@every_pair
def test_any_way_gives_the_same_bits(name: str, dtype: Any) -> None:
    f = act.get(name)
    dy, value, gate = operands(dtype)
    y, both = f(value, gate), f.backward(dy, value, gate)
    assert type(f.ufunc) is type(f.backward.ufunc) is np.ufunc
    assert_same(f.ufunc(value, gate), y)
    assert_same(f.backward.ufunc(dy, value, gate), both)
    for step in (2, 3, -1, -2):
        assert_same(f(value[::step], gate[::step]), y[::step])
        parts = tuple(a[::step] for a in (dy, value, gate))
        assert_same(f.backward(*parts), tuple(a[::step] for a in both))
    for n in (1, 2, 15, 17, 33, 100):
        assert_same(f(value[5 : 5 + n], gate[5 : 5 + n]), y[5 : 5 + n])
    with act.num_threads(2):
        assert_same(f(np.tile(value, 500), np.tile(gate, 500)), np.tile(y, 500))
    assert_same(f(value.reshape(7, 100), gate[:100])[0], y[:100])
    out = np.empty_like(y)
    assert f(value, gate, out=out) is out
    assert_same(out, y)
    place = value.copy()
    f(place, gate, out=place)
    assert_same(place, y)
    places = (value.copy(), gate.copy())
    f.backward(dy, *places, out=places)
    assert_same(places, both)


@every_pair
def test_keywords_of_a_ufunc(name: str) -> None:
    f = act.get(name)
    _, value, gate = operands(np.float32, 40)
    mask = value > 0
    out = np.full_like(value, 7)
    f(value, gate, where=mask, out=out)
    assert_same(out[mask], f(value, gate)[mask])
    assert np.all(out[~mask] == 7)
    assert f(value, gate, dtype=np.float64).dtype == np.float64
    assert f(value.astype(np.int8), gate.astype(np.int8)).dtype == np.float16
    assert f(value, 2.0).dtype == np.float32
    assert isinstance(f(1.0, 2.0), np.float64)
    assert f(np.empty((0, 3)), np.empty((0, 3))).shape == (0, 3)
    y, out = f(value, gate), np.empty_like(value)
    assert_same(f(value=value, gate=gate), y)
    assert_same(f(value, gate=gate, out=out), y)
    assert_same(f.backward(value, gate=gate, value=value), f.backward(value, value, gate))
    with pytest.raises(TypeError, match="missing operand 'value'"):
        f(gate=gate)
    with pytest.raises(TypeError):
        f(value, gate, gate=gate)
    with pytest.raises(ValueError, match="broadcast"):
        f(value, gate[:5])
    with pytest.raises(TypeError, match="missing operand 'gate'"):
        f(value)
    with pytest.raises(TypeError):
        f(value, gate + 1j)
    with np.errstate(all="raise"):
        extreme = np.array([0, 1, -1, 1e38, -1e38, 1e-45, inf, -inf, nan], np.float32)
        f(*np.meshgrid(extreme, extreme))
        f.backward(1.0, *np.meshgrid(extreme, extreme))


# Packed halves.


@pytest.mark.parametrize("dtype", (np.float16, *DTYPES))
@every_pair
def test_packed(name: str, dtype: Any) -> None:
    f = act.get(name)
    x = operands(dtype, (3, 8, 10))[0]
    for axis in (0, 1, 2, -1, -2):
        if x.shape[axis] % 2:
            continue
        first, second = np.split(x, 2, axis)
        dy = operands(dtype, first.shape)[1]
        for gate, pair in (("second", (first, second)), ("first", (second, first))):
            y = f(*pair)
            assert_same(f.packed(x, axis, gate), y)
            out = np.empty_like(y)
            assert f.packed(x, axis=axis, gate=gate, out=out) is out
            assert_same(out, y)
            halves = f.backward(dy, *pair)
            dx = np.concatenate(halves if gate == "second" else halves[::-1], axis)
            assert_same(f.packed_backward(dy, x, axis, gate), dx)
            place = x.copy()
            assert f.packed_backward(dy, place, axis, gate, out=place) is place
            assert_same(place, dx)


@every_pair
def test_packed_of_other_inputs(name: str) -> None:
    f = act.get(name)
    x = operands(np.float64, (4, 6))[0]
    assert_same(f.packed(x.tolist()), f.packed(x))
    assert_same(f.packed(np.asfortranarray(x)), f.packed(x))
    assert f.packed(np.arange(4, dtype=np.int16)).dtype == np.float32
    assert f.packed_backward(np.ones(2, np.float32), np.arange(4)).dtype == np.float64
    assert f.packed(np.empty((3, 0))).shape == (3, 0)
    assert f.packed_backward(np.empty((3, 0)), np.empty((3, 0))).shape == (3, 0)


@every_pair
def test_bad_packed_arguments_are_named_before_anything_is_written(name: str) -> None:
    f = act.get(name)
    x, dy = np.ones((2, 6)), np.ones((2, 3))
    out, dx = np.full((2, 3), 7.0), np.full((2, 6), 7.0)
    # fmt: off
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ValueError, "axis 1 of x must have an even length, got 5", {"x": x[:, :5]}),
        (ValueError, "axis 0 of x must have an even length, got 3",
         {"x": np.ones((3, 2)), "axis": 0}),
        (ValueError, "gate must be 'first' or 'second', got 'third'", {"gate": "third"}),
        (ValueError, "gate must be 'first' or 'second', got None", {"gate": None}),
        (ValueError, "x must have at least one dimension", {"x": 1.0}),
        (TypeError, "x must hold real numbers.*complex128", {"x": x + 1j}),
        (TypeError, "axis must be an integer, got None", {"axis": None}),
        (np.exceptions.AxisError, "axis 2 is out of bounds", {"axis": 2}),
    ]
    # fmt: on
    for error, message, changed in cases:
        given = {"x": x, "out": out, **changed}
        with pytest.raises(error, match=f"{name}.packed: {message}"):
            f.packed(**given)
        given = {"dy": dy, "x": x, "out": dx, **changed}
        with pytest.raises(error, match=f"{name}.packed_backward: {message}"):
            f.packed_backward(**given)
    for wrong, message in (
        ([1.0], "out must be an ndarray, got list"),
        (np.empty((3, 2)), r"out must have the shape .*, got \(3, 2\)"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            f.packed(x, out=wrong)
        with pytest.raises((TypeError, ValueError), match=message):
            f.packed_backward(dy, x, out=wrong)
    with pytest.raises(ValueError, match=r"dy must have the shape \(2, 3\) of the result"):
        f.packed_backward(x, x, out=dx)
    with pytest.raises(TypeError, match="out of int64 cannot take"):
        f.packed(x, out=np.zeros((2, 3), np.int64))
    assert np.all(out == 7) and np.all(dx == 7)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only"):
        f.packed(x, out=out)


@every_pair
def test_lookup_pickle_and_documentation(name: str) -> None:
    f = act.get(name)
    assert f is getattr(act, name) and f.kind == "gated" and name in act.names("gated")
    assert pickle.loads(pickle.dumps(f)) is f
    assert pickle.loads(pickle.dumps(f.backward)) is f.backward
    assert name in repr(f) and name in repr(f.backward)
    for form in (f, f.backward):
        text = form.__doc__
        for section in ("Parameters", "Returns", "Raises", "Notes", "Examples"):
            assert f"\n{section}\n{'-' * len(section)}\n" in text
        for argument in (*form.form.operands, "out"):
            assert f"\n{argument} : " in text
        examples = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
        assert doctest.DocTestRunner().run(examples) == (0, len(examples.examples))


# Maxout.


def maxout_in_numpy(x: Any, pieces: int, axis: int) -> tuple[Any, Any]:
    groups = np.moveaxis(x, axis, -1)
    groups = groups.reshape(*groups.shape[:-1], groups.shape[-1] // pieces, pieces)
    which = groups.argmax(axis=-1)  # the first of equals, and the first NaN before all
    y = np.take_along_axis(groups, which[..., None], -1)[..., 0]
    return np.moveaxis(y, -1, axis), np.moveaxis(which, -1, axis)


@settings(deadline=None, max_examples=150)
@given(
    x=hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64]),
        st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(1, 4)),
        elements=st.sampled_from([0.0, -0.0, 1.0, 2.0, -3.5, inf, -inf, nan]),
    ),
    pieces=st.integers(1, 5),
    axis=st.integers(-3, 2),
    fortran=st.booleans(),
)
def test_maxout_is_what_argmax_makes(x: Any, pieces: int, axis: int, fortran: bool) -> None:
    x = np.repeat(x, pieces, axis)
    x = np.random.default_rng(0).permuted(x, axis=axis)
    x = np.asfortranarray(x) if fortran else x
    y, which = act.maxout(x, pieces, axis)
    expected, places = maxout_in_numpy(x, pieces, axis)
    assert_same(y, expected)
    assert which.dtype == np.intp and np.array_equal(which, places)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(x.dtype)
    dx = act.maxout.backward(dy, which, pieces, axis)
    assert dx.shape == x.shape and dx.dtype == x.dtype
    assert np.count_nonzero(dx) == np.count_nonzero(dy)
    assert_same(maxout_in_numpy(np.where(dx == 0, -inf, dx), pieces, axis)[0].astype(x.dtype), dy)
    at = np.moveaxis(dx, axis, -1).reshape(-1, pieces) != 0
    assert np.array_equal(at.argmax(-1), np.moveaxis(which, axis, -1).reshape(-1))


def test_maxout_arguments() -> None:
    x = np.random.default_rng(0).normal(size=(4, 6))
    y, which = act.maxout(x, 3)
    out = (np.empty_like(y), np.empty_like(which))
    assert all(a is b for a, b in zip(act.maxout(x, 3, out=out), out, strict=True))
    assert np.array_equal(out[0], y) and np.array_equal(out[1], which)
    small = (np.empty(y.shape, np.float32), np.empty(y.shape, np.int64))
    assert np.array_equal(act.maxout(x, 3, out=small)[0], y.astype(np.float32))
    dx = np.empty_like(x)
    assert act.maxout.backward(y, which.astype(np.uint8), 3, out=dx) is dx
    assert np.array_equal(dx[dx != 0], y.ravel())
    assert act.maxout(np.arange(6, dtype=np.int8), 2)[0].dtype == np.float16
    assert act.maxout(x.tolist(), np.int8(6))[0].shape == (4, 1)
    assert act.maxout(np.empty((2, 0)), 3)[0].shape == (2, 0)
    # fmt: off
    cases: list[tuple[type[Exception], str, Callable[[], Any]]] = [
        (TypeError, "maxout: pieces must be an integer, got 2.0", lambda: act.maxout(x, 2.0)),
        (ValueError, "maxout: pieces must be at least 1, got 0", lambda: act.maxout(x, 0)),
        (ValueError, "axis 1 of x must have a multiple of 4 elements, got 6",
         lambda: act.maxout(x, 4)),
        (np.exceptions.AxisError, "axis 5 is out of bounds", lambda: act.maxout(x, 2, 5)),
        (TypeError, "out must be a tuple of two", lambda: act.maxout(x, 3, out=out[0])),
        (ValueError, r"out\[1\] must have the shape", lambda: act.maxout(x, 2, out=(x[:, :3], y))),
        (TypeError, r"out\[1\] of uint8 cannot take a result of int64",
         lambda: act.maxout(x, 3, out=(out[0], x[:, ::3].astype(np.uint8)))),
        (ValueError, "the two arrays of out overlap",
         lambda: act.maxout(x, 3, out=(out[0], out[0].view(np.int64)))),
        (TypeError, "x must hold real numbers", lambda: act.maxout(x + 1j, 3)),
        (ValueError, "x must have at least one dimension", lambda: act.maxout(1.0, 1)),
        (TypeError, "which must hold integers, got float64",
         lambda: act.maxout.backward(y, y, 3, out=dx)),
        (ValueError, "which must be from 0 to 1, got 2",
         lambda: act.maxout.backward(y, np.full(y.shape, 2), 2, out=dx[:, :4])),
        (ValueError, "which must be from 0 to 2, got -1",
         lambda: act.maxout.backward(y, which - which - 1, 3, out=dx)),
        (ValueError, "dy and which must have one shape",
         lambda: act.maxout.backward(y, which[:2], 3, out=dx)),
        (ValueError, r"out must have the shape \(4, 6\)",
         lambda: act.maxout.backward(y, which, 3, out=y)),
    ]
    # fmt: on
    dx[...] = 7
    for error, message, call in cases:
        with pytest.raises(error, match=message):
            call()
    assert np.all(dx == 7)
    assert np.array_equal(out[0], y)


def test_lookup_of_maxout() -> None:
    assert act.get("maxout") is act.maxout and act.maxout.kind == "groupwise"
    assert pickle.loads(pickle.dumps(act.maxout)) is act.maxout
    assert repr(act.maxout) == "<activation maxout(x, pieces, axis=-1, out=None)>"
