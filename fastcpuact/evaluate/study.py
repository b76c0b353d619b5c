"""Many runs: their plan, and a file from which an interrupted study goes on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from fastcpuact.version import __version__

from .runs import Outcome, Setup, run


def plan(
    activations: Sequence[str],
    tasks: Sequence[str],
    depths: Sequence[int],
    rates: Sequence[float],
    seeds: int,
    epochs: int,
) -> list[Setup]:
    """Return all combinations; those of one seed first, so that early results compare."""
    return [
        Setup(activation, task, depth, rate, seed, epochs)
        for seed, task, depth, rate, activation in itertools.product(
            range(seeds), tasks, depths, rates, activations
        )
    ]


class State:
    """Outcomes in a file, one on each line, so that nothing is lost when a run is interrupted.

    Parameters
    ----------
    path : path
        The file; it need not be there yet.

    Raises
    ------
    ValueError
        If there is something else in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[Setup, Outcome] = {}
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            try:
                read = json.loads(line)
                version = read.pop("version")
                outcome = Outcome.from_dict(read)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                if number == len(lines) and not line.endswith("\n"):
                    # The line that was being written when the run ended.
                    path.write_text("".join(lines[:-1]), encoding="utf-8")
                    break
                raise ValueError(f"line {number} of {path} is no outcome: {error!r}") from error
            if version == __version__:
                self.outcomes[outcome.setup] = outcome

    def add(self, outcome: Outcome) -> None:
        """Write an outcome down."""
        self.outcomes[outcome.setup] = outcome
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"version": __version__, **outcome.as_dict()}) + "\n")


def study(
    setups: Sequence[Setup], state: State | None, on_run: Callable[[Setup], None] = lambda s: None
) -> list[Outcome]:
    """Do the runs that the state does not have yet; return all outcomes, in order."""
    outcomes = []
    for setup in setups:
        outcome = state.outcomes.get(setup) if state is not None else None
        if outcome is None:
            outcome = run(setup)
            if state is not None:
                state.add(outcome)
        outcomes.append(outcome)
        on_run(setup)
    return outcomes
