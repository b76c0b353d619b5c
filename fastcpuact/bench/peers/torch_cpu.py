"""PyTorch on the CPU: its functions, and the kernels that its autograd calls for the gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from ..cases import GATES, Case, Operands
from .base import Call, Peer

_aten: Any = torch.ops.aten
# The functions behind torch.nn.functional, which take ``out`` where those do not.
_nn: Any = torch._C._nn


@dataclass(frozen=True)
class _Row:
    """How PyTorch spells an activation.

    Attributes
    ----------
    value : callable
        ``value(x, *more)``, with the keyword ``out`` if `has_out`.
    more : tuple
        Its other arguments.
    backward : callable or None
        ``backward(dy, *saved)``; without one, autograd goes through the value.
    saved : tuple
        Its other arguments, "x" and "y" for what autograd keeps.
    keywords : mapping
        Keyword arguments of both.
    """

    value: Callable[..., Any]
    more: tuple[Any, ...] = ()
    backward: Any = None
    saved: tuple[Any, ...] = ("x",)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    has_out: bool = True


def _expression(value: Callable[..., Any], backward: Callable[..., Any] | None = None) -> _Row:
    return _Row(value, backward=backward, has_out=False)


def _clamp(low: float, high: float) -> _Row:
    return _Row(_nn.hardtanh, (low, high), _aten.hardtanh_backward, ("x", low, high))


def _copy(x: Any, out: Any = None) -> Any:
    return x.clone() if out is None else out.copy_(x)


def _step(x: Any) -> Any:
    return torch.heaviside(x, x.new_zeros(()))


def _fast_sigmoid(dy: Any, x: Any) -> Any:
    return dy / (1 + 25 * torch.abs(x)).square()


_SELU, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# fmt: off
_ROWS: dict[str, _Row] = {
    # straight lines
    "identity": _Row(_copy, backward=_copy, saved=()),
    "step": _expression(_step, lambda dy, x: torch.zeros_like(x)),
    "spike_atan": _expression(_step, lambda dy, x: dy / (1 + (math.pi * x).square())),
    "spike_fast_sigmoid": _expression(_step, _fast_sigmoid),
    "relu": _Row(torch.clamp_min, (0,), _aten.threshold_backward, ("x", 0)),
    "relu6": _clamp(0.0, 6.0),
    "relu_squared": _expression(lambda x: functional.relu(x).square()),
    "leaky_relu": _Row(_nn.leaky_relu, (0.01,), _aten.leaky_relu_backward, ("x", 0.01, False)),
    "prelu": _expression(lambda x: torch.prelu(x, x.new_full((1,), 0.25))),
    "threshold": _expression(torch.threshold),
    "hardtanh": _clamp(-1.0, 1.0),
    "hardsigmoid": _Row(_nn.hardsigmoid, (), _aten.hardsigmoid_backward),
    "hardswish": _Row(_nn.hardswish, (), _aten.hardswish_backward),
    "softshrink": _Row(_nn.softshrink, (0.5,), _aten.softshrink_backward, ("x", 0.5)),
    "hardshrink": _Row(torch.hardshrink, (0.5,), _aten.hardshrink_backward, ("x", 0.5)),
    "sparse_sigmoid": _expression(lambda x: torch.clamp(0.5 * x + 0.5, 0, 1)),
    "sparse_plus": _expression(
        lambda x: torch.where(x < 1, 0.25 * functional.relu(x + 1).square(), x)),

    # sigmoids
    "sigmoid": _Row(torch.sigmoid, (), _aten.sigmoid_backward, saved=("y",)),
    "tanh": _Row(torch.tanh, (), _aten.tanh_backward, saved=("y",)),
    "softsign": _expression(functional.softsign),
    "tanhshrink": _expression(functional.tanhshrink),

    # exponential tails
    "exponential": _Row(torch.exp, (), torch.mul, saved=("y",)),
    "gaussian": _expression(lambda x: torch.exp(-x * x)),
    "elu": _Row(_nn.elu, (1.0,), _aten.elu_backward, (1.0, 1.0, 1.0, False, "x")),
    "celu": _Row(_nn.elu, (1.0,), _aten.elu_backward, (1.0, 1.0, 1.0, False, "x")),
    "selu": _Row(
        _nn.elu, (_SELU_ALPHA, _SELU),
        _aten.elu_backward, (_SELU_ALPHA, _SELU, 1.0, False, "x")),
    "softplus": _Row(_nn.softplus, (1, 20), _aten.softplus_backward, ("x", 1, 20)),
    "logsigmoid": _Row(_nn.log_sigmoid),
    "squareplus": _expression(lambda x: 0.5 * (x + torch.sqrt(x * x + 4))),

    # self-gated
    "silu": _Row(_nn.silu, (), _aten.silu_backward),
    "swish": _Row(_nn.silu, (), _aten.silu_backward),
    "gelu": _Row(_nn.gelu, (), _aten.gelu_backward),
    "gelu_tanh": _Row(_nn.gelu, (), _aten.gelu_backward, keywords={"approximate": "tanh"}),
    "gelu_sigmoid": _expression(lambda x: x * torch.sigmoid(1.702 * x)),
    "mish": _Row(_nn.mish, (), _aten.mish_backward),
    "serf": _expression(lambda x: x * torch.erf(functional.softplus(x))),
    "dish": _expression(lambda x: 0.5 * x * (x * torch.rsqrt(x * x + 1) + 1)),
    "snake": _expression(lambda x: x + torch.sin(x).square()),
}
# fmt: on
_ALONG_AXIS: dict[str, tuple[Callable[..., Any], Any]] = {
    "softmax": (torch.softmax, _aten._softmax_backward_data),
    "softmin": (functional.softmin, None),
    "log_softmax": (torch.log_softmax, _aten._log_softmax_backward_data),
    "logsumexp": (torch.logsumexp, None),
}


class TorchCpu(Peer):
    """Tensors that share the memory of the NumPy arrays."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        torch.set_num_threads(threads)

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the function, the kernel of its gradient, or autograd on a graph that is there.

        Autograd makes fresh arrays whatever is asked for.
        """
        if case.name not in _ROWS:
            return None
        row = _ROWS[case.name]
        x, dy, y = _tensors(operands.x, operands.dy, operands.y)
        out = _out(case, operands)
        if case.form == "value":
            function = partial(row.value, **row.keywords) if row.keywords else row.value
            return Call(function, (x, *row.more, *case.params), out if row.has_out else None)
        if row.backward is not None:
            kept = {"x": x, "y": y}
            saved = (kept[a] if isinstance(a, str) else a for a in row.saved)
            call = _overload(row.backward, (dy, *saved), out, row.keywords, row.has_out)
            return replace(call, from_output="y" in row.saved)
        return _autograd(row.value(x.requires_grad_(), *row.more, *case.params), (x,), dy)

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the expression, or autograd on its graph."""
        row = _ROWS[GATES[case.name]]
        x, gate, dy = _tensors(operands.x, operands.gate, operands.dy)

        def value(x: Any, gate: Any) -> Any:
            return x * row.value(gate, *row.more)

        if case.form == "value":
            return Call(value, (x, gate))
        return _autograd(value(x.requires_grad_(), gate.requires_grad_()), (x, gate), dy)

    def rowwise(self, case: Case, operands: Operands) -> Call | None:
        """Prepare the function, the kernel of its gradient, or autograd."""
        if case.name not in _ALONG_AXIS:
            return None
        function, gradient = _ALONG_AXIS[case.name]
        x, dy, y = _tensors(operands.x, operands.dy, operands.y)
        out = _out(case, operands)
        if case.form == "value":
            has_out = function is not functional.softmin
            return Call(function, (x, case.axis), out if has_out else None)
        if gradient is not None:
            return _overload(gradient, (dy, y, case.axis, x.dtype), out)
        return _autograd(function(x.requires_grad_(), case.axis), (x,), dy)


def _tensors(*arrays: Any) -> Any:
    return (torch.from_numpy(array) for array in arrays)


def _out(case: Case, operands: Operands) -> Any:
    return torch.from_numpy(operands.out[0]) if case.result == "out" else None


def _autograd(graph: Any, inputs: tuple[Any, ...], dy: Any) -> Call:
    """Prepare the gradients of a graph that stays for the next round."""
    return Call(torch.autograd.grad, (graph, inputs, dy, True))


def _overload(
    function: Any,
    arguments: tuple[Any, ...],
    out: Any,
    keywords: Mapping[str, Any] | None = None,
    has_out: bool = True,
) -> Call:
    """Prepare a call of an operator of ATen with or without ``out``, however it names that."""
    name = "out"
    if isinstance(function, torch._ops.OpOverloadPacket):
        named = {"grad_input", "out"}.intersection(function.overloads())
        has_out = bool(named)
        if named and out is not None:
            overload = named.pop()
            function = getattr(function, overload)
            # Of two such names one is that of the argument (softmax alone calls it so).
            name = next(a.name for a in function._schema.arguments if a.is_out)
        else:
            function = function.default
    if keywords:
        function = partial(function, **keywords)
    return Call(function, arguments, out if has_out else None, name)
