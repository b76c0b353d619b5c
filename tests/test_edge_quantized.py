"""Activations of integer codes: correctly rounded, optimal, as their certificates say."""

from __future__ import annotations

import itertools
import pickle
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcpuact as act
import tflite_peer
from fastcpuact import edge
from fastcpuact.accuracy.balls import coefficient, precision
from fastcpuact.accuracy.definitions import DEFINITIONS
from fastcpuact.edge import compact16, int16, rounding
from fastcpuact.edge.function import Function

CODES16 = np.arange(-(2**15), 2**15).astype(np.int16)
WITH_DEFAULTS = [
    name for name, definition in DEFINITIONS.items() if None not in definition.params.values()
]
AFFINES = [
    (edge.Affine(1 / 16, 3), edge.Affine(1 / 8, -5)),
    (edge.Affine(0.1), edge.Affine(0.2, 7)),
]


def exact(name: str, x: Fraction) -> arb:
    """f(x) as a ball, of the current precision."""
    definition = DEFINITIONS[name]
    params = [arb(p) for p in definition.params.values() if p is not None]
    return coefficient(definition.value(arb(fmpq(x.numerator, x.denominator)), *params), 0)


# Correct rounding.


@pytest.mark.parametrize("name", WITH_DEFAULTS)
def test_bytes_are_the_nearest_codes(name):
    """No code is nearer to the ball around f, and ties go where they should."""
    for (input, output), way in zip(AFFINES, ("away", "even"), strict=True):
        table = edge.quantized(name, input=input, output=output, rounding=way)
        codes = np.arange(-128, 128).astype(np.int8)
        results = table(codes)
        half = Fraction(output.scale) / 2
        with precision(400):
            for code, y in zip(codes.tolist(), results.tolist(), strict=True):
                distance = exact(name, input.real(code)) - fmpq_of(output.real(y))
                if y < 127:
                    assert not distance > fmpq_of(half), (code, y)
                if y > -128:
                    assert not distance < -fmpq_of(half), (code, y)


def fmpq_of(x: Fraction) -> arb:
    return arb(fmpq(x.numerator, x.denominator))


def test_ties():
    """relu with an output scale of twice the input scale has one at every odd code."""
    input, output = edge.Affine(0.1), edge.Affine(0.2)
    codes = np.arange(-128, 128).astype(np.int8)
    quotients = [Fraction(max(code, 0), 2) for code in codes.tolist()]
    away = edge.quantized("relu", input=input, output=output)(codes)
    even = edge.quantized("relu", input=input, output=output, rounding="even")(codes)
    assert away.tolist() == [int(q + Fraction(1, 2)) for q in quotients]
    assert even.tolist() == [round(q) for q in quotients]
    line = edge.quantized("identity", input=input, output=output)(codes).tolist()
    assert line == [(abs(code) + 1) // 2 * np.sign(code) for code in codes.tolist()]


def test_ties_need_exact_arithmetic(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "flint", None)
    with pytest.raises(ImportError, match=r"fastcpuact\[edge\]"):
        edge.quantized("relu", input=edge.Affine(0.1), output=edge.Affine(0.2))
    edge.quantized("tanh", input=edge.Affine(0.1), output=edge.Affine(0.2))


def test_jumps_between_rounded_inputs():
    """hardshrink jumps at 0.5: an input just above it, which float64 rounds to it, is beyond."""
    scale = float(np.nextafter(0.5 / 3, 1))
    assert 3 * scale == 0.5 and 3 * Fraction(scale) > Fraction(1, 2)
    table = edge.quantized("hardshrink", input=edge.Affine(scale), output=edge.Affine(scale))
    assert table(np.array([-4, -3, -2, 2, 3, 4], np.int8)).tolist() == [-4, -3, 0, 0, 3, 4]


def test_users_functions_are_rounded_exactly():
    table = edge.quantized(
        lambda x: x / 2, input=edge.Affine(1.0), output=edge.Affine(1.0), rounding="even"
    )
    codes = np.arange(-128, 128).astype(np.int8)
    assert table(codes).tolist() == [round(Fraction(code, 2)) for code in codes.tolist()]
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(table)


def test_uint8_is_shifted_int8():
    input, output = edge.Affine(1 / 16, 3), edge.Affine(1 / 32, -7)
    signed = edge.quantized("gelu", input=input, output=output)
    unsigned = edge.quantized(
        "gelu", input=edge.Affine(1 / 16, 131), output=edge.Affine(1 / 32, 121), dtype="uint8"
    )
    codes = np.arange(-128, 128)
    results = unsigned((codes + 128).astype(np.uint8)).astype(int) - 128
    np.testing.assert_array_equal(results, signed(codes.astype(np.int8)))


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["tanh", "sigmoid", "gelu", "relu6", "exponential", "hardswish", "dish"]),
    scales=st.tuples(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3)),
    zeros=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
    way=st.sampled_from(["away", "even"]),
)
def test_any_scale(name, scales, zeros, way):
    """Against Fractions made of high precision."""
    input, output = (edge.Affine(s, z) for s, z in zip(scales, zeros, strict=True))
    table = edge.quantized(name, input=input, output=output, rounding=way)
    codes = np.arange(-128, 128, 5).astype(np.int8)
    for code, y in zip(codes.tolist(), table(codes).tolist(), strict=True):
        with precision(2000):
            t = exact(name, input.real(code)) / fmpq_of(Fraction(output.scale))
            middle = y - output.zero_point
            assert y == 127 or not t > middle + 0.5
            assert y == -128 or not t < middle - 0.5


