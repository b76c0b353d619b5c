"""ONNX's activation operators through its reference evaluator, beside its own."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from conftest import require_package

onnx = require_package("onnx")
ml_dtypes = require_package("ml_dtypes")

from onnx import TensorProto, helper, inliner, numpy_helper, parser  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

import fastcpuact as act  # noqa: E402
import fastcpuact.onnx  # noqa: E402

NAMES = {op.__name__ for op in fastcpuact.onnx.ops()}
# Operators that are activations, or that activations are written with, by the standard.
STANDARD = [
    *("Celu", "Clip", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "Hardmax"),
    *("LeakyRelu", "LogSoftmax", "Mish", "PRelu", "Relu", "Selu", "Shrink", "Sigmoid", "Softmax"),
    *("Softplus", "Softsign", "SwiGLU", "Swish", "Tanh", "ThresholdedRelu"),
]
X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32) * 3
# ONNX Runtime and the evaluator compute textbook expressions in float32.
CLOSE = {"rtol": 2e-6, "atol": 2e-6}


def versions(name: str) -> list[int]:
    return [
        s.since_version
        for s in onnx.defs.get_all_schemas_with_history()
        if s.name == name and s.domain == ""
    ]


def run(name, opset, *inputs, ours=True, **attributes):
    names = [f"x{k}" for k in range(len(inputs))]
    kind = helper.np_dtype_to_tensor_dtype(inputs[0].dtype)
    graph = helper.make_graph(
        [
            helper.make_node(
                name,
                [n if x is not None else "" for n, x in zip(names, inputs, strict=True)],
                ["y"],
                **attributes,
            )
        ],
        "graph",
        [
            helper.make_tensor_value_info(n, kind, None)
            for n, x in zip(names, inputs, strict=True)
            if x is not None
        ],
        [helper.make_tensor_value_info("y", kind, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    session = ReferenceEvaluator(model, new_ops=fastcpuact.onnx.ops() if ours else None)
    if ours:
        assert isinstance(session.rt_nodes_[0], fastcpuact.onnx.Operator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if not ours else "error")  # of the textbook expressions
        [y] = session.run(None, {n: x for n, x in zip(names, inputs, strict=True) if x is not None})
    assert y.dtype == inputs[0].dtype and y.shape == inputs[0].shape
    return y


def test_every_operator_is_there():
    assert set(STANDARD) == NAMES


# Every version of every operator that the evaluator itself has, with the attributes left out.
CASES = [(name, version) for name in STANDARD for version in versions(name)]


@pytest.mark.parametrize(("name", "opset"), CASES)
def test_defaults_of_every_opset(name, opset):
    inputs = [X]
    if name == "PRelu":
        inputs.append(
            np.array([0.1, 0.2, 0.3, 0.4], np.float32) if opset >= 7 else np.float32([0.3])
        )
    if name == "SwiGLU":
        inputs.append(X[::-1])
    y = run(name, opset, *inputs)
    if name in ("Softmax", "LogSoftmax", "Hardmax"):
        expected = textbook_rows(name, -1 if opset >= 13 else 1, opset)
    else:
        expected = TEXTBOOK[name](X.astype(float), *inputs[1:], opset)
    np.testing.assert_allclose(y, expected, **CLOSE)


def textbook_rows(name, axis, opset, x=X):
    flat = x.astype(float)
    if opset < 13:
        flat = flat.reshape(int(np.prod(x.shape[:axis])), -1)
        axis = 1
    e = np.exp(flat - flat.max(axis, keepdims=True))
    softmax = e / e.sum(axis, keepdims=True)
    forms = {
        "Softmax": softmax,
        "LogSoftmax": np.log(softmax),
        "Hardmax": (flat == flat.max(axis, keepdims=True)).astype(float),
    }
    return forms[name].reshape(x.shape)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def erf(x):
    from scipy.special import erf

    return erf(x)


def selu(x, opset):
    alpha, gamma = (
        (1.6732, 1.0507) if opset < 6 else (1.67326319217681884765625, 1.05070102214813232421875)
    )
    return gamma * np.where(x > 0, x, alpha * np.expm1(x))


# From the text of the standard, with its defaults.
TEXTBOOK = {
    "Celu": lambda x, o: np.maximum(x, 0) + np.minimum(0, np.expm1(x)),
    "Clip": lambda x, o: x,
    "Elu": lambda x, o: np.where(x < 0, np.expm1(x), x),
    "Erf": lambda x, o: erf(x),
    "Exp": lambda x, o: np.exp(x),
    "Gelu": lambda x, o: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "HardSigmoid": lambda x, o: np.clip(0.2 * x + 0.5, 0, 1),
    "HardSwish": lambda x, o: x * np.clip(x / 6 + 0.5, 0, 1),
    "LeakyRelu": lambda x, o: np.where(x < 0, 0.01 * x, x),
    "Mish": lambda x, o: x * np.tanh(np.log1p(np.exp(x))),
    "PRelu": lambda x, slope, o: np.where(x < 0, slope * x, x),
    "Relu": lambda x, o: np.maximum(x, 0),
    "Selu": selu,
    "Shrink": lambda x, o: np.where(np.abs(x) > 0.5, x, 0),
    "Sigmoid": lambda x, o: sigmoid(x),
    "Softplus": lambda x, o: np.log1p(np.exp(x)),
    "Softsign": lambda x, o: x / (1 + np.abs(x)),
    "SwiGLU": lambda x, value, opset: x * sigmoid(x) * value,
    "Swish": lambda x, o: x * sigmoid(x),
    "Tanh": lambda x, o: np.tanh(x),
    "ThresholdedRelu": lambda x, o: np.where(x > 1, x, 0),
}

ATTRIBUTES = [
    ("Celu", 12, {"alpha": 2.0}),
    ("Elu", 22, {"alpha": 0.5}),
    ("Gelu", 20, {"approximate": "tanh"}),
    ("HardSigmoid", 22, {"alpha": 0.3, "beta": 0.4}),
    ("LeakyRelu", 16, {"alpha": -0.3}),
    ("Selu", 22, {"alpha": 1.5, "gamma": 2.0}),
    ("Shrink", 9, {"lambd": 1.0, "bias": 0.25}),
    ("Shrink", 9, {"lambd": 1.0, "bias": 1.0}),
    ("Swish", 24, {"alpha": 1.5}),
    ("ThresholdedRelu", 22, {"alpha": 0.25}),
    ("Clip", 6, {"min": -1.0, "max": 0.5}),
    ("Softmax", 13, {"axis": 1}),
    ("Softmax", 13, {"axis": 0}),
    ("LogSoftmax", 13, {"axis": -2}),
    ("Hardmax", 13, {"axis": 2}),
]


@pytest.mark.parametrize(("name", "opset", "attributes"), ATTRIBUTES)
def test_attributes_as_the_evaluator_has_them(name, opset, attributes):
    y = run(name, opset, X, **attributes)
    np.testing.assert_allclose(y, run(name, opset, X, ours=False, **attributes), **CLOSE)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Hardmax"])
def test_rows_before_opset_13_are_of_a_matrix(name, axis):
    expected = textbook_rows(name, axis % 3, 11)
    np.testing.assert_allclose(run(name, 11, X, axis=axis), expected, **CLOSE)


def test_clip_with_inputs():
    low, high = np.float32(-1), np.float32(0.5)
    for limits in ((low, high), (low,), (None, high), (high, low)):
        expected = run("Clip", 13, X, *limits, ours=False)
        assert np.array_equal(run("Clip", 13, X, *limits), expected)
    wide = np.array([-np.inf, 1e30, np.nan], np.float32)
    assert np.array_equal(run("Clip", 13, wide), wide, equal_nan=True)


def test_limits_that_are_nan_or_of_one_element():
    limit = np.array([0.5], np.float32)
    assert np.array_equal(run("Clip", 13, X, limit), np.maximum(X, 0.5))
    nan = np.float32(np.nan)
    for limits in ((nan,), (None, nan), (nan, np.float32(1))):
        assert np.isnan(run("Clip", 13, X, *limits)).all()


def test_shrink_by_a_negative_amount():
    x = np.array([-2, -0.5, 0, 0.5, 2, np.nan], np.float32)
    for bias in (0.0, 0.3):
        expected = run("Shrink", 9, x, ours=False, lambd=-1.0, bias=bias)
        assert np.array_equal(run("Shrink", 9, x, lambd=-1.0, bias=bias)[:-1], expected[:-1])


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Hardmax"])
def test_axes_of_rows(name):
    for opset, axis in ((1, -4), (11, 4), (13, 3), (13, -4)):
        with pytest.raises(ValueError, match="axis must be in"):
            run(name, opset, X, axis=axis)
    scalar = np.array(2, np.float32)
    assert run(name, 13, scalar) == (0 if name == "LogSoftmax" else 1)


def test_swiglu():
    if "SwiGLU" not in {s.name for s in onnx.defs.get_all_schemas()}:
        pytest.skip("this onnx has no SwiGLU")
    assert np.array_equal(run("SwiGLU", 28, X, X[::-1]), act.swiglu(X[::-1], X))
    for alpha in (1.0, 1.702):
        theirs = run("SwiGLU", 28, X, X[::-1], ours=False, alpha=alpha)
        np.testing.assert_allclose(run("SwiGLU", 28, X, X[::-1], alpha=alpha), theirs, **CLOSE)
    with pytest.raises(ValueError, match="SwiGLU: A and B must have one shape"):
        fastcpuact.onnx.swiglu(X, X[:1], 28, 1.0)


def test_thresholded_relu_of_what_is_no_number():
    x = np.array([np.nan, np.inf, -np.inf, 1.0, 1.5, -1.0], np.float32)
    both = [run("ThresholdedRelu", 22, x, ours=ours) for ours in (False, True)]
    assert np.array_equal(*both) and both[0][0] == 0


def test_prelu_of_channels():
    slope = np.array([0.1, 0.2, 0.3], np.float32)
    expected = np.where(X > 0, X, X * slope[:, None])
    np.testing.assert_allclose(run("PRelu", 6, X, slope), expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"slope of shape \(5, 2, 3, 4\) does not broadcast"):
        run("PRelu", 16, X, np.ones((5, 2, 3, 4), np.float32))


def test_integers():
    n = np.arange(-5, 6, dtype=np.int32)
    assert np.array_equal(run("Relu", 14, n), np.maximum(n, 0))
    assert np.array_equal(run("PRelu", 16, n, np.int32([2])), np.where(n > 0, n, 2 * n))
    assert np.array_equal(run("Clip", 13, n, np.int32(-2), np.int32(3)), np.clip(n, -2, 3))
    assert np.array_equal(
        run("Shrink", 9, n, lambd=2.0, bias=1.0),
        np.sign(n) * np.maximum(abs(n) - 1, 0) * (abs(n) > 2),
    )


@pytest.mark.parametrize("name", ["Gelu", "Softmax", "Relu", "Selu", "Clip", "Erf"])
@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_dtypes(name, dtype):
    # The version of every operator that takes bfloat16, if there is one.
    x = X.astype(dtype)
    wide = x.astype(np.float64)
    rows = name == "Softmax"
    expected = textbook_rows(name, -1, 22, wide) if rows else TEXTBOOK[name](wide, 22)
    y = run(name, 22, x).astype(np.float64)
    eps = float(ml_dtypes.finfo(dtype).eps)
    np.testing.assert_allclose(y, expected, rtol=max(eps, 1e-12), atol=eps)


def test_a_function_of_a_model_is_put_into_the_graph():
    model = parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 20, "own": 1]>'
        "agraph (float[N] x) => (float[N] y) { y = own.f (x) }"
        '<domain: "own", opset_import: ["" : 20]> f (a) => (b) { b = Gelu (a) }'
    )
    model = inliner.inline_local_functions(model)
    x = np.linspace(-5, 5, 11, dtype=np.float32)
    [y] = ReferenceEvaluator(model, new_ops=fastcpuact.onnx.ops()).run(None, {"x": x})
    assert np.array_equal(y, act.gelu(x))


def test_a_model_gives_the_same_output():
    """A convolutional classifier with seven kinds of activations."""
    rng = np.random.default_rng(1)
    constants = {
        "k1": rng.normal(size=(8, 1, 3, 3)) / 3,
        "k2": rng.normal(size=(8, 8, 3, 3)) / 8,
        "w1": rng.normal(size=(128, 32)) / 12,
        "w2": rng.normal(size=(32, 10)) / 6,
        "slope": rng.uniform(size=(8, 1, 1)),
    }
    nodes = [
        helper.make_node("Conv", ["image", "k1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["c1", "slope"], ["a1"]),
        helper.make_node("Conv", ["a1", "k2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("HardSwish", ["c2"], ["a2"]),
        helper.make_node("MaxPool", ["a2"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gelu", ["f"], ["g"]),
        helper.make_node("MatMul", ["g", "w1"], ["h"]),
        helper.make_node("Mish", ["h"], ["m"]),
        helper.make_node("Tanh", ["m"], ["t"]),
        helper.make_node("MatMul", ["t", "w2"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["p1"]),
        helper.make_node("Sigmoid", ["logits"], ["p2"]),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 10])
            for name in ("p1", "p2")
        ],
        [numpy_helper.from_array(a.astype(np.float32), name) for name, a in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    onnx.checker.check_model(model)
    images = rng.uniform(size=(16, 1, 8, 8)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = ReferenceEvaluator(model).run(None, {"image": images})
    after = ReferenceEvaluator(model, new_ops=fastcpuact.onnx.ops()).run(None, {"image": images})
    for a, b in zip(after, before, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)
