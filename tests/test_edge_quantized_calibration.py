"""Scales and domains from samples."""

from __future__ import annotations

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact import edge

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=5000)
HEAVY = RNG.standard_t(3, size=5000)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_minmax_clips_nothing(dtype):
    found = edge.calibrate(HEAVY, dtype=dtype, method="minmax")
    assert found.clipped == 0
    low, high = found.domain
    assert low <= HEAVY.min() and HEAVY.max() <= high
    info = np.iinfo(dtype)
    assert (low, high) == tuple(found.input.dequantize([info.min, info.max]))
    assert high - low < 1.01 * (HEAVY.max() - HEAVY.min()) if dtype != "int16" else low < 0 < high
    assert float(np.float32(found.input.scale)) == found.input.scale
    assert found.output is None


@pytest.mark.parametrize("name", ["tanh", "gelu", "relu"])
def test_least_error(name):
    """Better than the whole range, near the best of a fine search, as measured on the samples."""

    def error(input: edge.Affine) -> float:
        codes = input.quantize(HEAVY)
        return float(np.sqrt(np.mean((f(input.dequantize(codes)) - f(HEAVY)) ** 2)))

    f = act.get(name)
    found = edge.calibrate(HEAVY, f)
    whole = edge.calibrate(HEAVY, f, method="minmax")
    assert found.rms == pytest.approx(error(found.input))
    assert found.rms < 0.8 * whole.rms
    best = min(
        error(edge.Affine(whole.input.scale * part, zero))
        for part in np.geomspace(0.02, 1, 40)
        for zero in range(-128, 128, 8)
    )
    assert found.rms < 1.1 * best


def test_outputs_hold_all_results():
    found = edge.calibrate(NORMAL, "gelu", dtype="int16")
    table = edge.quantized("gelu", input=found.input, output=found.output, dtype="int16")
    codes = found.input.quantize(NORMAL, "int16")
    assert np.abs(table(codes)).max() < 2**15 - 1 or found.output.zero_point == 0
    real = found.output.dequantize(table(codes))
    np.testing.assert_allclose(real, act.gelu(NORMAL), atol=3 * found.output.scale + 1e-3)


def test_symmetric():
    assert edge.calibrate(NORMAL + 2, dtype="int16").input.zero_point == 0
    assert edge.calibrate(NORMAL + 2, symmetric=True).input.zero_point == 0
    assert edge.calibrate(NORMAL + 2, symmetric=True, dtype="uint8").input.zero_point == 128
    assert edge.calibrate(NORMAL + 2).input.zero_point < -50
    assert edge.calibrate(np.array([1.0, 5.0])).input.zero_point == -128
    assert edge.calibrate(np.array([-1.0, -5.0])).input.zero_point == 127


def test_outliers():
    """One huge sample does not take the resolution from all others."""
    samples = np.append(NORMAL, 1e4)
    assert edge.calibrate(samples, "sigmoid").domain[1] < 20
    assert edge.calibrate(samples, "sigmoid", method="minmax").domain[1] >= 1e4


def test_shapes_and_types():
    samples = NORMAL[:1000].astype(np.float32)
    assert edge.calibrate(samples.reshape(10, 100)) == edge.calibrate(samples)
    assert edge.calibrate([1, 2, 3]).domain[1] >= 3
    zeros = edge.calibrate(NORMAL, lambda x: 0 * x)
    assert zeros.output == edge.Affine(1.0, 0)


@pytest.mark.parametrize(
    ("samples", "more", "error", "words"),
    [
        ([], {}, ValueError, "samples must hold at least one number, got none"),
        ([0.0, 0.0], {}, ValueError, "other than 0"),
        ([1.0, np.nan], {}, ValueError, "samples must be finite"),
        ([1.0, np.inf], {}, ValueError, "samples must be finite"),
        (["a"], {}, TypeError, "samples must be real numbers"),
        ([1j], {}, TypeError, "samples must be real numbers"),
        ([1.0], {"dtype": "int3"}, TypeError, "int3"),
        ([1.0], {"dtype": "int32"}, ValueError, "dtype must be int8, uint8 or int16, got int32"),
        ([1.0], {"method": "best"}, ValueError, "method must be mse or minmax, got 'best'"),
        ([1.0], {"f": "nonsense"}, ValueError, "nonsense"),
        ([900.0], {"f": "exponential", "method": "minmax"}, ValueError, "f must be finite"),
    ],
)
def test_bad_input(samples, more, error, words):
    with pytest.raises(error, match=words):
        edge.calibrate(samples, **more)
