"""Times the cases of one number of threads, in a process of its own.

``python -m fastcpuact.bench.worker`` reads a `Task` from standard input and writes to standard
output, a line of JSON each: first what runs, then the cells.  A process of its own, because most
libraries decide on their threads when they start: by the environment, and by the processors that
they may use.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from . import checks, machine, timing
from .cases import Case, operands
from .peers import ALL, COPIES, Call, Peer
from .result import Cell, Measurement

_LIMITS = (
    "FASTCPUACT_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NPROC",  # XLA's
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


@dataclass(frozen=True)
class Task:
    """What a worker has to do.

    Attributes
    ----------
    libraries : list of str
        Names of what is timed.
    cases : list of Case
        All for one number of threads.
    seconds : float
        For each library in each case.
    """

    libraries: list[str]
    cases: list[Case]
    seconds: float

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Read what `to_json` wrote."""
        read = json.loads(text)
        return cls(read["libraries"], [Case(**c) for c in read["cases"]], read["seconds"])

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self))


# How long idle threads of OpenMP spin before they sleep, GNU's and LLVM's: longer than what lies
# between two calls of one library, shorter than `timing.PAUSE` between two libraries.
_SPIN = {"GOMP_SPINCOUNT": "20000", "KMP_BLOCKTIME": "500us"}


def environment(threads: int) -> dict[str, str]:
    """Return the variables that keep libraries to a number of threads when they start."""
    return dict.fromkeys(_LIMITS, str(threads)) | _SPIN


def confine(threads: int) -> None:
    """Keep this process to as many processors as threads, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        # The first ones have the interrupts to serve.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def measure(case: Case, peers: dict[str, Peer], seconds: float) -> Cell:
    """Check and time a case.

    Parameters
    ----------
    case : Case
        What to do.
    peers : dict of str to Peer
        Libraries that were started with its number of threads.
    seconds : float
        For each library.
    """
    arrays = operands(case)
    calls: dict[str, Call] = {}
    errors: dict[str, float | None] = {}
    for name, peer in peers.items():
        call = peer.call(case, arrays)
        if call is None:
            continue
        calls[name] = call
        if ALL[name] in COPIES:
            call()
            errors[name] = None
        else:  # the first call compiles, where that is how a library works
            results = call.results(case.result_shape)
            errors[name] = checks.worst_error(case, arrays, results)
    timed = timing.interleave(calls, seconds, pauses=case.threads > 1)
    return Cell(
        case,
        {
            name: Measurement(
                record.quartiles,
                len(record.ns),
                record.inner,
                calls[name].has_out,
                calls[name].from_output,
                errors[name],
            )
            for name, record in timed.items()
        },
    )


def work(task: Task) -> Iterator[dict[str, Any]]:
    """Do a task; yield what runs, and then each cell."""
    threads = task.cases[0].threads
    confine(threads)
    libraries = [ALL[name] for name in task.libraries]
    versions = {k: v for library in libraries for k, v in library.versions.items()}
    peers = {library.name: library.start(threads) for library in libraries}
    yield {"versions": versions, "gigahertz": machine.gigahertz()}
    for case in task.cases:
        yield asdict(measure(case, peers, task.seconds))


def main() -> None:
    """Serve one task."""
    # Whatever libraries print goes to standard error.
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")  # overflows in the tails are what the errors tell
    for line in work(Task.from_json(sys.stdin.read())):
        print(json.dumps(line), file=lines, flush=True)


if __name__ == "__main__":
    main()
