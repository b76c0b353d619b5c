"""The registry: one record per activation, which everything else in the package iterates over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from .language import Formula

# Errors may exceed the stated bounds by so many ULP on processors without fused multiply-add.
WITHOUT_FMA = 2.0


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

    def key(self, fast: bool, at_defaults: bool = False) -> str:
        """The name under which a kernel of this form is found.

        One ``at_defaults`` takes no parameters: they are constants in it.
        """
        return "fast_" * fast + self.name + "_at_defaults" * at_defaults


FORMS = {
    form.name: form
    for form in (
        Form("value", ("x",), ("value",), "f(x)"),
        Form("grad", ("x",), ("grad",), "f'(x)"),
        Form("backward", ("dy", "x"), ("grad",), "dy * f'(x)"),
        Form("value_and_grad", ("x",), ("value", "grad"), "f(x) and f'(x)"),
        Form("backward_from_output", ("dy", "y"), ("grad_from_output",), "dy * f'(x), from y"),
        Form("grad2", ("x",), ("grad2",), "f''(x)"),
        # One result for each parameter: see Record.forms.
        Form("param_grads", ("dy", "x"), (), "dy * df(x)/dp of every parameter p"),
    )
}
# The forms that the fast tier has too.
_FAST_FORMS = ("value", "grad", "backward", "value_and_grad")


@dataclass(eq=False)
class Record:
    """All that is known of an activation.

    Attributes
    ----------
    value : Formula
        f, as a function of x and the parameters.
    aliases : tuple of str
        Other names that `fastcpuact.get` accepts.
    domain : tuple of float
        Where the function is neither constant nor a straight line to working precision; used
        to choose points for sampling and for pictures.
    bounds : dict
        ``(formula, dtype) -> ULP``: the largest error, |result - exact| over the spacing of
        floats at the exact value, that the tests accept.
    formulas : dict
        By what they compute: "value", "grad", "grad2", "grad_from_output" (f'(x) as a function of
        y and the parameters), and "grad_p" for df/dp of each parameter p.
    not_negative : tuple of str
        Parameters that must not be negative for y to determine the gradient.
    same_at_defaults : dict
        By what they compute, shorter formulas of x alone that give the same bits as those of
        `formulas` do with the defaults of the parameters.
    """

    value: Formula
    aliases: tuple[str, ...]
    domain: tuple[float, float]
    bounds: dict[tuple[str, str], float]
    formulas: dict[str, Formula] = field(init=False)
    not_negative: tuple[str, ...] = field(init=False, default=())
    same_at_defaults: dict[str, Formula] = field(init=False, default_factory=dict)

    # Whether its kernels were compiled with the package.
    is_compiled: ClassVar[bool] = True

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
    def params(self) -> dict[str, float | None]:
        """Parameters and their defaults (None: required), in the order of the signature."""
        return {name: value for name, value in self.value.arguments.items() if name != "x"}

    @property
    def forms(self) -> dict[str, Form]:
        """The forms that this activation has, by name."""
        of_params = replace(FORMS["param_grads"], results=tuple(f"grad_{p}" for p in self.params))
        forms = {**FORMS, "param_grads": of_params}
        return {
            name: form
            for name, form in forms.items()
            if form.results and self.formulas.keys() >= set(form.results)
        }

    def forms_in(self, fast: bool) -> dict[str, Form]:
        """The forms in a tier: the fast one has fewer."""
        forms = self.forms
        return {name: forms[name] for name in forms if not fast or name in _FAST_FORMS}

    @property
    def defaults(self) -> tuple[float, ...] | None:
        """The defaults of the parameters; None if there are no parameters or one has none."""
        defaults = tuple(value for value in self.params.values() if value is not None)
        return defaults if defaults and len(defaults) == len(self.params) else None

    def operands(self, form: Form) -> tuple[str, ...]:
        """Names of the operands of a form, parameters included."""
        return (*form.operands, *self.params)

    def calls(
        self, form: Form, at_defaults: bool = False
    ) -> tuple[tuple[Formula, tuple[str, ...], bool], ...]:
        """What a form computes: formulas, their arguments, and whether dy multiplies the result.

        ``at_defaults`` allows formulas that have no parameters.
        """
        x = form.operands[-1]
        shorter = self.same_at_defaults if at_defaults else {}
        return tuple(
            (shorter[result], (x,), "dy" in form.operands)
            if result in shorter
            else (self.formulas[result], (x, *self.params), "dy" in form.operands)
            for result in form.results
        )

    def gradient(self, *, ulp: Mapping[str, float]) -> Callable[[Callable[..., Any]], Formula]:
        """Declare f', with its stated error bound per dtype in ULP."""
        return self._declaration("grad", "x", ulp)

    def second_gradient(
        self, *, ulp: Mapping[str, float]
    ) -> Callable[[Callable[..., Any]], Formula]:
        """Declare f''."""
        return self._declaration("grad2", "x", ulp)

    def gradient_from_output(
        self, *, ulp: Mapping[str, float], not_negative: tuple[str, ...] = ()
    ) -> Callable[[Callable[..., Any]], Formula]:
        """Declare f'(x) as a function of y = f(x) and the parameters."""
        self.not_negative = not_negative
        return self._declaration("grad_from_output", "y", ulp)

    def parameter_gradient(
        self, name: str, *, ulp: Mapping[str, float]
    ) -> Callable[[Callable[..., Any]], Formula]:
        """Declare df/dp of the parameter p of that name, as a function of x and the parameters."""
        return self._declaration(f"grad_{name}", "x", ulp)

    def _declaration(
        self, key: str, operand: str, ulp: Mapping[str, float]
    ) -> Callable[[Callable[..., Any]], Formula]:
        def declare(function: Callable[..., Any]) -> Formula:
            formula = Formula(function)
            if formula.arguments != {operand: None, **self.params}:
                raise TypeError(
                    f"{formula.name} must take {operand} and the parameters of {self.name}, "
                    "with their defaults"
                )
            self.formulas[key] = formula
            if key == "grad2":
                self.formulas["grad"].partials["x"] = formula
            elif operand == "x":
                self.value.partials[key.removeprefix("grad_") if "_" in key else "x"] = formula
            self.bounds.update({(key, dtype): bound for dtype, bound in ulp.items()})
            return formula

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


