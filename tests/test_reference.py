"""The oracle and the metric, on which all other tests rest, are tested here without the package."""

import inspect
from functools import partial
from itertools import pairwise
from math import inf, nan
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, ctx
from scipy import special

from fastcpuact.accuracy import float64
from fastcpuact.accuracy.balls import UndecidedError, exceeds, precision, sharply
from fastcpuact.accuracy.reference import CASES, REFERENCES, Case, Curve
from fastcpuact.accuracy.rows import ROWS, softmax
from fastcpuact.accuracy.samples import (
    bit_patterns,
    extremes,
    from_ordinals,
    neighbours,
    ordinals,
    uniform,
)
from fastcpuact.accuracy.ulp import spacing, ulp_error

mp = mpmath.MPContext()
mp.prec = 600  # differences of a value near 1 have to show derivatives of e^(-12²)

DTYPES = [np.float16, np.float32, np.float64]
JUDGED = [(np.float16, False), (np.float32, False), (np.float64, True)]  # dtype, by balls
CURVES = [
    pytest.param(case, curve, id=f"{case}.{curve}")
    for case in CASES
    for curve in case.reference().curves
]
every_curve = pytest.mark.parametrize(("case", "name"), CURVES)


def curve_of(case: Case, name: str, dtype: Any = np.float64) -> Curve:
    return case.reference(dtype).curves[name]


LEAST = mp.mpf(2) ** -1094


def is_near(ball: arb, expected: Any, tolerance: float = 2.0**-70, least: Any = LEAST) -> bool:
    """Whether the value agrees, by default to 2**-20 ULP of float64."""
    return bool(abs(mp.mpf(ball.mid()) - expected) <= max(tolerance * abs(expected), least))


# What there is, with its defaults.

# fmt: off
ACTIVATIONS: dict[str, dict[str, float | None]] = {
    "identity": {}, "step": {"at_zero": 0.0}, "sigmoid": {}, "tanh": {}, "relu": {}, "relu6": {},
    "relu_squared": {}, "leaky_relu": {"negative_slope": 0.01}, "prelu": {"weight": 0.25},
    "elu": {"alpha": 1.0}, "celu": {"alpha": 1.0}, "selu": {}, "silu": {}, "swish": {"beta": 1.0},
    "gelu": {}, "gelu_tanh": {}, "gelu_sigmoid": {}, "mish": {}, "hardswish": {},
    "hardsigmoid": {"slope": 1 / 6, "offset": 0.5}, "hardtanh": {"min_val": -1.0, "max_val": 1.0},
    "softplus": {"beta": 1.0}, "logsigmoid": {}, "softsign": {}, "squareplus": {"b": 4.0},
    "exponential": {}, "tanhshrink": {}, "softshrink": {"lambd": 0.5}, "hardshrink": {"lambd": 0.5},
    "threshold": {"threshold": None, "value": None}, "sparse_plus": {}, "sparse_sigmoid": {},
    "serf": {}, "dish": {}, "snake": {"alpha": 1.0}, "gaussian": {},
    "spike_atan": {"alpha": 2.0}, "spike_fast_sigmoid": {"slope": 25.0},
}
FROM_OUTPUT = {
    "sigmoid", "tanh", "relu", "relu6", "hardtanh", "leaky_relu", "elu", "celu", "selu",
    "exponential", "softplus", "logsigmoid", "softsign", "hardsigmoid",
}
# fmt: on


def test_all_activations_are_there() -> None:
    assert {name: dict(family.params) for name, family in REFERENCES.items()} == ACTIVATIONS


@pytest.mark.parametrize("case", CASES, ids=str)
def test_all_curves_are_there(case: Case) -> None:
    curves = {"value", "grad", "grad2", *(f"grad_{p}" for p in REFERENCES[case.name].params)}
    is_determined = case.name in FROM_OUTPUT and not any(
        case.params.get(p, 0) < 0 for p in ("negative_slope", "alpha")
    )
    assert set(case.reference().curves) == curves | (
        {"grad_from_output"} if is_determined else set()
    )


def test_parameters_are_checked() -> None:
    for name, params in [("silu", {"beta": 1.0}), ("threshold", {"value": 1.0})]:
        with pytest.raises(TypeError, match=f"{name} has the parameters"):
            REFERENCES[name](**params)


# The exact values, against mpmath.


def mp_sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def mp_softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x))