# The 513 entries.

ANCHORS = {
    # function: output scale, bound of the largest error, what TFLite's generator gives
    "tanh": (2.0**-15, 2.235, 6.0),
    "sigmoid": (2.0**-15, 1.105, 2.3),
    "gelu": (8 / 2**15, 1.045, 2.0),
    "silu": (8 / 2**15, 1.015, 2.0),
}


@pytest.mark.parametrize("name", ANCHORS)
def test_optimal_entries(name):
    scale, bound, generated = ANCHORS[name]
    input, output = edge.Affine(8 / 2**15), edge.Affine(scale)
    table = edge.quantized(name, input=input, output=output, dtype="int16")
    assert table.nbytes == 1026
    assert table.proven
    assert table.certificate.max_lsb <= bound
    assert table.certificate.ratio == pytest.approx(1)
    theirs = tflite_peer.generated_table(getattr(act, name), input, output)
    target = np.clip(table.target(), -(2**15), 2**15 - 1)
    assert np.abs(int16.errors(theirs, target)).max() > generated
    # The lookup as a device writes it, one element at a time.
    entries = table.table.tolist()
    for v in (-32768, -32767, -129, -128, -1, 0, 1, 127, 128, 32640, 32767):
        i, r = 256 + (v >> 7), v & 127
        y = entries[i] + (((entries[i + 1] - entries[i]) * r + 64) >> 7)
        assert table(np.array([v], np.int16))[0] == y


def test_no_entries_are_better():
    """Whatever entries begin a better table, none continue it."""
    table = edge.quantized(
        "tanh", input=edge.Affine(8 / 2**15), output=edge.Affine(2**-15), dtype="int16"
    )
    target = np.clip(table.target(), -(2**15), 2**15 - 1)
    best = table.certificate.max_lsb
    r = np.arange(128)

    def reaches_the_end(bound: float) -> bool:
        # At a knot the result is the entry; the last one is read by no code alone.
        beginnings = set(range(-(2**15), -(2**15) + 10))
        for i in range(512):
            wanted = target[128 * i : 128 * i + 128]
            about = round(2 * wanted[-1] - wanted[-2])
            good = [start for start in beginnings if abs(start - wanted[0]) <= bound]
            beginnings = {
                end
                for start, end in itertools.product(good, range(about - 5, about + 6))
                if np.abs(start + (((end - start) * r + 64) >> 7) - wanted).max() <= bound
            }
        return bool(beginnings)

    assert reaches_the_end(best + 1e-9)
    assert not reaches_the_end(best - 1e-9)


