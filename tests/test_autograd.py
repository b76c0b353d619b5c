"""HIPS autograd differentiates the functions of this package."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import require_package

require_package("autograd")

import autograd.numpy as anp  # noqa: E402
from autograd import elementwise_grad, grad, jacobian, make_jvp  # noqa: E402
from autograd.test_util import check_grads  # noqa: E402

import fastcpuact as act  # noqa: E402
from fastcpuact import autograd as differentiable  # noqa: E402

X = np.random.default_rng(0).uniform(-2, 2, (3, 4))


@pytest.mark.parametrize("name", act.names("elementwise"))
def test_elementwise(name):
    f, ours = act.get(name), getattr(differentiable, name)
    params = [0.4 if p is None else p for p in f.params.values()]
    assert np.array_equal(ours(X, *params), f(X, *params))
    slope = elementwise_grad(lambda x: ours(x, *params))
    assert np.array_equal(slope(X), f.grad(X, *params))
    _, forward = make_jvp(lambda x: ours(x, *params))(X)(np.full_like(X, 2.0))
    assert np.array_equal(forward, f.backward(np.full_like(X, 2.0), X, *params))
    if "grad2" in f.record.forms:
        bend = elementwise_grad(slope)
        np.testing.assert_allclose(bend(X), f.grad2(X, *params), rtol=1e-15)
    if "param_grads" in f.record.forms:
        for k in range(len(params)):
            total = grad(lambda *a: anp.sum(ours(*a)), argnum=k + 1)(X, *params)
            assert total == pytest.approx(f.param_grads(np.ones_like(X), X, *params)[k])

            def of_param(p, k=k):
                return ours(X, *params[:k], p, *params[k + 1 :])

            _, rise = make_jvp(of_param)(params[k])(1.0)
            assert rise.shape == X.shape and np.sum(rise) == pytest.approx(total)


def test_broadcasting_and_names():
    weight = np.array([0.1, 0.2, 0.3, 0.4])
    dx, dw = grad(lambda x, w: anp.sum(differentiable.prelu(x, w) ** 2), argnum=(0, 1))(X, weight)
    dy = 2 * act.prelu(X, weight)
    np.testing.assert_allclose(dx, act.prelu.backward(dy, X, weight))
    np.testing.assert_allclose(dw, act.prelu.param_grads(dy, X, weight)[0])
    row = X[0]
    small = grad(lambda x: anp.sum(differentiable.prelu(x, np.ones((5, 1)) * weight)))(row)
    assert small.shape == row.shape
    assert np.array_equal(differentiable.elu(X, alpha=0.5), act.elu(X, 0.5))
    with pytest.raises(TypeError, match="unexpected argument 'beta'"):
        differentiable.elu(X, beta=1.0)
    with pytest.raises(TypeError, match=r"threshold\(\) needs threshold, value"):
        differentiable.threshold(X)


@pytest.mark.parametrize("name", act.names("gated"))
def test_gated(name):
    pair = getattr(differentiable, name)
    check_grads(lambda v, g: pair(v, g), modes=["rev"], order=1)(X, X[:1] + 0.05)
    check_grads(lambda v, g: pair(v, g), modes=["fwd"], order=1)(X, X + 0.05)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("name", act.names("rowwise"))
def test_rowwise(name, axis):
    f = getattr(differentiable, name)
    order = 1 if name in ("sparsemax", "entmax15") else 2
    x = X[:2, :3]
    check_grads(lambda x: f(x, axis=axis), modes=["fwd", "rev"], order=order)(x)
    j = jacobian(lambda x: f(x, axis=axis))(x)
    h = 1e-6
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = h
        rise = (act.get(name)(x + step, axis=axis) - act.get(name)(x - step, axis=axis)) / (2 * h)
        np.testing.assert_allclose(j[(..., *place)], rise, atol=1e-7)


@pytest.mark.parametrize("axis", [0, -1])
def test_sums_that_keep_their_axis(axis):
    f = differentiable.logsumexp
    check_grads(lambda x: f(x, axis=axis, keepdims=True), modes=["fwd", "rev"], order=2)(X)


def test_what_has_no_rule():
    with pytest.raises(ValueError, match="no rule"):
        differentiable.function(act.maxout)
    with pytest.raises(AttributeError, match="no activation is called 'gelo'"):
        _ = differentiable.gelo
    slope = grad(lambda x: anp.sum(differentiable.sparsemax(x) ** 2))
    with pytest.raises(NotImplementedError, match="the gradient of sparsemax cannot be derived"):
        grad(lambda x: anp.sum(slope(x)))(X)


def test_what_cannot_be_derived_again_says_so():
    def slope(alpha):
        return grad(lambda x: anp.sum(differentiable.elu(x, alpha)))(X)

    with pytest.raises(NotImplementedError, match="elu: the derivative of its gradient with respe"):
        grad(lambda alpha: anp.sum(slope(alpha)))(0.5)
    with pytest.raises(NotImplementedError, match="elu: the derivative of the gradients of its pa"):
        grad(lambda x: grad(lambda a: anp.sum(differentiable.elu(x, a)))(0.5) + anp.sum(x))(X)
    with pytest.raises(NotImplementedError, match="gelu: the derivative of its second gradient"):
        elementwise_grad(elementwise_grad(elementwise_grad(differentiable.gelu)))(X)
    with pytest.raises(NotImplementedError, match="swiglu: the derivative of its gradient"):
        elementwise_grad(elementwise_grad(lambda x: differentiable.swiglu(x, x)))(X)


@pytest.mark.parametrize("gate", ["first", "second"])
def test_gated_by_keyword_and_packed(gate):
    assert np.array_equal(differentiable.swiglu(gate=X, value=X), act.swiglu(X, X))
    dx = grad(lambda x: anp.sum(differentiable.swiglu.packed(x, 1, gate=gate)))(X)
    assert np.array_equal(dx, act.swiglu.packed_backward(np.ones((3, 2)), X, 1, gate))


def test_training_a_network():
    rng = np.random.default_rng(0)
    x = np.linspace(-2, 2, 64)[:, None]
    weights = [rng.normal(size=(1, 8)), rng.normal(size=8), rng.normal(size=(8, 1)) * 0.3]

    def loss(weights):
        a, b, c = weights
        return anp.mean((anp.dot(differentiable.silu(anp.dot(x, a) + b), c) - x**2) ** 2)

    slope = grad(loss)
    before = loss(weights)
    for _ in range(100):
        weights = [w - 0.02 * d for w, d in zip(weights, slope(weights), strict=True)]
    assert loss(weights) < 0.2 * before
