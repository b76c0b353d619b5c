"""The same calls of np.exp and of ours: the same dtypes, shapes, types of errors, and reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from conftest import require

OURS = {"relu": act.relu, "tanh.grad": act.tanh.grad, "gelu.fast": act.gelu.fast}
X = np.linspace(-2, 2, 6, dtype=np.float32)
FIXED = np.zeros(6, np.float32)
FIXED.flags.writeable = False
RECORD = np.zeros(6, np.dtype([("a", np.int8), ("b", np.float32)]))["b"]

# Arguments and keywords of calls, as functions: results are new in every call.
CALLS: dict[str, Any] = {
    "float16": lambda: ((X.astype("f2"),), {}),
    "longdouble": lambda: ((X.astype("g"),), {"dtype": "f8", "casting": "unsafe"}),
    "longdouble to float64, safely": lambda: ((X.astype("g"),), {"dtype": "f8"}),
    "complex": lambda: ((X.astype("c8"),), {"dtype": "f4"}),
    "big endian": lambda: ((X.astype(">f8"),), {}),
    "field of a packed record": lambda: ((RECORD,), {}),
    "list": lambda: (([1.0, 2.0],), {}),
    "nested list": lambda: (([[1, 2], [3, 4]],), {}),
    "ragged list": lambda: (([[1, 2], [3]],), {}),
    "Python float": lambda: ((0.5,), {}),
    "Python int": lambda: ((1,), {}),
    "Python bool": lambda: ((True,), {}),
    "float32 scalar": lambda: ((np.float32(0.5),), {}),
    "zero dimensions": lambda: ((np.array(0.5, "f4"),), {}),
    "zero dimensions, out": lambda: ((0.5,), {"out": np.zeros(())}),
    "empty": lambda: ((np.empty((0, 3), "f4"),), {}),
    "where": lambda: ((X,), {"where": X > 0, "out": np.zeros(6, "f4")}),
    "where of another shape": lambda: ((X,), {"where": [True, False], "out": np.zeros(6)}),
    "where of numbers": lambda: ((X,), {"where": X, "out": np.zeros(6)}),
    "dtype": lambda: ((X,), {"dtype": np.float64}),
    "dtype of integers": lambda: ((X,), {"dtype": int}),
    "signature": lambda: ((X,), {"signature": "d->d"}),
    "casting": lambda: ((X.astype("f8"),), {"dtype": "f4", "casting": "same_kind"}),
    "casting refused": lambda: ((X.astype("f8"),), {"dtype": "f4", "casting": "no"}),
    "casting unknown": lambda: ((X,), {"casting": "maybe"}),
    "order": lambda: ((X.reshape(2, 3),), {"order": "F"}),
    "order unknown": lambda: ((X,), {"order": "Z"}),
    "subok": lambda: ((X.view(np.matrix),), {"subok": False}),
    "matrix": lambda: ((X.view(np.matrix),), {}),
    "out": lambda: ((X,), {"out": np.zeros(6, "f8")}),
    "out in a tuple": lambda: ((X,), {"out": (np.zeros(6, "f4"),)}),
    "out by position": lambda: ((X, np.zeros(6, "f4")), {}),
    "out twice": lambda: ((X, np.zeros(6, "f4")), {"out": np.zeros(6, "f4")}),
    "out of integers": lambda: ((X,), {"out": np.zeros(6, int)}),
    "out too short": lambda: ((X,), {"out": np.zeros(5)}),
    "out broadcast": lambda: ((X,), {"out": np.zeros((2, 6), "f4")}),
    "out read-only": lambda: ((X,), {"out": FIXED}),
    "out of two": lambda: ((X,), {"out": (np.zeros(6), np.zeros(6))}),
    "out a list": lambda: ((X,), {"out": [0.0] * 6}),
    "no argument": lambda: ((), {}),
    "three arguments": lambda: ((X, X, X), {}),
    "keyword unknown": lambda: ((X,), {"nonsense": 1}),
    "string": lambda: (("x",), {}),
    "datetime": lambda: ((np.zeros(2, "M8[s]"),), {}),
    "void": lambda: ((np.zeros(2, "V4"),), {}),
}


def outcome(f: Any, call: Any) -> Any:
    arguments, keywords = call()
    try:
        result = f(*arguments, **keywords)
    except Exception as error:
        # np.exp names itself in the reason; other classes of errors of the same base are alike.
        return next(base for base in (TypeError, ValueError) if isinstance(error, base))
    return type(result), result.dtype, result.shape, np.asarray(result).flags.c_contiguous


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_as_np_exp(name, call):
    require("compiled")
    expected = outcome(np.exp, CALLS[call])
    assert outcome(OURS[name], CALLS[call]) == expected
    assert outcome(OURS[name].ufunc, CALLS[call]) == expected


@pytest.mark.parametrize("bad", (np.ones(3, "c8"), np.array([1.0], object), np.array(["a"])))
def test_refused_in_numpys_words(bad):
    require("compiled")
    with pytest.raises(TypeError, match="ufunc 'relu' not supported for the input types"):
        act.relu(bad)


@pytest.mark.parametrize("dtype", ("f2", "f4", "f8"))
def test_python_numbers_are_weak(dtype):
    """NEP 50: a Python number takes the array's dtype, a NumPy scalar has its own."""
    require("compiled")
    x = np.ones(4, dtype)
    assert act.leaky_relu(x, 0.5).dtype == act.leaky_relu(x, 1).dtype == dtype
    assert act.leaky_relu(x[::2], 0.5).dtype == dtype
    assert act.leaky_relu(x, np.float64(0.5)).dtype == np.float64
    assert act.leaky_relu(1.0, x).dtype == dtype
    with pytest.warns(RuntimeWarning, match="overflow"):
        act.leaky_relu(np.ones(3, np.float32), 1e300)
