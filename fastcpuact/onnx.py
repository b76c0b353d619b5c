"""The activation operators of ONNX, for its reference evaluator.

`ops` gives them to ``onnx.reference.ReferenceEvaluator``. Attributes that a node leaves out have
the defaults of the opset that the model declares. bfloat16 is computed in float32 and rounded once.
The evaluator does not pass operators on to functions that a model defines itself.

Source: the ONNX operator schemas (https://onnx.ai/onnx/operators), by opset.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastcpuact as act
from fastcpuact.extras import needed

with needed("onnx", __name__):
    import onnx.defs
    from onnx.reference.op_run import OpRun
    from scipy.special import erf

__all__ = ["ops"]

Array = NDArray[Any]

# From here on softmax and its relatives work along one axis; before, on a matrix of the dimensions
# before the axis by those from it on.
_ALONG_ONE_AXIS = 13
# From here on a slope is broadcast as in NumPy; before, one of several numbers was of channels.
_NUMPY_BROADCAST = 7


class Operator(OpRun):
    """An operator with the attributes of the opset of its model."""

    compute: Callable[..., Array]

    def __init__(self, onnx_node: Any, run_params: dict[str, Any], schema: Any = None) -> None:
        version = run_params["opsets"].get(onnx_node.domain, onnx.defs.onnx_opset_version())
        schema = onnx.defs.get_schema(onnx_node.op_type, version, onnx_node.domain)
        self.since = schema.since_version
        super().__init__(onnx_node, run_params, schema)

    def _run(self, x: Array, *inputs: Array | None, **attributes: Any) -> tuple[Array]:
        attributes.pop("consumed_inputs", None)  # a hint of the first opset about memory
        given = [x, *inputs]
        if x.dtype.name == "bfloat16":
            given = [a if a is None else a.astype(np.float32) for a in given]
        y = type(self).compute(*given, since=self.since, **attributes)
        return (np.asarray(y).astype(x.dtype, copy=False),)


def _is_whole(x: Array) -> bool:
    """Whether an array holds integers, on which some operators are defined too."""
    return x.dtype.kind in "iu"


def elementwise(f: act.Activation) -> Callable[..., Array]:
    """An operator without attributes."""
    return lambda x, since: f(x)


def relu(x: Array, since: int) -> Array:
    """Relu, which integers may take too."""
    return np.maximum(x, x.dtype.type(0)) if _is_whole(x) else act.relu(x)


def prelu(x: Array, slope: Array, since: int) -> Array:
    """PRelu, whose slope is broadcast to x."""
    if since < _NUMPY_BROADCAST and slope.size > 1:
        slope = slope.reshape(-1, *(1,) * (x.ndim - 2))
    if np.broadcast_shapes(x.shape, slope.shape) != x.shape:
        raise ValueError(f"PRelu: slope of shape {slope.shape} does not broadcast to {x.shape}")
    return np.where(x > 0, x, x * slope) if _is_whole(x) else act.prelu(x, slope)


def selu(x: Array, since: int, alpha: float, gamma: float) -> Array:
    """Selu, whose defaults are rounded to float32, and in the first opset to four digits."""
    y = act.elu(x, alpha)
    return np.multiply(y, x.dtype.type(gamma))


def gelu(x: Array, since: int, approximate: str) -> Array:
    """Gelu in either form."""
    forms = {"none": act.gelu, "tanh": act.gelu_tanh}
    if approximate not in forms:
        raise ValueError(f"Gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return forms[approximate](x)


def thresholded_relu(x: Array, since: int, alpha: float) -> Array:
    """ThresholdedRelu, which gives 0 for NaN."""
    return np.where(x > alpha, x, x.dtype.type(0))


def shrink(x: Array, since: int, bias: float, lambd: float) -> Array:
    """Shrink, of which softshrink and hardshrink are special cases; keeps NaN."""
    if not _is_whole(x) and lambd >= 0 and bias in (0, lambd):
        return act.softshrink(x, lambd) if bias else act.hardshrink(x, lambd)
    # In the order of the standard: both conditions hold near 0 for a negative lambd.
    right = np.where(x > lambd, x - bias, np.where(x == x, 0, x))
    return np.where(x < -lambd, x + bias, right)


def clip(x: Array, *inputs: Array | None, since: int, **attributes: float) -> Array:
    """Clip, whose limits were attributes and are inputs; max where they cross."""
    low: Any
    high: Any
    low, high = (*inputs, None, None)[:2]
    if attributes:
        low, high = (attributes[name] for name in ("min", "max"))
    if _is_whole(x):
        info = np.iinfo(x.dtype)
        return np.minimum(
            np.maximum(x, info.min if low is None else low), info.max if high is None else high
        )
    limits = [
        default if limit is None else np.asarray(limit, np.float64).item()
        for limit, default in ((low, -math.inf), (high, math.inf))
    ]
    if any(map(math.isnan, limits)):
        return np.full_like(x, np.nan)
    # Limits that the dtype does not hold limit nothing.
    largest = float(np.finfo(x.dtype).max)
    return act.hardtanh(
        x, *(v if abs(v) <= largest else math.copysign(math.inf, v) for v in limits)
    )


def swiglu(gate: Array, value: Array, since: int, alpha: float) -> Array:
    """SwiGLU, whose inputs are not broadcast."""
    if gate.shape != value.shape:
        raise ValueError(f"SwiGLU: A and B must have one shape, got {gate.shape}, {value.shape}")
    return act.swiglu(value, gate) if alpha == 1 else act.swish(gate, alpha) * value


def rows(f: Callable[..., Array]) -> Callable[..., Array]:
    """An operator on rows along an axis."""

    def compute(x: Array, since: int, axis: int) -> Array:
        if x.ndim == 0 and axis in (-1, 0):
            return f(x.reshape(1), -1).reshape(())
        # Before, an axis could be that after the last one.
        last = x.ndim - 1 if since >= _ALONG_ONE_AXIS else x.ndim
        if not -x.ndim <= axis <= last:
            raise ValueError(f"axis must be in [{-x.ndim}, {last}] for {x.ndim} axes, got {axis}")
        if x.size == 0:
            return x
        if since >= _ALONG_ONE_AXIS:
            return f(x, axis)
        axis = axis + x.ndim if axis < 0 else axis
        flat = x.reshape(math.prod(x.shape[:axis]), -1)
        return f(flat, -1).reshape(x.shape)

    return compute


def hardmax(x: Array, axis: int) -> Array:
    """1 at the first of the largest elements of every row, 0 elsewhere."""
    y = np.zeros_like(x)
    np.put_along_axis(y, np.argmax(x, axis=axis, keepdims=True), 1, axis=axis)
    return y


_OPERATORS: dict[str, Callable[..., Array]] = {
    "Celu": lambda x, since, alpha: act.celu(x, alpha),
    "Clip": clip,
    "Elu": lambda x, since, alpha: act.elu(x, alpha),
    "Erf": lambda x, since: erf(x),
    "Exp": elementwise(act.exponential),
    "Gelu": gelu,
    "HardSigmoid": lambda x, since, alpha, beta: act.hardsigmoid(x, alpha, beta),
    "HardSwish": elementwise(act.hardswish),
    "Hardmax": rows(hardmax),
    "LeakyRelu": lambda x, since, alpha: act.leaky_relu(x, alpha),
    "LogSoftmax": rows(act.log_softmax),
    "Mish": elementwise(act.mish),
    "PRelu": prelu,
    "Relu": relu,
    "Selu": selu,
    "Shrink": shrink,
    "Sigmoid": elementwise(act.sigmoid),
    "Softmax": rows(act.softmax),
    "Softplus": elementwise(act.softplus),
    "Softsign": elementwise(act.softsign),
    "SwiGLU": swiglu,
    "Swish": lambda x, since, alpha: act.swish(x, alpha),
    "Tanh": elementwise(act.tanh),
    "ThresholdedRelu": thresholded_relu,
}


def ops() -> list[type[OpRun]]:
    """Return the activation operators of ONNX as classes for its reference evaluator.

    Returns
    -------
    list of type
        One subclass of ``OpRun`` for each of Celu, Clip, Elu, Erf, Exp, Gelu, HardSigmoid,
        HardSwish, Hardmax, LeakyRelu, LogSoftmax, Mish, PRelu, Relu, Selu, Shrink, Sigmoid,
        Softmax, Softplus, Softsign, SwiGLU, Swish, Tanh, ThresholdedRelu. Erf is SciPy's.

    Notes
    -----
    Inside functions that a model brings along, the evaluator takes its own operators, whatever it
    is given: ``onnx.inliner.inline_local_functions(model)`` puts them into the graph before.

    Raises
    ------
    ModuleNotFoundError
        When this module is imported without the packages onnx and scipy.

    Examples
    --------
    >>> import numpy as np
    >>> import onnx.parser
    >>> from onnx.reference import ReferenceEvaluator
    >>> import fastcpuact.onnx
    >>> model = onnx.parser.parse_model(
    ...     '<ir_version: 9, opset_import: ["" : 20]>'
    ...     'agraph (float[N] x) => (float[N] y) { y = Gelu (x) }'
    ... )
    >>> session = ReferenceEvaluator(model, new_ops=fastcpuact.onnx.ops())
    >>> [y] = session.run(None, {"x": np.array([-1.0, 0.0, 1.0], np.float32)})
    >>> y.round(3)
    array([-0.159,  0.   ,  0.841], dtype=float32)
    """
    return [
        type(name, (Operator,), {"op_domain": "", "compute": staticmethod(compute)})
        for name, compute in _OPERATORS.items()
    ]
