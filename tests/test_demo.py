"""The demonstration: its network learns, its yardstick is right, its report is legible."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from rich.console import Console

import fastcpuact as act
from fastcpuact import plain
from fastcpuact.demo import network, report, study

GOOD = ["relu", "leaky_relu", "silu", "gelu", "mish", "tanh", "softplus"]


@pytest.fixture(scope="module")
def digits() -> study.Digits:
    return study.Digits.load(seed=1)


def tiny(activation: network.Elementwise, softmax=act.softmax, seed=0) -> network.Network:
    return network.Network((64, 16, 16, 10), activation, softmax, np.random.default_rng(seed))


# The data


def test_digits_are_split_by_class(digits):
    assert digits.train.shape == (1437, 64)
    assert digits.test.shape == (360, 64)
    for label in range(10):
        share = np.mean(digits.test_labels == label)
        assert share == pytest.approx(np.mean(digits.train_labels == label), abs=0.005)


def test_digits_are_normalised(digits):
    assert digits.train.dtype == digits.test.dtype == np.float32
    np.testing.assert_allclose(digits.train.mean(axis=0), 0, atol=1e-6)
    assert np.mean(digits.train**2) == pytest.approx(1, rel=1e-5)


def test_digits_depend_on_the_seed_alone(digits):
    again, other = study.Digits.load(seed=1), study.Digits.load(seed=2)
    np.testing.assert_array_equal(digits.train, again.train)
    assert not np.array_equal(digits.test_labels, other.test_labels)


# The network


@pytest.mark.parametrize("name", GOOD)
def test_first_weights_keep_the_scale(name):
    rng = np.random.default_rng(0)
    deep = network.Network((256,) * 6, act.get(name), act.softmax, rng)
    x = rng.standard_normal((512, 256), np.float32)
    for weights, bias in deep.layers[:-1]:
        x = act.get(name)(x @ weights + bias)
    last, _ = deep.layers[-1]
    assert 0.5 < np.mean((x @ last) ** 2) < 2


@pytest.mark.parametrize("name", ["tanh", "gelu", "softplus"])
def test_gradient_is_the_slope_of_the_cross_entropy(name, digits):
    net = tiny(act.get(name))
    x, labels = digits.train[:100], digits.train_labels[:100]
    net.backpropagate(x, labels)

    def cross_entropy():
        return -np.mean(np.log(net.predict(x)[np.arange(100), labels], dtype=np.float64))

    for parameters, gradient in zip(
        itertools.chain(*net.layers), itertools.chain(*net.layer_gradients), strict=True
    ):
        start, norm = parameters.copy(), np.linalg.norm(gradient)
        step = 1e-2 * gradient / norm
        parameters[...] = start + step
        above = cross_entropy()
        parameters[...] = start - step
        below = cross_entropy()
        parameters[...] = start
        assert (above - below) / 2e-2 == pytest.approx(norm, rel=2e-3)


def test_slopes_are_those_of_the_hidden_units(digits):
    net = tiny(act.tanh)
    slopes = net.backpropagate(digits.train, digits.train_labels)
    weights, bias = net.layers[0]
    assert [slope.shape for slope in slopes] == [(1437, 16)] * 2
    np.testing.assert_array_equal(slopes[0], act.tanh.grad(digits.train @ weights + bias))


def test_adam_follows_its_paper():
    net = tiny(act.relu)
    adam = network.Adam(net, steps=5, rate=0.1)
    expected = net.parameters.astype(np.float64)
    mean = square = 0.0
    rng = np.random.default_rng(0)
    for step in range(1, 6):
        net.gradient[...] = rng.uniform(-1, 3, net.gradient.shape)
        adam.step()
        gradient = net.gradient.astype(np.float64)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        rate = 0.1 * (6 - step) / 5
        expected -= rate * (mean / (1 - 0.9**step)) / np.sqrt(square / (1 - 0.999**step))
    np.testing.assert_allclose(net.parameters, expected, atol=1e-4)


# The yardstick


# Expressions of what the package has and a network can be trained with.
YARDSTICKS = [name for name in study.trainable() if name in plain.PLAIN]


@pytest.mark.parametrize("name", YARDSTICKS)
def test_plain_expressions_are_right(name):
    x = np.linspace(-9, 9, 1001, dtype=np.float32)
    y, slope = plain.PLAIN[name].value_and_grad(x)
    expected_y, expected_slope = act.get(name).value_and_grad(x)
    assert y.dtype == (y * slope).dtype == np.float32
    np.testing.assert_allclose(y, expected_y, rtol=1e-6, atol=2e-6)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("name", YARDSTICKS)
def test_plain_network_is_the_same_network(name, digits):
    ours = tiny(act.get(name))
    theirs = tiny(plain.PLAIN[name], plain.softmax)
    for net in (ours, theirs):
        net.backpropagate(digits.train, digits.train_labels)
    scale = np.abs(ours.gradient).max()
    np.testing.assert_allclose(ours.gradient, theirs.gradient, atol=1e-4 * scale)


# A run


@pytest.mark.parametrize("name", GOOD)
def test_good_activations_recognise_the_digits(name, digits):
    record = study.run(name, digits, epochs=20, seed=1)
    assert record.accuracy[0] < 0.3
    assert record.accuracy[-1] >= 0.96


def test_run_records_each_epoch(digits):
    calls = itertools.count()
    record = study.run("gelu", digits, 3, seed=0, on_epoch=lambda: next(calls))
    assert next(calls) == 3
    assert len(record.accuracy) == 4
    assert len(record.seconds) == len(record.plain_seconds) == 3
    assert min(record.seconds + record.plain_seconds) > 0
    assert record.speedup == np.median(record.plain_seconds) / np.median(record.seconds)
    assert len(record.gradient_norms) == len(study.SIZES) - 1
    assert min(record.gradient_norms) > 0


def test_run_depends_on_the_seed_alone(digits):
    first, again, other = (study.run("silu", digits, 2, seed) for seed in (3, 3, 4))
    assert first.accuracy == again.accuracy
    assert first.gradient_norms == again.gradient_norms
    assert first.gradient_norms != other.gradient_norms


def test_activation_without_plain_row_has_no_plain_time(digits, monkeypatch):
    monkeypatch.delitem(plain.PLAIN, "tanh")
    record = study.run("tanh", digits, 1, seed=0)
    assert record.plain_seconds == []
    assert record.speedup is None
    rows = [line.split() for line in shown([record]).splitlines()]
    assert [row[-2:] for row in rows if row[:1] == ["tanh"]] == [["-", "-"]]


class Scaled:
    """An activation whose slope is `slope` everywhere, times `growth`."""

    def __init__(self, slope: float, growth: float = 1.0) -> None:
        self.slope, self.growth = np.float32(slope), np.float32(growth)

    def __call__(self, x):
        return x * self.growth

    def value_and_grad(self, x):
        return x * self.growth, np.full_like(x, self.slope)


@pytest.mark.parametrize(("slope", "share"), [(0.009, 1.0), (0.011, 0.0)])
def test_flat_units_are_those_with_a_small_slope(slope, share, digits, monkeypatch):
    monkeypatch.setattr(act, "get", lambda name: Scaled(slope))
    assert study.run("linear", digits, 1, seed=0).flat_units == share


def test_flat_units_are_flat_for_every_digit(digits):
    assert study.run("relu", digits, 1, seed=0).flat_units < 0.1


def test_neither_network_is_always_timed_first(digits, monkeypatch):
    order = []
    monkeypatch.setattr(study, "train_epoch", lambda net, *_: order.append(net.activation))
    study.run("gelu", digits, 4, seed=0)
    ours, theirs = act.gelu, plain.PLAIN["gelu"]
    assert order == [ours, theirs, theirs, ours] * 2


def test_divergence_is_a_result(digits, monkeypatch):
    """It warns of nothing, and JSON gets no infinity."""
    monkeypatch.setattr(act, "get", lambda name: Scaled(1e30))
    record = study.run("steep", digits, 1, seed=0)
    assert not np.all(np.isfinite(record.gradient_norms))
    assert None in record.as_dict()["gradient_norms"]
    assert record.accuracy[-1] < 0.3


# The report


def record(name: str, seed: int) -> study.Run:
    rng = np.random.default_rng(seed)
    return study.Run(
        name,
        accuracy=[0.0, *rng.uniform(0.1, 1.0, 19), 1.0],
        flat_units=0.123,
        gradient_norms=[0.01, 1.0, 9.99, 123.4],
        seconds=[0.01, 0.02, 0.03],
        plain_seconds=[0.05, 0.06, 0.07],
    )


def shown(runs: list[study.Run]) -> str:
    """The table on a terminal of 80 columns."""
    console = Console(width=80)
    with console.capture() as capture:
        console.print(report.table(runs))
    return capture.get()


@pytest.mark.parametrize("name", ["relu", "gelu_sigmoid"])
def test_table_has_one_row_for_each_run(name):
    rows = [line.split() for line in shown([record(name, 0)]).splitlines()]
    assert f"{name} 100.0% 12.3% 0.01 1.00 9.99 123 20.0 60.0 3.00x".split() in rows


def test_table_fits_80_columns():
    assert "…" not in shown([record("spike_fast_sigmoid", 0)])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 40])
def test_nothing_overlaps_in_the_picture(count):
    figure = report.picture([record("spike_fast_sigmoid", k) for k in range(count)])
    figure.draw_without_rendering()
    panels = [panel for panel in figure.axes if panel.get_visible()]
    assert len(panels) == count

    texts = [figure._supxlabel, figure._supylabel]
    for panel in panels:
        texts.append(panel.title)
        for axis in (panel.xaxis, panel.yaxis):
            low, high = axis.get_view_interval()
            texts += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    boxes = [t.get_window_extent() for t in texts if t.get_text() and t.get_visible()]
    boxes += [panel.get_window_extent() for panel in panels]
    x0, y0, x1, y1 = np.array([box.extents for box in boxes]).T
    apart = (x1 <= x0[:, None]) | (y1 <= y0[:, None])
    assert np.all(apart | apart.T | np.eye(len(boxes), dtype=bool))
    width, height = figure.bbox.size
    assert min(x0) >= 0 and min(y0) >= 0 and max(x1) <= width and max(y1) <= height
