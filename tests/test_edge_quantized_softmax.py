"""Softmax of integer codes: integers alone, half a unit of error, TFLite's bits where asked for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import fastcpuact as act
import tflite_peer
from conftest import require
from fastcpuact import edge

TYPES = ("int8", "uint8", "int16")
SCALES = {"int8": 1 / 16, "uint8": 0.2, "int16": 8 / 2**15}


def some_codes(dtype: str, shape: object, seed: int = 0) -> np.ndarray:
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max + 1, shape).astype(dtype)


def units(softmax: edge.softmax_base.CodeSoftmax, x: np.ndarray) -> np.ndarray:
    """The exact results, as real numbers of codes."""
    info = np.iinfo(softmax.output_dtype)
    z = softmax.beta * softmax.input.scale * (x.astype(float) - x.max(axis=-1, keepdims=True))
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    return np.clip(p / softmax.output.scale + softmax.output.zero_point, info.min, info.max)


@pytest.mark.parametrize(("dtype", "to"), [*itertools.product(TYPES, TYPES)])
def test_error(dtype, to):
    """Within the stated bound for every length."""
    softmax = edge.integer_softmax(edge.Affine(SCALES[dtype]), dtype=dtype, output_dtype=to)
    for n in (1, 2, 3, 10, 1000):
        x = some_codes(dtype, (2000 // n + 1, n), n)
        y = softmax(x)
        assert y.dtype == to
        assert np.abs(y - units(softmax, x)).max() <= softmax.error_bound(n)


@pytest.mark.parametrize(("dtype", "to"), [("int16", "int8")])
def test_engines(dtype, to):
    require("compiled")
    require("numba")
    softmax = edge.integer_softmax(edge.Affine(SCALES[dtype]), dtype=dtype, output_dtype=to)
    for n in (1, 3, 300):
        x = some_codes(dtype, (5, n), n)
        with act.engine("compiled"):
            compiled = softmax(x)
        with act.engine("numba"):
            np.testing.assert_array_equal(softmax(x), compiled)


@pytest.mark.parametrize("dtype", TYPES)
def test_certificate(dtype):
    """All pairs of codes, and for 8 bits all triples: hardly more than half a unit."""
    softmax = edge.integer_softmax(edge.Affine(SCALES[dtype]), dtype=dtype)
    certificate = softmax.certificate
    assert certificate.max_lsb <= 0.50001
    assert certificate.ratio == pytest.approx(1, abs=1e-4)
    assert certificate.monotone == "rising"
    assert certificate.nbytes == softmax.nbytes == (2048 if dtype == "int16" else 128)
    reach = 2**16 if dtype == "int16" else 2**8
    assert certificate.count == 2 * reach - 1 + (0 if dtype == "int16" else 3 * reach**2)
    # One of them by hand.
    info = np.iinfo(dtype)
    row = np.array([[info.max, info.max - 17]], dtype)
    assert np.abs(softmax(row) - units(softmax, row)).max() <= certificate.max_lsb + 1e-6


def test_extremes():
    """Rows that sum to little, one that is much larger, and as many as a row may have."""
    softmax = edge.integer_softmax(edge.Affine(8 / 2**15), dtype="int16")
    row = np.full((1, 70_000), -(2**15), np.int16)
    assert np.all(softmax(row) == np.rint(2**15 / row.size))
    row[0, 5] = 2**15 - 1
    assert np.abs(softmax(row) - units(softmax, row)).max() <= softmax.error_bound(row.size)
    steep = edge.integer_softmax(edge.Affine(100.0))
    assert steep(np.array([3, 4, -128], np.int8)).tolist() == [-128, 127, -128]
    flat = edge.integer_softmax(edge.Affine(1e-9))
    assert flat(np.array([3, 4, -128, 0], np.int8)).tolist() == [-64] * 4
    # The finest and the coarsest scales of results.
    x = some_codes("int8", (100, 3))
    for scale in (2.0**-24, 0.3, 1.0):
        made = edge.integer_softmax(
            edge.Affine(1 / 16), output=edge.Affine(scale), output_dtype="int16"
        )
        assert np.abs(made(x) - units(made, x)).max() <= 0.5 + 2.0**-31 * 10 / scale


def test_beta():
    x = some_codes("int8", (50, 7))
    doubled = edge.integer_softmax(edge.Affine(1 / 16), beta=2.0)
    np.testing.assert_array_equal(doubled(x), edge.integer_softmax(edge.Affine(1 / 8))(x))


def test_axes_and_outputs():
    softmax = edge.integer_softmax(edge.Affine(1 / 16))
    x = some_codes("int8", (4, 5, 6))
    wanted = softmax(x)
    for axis in range(-3, 3):
        moved = np.moveaxis(x, -1, axis)
        np.testing.assert_array_equal(softmax(moved, axis=axis), np.moveaxis(wanted, -1, axis))
    same = x.copy()
    assert softmax(same, out=same) is same
    np.testing.assert_array_equal(same, wanted)
    assert softmax(x[:, :0]).shape == (4, 0, 6)
    assert softmax(x[..., :0]).shape == (4, 5, 0)
    with act.num_threads(3):
        many = some_codes("int8", (300, 1000))
        threaded = softmax(many)
    with act.num_threads(1):
        np.testing.assert_array_equal(softmax(many), threaded)


def test_backward():
    softmax = edge.integer_softmax(edge.Affine(1 / 16), beta=1.5)
    x = some_codes("int8", (20, 6))
    dy = np.random.default_rng(2).normal(size=x.shape)
    p = softmax.output.dequantize(softmax(x))
    wanted = 1.5 * act.softmax.backward(dy, p)
    np.testing.assert_allclose(softmax.backward(dy, softmax(x)), wanted, atol=1e-15)


@pytest.mark.parametrize("arithmetic", ["integer", "tflite"])
def test_files(arithmetic, tmp_path):
    softmax = edge.integer_softmax(edge.Affine(1 / 16, 3), dtype="uint8", arithmetic=arithmetic)
    softmax.save(tmp_path / "softmax.npz")
    loaded = edge.load(tmp_path / "softmax.npz")
    assert loaded.certificate == softmax.certificate == loaded.certify()
    x = some_codes("uint8", (9, 9))
    np.testing.assert_array_equal(loaded(x), softmax(x))
    header, arrays = softmax.parts()
    for change in ({"beta": -1.0}, {"dtype": "int32"}, {"output": [2.0, 0]}):
        with pytest.raises(ValueError):
            type(softmax).from_parts(None, {**header, **change}, arrays)
    short = {name: array[1:] for name, array in arrays.items()}
    with pytest.raises(ValueError, match="entries"):
        type(softmax).from_parts(None, header, short)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"input": 0.1}, TypeError, "input must be an edge.Affine, got float"),
        ({"output": 0.1}, TypeError, "output must be an edge.Affine, got float"),
        ({"dtype": "float32"}, ValueError, "dtype must be one of int8, uint8, int16, got float32"),
        ({"output_dtype": "int32"}, ValueError, "output_dtype must be one of"),
        ({"beta": 0.0}, ValueError, "beta must be positive and finite, got 0.0"),
        ({"beta": np.nan}, ValueError, "beta must be positive"),
        ({"beta": "1"}, TypeError, "beta must be a real number, got '1'"),
        ({"output": edge.Affine(2.0)}, ValueError, "output.scale must be between"),
        ({"output": edge.Affine(0.1, 200)}, ValueError, "output.zero_point must be a code of int8"),
        ({"arithmetic": "float"}, ValueError, "arithmetic must be integer or tflite"),
        ({"arithmetic": "tflite", "dtype": "int16"}, ValueError, "arithmetic must be 'integer'"),
    ],
)
def test_bad_arguments(change, error, words):
    with pytest.raises(error, match=words):
        edge.integer_softmax(**{"input": edge.Affine(1 / 16), **change})


def test_bad_arrays():
    softmax = edge.integer_softmax(edge.Affine(1 / 16))
    x = some_codes("int8", (2, 3))
    with pytest.raises(ValueError, match="axis must be one of the 2 of x, got 2"):
        softmax(x, axis=2)
    with pytest.raises(TypeError, match="x must be of int8, got int16"):
        softmax(x.astype(np.int16))
    with pytest.raises(ValueError, match="must have an axis"):
        softmax(np.int8(3))
    with pytest.raises(TypeError, match="y must be of int8"):
        softmax.backward(1.0, x.astype(float))


def test_tflites_arithmetic():
    """One element after the other in float32, as its loops are written."""
    softmax = edge.integer_softmax(edge.Affine(0.11), arithmetic="tflite")
    x = some_codes("int8", (200, 33))
    single = np.float32
    for row, result in zip(x.astype(int), softmax(x), strict=True):
        powers = softmax.table[row.max() - row]
        total = single(0)
        for power in powers:
            total = single(total + power)
        factor = single(1) / single(total * single(softmax.output.scale))
        codes = np.floor((powers * factor).astype(float) + 0.5).astype(int) - 128
        np.testing.assert_array_equal(np.minimum(codes, 127), result)


# The runtimes themselves, where they are installed.

PEERS = [
    pytest.param(
        runtime,
        marks=pytest.mark.skipif(
            not tflite_peer.installed(runtime), reason=f"{package} is not installed"
        ),
    )
    for runtime, package in tflite_peer.RUNTIMES.items()
]


def single(scale: float, zero: int = 0) -> edge.Affine:
    """Of a scale as models store it."""
    return edge.Affine(float(np.float32(scale)), zero)


@pytest.mark.parametrize("runtime", PEERS)
@pytest.mark.parametrize(
    ("operator", "name", "output"),
    [
        ("LOGISTIC", "sigmoid", single(1 / 256, -128)),
        ("TANH", "tanh", single(1 / 128)),
        ("ELU", "elu", single(0.05, -100)),
        ("GELU", "gelu", single(0.05, -100)),
    ],
)
def test_tables_beside_tflite(runtime, operator, name, output):
    """The same 256 results, at any scale of the input."""
    if (runtime, operator) == ("micro", "GELU"):
        pytest.skip("TFLite Micro has no GELU")
    codes = np.arange(-128, 128).astype(np.int8)
    rng = np.random.default_rng(3)
    for _ in range(10):
        input = single(rng.uniform(0.01, 0.1), int(rng.integers(-20, 20)))
        theirs = tflite_peer.run(runtime, operator, codes, input, output)
        ours = edge.quantized(name, input=input, output=output, arithmetic="tflite")
        np.testing.assert_array_equal(theirs, ours(codes))


@pytest.mark.parametrize("runtime", PEERS)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_softmax_beside_tflite(runtime, dtype):
    """Ours is never farther from the exact values, and TFLite's bits are reproduced."""
    input = single(8 / 2**7 if dtype == "int8" else 8 / 2**15)
    softmax = edge.integer_softmax(input, dtype=dtype)
    x = some_codes(dtype, (100, 12))
    theirs = tflite_peer.run(runtime, "SOFTMAX", x, input, softmax.output)
    exact = units(softmax, x)
    assert np.abs(softmax(x) - exact).max() <= np.abs(theirs - exact).max() + 1e-6
    if dtype == "int8" and runtime == "litert":
        same = edge.integer_softmax(input, arithmetic="tflite")
        np.testing.assert_array_equal(theirs, same(x))


@pytest.mark.parametrize("runtime", PEERS)
@pytest.mark.parametrize(("operator", "name"), [("LOGISTIC", "sigmoid"), ("TANH", "tanh")])
def test_int16_beside_tflite(runtime, operator, name):
    input, output = single(8 / 2**15), single(2**-15)
    codes = np.arange(-(2**15), 2**15).astype(np.int16)
    table = edge.quantized(name, input=input, output=output, dtype="int16", format="compact")
    exact = np.clip(table.target(), -(2**15), 2**15 - 1)
    theirs = tflite_peer.run(runtime, operator, codes, input, output)
    assert np.abs(table(codes) - exact).max() < 0.75 < 1 < np.abs(theirs - exact).max()
