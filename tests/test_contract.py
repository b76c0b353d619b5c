"""The NumPy contract: every form behaves as a genuine ufunc does, on either path."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastcpuact as act
from conftest import require
from fastcpuact import engines
from forms import ONE_OF_EACH_KIND, Supplied, form_of, forms_on


@pytest.fixture(autouse=True)
def default_engine(request):
    """Whatever engine the tests before this one, which asks for none, ran on."""
    if "engine" in request.fixturenames:
        yield
    else:
        with act.engine("compiled" if engines.COMPILED else "numba"):
            yield


CASES = [(engine, *case) for engine in engines.ENGINES for case in forms_on(engine)]
DTYPES = (np.float16, np.float32, np.float64)


def operands_of(form, x: np.ndarray) -> tuple[np.ndarray, ...]:
    return (np.cos(x).astype(x.dtype), x) if "dy" in form.form.operands else (x,)


def as_tuple(result) -> tuple:
    return result if isinstance(result, tuple) else (result,)


def bits(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    return array.view(f"u{array.itemsize}")


def assert_same_bits(a, b) -> None:
    for left, right in zip(as_tuple(a), as_tuple(b), strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(bits(left), bits(right))


def sample(n: int, dtype=np.float64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=4, size=n).astype(dtype)


@pytest.fixture(params=CASES, ids=lambda case: ".".join(case))
def form(request):
    engine, *case = request.param
    require(engine)
    with act.engine(engine):
        yield Supplied(form_of(*case))


@pytest.mark.parametrize("dtype", DTYPES)
def test_short_way_and_ufunc_agree(form, dtype):
    operands = operands_of(form, sample(1000, dtype))
    assert_same_bits(form(*operands), form.ufunc(*operands, *form.params.values()))


@pytest.mark.parametrize("dtype", DTYPES)
def test_results_do_not_depend_on_stride_position_or_length(form, dtype):
    x = sample(130, dtype)
    whole = as_tuple(form(*operands_of(form, x)))
    for step in (1, 2, 3, -1, -2):
        assert_same_bits(
            form(*(a[::step] for a in operands_of(form, x))), tuple(r[::step] for r in whole)
        )
    for start in range(0, 40, 7):
        for length in (1, 2, 15, 16, 17, 33, 90):
            part = slice(start, start + length)
            expected = tuple(r[part] for r in whole)
            assert_same_bits(form(*(a[part] for a in operands_of(form, x))), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ("relu", "leaky_relu", "gelu"))
def test_columns_of_one_table(name, dtype, engine):
    """Blocks of strided, contiguous and repeated operands in one call, side by side in memory."""
    form = act.activations[name].backward
    table = np.empty((1100, 3), dtype)
    table[:, :2] = sample(2200, dtype).reshape(1100, 2)
    dy, x, out = table.T
    expected = form(dy.copy(), x.copy())
    assert_same_bits(form(dy, x, out=out), expected)
    assert_same_bits(form(dy, x.copy(), out=out), expected)
    assert_same_bits(form(dy, x, out=np.empty_like(expected)), expected)
    one = np.broadcast_to(dy[:1], dy.shape)
    assert_same_bits(form(one, x, out=out), form(one.copy(), x.copy()))
    assert_same_bits(form(dy, x, out=x), expected)
    assert_same_bits(table[:, 0], dy)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_strided_operands_larger_than_the_cache(dtype):
    require("compiled")
    n = 2_100_000 if dtype == "float32" else 1_050_000
    memory = sample(4 * n, dtype)
    others = memory[1::2].copy()
    dy, x = memory[: 2 * n : 2], memory[2 * n :: 2]
    expected = act.softplus.backward(dy.copy(), x.copy())
    with act.engine("compiled"):
        assert_same_bits(act.softplus.backward(dy, x, out=x), expected)
    assert_same_bits(memory[1::2], others)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_results_at_any_place_in_memory(form, dtype):
    operands = operands_of(form, sample(4000, dtype))
    n = len(operands[0]) - 16
    whole = as_tuple(form(*operands))
    for start in (0, 1, 5, 15):
        memory = [np.full(n + 32, 7.0, dtype) for _ in whole]
        outs = tuple(m[start : start + n] for m in memory)
        form(*(a[start : start + n] for a in operands), out=outs if len(outs) > 1 else outs[0])
        assert_same_bits(outs, tuple(r[start : start + n] for r in whole))
        assert all(np.all(m[:start] == 7) and np.all(m[start + n :] == 7) for m in memory)


def test_unaligned_and_byte_swapped(form):
    x = sample(33)
    operands = operands_of(form, x)
    expected = form(*operands)
    raw = np.zeros(x.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(np.float64)
    unaligned[:] = x
    assert not unaligned.flags.aligned
    assert_same_bits(form(*operands[:-1], unaligned), expected)
    swapped = x.astype(x.dtype.newbyteorder())
    for got, wanted in zip(
        as_tuple(form(*operands[:-1], swapped)), as_tuple(expected), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_scalars_empty_and_zero_dimensions(form):
    for x in (1.5, np.float32(1.5), np.array(1.5), np.array(1.5, np.float32)):
        dtype = np.asarray(x).dtype
        for result in as_tuple(form(*(x,) * len(form.form.operands))):
            assert isinstance(result, np.generic) and result.dtype == dtype
    for shape in ((0,), (3, 0), (0, 2, 1)):
        x = np.empty(shape, np.float32)
        for result in as_tuple(form(*operands_of(form, x))):
            assert result.shape == shape and result.dtype == np.float32


def test_broadcasting_and_memory_order(form):
    x = sample(24).reshape(4, 6)
    if len(form.form.operands) == 2:
        row = np.linspace(-1, 1, 6)
        assert_same_bits(form(row, x), form(np.broadcast_to(row, x.shape).copy(), x))
    expected = as_tuple(form(*operands_of(form, x)))
    fortran = tuple(np.asfortranarray(a) for a in operands_of(form, x))
    for got, wanted in zip(as_tuple(form(*fortran)), expected, strict=True):
        assert got.flags.f_contiguous
        np.testing.assert_array_equal(got, wanted)
    for got in as_tuple(form(*fortran, order="C")):
        assert got.flags.c_contiguous


def outs(form, like: np.ndarray):
    made = tuple(np.full_like(like, 7) for _ in form.form.results)
    return made if len(made) > 1 else made[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_out(form, dtype):
    operands = operands_of(form, sample(600, dtype))
    expected = form(*operands)
    for out in (outs(form, operands[0]), outs(form, operands[0][::2].repeat(2)[::1])):
        result = form(*operands, out=out)
        assert result is out or all(a is b for a, b in zip(result, out, strict=True))
        assert_same_bits(result, expected)
    assert_same_bits(
        form(*operands, out=None if len(form.form.results) == 1 else (None, None)), expected
    )
    wide = np.zeros((2, 600), dtype)
    strided = tuple(wide.T[:, k] for k in range(len(form.form.results)))
    form(*operands, out=strided)
    assert_same_bits(strided, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", (1, 7, 512, 513, 5000))
def test_in_place(form, dtype, n):
    operands = operands_of(form, sample(n, dtype))
    expected = form(*operands)
    for k in range(len(operands)):
        copies = [a.copy() for a in operands]
        others = outs(form, operands[0])
        out = copies[k] if len(form.form.results) == 1 else (copies[k], others[1])
        assert_same_bits(form(*copies, out=out), expected)


@settings(deadline=None, max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("case", forms_on("compiled"), ids=".".join)
def test_overlap_gives_the_copied_result(case, data):
    form = Supplied(form_of(*case))
    memory = sample(400, seed=1)
    n = data.draw(st.integers(1, 60))

    def view(array):
        step = data.draw(st.sampled_from((-3, -2, -1, 1, 2, 3)))
        start = data.draw(st.integers(0, 200))
        return array[start : start + 3 * n][::step][:n]

    operands = tuple(view(memory) for _ in form.form.operands)
    expected = form(*(a.copy() for a in operands))
    out = tuple(view(memory) for _ in form.form.results)
    if len(out) == 2 and np.shares_memory(*out):
        out = (out[0], np.empty(n))
    form(*operands, out=out if len(out) > 1 else out[0])
    assert_same_bits(out, expected)


def test_where_leaves_the_rest_alone(form):
    operands = operands_of(form, sample(50))
    mask = operands[-1] > 0
    expected = as_tuple(form(*operands))
    out = outs(form, operands[0])
    for got, wanted in zip(as_tuple(form(*operands, out=out, where=mask)), expected, strict=True):
        np.testing.assert_array_equal(got[mask], wanted[mask])
        assert np.all(got[~mask] == 7)


def test_dtype_and_casting(form):
    x = sample(20, np.float32)
    operands = operands_of(form, x)
    for result in as_tuple(form(*operands, dtype=np.float64)):
        assert result.dtype == np.float64
    with pytest.raises(TypeError):
        form(*(a.astype(np.float64) for a in operands), dtype=np.float32, casting="safe")
    out = outs(form, operands[0].astype(np.float64))
    for result in as_tuple(form(*operands, out=out)):
        assert result.dtype == np.float64
    with pytest.raises(TypeError):
        form(*operands, out=outs(form, np.zeros(20, np.int32)))


@pytest.mark.parametrize(
    "dtype", (np.bool_, np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64)
)
def test_integers_are_promoted(form, dtype):
    x = np.array([0, 1, 1, 0]).astype(dtype)
    for result in as_tuple(form(*(x,) * len(form.form.operands))):
        assert result.dtype == np.exp(x).dtype


@pytest.mark.parametrize("dtype", (np.bool_, np.int8, np.int16, np.int32))
def test_integers_with_parameters_have_the_value_of_floats(dtype, engine):
    x = np.array([1, 0, 1] if dtype is np.bool_ else [-100, 0, 7], dtype)
    real = x.astype(np.exp(x).dtype)
    for f in (act.leaky_relu, act.softplus):
        for parameters in ((), (0.3,), (1e4,)):
            assert_same_bits(f(x, *parameters), f(real, *parameters))
        assert_same_bits(f(x, dtype=np.float64), f(x.astype(np.float64)))
        dy = np.array([1.0, 2.0, 3.0])
        assert_same_bits(f.backward(dy, x), f.backward(dy, x.astype(np.float64)))


def test_reduce_and_accumulate(engine):
    x = sample(600)
    for ufunc in (act.leaky_relu.ufunc, act.tanh.backward.ufunc):
        expected = [x[0]]
        for value in x[1:]:
            expected.append(ufunc(expected[-1], value))
        np.testing.assert_array_equal(ufunc.accumulate(x), expected)
        assert ufunc.reduce(x) == expected[-1]
        np.testing.assert_array_equal(ufunc.reduce(x.reshape(3, 200), axis=1)[0], expected[199])
        np.testing.assert_array_equal(ufunc.reduceat(x, [0, 200])[0], expected[199])


@pytest.mark.parametrize("shift", (-3, -1, 1, 3))
def test_shifted_output_gives_the_copied_result(form, shift):
    memory = sample(1300)
    x, out = (memory[3:-3], memory[3 + shift : len(memory) - 3 + shift])
    operands = operands_of(form, x.copy())
    expected = as_tuple(form(*operands))
    outputs = (out, *(np.empty_like(x) for _ in expected[1:]))
    form(*operands[:-1], x, out=outputs)
    assert_same_bits(outputs, expected)


@pytest.mark.parametrize(
    "bad", (np.ones(3, complex), np.array(["a"]), np.array([None]), "x", object())
)
def test_refused_dtypes(form, bad):
    with pytest.raises(TypeError):
        form(*(bad,) * len(form.form.operands))


def test_bad_calls(form):
    x = np.ones(3)
    operands = operands_of(form, x)
    with pytest.raises(TypeError, match="missing operand"):
        form()
    with pytest.raises(TypeError):
        form(*operands, nonsense=1)
    with pytest.raises(TypeError):
        form(*operands, out="x")
    with pytest.raises(ValueError):
        form(*operands, out=outs(form, np.zeros(4)))
    if len(operands) == 2:
        with pytest.raises(ValueError):
            form(np.ones(4), x)


def test_read_only(form):
    x = sample(9)
    x.flags.writeable = False
    form(*operands_of(form, x))
    made = as_tuple(outs(form, x.copy()))
    made[0].flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        form(*operands_of(form, x), out=made if len(made) > 1 else made[0])
    assert np.all(made[0] == 7)


class Recorder(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return ufunc, method


def test_subclasses_through_array_ufunc(form):
    x = sample(5).view(Recorder)
    ufunc, method = form(*operands_of(form, sample(5))[:-1], x)
    assert ufunc is form.ufunc and method == "__call__"


def test_masked_arrays_keep_their_mask(form):
    x = np.ma.masked_less(np.array([-1.0, 0.5, 2.0]), 0)
    for result in as_tuple(form(*operands_of(form, x))):
        assert isinstance(result, np.ma.MaskedArray)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_warning_is_raised(form, dtype):
    info = np.finfo(dtype)
    values = [0.0, -0.0, 1.0, -1.0, 30.0, -30.0, -90.0, -104.0, -746.0, info.max, info.min]
    values += [info.tiny, -info.tiny, info.smallest_subnormal, np.inf, -np.inf, np.nan]
    with np.errstate(all="raise"):
        for value in values:
            for n in (1, 33):
                x = np.full(n, value, dtype)
                form(*operands_of(form, np.ones(n, dtype))[:-1], x)
                form.ufunc(*operands_of(form, np.ones(n, dtype))[:-1], x, *form.params.values())
                form(*operands_of(form, np.ones(2 * n, dtype))[:-1], x.repeat(2)[::1])


def test_flags_of_the_caller_stay_raised(form):
    one = np.ones(3)
    with np.errstate(all="ignore"):
        np.exp(np.array([1000.0]))
    form(*operands_of(form, one))


def test_ufunc_is_genuine(form):
    assert type(form.ufunc) is np.ufunc
    assert form.ufunc.nin == len(form.form.operands) + len(form.record.params)
    assert form.ufunc.nout == len(form.form.results)


def test_pickle_and_repr(form):
    assert pickle.loads(pickle.dumps(form.bare)) is form.bare
    assert form.__name__ in repr(form.bare)
    assert next(iter(inspect.signature(form.bare).parameters)) == form.form.operands[0]


WITH_PARAMS = [name for name in act.names() if len(act.activations[name].params) == 1]


@pytest.mark.parametrize("name", WITH_PARAMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_parameters(name, dtype, engine):
    if engine == "numba" and name not in ONE_OF_EACH_KIND:
        pytest.skip("one of each kind is enough for the path of the data")
    f = act.activations[name]
    x = sample(700, dtype)
    (param, default), *_ = f.params.items()
    assert_same_bits(f(x), f(x, default))
    other = 0.25
    expected = f(x, np.full(x.shape, other, dtype))
    for result in (f(x, other), f(x, **{param: other}), f(x, dtype(other)), f.ufunc(x, other)):
        assert_same_bits(result, expected)
    assert_same_bits(f(x, 2), f(x, 2.0))
    out = np.empty_like(x)
    assert f(x, other, out=out) is out
    assert_same_bits(out, expected)
    column = np.array([[0.5], [2.0]], dtype)
    assert f(x, column).shape == (2, 700)
    assert_same_bits(f(x, column)[1], f(x, 2.0))
    assert_same_bits(f.backward(x, x, other), f.backward(x, x, **{param: other}))


FORMS_WITH_PARAMS = [case for case in forms_on("compiled") if act.activations[case[0]].params]


@pytest.mark.parametrize("case", FORMS_WITH_PARAMS, ids=".".join)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_and_arrays_as_parameters_give_the_same_bits(case, dtype):
    """There is a loop for either, and a mixture goes through buffers."""
    require("compiled")
    ufunc = form_of(*case).ufunc
    nparams = len(act.activations[case[0]].params)
    for n, step in ((1, 1), (2, 1), (37, -1), (513, 2), (1400, 1)):
        operands = [sample(n * abs(step), dtype, k)[::step] for k in range(ufunc.nin - nparams)]
        numbers = [dtype(0.3 * (k + 1)) for k in range(nparams)]
        arrays = [np.full(n, number) for number in numbers]
        expected = ufunc(*operands, *arrays)
        assert_same_bits(ufunc(*operands, *numbers), expected)
        assert_same_bits(ufunc(*operands, *arrays[:-1], numbers[-1]), expected)
        assert_same_bits(ufunc(*operands, numbers[0], *arrays[1:]), expected)


@pytest.mark.parametrize("case", FORMS_WITH_PARAMS, ids=".".join)
def test_parameter_in_the_output(case):
    require("compiled")
    ufunc = form_of(*case).ufunc
    nparams = len(act.activations[case[0]].params)
    operands = [sample(1000, seed=k) for k in range(ufunc.nin - nparams)]
    out = np.full(1000, 0.7)
    others = [np.empty(1000) for _ in range(ufunc.nout - 1)]
    expected = ufunc(*operands, *[0.7] * nparams)
    result = ufunc(*operands, *[out[500]] * (nparams - 1), out[500:501], out=(out, *others))
    assert_same_bits(result, expected)


@pytest.mark.parametrize("name", WITH_PARAMS)
def test_parameter_errors(name):
    f = act.activations[name]
    (param, _), *_ = f.params.items()
    with pytest.raises(TypeError, match="multiple values"):
        f(np.ones(2), 0.5, **{param: 0.5})
    with pytest.raises(TypeError):
        f(np.ones(2), None)
    with pytest.raises(TypeError):
        f(np.ones(2), "x")
    with pytest.raises(TypeError):
        f(np.ones(2), **{param: None})
    with pytest.raises(ValueError):
        f(np.ones(2), np.ones(3))


@settings(deadline=None, max_examples=40)
@given(
    x=hnp.arrays(
        st.sampled_from([np.dtype(char) for char in ("f2", "f4", "f8", ">f4", ">f2")]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
        elements=st.floats(width=16),
    ),
    axes=st.randoms(),
)
@pytest.mark.parametrize("name", act.names())
def test_any_shape_and_order(name, x, axes):
    f = Supplied(act.activations[name])
    order = list(range(x.ndim))
    axes.shuffle(order)
    moved = x.transpose(order)
    flat = np.ascontiguousarray(moved).astype(x.dtype.newbyteorder("=")).reshape(-1)
    np.testing.assert_array_equal(np.asarray(f(moved)).reshape(-1), f(flat))


def test_lookup():
    assert act.get("expit") is act.sigmoid
    assert set(act.activations) == set(act.names())
    with pytest.raises(ValueError, match="did you mean gelu"):
        act.get("gelo")
    with pytest.raises(TypeError, match="int"):
        act.get(3)


def test_kinds():
    assert act.get("softmax") is act.softmax and act.get("rrelu") is act.rrelu
    assert all(act.get(name).kind == "elementwise" for name in act.names())
    with pytest.raises(ValueError, match="'softmax' is rowwise, not elementwise"):
        act.get("softmax", "elementwise")
    with pytest.raises(ValueError, match="did you mean log_softmax"):
        act.get("log_softmaxx")
    with pytest.raises(ValueError, match=r"kind must be one of elementwise, .*, got 'bitwise'"):
        act.names("bitwise")


def test_uninitialised_form_is_an_error():
    with pytest.raises(AttributeError):
        act.Form.__new__(act.Form)(np.ones(3))


def test_unknown_engine():
    with pytest.raises(ValueError, match="compiled, numba"):
        act.use_engine("fortran")