def test_entries_of_steep_functions():
    """Where nothing is proven, the entries are still better than the values at the knots."""
    steep = edge.quantized(
        "tanh", input=edge.Affine(64 / 2**15), output=edge.Affine(2**-15), dtype="int16"
    )
    assert not steep.proven
    assert steep.certificate.limit is None
    target = np.clip(steep.target(), -(2**15), 2**15 - 1)
    plain = np.rint(np.append(target[::128], target[-1])).astype(np.int16)
    assert steep.certificate.max_lsb < 0.8 * np.abs(int16.errors(plain, target)).max()


# The compact format.


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "silu", "softplus", "exponential"])
def test_compact(name):
    output = edge.Affine(ANCHORS.get(name, (1 / 8 if name == "exponential" else 2**-12,))[0])
    table = edge.quantized(
        name, input=edge.Affine(8 / 2**15), output=output, dtype="int16", format="compact"
    )
    assert table.certificate.max_lsb <= 0.75
    # exp rises so much within a piece that its slope has two fraction bits.
    assert table.certificate.ratio < (1.15 if name == "exponential" else 1.05)
    if name == "tanh":
        assert table.nbytes <= 256
    np.testing.assert_array_equal(table(CODES16), compact16.evaluate(table.data, CODES16))


@pytest.mark.parametrize("name", ["tanh", "gelu", "relu", "exponential", "step", "snake"])
def test_compact_fits_32_bits(name):
    """No product or sum of the device overflows."""
    x = 8 / 2**15 * CODES16
    data = compact16.fit_width(act.get(name)(x) / 2**-12, 11)
    half = 2 ** (data.width - 1)
    for k in range(len(data.constant)):
        t = np.array([-half, half - 1, half], np.int64)
        p = np.int64(data.cubic[k])
        for coefficients, shift in zip(
            (data.quadratic, data.linear, data.constant), data.shifts, strict=True
        ):
            assert np.abs(p * t).max() < 2**31
            p = np.int64(coefficients[k]) + ((p * t) >> shift)
            assert np.abs(p).max() < 2**31 - 2**data.guard


def test_compact_reflects():
    """With a zero point the centre is not the middle code, and nothing is reflected."""
    for zero, reflected in ((0, True), (100, False)):
        table = edge.quantized(
            "tanh",
            input=edge.Affine(8 / 2**15, zero),
            output=edge.Affine(2**-14),
            dtype="int16",
            format="compact",
        )
        assert table.data.reflected is reflected
        assert table.certificate.max_lsb <= 0.75


# Derivatives.


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("name", ["gelu", "relu6"])
def test_derivatives(name, dtype):
    info = np.iinfo(dtype)
    zero = (info.min + info.max + 1) // 2
    table = edge.quantized(
        name,
        input=edge.Affine(16 / (info.max - info.min), zero),
        output=edge.Affine(6 / (info.max - info.min), zero),
        dtype=dtype,
    )
    codes = np.arange(info.min, info.max + 1).astype(dtype)
    f = act.get(name)
    x = table.input.dequantize(codes)
    clipped = np.abs(f(x) / table.output.scale + zero - (info.min + info.max) / 2) > (
        (info.max - info.min + 1) / 2
    )
    assert clipped.any()
    wanted = np.where(clipped, 0, f.grad(x)).astype(np.float32)
    result = table.grad(codes)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, wanted)
    np.testing.assert_array_equal(table.backward(2.0, codes), 2 * wanted)
    np.testing.assert_array_equal(table.derivative_table[codes.view(f"u{codes.itemsize}")], wanted)
    out = np.empty(codes.shape, np.float32)
    assert table.grad(codes, out=out) is out


def test_derivative_of_a_users_function():
    table = edge.quantized(np.sin, input=edge.Affine(1 / 32), output=edge.Affine(1 / 64))
    codes = np.arange(-128, 128).astype(np.int8)
    np.testing.assert_allclose(table.grad(codes), np.cos(codes / 32), atol=2e-7)


# Certificates, files.

KINDS = [
    ("int8", "tflite", "exact"),
    ("uint8", "tflite", "tflite"),
    ("int16", "tflite", "exact"),
    ("int16", "compact", "exact"),
]


