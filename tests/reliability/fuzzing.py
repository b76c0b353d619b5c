"""Coverage-guided fuzzing of what takes untrusted input, by atheris (libFuzzer)."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import linecache
import re
import tempfile
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastcpuact as act
from fastcpuact.emit.numba import numba_module

from . import Unavailable, check
from .processes import run

# Of libFuzzer.  Short inputs would leave most choices at their first.
OPTIONS = ("-max_len=400", "-len_control=0", "-seed=1")
# What refuses: anything else that is raised is a finding.
REFUSALS = (TypeError, ValueError, SyntaxError)
# The modules whose branches guide the fuzzer, by target.
INSTRUMENTED = {
    "arguments": ["activation", "rowwise", "gated", "randomized"],
    "language": ["emit.reader", "emit.printer", "emit.numba", "emit.derivative", "defined"],
    "files": ["edge.container", "edge.approximant", "edge.tables"],
    "export": ["edge.export", "edge.c_header", "edge.c_formulas", "emit.c99"],
}


def _arrays(data: Any, count: int) -> list[Any]:
    """Make operands of bytes: arrays of many kinds, numbers, nonsense."""
    made: list[Any] = []
    shape = tuple(data.ConsumeIntInRange(0, 5) for _ in range(data.ConsumeIntInRange(0, 3)))
    for _ in range(count):
        kind = data.ConsumeIntInRange(0, 11)
        size = int(np.prod(shape))
        dtype = np.dtype(data.PickValueInList(["f2", "f4", "f8", ">f4", "i1", "i8", "?", "c8"]))
        raw = data.ConsumeBytes(size * dtype.itemsize).ljust(size * dtype.itemsize, b"\1")
        array = np.frombuffer(raw, dtype).reshape(shape)
        if kind == 0:
            made.append(data.PickValueInList([None, "x", 1, 2.5, [1.0, "y"], {}, object, 1j]))
        elif kind == 1:
            made.append(array.tolist())
        elif kind == 2:
            made.append(array[..., ::-1] if array.ndim else array)
        elif kind == 3:
            made.append(array.T)
        elif kind == 4 and made:
            made.append(made[-1])
        else:
            made.append(array.copy())
    return made


def arguments(data: Any) -> None:
    """Call functions with arguments of all kinds."""
    f = act.get(data.PickValueInList(act.names(None)))
    name = data.PickValueInList(["", "grad", "backward", "value_and_grad", "param_grads", "fast"])
    f = getattr(f, name, f) if name else f
    operands = _arrays(data, data.ConsumeIntInRange(0, 5))
    keywords: dict[str, Any] = {}
    for _ in range(data.ConsumeIntInRange(0, 3)):
        key = data.PickValueInList(
            ["out", "where", "dtype", "casting", "order", "axis", "alpha", "beta", "subok", "nope"]
        )
        value = data.PickValueInList(
            [None, 0, 1, -1, True, "f4", "C", "unsafe", (), 0.5, 1e300, float("nan")]
        )
        keywords[key] = _arrays(data, 1)[0] if data.ConsumeBool() else value
    with np.errstate(all="ignore"):
        f(*operands, **keywords)


# What expressions are made of: {} stands for another one.
LEAVES = ("x", "alpha", "y0", "y1", "1.0", "-0.5", "2", "1e400", "True", "None", "'s'", "C", "T")
NODES = (
    *("{} + {}", "{} - {}", "({}) * {}", "{} / ({})", "-({})", "{} if {} < {} else {}", "{} ** {}"),
    *("exp({})", "log1p({})", "act.tanh({})", "act.gelu.grad({})", "act.elu({}, alpha={})"),
    *("polynomial({}, T)", "fma({}, {}, {})", "clip({}, {}, {})", "f({})", "open({})", "({}, {})"),
    *(
        "{}.hi",
        "[{}]",
        "lambda x: {}",
        "{} if {} else {}",
        "{} == {}",
        "({})({})",
        "minimum({}, {})",
    ),
)
STATEMENTS = ("y0 = {}", "y1 = {}", "y0, y1 = {}", "x = {}", "return {}", "{}", "y1: float = {}")


def _expression(data: Any, depth: int) -> str:
    if depth == 0 or data.ConsumeIntInRange(0, 2) == 0:
        return data.PickValueInList(list(LEAVES))
    node = data.PickValueInList(list(NODES))
    return node.format(*(_expression(data, depth - 1) for _ in range(node.count("{}"))))


def language(data: Any) -> None:
    """Read a formula of random expressions, and print it for Numba if it is one."""
    lines = [
        data.PickValueInList(list(STATEMENTS)).format(_expression(data, 3))
        for _ in range(data.ConsumeIntInRange(0, 3))
    ]
    lines.append("return " + _expression(data, 4))
    parameters = data.PickValueInList(["x", "x, alpha=1.0", "x, alpha", "alpha", "x, *alpha", ""])
    body = "\n    ".join(lines)
    text = (
        "import fastcpuact as act\nfrom fastcpuact.language import *\n"
        f"C = 2.5\nT = (1.0, 2.0)\ndef f({parameters}):\n    {body}\n"
    )
    path = Path(_FOLDER.name, "formula.py")
    path.write_text(text)
    names: dict[str, Any] = {"__name__": "formula"}
    exec(compile(text, str(path), "exec"), names)
    linecache.checkcache(str(path))
    made = act.define(names["f"])
    numba_module([made.record], with_rows=False)


def files(data: Any) -> None:
    """Load a file that is a mutation of a good one."""
    from fastcpuact import edge

    good = _good_file()
    changed = bytearray(good)
    for _ in range(data.ConsumeIntInRange(0, 6)):
        at = data.ConsumeIntInRange(0, len(changed) - 1)
        piece = data.ConsumeBytes(data.ConsumeIntInRange(0, 8))
        changed[at : at + data.ConsumeIntInRange(0, 8)] = piece
        if not changed:
            break
    path = Path(_FOLDER.name, "forged.npz")
    path.write_bytes(bytes(changed))
    with contextlib.suppress(OSError):
        edge.load(path)


def export(data: Any) -> None:
    """Export with options of all kinds."""
    from fastcpuact import edge

    options: dict[str, Any] = {}
    for key in ("method", "prefix", "name", "dtype"):
        if data.ConsumeBool():
            choices = ["exact", "fast", "float32", "float64", "act_", "int", "é", 1, None]
            text = data.ConsumeUnicode(12)
            options[key] = text if data.ConsumeBool() else data.PickValueInList(choices)
    if data.ConsumeBool():
        value = data.PickValueInList([0.5, -1.0, float("inf"), 1e39, True, "1", None])
        options["params"] = {data.PickValueInList(["alpha", "beta", "x", ""]): value}
    name = data.PickValueInList(["relu", "elu", "hardtanh", "threshold", "", "nope", 3])
    assert "*/ " not in edge.export_c(name, **options).replace("*/\n", "")


_FOLDER: Any = None


def _good_file() -> bytes:
    from fastcpuact import edge

    path = Path(_FOLDER.name, "good.npz")
    if not path.exists():
        edge.lookup_table("sigmoid", 16).save(path)
    return path.read_bytes()


TARGETS: dict[str, Callable[[Any], None]] = {
    f.__name__: f for f in (arguments, language, files, export)
}


def fuzz(name: str, executions: int) -> None:
    """Fuzz a target in this process, which ends with it."""
    global _FOLDER
    import atheris

    _FOLDER = tempfile.TemporaryDirectory()
    warnings.simplefilter("ignore")
    target = TARGETS[name]
    for known in INSTRUMENTED[name]:
        module = importlib.import_module(f"fastcpuact.{known}")
        for value in list(vars(module).values()):
            if getattr(value, "__module__", "") == module.__name__:
                _instrument(atheris, value)

    def once(given: bytes) -> None:
        with contextlib.suppress(REFUSALS):
            target(atheris.FuzzedDataProvider(given))

    options = [f"-runs={executions}", f"-artifact_prefix={_FOLDER.name}/", *OPTIONS]
    atheris.Setup(["fuzz", *options], once)
    atheris.Fuzz()


def _instrument(atheris: Any, value: Any) -> None:
    """Let the branches of a function, or of the methods of a class, guide the fuzzer."""
    if isinstance(value, types.FunctionType):
        atheris.instrument_func(value)
    elif isinstance(value, type):
        for method in vars(value).values():
            if isinstance(method, types.FunctionType):
                atheris.instrument_func(method)


@check(
    "fuzzing",
    "Hostile input",
    "arguments of calls, texts of formulas, files of tables and export options, found by a fuzzer "
    "that looks for new branches: refused with TypeError, ValueError or SyntaxError, or right",
    long=True,
)
def fuzzing(full: bool) -> str:
    if importlib.util.find_spec("atheris") is None:
        raise Unavailable("needs atheris: pip install atheris")
    amounts = {"arguments": 200_000, "language": 50_000, "files": 20_000, "export": 5_000}
    done = []
    for name, amount in amounts.items():
        executions = amount if full else amount // 100
        ended = run(fuzz, name, executions, options=(), timeout=7200)
        found = re.search(r"Done (\d+) runs", ended.stderr)
        assert found is not None, f"{name}: {ended.stderr[-3000:]}"
        branches = re.findall(r"ft: (\d+)", ended.stderr)
        done.append(f"{name} {int(found[1]):,} executions, {branches[-1]} features")
    return "; ".join(done) + ": 0 findings"
