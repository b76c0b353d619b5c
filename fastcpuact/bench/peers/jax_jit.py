"""JAX: its functions under ``jax.jit``, and their vector-Jacobian products."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import nn

from ..cases import GATES, Case, Operands
from .base import Call, Peer

_Function = Callable[..., Any]


def _spike(slope: _Function) -> _Function:
    """Make a step with another gradient, which is how one says it in JAX."""

    @jax.custom_vjp
    def step(x: Any) -> Any:
        return jnp.heaviside(x, 0)

    step.defvjp(lambda x: (step(x), x), lambda x, dy: (dy * slope(x),))
    return step


# fmt: off
_ROWS: dict[str, _Function] = {
    # straight lines
    "identity": lambda x: x + 0,
    "step": lambda x: jnp.heaviside(x, 0),
    "spike_atan": _spike(lambda x: 1 / (1 + jnp.square(jnp.pi * x))),
    "spike_fast_sigmoid": _spike(lambda x: 1 / jnp.square(1 + 25 * jnp.abs(x))),
    "relu": nn.relu,
    "relu6": nn.relu6,
    "relu_squared": lambda x: jnp.square(nn.relu(x)),
    "leaky_relu": nn.leaky_relu,
    "prelu": lambda x: nn.leaky_relu(x, 0.25),
    "threshold": lambda x, threshold, value: jnp.where(x > threshold, x, value),
    "hardtanh": nn.hard_tanh,
    "hardsigmoid": nn.hard_sigmoid,
    "hardswish": nn.hard_swish,
    "softshrink": lambda x: jnp.sign(x) * nn.relu(jnp.abs(x) - 0.5),
    "hardshrink": lambda x: jnp.where(jnp.abs(x) > 0.5, x, 0),
    "sparse_sigmoid": nn.sparse_sigmoid,
    "sparse_plus": nn.sparse_plus,

    # sigmoids
    "sigmoid": nn.sigmoid,
    "tanh": jnp.tanh,
    "softsign": nn.soft_sign,
    "tanhshrink": lambda x: x - jnp.tanh(x),

    # exponential tails
    "exponential": jnp.exp,
    "gaussian": lambda x: jnp.exp(-x * x),
    "elu": nn.elu,
    "celu": nn.celu,
    "selu": nn.selu,
    "softplus": nn.softplus,
    "logsigmoid": nn.log_sigmoid,
    "squareplus": nn.squareplus,

    # self-gated
    "silu": nn.silu,
    "swish": nn.swish,
    "gelu": lambda x: nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: nn.gelu(x, approximate=True),
    "gelu_sigmoid": lambda x: x * nn.sigmoid(1.702 * x),
    "mish": nn.mish,
    "serf": lambda x: x * jax.scipy.special.erf(nn.softplus(x)),
    "dish": lambda x: 0.5 * x * (x * jax.lax.rsqrt(x * x + 1) + 1),
    "snake": lambda x: x + jnp.square(jnp.sin(x)),
}
# fmt: on
_ALONG_AXIS: dict[str, _Function] = {
    "softmax": nn.softmax,
    "softmin": lambda x, axis: nn.softmax(-x, axis),
    "log_softmax": nn.log_softmax,
    "logsumexp": nn.logsumexp,
}


class JaxJit(Peer):
    """Arrays of JAX, made beforehand; results are fresh, and waited for.

    The number of threads is decided when JAX starts: by the processors that the process may use.
    """

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        jax.config.update("jax_enable_x64", True)
        if threads == 1:  # handing a call over to another thread, to wait for it, only costs
            jax.config.update("jax_cpu_enable_async_dispatch", False)

    def elementwise(self, case: Case, operands: Operands) -> Call | None:
        """Compile the function, or the product of a vector with its Jacobian."""
        return self._compiled(_ROWS.get(case.name), case.params, case, (operands.x,), operands.dy)

    def gated(self, case: Case, operands: Operands) -> Call | None:
        """Compile the expression, or the product of a vector with its Jacobian."""
        pair = _gated(_ROWS[GATES[case.name]])
        return self._compiled(pair, (), case, (operands.x, operands.gate), operands.dy)

    def rowwise(self, case: Case, operands: Operands) -> Call | None:
        """Compile the function, or the product of a vector with its Jacobian."""
        function = _ALONG_AXIS.get(case.name)
        return self._compiled(function, (case.axis,), case, (operands.x,), operands.dy)

    def _compiled(
        self,
        function: _Function | None,
        more: tuple[Any, ...],
        case: Case,
        inputs: tuple[Any, ...],
        dy: Any,
    ) -> Call | None:
        # There are no strided arrays.
        if function is None or case.layout == "strided":
            return None
        if case.form == "value":
            compiled, arrays = _value(function, more), inputs
        else:
            compiled, arrays = _backward(function, more), (dy, *inputs)

        def finished(*arrays: Any) -> Any:
            return jax.block_until_ready(compiled(*arrays))

        return Call(finished, tuple(jnp.asarray(array) for array in arrays))


@cache
def _value(function: _Function, more: tuple[Any, ...]) -> _Function:
    return jax.jit(lambda *inputs: function(*inputs, *more))


@cache
def _backward(function: _Function, more: tuple[Any, ...]) -> _Function:
    return jax.jit(
        lambda dy, *inputs: jax.vjp(lambda *inputs: function(*inputs, *more), *inputs)[1](dy)
    )


@cache
def _gated(g: _Function) -> _Function:
    return lambda x, gate: x * g(gate)