# A gated pair, value·g(gate).  Each form is one formula of its operands with all its results.
GATED_FORMS = {
    form.name: form
    for form in (
        Form("value", ("value", "gate"), ("value",), "f(value, gate)"),
        Form(
            "backward",
            ("dy", "value", "gate"),
            ("dvalue", "dgate"),
            "dy times the derivatives of f with respect to value and to gate",
        ),
    )
}


class GatedRecord(Record):
    """All that is known of a gated pair; ``domain`` is that of the gate."""

    @property
    def params(self) -> dict[str, float | None]:
        """None."""
        return {}

    @property
    def forms(self) -> dict[str, Form]:
        """The forms, by name."""
        return {name: GATED_FORMS[name] for name in self.formulas}

    def forms_in(self, fast: bool) -> dict[str, Form]:
        """The forms in a tier: the fast one has none."""
        return {} if fast else self.forms

    def calls(
        self, form: Form, at_defaults: bool = False
    ) -> tuple[tuple[Formula, tuple[str, ...], bool], ...]:
        """What a form computes; there are no parameters."""
        return ((self.formulas[form.name], form.operands, False),)

    def backward(self, *, ulp: Mapping[str, float]) -> Callable[[Callable[..., Any]], Formula]:
        """Declare the pair of gradients, with the error bound of both per dtype in ULP."""

        def declare(function: Callable[..., Any]) -> Formula:
            formula = Formula(function)
            form = GATED_FORMS["backward"]
            if tuple(formula.arguments) != form.operands:
                raise TypeError(f"{formula.name} must take {', '.join(form.operands)}")
            self.formulas[form.name] = formula
            for result in form.results:
                self.bounds.update({(result, dtype): bound for dtype, bound in ulp.items()})
            return formula

        return declare


ACTIVATIONS = Registry()
GATED = Registry()


def gated_pair(
    *, domain: tuple[float, float], ulp: Mapping[str, float]
) -> Callable[[Callable[..., Any]], GatedRecord]:
    """Declare a gated pair: its value formula, and what the record says of it."""

    def declare(function: Callable[..., Any]) -> GatedRecord:
        value = Formula(function)
        if tuple(value.arguments) != GATED_FORMS["value"].operands:
            raise TypeError(f"{value.name} must be a function of value and gate")
        bounds = {("value", dtype): bound for dtype, bound in ulp.items()}
        record = GatedRecord(value, (), domain, bounds)
        GATED.add(record)
        return record

    return declare


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
