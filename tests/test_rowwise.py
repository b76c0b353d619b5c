"""Functions along an axis: accuracy at any length, rows without a limit, any axis, layout, mask."""

from __future__ import annotations

import doctest
import inspect
import pickle
import sys
from functools import partial
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcpuact as act
from fastcpuact.accuracy.balls import precision
from fastcpuact.accuracy.rows import ROWS
from fastcpuact.accuracy.ulp import ulp_error
from forms import DTYPES

LENGTHS = (1, 2, 3, 7, 8, 31, 32, 33, 130, 511, 1100)
SHARES = ("softmax", "softmin", "sparsemax", "entmax15")
ROW_TO_ROW = (*SHARES, "log_softmax")
ALL = (*ROW_TO_ROW, "logsumexp")
EVERY_DTYPE = (np.float16, *DTYPES)
BOUND = 4.0

pytestmark = pytest.mark.usefixtures("engine")
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_function = pytest.mark.parametrize("name", ALL)
row_to_row = pytest.mark.parametrize("name", ROW_TO_ROW)


def logits(shape: Any, dtype: Any, scale: float = 3.0, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(0, scale, shape).astype(dtype)


def exactly(name: str, x: Any, dtype: Any) -> Any:
    """Exact values of a row, as `ulp_error` takes them."""
    exact = ROWS[name].exactly(x)
    return exact if dtype is np.float64 else exact.astype(np.float64)


def run(name: str, x: Any, **kwargs: Any) -> Any:
    """The function of rows, with an axis also where it gives a number for each."""
    return act.get(name)(x, **kwargs, **({"keepdims": True} if name == "logsumexp" else {}))


def backward(name: str, dy: Any, saved: Any, **kwargs: Any) -> Any:
    return act.get(name).backward(dy, saved, **kwargs)


def saved_of(name: str, x: Any) -> Any:
    """What the gradient is computed from."""
    return x if name == "logsumexp" else run(name, x)


def upstream(name: str, shape: Any, dtype: Any, axis: int = -1) -> Any:
    dy = logits(shape, dtype, 1, seed=1)
    return np.take(dy, [0], axis) if name == "logsumexp" else dy


def bits(a: Any) -> Any:
    """Bits, of which only those of a NaN are promised by nobody."""
    a = np.where(np.isnan(a), a.dtype.type(nan), a)
    return a.view(f"u{a.itemsize}")


def assert_same(a: Any, b: Any) -> None:
    assert a.dtype == b.dtype and a.shape == b.shape
    assert np.array_equal(bits(np.asarray(a)), bits(np.asarray(b)))


# Accuracy.


@pytest.mark.parametrize("scale", [0.01, 0.3, 3.0, 40.0, 300.0])
@every_dtype
@every_function
def test_error_at_every_length(name: str, dtype: Any, scale: float) -> None:
    for n in LENGTHS:
        x = logits(n, dtype, scale, seed=n)
        result = run(name, x)
        assert result.dtype == dtype
        assert ulp_error(result, exactly(name, x, dtype)).max() <= BOUND, n


@pytest.mark.parametrize("shift", [-1e5, -20.0, 20.0, 1e5])
@every_dtype
@every_function
def test_error_far_from_zero(name: str, dtype: Any, shift: float) -> None:
    """The rounding of x - max is not lost."""
    for n in (2, 40, 300):
        x = (logits(n, np.float64, 5.0, seed=n) + shift).astype(dtype)
        assert ulp_error(run(name, x), exactly(name, x, dtype)).max() <= BOUND, n


@every_function
def test_error_in_float16(name: str) -> None:
    for scale in (0.1, 3.0, 40.0):
        for n in LENGTHS:
            x = logits(n, np.float16, scale, seed=n)
            result = run(name, x)
            assert result.dtype == np.float16
            exact = ROWS[name].exactly(x).astype(np.float64)
            # A sum of logarithms next to 0 has the digits of float32.
            error = np.minimum(ulp_error(result, exact), np.abs(result - exact) * 2.0**25)
            assert error.max() <= 0.51, (scale, n)


LONG = 10**6


def long_row(dtype: Any, kind: str) -> tuple[Any, Any, Any]:
    """A row of a million elements, its distinct values, and how often each occurs."""
    rng = np.random.default_rng(3)
    values, counts = {
        "normal": (rng.normal(0, 3, 300), rng.multinomial(LONG, np.full(300, 1 / 300))),
        # Equal summands, whose rounding errors are all of one sign.
        "equal": (np.array([0.1, -0.12345678]), [1, LONG - 1]),
        "flat": (rng.uniform(0, 1e-3, 100), np.full(100, LONG // 100)),
        "alone": (np.array([0.0, -30.0, -37.3]), [1, LONG // 2 - 1, LONG // 2]),
        # Terms that are subnormal in float32, and such as vanish even together.
        "tiny": (np.array([0.0, -100.0, -101.3]), [1, LONG // 2 - 1, LONG // 2]),
        "lost": (np.array([0.0, -120.0, -760.0]), [1, LONG // 2 - 1, LONG // 2]),
    }[kind]
    values = values.astype(dtype)
    row = rng.permutation(np.repeat(values, counts))
    return row, values, np.asarray(counts)


def exact_long(name: str, values: Any, counts: Any) -> Any:
    """The values of a long row at its distinct elements."""
    with precision(400):
        numbers = [arb(v) for v in values.astype(np.float64).tolist()]
        sign = -1 if name == "softmin" else 1
        total = sum(
            (int(n) * (sign * v).exp() for v, n in zip(numbers, counts, strict=True)), arb(0)
        )
        made = {
            "softmax": lambda: [v.exp() / total for v in numbers],
            "softmin": lambda: [(-v).exp() / total for v in numbers],
            "log_softmax": lambda: [v - total.log() for v in numbers],
            "logsumexp": lambda: [total.log()],
        }[name]()
    balls = np.empty(len(made), object)
    balls[:] = made
    return balls


@pytest.mark.parametrize("kind", ["normal", "equal", "flat", "alone", "tiny", "lost"])
@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax", "logsumexp"])
@every_dtype
def test_error_in_rows_of_a_million(name: str, dtype: Any, kind: str) -> None:
    row, values, counts = long_row(dtype, kind)
    exact = exact_long(name, values, counts)
    y = run(name, row)
    if name == "logsumexp":
        result = y
    else:
        result = np.array([y[row == v][0] for v in values])
        assert np.array_equal(np.unique(y).size, np.unique(result).size)
    exact = exact if dtype is np.float64 else exact.astype(np.float64)
    assert ulp_error(result, exact).max() <= BOUND


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
@every_dtype
def test_projections_of_rows_of_a_million(name: str, dtype: Any) -> None:
    """A row repeated k times has the projection of the row scaled, which the oracle can make."""
    values = np.random.default_rng(0).uniform(0, 2.0**-10, 2**10).astype(dtype)
    y = run(name, np.tile(values, 2**10))
    assert np.array_equal(y, np.tile(y[: 2**10], 2**10))
    # Σ (x/p - τ)^p = 1/k is Σ (c·x/p - c·τ)^p = 1 for c = k^(1/p).
    p = {"sparsemax": 1, "entmax15": 2}[name]
    exact = exactly(name, values * dtype(2.0 ** (10 / p)), dtype) * 2.0**-10
    assert ulp_error(y[: 2**10], exact).max() <= BOUND


@every_dtype
def test_log_softmax_keeps_its_digits_at_the_largest_element(dtype: Any) -> None:
    for gap in (1.0, 20.0, 50.0, 90.0, 300.0, 700.0):
        x = np.array([0.0, -gap, -gap - 1.25], dtype)
        y = act.log_softmax(x)
        assert ulp_error(y, exactly("log_softmax", x, dtype)).max() <= BOUND
        assert y[0] < 0 or gap > 100


@every_dtype
def test_logsumexp_about_zero(dtype: Any) -> None:
    for n in (2, 3, 10, 100):
        for seed in range(20):
            x = logits(n, np.float64, 1.0, seed)
            x = (x - np.log(np.exp(x).sum())).astype(dtype)
            exact = ROWS["logsumexp"].exactly(x)
            [error] = ulp_error(run("logsumexp", x), exactly("logsumexp", x, dtype))
            assert error <= BOUND or abs(float(exact[0] - float(act.logsumexp(x)))) < 2.0**-56
    for shift in np.linspace(-6, 1, 200):
        x = (logits(9, np.float64) + shift).astype(dtype)
        exact = exactly("logsumexp", x, dtype)
        if abs(float(exact[0])) > 2.0**-5:
            assert ulp_error(run("logsumexp", x), exact).max() <= BOUND


@every_dtype
def test_the_largest_and_smallest_floats(dtype: Any) -> None:
    info = np.finfo(dtype)
    least = info.smallest_subnormal
    x = np.array([[info.max, info.min], [info.max, info.max], [least, -least]], dtype)
    halves = np.array([[1, 0], [0.5, 0.5], [0.5, 0.5]], dtype)
    for name in ("softmax", "sparsemax", "entmax15"):
        assert np.array_equal(run(name, x), halves)
    assert np.array_equal(act.softmin(x)[0], [0, 1])
    assert np.array_equal(act.logsumexp(x), [info.max, info.max, dtype(np.log(2))])
    logs = dtype(-np.log(2.0))
    assert np.array_equal(act.log_softmax(x), [[0, -inf], [logs, logs], [logs, logs]])


# The sparse ones.

# fmt: off
TIES = [
    [1, 0], [2, 0], [0, 0, 0, 0, -1], [0] * 16 + [-0.5], [7, 7, 7, 7, 6], [1, 0, 0],
    [1, 1, 1, 1, 1],    [0, 0, -1.4142135623730951], [0, 0, -1.414213562373095], [0, 0, -1.4142135],
    [1, 1e-12], [1, 1e-30, 0.5], [0.5, 1e-20], [1 / 3, -2 / 3], [-0.25, -1.25, -0.75],
    [5, 5, 5, 4.7, 4.666666666666667], [1e30, 1e30, 0], [1e8, 1e8 - 4, 1e8 + 8], [1e-30, -1e-30, 0],
]
# fmt: on


@pytest.mark.parametrize("x", TIES, ids=str)
@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
@every_dtype
def test_support_and_digits_at_its_edge(name: str, dtype: Any, x: list[float]) -> None:
    row = np.array(x, dtype)
    exact = ROWS[name].exactly(row)
    y = run(name, row)
    assert np.array_equal(y > 0, np.array([bool(v > 0) for v in exact]))
    assert ulp_error(y, exactly(name, row, dtype)).max() <= BOUND


@settings(deadline=None, max_examples=200)
@given(
    x=st.lists(
        st.one_of(
            st.floats(-3, 3),
            st.integers(-16, 16).map(lambda k: k / 8),
            st.integers(-40, 0).map(lambda k: -(2.0**k)),
        ),
        min_size=1,
        max_size=40,
    ),
    name=st.sampled_from(["sparsemax", "entmax15"]),
    dtype=st.sampled_from(DTYPES),
)
def test_projections_of_any_row(x: list[float], name: str, dtype: Any) -> None:
    row = np.array(x, dtype)
    exact = ROWS[name].exactly(row)
    y = run(name, row)
    small = np.array([float(v) for v in exact]) < 2.0**-90
    assert np.array_equal((y > 0)[~small], np.ones(np.count_nonzero(~small), bool))
    assert np.all(y[small] < 2.0**-89)
    assert ulp_error(y[~small], exactly(name, row, dtype)[~small]).max(initial=0) <= BOUND


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_rows_that_take_many_steps(name: str) -> None:
    for ratio in (0.5, 0.9, 0.99, 0.999):
        x = np.concatenate([-(ratio ** np.arange(3000)), np.linspace(-1, -1 + 1e-9, 20)])
        assert ulp_error(run(name, x), exactly(name, x, np.float64)).max() <= BOUND


# Rows with infinities and NaN.

# fmt: off
LIMITS = [
    # x, softmax and the projections, logsumexp
    ([-inf, 0.0, -inf], [0.0, 1.0, 0.0], 0.0),
    ([inf, 0.0, -inf], [1.0, 0.0, 0.0], inf),
    ([inf, 0.0, inf], [nan, nan, nan], inf),
    ([-inf, -inf, -inf], [nan, nan, nan], -inf),
    ([nan, 0.0, 1.0], [nan, nan, nan], nan),
    ([nan, -inf, inf], [nan, nan, nan], nan),
    ([nan, -inf, -inf], [nan, nan, nan], nan),
]
# fmt: on


@every_dtype
@pytest.mark.parametrize(("x", "shares", "total"), LIMITS)
def test_rows_with_infinities_and_nan(x: Any, shares: Any, total: float, dtype: Any) -> None:
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
        row, expected = np.array(x, dtype)[order], np.array(shares)[order]
        for name in ("softmax", "sparsemax", "entmax15"):
            assert np.array_equal(run(name, row), expected, equal_nan=True), name
        assert np.array_equal(act.softmin(-row), expected, equal_nan=True)
        with np.errstate(divide="ignore"):
            assert np.array_equal(act.log_softmax(row), np.log(expected), equal_nan=True)
        assert np.array_equal(act.logsumexp(row), total, equal_nan=True)


@every_dtype
@row_to_row
def test_nan_spoils_its_row_alone_from_every_position(name: str, dtype: Any) -> None:
    for n in (1, 2, 3, 31, 32, 33, 64, 65, 130):
        x = logits((n + 1, n), dtype)
        clean = run(name, x)
        np.fill_diagonal(x, nan)  # one NaN in each row but the last
        result = run(name, x)
        assert np.isnan(result[:-1]).all()
        assert_same(result[-1], clean[-1])
        assert np.array_equal(np.isnan(act.logsumexp(x)), np.arange(n + 1) < n)


@every_dtype
@every_function
def test_gradients_pass_nan_on(name: str, dtype: Any) -> None:
    x = logits(40, dtype)
    saved = saved_of(name, x)
    dy = upstream(name, 40, dtype)
    for i in range(40):
        for spoil_dy in (True, False):
            spoilt = (dy if spoil_dy else saved).copy()
            spoilt[i % spoilt.size] = nan
            operands = (spoilt, saved) if spoil_dy else (dy, spoilt)
            result = backward(name, *operands)
            if name == "log_softmax" and not spoil_dy:
                assert np.isnan(result[i])
            else:
                assert np.isnan(result).all()


# Gradients.


def weight_of(name: str, saved: Any) -> Any:
    """What dy is multiplied by in the gradient."""
    y = saved.astype(np.float64)
    if name == "logsumexp":
        return np.zeros(y.shape)
    if name == "log_softmax":
        return np.ones(y.shape)
    return {"sparsemax": y > 0, "entmax15": np.sqrt(y)}.get(name, y)


@every_dtype
@every_function
def test_error_of_gradients_is_that_of_their_last_difference(name: str, dtype: Any) -> None:
    for n in LENGTHS:
        x = logits(n, dtype, seed=n)
        saved, dy = saved_of(name, x), upstream(name, n, dtype)
        exact = ROWS[name].backward_exactly(dy, saved)
        result = backward(name, dy, saved)
        assert result.dtype == dtype
        values = exact.astype(np.float64)
        # dx = weight·(dy - mean): the larger term is the scale of the error.
        weight = weight_of(name, saved)
        scale = np.maximum(np.abs(values), weight * np.abs(dy))
        scale = np.maximum(scale, np.abs(values - weight * dy))
        unit = np.spacing(scale.astype(dtype)).astype(np.float64)
        error = np.array([float(r - e) for r, e in zip(result.tolist(), exact, strict=True)])
        assert np.abs(error / unit).max() <= BOUND, n


def test_gradient_of_softmax_in_float32_keeps_its_digits() -> None:
    """Of dy - Σ y·dy too, whose two terms may be nearly equal: the sum has digits to spare."""
    for seed in range(20):
        y = act.softmax(logits(300, np.float32, 1.0, seed))
        dy = (1 + 1e-3 * logits(300, np.float64, 1.0, seed + 1)).astype(np.float32)
        exact = ROWS["softmax"].backward_exactly(dy, y).astype(np.float64)
        assert ulp_error(act.softmax.backward(dy, y), exact).max() <= 1.5


@every_dtype
def test_gradients_of_long_rows(dtype: Any) -> None:
    row, _, _ = long_row(dtype, "equal")
    y = act.softmax(row)
    dy = np.full(LONG, 1.1, dtype)
    dy[y == y.max()] = 0.3
    exact_sum = sum(
        int(c) * arb(float(v)) * arb(float(d))
        for c, v, d in (
            (1, y.max(), dy.min()),
            (LONG - 1, y.min(), dy.max()),
        )
    )
    dx = act.softmax.backward(dy, y)
    for at in (y.argmax(), y.argmin()):
        expected = float(arb(float(y[at])) * (arb(float(dy[at])) - exact_sum))
        scale = float(y[at]) * 1.1
        assert abs(float(dx[at]) - expected) <= 4 * float(np.finfo(dtype).eps) * scale


# The same bits anywhere.


def reversed_in_memory(a: Any) -> Any:
    flip = (slice(None, None, -1),) * a.ndim
    return a[flip].copy()[flip]


def spread(a: Any) -> Any:
    """Return a view of every third element of a larger array."""
    wide = np.zeros([3 * n for n in a.shape], a.dtype)
    view = wide[(slice(1, None, 3),) * a.ndim]
    view[...] = a
    return view


def unaligned(a: Any) -> Any:
    raw = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    raw[...] = a
    return raw


LAYOUTS = (np.ascontiguousarray, np.asfortranarray, reversed_in_memory, spread, unaligned)


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@every_function
def test_a_row_gives_the_same_bits_anywhere(name: str, dtype: Any) -> None:
    x = logits((5, 6, 37), dtype, seed=4)
    y = np.stack([[run(name, row.copy()) for row in plane] for plane in x])
    saved = x if name == "logsumexp" else y
    dy = upstream(name, x.shape, dtype)
    dx = np.stack(
        [
            [backward(name, *pair) for pair in zip(*planes, strict=True)]
            for planes in zip(dy, saved, strict=True)
        ]
    )
    for axis in (0, 1, 2, -1, -2, -3):
        for layout in LAYOUTS:
            moved_x, moved_dy, moved = (layout(np.moveaxis(a, -1, axis)) for a in (x, dy, saved))
            assert_same(np.moveaxis(run(name, moved_x, axis=axis), axis, -1), y)
            result = backward(name, moved_dy, moved, axis=axis)
            assert_same(np.moveaxis(result, axis, -1), dx)


# Rows and columns: as many as are worked on together, more, less, a few left over; short rows and
# long ones, and such whose columns do not fit into the buffers for them.
SHAPES = (
    (64, 5),
    (67, 24),
    (40, 32),
    (33, 33),
    (9, 7),
    (7, 9),
    (2, 35, 40),
    (3, 70, 6),
    (34, 3000),
)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@every_dtype
@every_function
def test_columns_have_the_bits_of_rows(name: str, dtype: Any, shape: tuple[int, ...]) -> None:
    if act.current_engine() != "compiled":
        pytest.skip("runs on single rows only")
    x = logits(shape, dtype, seed=5)
    special = [nan, inf, -inf, -0.0, 1e30, -1e30]
    x.reshape(-1)[3 : 3 + 11 * len(special) : 11] = special[: len(range(3, x.size, 11))]
    x[..., 1, :] = 2.0
    rows = x.reshape(-1, shape[-1])
    # One row at a time, there are no others to work on.
    y = np.stack([run(name, row) for row in rows]).reshape(*shape[:-1], -1)
    saved = x if name == "logsumexp" else y
    dy = upstream(name, shape, dtype)
    pairs = zip(dy.reshape(len(rows), -1), saved.reshape(len(rows), -1), strict=True)
    dx = np.stack([backward(name, *pair) for pair in pairs]).reshape(shape)
    for axis in range(len(shape)):
        for layout in (
            partial(np.array, order="C"),
            partial(np.array, order="F"),
            reversed_in_memory,
        ):
            moved_x, moved_dy, moved = (layout(np.moveaxis(a, -1, axis)) for a in (x, dy, saved))
            for threads in (1, 2):
                with act.num_threads(threads):
                    assert_same(np.moveaxis(run(name, moved_x, axis=axis), axis, -1), y)
                    result = backward(name, moved_dy, moved, axis=axis)
                    assert_same(np.moveaxis(result, axis, -1), dx)
            if name != "logsumexp":
                assert run(name, moved_x, axis=axis, out=moved_x) is moved_x
                assert_same(np.moveaxis(moved_x, axis, -1), y)
                backward(name, moved_dy, moved, axis=axis, out=moved_dy)
                assert_same(np.moveaxis(moved_dy, axis, -1), dx)


@every_function
def test_byte_order_and_broadcast_input(name: str) -> None:
    x = logits((3, 40), np.float32)
    y = run(name, x)
    assert_same(run(name, x.astype(">f4")), y)
    repeated = np.broadcast_to(x[0], (4, 40))
    assert_same(run(name, repeated), np.tile(y[0], (4, 1)))


@every_dtype
@every_function
def test_threads_do_not_change_bits(name: str, dtype: Any) -> None:
    x = logits((700, 300), dtype)
    dy = upstream(name, x.shape, dtype)
    with act.num_threads(1):
        y = run(name, x)
        saved = x if name == "logsumexp" else y
        dx = backward(name, dy, saved)
    with act.num_threads(3):
        assert_same(run(name, x), y)
        assert_same(backward(name, dy, saved), dx)
        assert_same(run(name, np.asfortranarray(x.T), axis=0).T, y)


# Masks.


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@every_function
def test_masked_out_counts_for_nothing(name: str, dtype: Any) -> None:
    x = logits((6, 50), dtype)
    mask = np.random.default_rng(1).random(x.shape) < 0.6
    mask[3] = False
    mask[4] = True
    x[5, ~mask[5]] = nan
    out = np.full_like(run(name, x), 7)
    result = run(name, x, where=mask)
    assert run(name, x, where=mask, out=out) is out
    assert_same(result, out)
    outside = -inf if name == "log_softmax" else 0.0
    for row, kept, y in zip(x, mask, result, strict=True):
        if name == "logsumexp":
            y = np.where(kept, y, outside)  # one number
        assert np.array_equal(y[~kept], np.full(np.count_nonzero(~kept), outside))
        if kept.any():
            alone = run(name, row[kept])
            error = np.abs(y[kept].astype(np.float64) - alone)
            unit = np.spacing(np.abs(alone)).astype(np.float64)
            assert (error <= 4 * unit).all()
    if name == "logsumexp":
        assert result[3] == -inf


@every_function
def test_masks_broadcast(name: str) -> None:
    x = logits((3, 4, 5), np.float64)
    for shape in ((5,), (4, 1), (3, 1, 5), (1, 1, 1), ()):
        mask = np.random.default_rng(2).random(shape) < 0.5
        whole = np.broadcast_to(mask, x.shape).copy()
        for axis in (0, 1, 2):
            assert_same(run(name, x, axis=axis, where=mask), run(name, x, axis=axis, where=whole))
    assert_same(run(name, x, where=np.True_), run(name, x))
    assert_same(run(name, x, where=[True] * 5), run(name, x))


def test_what_is_left_by_a_mask_may_have_no_limit() -> None:
    x = np.array([-inf, -inf, 1.0])
    mask = np.array([True, True, False])
    for name in ("softmax", "sparsemax", "entmax15"):
        assert np.array_equal(run(name, x, where=mask), [nan, nan, 0], equal_nan=True)
    assert np.array_equal(act.log_softmax(x, where=mask), [nan, nan, -inf], equal_nan=True)
    assert act.logsumexp(x, where=mask) == -inf


@every_dtype
def test_masked_gradient_of_logsumexp(dtype: Any) -> None:
    x = logits((3, 20), dtype)
    mask = x > 0
    mask[2] = False
    dy = np.array([1.0, 2.0, 3.0], dtype)
    dx = act.logsumexp.backward(dy, x, where=mask)
    assert np.array_equal(dx, act.logsumexp.backward(dy[:, None], x, where=mask))
    assert not dx[~mask].any()
    expected = dy[:, None] * act.softmax(x, where=mask)
    assert np.allclose(dx, expected, rtol=4 * np.finfo(dtype).eps, atol=0)


# Arguments.


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@every_function
def test_out(name: str, dtype: Any) -> None:
    x = logits((4, 50), dtype)
    y, saved, dy = run(name, x), saved_of(name, x), upstream(name, (4, 50), dtype)
    dx = backward(name, dy, saved)
    for out in (np.empty_like(y), np.zeros((8, 50), dtype)[::2, : y.shape[1]], unaligned(y)):
        out[...] = 7
        assert run(name, x, out=out) is out
        assert_same(out, y)
    assert run(name, x, out=(out,)) is out
    out = np.empty_like(x)
    assert backward(name, dy, saved, out=out) is out
    assert_same(out, dx)
    double = np.empty(y.shape, np.float64)
    assert run(name, x, out=double) is double
    assert_same(double, y.astype(np.float64))


@pytest.mark.parametrize("layout", LAYOUTS)
@every_dtype
@row_to_row
def test_in_place(name: str, dtype: Any, layout: Any) -> None:
    x = logits((7, 50), dtype)
    for axis in (0, 1):
        y = run(name, x, axis=axis)
        place = layout(x.copy())
        assert run(name, place, axis=axis, out=place) is place
        assert np.array_equal(place, y)
        dy = upstream(name, (7, 50), dtype)
        dx = backward(name, dy, y, axis=axis)
        for k in range(2):
            operands = [layout(dy.copy()), layout(y.copy())]
            backward(name, *operands, axis=axis, out=operands[k])
            assert np.array_equal(operands[k], dx)


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_overlap_gives_the_copied_result(data: Any) -> None:
    name = data.draw(st.sampled_from(ALL))
    memory = logits(1500, np.float32)
    rows, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 12))

    def view(length: int) -> Any:
        strides = data.draw(st.sampled_from([(48, 4), (52, 4), (4, 16), (400, -4), (-400, 8)]))
        base = memory[data.draw(st.integers(400, 700)) :]
        return np.lib.stride_tricks.as_strided(base, (rows, length), strides)

    x, out = view(n), view(1 if name == "logsumexp" else n)
    expected = run(name, x.copy())
    assert np.array_equal(run(name, x, out=out), expected)


@pytest.mark.parametrize(
    "dtype", [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64]
)
@every_function
def test_integers_promote_as_in_exp(name: str, dtype: Any) -> None:
    x = np.array([0, 1, 1, 0]).astype(dtype)
    floats = x.astype(np.exp(x).dtype)
    assert_same(run(name, x), run(name, floats))
    dy = upstream(name, 4, np.float32)
    result = backward(name, dy, x)
    assert result.dtype == np.result_type(np.float32, dtype)


@every_function
def test_lists_and_one_row(name: str) -> None:
    x = logits(7, np.float64)
    assert_same(run(name, x.tolist()), run(name, x))
    assert_same(run(name, x[None])[0], run(name, x))


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@row_to_row
def test_empty_arrays(name: str, dtype: Any) -> None:
    for shape in ((0,), (0, 3), (3, 0)):
        y = run(name, np.empty(shape, dtype))
        assert y.shape == shape and y.dtype == dtype
        assert backward(name, y, y).shape == shape


def test_logsumexp_of_nothing() -> None:
    assert act.logsumexp(np.empty(0)) == -inf
    assert np.array_equal(act.logsumexp(np.empty((3, 0), np.float32)), np.full(3, -inf))
    assert act.logsumexp(np.empty((0, 3))).shape == (0,)
    assert act.logsumexp(np.empty((2, 0)), keepdims=True).shape == (2, 1)
    assert act.logsumexp.backward(np.ones(3), np.empty((3, 0))).shape == (3, 0)


def test_shapes_of_logsumexp() -> None:
    x = logits((2, 3, 4), np.float32)
    for axis, shape in ((0, (3, 4)), (1, (2, 4)), (-1, (2, 3))):
        y = act.logsumexp(x, axis)
        assert y.shape == shape
        kept = act.logsumexp(x, axis, keepdims=True)
        assert_same(kept, np.expand_dims(y, axis))
        out = np.empty(shape, np.float32)
        assert act.logsumexp(x, axis, out=out) is out
        assert_same(out, y)
        assert_same(act.logsumexp.backward(y, x, axis), act.logsumexp.backward(kept, x, axis))
    one = act.logsumexp(x[0, 0])
    assert isinstance(one, np.float32)
    out = np.empty((), np.float32)
    assert act.logsumexp(x[0, 0], out=out) is out
    assert out == one
    assert act.logsumexp.backward(1.0, x[0, 0].astype(np.float64)).shape == (4,)


@every_function
def test_bad_arguments_are_named_before_anything_is_written(name: str) -> None:
    x = logits((2, 3), np.float32)
    f = act.get(name)
    saved = saved_of(name, x)
    dy = upstream(name, x.shape, np.float32)
    out = np.full_like(run(name, x), 7)
    dx = np.full_like(x, 7)
    # fmt: off
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (TypeError, "x must hold real numbers.*complex64", {"x": x + 1j}),
        (TypeError, "x must hold real numbers.*longdouble|x must hold.*float128",
         {"x": x.astype(np.longdouble)}),
        (TypeError, "x must hold real numbers", {"x": np.array(["a", "b"])}),
        (TypeError, "x must hold real numbers.*object", {"x": np.array([None])}),
        (TypeError, "x is a masked array", {"x": np.ma.masked_less(x, 0)}),
        (ValueError, "x must have at least one dimension", {"x": 1.0}),
        (TypeError, "axis must be an integer, got None", {"axis": None}),
        (TypeError, "axis must be an integer, got 1.0", {"axis": 1.0}),
        (np.exceptions.AxisError, "axis 2 is out of bounds", {"axis": 2}),
        (np.exceptions.AxisError, "axis -3 is out of bounds", {"axis": -3}),
        (TypeError, "out must be an ndarray, got list", {"out": [1.0]}),
        (ValueError, r"out must have the shape .*, got \(5,\)", {"out": np.empty(5)}),
        (TypeError, "out of int64 cannot take", {"out": np.zeros(out.shape, np.int64)}),
        (TypeError, "where must hold booleans, got int64", {"where": np.ones(3, np.int64)}),
        (ValueError, r"where of shape \(4,\) does not broadcast", {"where": np.ones(4, bool)}),
    ]
    # fmt: on
    for error, message, changed in cases:
        given = {"x": x, "out": out, **changed}
        with pytest.raises(error, match=rf"{name}.*{message}|{message}"):
            run(name, given.pop("x"), **given)
    assert np.all(out == 7)
    out.flags.writeable = False
    with pytest.raises(ValueError, match=f"{name}: out is read-only"):
        run(name, x, out=out)
    operand = "x" if name == "logsumexp" else "y"
    cases = [
        (TypeError, "dy must hold real numbers", {"dy": dy + 1j}),
        (TypeError, f"{operand} must hold real numbers", {operand: saved + 1j}),
        (ValueError, "dy.*shape", {"dy": np.ones(5)}),
        (np.exceptions.AxisError, "out of bounds", {"axis": 2}),
        (ValueError, "out must have the shape", {"out": np.empty(5)}),
        (ValueError, f"{operand} must have at least one dimension", {operand: 1.0}),
    ]
    for error, message, changed in cases:
        given = {"dy": dy, operand: saved, "out": dx, **changed}
        with pytest.raises(error, match=message):
            f.backward(given.pop("dy"), given.pop(operand), **given)
    assert np.all(dx == 7)


def test_no_warning_is_raised() -> None:
    info = np.finfo(np.float32)
    values = [0, -0.0, 1, -1, 88, -104, info.max, info.min, info.tiny, 1e-45, inf, -inf, nan]
    rows = np.array(np.meshgrid(values, values, [0.0, inf])).reshape(3, -1).T.copy()
    with np.errstate(all="raise"):
        for dtype in DTYPES:
            with np.errstate(all="ignore"):
                x = rows.astype(dtype)
            for name in ALL:
                y = run(name, x)
                backward(name, y, x if name == "logsumexp" else y)
        half = np.array([[1e-7, -5.0, 3.0], [65504, 65504, 0], [-17, 0, -9]], np.float16)
        for name in ALL:
            run(name, half)


# The calls.


@every_function
@every_dtype
@pytest.mark.parametrize("shape", [(5,), (3, 7), (20, 4), (2, 3, 4), (1, 6), (4, 1)])
def test_every_way_to_pass_arguments(name: str, dtype: Any, shape: tuple[int, ...]) -> None:
    f, x = act.get(name), logits(shape, dtype)
    swapped = np.dtype(dtype).newbyteorder()  # what no short way takes
    axis_name, out_name = "".join(["ax", "is"]), "".join(["o", "ut"])  # not the interned words
    for axis in range(len(shape)):
        y = np.array(f(x.astype(swapped), axis=axis))
        for result in (
            f(x, axis),
            f(x, axis - len(shape)),
            f(x, np.int64(axis)),
            f(x, axis, None),
            f(x, axis, None, True),
            f(x, where=True, axis=axis),
            f(x=x, axis=axis),
            f(x, **{axis_name: axis, out_name: None}),
            f(x, axis, np.empty_like(y)),
            f(x, axis, out=(np.empty_like(y),)),
            f(x, axis, where=np.ones(shape, bool)),
        ):
            assert np.shape(result) == y.shape
            np.testing.assert_array_equal(result, y, strict=True)
        saved = x if name == "logsumexp" else y
        dy = logits(y.shape, dtype, seed=1)
        kept = np.expand_dims(dy, axis) if name == "logsumexp" else dy
        gradient = f.backward(kept.astype(swapped), saved, axis=axis)
        for result in (
            f.backward(dy, saved, axis),
            f.backward(dy, saved, axis=axis, out=np.empty_like(saved)),
            f.backward(kept, saved, axis, None),
            f.backward(kept.tolist() if dtype is np.float64 else kept, saved, axis - len(shape)),
            f.backward(dy[()], saved, axis),
        ):
            np.testing.assert_array_equal(result, gradient, strict=True)


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
def test_numbers_as_gradients_of_logsumexp_are_weak(dtype: Any) -> None:
    x = logits(7, dtype)
    expected = act.logsumexp.backward(dtype(2), x)
    assert expected.dtype == dtype
    for dy in (2, 2.0):
        np.testing.assert_array_equal(act.logsumexp.backward(dy, x), expected, strict=True)
        np.testing.assert_array_equal(
            act.logsumexp.backward(dy, x, out=np.empty_like(x)), expected, strict=True
        )
    wide = act.logsumexp.backward(np.float64(2), x)
    assert wide.dtype == np.float64


@every_function
def test_what_is_wrong_with_a_call(name: str) -> None:
    f, x = act.get(name), logits(6, np.float32)
    for call in (f, partial(f.backward, x[0] if name == "logsumexp" else x)):
        for args, kwargs in (
            ((), {}),
            ((x, -1), {"axis": -1}),
            ((x,), {"axes": -1}),
            ((x, -1, None, True, False, 0), {}),
            ((x, 0.0), {}),
            ((x, None), {}),
            ((x, "0"), {}),
        ):
            with pytest.raises(TypeError):
                call(*args, **kwargs)
        for axis in (1, -2, 2**31, 2**32, -(2**32) - 1):
            with pytest.raises(np.exceptions.AxisError):
                call(x, axis)
        with pytest.raises((OverflowError, np.exceptions.AxisError)):
            call(x, 2**70)


@every_function
@every_dtype
def test_calls_keep_nothing(name: str, dtype: Any) -> None:
    f = act.get(name)
    for shape in ((5,), (3, 50), (40, 6), (6, 40)):
        for axis in range(len(shape)):
            x = logits(shape, dtype)
            saved = saved_of(name, x) if axis == len(shape) - 1 else x
            out, dx = np.empty_like(f(x, axis)), np.empty_like(x)
            dy = np.array(out) if name == "logsumexp" else saved
            before = [sys.getrefcount(array) for array in (x, saved, out, dx, dy)]
            for _ in range(20):
                f(x, axis, out)
                f(x, axis)
                f.backward(dy, saved, axis, dx)
                f.backward(dy, saved, axis, out=dx)
            assert [sys.getrefcount(array) for array in (x, saved, out, dx, dy)] == before


# The objects.


@every_function
def test_lookup_pickle_and_documentation(name: str) -> None:
    f = act.get(name)
    assert f is getattr(act, name) and f.name == name and f.kind == "rowwise"
    assert name in act.names("rowwise") and name not in act.names()
    assert pickle.loads(pickle.dumps(f)) is f
    assert pickle.loads(pickle.dumps(f.backward)) is f.backward
    saved = "x, axis=-1, out=None, where=True" if name == "logsumexp" else "y, axis=-1, out=None"
    assert repr(f.backward) == f"<activation {name}.backward(dy, {saved})>"
    assert str(inspect.signature(f)).startswith("(x: 'Any', axis: 'int' = -1, out: ")
    assert repr(f).startswith(f"<activation {name}(x, axis=-1, out=None, where=True")
    assert "\nNotes\n-----\n" in f.__doc__
    for form in (f, f.backward):
        text = form.__doc__
        for section in ("Parameters", "Returns", "Raises", "Examples"):
            assert f"\n{section}\n{'-' * len(section)}\n" in text
        for argument in inspect.signature(form).parameters:
            assert f"\n{argument} : " in text
        assert max(map(len, text.splitlines())) <= 100
        examples = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
        assert doctest.DocTestRunner().run(examples) == (0, len(examples.examples))
