"""What the diagnostics ask of an activation, and how one is found."""

from __future__ import annotations

from typing import Any, Protocol

import fastcpuact as act


class Differentiable(Protocol):
    """An activation with its gradient; every activation of fastcpuact is one."""

    def __call__(self, x: Any, /) -> Any:
        """Return f(x)."""

    def value_and_grad(self, x: Any, /) -> tuple[Any, Any]:
        """Return f(x) and f'(x)."""


def function_of(f: Differentiable | str) -> Differentiable:
    """Return an activation that is given by itself or by a name."""
    if isinstance(f, str):
        return act.get(f, "elementwise")
    if callable(f) and hasattr(f, "value_and_grad"):
        return f
    raise TypeError(
        "f must be the name of an activation, or a callable with the method value_and_grad, "
        f"got {type(f).__name__}"
    )


def name_of(f: Differentiable) -> str:
    """Return what to call an activation."""
    return str(getattr(f, "name", None) or getattr(f, "__name__", None) or type(f).__name__)