def clip(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def hardsigmoid(x: Any, slope: Any, offset: Any) -> Any:
    return clip(slope * x + offset, mp.zero, mp.one)


def shrink(x: Any, lambd: Any) -> Any:
    return mp.sign(x) * max(abs(x) - lambd, mp.zero)


def gelu_tanh(x: Any) -> Any:
    u = mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)
    return x * mp_sigmoid(2 * u)


def selu(x: Any) -> Any:
    alpha = mp.mpf("1.6732632423543772848170429916717")
    scale = mp.mpf("1.0507009873554804934193349852946")
    return scale * (x if x > 0 else alpha * mp.expm1(x))


def step(x: Any, *params: Any) -> Any:
    return mp.one if x > 0 else mp.zero


IN_MPMATH: dict[str, Any] = {
    "identity": lambda x: x,
    "step": step,
    "sigmoid": mp_sigmoid,
    "tanh": mp.tanh,
    "relu": lambda x: max(x, mp.zero),
    "relu6": lambda x: clip(x, mp.zero, mp.mpf(6)),
    "relu_squared": lambda x: max(x, mp.zero) ** 2,
    "leaky_relu": lambda x, negative_slope: x if x > 0 else negative_slope * x,
    "prelu": lambda x, weight: x if x > 0 else weight * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    "celu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x / alpha),
    "selu": selu,
    "silu": lambda x: x * mp_sigmoid(x),
    "swish": lambda x, beta: x * mp_sigmoid(beta * x),
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "gelu_tanh": gelu_tanh,
    "gelu_sigmoid": lambda x: x * mp_sigmoid(mp.mpf("1.702") * x),
    "mish": lambda x: x * mp.tanh(mp_softplus(x)),
    "hardswish": lambda x: x * clip(x + 3, mp.zero, mp.mpf(6)) / 6,
    "hardsigmoid": hardsigmoid,
    "hardtanh": clip,
    "softplus": lambda x, beta: mp_softplus(beta * x) / beta,
    "logsigmoid": lambda x: -mp_softplus(-x),
    "softsign": lambda x: x / (1 + abs(x)),
    "squareplus": lambda x, b: (x + mp.sqrt(x**2 + b)) / 2,
    "exponential": mp.exp,
    "tanhshrink": lambda x: x - mp.tanh(x),
    "softshrink": shrink,
    "hardshrink": lambda x, lambd: x if abs(x) > lambd else mp.zero,
    "threshold": lambda x, threshold, value: x if x > threshold else value,
    "sparse_plus": lambda x: mp.zero if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4,
    "sparse_sigmoid": lambda x: clip((x + 1) / 2, mp.zero, mp.one),
    "serf": lambda x: x * mp.erf(mp_softplus(x)),
    "dish": lambda x: x / 2 * (x / mp.sqrt(1 + x**2) + 1),
    "snake": lambda x, alpha: x + mp.sin(alpha * x) ** 2 / alpha,
    "gaussian": lambda x: mp.exp(-(x**2)),
    "spike_atan": step,
    "spike_fast_sigmoid": step,
}
SURROGATES: dict[str, Any] = {
    "spike_atan": lambda x, alpha: alpha / 2 / (1 + (mp.pi * alpha / 2 * x) ** 2),
    "spike_fast_sigmoid": lambda x, slope: 1 / (1 + slope * abs(x)) ** 2,
}


def in_mpmath(case: Case, name: str) -> Any:
    """A curve as a function of x, with numerical derivatives."""
    f, params = IN_MPMATH[case.name], [mp.mpf(p) for p in case.reference().params.values()]
    if name == "value":
        return lambda x: f(x, *params)
    if name in ("grad", "grad2") and case.name in SURROGATES:
        slope = SURROGATES[case.name]
        return lambda x: mp.diff(lambda t: slope(t, *params), x, int(name == "grad2"))
    if name in ("grad", "grad2"):
        return lambda x: mp.diff(lambda t: f(t, *params), x, 2 if name == "grad2" else 1)
    place = list(REFERENCES[case.name].params).index(name.removeprefix("grad_"))

    def with_parameter(x: Any, p: Any) -> Any:
        return f(x, *params[:place], p, *params[place + 1 :])

    return lambda x: mp.diff(partial(with_parameter, x), params[place])


