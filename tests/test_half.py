"""float16: every conversion is right, and every result is rounded once, on either engine."""

from __future__ import annotations

import numpy as np
import pytest

import fastcpuact as act

HALVES = np.arange(2**16, dtype=np.uint16).view(np.float16)

pytestmark = pytest.mark.usefixtures("engine")


def assert_same(result: np.ndarray, expected: np.ndarray) -> None:
    assert result.dtype == expected.dtype == np.float16
    nan = np.isnan(expected)
    assert np.array_equal(np.isnan(result), nan)
    assert np.array_equal(result[~nan].view(np.uint16), expected[~nan].view(np.uint16))


@pytest.mark.parametrize("step", (1, -1, 3))
def test_every_float16_comes_back_as_it_was(step):
    x = HALVES[::step]
    ones = np.ones_like(x)
    assert_same(act.leaky_relu(x, ones), x)


@pytest.mark.parametrize(
    "slope", (0.5, 1.0, 3.0, -1.25, 0.099976, 2.0**-14, 2.0**-24, 60000.0, np.inf, np.nan)
)
def test_products_are_rounded_once(slope):
    # Of two float16 the product is exact in float32: what remains is one rounding, ties included.
    x = HALVES[(HALVES < 0) | np.isnan(HALVES)]
    slope = np.float16(slope)
    with np.errstate(all="ignore"):
        expected = (x.astype(np.float64) * np.float64(slope)).astype(np.float16)
    assert_same(act.leaky_relu(x, slope), expected)


def test_in_place_shifted_and_accumulated():
    x = HALVES[(HALVES > -4) & (HALVES < 4)].copy()
    expected = act.tanh(x.copy())
    memory = np.zeros(x.size + 1, np.float16)
    memory[:-1] = x
    act.tanh(memory[:-1], out=memory[1:])
    assert_same(memory[1:], expected)
    act.tanh(x, out=x)
    assert_same(x, expected)
    steps = np.random.default_rng(0).uniform(-2, 2, 700).astype(np.float16)
    chain = [steps[0]]
    for step in steps[1:]:
        chain.append(act.leaky_relu(chain[-1], step))
    assert_same(act.leaky_relu.ufunc.accumulate(steps), np.array(chain))
