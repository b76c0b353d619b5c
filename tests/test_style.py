"""Linters, types and the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastcpuact as act
from fastcpuact.bench import peers as bench_peers

ROOT = Path(__file__).parents[1]
# What `fastcpuact bench` compares with, and the tests do not need.
PEERS = {package for library in bench_peers.PEERS for package in library.packages}


def run(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_check():
    run("ruff", "check", "--no-cache", ".")


def test_ruff_format():
    run("ruff", "format", "--no-cache", "--check", ".")


def test_mypy(tmp_path):
    run("mypy", "--cache-dir", str(tmp_path))


def modules() -> list[str]:
    found = pkgutil.walk_packages(act.__path__, "fastcpuact.")
    return [m.name for m in found if not m.name.endswith("__main__")]


@pytest.mark.parametrize("name", ["fastcpuact", *modules()])
def test_examples_in_modules(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Continuous integration has every optional package but those.
        if error.name not in PEERS and os.environ.get("CI"):
            raise
        pytest.skip(f"{error.name} is not installed")
    failed, _ = doctest.testmod(module)
    assert failed == 0


def forms() -> list[act.Form]:
    return [
        tier if name == "value" else getattr(tier, name)
        for activation in act.activations.values()
        for tier in (activation, activation.fast)
        for name in activation.record.forms_in(tier.is_fast)
    ]


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.__name__)
def test_docstrings_of_activations(form):
    """Each has the sections of numpydoc, names every argument, and its example runs."""
    text = form.__doc__
    for section in ("Parameters", "Returns", "Raises", "Notes", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    out = () if form.form.name == "param_grads" else ("out",)
    for argument in (*form.form.operands, *form.record.params, *out):
        assert f"\n{argument} : " in text
    examples = doctest.DocTestParser().get_doctest(text, {}, form.__name__, None, 0)
    assert examples.examples
    runner = doctest.DocTestRunner()
    assert runner.run(examples).failed == 0