@cache
def made(dtype: str, format: str, arithmetic: str, f: object = "silu") -> edge.Approximant:
    zero = 128 if dtype == "uint8" else 0
    scale = 1 / 16 if dtype != "int16" else 8 / 2**15
    affine = edge.Affine(scale, zero)
    return edge.quantized(
        f, input=affine, output=affine, dtype=dtype, format=format, arithmetic=arithmetic
    )


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_certificate_is_measured(kind):
    table = made(*kind)
    certificate = table.certificate
    info = np.iinfo(table.dtype)
    codes = np.arange(info.min, info.max + 1).astype(table.dtype)
    results = table(codes).astype(int)
    unclipped = act.silu(table.input.dequantize(codes)) / table.output.scale
    error = np.abs(results - np.clip(unclipped + table.output.zero_point, info.min, info.max))
    assert certificate.max_lsb == pytest.approx(error.max(), rel=1e-9)
    assert error[np.searchsorted(codes, table.input.quantize(certificate.max_lsb_at, info.dtype))]
    assert certificate.count == len(codes)
    assert certificate.max_lsb >= certificate.limit - 1e-9
    assert certificate.nbytes == table.nbytes
    rises, falls = np.any(np.diff(results) > 0), np.any(np.diff(results) < 0)
    assert certificate.monotone == {(1, 0): "rising", (1, 1): "no"}[rises, falls]
    assert "NaN: integers have none" in str(certificate)


def test_symmetry_in_certificates():
    def of(name: str, output: edge.Affine) -> str:
        table = edge.quantized(name, input=edge.Affine(1 / 16), output=output)
        return table.certificate.symmetric

    assert of("tanh", edge.Affine(1 / 100)) == "odd"
    assert of("tanh", edge.Affine(1 / 128)) == "none"  # 128 is clipped to 127
    assert of("sigmoid", edge.Affine(1 / 200, -100)) == "complement"
    assert of("gaussian", edge.Affine(1 / 100)) == "even"
    assert of("gelu", edge.Affine(1 / 16)) == "none"


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_files(kind, tmp_path):
    table = made(*kind)
    table.save(tmp_path / "table.npz")
    loaded = edge.load(tmp_path / "table.npz")
    assert type(loaded) is type(table)
    assert loaded.certificate == table.certificate == loaded.certify()
    codes = table.all_codes()
    np.testing.assert_array_equal(loaded(codes), table(codes))
    np.testing.assert_array_equal(loaded.grad(codes), table.grad(codes))
    again = pickle.loads(pickle.dumps(table))
    np.testing.assert_array_equal(again(codes), table(codes))
    whole = (tmp_path / "table.npz").read_bytes()
    (tmp_path / "short.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="truncated"):
        edge.load(tmp_path / "short.npz")


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_files_of_users_functions(kind, tmp_path):
    table = made(*kind, f=lambda x: np.tanh(x) + x)
    table.save(tmp_path / "table.npz")
    loaded = edge.load(tmp_path / "table.npz")
    codes = table.all_codes()
    np.testing.assert_array_equal(loaded(codes), table(codes))
    with pytest.raises(ValueError, match="give it to load"):
        loaded.certify()
    if kind[0] != "int16":  # these keep their derivatives
        np.testing.assert_array_equal(loaded.grad(codes), table.grad(codes))


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        (0, "table", lambda a: a[:-1]),
        (0, "table", lambda a: a.astype(np.int16)),
        (0, "derivative_table", lambda a: a.reshape(16, 16)),
        (2, "table", lambda a: a[1:]),
        (3, "constant", lambda a: a[1:]),
        (3, "linear", lambda a: a.astype(np.int32)),
    ],
)
def test_wrong_parts(kind, name, change):
    table = made(*KINDS[kind])
    header, arrays = table.parts()
    with pytest.raises(ValueError, match=name.partition("_")[0] + "|pieces"):
        type(table).from_parts(Function("silu"), header, {**arrays, name: change(arrays[name])})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (0, "dtype", "int16"),
        (0, "rounding", "up"),
        (0, "arithmetic", "none"),
        (0, "input", [0.0, 0]),
        (3, "width", 40),
        (3, "shifts", [1, 2, 99]),
        (3, "stop", 10**6),
    ],
)
def test_wrong_headers(kind, name, value):
    table = made(*KINDS[kind])
    header, arrays = table.parts()
    with pytest.raises(ValueError):
        type(table).from_parts(Function("silu"), {**header, name: value}, arrays)