def points(case: Case, half_width: float, n: int = 100) -> Any:
    """Points of all magnitudes, other than kinks."""
    rng = np.random.default_rng(0)
    small = 2.0 ** rng.uniform(-30, 0, n // 2) * rng.choice([-1, 1], n // 2)
    x = np.concatenate([rng.uniform(-half_width, half_width, n - n // 2), small])
    return x[~np.isin(x, [float(kink) for kink, _ in case.reference().kinks])]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_agree_with_mpmath(case: Case) -> None:
    x = points(case, half_width=700)
    f = in_mpmath(case, "value")
    for xi, ball in zip(x.tolist(), curve_of(case, "value").exactly(x), strict=True):
        assert is_near(ball, f(mp.mpf(xi))), xi


@every_curve
def test_derivatives_agree_with_mpmath(case: Case, name: str) -> None:
    if name in ("value", "grad_from_output"):
        pytest.skip("not a derivative")
    x = points(case, half_width=12)
    derivative = in_mpmath(case, name)
    for xi, ball in zip(x.tolist(), curve_of(case, name).exactly(x), strict=True):
        assert is_near(ball, derivative(mp.mpf(xi)), least=mp.mpf(2) ** -500), xi


# Far out, where numerical derivatives have no digits left.
ANALYTIC: dict[tuple[str, str], Any] = {
    ("sigmoid", "grad"): lambda x: mp_sigmoid(x) * mp_sigmoid(-x),
    ("tanh", "grad"): lambda x: mp.sech(x) ** 2,
    ("tanh", "grad2"): lambda x: -2 * mp.tanh(x) * mp.sech(x) ** 2,
    ("softplus", "grad2"): lambda x: mp_sigmoid(x) * mp_sigmoid(-x),
    ("silu", "grad"): lambda x: mp_sigmoid(x) * (1 + x * mp_sigmoid(-x)),
    ("swish", "grad_beta"): lambda x: x**2 * mp_sigmoid(x) * mp_sigmoid(-x),
    ("gelu", "grad"): lambda x: mp.ncdf(x) + x * mp.npdf(x),
    ("gelu", "grad2"): lambda x: (2 - x**2) * mp.npdf(x),
    ("mish", "grad"): lambda x: (
        mp.tanh(mp_softplus(x)) + x * mp.sech(mp_softplus(x)) ** 2 * mp_sigmoid(x)
    ),
    ("squareplus", "grad"): lambda x: (1 + x / mp.sqrt(x**2 + 4)) / 2,
    ("softsign", "grad2"): lambda x: -2 * mp.sign(x) / (1 + abs(x)) ** 3,
    ("gaussian", "grad"): lambda x: -2 * x * mp.exp(-(x**2)),
    ("snake", "grad"): lambda x: 1 + mp.sin(2 * x),
    ("snake", "grad_alpha"): lambda x: x * mp.sin(2 * x) - mp.sin(x) ** 2,
    ("celu", "grad_alpha"): lambda x: (mp.expm1(x) - x * mp.exp(x)) * (x < 0),
}


@pytest.mark.parametrize(("name", "curve"), ANALYTIC)
def test_derivatives_far_out(name: str, curve: str) -> None:
    x = np.ldexp(uniform(np.float64, [1.0], 40), np.arange(40) % 10)
    f = ANALYTIC[name, curve]
    with mp.workprec(2000):
        for xi, ball in zip(x.tolist(), REFERENCES[name]().curves[curve].exactly(x), strict=True):
            assert is_near(ball, f(mp.mpf(xi))), xi


@pytest.mark.parametrize(
    "case", [c for c in CASES if "grad_from_output" in c.reference().curves], ids=str
)
def test_the_output_determines_the_gradient(case: Case) -> None:
    curves = case.reference().curves
    params = [arb(p) for p in case.reference().params.values()]
    for x in points(case, half_width=12).tolist():
        with precision(400, terms=2):
            y = curves["value"]._expression(arb(x), *params)
            from_output = curves["grad_from_output"]._expression(y, *params)
            assert from_output.overlaps(curves["grad"]._expression(arb(x), *params)), x
            assert from_output.rel_accuracy_bits() > 60 or from_output.is_zero()


# Known values.


def normal_cdf(x: float) -> Any:
    return mp.quad(mp.npdf, [-mp.inf, -8, x])


e = mp.e
LANDMARKS = [
    ("leaky_relu", "value", -100, mp.mpf(0.01) * -100),
    ("sigmoid", "value", 1, e / (1 + e)),
    ("sigmoid", "grad", 0, mp.mpf(1) / 4),
    ("tanh", "value", 1, (e**2 - 1) / (e**2 + 1)),
    ("tanh", "grad", 1, 4 / (e + 1 / e) ** 2),
    ("silu", "value", -1, -1 / (1 + e)),
    ("silu", "grad2", 0, mp.mpf(1) / 2),
    ("gelu", "value", -5, -5 * normal_cdf(-5)),
    ("gelu", "grad2", 0, mp.sqrt(2 / mp.pi)),
    ("softplus", "value", 1, mp.log(1 + e)),
    ("softplus", "grad_beta", 0, -mp.log(2)),
    ("mish", "value", 1, ((1 + e) ** 2 - 1) / ((1 + e) ** 2 + 1)),
    ("mish", "grad", 0, mp.mpf(3) / 5),
    ("squareplus", "value", 0, mp.one),
    ("serf", "grad", 0, mp.erf(mp.log(2))),
    ("snake", "value", np.pi / 4, mp.mpf(np.pi / 4) + mp.sin(mp.mpf(np.pi / 4)) ** 2),
    ("spike_atan", "grad", 0, mp.one),
]


@pytest.mark.parametrize(("name", "curve", "x", "expected"), LANDMARKS)
def test_landmarks(name: str, curve: str, x: float, expected: Any) -> None:
    [ball] = REFERENCES[name]().curves[curve].exactly([x])
    assert is_near(ball, expected)


def test_silu_has_its_minimum_in_closed_form() -> None:
    w = mp.lambertw(1 / mp.e)
    silu = REFERENCES["silu"]()
    [root] = silu.grad.roots
    assert abs(root - (-1 - w)) < 2.0**-52
    [least] = silu.value.exactly([root])
    assert is_near(least, -w)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_kinks_follow_the_convention(case: Case) -> None:
    reference = case.reference()
    for kink, gradient in reference.kinks:
        for zero in {float(kink), -float(kink)} if kink == 0 else {float(kink)}:
            assert reference.grad([zero])[0] == float(reference.grad.exactly([zero])[0]) == gradient


# At kinks: name, x, f'(x) and f''(x).
CONVENTIONS = [
    ("relu", 0, 0, 0),
    ("relu6", 0, 0, 0),
    ("relu6", 6, 0, 0),
    ("relu_squared", 0, 0, 0),
    ("elu", 0, 1, 1),
    ("celu", 0, 1, 1),
    ("hardswish", -3, 0, 0),
    ("hardswish", 3, 1, 0),
    ("hardtanh", -1, 0, 0),
    ("hardtanh", 1, 0, 0),
    ("softshrink", -0.5, 0, 0),
    ("softshrink", 0.5, 0, 0),
    ("hardshrink", 0.5, 0, 0),
    ("sparse_plus", -1, 0, 0),
    ("sparse_plus", 1, 1, 0),
    ("sparse_sigmoid", -1, 0, 0),
    ("sparse_sigmoid", 1, 0, 0),
    ("softsign", 0, 1, 2),
    ("spike_fast_sigmoid", 0, 1, 50),
]


@pytest.mark.parametrize(("name", "x", "grad", "grad2"), CONVENTIONS)
def test_conventions(name: str, x: float, grad: float, grad2: float) -> None:
    curves = REFERENCES[name]().curves
    for curve, expected in (("grad", grad), ("grad2", grad2)):
        assert float(curves[curve].exactly([x])[0]) == curves[curve]([x])[0] == expected


# Name, gradient, parameters, x, and the gradient with respect to the parameter.
PARAMETER_CONVENTIONS: list[tuple[str, str, dict[str, float], list[float], list[float]]] = [
    ("step", "grad_at_zero", {}, [-1, 0, 1], [0, 1, 0]),
    ("leaky_relu", "grad_negative_slope", {}, [-2, 0, 2], [-2, 0, 0]),
    ("hardtanh", "grad_min_val", {}, [-2, -1, 0, 1, 2], [1, 1, 0, 0, 0]),
    ("hardtanh", "grad_max_val", {}, [-2, -1, 0, 1, 2], [0, 0, 0, 1, 1]),
    ("softshrink", "grad_lambd", {}, [-1, -0.5, 0, 0.5, 1], [1, 0, 0, 0, -1]),
    ("hardshrink", "grad_lambd", {}, [-1, -0.5, 0, 0.5, 1], [0] * 5),
    ("threshold", "grad_threshold", {"threshold": 1, "value": 2}, [0, 1, 2], [0] * 3),
    ("threshold", "grad_value", {"threshold": 1, "value": 2}, [0, 1, 2], [1, 1, 0]),
    ("hardsigmoid", "grad_slope", {"slope": 0.25}, [-2, -1, 0, 2], [0, -1, 0, 0]),
    ("hardsigmoid", "grad_offset", {"slope": 0.25}, [-2, -1, 0, 2], [0, 1, 1, 0]),
    ("spike_atan", "grad_alpha", {}, [-1, 0, 1], [0] * 3),
    ("spike_fast_sigmoid", "grad_slope", {}, [-1, 0, 1], [0] * 3),
]


@pytest.mark.parametrize(("name", "curve", "params", "x", "expected"), PARAMETER_CONVENTIONS)
def test_parameter_conventions(
    name: str, curve: str, params: Any, x: list[float], expected: list[float]
) -> None:
    reference = REFERENCES[name](**params).curves[curve]
    assert reference(x).tolist() == reference.exactly(x).astype(float).tolist() == expected


# Limits and properties.

# At -inf and inf; signs of zeros count.
LIMITS = [
    ("relu", "value", 0.0, inf),
    ("leaky_relu", "value", -inf, inf),
    ("sigmoid", "value", 0.0, 1.0),
    ("tanh", "grad", 0.0, 0.0),
    ("silu", "value", -0.0, inf),
    ("silu", "grad", -0.0, 1.0),
    ("silu", "grad2", -0.0, -0.0),
    ("gelu", "value", -0.0, inf),
    ("gelu_tanh", "value", -0.0, inf),
    ("mish", "value", -0.0, inf),
    ("dish", "value", -0.0, inf),
    ("logsigmoid", "value", -inf, -0.0),
    ("softplus", "value", 0.0, inf),
    ("softplus", "grad_beta", -0.0, -0.0),
    ("squareplus", "grad", 0.0, 1.0),
    ("snake", "value", -inf, inf),
    ("snake", "grad", 1.0, 1.0),
    ("snake", "grad2", nan, nan),
    ("gaussian", "grad", 0.0, -0.0),
    ("elu", "grad_alpha", -1.0, 0.0),
    ("selu", "value", -1.7580993408473768, inf),
    ("softplus", "grad_from_output", nan, 1.0),
]


@pytest.mark.parametrize(("name", "curve", "below", "above"), LIMITS)
def test_known_limits(name: str, curve: str, below: float, above: float) -> None:
    limits = np.array(REFERENCES[name]().curves[curve].limits)
    assert np.array_equal(limits, [below, above], equal_nan=True)
    defined = ~np.isnan(limits)
    assert np.array_equal(np.signbit(limits)[defined], np.signbit([below, above])[defined])


@every_curve
def test_limits_are_approached(case: Case, name: str) -> None:
    curve = curve_of(case, name)
    for infinity, limit in zip((-inf, inf), curve.limits, strict=True):
        far = np.copysign(1e30, infinity)
        if np.isnan(limit) or name in curve.facts.limits:
            continue
        [y] = curve.exactly([far])
        if np.isinf(limit):
            assert float(y) * limit > 0 and abs(float(y)) > 1e25
        else:
            assert abs(float(y) - limit) <= 1e-25
        assert curve([infinity])[0] == float(curve.exactly([infinity])[0]) == limit
        assert np.signbit(curve([infinity])[0]) == np.signbit(limit)
    assert np.isnan(curve([nan])[0]) and np.isnan(float(curve.exactly([nan])[0]))


def test_where_there_is_no_limit_any_result_will_do() -> None:
    x = np.array([inf, -inf, 0.5])
    for dtype in DTYPES:
        errors = REFERENCES["snake"]().curves["grad2"].ulp_errors(np.zeros(3, dtype), x)
        assert errors[0] == errors[1] == 0 < errors[2]


@every_curve
def test_properties_hold_exactly(case: Case, name: str) -> None:
    curve = curve_of(case, name)
    x = np.sort(np.random.default_rng(0).uniform(-40, 40, 400))
    x = x[(x >= curve.domain[0]) & (x <= curve.domain[1])]
    y = curve.exactly(x)
    low, high = (arb(float(end)) for end in curve.image)
    slack = arb(2) ** -48  # an end may be the rounding of the mathematical one
    assert all(low - slack <= v <= high + slack for v in y)
    assert not curve.rising or all(a <= b or a.overlaps(b) for a, b in pairwise(y))
    assert not curve.falling or all(a >= b or a.overlaps(b) for a, b in pairwise(y))
    if curve.parity:
        mirrored = curve.exactly(-x)
        assert all((curve.parity * a).overlaps(b) for a, b in zip(y, mirrored, strict=True))


def test_arrays_of_parameters_are_pairs() -> None:
    x, beta = uniform(np.float32, [4], 6), np.linspace(0.5, 3, 6)
    pairs = list(zip(x, beta, strict=True))
    family = REFERENCES["swish"]
    for name in ("value", "grad", "grad_beta"):
        curve = family(beta=beta).curves[name]
        one_by_one = [family(beta=b).curves[name]([v])[0] for v, b in pairs]
        assert curve(x).tolist() == one_by_one
        assert np.allclose(curve.exactly(x).astype(float), one_by_one, rtol=1e-14)
        grid = family(beta=beta[:, None]).curves[name]
        assert grid(x).shape == grid.exactly(x).shape == (6, 6)
        assert np.diagonal(grid(x)).tolist() == one_by_one
        assert np.all(grid.ulp_errors(grid(x), x) < 100)


@pytest.mark.parametrize("name", [n for n, params in ACTIVATIONS.items() if params])
def test_parameters_are_drawn_from_their_ranges(name: str) -> None:
    drawn = REFERENCES[name].draw(1000, np.float32)
    assert drawn.keys() == ACTIVATIONS[name].keys()
    for parameter, (low, high) in REFERENCES[name].definition.ranges.items():
        assert drawn[parameter].dtype == np.float32
        assert low <= drawn[parameter].min() < drawn[parameter].max() <= high


# The float64 curves.


def test_every_float64_formula_is_that_of_a_curve() -> None:
    curves = {
        case.name if name == "value" else f"{case.name}_{name}"
        for case, name in (param.values for param in CURVES)
    }
    helpers = {"total", "sigmoids", "log1p_exp", "normal_pdf"}
    public = {n for n, f in vars(float64).items() if inspect.isfunction(f) and n[0] != "_"}
    assert public & curves == curves
    assert public - curves - {"precision", "factorial"} == helpers


def assert_good_to_30_bits(curve: Curve, x: Any) -> None:
    least = arb((1, -150))
    for xi, y, exact in zip(x.tolist(), curve(x).tolist(), curve.exactly(x), strict=True):
        error = abs(exact - y) if np.isfinite(y) else arb(0 if float(exact) == y else inf)
        assert error <= arb((1, -30)) * max(abs(exact), least), xi


@every_curve
def test_float64_is_good_to_30_bits(case: Case, name: str) -> None:
    curve = curve_of(case, name, np.float32)
    x = curve.inputs(np.float32, 2**9)
    assert_good_to_30_bits(curve, x[np.isfinite(x)])


@pytest.mark.parametrize("name", [n for n, params in ACTIVATIONS.items() if params])
def test_float64_is_good_to_30_bits_for_any_parameters(name: str) -> None:
    x = np.concatenate([uniform(np.float32, (4, 64), 300), bit_patterns(np.float32, 2**8)])
    x = x[np.isfinite(x)]
    reference = REFERENCES[name](**REFERENCES[name].draw(len(x), np.float32))
    for curve in reference.curves.values():
        if curve.name != "grad_from_output":
            assert_good_to_30_bits(curve, x)


@every_curve
def test_float64_formulas_hardly_ever_need_the_exact_value(case: Case, name: str) -> None:
    curve = curve_of(case, name, np.float32)
    x = np.concatenate([bit_patterns(np.float32, 2**12), uniform(np.float32, (2, 16), 2**12)])
    x = x[np.isfinite(x) & (x >= curve.domain[0]) & (x <= curve.domain[1])].astype(np.float64)
    assert curve._float64 is not None
    with np.errstate(all="ignore"):
        y = np.broadcast_to(curve._float64(x, *curve.params.values()), x.shape)
    assert np.count_nonzero(np.isnan(y)) <= 2


# Balls.


def test_precision_rises_until_cancellation_is_overcome() -> None:
    for x in (1e-5, 1e-40, 1e-80):
        [y] = REFERENCES["tanhshrink"]().value.exactly([x])
        assert is_near(y, mp.mpf(x) ** 3 / 3 * (1 - mp.mpf(x) ** 2 * 2 / 5), 1e-19)
    [least] = REFERENCES["dish"]().value.exactly([-1e300])
    assert is_near(least, mp.mpf(-1e300) ** -1 / 4)


def test_huge_arguments() -> None:
    for x in (1e22, 1e200, -1.7976931348623157e308):
        with mp.workprec(3000):
            assert is_near(REFERENCES["snake"]().grad.exactly([x])[0], 1 + mp.sin(2 * mp.mpf(x)))
    for name in REFERENCES:
        if None not in REFERENCES[name].params.values():
            for curve in REFERENCES[name]().curves.values():
                x = [v for v in (1e308, -1e308) if curve.domain[0] <= v <= curve.domain[1]]
                assert len(curve.exactly(x)) == len(x)


def test_a_comparison_takes_the_bits_that_decide_it() -> None:
    def compare(x: arb, bits: int) -> bool:
        return exceeds(x.sqrt() * x.sqrt(), 3 - arb((1, -bits)))

    operands = [(arb(3), 10), (arb(3), 1000)]
    assert sharply(compare, operands, enough=lambda result: True) == [True, True]
    with precision(100), pytest.raises(UndecidedError):
        compare(arb(3), 1000)


def test_precision_is_left_as_it_was() -> None:
    before = ctx.prec, ctx.cap
    with precision(77, terms=2):
        REFERENCES["gelu"]().curves["grad2"].exactly([1.0])
        assert (ctx.prec, ctx.cap) == (77, 2)
    assert (ctx.prec, ctx.cap) == before


# Rows.


def test_softmax() -> None:
    x = [0.0, float(mp.log(2)), float(mp.log(5))]
    exact = ROWS["softmax"].exactly(x)
    assert np.allclose(exact.astype(float), [1 / 8, 2 / 8, 5 / 8], rtol=1e-15)
    assert np.allclose(softmax(x), exact.astype(float), rtol=1e-15)
    assert (
        ROWS["softmin"].exactly(-np.array(x)).astype(float).tolist() == exact.astype(float).tolist()
    )


ROW = np.array([0.75, -2.0, 1.7, 0.0, 1.7, -40.0])
WEIGHTS = np.array([1.0, -3.0, 0.5, 2.0, -0.25, 4.0])


@pytest.mark.parametrize("name", ["softmax", "softmin", "sparsemax", "entmax15"])
def test_rows_are_distributions(name: str) -> None:
    for x in (ROW, [0.0], [3.0, 3.0], [-800.0, 3.0, 700.0], [1e300, 1e300, -1e300], [1.0, 0.0]):
        y = ROWS[name].exactly(x)
        with precision(100):
            assert abs(sum(y, arb(0)) - 1) < 1e-20
        assert all(v >= 0 for v in y)


def test_sparse_rows() -> None:
    """The conditions of optimality: y = max(x - τ, 0)^p with the same τ in all of the support."""
    assert ROWS["sparsemax"].exactly([0.5, 0.25, -1]).astype(float).tolist() == [0.625, 0.375, 0]
    assert ROWS["sparsemax"].exactly([1.0, 0.0]).astype(float).tolist() == [1, 0]
    for name, scale, power in (("sparsemax", 1, 1), ("entmax15", 0.5, 0.5)):
        for x in (ROW, np.linspace(-1, 1, 50), np.array([1.0, 0.99, 0.5])):
            y = ROWS[name].exactly(x).astype(float)
            thresholds = scale * x[y > 0] - y[y > 0] ** power
            assert np.allclose(thresholds, thresholds[0], atol=1e-12)
            assert np.all(scale * x[y == 0] <= thresholds[0] + 1e-12)


@pytest.mark.parametrize("name", ROWS)
def test_backward_of_rows_is_the_derivative(name: str) -> None:
    y = ROWS[name].exactly(ROW)
    dy = WEIGHTS[: len(y)]
    saved = ROW if name == "logsumexp" else y.astype(float)
    gradient = ROWS[name].backward_exactly(dy, saved).astype(float)
    step = 2.0**-20
    for i in range(len(ROW)):
        ends = [ROWS[name].exactly(ROW + s * step * (np.arange(6) == i)) for s in (1, -1)]
        with precision(100):
            difference = sum((w * (a - b) for w, a, b in zip(dy, *ends, strict=True)), arb(0))
        assert abs(float(difference) / (2 * step) - gradient[i]) < 1e-9


def test_softmax_backward_agrees_with_mpmath() -> None:
    def loss(*point: Any) -> Any:
        e = [mp.exp(v) for v in point]
        return mp.fdot(WEIGHTS.tolist(), e) / mp.fsum(e)

    gradient = ROWS["softmax"].backward_exactly(WEIGHTS, softmax(ROW))
    for i in range(len(ROW)):
        order = tuple(int(i == j) for j in range(len(ROW)))
        assert is_near(gradient[i], mp.diff(loss, tuple(ROW.tolist()), order), 1e-13)


def test_logarithms_of_softmax_keep_their_digits() -> None:
    """Next to 0, where the difference of x and log Σ has none."""
    largest, least = ROWS["log_softmax"].exactly([50.0, 0.0])
    assert is_near(largest, -mp.log1p(mp.exp(-50)))
    assert is_near(least, -50 - mp.log1p(mp.exp(-50)))
    [total] = ROWS["logsumexp"].exactly([-1000.0, -1000.0])
    assert is_near(total, mp.log(2) - 1000)


# The metric.


@pytest.mark.parametrize("dtype", DTYPES)
def test_spacing_agrees_with_numpy(dtype: type[np.floating]) -> None:
    x = np.abs(bit_patterns(dtype, 2**12))
    x = x[x < np.finfo(dtype).max]
    assert np.array_equal(spacing(x.astype(np.float64), dtype), np.spacing(x).astype(np.float64))


def judged(exact: Any, by_balls: bool) -> Any:
    """Exact values as an error is measured from them."""
    made = np.empty(len(exact), object)
    made[:] = [arb(v) for v in exact]
    return made if by_balls else made.astype(np.float64)


@pytest.mark.parametrize(("dtype", "by_balls"), JUDGED)
def test_ulp_error_of_neighbours_is_their_distance(dtype: Any, by_balls: bool) -> None:
    x = np.abs(bit_patterns(dtype, 2**10))
    x = x[x < np.finfo(dtype).max / 4]
    exact = judged(x.tolist(), by_balls)
    for steps in (0, 1, 5):
        moved = from_ordinals(ordinals(x) + steps, dtype)
        assert np.all(ulp_error(moved, exact) >= steps)
        assert np.median(ulp_error(moved, exact)) == steps


def test_ulp_error_sees_what_float64_does_not_hold() -> None:
    with precision(200):
        for scale in (0, 500, -500, 990, 1023, -1000, -1030):
            for share in (0.25, 0.5):
                ulp = max(scale - 52, -1074)
                exact = (1 + arb((1, -8))) * arb((1, scale)) + share * arb((1, ulp))
                y = np.ldexp(1 + 2.0**-8, scale)
                moved = np.array([y, np.nextafter(y, 0), np.nextafter(y, inf)])
                errors = ulp_error(moved, judged([exact] * 3, True))
                assert errors.tolist() == [share, 1 + share, 1 - share]


@pytest.mark.parametrize(("dtype", "by_balls"), JUDGED)
def test_ulp_error_at_the_ends(dtype: Any, by_balls: bool) -> None:
    info = np.finfo(dtype)
    with precision(200):
        largest, least = arb(float(info.max)), arb(float(info.smallest_subnormal))
        half = arb((1, info.maxexp - info.nmant - 2))
        cases = [
            # result, exact, error
            (nan, nan, 0.0),
            (nan, 1.0, inf),
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
            (0.0, 0.0, 0.0),
            (-0.0, 0.0, 0.0),
            (float(info.smallest_subnormal), 0.0, 1.0),
            (0.0, least, 1.0),
            (0.0, least / 2, 0.5),
            (0.0, least / 8, 0.125),
            (float(info.smallest_normal), 1.75 * least, float(2**info.nmant) - 1.75),
        ]
    for result, exact, error in cases:
        measured = ulp_error(np.array([result], dtype), judged([exact], by_balls))
        assert measured[0] == error, (result, exact)


@every_curve
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rounding_the_float64_curve_costs_half_an_ulp(case: Case, name: str, dtype: Any) -> None:
    curve = curve_of(case, name, dtype)
    x = curve.inputs(dtype, 2**11)
    with np.errstate(all="ignore"):
        assert np.max(curve.ulp_errors(curve(x).astype(dtype), x)) <= 0.5


@every_curve
def test_rounding_the_exact_value_costs_half_an_ulp(case: Case, name: str) -> None:
    curve = curve_of(case, name)
    x = curve.inputs(np.float64, 2**7)
    assert np.max(curve.ulp_errors(curve.exactly(x).astype(np.float64), x)) <= 0.5


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
    curve = REFERENCES[name]().curves[form]
    x = curve.inputs(dtype, 2**11)
    with np.errstate(all="ignore"):
        result = np.asarray(formula(x), dtype)
    assert np.max(curve.ulp_errors(result, x)) > 4


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
