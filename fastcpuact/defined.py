"""Activations that users define: their formulas become kernels of the Numba engine."""

from __future__ import annotations

import importlib
import importlib.util
import keyword
import sys
import uuid
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, overload

import numpy as np

from .activation import Activation, BackwardFromOutput, Form, ParamGrads
from .calls import takes_vectorcalls
from .emit.derivative import NotDerivableError
from .emit.evaluate import Array, Evaluator
from .emit.kernels import taken
from .emit.reader import FormulaError, Reader
from .formulas import ACTIVATIONS, GATED
from .formulas.language import FLOAT32, FLOAT64, Formula
from .formulas.registry import Record

__all__ = ["Defined", "define"]


class DefinedRecord(Record):
    """What is known of an activation that a user defined.

    Attributes
    ----------
    origin : tuple
        The arguments of `define` that make it anew in another process.
    """

    is_compiled = False
    origin: tuple[Any, ...]


@takes_vectorcalls
class DefinedForm(Form):
    """A form of an activation that a user defined; it runs on Numba, whatever the engine."""

    record: DefinedRecord

    def __reduce__(self) -> tuple[Any, ...]:
        return _form, (_pickled(self.record), self.is_fast, self.form.name)


@takes_vectorcalls
class DefinedBackwardFromOutput(BackwardFromOutput, DefinedForm):
    """dy·f'(x) computed from y."""


class DefinedParamGrads(ParamGrads, DefinedForm):
    """Gradients with respect to the parameters."""


_CLASSES = {
    "backward_from_output": DefinedBackwardFromOutput,
    "param_grads": DefinedParamGrads,
}


@takes_vectorcalls
class Defined(DefinedForm, Activation):
    """An activation that a user defined, with the forms of any other; made by `define`."""

    def made(self, name: str) -> Form:
        """Make a form or the other tier."""
        if name == "fast":
            return Defined(self.record, fast=True)
        return _CLASSES.get(name, DefinedForm)(self.record, name, self.is_fast)


@overload
def define(
    fn: Callable[..., Any],
    grad: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    params: Mapping[str, float] | None = None,
    domain: tuple[float, float] = (-8.0, 8.0),
) -> Defined: ...
@overload
def define(
    fn: None = None,
    grad: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    params: Mapping[str, float] | None = None,
    domain: tuple[float, float] = (-8.0, 8.0),
) -> Callable[[Callable[..., Any]], Defined]: ...
def define(
    fn: Callable[..., Any] | None = None,
    grad: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    params: Mapping[str, float] | None = None,
    domain: tuple[float, float] = (-8.0, 8.0),
) -> Any:
    """Make an activation of a formula of your own, with all its gradients.

    The formula is a Python function of ``x`` and of parameters, in the formula language: scalar
    arithmetic, assignments, comparisons, ``a if c else b``, one ``return``, the words of
    `fastcpuact.language` and the activations. It is read, never run. Numba compiles it when it is
    first called (the package numba is needed), for both engines.

    What is not given is derived from the formula by the rules of calculus: the gradient, the second
    gradient, and the gradients of the parameters.

    Parameters
    ----------
    fn : function
        The formula. Without it, a decorator is returned.
    grad : function, optional
        f'(x), with the arguments of ``fn``: where the derived one loses digits, or has no limit.
    name : str, optional
        The name of the activation; that of the function by default.
    params : mapping of str to float, optional
        Defaults of parameters, in place of those in the signature.
    domain : tuple of float
        Where the gradients are checked, and pictures drawn: between these values of x.

    Returns
    -------
    Activation
        Called like any other: ``f(x)``, ``f.grad(x)``, ``f.param_grads(dy, x)``, inside Numba
        code, in `fastcpuact.edge` and the diagnostics.

    Raises
    ------
    FormulaError
        A SyntaxError that names what the formula language does not have, and where it stands.
    TypeError
        For what is not a function of x and of parameters, or a name that is no identifier.
    ValueError
        For a name that is taken, a parameter that the formula does not have, a formula that cannot
        be derived, or a gradient that is not the derivative of the formula: each is compared at
        definition with differences of the values, at 200 points of the domain, and may be 1e-5 of
        the larger of f(x) and the gradient, plus 1, off; where these overflow, nothing is compared.
    ImportError
        If numba is not installed.

    Notes
    -----
    At a kink the derived gradient is that of the piece which the comparison chooses:
    ``x if x > 0 else 0`` has the gradient 0 at 0. No error bound is stated; the fast tier has the
    short polynomials of all words.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcpuact as act
    >>> @act.define
    ... def penalized_tanh(x, alpha=0.25):
    ...     \"\"\"tanh(x), and less of it on the left.\"\"\"
    ...     y = act.tanh(x)
    ...     return y if x > 0 else alpha * y
    >>> penalized_tanh.name, penalized_tanh.params
    ('penalized_tanh', {'alpha': 0.25})
    >>> x = np.array([-1.0, 2.0])
    >>> bool(np.all(penalized_tanh(x) == act.tanh(x) * [0.25, 1]))
    True
    """
    if fn is None:
        return lambda given: define(given, grad, name=name, params=params, domain=domain)
    if importlib.util.find_spec("numba") is None:
        raise ImportError("define needs numba: pip install 'fastcpuact[numba]'")
    formula = _formula("fn", Formula(_function("fn", fn)), name, params)
    slope = None
    if grad is not None:
        slope = Formula(_function("grad", grad))
        slope = _formula("grad", slope, f"{formula.name}_grad", params)
    return _made(formula, slope, _domain(domain), uuid.uuid4().hex)


