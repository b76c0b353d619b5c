"""HIPS autograd: the functions of this package with their gradients.

Every function is here under its name: ``fastcpuact.autograd.gelu(x)`` may stand in what
``autograd.grad`` differentiates, with respect to x and to parameters, and twice with respect to x
where there is a second gradient.  What cannot be derived raises NotImplementedError.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import fastcpuact as act
from fastcpuact.extras import needed

with needed("autograd", __name__):
    import autograd.numpy as anp
    import numpy as np
    from autograd.extend import defjvp, defvjp, primitive
    from autograd.numpy.numpy_vjps import unbroadcast_f
    from autograd.tracer import isbox

Function = Callable[..., Any]


def __getattr__(name: str) -> Function:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return function(act.get(name))
    except ValueError as error:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {error}") from None


def __dir__() -> list[str]:
    return [name for kind in _RULES for name in act.names(kind)]


@functools.cache
def function(activation: Any) -> Function:
    """Return a function of this package as one that autograd can differentiate.

    Parameters
    ----------
    activation : Activation, Gated, or function along an axis
        For instance ``fastcpuact.gelu``, or what `fastcpuact.define` made. By name they are
        attributes of this module.

    Returns
    -------
    callable
        Called like the activation.

    Raises
    ------
    ValueError
        For what has no gradient with respect to one array: `maxout` and `rrelu`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd import elementwise_grad
    >>> import fastcpuact as act
    >>> from fastcpuact import autograd as differentiable
    >>> x = np.array([-1.0, 2.0])
    >>> bool(np.all(elementwise_grad(differentiable.gelu)(x) == act.gelu.grad(x)))
    True
    """
    kind = getattr(activation, "kind", None)
    if kind not in _RULES:
        raise ValueError(f"autograd has no rule for {activation!r}")
    return _RULES[kind](activation)


def _elementwise(activation: Any) -> Function:
    value, backward = primitive(activation), primitive(activation.backward)
    # dy·f''(x), whose own derivative is not known.
    bend = primitive(lambda dy, x, *params: dy * activation.grad2(x, *params))
    name, of_params = activation.name, "the gradients of its parameters"

    def in_x(g: Any, x: Any, params: Any) -> Any:
        return unbroadcast_f(x, lambda g: backward(g, x, *params))(g)

    def in_param(k: int) -> Function:
        def gradient(g: Any, x: Any, params: Any) -> Any:
            _refuse_traced(name, of_params, g, x, *params)
            return activation.param_grads(g, x, *params)[k]

        return lambda _, x, *params: lambda g: gradient(g, x, params)

    def along_param(k: int) -> Function:
        def slope(g: Any, y: Any, x: Any, *params: Any) -> Any:
            _refuse_traced(name, of_params, g, x, *params)
            # With parameters of the shape of y, nothing is summed.
            whole = [np.broadcast_to(np.asarray(p, y.dtype), y.shape) for p in params]
            return g * activation.param_grads(np.ones_like(y), x, *whole)[k]

        return slope

    defvjp(
        value,
        lambda _, x, *params: lambda g: in_x(g, x, params),
        *(in_param(k) for k in range(len(activation.params))),
    )
    defjvp(
        value,
        lambda g, _, x, *params: backward(g, x, *params),
        *(along_param(k) for k in range(len(activation.params))),
    )
    has_grad2 = "grad2" in activation.record.forms
    defvjp(
        backward,
        lambda _, dy, x, *params: unbroadcast_f(dy, lambda g: backward(g, x, *params)),
        (lambda _, dy, x, *params: unbroadcast_f(x, lambda g: bend(g * dy, x, *params)))
        if has_grad2
        else _unknown(name, "its gradient"),
        *(_unknown(name, f"its gradient with respect to {p!r}") for p in activation.params),
    )
    defvjp(
        bend,
        lambda _, dy, x, *params: unbroadcast_f(dy, lambda g: bend(g, x, *params)),
        *[_unknown(name, "its second gradient")] * (1 + len(activation.params)),
    )

    @functools.wraps(activation, updated=())
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        # Autograd follows positional arguments only.
        names = list(activation.params)[len(args) :]
        if not args and not kwargs and None not in activation.params.values():
            return value(x)
        given = [kwargs.pop(name, activation.params[name]) for name in names]
        if kwargs:
            raise TypeError(
                f"{activation.name}() got an unexpected argument {next(iter(kwargs))!r}"
            )
        if any(parameter is None for parameter in given):
            raise TypeError(f"{activation.name}() needs {', '.join(names)}")
        return value(x, *args, *given)

    return call


def _unknown(name: str, what: str) -> Function:
    """Return a rule for what has no derivative here."""

    def rule(*_: Any) -> NoReturn:
        raise NotImplementedError(f"{name}: the derivative of {what} is not known")

    return rule


def _refuse_traced(name: str, what: str, *given: Any) -> None:
    """Refuse what autograd wants to derive, where a rule is for arrays alone."""
    if any(map(isbox, given)):
        _unknown(name, what)()


def _gated(activation: Any) -> Function:
    pair, packed = primitive(activation), primitive(activation.packed)

    def gradient(form: Function, g: Any, *given: Any, **kwargs: Any) -> Any:
        _refuse_traced(activation.name, "its gradient", g, *given)
        return form(g, *given, **kwargs)

    def rule(k: int) -> Function:
        return lambda _, a, b: unbroadcast_f(
            (a, b)[k], lambda g: gradient(activation.backward, g, a, b)[k]
        )

    defvjp(pair, rule(0), rule(1))
    defvjp(
        packed,
        lambda _, x, **given: lambda g: gradient(activation.packed_backward, g, x, **given),
    )
    # Elementwise: the slopes of both directions are the same.
    defjvp(
        pair,
        lambda g, _, a, b: gradient(activation.backward, g, a, b)[0],
        lambda g, _, a, b: gradient(activation.backward, g, a, b)[1],
    )

    # Autograd follows positional arguments only.
    @functools.wraps(activation, updated=())
    def call(value: Any, gate: Any) -> Any:
        return pair(value, gate)

    @functools.wraps(activation.packed)
    def call_packed(x: Any, axis: int = -1, gate: str = "second") -> Any:
        return packed(x, axis=axis, gate=gate)

    call.packed = call_packed  # type: ignore[attr-defined]
    return call


# The gradients in NumPy's terms, which autograd can differentiate again.
_AGAIN: dict[str, Function] = {
    "softmax": lambda g, y, axis: y * (g - anp.sum(g * y, axis, keepdims=True)),
    "softmin": lambda g, y, axis: -y * (g - anp.sum(g * y, axis, keepdims=True)),
    "log_softmax": lambda g, y, axis: g - anp.exp(y) * anp.sum(g, axis, keepdims=True),
}


def _rowwise(activation: Any) -> Function:
    value = primitive(activation)
    name = activation.name

    def rule(y: Any, x: Any, axis: int = -1, keepdims: bool = False, **_: Any) -> Function:
        def gradient(g: Any) -> Any:
            if isbox(g) or isbox(y) or isbox(x):
                if name == "logsumexp":
                    wide = g if keepdims else anp.expand_dims(g, axis)
                    return wide * _rowwise_again(x, axis)
                if name not in _AGAIN:
                    raise NotImplementedError(f"the gradient of {name} cannot be derived again")
                return _AGAIN[name](g, y, axis)
            if name == "logsumexp":
                return activation.backward(anp.squeeze(g, axis) if keepdims else g, x, axis=axis)
            return activation.backward(g, y, axis=axis)

        return gradient

    def forward(g: Any, y: Any, x: Any, axis: int = -1, keepdims: bool = False, **_: Any) -> Any:
        if name == "logsumexp":
            return anp.sum(_rowwise_again(x, axis) * g, axis, keepdims=keepdims)
        if name == "log_softmax":
            return g - anp.sum(anp.exp(y) * g, axis, keepdims=True)
        # The matrix of all derivatives is symmetric.
        return rule(y, x, axis)(g)

    defvjp(value, rule, argnums=(0,))
    defjvp(value, forward, argnums=(0,))
    return value


def _rowwise_again(x: Any, axis: int) -> Any:
    return function(act.softmax)(x, axis)


_RULES: dict[str, Callable[[Any], Function]] = {
    "elementwise": _elementwise,
    "gated": _gated,
    "rowwise": _rowwise,
}
