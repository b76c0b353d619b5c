"""The oracle and the metric, on which all other tests rest, are tested here without the package."""

from itertools import pairwise
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from scipy import special

from fastcpuact.accuracy.reference import (
    CASES,
    REFERENCES,
    Case,
    Curve,
    mp,
    softmax,
    softmax_backward_exactly,
    softmax_exactly,
)
from fastcpuact.accuracy.ulp import (
    bit_patterns,
    extremes,
    from_ordinals,
    neighbours,
    ordinals,
    spacing,
    ulp_error,
)

DTYPES = [np.float16, np.float32, np.float64]
JUDGED = [(np.float16, False), (np.float32, False), (np.float64, True)]  # dtype, by mpmath
CURVES = [
    pytest.param(getattr(case.reference(), form), id=f"{case}.{form}")
    for case in CASES
    for form in ("value", "grad")
]


# The curves.


def normal_cdf(x: float) -> Any:
    return mp.quad(mp.npdf, [-mp.inf, -8, x])


e = mp.e
LANDMARKS = [
    ("relu", "value", 2.5, 2.5),
    ("relu", "grad", 2.5, 1),
    ("leaky_relu", "value", -100, mp.mpf(0.01) * -100),
    ("leaky_relu", "grad", -100, 0.01),
    ("sigmoid", "value", 1, e / (1 + e)),
    ("sigmoid", "grad", 0, 0.25),
    ("tanh", "value", 1, (e**2 - 1) / (e**2 + 1)),
    ("tanh", "grad", 1, 4 / (e + 1 / e) ** 2),
    ("silu", "value", -1, -1 / (1 + e)),
    ("silu", "grad", 0, 0.5),
    ("gelu", "value", -5, -5 * normal_cdf(-5)),
    ("gelu", "grad", 0, 0.5),
    ("softplus", "value", 1, mp.log(1 + e)),
    ("softplus", "grad", 1, e / (1 + e)),
    ("mish", "value", 1, ((1 + e) ** 2 - 1) / ((1 + e) ** 2 + 1)),
    ("mish", "grad", 0, mp.mpf(3) / 5),
]


@pytest.mark.parametrize(("name", "form", "x", "expected"), LANDMARKS)
def test_landmarks(name: str, form: str, x: float, expected: Any) -> None:
    curve = getattr(REFERENCES[name](), form)
    assert mp.almosteq(curve.exact(mp.mpf(x)), expected, rel_eps=1e-30)


def test_every_row_has_its_landmarks() -> None:
    rows = {(name, form) for name in REFERENCES for form in ("value", "grad")}
    assert {(name, form) for name, form, *_ in LANDMARKS} == rows


def test_silu_has_its_minimum_in_closed_form() -> None:
    w = mp.lambertw(1 / mp.e)
    silu = REFERENCES["silu"]()
    [(root, _)] = silu.grad._expansions
    assert mp.almosteq(root, -1 - w)
    assert mp.almosteq(silu.value.exact(root), -w)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_is_the_derivative_of_the_value(case: Case) -> None:
    reference = case.reference()
    for x in map(mp.mpf, np.random.default_rng(0).uniform(-30, 30, 40)):
        derivative = mp.diff(reference.value.exact, x)
        assert mp.almosteq(reference.grad.exact(x), derivative, rel_eps=1e-20)


@pytest.mark.parametrize("curve", CURVES)
def test_float64_is_good_to_30_bits(curve: Curve) -> None:
    x = curve.inputs(np.float32, 2**9)
    x = x[np.isfinite(x)]
    tolerance = mp.mpf(2) ** -30
    least = mp.mpf(float(np.finfo(np.float32).smallest_subnormal)) / 2
    for xi, approximate, exact in zip(x, curve(x).tolist(), curve.exactly(x), strict=True):
        assert abs(approximate - exact) <= tolerance * max(abs(exact), least), xi


@pytest.mark.parametrize("curve", CURVES)
def test_limits_are_those_of_the_exact_curve(curve: Curve) -> None:
    for limit, far in zip(curve.limits, (mp.mpf(-(10**30)), mp.mpf(10**30)), strict=True):
        y = curve.exact(far)
        if np.isinf(limit):
            assert y * limit > 10**25
        else:
            assert mp.almosteq(y, limit, abs_eps=1e-25)
            assert limit != 0 or y == 0 or np.signbit(limit) == (y < 0)
    assert curve([-inf, inf]).tolist() == list(curve.limits)
    assert np.isnan(curve([nan])[0])
    assert curve.exactly([-inf, inf]).tolist() == list(curve.limits)


