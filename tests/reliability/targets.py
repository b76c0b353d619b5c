"""Everything that runs a kernel, as one kind of thing: what the checks iterate over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.activation import Form
from fastcpuact.rowwise import Rowwise

DTYPES = (np.float16, np.float32, np.float64)
# Of a parameter without default.
REQUIRED = 0.5


@dataclass(frozen=True)
class Elementwise:
    """One form of an activation or of a gated pair, with numbers as parameters."""

    form: Form
    params: tuple[float, ...]

    @property
    def name(self) -> str:
        return self.form.__name__

    @property
    def nin(self) -> int:
        return len(self.form.form.operands)

    @property
    def nout(self) -> int:
        return len(self.form.form.results)

    def ufunc(self, *operands: Any, **kwargs: Any) -> Any:
        """Call the ufunc."""
        return self.form.ufunc(*operands, *self.params, **kwargs)

    def short(self, *operands: Any, **kwargs: Any) -> Any:
        """Call as users do; parameter gradients, which are sums, by their ufunc."""
        if self.form.form.name == "param_grads":
            return self.ufunc(*operands, **kwargs)
        given = self.params if self.form.record.defaults is None else ()
        return self.form(*operands, *given, **kwargs)


def elementwise() -> Iterator[Elementwise]:
    """Every form of every tier."""
    for name in act.names(None):
        f = act.get(name)
        if f.kind == "elementwise":
            tiers: tuple[Any, ...] = (f, f.fast)
        elif f.kind == "gated":
            tiers = (f,)
        else:
            continue
        for tier in tiers:
            for form in tier.record.forms_in(getattr(tier, "is_fast", False)):
                made = tier if form == "value" else getattr(tier, form)
                given = tier.params.values()
                yield Elementwise(made, tuple(REQUIRED if v is None else v for v in given))


@dataclass(frozen=True)
class Rows:
    """A function along an axis, or its gradient."""

    name: str
    function: Any
    nin: int
    to_numbers: bool  # whether the result has one number for each row

    def __call__(self, *operands: Any, axis: int = -1, out: Any = None) -> Any:
        return self.function(*operands, axis=axis, out=out)


def rowwise() -> Iterator[Rows]:
    """Every function along an axis and every gradient."""
    for name in act.names("rowwise"):
        f: Rowwise = act.get(name)
        reduces = name == "logsumexp"
        yield Rows(name, f, 1, reduces)
        if not reduces:
            yield Rows(f"{name}.backward", f.backward, 2, False)  # type: ignore[attr-defined]


def as_tuple(result: Any) -> tuple[Any, ...]:
    """Return one result or several as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def bits(array: Any) -> np.ndarray:
    """Return the bits of floats, all NaN as one: nobody promises their payload."""
    array = np.ascontiguousarray(array)
    array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    return array.view(f"u{array.itemsize}")


def same_bits(a: Any, b: Any) -> bool:
    """Whether results are the same, bit for bit."""
    return all(
        x.dtype == y.dtype and np.array_equal(bits(x), bits(y))
        for x, y in zip(as_tuple(a), as_tuple(b), strict=True)
    )


def sample(n: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    """Numbers where functions are curved, and a few that are special."""
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=4, size=n)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-310, 3e4, -3e4])
    at = rng.random(n) < 0.1
    x[at] = rng.choice(special, at.sum())
    with np.errstate(all="ignore"):
        return x.astype(dtype)
