"""Diagnostics: units, gains, gradients and depth, against figures found in other ways."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.integrate import quad

import fastcpuact as act
from fastcpuact import diagnostics, plain
from test_plot import is_legible

RNG_SEED = 3


def shown(table: object) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


# The gain


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "selu", "hardswish", "elu", "softplus"])
def test_gain_against_adaptive_quadrature(name):
    f, found = act.get(name), diagnostics.gain(name)

    def moment(g):
        def density(z):
            return g(z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

        parts = [
            quad(density, a, b, epsabs=1e-13) for a, b in ((-12, -3), (-3, 0), (0, 3), (3, 12))
        ]
        return sum(value for value, _ in parts)

    assert found.mean == pytest.approx(moment(lambda z: float(f(z))), abs=1e-12)
    assert found.forward == pytest.approx(moment(lambda z: float(f(z)) ** 2) ** -0.5, rel=1e-11)
    backward = moment(lambda z: float(f.grad(z)) ** 2) ** -0.5
    assert found.backward == pytest.approx(backward, rel=1e-11)
    assert found.compromise == pytest.approx(math.sqrt(found.forward * backward))


def test_gain_takes_names_parameters_and_other_functions():
    assert diagnostics.gain(plain.PLAIN["gelu"]).forward == pytest.approx(
        diagnostics.gain(act.gelu).forward, rel=1e-12
    )
    leaky = diagnostics.gain("leaky_relu", negative_slope=0.5)
    assert leaky.forward == pytest.approx(math.sqrt(2 / (1 + 0.5**2)), rel=1e-14)
    assert diagnostics.gain("step").backward == math.inf


def test_weights_have_the_deviation_that_follows():
    found = diagnostics.gain("gelu")
    weights = found.weights(300, 500, np.random.default_rng(0))
    assert weights.shape == (300, 500) and weights.dtype == np.float32
    assert np.std(weights) == pytest.approx(found.forward / math.sqrt(300), rel=0.01)
    assert found.deviation(300, 500, "backward") == pytest.approx(found.backward / math.sqrt(500))
    compromise = found.compromise / math.sqrt(400)
    assert found.deviation(300, 500, "compromise") == pytest.approx(compromise)


# The units of a layer


def reference(x: np.ndarray, f: act.Activation, flat: float) -> dict[str, object]:
    """The figures from their definitions, with all samples at hand; units are columns."""
    y, slope = f(x.astype(np.float64)), np.abs(f.grad(x.astype(np.float64)))
    finite = np.where(np.isfinite(y), y, np.nan)
    return {
        "mean": np.nanmean(finite),
        "deviation": np.nanstd(finite),
        "dead": np.mean((slope == 0).all(axis=0)),
        "flat": np.mean((slope < flat).all(axis=0)),
        "saturated": np.mean(slope < flat),
        "nan": np.isnan(y).sum(),
        "infinite": np.isinf(y).sum(),
        "unit_mean": np.nanmean(finite, axis=0),
        "unit_deviation": np.nanstd(finite, axis=0),
        "unit_saturated": (slope < flat).mean(axis=0),
        "unit_steepest": slope.max(axis=0),
    }


def layer(rows: int = 400, units: int = 30) -> np.ndarray:
    rng = np.random.default_rng(RNG_SEED)
    x = rng.standard_normal((rows, units)) * 2 + rng.uniform(-20, 8, units)
    x[5, 3], x[7, 4], x[9, 4] = np.nan, np.inf, -np.inf
    return x


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "sigmoid"])
@pytest.mark.parametrize("batch", [1, 37, 400])
def test_stats_of_any_batches_are_those_of_all_samples(name, batch):
    x, f = layer(), act.get(name)
    stats = diagnostics.ActivationStats(f, flat=0.05)
    for start in range(0, len(x), batch):
        part = x[start : start + batch]
        stats.update(part, f(part) if start % 2 else None)
    found = stats.result()
    assert (found.samples, found.units) == x.shape
    for key, expected in reference(x, f, 0.05).items():
        np.testing.assert_allclose(getattr(found, key), expected, 1e-12, 1e-13, err_msg=key)


def test_stats_merge():
    x = layer()
    parts = [diagnostics.ActivationStats("tanh").update(half) for half in (x[:100], x[100:])]
    merged = parts[0].merge(parts[1]).merge(diagnostics.ActivationStats("tanh")).result()
    whole = diagnostics.activation_stats(x, f="tanh")
    assert merged.mean == pytest.approx(whole.mean, rel=1e-13)
    np.testing.assert_allclose(merged.unit_deviation, whole.unit_deviation, 1e-12, 1e-13)
    with pytest.raises(ValueError, match=r"flat must be 0\.01, got 0\.1"):
        parts[0].merge(diagnostics.ActivationStats("tanh", flat=0.1))


def test_stats_of_images_by_channel():
    x = np.random.default_rng(0).standard_normal((4, 3, 5, 6)).astype(np.float32)
    found = diagnostics.activation_stats(x, f="leaky_relu", axis=1, negative_slope=0.5)
    assert (found.samples, found.units) == (120, 3)
    expected = act.leaky_relu(x, 0.5).mean(axis=(0, 2, 3), dtype=np.float64)
    np.testing.assert_allclose(found.unit_mean, expected, rtol=1e-6)


def test_mean_of_large_numbers_keeps_its_digits():
    """Far from zero, sums of squares would cancel."""
    x = 1e8 + np.random.default_rng(0).standard_normal((1000, 2))
    stats = diagnostics.ActivationStats("identity")
    for part in np.split(x, 10):
        stats.update(part)
    np.testing.assert_allclose(stats.result().unit_deviation, x.std(axis=0), rtol=1e-7)


def test_stats_refuse():
    stats = diagnostics.ActivationStats("relu")
    with pytest.raises(ValueError, match="before the first batch"):
        stats.result()
    stats.update(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="x must have 3 units, got 4"):
        stats.update(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"y must have the shape of x, \(2, 3\), got \(3, 2\)"):
        stats.update(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="flat must be positive, got 0"):
        diagnostics.ActivationStats("relu", flat=0)
    with pytest.raises(TypeError, match="f must be the name of an activation, or a callable"):
        diagnostics.activation_stats(np.zeros(3), f=np.tanh)
    with pytest.raises(ValueError, match="did you mean"):
        diagnostics.activation_stats(np.zeros(3), f="gleu")
    assert stats.result().samples == 2


# Gradients


def test_gradient_flow():
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal((4, 6)) * 10.0**-k for k in range(5)]
    weights = [rng.standard_normal((4, 6)) for _ in range(5)]
    flow = diagnostics.gradient_flow(list(zip(weights, gradients, strict=True)))
    norms = [np.linalg.norm(g) for g in gradients]
    assert [found.norm for found in flow.layers] == pytest.approx(norms)
    assert flow.layers[2].rms == pytest.approx(np.sqrt(np.mean(gradients[2] ** 2)))
    assert flow.layers[1].relative == pytest.approx(norms[1] / np.linalg.norm(weights[1]))
    assert flow.ratio == pytest.approx(norms[0] / norms[-1])
    assert flow.verdict == "exploding"
    assert diagnostics.gradient_flow(gradients[::-1]).verdict == "vanishing"
    assert diagnostics.gradient_flow({"a": gradients[0]}).verdict == "steady"


def test_gradients_that_are_not_finite():
    flow = diagnostics.gradient_flow({"first": [1.0, np.nan, 0.0], "last": [np.inf, 2.0, 0.0]})
    assert [found.not_finite for found in flow.layers] == [1, 1]
    assert flow.layers[0].norm == 1 and flow.layers[1].zeros == pytest.approx(1 / 3)
    assert flow.verdict == "not finite" and math.isnan(flow.ratio)
    assert json.loads(json.dumps(flow.as_dict(), allow_nan=False))["ratio"] is None


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "layers must hold one gradient at least"),
        ([[]], ValueError, "layer 1: the gradient is empty"),
        (["a"], TypeError, "layer 1: the gradient must hold real numbers"),
        ({"w": (np.zeros(2), np.zeros(3))}, ValueError, "layer w: weights and gradient"),
    ],
)
def test_gradient_flow_refuses(layers, error, message):
    with pytest.raises(error, match=message):
        diagnostics.gradient_flow(layers)


# Depth


@pytest.mark.parametrize("name", ["relu", "tanh", "selu", "sigmoid"])
def test_depth_follows_the_gain(name):
    """What the theory of wide networks predicts from one layer holds for ten."""
    [run] = diagnostics.depth_experiment([name], layers=11, width=400, samples=64).runs
    assert len(run.signal) == len(run.gradient) == 11
    assert run.signal_growth == pytest.approx(1, rel=0.04)
    expected = diagnostics.gain(name).gradient_growth
    assert run.gradient_growth == pytest.approx(expected, rel=0.04)


def test_depth_with_the_backward_gain_keeps_gradients():
    found = diagnostics.depth_experiment(["sigmoid"], layers=8, width=300, mode="backward")
    growth = diagnostics.gain("sigmoid")
    assert found.runs[0].signal_growth > 1
    assert growth.gradient_growth < 0.2 < found.runs[0].gradient_growth


def test_depth_gradient_is_the_derivative():
    """The variance of the gradients is that of finite differences of the same network."""
    layers, width = 4, 12
    [run] = diagnostics.depth_experiment(["tanh"], layers=layers, width=width, samples=2).runs
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, width))
    scale = diagnostics.gain("tanh").forward / math.sqrt(width)
    weights = [scale * rng.standard_normal((width, width)) for _ in range(layers - 1)]
    upstream = rng.standard_normal((2, width))

    def loss(x):
        for matrix in weights:
            x = np.tanh(x) @ matrix
        return np.sum(np.tanh(x) * upstream)

    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-5
        gradient[place] = (loss(x + step) - loss(x - step)) / 2e-5
    assert run.gradient[0] == pytest.approx(np.var(gradient), rel=1e-7)


def test_depth_survives_what_overflows():
    found = diagnostics.depth_experiment(["relu_squared"], layers=40, width=32, mode="unit")
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert "relu_squared" in shown(found.table()) and "not finite" in shown(found.table())
    assert is_legible(found.plot())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activations": []}, "activations must name one at least"),
        ({"activations": ["relu"], "layers": 0}, "layers must be positive, got 0"),
        ({"activations": ["relu"], "mode": "best"}, "mode must be one of .* got 'best'"),
    ],
)
def test_depth_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        diagnostics.depth_experiment(**arguments)


# What they show


def test_tables_and_pictures_are_legible():
    x = layer()
    results = {
        "relu": diagnostics.activation_stats(x, f="relu"),
        "1.53": diagnostics.gain("gelu"),
        "vanishing": diagnostics.gradient_flow([np.full(3, 1e-9), np.ones(3)]),
        "sigmoid": diagnostics.depth_experiment(["relu", "sigmoid"], layers=6, width=32),
    }
    for expected, result in results.items():
        table = shown(result.table())
        assert expected in table and "…" not in table
        assert is_legible(result.plot())
        assert json.dumps(result.as_dict(), allow_nan=False)


def test_statistics_of_another_activation_are_not_merged() -> None:
    x = np.ones((2, 3))
    stats = diagnostics.ActivationStats("gelu").update(x)
    with pytest.raises(ValueError, match=r"must be of .*gelu.*got .*relu"):
        stats.merge(diagnostics.ActivationStats("relu").update(x))
    with pytest.raises(ValueError, match="alpha"):
        diagnostics.ActivationStats("elu", alpha=2.0).merge(
            diagnostics.ActivationStats("elu").update(x)
        )
    with pytest.raises(TypeError, match="other must be ActivationStats, got int"):
        stats.merge(3)


@pytest.mark.parametrize("axis", [None, (0, 1), 1.5])
def test_an_axis_that_is_no_integer(axis: Any) -> None:
    with pytest.raises(TypeError, match="axis must be an integer"):
        diagnostics.activation_stats(np.ones((2, 3)), f="relu", axis=axis)


def test_statistics_of_the_largest_numbers_warn_of_nothing() -> None:
    found = diagnostics.activation_stats(np.array([[1e308], [1.5e308], [-1e308]]), f="identity")
    assert found.mean == pytest.approx(0.5e308) and found.deviation == np.inf


def test_weights_that_nothing_could_scale() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="mode 'backward': step"):
        diagnostics.gain("step").weights(4, 4, rng, mode="backward")
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got int"):
        diagnostics.gain("relu").weights(4, 4, 0)


def test_a_depth_experiment_of_one_activation() -> None:
    [run] = diagnostics.depth_experiment("relu", layers=3, width=8).runs
    assert run.activation == "relu"


def test_gradients_that_are_zero() -> None:
    ones, zeros = np.ones(3), np.zeros(3)
    vanished = diagnostics.gradient_flow([zeros, ones])
    assert vanished.verdict == "vanishing" and vanished.ratio == 0
    [panel] = vanished.plot().axes
    assert [text.get_text() for text in panel.texts] == ["0"]
    assert diagnostics.gradient_flow([ones, zeros]).verdict == "exploding"
    assert diagnostics.gradient_flow([zeros, zeros]).verdict == "zero"
    with pytest.raises(ValueError, match="layer 1: a tuple must be weights and gradient, got 3"):
        diagnostics.gradient_flow([(ones, ones, ones)])