# Bad input.


@pytest.mark.parametrize(
    ("scale", "zero", "error", "words"),
    [
        (0.0, 0, ValueError, "scale must be positive and finite, got 0.0"),
        (-1.0, 0, ValueError, "scale must be positive"),
        (np.nan, 0, ValueError, "scale"),
        (np.inf, 0, ValueError, "scale"),
        ("1", 0, TypeError, "scale must be a real number, got '1'"),
        (1.0, 0.5, TypeError, "zero_point must be an integer, got 0.5"),
        (1.0, True, TypeError, "zero_point"),
    ],
)
def test_bad_affines(scale, zero, error, words):
    with pytest.raises(error, match=words):
        edge.Affine(scale, zero)


GOOD = {"input": edge.Affine(1 / 16), "output": edge.Affine(1 / 16)}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"dtype": "int32"}, ValueError, "dtype must be int8, uint8 or int16, got int32"),
        ({"dtype": "nonsense"}, TypeError, "nonsense"),
        ({"rounding": "up"}, ValueError, "rounding must be one of away, even, got 'up'"),
        ({"format": "best"}, ValueError, "format must be one of tflite, compact"),
        ({"arithmetic": "fast"}, ValueError, "arithmetic must be one of exact, tflite"),
        ({"format": "compact"}, ValueError, "format must be 'tflite' for int8"),
        ({"arithmetic": "tflite", "rounding": "even"}, ValueError, "rounding must be 'away'"),
        ({"dtype": "int16", "rounding": "even"}, ValueError, "rounding must be 'away' for int16"),
        ({"dtype": "int16", "arithmetic": "tflite"}, ValueError, "arithmetic must be 'exact'"),
        ({"input": 1 / 16}, TypeError, "input must be an edge.Affine, got float"),
        ({"output": None}, TypeError, "output must be an edge.Affine, got NoneType"),
        ({"input": edge.Affine(1, 128)}, ValueError, "input.zero_point must be a code of int8"),
        (
            {"output": edge.Affine(1, -1), "dtype": "uint8"},
            ValueError,
            "output.zero_point must be a code of uint8, got -1",
        ),
    ],
)
def test_bad_arguments(change, error, words):
    with pytest.raises(error, match=words):
        edge.quantized("relu", **{**GOOD, **change})


def test_bad_functions():
    with pytest.raises(ValueError, match="NaN at"):
        edge.quantized(np.sqrt, **GOOD)
    with pytest.raises(TypeError, match=r"elementwise|softmax"):
        edge.quantized(act.softmax, **GOOD)
    with pytest.raises(ValueError, match="undefined where a result does not fit"):
        edge.quantized(
            "exponential", input=edge.Affine(1.0), output=edge.Affine(1.0), arithmetic="tflite"
        )
    # Saturated, where the float is infinite.
    table = edge.quantized("exponential", input=edge.Affine(100.0), output=edge.Affine(1.0))
    assert table(np.array([-1, 0, 1, 127], np.int8)).tolist() == [0, 1, 127, 127]


def test_quantize():
    affine = edge.Affine(0.5, 1)
    x = [-1e300, -0.75, -0.25, 0.25, 0.75, np.inf]
    assert affine.quantize(x).tolist() == [-128, -1, 0, 2, 3, 127]
    assert affine.quantize(x, rounding="even").tolist() == [-128, -1, 1, 1, 3, 127]
    with pytest.raises(ValueError, match="NaN"):
        affine.quantize([np.nan])
    with pytest.raises(TypeError, match="codes must be integers, got float64"):
        affine.dequantize([0.5])
    with pytest.raises(ValueError, match="rounding"):
        affine.quantize([1.0], rounding="up")


def test_margin_covers_the_kernels():
    """float64 decides only where an error of a thousand units in the last place would not."""
    assert 1000 * np.finfo(np.float64).eps < rounding.MARGIN
