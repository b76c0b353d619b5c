"""Neural-network activation functions and their gradients on the CPU, accurate and fast.

Every activation is an object that is called like a NumPy ufunc and carries its gradients::

    import fastcpuact as act

    act.gelu(x)
    act.gelu.grad(x)
    act.gelu.backward(dy, x)
    act.gelu.value_and_grad(x)

`names` lists them; `get` finds one by any of its names.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from .activation import Activation, Form
from .engines import current_engine, engine, use_engine
from .formulas import ACTIVATIONS as _RECORDS
from .randomized import rrelu
from .rowwise import softmax
from .threads import get_num_threads, num_threads, set_num_threads
from .version import __version__

# Every elementwise activation, by its canonical name.
activations: Mapping[str, Activation] = MappingProxyType(
    {name: Activation(record) for name, record in _RECORDS.items()}
)
globals().update(activations)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Activation:
        """Every name of `activations` is an attribute of the package."""


def names() -> list[str]:
    """Return the canonical names of all elementwise activations.

    Examples
    --------
    >>> import fastcpuact as act
    >>> "gelu" in act.names()
    True
    """
    return list(activations)


def get(name: str) -> Activation:
    """Return an elementwise activation by its name or an alias.

    Parameters
    ----------
    name : str
        For instance ``"gelu"`` or ``"expit"``.

    Raises
    ------
    TypeError
        If ``name`` is not a string.
    ValueError
        If nothing has that name; the message suggests the nearest.

    Examples
    --------
    >>> import fastcpuact as act
    >>> act.get("expit") is act.sigmoid
    True
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, got {type(name).__name__}")
    aliases = _RECORDS.aliases
    if name not in aliases:
        from difflib import get_close_matches

        if name == softmax.name:
            raise ValueError("softmax works along an axis: call fastcpuact.softmax")
        near = get_close_matches(name, aliases, n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise ValueError(f"no activation is called {name!r}{hint}")
    return activations[aliases[name]]


__all__ = [
    "Activation",
    "Form",
    "__version__",
    "activations",
    "current_engine",
    "engine",
    "get",
    "get_num_threads",
    "names",
    "num_threads",
    "rrelu",
    "set_num_threads",
    "softmax",
    "use_engine",
    *activations,
]
