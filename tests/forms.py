"""The forms under test."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import fastcpuact as act
from fastcpuact.accuracy import reference
from fastcpuact.accuracy.reference import Case
from fastcpuact.activation import Form

FORMS = ("value", "grad")
DTYPES = (np.float32, np.float64)

# Values of the parameters that have no default.
REQUIRED = 0.5

# On the Numba engine, where every kernel takes its time to compile, the path of the data is tested
# with one activation of each number of parameters; their bits are tested for all.
ONE_OF_EACH_KIND = ("tanh", "elu", "hardtanh")


# The cases of the oracle that the package has, and each with what is computed of it.
CASES = [case for case in reference.CASES if case.name in act.activations]
CURVES = [
    pytest.param(case, curve, id=f"{case}.{curve}")
    for case in CASES
    for curve in case.reference().curves
    if curve in act.activations[case.name].record.formulas
]


def function(case: Case, curve: str, **params: Any) -> Callable[..., Any]:
    """Return what computes a curve, with the parameters of `case` or others."""
    activation = act.activations[case.name]
    given = {**case.params, **params}
    if curve in ("value", "grad", "grad2"):
        return partial(form_of(case.name, curve), **given)
    if curve == "grad_from_output":
        return lambda y: activation.backward_from_output(np.ones_like(y), y, **given)
    in_order = (activation.params | given).values()
    place = list(activation.params).index(curve.removeprefix("grad_"))

    def product(x: Any) -> Any:
        products = activation.param_grads.ufunc(np.ones_like(x), x, *in_order)
        return products[place] if isinstance(products, tuple) else products

    return product


def form_of(name: str, form: str) -> Form:
    """Return a form of an activation."""
    activation = act.activations[name]
    return activation if form == "value" else getattr(activation, form)


class Supplied:
    """A form that supplies the parameters without default itself."""

    def __init__(self, bare: Form) -> None:
        self.bare = bare
        self.params = {
            name: REQUIRED if default is None else default
            for name, default in bare.record.params.items()
        }
        self.required = {
            name: self.params[name]
            for name, default in bare.record.params.items()
            if default is None
        }

    def __call__(self, *operands: Any, **kwargs: Any) -> Any:
        return self.bare(*operands, **self.required, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)


def forms_on(engine: str) -> list[tuple[str, str]]:
    """The names of all forms that behave as ufuncs do and are tested on an engine."""
    return [
        (name, form)
        for name, activation in act.activations.items()
        for form in activation.record.forms
        if form != "param_grads" and (engine == "compiled" or name in ONE_OF_EACH_KIND)
    ]