@pytest.mark.parametrize("curve", CURVES)
def test_properties_hold_exactly(curve: Curve) -> None:
    x = np.sort(np.random.default_rng(0).uniform(-40, 40, 400))
    y = curve.exactly(x)
    assert all(curve.image[0] <= v <= curve.image[1] for v in y)
    assert not curve.increasing or all(a <= b for a, b in pairwise(y))
    assert not curve.odd or all(curve.exactly(-x) == -y)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_kinks_follow_the_convention(case: Case) -> None:
    reference = case.reference()
    for kink, gradient in reference.kinks.items():
        assert reference.grad([kink])[0] == gradient == reference.grad.exact(mp.mpf(kink))


def test_softmax() -> None:
    x = [0.0, float(mp.log(2)), float(mp.log(5))]
    exact = softmax_exactly(x)
    assert np.allclose(exact.astype(float), [1 / 8, 2 / 8, 5 / 8], rtol=1e-15)
    assert np.allclose(softmax(x), exact.astype(float), rtol=1e-15)
    assert mp.almosteq(mp.fsum(softmax_exactly([-800.0, 3.0, 700.0])), 1)


def test_softmax_backward_is_the_jacobian_of_softmax() -> None:
    x, dy = np.array([[0.3, -2.0, 1.7, 0.0], [1.0, -3.0, 0.5, 2.0]])

    def loss(*point: Any) -> Any:
        e = [mp.exp(v) for v in point]
        return mp.fdot(dy.tolist(), e) / mp.fsum(e)

    gradient = softmax_backward_exactly(dy, softmax_exactly(x))
    for i in range(len(x)):
        order = tuple(int(i == j) for j in range(len(x)))
        assert mp.almosteq(gradient[i], mp.diff(loss, tuple(x.tolist()), order), rel_eps=1e-20)


# The metric.


@pytest.mark.parametrize("dtype", DTYPES)
def test_spacing_agrees_with_numpy(dtype: type[np.floating]) -> None:
    x = np.abs(bit_patterns(dtype, 2**12))
    x = x[x < np.finfo(dtype).max]
    assert np.array_equal(spacing(x.astype(np.float64), dtype), np.spacing(x).astype(np.float64))


@pytest.mark.parametrize(("dtype", "by_mpmath"), JUDGED)
def test_ulp_error_of_neighbours_is_their_distance(dtype: Any, by_mpmath: bool) -> None:
    x = np.abs(bit_patterns(dtype, 2**10))
    x = x[x < np.finfo(dtype).max / 4]
    exact = np.array([mp.mpf(v) for v in x.tolist()], object) if by_mpmath else x.astype(np.float64)
    for steps in (0, 1, 5):
        moved = from_ordinals(ordinals(x) + steps, dtype)
        assert np.all(ulp_error(moved, exact) >= steps)
        assert np.median(ulp_error(moved, exact)) == steps


@pytest.mark.parametrize(("dtype", "by_mpmath"), JUDGED)
def test_ulp_error_at_the_ends(dtype: Any, by_mpmath: bool) -> None:
    info = np.finfo(dtype)
    largest, least = mp.mpf(float(info.max)), mp.mpf(float(info.smallest_subnormal))
    half = mp.mpf(2) ** (info.maxexp - info.nmant - 2)
    cases = [
        # result, exact, error
        (nan, nan, 0.0),
        (nan, mp.one, inf),
        (1.0, nan, inf),
        (inf, inf, 0.0),
        (-inf, inf, inf),
        (nan, inf, inf),
        (float(info.max), inf, inf),
        (inf, largest, inf),
        (inf, largest + half * 0.99, inf),
        (inf, largest + half, 0.0),
        (-inf, largest + half, inf),
        (-inf, -(largest + half), 0.0),
        (float(info.max), largest + half, 0.5),
        (0.0, mp.zero, 0.0),
        (-0.0, mp.zero, 0.0),
        (float(info.smallest_subnormal), mp.zero, 1.0),
        (0.0, least, 1.0),
        (0.0, least / 2, 0.5),
        (0.0, least / 8, 0.125),
        (float(info.smallest_normal), 1.75 * least, float(2**info.nmant) - 1.75),
    ]
    for result, exact, error in cases:
        exact = np.array([exact], object if by_mpmath else np.float64)
        assert ulp_error(np.array([result], dtype), exact)[0] == error, (result, exact)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rounding_the_float64_curve_costs_half_an_ulp(curve: Curve, dtype: Any) -> None:
    x = curve.inputs(dtype, 2**11)
    with np.errstate(all="ignore"):
        assert np.max(ulp_error(curve(x).astype(dtype), curve(x))) <= 0.5


