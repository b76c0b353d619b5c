"""What many runs say of an activation: medians, and how far the runs spread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .runs import Outcome


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of some runs; a run without a figure counts as the worst."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None], worst: float) -> Spread:
        """Take the quartiles; they are values of runs, so that infinities stay what they are."""
        filled = [worst if value is None else value for value in values]
        low, median, high = np.quantile(filled, [0.25, 0.5, 0.75], method="nearest")
        return cls(float(low), float(median), float(high))

    def as_dict(self) -> dict[str, float | None]:
        """Return the three for JSON, where None stands for what is not finite."""
        return {name: x if np.isfinite(x) else None for name, x in asdict(self).items()}


@dataclass(frozen=True)
class Summary:
    """What the runs of one activation showed in one task.

    Attributes
    ----------
    activation, task : str
        Of which runs.
    rate : float
        The rate with the lowest median loss in training; what follows is of it, unless said.
    runs : int
        How many, over all seeds and depths.
    score : Spread
        In the test.
    converged : Spread
        After how many epochs; infinite where a run did not.
    diverged : float
        Share of the runs with any rate that diverged.
    flow : Spread
        Gradient norm of the first layer over that of the last, before training.
    dead, saturated : float
        Mean shares, after training.
    milliseconds : Spread
        For an epoch.
    """

    activation: str
    task: str
    rate: float
    runs: int
    score: Spread
    converged: Spread
    diverged: float
    flow: Spread
    dead: float
    saturated: float
    milliseconds: Spread

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            name: value.as_dict() if isinstance(value, Spread) else value
            for name, value in vars(self).items()
        }


def summarize(outcomes: Sequence[Outcome]) -> list[Summary]:
    """Summarize runs by task and activation, in the order in which they come."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        key = outcome.setup.task, outcome.setup.activation
        groups.setdefault(key, []).append(outcome)
    return [_summary(task, name, group) for (task, name), group in groups.items()]


def _summary(task: str, activation: str, group: Sequence[Outcome]) -> Summary:
    by_rate: dict[float, list[Outcome]] = {}
    for outcome in group:
        by_rate.setdefault(outcome.setup.rate, []).append(outcome)
    # By the loss in training: the test must not choose.
    rate = min(by_rate, key=lambda r: Spread.of((o.loss[-1] for o in by_rate[r]), np.inf).median)
    runs = by_rate[rate]

    def spread(figure: Callable[[Outcome], float | None], worst: float) -> Spread:
        return Spread.of(map(figure, runs), worst)

    return Summary(
        activation=activation,
        task=task,
        rate=rate,
        runs=len(runs),
        score=spread(lambda o: o.score, -np.inf),
        converged=spread(lambda o: o.converged, np.inf),
        diverged=float(np.mean([o.diverged for o in group])),
        flow=spread(lambda o: o.flow, np.inf),
        dead=float(np.mean([o.dead for o in runs])),
        saturated=float(np.mean([o.saturated for o in runs])),
        milliseconds=spread(lambda o: 1e3 * o.seconds, np.inf),
    )


def ranks(summaries: Sequence[Summary]) -> dict[str, float]:
    """Return the mean place of each activation over all tasks by its median score, best first."""
    places: dict[str, list[int]] = {}
    for task in dict.fromkeys(s.task for s in summaries):
        scores = {s.activation: s.score.median for s in summaries if s.task == task}
        for name, score in scores.items():
            better = sum(other > score for other in scores.values())
            places.setdefault(name, []).append(1 + better)
    means = {name: float(np.mean(found)) for name, found in places.items()}
    return dict(sorted(means.items(), key=lambda item: item[1]))
