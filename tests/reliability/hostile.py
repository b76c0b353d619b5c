"""Hostile input: text that wants to be code, forged files, nonsense in the environment."""

from __future__ import annotations

import importlib.util
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact import edge
from fastcpuact.emit.reader import FormulaError
from fastcpuact.jit.module import module_of

from . import check
from .processes import in_process, run

REFUSALS = (TypeError, ValueError, FormulaError)
# Each would leave a file of the name that stands for {}.
PAYLOADS = (
    "y\rimport os; open({0!r}, 'w')",
    'y"""\nimport os; open({0!r}, "w")\n"""',
    "*/ int main(void) {{ system({0!r}); }} /*",
    "x): open({0!r}, 'w')\ndef g(x",
    "__import__('os').system('touch ' + {0!r})",
    "y\x0b\x0c\x1c\x85\u2028open({0!r}, 'w')",
)


def _module(folder: Path, text: str) -> Any:
    """Import a module of some text."""
    path = folder / f"formulas_{abs(hash(text))}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _refused(call: Callable[[], Any], mark: Path) -> None:
    try:
        call()
    except REFUSALS as error:
        assert str(error), "an error without a message"
    else:
        raise AssertionError("nonsense was accepted")
    assert not mark.exists(), "text was executed"


def inject() -> int:
    """Try to have text executed; return how often."""
    tries = 0
    with tempfile.TemporaryDirectory() as name:
        folder, mark = Path(name), Path(name, "executed")

        def simple(x: float, alpha: float = 1.0) -> float:
            return x * alpha

        for payload in (p.format(str(mark)) for p in PAYLOADS):
            for call in (
                lambda p=payload: act.get(p),
                lambda p=payload: act.define(simple, name=p),
                lambda p=payload: act.define(simple, params={p: 1.0}),
                lambda p=payload: edge.export_c("gelu", name=p),
                lambda p=payload: edge.export_c("gelu", prefix=p),
                lambda p=payload: edge.export_c("gelu", method=p),
                lambda p=payload: edge.export_c("gelu", dtype=p),
                lambda p=payload: edge.export_c("elu", params={p: 1.0}),
                lambda p=payload: edge.export_c("elu", params={"alpha": p}),
            ):
                _refused(call, mark)
                tries += 1
            # A docstring is anything; it is printed as a comment, and ends none.
            text = f"def documented(x):\n    {payload!r}\n    return x * 0.5 + x\n"
            documented = act.define(_module(folder, text).documented)
            # What is printed is executed here: the definitions, which Numba compiles later.
            assert module_of(documented.record) is not None
            assert not mark.exists(), f"executed: {payload!r}"
            tries += 1

            # A name that no parser has seen.
            def renamed(x: float) -> float:
                return x * 2.0

            renamed.__name__ = payload
            _refused(lambda f=renamed: act.define(f), mark)
            tries += 1
    return tries


@check(
    "injection",
    "Hostile input",
    "names, parameters, docstrings and options that hold Python or C are refused or stay comments "
    "in what is generated: nothing is executed",
)
def injection(full: bool) -> str:
    return f"{in_process(inject):,} tries: nothing executed"


def strange_formulas() -> int:
    """Define formulas that are huge, deep, recursive or no formulas; return how many."""
    tries = 0
    with tempfile.TemporaryDirectory() as name:
        folder, mark = Path(name), Path(name, "executed")
        bad = [
            "return f(x)",  # recursive
            f"return open({str(mark)!r}, 'w')",
            f"return __import__('os').system('touch {mark}')",
            "return x.__class__",
            "return [x for x in (x,)]",
            "return (lambda: x)()",
            "return eval('x')",
            "return x if x else x",
            "return x + 'y'",
            "return 1e400 * x",
            "return 1" + "0" * 4000 + " * x",
            "return x ** 2",
            "while x: pass\n    return x",
            "x = 1.0\n    return x",
            "global y\n    return x",
            "y: float = x\n    return y",
            "y, z = x\n    return y",
            "return None",
            "return",
            "pass",
            "yield x",
        ]
        for body in bad:
            module = _module(folder, f"def f(x):\n    {body}\n")
            _refused(lambda m=module: act.define(m.f), mark)
            tries += 1
        for depth in (300, 900, 1300, 2000):
            text = f"def f(x):\n    return {' + '.join(['x'] * depth)}\n"
            try:
                module = _module(folder, text)
            except RecursionError:  # too deep for Python itself
                break
            try:
                deep = act.define(module.f)
            except FormulaError:
                pass
            else:
                assert module_of(deep.record) is not None
            tries += 1
        lines = "\n".join(f"    y{k} = y{k - 1} * 0.999 + x" for k in range(1, 300))
        huge = act.define(_module(folder, f"def f(x):\n    y0 = x\n{lines}\n    return y299\n").f)
        assert module_of(huge.record) is not None
        tries += 1
    return tries


