"""Info: all that is known of a function."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import fastcpuact as act
from fastcpuact.activation import Activation

from . import measured
from .knowledge import Knowledge, knowledge
from .measured import Cost, Error
from .properties import Properties, properties

# Attributes of `Info.names`, and how they are written.
LIBRARIES = {"torch": "PyTorch", "jax": "JAX", "keras": "Keras", "onnx": "ONNX"}


@dataclass(frozen=True)
class Info:
    """All that is known of a function.

    Attributes
    ----------
    name : str
        The canonical name.
    kind : str
        As in `fastcpuact.names`.
    title : str
        The name in full.
    aliases : tuple of str
        Other names that `fastcpuact.get` accepts.
    formula, derivative : str
        In words and symbols; the derivative is empty where it is no formula of x alone.
    parameters : dict
        Names and defaults; None marks one that has to be given.
    names : dict
        What other libraries call it, by the keys of `LIBRARIES`.
    paper : str or None
        Where it comes from.
    used, pitfalls : tuple of str
        Where it is used, and what to beware of.
    properties : Properties or None
        What is computed from the function; None for those of more than one element.
    bounds : dict
        Stated error bounds in ULP, by formula and dtype.
    errors : dict of dict of Error
        Largest errors measured, by formula and dtype.
    costs : dict of Cost
        Times measured, by form.

    Examples
    --------
    >>> import fastcpuact as act
    >>> info = act.softplus.info
    >>> info.derivative, info.properties.saturating, info.names["torch"][:28]
    ('σ(βx).', 'left', 'torch.nn.functional.softplus')
    """

    name: str
    kind: str
    title: str
    aliases: tuple[str, ...]
    formula: str
    derivative: str
    parameters: dict[str, float | None]
    names: dict[str, str]
    paper: str | None
    used: tuple[str, ...]
    pitfalls: tuple[str, ...]
    properties: Properties | None
    bounds: dict[str, dict[str, float]]
    errors: dict[str, dict[str, Error]]
    costs: dict[str, Cost]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        of_fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return of_fields | {
            "properties": self.properties and self.properties.as_dict(),
            "errors": {
                formula: {dtype: asdict(error) for dtype, error in by_dtype.items()}
                for formula, by_dtype in self.errors.items()
            },
            "costs": {form: asdict(cost) for form, cost in self.costs.items()},
        }

    def __str__(self) -> str:
        from .facts import facts

        given = [(label, text) for label, text in facts(self) if text]
        width = max(len(label) for label, _ in given)
        lines = [f"{label:<{width}}  {text}" for label, text in given]
        return "\n".join([f"{self.name}: {self.title}", *lines])


@cache
def info_of(f: Any) -> Info:
    """Return all that is known of an activation of any kind."""
    if isinstance(f, Activation) and f.is_fast and f.name in act.activations:
        return info_of(act.activations[f.name])
    # A user's own activation has no entry.
    known = knowledge().get(f.name) or Knowledge(title=f.name)
    record: Any = getattr(f, "record", None)
    required = {name for name, default in f.params.items() if default is None}
    has_curve = f.kind == "elementwise" and required <= known.typical.keys()
    bounds: dict[str, dict[str, float]] = {}
    for (formula, dtype), bound in (record.bounds if record else {}).items():
        bounds.setdefault(formula, {})[dtype] = bound
    return Info(
        name=f.name,
        kind=f.kind,
        title=known.title,
        aliases=tuple(f.aliases),
        formula=_formula(f),
        derivative=_first_line(record.formulas["grad"]) if has_curve else "",
        parameters=dict(f.params),
        names={key: name for key in LIBRARIES if (name := getattr(known, key))},
        paper=known.paper,
        used=tuple(known.used),
        pitfalls=tuple(known.pitfalls),
        properties=properties(f, **known.typical) if has_curve else None,
        bounds=bounds,
        errors=measured.errors(f.name),
        costs=measured.costs(f.name),
    )


def _first_line(described: Any) -> str:
    return (described.__doc__ or "").strip().partition("\n")[0]


def _formula(f: Any) -> str:
    record = getattr(f, "record", None)
    if record is not None:
        return _first_line(record.value)
    text = _first_line(f)
    return text.partition(": ")[2] or text
