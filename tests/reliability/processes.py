"""Runs a function of these modules in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]


def command(function: Callable[..., Any], *arguments: Any) -> list[str]:
    """Return the arguments of Python that call a function and print what it returns."""
    code = (
        "import json, sys; arguments = json.loads(sys.argv[1]);"
        f"from {function.__module__} import {function.__name__} as f;"
        "print(json.dumps(f(*arguments)))"
    )
    return ["-c", code, json.dumps(arguments)]


def environment(**changed: str | None) -> dict[str, str]:
    """Return the environment for a process that can import these modules; None leaves one out."""
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    # The package on the path is meant, and not a folder of that name where the process starts.
    made = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", **changed}
    return {name: value for name, value in made.items() if value is not None}


def in_process(
    function: Callable[..., Any],
    *arguments: Any,
    timeout: float = 600,
    before: tuple[str, ...] = (),
    options: tuple[str, ...] = ("-W", "error"),
    **changed: str | None,
) -> Any:
    """Call a function in a new process and return its result.

    Parameters
    ----------
    function, *arguments
        What to call; JSON carries arguments and result.
    timeout : float
        Seconds after which the process counts as hanging.
    before : tuple of str
        A command that runs Python: an emulator or the like.
    options : tuple of str
        Of the interpreter.
    **changed
        Environment variables.
    """
    done = run(function, *arguments, timeout=timeout, before=before, options=options, **changed)
    assert done.returncode == 0, (
        f"{function.__name__}{arguments} {changed} ended with {done.returncode}: "
        f"{done.stdout[-1000:]}{done.stderr[-3000:]}"
    )
    return json.loads(done.stdout.splitlines()[-1])


def run(
    function: Callable[..., Any],
    *arguments: Any,
    timeout: float = 600,
    before: tuple[str, ...] = (),
    options: tuple[str, ...] = ("-W", "error"),
    **changed: str | None,
) -> subprocess.CompletedProcess[str]:
    """Call a function in a new process, as `in_process` does, and return how that ended."""
    return subprocess.run(
        [*before, sys.executable, *options, *command(function, *arguments)],
        env=environment(**changed),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
