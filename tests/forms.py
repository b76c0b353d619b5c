"""The functions under test, by case and form."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.accuracy.reference import Case

FORMS = ("value", "grad")
DTYPES = (np.float32, np.float64)


def function(case: Case, form: str) -> Callable[..., Any]:
    """Return f or f' of the package with the parameters of `case`."""
    activation: Any = act.get(case.name)
    return partial(activation if form == "value" else activation.grad, **case.params)
