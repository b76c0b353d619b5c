"""The registry: one record per activation, which everything else in the package iterates over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .language import Formula


@dataclass(frozen=True)
class Form:
    """One of the things that are computed from an activation.

    ``operands`` come before the parameters; each of ``results`` names a formula of the record,
    multiplied by ``dy`` where that is an operand.
    """

    name: str
    operands: tuple[str, ...]
    results: tuple[str, ...]
    summary: str


FORMS = {
    form.name: form
    for form in (
        Form("value", ("x",), ("value",), "f(x)"),
        Form("grad", ("x",), ("grad",), "f'(x)"),
        Form("backward", ("dy", "x"), ("grad",), "dy * f'(x)"),
        Form("value_and_grad", ("x",), ("value", "grad"), "f(x) and f'(x)"),
    )
}


@dataclass(eq=False)
class Record:
    """All that is known of an activation.

    Attributes
    ----------
    value, grad : Formula
        f and f', as functions of x and the parameters.
    aliases : tuple of str
        Other names that `fastcpuact.get` accepts.
    domain : tuple of float
        Where the function is neither constant nor a straight line to working precision; used
        to choose points for sampling and for pictures.
    bounds : dict
        ``(formula, dtype) -> ULP``: the largest error, |result - exact| over the spacing of
        floats at the exact value, that the tests accept.
    """

    value: Formula
    aliases: tuple[str, ...]
    domain: tuple[float, float]
    bounds: dict[tuple[str, str], float]
    formulas: dict[str, Formula] = field(init=False)

    def __post_init__(self) -> None:
        self.formulas = {"value": self.value}

    def __call__(self, *args: float) -> Any:
        """Stand for the value in other formulas; not callable from Python."""
        return self.value(*args)

    @property
    def name(self) -> str:
        """The canonical name."""
        return self.value.name

    @property
    def grad(self) -> Formula:
        """f'(x)."""
        return self.formulas["grad"]

    @property
    def params(self) -> dict[str, float | None]:
        """Parameters and their defaults (None: required), in the order of the signature."""
        return {name: value for name, value in self.value.arguments.items() if name != "x"}

    def operands(self, form: Form) -> tuple[str, ...]:
        """Names of the operands of a form, parameters included."""
        return (*form.operands, *self.params)

    def gradient(self, *, ulp: Mapping[str, float]) -> Callable[[Callable[..., Any]], Formula]:
        """Declare f', with its stated error bound per dtype in ULP."""

        def declare(function: Callable[..., Any]) -> Formula:
            grad = Formula(function)
            if list(grad.arguments) != list(self.value.arguments):
                raise TypeError(f"{grad.name} must take the arguments of {self.name}")
            self.formulas["grad"] = grad
            self.bounds.update({("grad", dtype): bound for dtype, bound in ulp.items()})
            return grad

        return declare


class Registry(Mapping[str, Record]):
    """Records by name."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._names: dict[str, str] = {}

    def add(self, record: Record) -> None:
        """Enter a record under its name and aliases, each of which must be new."""
        for name in (record.name, *record.aliases):
            if name in self._names:
                raise ValueError(f"{name!r} already names {self._names[name]!r}")
            self._names[name] = record.name
        self._records[record.name] = record

    @property
    def aliases(self) -> dict[str, str]:
        """Every name and alias, with the canonical name it stands for."""
        return dict(self._names)

    def __getitem__(self, name: str) -> Record:
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


ACTIVATIONS = Registry()


def activation(
    *,
    aliases: tuple[str, ...] = (),
    domain: tuple[float, float],
    ulp: Mapping[str, float],
) -> Callable[[Callable[..., Any]], Record]:
    """Declare an activation: its value formula, and what the record says of it.

    The signature gives the parameters and their defaults; the first line of the docstring is the
    formula as a reader knows it.
    """

    def declare(function: Callable[..., Any]) -> Record:
        value = Formula(function)
        if next(iter(value.arguments), None) != "x":
            raise TypeError(f"{value.name} must be a function of x and of parameters")
        bounds = {("value", dtype): bound for dtype, bound in ulp.items()}
        record = Record(value, aliases, domain, bounds)
        ACTIVATIONS.add(record)
        return record

    return declare