def _made(
    formula: Formula, slope: Formula | None, domain: tuple[float, float], token: str
) -> Defined:
    """Make an activation of its formulas, which are checked against each other."""
    if clash := taken(p for p in formula.arguments if p != "x"):
        raise ValueError(f"no parameter may be called {clash!r}: something else is")
    record = DefinedRecord(formula, (), domain, {})
    if slope is not None:
        if slope.arguments != formula.arguments:
            raise TypeError(
                f"grad must take the arguments of {record.name}, {_listed(formula.arguments)}, "
                f"got {_listed(slope.arguments)}"
            )
        formula.partials["x"] = slope
    _derive(record)
    _check(record)
    given = [
        (f.function, f.lines(), f.name, f.arguments) for f in (formula, slope) if f is not None
    ]
    record.origin = (token, given, domain)
    return Defined(record)


def _function(argument: str, function: Any) -> FunctionType:
    if not isinstance(function, FunctionType):
        raise TypeError(f"{argument} must be a function, got {type(function).__name__}")
    if function.__name__ == "<lambda>":
        raise TypeError(f"{argument} must be a function with a name, made by def, got a lambda")
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount][code.co_argcount - len(defaults) :]
    for name, default in zip(names, defaults, strict=True):
        _number(argument, name, default)
    return function


def _formula(
    argument: str, formula: Formula, name: str | None, params: Mapping[str, float] | None
) -> Formula:
    """Check what is said of a formula, and enter it."""
    formula.name = formula.name if name is None else name
    if not isinstance(formula.name, str):
        raise TypeError(f"name must be a str, got {type(name).__name__}")
    if not formula.name.isidentifier() or keyword.iskeyword(formula.name):
        raise ValueError(f"name must be an identifier, got {formula.name!r}")
    if formula.name in {**ACTIVATIONS.aliases, **GATED.aliases}:
        raise ValueError(f"name {formula.name!r} is that of an activation of fastcpuact")
    if next(iter(formula.arguments), None) != "x":
        raise TypeError(
            f"{argument} must be a function of x and of parameters, got arguments "
            f"{_listed(formula.arguments)}"
        )
    if not isinstance(params, Mapping | None):
        raise TypeError(f"params must map names to numbers, got {type(params).__name__}")
    for param, default in (params or {}).items():
        if param not in formula.arguments or param == "x":
            raise ValueError(f"params: {formula.name} has no parameter {param!r}")
        formula.arguments[param] = _number("params", param, default)
    return formula


def _number(argument: str, param: str, default: Any) -> float:
    try:
        return float(default)
    except (TypeError, ValueError):
        raise TypeError(f"{argument}: {param} must be a number, got {default!r}") from None


def _listed(names: Any) -> str:
    return ", ".join(names) or "none"


def _domain(domain: Any) -> tuple[float, float]:
    try:
        low, high = map(float, domain)
    except (TypeError, ValueError):
        raise TypeError(f"domain must be two numbers, got {domain!r}") from None
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"domain must be two finite numbers in rising order, got {domain!r}")
    return low, high


def _derive(record: DefinedRecord) -> None:
    """Enter the gradients, and read everything in both precisions."""
    value = record.value
    record.formulas["grad"] = value.derivative("x")
    _read(record, "value")
    try:
        _read(record, "grad")
    except NotDerivableError as error:
        raise ValueError(f"{record.name} cannot be derived: {error}; give grad=") from None
    derived = {"grad2": record.formulas["grad"].derivative("x")}
    derived |= {f"grad_{p}": value.derivative(p) for p in record.params}
    for key, formula in derived.items():
        record.formulas[key] = formula
        try:
            _read(record, key)
        except NotDerivableError:
            # The activation does without these forms.
            del record.formulas[key]


