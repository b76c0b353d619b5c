"""Inside the user's own Numba code: the same bits, inlined, and clear errors."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points

import numpy as np
import pytest
from numba import njit, prange
from numba.core.errors import TypingError

import fastcpuact as act
import fastcpuact.jit.extension
from conftest import bits_of_fma
from fastcpuact.accuracy.samples import bit_patterns


def same(a, b) -> bool:
    return np.array_equal(a, b, equal_nan=True) and np.asarray(a).dtype == np.asarray(b).dtype


@bits_of_fma
@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_scalars_give_the_bits_of_the_array_call(dtype):
    @njit(error_model="numpy")
    def loop(x, y, d, slow, fast, back):
        for i in range(x.size):
            y[i] = act.gelu(x[i])
            d[i] = act.gelu.grad(x[i])
            slow[i] = act.silu.backward(x[i], x[i])
            fast[i] = act.mish.fast(x[i])
            back[i] = act.softsign.backward_from_output(x[i], x[i])

    x = bit_patterns(dtype, 2**12)
    results = tuple(np.empty_like(x) for _ in range(5))
    loop(x, *results)
    with np.errstate(all="ignore"):
        expected = (
            act.gelu(x),
            act.gelu.grad(x),
            act.silu.backward(x, x),
            act.mish.fast(x),
            act.softsign.backward_from_output(x, x),
        )
    assert all(map(same, results, expected))


def test_parameters_by_position_name_and_default():
    @njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[0, i] = act.leaky_relu(x[i])
            out[1, i] = act.leaky_relu(x[i], 0.2)
            out[2, i] = act.leaky_relu(x[i], negative_slope=0.3)
            out[3, i] = act.hardtanh(x[i], max_val=2)
            out[4, i] = act.threshold(x[i], 0.5, value=-1)

    x = np.linspace(-4, 4, 101, dtype=np.float32)
    out = np.empty((5, x.size), np.float32)
    loop(x, out)
    assert same(out[0], act.leaky_relu(x))
    assert same(out[1], act.leaky_relu(x, 0.2))
    assert same(out[2], act.leaky_relu(x, 0.3))
    assert same(out[3], act.hardtanh(x, max_val=2))
    assert same(out[4], act.threshold(x, 0.5, -1))


def test_arrays_of_any_layout_and_several_results():
    @njit
    def call(x):
        return act.relu(x), act.relu.value_and_grad(x), act.relu.backward(x, x)

    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    for operand in (x, x.T, x[::2, ::-1]):
        value, (y, d), dx = call(operand)
        assert same(value, act.relu(operand)) and same(y, value)
        assert same(d, act.relu.grad(operand)) and same(dx, act.relu.backward(operand, operand))


def test_arrays_as_parameters_and_numbers_as_operands_are_broadcast():
    @njit
    def call(dy, x, w):
        return act.prelu(x, w), act.prelu.backward(dy, x, w), act.hardtanh(x, max_val=w)

    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    slopes = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    column = np.linspace(0, 1, 6, dtype=np.float32)[:, None]
    for dy, operand, w in (
        (x, x, slopes),
        (x, x, slopes[::-1]),
        (2.0, x, column),
        (x[0], x.T[:, :4], slopes),
        (1.0, x[0], column),
        (1.0, x[0, 0], slopes),
        (x, np.array(0.5, np.float32), slopes),
        (x, x, np.full_like(x, 0.5)),
        (x, x, slopes.astype(np.float64)),
    ):
        expected = (
            act.prelu(operand, w),
            act.prelu.backward(dy, operand, w),
            act.hardtanh(operand, max_val=w),
        )
        assert all(map(same, call(dy, operand, w), expected))


def test_dtypes_follow_numpy():
    @njit
    def call(x):
        return act.hardsigmoid(x)

    assert call(np.array(1.5)) == act.hardsigmoid(1.5)
    assert call(np.arange(3, dtype=np.int16)).dtype == np.float32
    assert call(np.arange(3)).dtype == np.float64
    assert call(2) == act.hardsigmoid(2.0) and call(True) == act.hardsigmoid(1.0)


def test_in_parallel():
    @njit(parallel=True, error_model="numpy")
    def loop(x, out):
        for i in prange(x.size):
            out[i] = act.softplus(x[i], beta=2.0)

    x = np.linspace(-30, 30, 10_001)
    out = np.empty_like(x)
    loop(x, out)
    assert same(out, act.softplus(x, 2.0))


def test_a_fused_loop_is_inlined_and_vectorised():
    @njit(error_model="numpy")
    def fused(x, bias, scale, out):
        for i in range(x.size):
            out[i] = act.gelu(x[i] + bias[i]) * scale

    def steps(x, bias, scale, out):
        np.add(x, bias, out=out)
        act.gelu(out, out=out)
        np.multiply(out, scale, out=out)

    x = np.linspace(-5, 5, 1000, dtype=np.float32)
    bias, scale = np.full_like(x, 0.1), np.float32(0.5)
    out, expected = np.empty_like(x), np.empty_like(x)
    fused(x, bias, scale, out)
    steps(x, bias, scale, expected)
    assert same(out, expected)
    (text,) = fused.inspect_llvm().values()
    assert "x float> @llvm.fma" in text


def test_what_does_not_compile_says_why():
    @njit
    def complex_(x):
        return act.gelu(x)

    @njit
    def sums(dy, x):
        return act.prelu.param_grads(dy, x)

    @njit
    def softmax(x):
        return act.softmax(x)

    @njit
    def softmax_backward(x):
        return act.softmax.backward(x, x)

    @njit
    def maxout(x):
        return act.maxout(x, 1)

    @njit
    def unknown(x):
        return act.gelu.gradient(x)

    @njit
    def backward(dy, x):
        return act.gelu.backward(dy, x)

    for wrong in (1j, "text", np.ones(3, np.float16)):
        with pytest.raises(TypingError, match="gelu takes float32, float64, integers") as caught:
            complex_(wrong)
        assert "stand_in" not in str(caught.value)
    with pytest.raises(TypingError, match=r"prelu\.param_grads is not available inside Numba code"):
        sums(1.0, 0.5)
    for row in (softmax, softmax_backward, maxout):
        with pytest.raises(
            TypingError, match=f"{row.__name__[:6]}.* is not available inside Numba"
        ):
            row(np.ones(3))
    with pytest.raises(TypingError, match="gradient"):
        unknown(1.0)
    with pytest.raises(TypingError, match="of them inside Numba code, got float64"):
        backward(1.0, np.ones(3) * 1j)
    with pytest.raises(ValueError, match="broadcast"):
        backward(np.ones(2), np.ones(3))


# The functions raise, which is what Numba has to restore their modules for.
USER = """
import numpy as np, fastcpuact as act
from numba import njit, prange

@njit(cache=True)
def scalar(x):
    return act.gelu(x) + act.leaky_relu.grad(x, negative_slope=0.2)

@njit(cache=True, parallel=True)
def array(dy, x):
    for i in prange(x.size):
        x[i] = act.tanh.fast(x[i])
    return act.relu.backward(dy, x)

x = np.linspace(-2, 2, 50)
assert scalar(-1.5) == act.gelu(-1.5) + act.leaky_relu.grad(-1.5, 0.2)
assert np.array_equal(array(x, x.copy()), act.relu.backward(x, act.tanh.fast(x)))
print(*(sum(f.stats.cache_hits.values()) for f in (scalar, array)))
"""


@pytest.mark.skipif(
    not any(
        point.module.startswith("fastcpuact")
        for point in entry_points().select(group="numba_extensions")
    ),
    reason="not installed",
)
def test_nothing_has_to_be_imported_or_registered(tmp_path):
    (tmp_path / "user.py").write_text(USER)
    for hits in ("0 0", "1 1"):
        done = subprocess.run(
            [sys.executable, "user.py"],
            cwd=tmp_path,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == hits
