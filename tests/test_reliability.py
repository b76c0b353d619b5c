"""The named checks of `reliability`, each in a small amount; in full by reliability_report.py."""

from __future__ import annotations

import os
import re

import pytest

import reliability
from fastcpuact import engines
from reliability import Check, Unavailable

CHECKS = reliability.load()


@pytest.mark.parametrize(
    "check",
    [pytest.param(c, id=c.name, marks=[pytest.mark.long] * c.long) for c in CHECKS.values()],
)
def test_check(check: Check):
    if not engines.COMPILED:
        pytest.skip("no compiled kernels")
    try:
        figures = check.run(False)
    except Unavailable as error:
        # What continuous integration needs is installed there.
        assert not os.environ.get("CI"), error
        pytest.skip(str(error))
    assert re.search(r"\d", figures), "a check gives a figure"
