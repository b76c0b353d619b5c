"""Runs a plan: one worker after the other, each for a number of threads."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from fastcpuact.version import __version__

from . import machine, throughput
from .cases import Case
from .peers import choose
from .result import Result, cell
from .worker import Task, environment

_PACKAGE = Path(__file__).parents[1]


def run(
    cases: Sequence[Case],
    peers: Sequence[str],
    command: str,
    seconds: float = 0.03,
    on_cell: Callable[[Result], None] = lambda result: None,
) -> Result:
    """Measure all cases; what is there when the user interrupts is a result too.

    Parameters
    ----------
    cases : sequence of Case
        Those of one number of threads follow each other.
    peers : sequence of str
        Names of the libraries to compare with.
    command : str
        To be noted in the result.
    seconds : float
        For each library in each case.
    on_cell : callable
        Called after each cell with the result as it is then.

    Returns
    -------
    Result
        Of the run.
    """
    started = datetime.now().astimezone().isoformat(timespec="seconds")
    result = Result(command, started, machine.describe(), {"fastcpuact": __version__})
    libraries = [library.name for library in choose(peers)]
    try:
        for _, group in itertools.groupby(cases, lambda case: case.threads):
            for line in _lines(Task(libraries, list(group), seconds)):
                if "case" in line:
                    result.cells.append(cell(line))
                    on_cell(result)
                else:
                    result.versions |= line["versions"]
                    result.gigahertz = result.gigahertz or line["gigahertz"]
    except KeyboardInterrupt:
        result.notes.append(f"Interrupted after {len(result.cells)} of {len(cases)} cases.")
    if result.gigahertz is None:
        result.notes.append("No bounds from instruction throughput: the clock is not known.")
        return result
    functions = {c.case.function: c.case for c in result.cells if c.case.dtype == "float32"}
    try:
        result.bounds = throughput.bounds(functions.values())
    except throughput.NotAvailableError as error:
        result.notes.append(f"No bounds from instruction throughput: {error}.")
    return result


def _lines(task: Task) -> Iterator[dict[str, Any]]:
    """Start a worker and yield what it writes."""
    with _worker(task.cases[0].threads) as (process, errors):
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(task.to_json())
        process.stdin.close()
        for line in process.stdout:
            yield json.loads(line)
        if process.wait() != 0:
            errors.seek(0)
            raise RuntimeError(f"a worker failed:\n{errors.read().strip()}")


@contextmanager
def _worker(threads: int) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    # The worker imports the package that runs here, whatever lies in the current directory.
    path = [str(_PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    variables = {
        **os.environ,
        **environment(threads),
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
    }
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "fastcpuact.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=variables,
            text=True,
        )
        try:
            yield process, errors
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
