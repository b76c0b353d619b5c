"""What has been checked, kept in a file from which an interrupted check goes on."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .statistics import Statistics, natural
from .sweep import Sweep

FORMAT = "fastcpuact check, 1"

# Seconds between two writings of the file: what is lost when the process is killed.
INTERVAL = 1.0


class StateError(Exception):
    """The file holds something else, or cannot be read."""


@dataclass(frozen=True)
class Done:
    """What has been done of a sweep.

    Attributes
    ----------
    units
        The units of work, as bits of a number.
    statistics
        Of these units.
    seconds
        Processor time that they took.
    """

    units: int = 0
    statistics: Statistics = field(default_factory=Statistics)
    seconds: float = 0.0


@dataclass
class Progress:
    """How far a sweep has come, with what its fingerprint stands for."""

    fingerprint: str
    done: Done = field(default_factory=Done)

    def add(self, unit: int, statistics: Statistics, seconds: float) -> None:
        """Add what was found in a unit."""
        if self.has(unit):
            raise ValueError(f"unit {unit} has been added before")
        done = self.done
        # One assignment: an interrupt comes before it or after it.
        self.done = Done(
            done.units | 1 << unit, done.statistics + statistics, done.seconds + seconds
        )

    def has(self, unit: int) -> bool:
        """Whether a unit is done."""
        return bool(self.done.units >> unit & 1)


class State:
    """The progress of sweeps, by their descriptions.

    Parameters
    ----------
    path
        Of the file; it need not exist.

    Raises
    ------
    StateError
        If the file is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved = time.monotonic()
        self._known: dict[str, Progress] = self._read()

    def progress(self, sweep: Sweep, fingerprint: str) -> tuple[Progress, bool]:
        """Return the progress of a sweep, and whether it is new in place of an outdated one."""
        known = self._known.get(str(sweep))
        if known is None or known.fingerprint != fingerprint:
            new = self._known[str(sweep)] = Progress(fingerprint)
            return new, known is not None
        if known.done.units >> sweep.units:
            raise self._error(f"{sweep} has {sweep.units} units of work")
        return known, False

    def save(self, *, now: bool = True) -> None:
        """Write the file in one step; unless `now`, only if that was some time ago."""
        if not now and time.monotonic() - self._saved < INTERVAL:
            return
        sweeps = {
            name: {
                "fingerprint": progress.fingerprint,
                "done": f"{progress.done.units:x}",
                "statistics": progress.done.statistics.as_dict(),
                "seconds": progress.done.seconds,
            }
            for name, progress in self._known.items()
        }
        new = self._path.with_name(self._path.name + ".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "sweeps": sweeps}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        self._saved = time.monotonic()

    def _read(self) -> dict[str, Progress]:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            if data["format"] != FORMAT:
                raise ValueError(f"its format is {data['format']!r}, not {FORMAT!r}")
            return {name: _progress(entry) for name, entry in data["sweeps"].items()}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._error(error.strerror) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._error(error) from error

    def _error(self, reason: object) -> StateError:
        return StateError(
            f"{self._path} is not a state of fastcpuact check ({reason}): "
            "delete it, or name another file"
        )


def _progress(entry: Any) -> Progress:
    done = Done(
        natural(int(entry["done"], 16)),
        Statistics.from_dict(entry["statistics"]),
        float(entry["seconds"]),
    )
    return Progress(str(entry["fingerprint"]), done)
