"""Neural-network activation functions and their gradients on the CPU, accurate and fast.

Every activation is an object that is called like a NumPy ufunc and carries its gradients::

    import fastcpuact as act

    act.gelu(x)
    act.gelu.grad(x)
    act.gelu.backward(dy, x)
    act.gelu.value_and_grad(x)

Functions along an axis are called as ``act.softmax(x, axis=-1)`` and carry theirs too:
``act.softmax.backward(dy, y, axis=-1)``.

`names` lists them; `get` finds one by any of its names.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

from .activation import Activation, Form
from .engines import current_engine, engine, use_engine
from .formulas import ACTIVATIONS as _RECORDS
from .formulas import GATED as _GATED
from .gated import Gated, maxout
from .headers import get_include
from .randomized import rrelu
from .rowwise import entmax15, log_softmax, logsumexp, softmax, softmin, sparsemax
from .threads import get_num_threads, num_threads, set_num_threads
from .version import __version__

# Every elementwise activation, by its canonical name.
activations: Mapping[str, Activation] = MappingProxyType(
    {name: Activation(record) for name, record in _RECORDS.items()}
)
_gated = {name: Gated(record) for name, record in _GATED.items()}
globals().update(activations, **_gated)

# Modules that are imported when they are first used.
_LATER = ("diagnostics", "language", "plot")

if TYPE_CHECKING:
    from . import language
    from .defined import define

    glu: Gated
    reglu: Gated
    geglu: Gated
    swiglu: Gated

    def __getattr__(name: str) -> Activation:
        """Every name of `activations` is an attribute of the package."""
else:

    def __getattr__(name: str) -> Any:
        """Import what needs optional packages, or is rarely needed, when it is asked for."""
        from importlib import import_module

        if name in _LATER:
            return import_module(f".{name}", __name__)
        if name == "define":
            return import_module(".defined", __name__).define
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# Everything that `get` finds, by its canonical name.
_FOUND: dict[str, Any] = {
    **activations,
    **_gated,
    **{
        f.name: f
        for f in (
            *(softmax, softmin, log_softmax, logsumexp, sparsemax, entmax15),
            *(maxout, rrelu),
        )
    },
}

if "threadpoolctl" in sys.modules:
    from . import threadpools  # noqa: F401


def names(kind: str | None = "elementwise") -> list[str]:
    """Return the canonical names of all activations of a kind.

    Parameters
    ----------
    kind : {"elementwise", "gated", "rowwise", "groupwise", "randomized"} or None
        Functions of one element, of a value and a gate, along an axis, of groups of neighbours,
        or with a random generator: the attribute ``kind`` of an activation. None for all.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> import fastcpuact as act
    >>> "gelu" in act.names()
    True
    >>> act.names("rowwise")[:2]
    ['softmax', 'softmin']
    """
    kinds = dict.fromkeys(f.kind for f in _FOUND.values())
    if kind is None:
        return list(_FOUND)
    if kind not in kinds:
        raise ValueError(f"kind must be one of {', '.join(kinds)}, got {kind!r}")
    return [name for name, f in _FOUND.items() if f.kind == kind]


@overload
def get(name: str, kind: Literal["elementwise"]) -> Activation: ...
@overload
def get(name: str, kind: str | None = None) -> Any: ...
def get(name: str, kind: str | None = None) -> Any:
    """Return an activation by its name or an alias.

    Parameters
    ----------
    name : str
        For instance ``"gelu"``, ``"expit"`` or ``"softmax"``.
    kind : str, optional
        Find only those of this kind; see `names`.

    Raises
    ------
    TypeError
        If ``name`` is not a string.
    ValueError
        If nothing of that kind has that name; the message suggests the nearest.

    Examples
    --------
    >>> import fastcpuact as act
    >>> act.get("expit") is act.sigmoid
    True
    >>> act.get("softmax").kind
    'rowwise'
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, got {type(name).__name__}")
    allowed = names(kind)
    canonical = {**{known: known for known in _FOUND}, **_RECORDS.aliases, **_GATED.aliases}
    if name in canonical:
        found = canonical[name]
        if found not in allowed:
            raise ValueError(f"{name!r} is {_FOUND[found].kind}, not {kind}")
        return _FOUND[found]
    from difflib import get_close_matches

    near = get_close_matches(
        name.lower(), [n for n, known in canonical.items() if known in allowed], n=3
    )
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise ValueError(f"no activation is called {name!r}{hint}")


__all__ = [
    "Activation",
    "Form",
    "Gated",
    "__version__",
    "activations",
    "current_engine",
    "define",
    "engine",
    "entmax15",
    "get",
    "get_include",
    "get_num_threads",
    "language",
    "log_softmax",
    "logsumexp",
    "maxout",
    "names",
    "num_threads",
    "rrelu",
    "set_num_threads",
    "softmax",
    "softmin",
    "sparsemax",
    "use_engine",
    *activations,
    *_gated,
]
