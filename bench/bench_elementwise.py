"""Every elementwise activation in every form, beside the expression that it replaces."""

from collections.abc import Callable
from typing import Any

import pytest

import fastcpuact as act
from fastcpuact.plain import PLAIN

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


@pytest.mark.parametrize("form", ["value", "grad", "backward", "value_and_grad"])
@pytest.mark.parametrize("name", act.names())
def test_elementwise(name: str, form: str, uniform: Any, timed: Callable[..., None]) -> None:
    if name not in PLAIN:
        pytest.skip(f"fastcpuact/plain.py has no expression for {name}")
    theirs = getattr(PLAIN[name], form)
    ours = act.get(name) if form == "value" else getattr(act.get(name), form)
    operands = [uniform(1.0)] if form == "backward" else []
    timed(f"{name}.{form}", ours, theirs, *operands, uniform(5.0))
