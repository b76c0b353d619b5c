"""What was measured of each function: time beside relu, and the largest errors.

``measured.json`` is written by ``fastcpuact record`` from what ``fastcpuact bench --json`` and
``fastcpuact check --json`` wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

YARDSTICK = "relu"
# In cache, long enough for a call to cost little, on one thread.
_SETTING = {
    **{"dtype": "float32", "threads": 1, "result": "out", "inputs": "normal"},
    **{"layout": "contiguous"},
}


@dataclass(frozen=True)
class Cost:
    """How long a form of a function takes.

    Attributes
    ----------
    ns : float
        Nanoseconds for an element.
    relative : float
        Over the time of the same form of relu.
    """

    ns: float
    relative: float


@dataclass(frozen=True)
class Error:
    """The largest error that was found of a formula, in units in the last place.

    Attributes
    ----------
    ulp : float
        The error.
    bound : float
        The stated bound at that time.
    inputs : int
        Of how many inputs.
    every_input : bool
        Whether there are no others.
    at : float or str
        Where it occurred.
    """

    ulp: float
    bound: float
    inputs: int
    every_input: bool
    at: float | str


@cache
def _measured() -> dict[str, Any]:
    file = files(__package__).joinpath("measured.json")
    read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return read


def costs(name: str) -> dict[str, Cost]:
    """Return the cost of each form of a function that was timed, by form."""
    ns: dict[str, dict[str, float]] = _measured()["speed"]["ns"]
    return {
        form: Cost(time, time / ns[YARDSTICK][form])
        for form, time in ns.get(name, {}).items()
        if form in ns[YARDSTICK]
    }


def errors(name: str) -> dict[str, dict[str, Error]]:
    """Return the largest error of each formula of a function, by formula and dtype."""
    found = _measured()["accuracy"].get(name, {})
    return {
        formula: {dtype: Error(**error) for dtype, error in by_dtype.items()}
        for formula, by_dtype in found.items()
    }


def conditions() -> str:
    """Say on what the times were measured."""
    speed = _measured()["speed"]
    machine = speed["machine"]
    level = f", level {machine['level']}" if machine["level"] else ""
    return (
        f"{speed['dtype']}, {speed['elements']:,} elements, one thread; {machine['processor']}, "
        f"{machine['engine']} engine{level}, on {speed['started'][:10]}"
    )


def condense(
    speed: Mapping[str, Any], accuracy: Iterable[Mapping[str, Any]], elements: int
) -> dict[str, Any]:
    """Put together what is to be remembered of results.

    Parameters
    ----------
    speed : mapping
        What ``fastcpuact bench --json`` wrote.
    accuracy : iterable of mapping
        What ``fastcpuact check --json`` printed.
    elements : int
        At which size functions are compared.

    Raises
    ------
    ValueError
        If relu was not timed, or an error is above its bound: that is a defect to be mended.
    """
    ns: dict[str, dict[str, float]] = {}
    for cell in speed["cells"]:
        case = cell["case"]
        alike = all(case[key] == value for key, value in _SETTING.items())
        if alike and case["size"] == elements and case["axis"] in (None, -1):
            median = cell["measurements"]["fastcpuact"]["ns"][1]
            ns.setdefault(case["name"], {})[case["form"]] = float(f"{median / elements:.4g}")
    if YARDSTICK not in ns:
        raise ValueError(f"{YARDSTICK} was not timed: nothing can be related to it")
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in accuracy:
        if row["tier"] != "exact" or row["parameters"] != "default":
            continue
        if not row["passed"]:
            raise ValueError(f"{row['activation']}.{row['formula']} did not pass the check")
        by_dtype = found.setdefault(row["activation"], {}).setdefault(row["formula"], {})
        by_dtype[row["dtype"]] = {
            "ulp": float(f"{row['largest_error']:.4g}"),
            "bound": row["bound"],
            "inputs": row["inputs"],
            "every_input": row["every_input"],
            "at": row["at"]["x"],
        }
    machine = {key: speed["machine"][key] for key in ("processor", "engine", "level", "system")}
    return {
        "speed": {
            "started": speed["started"],
            "versions": speed["versions"],
            "machine": machine,
            "dtype": _SETTING["dtype"],
            "elements": elements,
            "ns": ns,
        },
        "accuracy": found,
    }


def write(measured: Mapping[str, Any], path: Path) -> None:
    """Write a file as `costs` and `errors` read it."""
    path.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n", encoding="utf-8")
