"""ONNX Runtime: graphs of one operator, or of the few that an activation is made of."""

from __future__ import annotations

from typing import Any

import onnx
import onnxruntime

from ..cases import Case, Operands
from .base import Call, Peer

_OPSET = 20
_IR = 9
_REALS = {"float32": "float", "float64": "double"}


def _clip(low: float, high: float) -> str:
    return f"l = {_number(low)} h = {_number(high)} y = Clip(x, l, h)"


def _number(value: float) -> str:
    return f"Constant<value = REAL {{{value}}}>()"


# In ONNX's own text, of x and y; REAL stands for the type.
# fmt: off
_ROWS = {
    # straight lines
    "identity": "y = Identity(x)",
    "relu": "y = Relu(x)",
    "relu6": _clip(0.0, 6.0),
    "relu_squared": "r = Relu(x) y = Mul(r, r)",
    "leaky_relu": "y = LeakyRelu<alpha = 0.01>(x)",
    "prelu": f"w = {_number(0.25)} y = PRelu(x, w)",
    "hardtanh": _clip(-1.0, 1.0),
    "hardsigmoid": "y = HardSigmoid<alpha = 0.16666667, beta = 0.5>(x)",
    "hardswish": "y = HardSwish(x)",
    "softshrink": "y = Shrink<lambd = 0.5, bias = 0.5>(x)",
    "hardshrink": "y = Shrink<lambd = 0.5>(x)",
    "sparse_sigmoid": "y = HardSigmoid<alpha = 0.5, beta = 0.5>(x)",

    # sigmoids
    "sigmoid": "y = Sigmoid(x)",
    "tanh": "y = Tanh(x)",
    "softsign": "y = Softsign(x)",
    "tanhshrink": "t = Tanh(x) y = Sub(x, t)",

    # exponential tails
    "exponential": "y = Exp(x)",
    "gaussian": "s = Mul(x, x) n = Neg(s) y = Exp(n)",
    "elu": "y = Elu(x)",
    "celu": "y = Celu(x)",
    "selu": "y = Selu(x)",
    "softplus": "y = Softplus(x)",
    "logsigmoid": "n = Neg(x) p = Softplus(n) y = Neg(p)",
    "squareplus": (
        f"b = {_number(4.0)} h = {_number(0.5)} s = Mul(x, x) t = Add(s, b) r = Sqrt(t)"
        " u = Add(x, r) y = Mul(h, u)"),

    # self-gated
    "silu": "s = Sigmoid(x) y = Mul(x, s)",
    "swish": "s = Sigmoid(x) y = Mul(x, s)",
    "gelu": "y = Gelu(x)",
    "gelu_tanh": 'y = Gelu<approximate = "tanh">(x)',
    "gelu_sigmoid": f"a = {_number(1.702)} t = Mul(a, x) s = Sigmoid(t) y = Mul(x, s)",
    "mish": "y = Mish(x)",
    "serf": "p = Softplus(x) e = Erf(p) y = Mul(x, e)",
    "dish": (
        f"i = {_number(1.0)} h = {_number(0.5)} s = Mul(x, x) t = Add(s, i) r = Sqrt(t)"
        " q = Div(x, r) a = Add(q, i) g = Mul(h, x) y = Mul(g, a)"),
    "snake": "s = Sin(x) q = Mul(s, s) y = Add(x, q)",
}
# fmt: on
_ALONG_AXIS = {
    "softmax": "y = Softmax<axis = AXIS>(x)",
    "softmin": "n = Neg(x) y = Softmax<axis = AXIS>(n)",
    "log_softmax": "y = LogSoftmax<axis = AXIS>(x)",
    "logsumexp": "a = Constant<value = int64[1] {AXIS}>() y = ReduceLogSumExp<keepdims = 0>(x, a)",
}


class OnnxRuntime(Peer):
    """Sessions on the CPU; the package as it is distributed computes no gradients."""

    def call(self, case: Case, operands: Operands) -> Call | None:
        """Build a graph and a session; None where the operator has no kernel for the dtype.

        There are no strided arrays.
        """
        if case.form != "value" or case.layout == "strided" or case.params:
            return None
        if case.axis is None:
            body = _ROWS.get(case.name)
        else:
            body = _ALONG_AXIS.get(case.name, "").replace("AXIS", str(case.axis)) or None
        if body is None:
            return None
        session = self._session(body, case)
        if session is None:
            return None
        if case.result == "fresh":
            return Call(session.run, (None, {"x": operands.x}))
        binding = session.io_binding()
        for bind, name, array in (
            (binding.bind_input, "x", operands.x),
            (binding.bind_output, "y", operands.out),
        ):
            bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        return Call(session.run_with_iobinding, (binding,), left_in=operands.out)

    def _session(self, body: str, case: Case) -> Any:
        real = _REALS[case.dtype]
        x, y = (
            f"{real}[{', '.join(map(str, shape))}]" for shape in (case.shape, case.output_shape)
        )
        body = body.replace("REAL", real)
        model = onnx.parser.parse_model(
            f'<ir_version: {_IR}, opset_import: ["": {_OPSET}]> '
            f"{case.name} ({x} x) => ({y} y) {{ {body} }}"
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            return onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except (
            onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented,
            onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
        ):
            return None
