"""Softmax and its backward over rows, beside the expressions that they replace."""

from collections.abc import Callable
from typing import Any

import pytest

import fastcpuact as act
from fastcpuact import plain

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


def rows(x: Any) -> Any:
    """Lay `x` out in rows of 1000."""
    columns = min(len(x), 1000)
    return x[: len(x) - len(x) % columns].reshape(-1, columns)


def test_softmax(uniform: Any, timed: Callable[..., None]) -> None:
    timed("softmax", act.softmax, plain.softmax, rows(uniform(5.0)))


def test_softmax_backward(uniform: Any, timed: Callable[..., None]) -> None:
    y = plain.softmax(rows(uniform(5.0)))
    theirs = plain.softmax_backward
    timed("softmax.backward", act.softmax.backward, theirs, rows(uniform(1.0)), y)