def _read(record: DefinedRecord, key: str) -> None:
    formula = record.formulas[key]
    for precision in (FLOAT32, FLOAT64):
        for fast in (False, True):
            results = len(Reader(precision, fast).read(formula).results)
            if results != 1:
                raise FormulaError(f"{formula.name} returns {results} results, not one")


# Of slopes that change quickly, and of those that do not.
_STEPS = (2.0**-10, 2.0**-15)
# Points where the gradients are compared with differences.
_POINTS = 200
# A difference of fourth order and its rounding errors leave less; a wrong slope leaves more.
_TOLERANCE = 1e-5


@np.errstate(all="ignore")
def _check(record: DefinedRecord) -> None:
    """Compare every gradient with differences of what it is the gradient of."""
    reader = Reader(FLOAT64)
    evaluate = Evaluator(reader.functions)
    low, high = record.domain
    # Irregular, so that kinks at round numbers are not met; the same at every definition.
    x = np.random.default_rng(0).uniform(low, high, _POINTS)
    # A parameter without default is tried at 1/2.
    params = {name: 0.5 if p is None else p for name, p in record.params.items()}
    pairs = [("value", "grad", "x"), ("grad", "grad2", "x")]
    pairs += [("value", f"grad_{p}", p) for p in params]
    for key, slope_key, argument in pairs:
        if slope_key not in record.formulas:
            continue
        given = {"x": x, **{name: np.full_like(x, p) for name, p in params.items()}}
        function, derived = (reader.read(record.formulas[k]) for k in (key, slope_key))
        [slope] = evaluate(derived, *given.values())
        [y] = evaluate(function, *given.values())

        def at(distance: float, given=given, function=function, argument=argument) -> Array:
            moved = {**given, argument: given[argument] + distance}
            return evaluate(function, *moved.values())[0]

        differences = np.array([d for step in _STEPS for d in _differences(at, step)])
        scale = np.maximum(np.abs(y), np.abs(slope)) + 1
        error = np.where(np.isfinite(differences), np.abs(differences - slope), np.inf) / scale
        error = error.min(axis=0)
        # Where all differences overflow there is nothing to compare with.
        seen = np.isfinite(y) & np.isfinite(differences).any(axis=0)
        bad = ~(error <= _TOLERANCE) & seen
        if bad.any():
            worst = int(np.argmax(np.where(bad, np.nan_to_num(error, nan=np.inf), -1)))
            raise ValueError(
                f"{record.name}: at x = {x[worst]:.6g} its {slope_key} is {slope[worst]:.6g}, but "
                f"its {key} rises by {differences[0, worst]:.6g} per {argument}; if "
                "differences say nothing there, give another domain="
            )


def _differences(at: Callable[[float], Array], h: float) -> list[Array]:
    """Differences of both sides, and of each alone: one of them does not see a kink nearby."""
    y = {k: at(k * h) for k in (-4, -2, -1, 0, 1, 2, 4)}
    both = (8 * (y[1] - y[-1]) - (y[2] - y[-2])) / (12 * h)
    return [
        both,
        *((-21 * y[0] + 32 * y[s] - 12 * y[2 * s] + y[4 * s]) / (12 * s * h) for s in (1, -1)),
    ]


# Pickles.


def _pickled(record: DefinedRecord) -> tuple[Any, ...]:
    """What finds an activation in another process: where it stands in a module, or its formulas."""
    function = record.value.function
    module, name = function.__module__, function.__qualname__
    found = getattr(sys.modules.get(module), name, None)
    if module != "__main__" and getattr(found, "record", None) is record:
        return (module, name)
    return record.origin


# By the tokens of their definitions: a process makes each once, and compiles it once.
_restored: dict[str, Defined] = {}


def _form(pickled: tuple[Any, ...], fast: bool, form_name: str) -> Form:
    """Find the object that a pickle names, or make it."""
    if len(pickled) == 2:
        activation = getattr(importlib.import_module(pickled[0]), pickled[1])
    else:
        activation = _remade(*pickled)
    activation = activation.fast if fast else activation
    return activation if form_name == "value" else getattr(activation, form_name)


def _remade(token: str, given: list[tuple[Any, ...]], domain: tuple[float, float]) -> Defined:
    if token not in _restored:
        formulas: list[Formula | None] = []
        for function, lines, name, arguments in given:
            formula = Formula(function)
            formula.name, formula.arguments = name, arguments
            formula.keep(lines)
            formulas.append(formula)
        value, slope = (*formulas, None)[:2]
        assert value is not None
        _restored[token] = _made(value, slope, domain, token)
    return _restored[token]