expit, erf, f2, f4, f8 = special.expit, special.erf, np.float16, np.float32, np.float64
# Formulas that lose a tail, NaN or digits of a parameter.
# fmt: off
DEFECTS = {
    "erf cancels": ("gelu", "value", f4, lambda x: x / 2 * (1 + erf(x / f4(2) ** f4(0.5)))),
    "exp overflows": ("sigmoid", "value", f4, lambda x: 1 / (1 + np.exp(-x))),
    "1 - y cancels": ("sigmoid", "grad", f4, lambda x: expit(x) * (1 - expit(x))),
    "1 - y**2 cancels": ("tanh", "grad", f4, lambda x: 1 - np.tanh(x) ** 2),
    "root cancels": ("silu", "grad", f4, lambda x: expit(x) * (1 + x * expit(-x))),
    "log loses 1 + small": ("softplus", "value", f4, lambda x: np.log(1 + np.exp(x))),
    "threshold": ("softplus", "value", f8, lambda x: np.where(x < 20, np.logaddexp(0, x), x)),
    "exp overflows in tanh": ("mish", "value", f4, lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "NaN is lost": ("relu", "value", f4, lambda x: np.where(x > 0, x, 0)),
    "slope in half": ("leaky_relu", "value", f4, lambda x: np.where(x > 0, x, f4(f2(0.01)) * x)),
}
# fmt: on


@pytest.mark.parametrize(("name", "form", "dtype", "formula"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_caught(name: str, form: str, dtype: Any, formula: Any) -> None:
    curve = getattr(REFERENCES[name](), form)
    x = curve.inputs(dtype, 2**11)
    with np.errstate(all="ignore"):
        result = np.asarray(formula(x), dtype)
    exact = curve.exactly(x) if dtype is np.float64 else curve(x)
    assert np.max(ulp_error(result, exact)) > 4


# The samples.


@pytest.mark.parametrize("dtype", DTYPES)
def test_bit_patterns_reach_every_exponent(dtype: type[np.floating]) -> None:
    info = np.finfo(dtype)
    x = bit_patterns(dtype, 2**13)
    finite = x[np.isfinite(x)]
    for sign in (False, True):
        exponents = np.frexp(finite[(np.signbit(finite) == sign) & (finite != 0)])[1]
        assert set(range(info.minexp + 1, info.maxexp + 1)) <= set(exponents.tolist())
    for special_value in extremes(dtype):
        assert np.any((x == special_value) | (np.isnan(x) & np.isnan(special_value)))
    assert np.signbit(x[x == 0]).any() and not np.signbit(x[x == 0]).all()


def test_bit_patterns_cover_all_of_float16() -> None:
    bits = bit_patterns(np.float16, 2**16).view(np.uint16)
    assert len(np.unique(bits)) >= 2**16 - 2 * (2**10 - 1) + 1  # the NaNs are made one


@pytest.mark.parametrize("dtype", DTYPES)
def test_ordinals_number_the_floats(dtype: type[np.floating]) -> None:
    x = np.sort(bit_patterns(dtype, 2**12))
    x = x[np.isfinite(x) & (np.abs(x) < np.finfo(dtype).max)]
    assert np.array_equal(from_ordinals(ordinals(x), dtype), x)
    assert np.array_equal(from_ordinals(ordinals(x) + 1, dtype), np.nextafter(x, dtype(inf)))
    assert np.all(np.diff(ordinals(x)) >= 0)


def test_neighbours_surround_their_points() -> None:
    x = neighbours([-1.0, 0.0], np.float32, n=4)
    below, above = np.nextafter(np.float32(-1), np.array([-2, 0], np.float32))
    tiny = np.finfo(np.float32).smallest_subnormal
    assert {-1, below, above, 0, tiny, -tiny} <= set(x.tolist())


@pytest.mark.parametrize("dtype", DTYPES)
def test_landmarks_are_where_results_begin_and_cease_to_be_normal(dtype: Any) -> None:
    info = np.finfo(dtype)
    underflow = float(mp.log(mp.mpf(float(info.smallest_subnormal)) / 2))
    subnormal = float(np.log(float(info.smallest_normal)))
    found = sorted(REFERENCES["sigmoid"]().value.landmarks(dtype))
    assert np.allclose(found, [underflow, subnormal], rtol=1e-5)
    [root, *_] = REFERENCES["silu"]().grad.landmarks(dtype)
    assert -1.28 < root < -1.27
