"""Plans a check, and carries it out on all cores."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from itertools import islice
from typing import NamedTuple

import fastcpuact as act

from .fingerprint import fingerprint
from .reference import CASES, REFERENCES
from .state import Progress, State
from .statistics import Statistics
from .sweep import Sweep

DTYPES = ("float16", "float32", "float64")
TIERS = ("exact", "fast")

# How many inputs are drawn where not every one is run, in a quick check and in an exhaustive one.
# Half of them are drawn by bit pattern.
FEW = {"float16": 2**16, "float32": 2**21, "float64": 2**13}
MANY = dict.fromkeys(FEW, 10**7)
# One in so many of these is drawn with each set of parameters other than the defaults, and in the
# fast tier of float64, which is as slow to judge as the exact one and has fewer digits.
MINOR = 16

# Work for which starting a process pays, in seconds.
WORTH_A_PROCESS = 5.0


def plan(
    names: Iterable[str],
    formulas: Sequence[str] = (),
    dtypes: Sequence[str] = DTYPES,
    tiers: Sequence[str] = TIERS,
    *,
    exhaustive: bool = False,
    samples: int | None = None,
) -> list[Sweep]:
    """List the sweeps of a check.

    Parameters
    ----------
    names
        Of activations.
    formulas
        Keys of ``Record.formulas``; all if there are none.
    dtypes
        Of inputs and results.
    tiers
        "exact", "fast" or both.
    exhaustive
        Whether every float32 is run, with the default parameters. Every float16 is in any case.
    samples
        How many inputs are drawn where not every one is run.
    """
    return [
        sweep
        for name in names
        for fast in (tier == "fast" for tier in tiers)
        for formula in _formulas(name, fast)
        if not formulas or formula in formulas
        for dtype in dtypes
        for sweep in _sweeps(name, formula, dtype, fast, exhaustive, samples)
    ]


def _formulas(name: str, fast: bool) -> list[str]:
    """What is computed of an activation in a tier, each once."""
    forms = act.get(name).record.forms_in(fast).values()
    return list(dict.fromkeys(formula for form in forms for formula in form.results))


def _sweeps(
    name: str, formula: str, dtype: str, fast: bool, exhaustive: bool, samples: int | None
) -> Iterator[Sweep]:
    major = samples or (MANY if exhaustive else FEW)[dtype]
    minor = max(major // MINOR, 1)
    if fast and dtype == "float64":
        major = minor
    has_every = dtype == "float16" or (dtype == "float32" and exhaustive)
    make = partial(Sweep, name, formula, dtype, fast)
    first, *others = [tuple(case.params.items()) for case in CASES if case.name == name]
    yield make(None if has_every else major, first)
    for params in others:
        if formula in REFERENCES[name](**dict(params)).curves:
            yield make(None if dtype == "float16" else minor, params)
    if REFERENCES[name].params and dtype != "float16":
        yield make(major, draws=True)


class Result(NamedTuple):
    """A sweep, and how far it has come."""

    sweep: Sweep
    progress: Progress

    @property
    def passed(self) -> bool:
        """Whether the kernel keeps what is stated."""
        found = self.progress.done.statistics
        faults = found.order, found.outside, found.signs, found.limits
        return found.largest.error <= self.sweep.bound and not any(f.number for f in faults)


class Check:
    """Sweeps, and how far they have come.

    Parameters
    ----------
    sweeps
        What there is to do.
    state
        Where to go on from, and to keep what is done; None for nowhere.

    Attributes
    ----------
    results
        One for each sweep, which grow as the check proceeds.
    outdated
        Sweeps that the state has of other kernels or another oracle; they start anew.
    """

    def __init__(self, sweeps: Sequence[Sweep], state: State | None = None) -> None:
        self._state = state
        self.results: list[Result] = []
        self.outdated: list[Sweep] = []
        for sweep in sweeps:
            if state is None:
                progress = Progress("")
            else:
                progress, is_outdated = state.progress(sweep, fingerprint(sweep))
                self.outdated += [sweep] * is_outdated
            self.results.append(Result(sweep, progress))

    @property
    def passed(self) -> bool:
        """Whether everything has passed."""
        return all(result.passed for result in self.results)

    @property
    def cost(self) -> float:
        """About how many seconds of one processor the pending work takes."""
        return sum(result.sweep.cost for result, _ in self.pending())

    def pending(self) -> list[tuple[Result, int]]:
        """Return the units of work that are not done, with their sweeps."""
        return [
            (result, unit)
            for result in self.results
            for unit in range(result.sweep.units)
            if not result.progress.has(unit)
        ]

    def run(self, jobs: int, advance: Callable[[Sweep], None] = lambda sweep: None) -> None:
        """Do what is pending.

        Parameters
        ----------
        jobs
            Number of processes.
        advance
            Called after each unit.
        """
        pending = self.pending()
        jobs = min(jobs, len(pending), 1 + int(self.cost / WORTH_A_PROCESS))
        try:
            for result, unit, statistics, seconds in _done(pending, jobs):
                result.progress.add(unit, statistics, seconds)
                advance(result.sweep)
                if self._state:
                    self._state.save(now=False)
        finally:
            if self._state:
                self._state.save()


def _done(
    pending: Sequence[tuple[Result, int]], jobs: int
) -> Iterator[tuple[Result, int, Statistics, float]]:
    if jobs <= 1:
        for result, unit in pending:
            yield result, unit, *_work(result.sweep, unit)
        return
    with ProcessPoolExecutor(
        jobs,
        multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(act.current_engine(),),
    ) as pool:
        todo = iter(pending)
        at_work: dict[Future[tuple[Statistics, float]], tuple[Result, int]] = {}
        try:
            while True:
                for result, unit in islice(todo, 2 * jobs - len(at_work)):
                    at_work[pool.submit(_work, result.sweep, unit)] = result, unit
                if not at_work:
                    return
                done, _ = wait(at_work, return_when=FIRST_COMPLETED)
                for future in done:
                    yield *at_work.pop(future), *future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _start(engine: str) -> None:
    # Only the parent is to stop at Ctrl-C: it waits for the units at work and keeps the rest.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    act.use_engine(engine)
    act.set_num_threads(1)


def _work(sweep: Sweep, unit: int) -> tuple[Statistics, float]:
    start = time.process_time()
    return sweep.run(unit), time.process_time() - start
