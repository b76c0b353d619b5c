"""Reliability: named checks, each of which gives a figure.

A check is a function that raises AssertionError where its promise does not hold and returns what
it did as a phrase for a table.  ``tests/test_reliability.py`` runs each in a small amount;
``tests/reliability_report.py`` runs them in full and writes RELIABILITY.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Function = Callable[[bool], str]


@dataclass(frozen=True)
class Check:
    """One row of the table.

    Attributes
    ----------
    name : str
        Unique; what the command and the tests know it by.
    group : str
        The heading it stands under.
    promise : str
        What holds if it passes.
    run : callable
        ``run(full)`` does the check in full, or in the small amount that the tests have time for.
    long : bool
        Whether even the small amount takes too long for every run of the tests.
    """

    name: str
    group: str
    promise: str
    run: Function
    long: bool


CHECKS: dict[str, Check] = {}


def check(
    name: str, group: str, promise: str, *, long: bool = False
) -> Callable[[Function], Function]:
    """Enter a function as a check."""

    def enter(function: Function) -> Function:
        assert name not in CHECKS, name
        CHECKS[name] = Check(name, group, promise, function, long)
        return function

    return enter


class Unavailable(Exception):  # noqa: N818
    """A check needs something that this machine does not have; its message says what."""


def load() -> dict[str, Check]:
    """Return all checks, in the order of the table."""
    from . import (  # noqa: F401, I001
        suites,
        contract,
        large,
        memory,
        floating,
        crowds,
        forking,
        sanitizers,
        instruction_sets,
        numba_engine,
        hostile,
        fuzzing,
        soak,
        controls,
    )

    return CHECKS
