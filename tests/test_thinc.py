"""thinc's operations: those of this package give what thinc's own give, and better tails."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from conftest import require_package

require_package("thinc")

from thinc.api import (  # noqa: E402
    Adam,
    Gelu,
    Maxout,
    Mish,
    NumpyOps,
    Ops,
    Softmax,
    chain,
    get_ops,
    use_ops,
)

import fastcpuact as act  # noqa: E402
from fastcpuact.thinc import FastcpuactOps  # noqa: E402

OURS, THEIRS = FastcpuactOps(), NumpyOps()
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 8)).astype(np.float32) * 4
DY = RNG.normal(size=(6, 8)).astype(np.float32)
# thinc's approximations, of erf above all, and textbook expressions in float32.
CLOSE = {"rtol": 3e-5, "atol": 3e-6}

FORWARD = ["sigmoid", "relu", "clipped_linear", "relu_k", "hard_sigmoid", "hard_tanh", "swish"]
FORWARD += ["hard_swish", "hard_swish_mobilenet", "dish", "gelu_approx", "gelu", "mish"]
FROM_OUTPUT = {"sigmoid", "relu"}
HELPERS = {"dsigmoid", "dtanh", "sechsq"}


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("name", FORWARD)
def test_values(name, inplace):
    expected = getattr(THEIRS, name)(X.copy())
    given = X.copy()
    y = getattr(OURS, name)(given, inplace=inplace)
    assert (y is given) == inplace and y.dtype == np.float32
    assert inplace or np.array_equal(given, X)
    np.testing.assert_allclose(y, expected, **CLOSE)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("name", FORWARD)
def test_gradients(name, inplace):
    saved = THEIRS.sigmoid(X) if name == "sigmoid" else X
    extra = (THEIRS.swish(X),) if name == "swish" else ()
    expected = getattr(THEIRS, f"backprop_{name}")(DY.copy(), saved.copy(), *extra)
    dy, kept = DY.copy(), saved.copy()
    dx = getattr(OURS, f"backprop_{name}")(dy, kept, *extra, inplace=inplace)
    into = kept if name == "sigmoid" else dy  # as thinc has it
    assert (dx is into) == inplace
    np.testing.assert_allclose(dx, expected, **CLOSE)


@pytest.mark.parametrize("name", sorted(HELPERS))
def test_helpers(name):
    y = np.tanh(X) if name == "dtanh" else THEIRS.sigmoid(X) if name == "dsigmoid" else X
    np.testing.assert_allclose(getattr(OURS, name)(y), getattr(THEIRS, name)(y), **CLOSE)


def test_parameters():
    line = {"slope": -0.5, "offset": 0.25, "min_val": -0.5, "max_val": 1.5}
    got = OURS.clipped_linear(X, **line)
    np.testing.assert_allclose(got, THEIRS.clipped_linear(X, **line), **CLOSE)
    inside = (got > -0.5) & (got < 1.5)
    np.testing.assert_allclose(
        OURS.backprop_clipped_linear(DY, X, **line), np.where(inside, -0.5 * DY, 0)
    )
    for name in ("mish", "backprop_mish"):
        arguments = (X,) if name == "mish" else (DY, X)
        got = getattr(OURS, name)(*arguments, threshold=1.0)
        np.testing.assert_allclose(got, getattr(THEIRS, name)(*arguments, threshold=1.0), **CLOSE)
    with pytest.raises(ValueError, match="incompatible shapes"):
        OURS.backprop_mish(DY[:2], X)


def test_softmax():
    y = THEIRS.softmax(X)
    np.testing.assert_allclose(OURS.softmax(X), y, **CLOSE)
    np.testing.assert_allclose(
        OURS.softmax(X, axis=0, temperature=2.0),
        THEIRS.softmax(X, axis=0, temperature=2.0),
        **CLOSE,
    )
    given = X.copy()
    assert OURS.softmax(given, inplace=True) is given
    for options in ({}, {"temperature": 2.0}):
        got = OURS.backprop_softmax(y, DY, **options)
        np.testing.assert_allclose(got, THEIRS.backprop_softmax(y, DY, **options), **CLOSE)


def test_softmax_of_sequences():
    lengths = np.array([2, 0, 3, 1], dtype="i")
    y = THEIRS.softmax_sequences(X, lengths)
    np.testing.assert_allclose(OURS.softmax_sequences(X, lengths), y, **CLOSE)
    np.testing.assert_allclose(
        OURS.backprop_softmax_sequences(DY, y, lengths),
        THEIRS.backprop_softmax_sequences(DY, y, lengths),
        **CLOSE,
    )


@pytest.mark.parametrize("lengths", [[3], [9, 9], [7, -1]])
def test_lengths_that_are_not_those_of_the_rows(lengths):
    lengths = np.array(lengths, "i")
    for call in (
        lambda: OURS.softmax_sequences(X, lengths),
        lambda: OURS.backprop_softmax_sequences(DY, X, lengths),
    ):
        with pytest.raises(ValueError, match=f"lengths must add up to {len(X)} rows"):
            call()


def test_maxout():
    x = X.reshape(6, 4, 2)
    y, which = OURS.maxout(x)
    expected, places = THEIRS.maxout(x)
    assert np.array_equal(y, expected) and np.array_equal(which, places)
    assert which.dtype == places.dtype
    dx = OURS.backprop_maxout(DY[:, :4], which, 2)
    assert np.array_equal(dx, THEIRS.backprop_maxout(np.ascontiguousarray(DY[:, :4]), places, 2))


def test_every_activation_of_thinc_is_ours():
    """What has a gradient in the interface, without what is no activation."""
    others = ("seq2col", "lstm", "reduce")
    activations = {
        name.removeprefix("backprop_")
        for name in vars(Ops)
        if name.startswith("backprop_")
        and not name.startswith(tuple(f"backprop_{o}" for o in others))
    }
    assert activations == {*FORWARD, "softmax", "softmax_sequences", "maxout"}
    # These are written with the others.
    through = {"relu_k", "hard_sigmoid", "hard_tanh"}
    for name in (activations | {f"backprop_{a}" for a in activations} | HELPERS) - through:
        if name == "backprop_relu_k":
            continue
        assert name in vars(FastcpuactOps)
        theirs, ours = (
            list(inspect.signature(getattr(c, name)).parameters) for c in (Ops, OURS.__class__)
        )
        assert theirs == ours


def test_tails_keep_their_digits():
    x = np.array([[-10.0, -30.0]], dtype=np.float32)
    assert np.array_equal(OURS.sigmoid(x), act.sigmoid(x))
    assert np.all(OURS.gelu(x[:, :1]) < 0)


def test_training_by_name():
    """thinc finds the operations by the entry point; a model trains alike with either."""
    labels = np.eye(3, dtype=np.float32)[RNG.integers(0, 3, 40)]
    x = RNG.normal(size=(40, 5)).astype(np.float32) + labels @ np.ones((3, 5), np.float32)
    losses = []
    for name in ("numpy", "fastcpuact"):
        with use_ops(name):
            model = chain(Mish(8), Gelu(8), Maxout(8, nP=3), Softmax(3))
            model.initialize(x, labels)
            rng = np.random.default_rng(1)
            for node in model.walk():
                if node.has_param("W"):
                    node.set_param(
                        "W", rng.normal(size=node.get_param("W").shape).astype("f") * 0.3
                    )
            optimizer = Adam(0.01)
            for _ in range(20):
                y, backprop = model.begin_update(x)
                backprop((y - labels) / len(x))
                model.finish_update(optimizer)
            assert {node.ops.name for node in model.walk()} == {name}
            losses.append(float(-np.log((model.predict(x) * labels).sum(axis=1)).mean()))
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert isinstance(get_ops("fastcpuact"), FastcpuactOps)
