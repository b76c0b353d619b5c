"""Approximants in floating point as callables: bits of all engines, arguments, certificates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact import edge
from fastcpuact.edge.certificate import Certificate
from fastcpuact.edge.floating import FloatApproximant


def approximants() -> dict[str, FloatApproximant]:
    made: dict[str, FloatApproximant] = {}
    # Every symmetry, interpolation and spacing.
    for k, name in enumerate(("tanh", "gaussian", "sigmoid", "gelu", "mish")):
        spacing = ("uniform", "optimal")[k % 2]
        other = ("optimal", "uniform")[k % 2]
        for interpolation, entries in (
            ("nearest", 16),
            ("linear", 17),
            ("quadratic", 17),
            ("cubic", 19),
        ):
            table = edge.lookup_table(
                name, entries, (-6, 6), interpolation=interpolation, spacing=spacing, identity=False
            )
            made[f"{name} {interpolation} {spacing}"] = table
        made[f"{name} pieces"] = edge.piecewise_polynomial(name, 5, 3, (-6, 6), spacing=other)
        made[f"{name} constants"] = edge.piecewise_polynomial(name, 5, 0, (-6, 6), spacing=spacing)
        made[f"{name} polynomial"] = edge.polynomial(name, 6, (-6, 6))
        made[f"{name} one-sided"] = edge.polynomial(name, 6, (-6, 4))
        made[f"{name} rational"] = edge.rational(name, 4, 4, (-6, 6))
    for name, domain in (("tanh", None), ("sigmoid", None), ("exponential", (-10, 0))):
        for interpolation in ("quadratic", "cubic"):
            for spacing in ("uniform", "optimal"):
                made[f"{name} {interpolation} {spacing} by derivatives"] = edge.lookup_table(
                    name, 20, domain, interpolation=interpolation, spacing=spacing
                )
    made["float64"] = edge.lookup_table("gelu", 65, dtype="float64")
    return made


MADE = approximants()


def inputs(made: FloatApproximant) -> np.ndarray:
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-40, *made.domain]
    x = np.concatenate([np.random.default_rng(0).uniform(-12, 12, 700), special, made.landmarks()])
    return np.concatenate([x, -x]).astype(made.dtype)


def bits(x: np.ndarray) -> np.ndarray:
    return x.view(f"u{x.itemsize}")


@pytest.mark.parametrize("slope", [False, True], ids=["value", "derivative"])
def test_kernels_give_the_bits_of_rounded_operations(engine, slope):
    for name, made in MADE.items():
        x = inputs(made)
        result = (made.derivative if slope else made)(x)
        assert result.dtype == made.dtype
        np.testing.assert_array_equal(bits(result), bits(made.reference(x, slope)), name)


def test_derivatives_are_those_of_the_approximants():
    for name, made in MADE.items():
        if "nearest" in name or "constants" in name:
            continue
        precise = made.from_parts(made.exact(), *as_float64(made))
        low, high = made.domain
        x = np.random.default_rng(1).uniform(low, high, 200)
        x = x[np.all(np.abs(x[:, None] - np.append(made.landmarks(), 0)) > 1e-5, axis=1)]
        x = x[np.all(np.abs(x[:, None] + made.landmarks()) > 1e-5, axis=1)]
        h = 1e-6
        values = [precise(x + step) for step in (-h, h)]
        slope = precise.derivative(x)
        np.testing.assert_allclose(
            slope,
            (values[1] - values[0]) / (2 * h),
            rtol=2e-4,
            atol=1e-7,
            err_msg=name,
        )


def as_float64(made: FloatApproximant):
    """The same data in float64, and not clipped."""
    header, arrays = made.parts()
    header = {**header, "dtype": "float64", "image": [-1e9, 1e9]}
    return header, {k: v.astype(np.float64) for k, v in arrays.items()}


def test_derivative_of_steps_is_the_slope_between_neighbours():
    table = edge.lookup_table("tanh", 64, (-4, 4), interpolation="nearest")
    x = np.linspace(0.2, 3.8, 50, dtype=np.float32)
    np.testing.assert_allclose(table.derivative(x), act.tanh.grad(x), atol=0.06)


def test_symmetries_and_tails_hold_exactly():
    x = np.random.default_rng(2).uniform(0, 20, 2000).astype(np.float32)
    odd, complement = MADE["tanh rational"], MADE["sigmoid linear uniform"]
    np.testing.assert_array_equal(odd(-x), -odd(x))
    assert np.signbit(odd(np.float32(-0.0))) and odd(np.float32(0)) == 0
    np.testing.assert_array_equal(complement(x), np.float32(1) - complement(-x))
    np.testing.assert_array_equal(MADE["gaussian pieces"](-x), MADE["gaussian pieces"](x))
    far = np.array([20, 1e30, np.inf], np.float32)
    np.testing.assert_array_equal(odd(far), [1, 1, 1])
    np.testing.assert_array_equal(MADE["gelu polynomial"](far), far)
    np.testing.assert_array_equal(MADE["gelu polynomial"](-far), [0, 0, 0])
    np.testing.assert_array_equal(MADE["mish pieces"](far), far)


def test_results_stay_in_the_range_of_the_function():
    x = np.linspace(-10, 10, 4001, dtype=np.float32)
    for name, made in MADE.items():
        y = made(x)
        if name.startswith("tanh"):
            assert np.max(np.abs(y)) <= 1, name
        if name.startswith(("sigmoid", "gaussian")) and "one-sided" not in name:
            assert np.min(y) >= 0 and np.max(y) <= 1, name


def test_arguments():
    made = edge.lookup_table("tanh", 33)
    x = np.linspace(-3, 3, 24, dtype=np.float32).reshape(4, 6)
    expected = made(x)
    out = np.empty_like(x)
    assert made(x, out=out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(made(x.T), expected.T)
    np.testing.assert_array_equal(made(x[::-1, ::2]), expected[::-1, ::2])
    strided = np.zeros((4, 12), np.float32)
    made(x, out=strided[:, ::2])
    np.testing.assert_array_equal(strided[:, ::2], expected)
    in_place = x.copy()
    made(in_place, out=in_place)
    np.testing.assert_array_equal(in_place, expected)
    shifted = np.concatenate([x.ravel(), [0]]).astype(np.float32)
    made(shifted[:-1], out=shifted[1:])
    np.testing.assert_array_equal(shifted[1:], expected.ravel())
    assert made(0.5) == made(np.float32(0.5)) and np.ndim(made(0.5)) == 0
    assert made(np.arange(3)).dtype == np.float32
    assert made(np.empty(0, np.float32)).shape == (0,)
    np.testing.assert_array_equal(made(x.astype(np.float64)), expected)


@pytest.mark.parametrize(
    ("x", "out", "error", "match"),
    [
        ([1j], None, TypeError, "x must hold real numbers"),
        (["a"], None, TypeError, "x must hold real numbers"),
        ([1.0], [0.0], TypeError, "out must be an array, got list"),
        ([1.0], np.empty(2, np.float32), ValueError, r"shape \(1,\) of x, got \(2,\)"),
        ([1.0], np.empty(1), ValueError, "out must be of float32, got float64"),
    ],
)
def test_bad_arguments(x, out, error, match):
    with pytest.raises(error, match=match):
        MADE["tanh rational"](x, out=out)


def test_read_only_out_is_left_alone():
    out = np.zeros(1, np.float32)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        MADE["tanh rational"]([1.0], out=out)
    assert out[0] == 0


def test_certificates_are_recomputed():
    """What a certificate states is what an independent measurement finds."""
    made = edge.rational("tanh", 3, 3)
    stated = made.certificate
    assert stated == made.certify()
    x = np.linspace(-8, 8, 400001).astype(np.float32)
    error = np.abs(made(x).astype(np.float64) - np.tanh(x.astype(np.float64)))
    assert np.max(error) == pytest.approx(stated.max_abs, rel=2e-3)
    at = np.float32(stated.max_abs_at)
    assert abs(float(made(at)) - np.tanh(float(at))) == pytest.approx(stated.max_abs, rel=1e-6)
    assert stated.nbytes == 20 and stated.symmetric == "odd" and stated.nan == "NaN gives NaN"
    low, high = stated.saturation
    assert high == -low == pytest.approx(made.end, rel=1e-6)
    assert made(np.float32(high)) == 1
    text = str(stated)
    assert "max absolute error" in text and "reached within a factor" in text
    assert Certificate.from_dict(stated.as_dict()) == stated


def test_monotone_is_measured():
    rising = edge.lookup_table("tanh", 33)
    assert rising.certificate.monotone == "rising"
    assert edge.polynomial("gelu", 6).certificate.monotone == "no"
    falling = edge.lookup_table(lambda x: -np.tanh(x), 33, (-4, 4))
    assert falling.certificate.monotone == "falling"


def test_the_range_of_a_certificate_ends_where_the_function_is_left():
    """exp has an asymptote on the left alone, whose distance counts; on the right nothing does."""
    made = edge.lookup_table("exponential", 33, (-3, 1))
    assert made.certificate.max_abs == pytest.approx(np.exp(-3.0), rel=1e-3)
    assert made(-5.0) == 0
    assert made(5.0) == np.float32(np.e)


def test_every_float_of_a_range():
    made = edge.polynomial("sigmoid", 6)
    sampled = made.certify()
    found = made.certify_exhaustively(0.5, 0.53125)
    assert found.count == 2**19 + 1
    assert found.max_abs <= sampled.max_abs
    assert found.inputs == "every float32 in [0.5, 0.53125]"
    with pytest.raises(ValueError, match="in order"):
        made.certify_exhaustively(1, 0)
    with pytest.raises(ValueError, match="float64"):
        MADE["float64"].certify_exhaustively()


@pytest.mark.long
def test_samples_find_what_every_float_finds():
    for made in (edge.rational("tanh", 3, 3), edge.lookup_table("gelu", 65)):
        sampled = made.certify()
        complete = made.certify_exhaustively()
        assert complete.count > 2**31
        assert complete.max_abs <= 1.001 * sampled.max_abs
        assert complete.monotone == sampled.monotone or sampled.monotone == "no"


def test_limits_of_infinite_certificates():
    stated = MADE["tanh rational"].certificate
    assert replace(stated, limit=None).ratio is None
    assert replace(stated, max_lsb=0.5, max_lsb_at=1.0, limit=0.25).ratio == 2
