"""The forms under test."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.accuracy.reference import Case
from fastcpuact.activation import Form

FORMS = ("value", "grad")
DTYPES = (np.float32, np.float64)

# Values of the parameters that have no default.
REQUIRED = 0.5

# On the Numba engine, where every kernel takes its time to compile, the path of the data is tested
# with one activation of each number of parameters; their bits are tested for all.
ONE_OF_EACH_KIND = ("tanh", "elu", "hardtanh")


def function(case: Case, form: str) -> Callable[..., Any]:
    """Return f or f' of the package with the parameters of `case`."""
    activation: Any = act.get(case.name)
    return partial(activation if form == "value" else activation.grad, **case.params)


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
