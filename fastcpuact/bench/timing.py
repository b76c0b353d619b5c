"""Times calls in turns, so that whatever else the machine does falls on all of them."""

from __future__ import annotations

import gc
import random
import time
import timeit
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import quantiles

from .peers import Call

# A batch of calls is long beside the clock's resolution, and short beside a time slice.
BATCH_NS = 400_000
# Each takes part in at least so many rounds, and in no more than so many.
LEAST_ROUNDS, MOST_ROUNDS = 5, 41
# Of these and longer calls a few are enough: they average over much themselves.
LONG_NS, LEAST_LONG_ROUNDS = 100_000_000, 3
# Threads that have done their work keep their processors busy for a while, in case there is more:
# so long is waited until those of the library before have gone to sleep.
PAUSE = 0.02
# A sleeping processor of a virtual machine may take milliseconds to wake: so long each library runs
# before it is timed, and the batches are longer.
WARM_NS = 15_000_000
THREADS_BATCH_NS = 4_000_000
THREADS_MOST_ROUNDS = 9


@dataclass
class Timed:
    """The times of one call.

    Attributes
    ----------
    inner : int
        How many calls a batch has.
    ns : list of float
        Nanoseconds a call, one for each batch.
    """

    inner: int
    ns: list[float] = field(default_factory=list)

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """The lower quartile, the median and the upper quartile."""
        if len(self.ns) == 1:
            return (self.ns[0],) * 3
        low, middle, high = quantiles(self.ns, n=4, method="inclusive")
        return low, middle, high


def timer(call: Call) -> timeit.Timer:
    """Return a timer of the call as a user writes it, in nanoseconds."""
    names = [f"operand{k}" for k in range(len(call.operands))]
    space = dict(zip(names, call.operands, strict=True)) | {"function": call.function}
    if call.out is not None:
        space["out"] = call.out
        names.append(f"{call.out_name}=out")
    return timeit.Timer(f"function({', '.join(names)})", timer=time.perf_counter_ns, globals=space)


def interleave(
    calls: Mapping[str, Call], seconds: float = 0.03, pauses: bool = False
) -> dict[str, Timed]:
    """Time calls in turns: each round in another order, one batch of each that has time left.

    Parameters
    ----------
    calls : mapping of str to Call
        Called once already: nothing has to be compiled or allocated any more.
    seconds : float
        The time that each has for itself.
    pauses : bool
        Whether to wait before each batch until the threads of the one before are idle, and until
        its own are awake.

    Returns
    -------
    dict of str to Timed
        The times, by the same names.
    """
    timers = {name: timer(call) for name, call in calls.items()}
    length = THREADS_BATCH_NS if pauses else BATCH_NS
    most_rounds = THREADS_MOST_ROUNDS if pauses else MOST_ROUNDS
    timed = {name: Timed(_batch(timers[name], length)) for name in calls}
    spent = dict.fromkeys(calls, 0.0)
    order = random.Random(0)
    running = list(calls)
    gc.collect()
    while running:
        order.shuffle(running)
        for name in running:
            if pauses:
                time.sleep(PAUSE)
            record = timed[name]
            if record.inner > 1 or pauses:
                once = timers[name].timeit(1)  # fetches its data
            if pauses:
                timers[name].timeit(int(WARM_NS // max(once, 1)))
            ns = timers[name].timeit(record.inner)
            spent[name] += ns
            record.ns.append(ns / record.inner)
        running = [
            name
            for name in running
            if len(timed[name].ns) < _least(timed[name])
            or (spent[name] < seconds * 1e9 and len(timed[name].ns) < most_rounds)
        ]
    return timed


def _batch(timer: timeit.Timer, length: int) -> int:
    """Return how many calls take about so many nanoseconds."""
    once = min(timer.timeit(1) for _ in range(2))
    if once >= length:
        return 1
    several = max(1, round(length / 10 / max(once, 1)))
    return max(1, round(length * several / max(timer.timeit(several), 1)))


def _least(record: Timed) -> int:
    return LEAST_LONG_ROUNDS if min(record.ns) > LONG_NS else LEAST_ROUNDS