@check(
    "strange formulas",
    "Hostile input",
    "a formula that is no formula, recursive, deep or huge is refused with its place and reason, "
    "or works; it is never run as Python",
)
def formulas(full: bool) -> str:
    return f"{in_process(strange_formulas, timeout=900):,} formulas: nothing executed"


VARIABLES = ("FASTCPUACT_LEVEL", "FASTCPUACT_ENGINE", "FASTCPUACT_NUM_THREADS")
NONSENSE = ("nonsense", "-1", "0", "1e9", "∞", " ", "../v4", "v4\nv3", "x" * 10_000, "\udcff")


def imported() -> bool:
    """Import the package and call a function."""
    return float(act.relu(1.0)) == 1.0


@check(
    "environment variables",
    "Hostile input",
    "nonsense in an environment variable is an error that names the variable or the value; empty, "
    "it counts as not set",
)
def variables(full: bool) -> str:
    tries = 0
    for variable in VARIABLES:
        for value in NONSENSE if full else NONSENSE[:2]:
            done = run(imported, options=(), **{variable: value})
            last = done.stderr.strip().splitlines()[-1] if done.stderr else ""
            assert done.returncode == 1, (variable, value, done.returncode)
            assert last.startswith(("ImportError", "ValueError")), (variable, value, last)
            assert variable in last or "got" in last, (variable, value, last)
            tries += 1
    assert in_process(imported, **dict.fromkeys(VARIABLES, ""))
    return f"{tries} values of {len(VARIABLES)} variables refused"


def forged_files(count: int, seed: int) -> tuple[int, int]:
    """Change files of approximants at random; return how many were read and how many refused."""
    rng = np.random.default_rng(seed)
    accepted = refused = 0
    with tempfile.TemporaryDirectory() as name:
        path, forged = Path(name, "good.npz"), Path(name, "forged.npz")
        table = edge.lookup_table("sigmoid", 16)
        table.save(path)
        good = path.read_bytes()
        x = np.linspace(-3, 3, 50, dtype=np.float32)
        expected = table(x)
        with zipfile.ZipFile(path) as archive:
            members = {m: archive.read(m) for m in archive.namelist()}
        for k in range(count):
            data = bytearray(good)
            kind = k % 4
            if kind == 0:
                data = data[: rng.integers(0, len(data))]
            elif kind == 1:
                for at in rng.integers(0, len(data), rng.integers(1, 9)):
                    data[at] = rng.integers(256)
            elif kind == 2:
                at, length = rng.integers(0, len(data)), rng.integers(1, 64)
                data[at : at + length] = rng.bytes(rng.integers(0, 64))
            if kind < 3:
                forged.write_bytes(bytes(data))
            else:  # a sound archive of forged arrays
                changed = {m: bytearray(content) for m, content in members.items()}
                target = changed[list(changed)[rng.integers(len(changed))]]
                for at in rng.integers(0, len(target), rng.integers(1, 5)):
                    target[at] = rng.integers(256)
                with zipfile.ZipFile(forged, "w") as archive:
                    for m, content in changed.items():
                        archive.writestr(m, bytes(content))
            try:
                read = edge.load(forged)
            except (ValueError, OSError):
                refused += 1
            else:
                # Changes of what nobody reads: the table is the right one.
                assert np.array_equal(read(x), expected), k
                accepted += 1
    return accepted, refused


@check(
    "forged files",
    "Hostile input",
    "files of tables that are truncated, changed or sound archives of forged arrays: ValueError, "
    "or the right table; no other exception, no crash, no large allocation",
)
def forged(full: bool) -> str:
    accepted, refused = in_process(forged_files, 20_000 if full else 300, 0, timeout=3600)
    return f"{accepted + refused:,} files, {refused:,} refused, {accepted:,} as the original"
