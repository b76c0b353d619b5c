"""A page for each activation, written from its record: picture, formula, bounds, cost, calls."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.ext.napoleon import Config, NumpyDocstring

import fastcpuact as act
from fastcpuact import plot
from fastcpuact.info import LIBRARIES, Info, measured
from fastcpuact.info.facts import facts

KINDS = {
    "elementwise": "Of one element",
    "gated": "Gated pairs",
    "rowwise": "Along an axis",
    "groupwise": "Of groups of neighbours",
    "randomized": "With a random generator",
}
_NAPOLEON = Config(napoleon_use_rtype=False)
# What the page says elsewhere than in its list of facts.
_APART = {"error, float32", "error, float64", "cost", "paper", "used in", "beware", "kind"}


def write(folder: Path) -> None:
    """Write the index and all pages; a picture only where its activation's page has changed."""
    folder.mkdir(exist_ok=True)
    _write(folder / "index.rst", "\n".join(_index()))
    for name in act.names(None):
        picture = folder / f"{name}.svg"
        text = "\n".join(_page(act.get(name), picture.name))
        changed = _write(folder / f"{name}.rst", text)
        if _has_curve(name) and (changed or not picture.exists()):
            plot.activation(name).savefig(picture)
    gallery = folder / "gallery.svg"
    if not gallery.exists():
        plot.gallery().savefig(gallery)


def _has_curve(name: str) -> bool:
    return act.get(name).info.properties is not None


def _write(path: Path, text: str) -> bool:
    """Write a file unless it says that already, which spares Sphinx from reading it again."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def _heading(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _index() -> Iterator[str]:
    yield from _heading("Activations", "=")
    yield "Values in blue, slopes dashed. A click on a name below leads to its page."
    yield ""
    yield from (".. image:: gallery.svg", "   :alt: curves of all elementwise activations", "")
    for kind, title in KINDS.items():
        yield from _heading(title, "-")
        rows = [["name", "", "range", "cost"]]
        for name in act.names(kind):
            info = act.get(name).info
            range_ = str(info.properties.range) if info.properties else ""
            cost = info.costs.get("value")
            rows.append([f":doc:`{name}`", info.title, range_, _times(cost)])
        yield from _table(rows)
        yield from (".. toctree::", "   :hidden:", "")
        yield from (f"   {name}" for name in act.names(kind))
        yield ""
    yield f"Cost: time over that of relu; {measured.conditions()}."
    yield ""


def _times(cost: measured.Cost | None) -> str:
    return f"{cost.relative:.2g}×" if cost else ""


def _page(f: Any, picture: str) -> Iterator[str]:
    info: Info = f.info
    yield from _heading(info.name, "=")
    uses = "; ".join(info.used)
    yield f"*{info.title}.* {_escaped(uses[:1].upper() + uses[1:])}."
    yield ""
    if info.properties is not None:
        yield from (f".. image:: {picture}", f"   :alt: f, f' and f'' of {info.name}", "")
    shown = [[label, _verbatim(label, text)] for label, text in facts(info) if text]
    yield from _table([row for row in shown if row[0] not in _APART], header=False)
    if info.pitfalls:
        yield from _heading("Beware", "-")
        yield from (f"- {pitfall}" for pitfall in map(_escaped, info.pitfalls))
        yield ""
    if info.paper:
        yield from (_escaped(info.paper) + ".", "")
    if info.bounds:
        yield from _heading("Errors", "-")
        yield from _table(_errors(info))
        yield "In units in the last place: the largest error that was measured, of which stated"
        yield "bound, over how many inputs."
        yield ""
    if info.costs:
        yield from _heading("Cost", "-")
        rows = [["form", "ns an element", "over relu"]]
        rows += [[form, f"{c.ns:.3g}", _times(c)] for form, c in info.costs.items()]
        yield from _table(rows)
        yield f"Measured: {measured.conditions()}."
        yield ""
    yield from _heading("Calls", "-")
    for path, call in _calls(f):
        yield from _documented(path, call)


def _verbatim(label: str, text: str) -> str:
    return f"``{text}``" if label in LIBRARIES.values() else _escaped(text)


def _escaped(text: str) -> str:
    return "".join("\\" + c if c in "*|`_\\" else c for c in text)


def _table(rows: list[list[str]], header: bool = True) -> Iterator[str]:
    yield ".. list-table::"
    if header:
        yield "   :header-rows: 1"
    yield ""
    for row in rows:
        for place, cell in enumerate(row):
            yield f"   {'* -' if place == 0 else '  -'} {cell}".rstrip()
    yield ""


def _errors(info: Info) -> list[list[str]]:
    dtypes = ("float32", "float64")
    rows = [["formula", *dtypes]]
    for formula, bounds in info.bounds.items():
        cells = []
        for dtype in dtypes:
            error = info.errors.get(formula, {}).get(dtype)
            found = f"{error.ulp:.3g} of " if error else "not measured; "
            of = ""
            if error:
                of = ", every input" if error.every_input else f", {error.inputs:,} inputs"
            cells.append(f"{found}{bounds[dtype]:g}{of}" if dtype in bounds else "")
        rows.append([formula, *cells])
    return rows


def _calls(f: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is called as ``fastcpuact.…``: the function and its forms."""
    yield f.name, f
    if f.kind in ("elementwise", "gated"):
        for form in f.record.forms:
            if form != "value":
                yield f"{f.name}.{form}", getattr(f, form)
        if f.kind == "elementwise":
            yield f"{f.name}.fast", f.fast
        else:
            yield from ((f"{f.name}.{m}", getattr(f, m)) for m in ("packed", "packed_backward"))
    elif hasattr(f, "backward"):
        yield f"{f.name}.backward", f.backward


def _documented(path: str, call: Any) -> Iterator[str]:
    """Yield a description of a callable, made of its docstring."""
    yield f".. py:function:: fastcpuact.{path}{_plain(inspect.signature(call))}"
    yield "   :no-index-entry:" if "." in path else ""
    yield ""
    text = inspect.cleandoc(call.__doc__ or "")
    for line in str(NumpyDocstring(text, _NAPOLEON)).splitlines():
        is_code = line.lstrip().startswith((">>>", "..."))
        # Bars are absolute values, not substitutions.
        yield f"   {line if is_code else line.replace('|', chr(92) + '|')}".rstrip()
    yield ""


def _plain(signature: inspect.Signature) -> str:
    """Write a signature without annotations."""
    empty = inspect.Parameter.empty
    parameters = [p.replace(annotation=empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=empty))
