"""What people know of each function, from the file of that name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class Knowledge:
    """What is known of a function beside what can be computed from it.

    Attributes
    ----------
    title : str
        The name in full.
    torch, jax, keras, onnx : str or None
        How these libraries spell it; None where they do not have it.
    paper : str or None
        Where it comes from.
    used, pitfalls : list of str
        Where it is used, and what to beware of.
    typical : mapping of str to float
        Values for parameters without default.
    """

    title: str
    torch: str | None = None
    jax: str | None = None
    keras: str | None = None
    onnx: str | None = None
    paper: str | None = None
    used: list[str] = field(default_factory=list)
    pitfalls: list[str] = field(default_factory=list)
    typical: Mapping[str, float] = field(default_factory=dict)


@cache
def knowledge() -> Mapping[str, Knowledge]:
    """Return what is known of each function, by its canonical name."""
    text = files(__package__).joinpath("knowledge.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text).items()
    return MappingProxyType({name: Knowledge(**entry) for name, entry in entries})
