"""ONNX Runtime: graphs of one operator, or of the few that an activation is made of."""

from __future__ import annotations

import re

import onnx
import onnxruntime

from ..cases import GATES, Case, Operands
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

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Build the graph of an activation."""
        return self._session(None if case.params else _ROWS.get(case.name), case, operands)

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """Build the graph of the gate, and a product."""
        names = {"x": "gate", "y": "g"}
        g = re.sub(r"\b[xy]\b", lambda name: names[name[0]], _ROWS[GATES[case.name]])
        return self._session(f"{g} y = Mul(x, g)", case, operands)

    def rowwise(self, case: Case, operands: Operands) -> Call | None:
        """Build the graph of a function along an axis."""
        body = _ALONG_AXIS.get(case.name)
        return self._session(body and body.replace("AXIS", str(case.axis)), case, operands)

    def _session(self, body: str | None, case: Case, operands: Operands) -> Call | None:
        """Prepare to run a graph; None where an operator has no kernel for the dtype."""
        # There are no strided arrays.
        if body is None or case.form != "value" or case.layout == "strided":
            return None
        real = _REALS[case.dtype]
        x, y = (
            f"{real}[{', '.join(map(str, shape))}]" for shape in (case.shape, case.output_shape)
        )
        inputs = ", ".join(f"{x} {name}" for name in case.operands)
        model = onnx.parser.parse_model(
            f'<ir_version: {_IR}, opset_import: ["": {_OPSET}]> '
            f"{case.name} ({inputs}) => ({y} y) {{ {body.replace('REAL', real)} }}"
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except (
            onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented,
            onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
        ):
            return None
        arrays = dict(zip(case.operands, operands.of(case), strict=True))
        if case.result == "fresh":
            return Call(session.run, (None, arrays))
        binding = session.io_binding()
        for name, array in arrays.items():
            binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        (out,) = operands.out
        binding.bind_output("y", "cpu", 0, out.dtype, out.shape, out.ctypes.data)
        return Call(session.run_with_iobinding, (binding,), left_in=operands.out)
