"""What the forms beside value and gradient promise: parameters, outputs, the fast tier, rrelu."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import fastcpuact as act

WITH_PARAMETERS = [name for name, f in act.activations.items() if f.params]


def required(f: act.Activation) -> dict[str, float]:
    return {name: 0.5 for name, default in f.params.items() if default is None}


def sample(shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(scale=2, size=shape).astype(dtype)


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_every_parameter_has_a_gradient(name):
    f = act.activations[name]
    x, dy = sample((3, 4)), sample((3, 4), seed=1)
    grads = f.param_grads(dy, x, **required(f))
    assert len(grads) == len(f.params)
    assert all(np.ndim(grad) == 0 for grad in grads)


@pytest.mark.parametrize("dtype", (np.float16, np.float32, np.float64))
@pytest.mark.parametrize("shape", ((), (1,), (4,), (3, 1), (2, 1, 1), (2, 3, 4), (1, 1, 1)))
def test_gradients_of_parameters_are_summed_to_their_shape(shape, dtype):
    x, dy = sample((2, 3, 4), dtype), sample((2, 3, 4), dtype, seed=1)
    weight = np.full(shape, 0.25, dtype)
    (grad,) = act.prelu.param_grads(dy, x, weight)
    assert np.shape(grad) == shape and grad.dtype == dtype
    products = dy.astype(np.float64) * np.minimum(x, 0)
    expected = np.array([np.sum(products)]) if shape == () else products
    if shape != ():
        added = tuple(range(3 - len(shape)))
        expected = products.sum(axis=added)
        axes = tuple(k for k, length in enumerate(shape) if length == 1)
        expected = expected.sum(axis=axes, keepdims=True)
    np.testing.assert_allclose(grad, expected.reshape(shape), rtol=4 * np.finfo(dtype).eps)


def test_a_parameter_larger_than_the_input_keeps_its_shape():
    x = sample((4,))
    (grad,) = act.prelu.param_grads(np.ones(4), x, np.full((3, 4), 0.5))
    np.testing.assert_array_equal(grad, np.broadcast_to(np.minimum(x, 0), (3, 4)))


def test_sums_over_many_elements_are_made_in_float64():
    x = np.full(1 << 20, -0.1, np.float32)
    (grad,) = act.prelu.param_grads(np.ones_like(x), x, 0.5)
    assert grad == np.float32(np.float64(np.float32(-0.1)) * x.size)


def test_param_grads_refuses_what_it_does_not_know():
    x = np.ones(3)
    with pytest.raises(TypeError, match="unexpected argument 'out'"):
        act.prelu.param_grads(x, x, out=x)
    with pytest.raises(TypeError, match="takes 3 arguments, got 4"):
        act.prelu.param_grads(x, x, 0.1, 0.2)
    with pytest.raises(TypeError, match="missing operand 'x'"):
        act.prelu.param_grads(x)


FROM_OUTPUT = [
    name for name, f in act.activations.items() if "backward_from_output" in f.record.forms
]


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
@pytest.mark.parametrize("name", FROM_OUTPUT)
def test_backward_from_output_is_backward(name, dtype):
    f = act.activations[name]
    x, dy = sample(1000, dtype), sample(1000, dtype, seed=1)
    result = f.backward_from_output(dy, f(x))
    # y has lost digits that x had: near saturation 1 - y is all that is left of the gradient.
    slack = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(result, f.backward(dy, x), rtol=slack, atol=4 * slack)


@pytest.mark.parametrize(
    ("name", "parameter"), [(n, p) for n in FROM_OUTPUT for p in act.get(n).record.not_negative]
)
def test_parameters_for_which_the_output_says_nothing_are_refused(name, parameter):
    f = act.activations[name]
    y = np.ones(2)
    for bad in (-0.5, np.array([0.5, -0.5])):
        with pytest.raises(ValueError, match=f"{parameter} >= 0"):
            f.backward_from_output(y, y, **{parameter: bad})
        with pytest.raises(ValueError, match=f"{parameter} >= 0"):
            f.backward_from_output(y, y, bad)


@pytest.mark.parametrize("name", act.names())
def test_the_fast_tier_has_the_same_protocol(name):
    f = act.activations[name]
    x = sample(64, np.float32)
    for form in ("value", "grad", "backward", "value_and_grad"):
        fast = f.fast if form == "value" else getattr(f.fast, form)
        exact = f if form == "value" else getattr(f, form)
        assert pickle.loads(pickle.dumps(fast)) is fast
        operands = (x,) * len(exact.form.operands)
        a, b = fast(*operands, **required(f)), exact(*operands, **required(f))
        np.testing.assert_allclose(a, b, rtol=2.0**-9, atol=1e-6)


def test_a_form_that_an_activation_lacks():
    with pytest.raises(AttributeError, match=r"'gelu' has no attribute 'backward_from_output'"):
        _ = act.gelu.backward_from_output
    with pytest.raises(AttributeError):
        _ = act.gelu.fast.fast
    assert {"grad", "grad2", "fast"} <= set(dir(act.gelu))


class TestRReLU:
    def test_without_a_generator_the_slope_is_the_mean(self):
        x = sample(50, np.float32)
        expected = act.leaky_relu(x, (1 / 8 + 1 / 3) / 2)
        np.testing.assert_array_equal(act.rrelu(x), expected)
        assert act.rrelu(x).dtype == np.float32

    def test_slopes_are_drawn_from_the_generator(self):
        x = -np.ones((200, 50), np.float32)
        y = act.rrelu(x, 0.25, 0.5, np.random.default_rng(3))
        assert y.dtype == np.float32 and np.unique(y).size > 9000
        assert -0.5 <= y.min() < -0.49 and -0.26 < y.max() <= -0.25
        np.testing.assert_array_equal(y, act.rrelu(x, 0.25, 0.5, np.random.default_rng(3)))

    def test_slopes_are_kept_for_the_way_back(self):
        x, dy = sample(100), sample(100, seed=1)
        slopes = act.rrelu.slopes(x, rng=np.random.default_rng(0))
        np.testing.assert_array_equal(
            act.leaky_relu.backward(dy, x, slopes), dy * np.where(x > 0, 1, slopes)
        )
        np.testing.assert_array_equal(
            act.rrelu.backward(dy, x, 0.25, 0.75), act.leaky_relu.backward(dy, x, 0.5)
        )

    def test_out_and_pickle(self):
        x = sample(20)
        out = np.empty_like(x)
        assert act.rrelu(x, out=out) is out
        assert pickle.loads(pickle.dumps(act.rrelu)) is act.rrelu

    @pytest.mark.parametrize("bounds", ((0.5, 0.25), (0, np.inf), (np.nan, 1)))
    def test_bad_bounds(self, bounds):
        with pytest.raises(ValueError, match="finite lower <= upper"):
            act.rrelu(np.ones(2), *bounds)

    def test_bad_generator(self):
        with pytest.raises(TypeError, match="Generator, got RandomState"):
            act.rrelu(np.ones(2), rng=np.random.RandomState(0))
