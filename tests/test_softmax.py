"""Softmax: accuracy at any length, rows without a limit, any axis and layout, and its gradient."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact.accuracy import rows
from fastcpuact.accuracy.ulp import ulp_error
from forms import DTYPES

LENGTHS = (1, 2, 3, 7, 8, 31, 32, 33, 130, 511, 1100)
BOUNDS = {np.float32: 4.0, np.float64: 4.0}

pytestmark = pytest.mark.usefixtures("engine")
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def logits(shape: Any, dtype: Any, scale: float = 3.0) -> Any:
    return np.random.default_rng(0).normal(0, scale, shape).astype(dtype)


@pytest.mark.parametrize("scale", [0.1, 3.0, 40.0, 300.0])
@every_dtype
def test_error_is_small_at_every_length(dtype: Any, scale: float) -> None:
    for n in LENGTHS:
        x = logits(n, dtype, scale)
        exact = rows.ROWS["softmax"].exactly(x) if dtype is np.float64 else rows.softmax(x)
        result = act.softmax(x)
        assert result.dtype == dtype
        assert ulp_error(result, exact).max() <= BOUNDS[dtype], n


@every_dtype
def test_the_largest_and_smallest_floats(dtype: Any) -> None:
    info = np.finfo(dtype)
    least = info.smallest_subnormal
    x = np.array([[info.max, info.min], [info.max, info.max], [least, -least]], dtype)
    expected = np.array([[1, 0], [0.5, 0.5], [0.5, 0.5]])
    assert np.array_equal(act.softmax(x), expected)


# fmt: off
ROWS = [
    # x, softmax(x)
    ([-inf, 0.0, -inf], [0.0, 1.0, 0.0]),
    ([inf, 0.0, -inf], [1.0, 0.0, 0.0]),
    ([inf, 0.0, inf], [nan, nan, nan]),
    ([-inf, -inf, -inf], [nan, nan, nan]),
    ([nan, 0.0, 1.0], [nan, nan, nan]),
    ([nan, -inf, inf], [nan, nan, nan]),
]
# fmt: on


@every_dtype
@pytest.mark.parametrize(("x", "expected"), ROWS)
def test_rows_with_infinities_and_nan(x: list[float], expected: list[float], dtype: Any) -> None:
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
        row = np.array(x, dtype)[order]
        assert np.array_equal(act.softmax(row), np.array(expected)[order], equal_nan=True)


@every_dtype
def test_nan_spoils_its_row_alone_from_every_position(dtype: Any) -> None:
    for n in range(1, 131):
        x = logits((n + 1, n), dtype)
        clean = act.softmax(x)
        np.fill_diagonal(x, nan)  # one NaN in each row but the last
        result = act.softmax(x)
        assert np.isnan(result[:-1]).all()
        assert np.array_equal(result[-1], clean[-1])


@every_dtype
def test_a_row_gives_the_same_bits_anywhere(dtype: Any) -> None:
    x = logits((5, 6, 37), dtype)
    dy = logits((5, 6, 37), dtype, scale=1)
    y = np.stack([[act.softmax(row.copy()) for row in plane] for plane in x])
    dx = np.stack(
        [
            [act.softmax.backward(*pair) for pair in zip(*planes, strict=True)]
            for planes in zip(dy, y, strict=True)
        ]
    )
    assert np.array_equal(act.softmax(x), y)
    for axis in (0, 1, 2, -1, -2, -3):
        for layout in (np.ascontiguousarray, np.asfortranarray, reversed_in_memory, spread):
            moved_x, moved_dy, moved_y = (layout(np.moveaxis(a, -1, axis)) for a in (x, dy, y))
            result = act.softmax(moved_x, axis=axis)
            assert np.array_equal(np.moveaxis(result, axis, -1), y)
            result = act.softmax.backward(moved_dy, moved_y, axis=axis)
            assert np.array_equal(np.moveaxis(result, axis, -1), dx)


def reversed_in_memory(a: Any) -> Any:
    flip = (slice(None, None, -1),) * a.ndim
    return a[flip].copy()[flip]


def spread(a: Any) -> Any:
    """Return a view of every third element of a larger array."""
    wide = np.zeros([3 * n for n in a.shape], a.dtype)
    view = wide[(slice(1, None, 3),) * a.ndim]
    view[...] = a
    return view


@every_dtype
def test_out(dtype: Any) -> None:
    x, dy = logits((4, 50), dtype), logits((4, 50), dtype, scale=1)
    y = act.softmax(x)
    out = np.empty_like(x)
    assert act.softmax(x, out=out) is out
    assert np.array_equal(out, y)
    assert act.softmax.backward(dy, y, out=out) is out
    assert np.array_equal(out, act.softmax.backward(dy, y))
    in_place = x.copy()
    act.softmax(in_place, out=in_place)
    assert np.array_equal(in_place, y)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.int64, np.uint64])
def test_integers_promote_as_in_exp(dtype: Any) -> None:
    x = np.array([0, 1, 1, 0], dtype)
    floats = x.astype(np.exp(x).dtype)
    result = act.softmax(x)
    assert result.dtype == floats.dtype
    assert np.array_equal(result, act.softmax(floats))


@every_dtype
def test_empty_arrays(dtype: Any) -> None:
    for shape in ((0,), (0, 3), (3, 0)):
        assert act.softmax(np.empty(shape, dtype)).shape == shape


def test_a_wrong_axis_is_refused() -> None:
    x = logits((2, 3), np.float32)
    for axis in (2, -3):
        with pytest.raises(np.exceptions.AxisError):
            act.softmax(x, axis=axis)
        with pytest.raises(np.exceptions.AxisError):
            act.softmax.backward(x, x, axis=axis)


@every_dtype
def test_backward_error_is_that_of_its_last_two_roundings(dtype: Any) -> None:
    for n in LENGTHS:
        y, dy = rows.softmax(logits(n, dtype)).astype(dtype), logits(n, dtype, scale=1)[::-1].copy()
        exact = rows.ROWS["softmax"].backward_exactly(dy, y)
        error = np.abs(act.softmax.backward(dy, y) - exact).astype(np.float64)
        y, dy = y.astype(np.float64), dy.astype(np.float64)
        info = np.finfo(dtype)
        scale = np.abs(y) * (np.abs(dy) + np.abs(y) @ np.abs(dy))
        assert np.all(error <= float(info.eps) * scale + float(info.smallest_subnormal)), n


@every_dtype
def test_backward_passes_nan_on(dtype: Any) -> None:
    y = act.softmax(logits(40, dtype))
    for i in range(40):
        dy = np.ones(40, dtype)
        dy[i] = nan
        assert np.isnan(act.softmax.backward(dy, y)).all()
        spoilt = y.copy()
        spoilt[i] = nan
        assert np.isnan(act.softmax.backward(np.ones(40, dtype), spoilt)).all()
